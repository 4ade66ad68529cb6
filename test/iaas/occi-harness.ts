/** Sites of type `occi` for tests: the adapter, a faulty proxy, and behind it a whole VEP or a server that knows no more than text. */

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { JsonObject } from '../../src/base/json.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import type { FaultKind } from '../../src/iaas/adapters/simulator/faults.js';
import { createSimulator } from '../../src/iaas/adapters/simulator/simulator.js';
import { occi } from '../../src/iaas/adapters/occi/site-type.js';
import { faultsOnTheWire, type Harness, type Wire } from '../support/adapter-suite.js';
import { FakeOcci, type TextForm } from '../support/fake-occi.js';
import { FaultyProxy, type WireRequest } from '../support/faulty-proxy.js';
import { startTestServer, type TestServer } from '../support/server.js';
import { qcow2 } from './simulator-harness.js';
import { runLog } from '../support/run.js';

const GIB = 2 ** 30;
const REQUESTS: Readonly<Record<string, (request: WireRequest) => boolean>> = {
  createCompute: creates('compute'),
  createNetwork: creates('network'),
  createStorage: creates('storage'),
  attachNic: creates('networkinterface'),
  attachStorage: creates('storagelink'),
  createSecurityGroup: creates('securitygroup'),
  actCompute: ({ method, path }) => method === 'POST' && path.includes('?action='),
  saveCompute: ({ method, path }) => method === 'POST' && path.endsWith('?action=save'),
  delete: ({ method }) => method === 'DELETE',
  describe: ({ method, path }) => method === 'GET' && /\/compute\/[^/?]+$/.test(path),
  inventory: ({ method, path }) => method === 'GET' && path.endsWith('/storage/'),
};

function creates(term: string): (request: WireRequest) => boolean {
  return ({ method, path }) => method === 'POST' && path.endsWith(`/${term}/`);
}

export function isRequestOf(operation: string, request: WireRequest): boolean {
  return REQUESTS[operation]?.(request) ?? false;
}

const IMAGES = join(packageRoot, 'examples/single-vm/images');
/** OS template of a VEP that is a site, and its configuration. */
export const TEMPLATE = 'http://schemas.contrail-project.eu/occi/os_tpl#debian12';
export const TEMPLATES = {
  images: { fileRoots: [IMAGES] },
  templates: { os: [{ term: 'debian12', title: 'Debian 12', image: pathToFileURL(join(IMAGES, 'base.qcow2')).href }] },
};

export const CAPACITY = { cores: 96, memoryGiB: 256, storageGiB: 2048, country: 'DE' };

export function openOcci(options: JsonObject, directory: string, site = 'peer'): Promise<SiteAdapter> {
  const quick = { events: { pollMs: 5 }, patience: { pollMs: 5, settleMs: 10_000 }, templateless: true };
  return occi.read({ capacity: CAPACITY, ...quick, ...options })({
    site,
    clock: systemClock,
    log: runLog(),
    data: { directory },
  });
}

/** A VEP over a simulated site, as the site of an adapter. */
export async function vepHarness(rendering = 'auto'): Promise<Harness & { readonly server: TestServer }> {
  const host = { rack: 'r1', zone: 'z1', country: 'DE', cores: 16, memoryBytes: 64 * GIB };
  const hosts = Array.from({ length: 6 }, (_, index) => ({ ...host, name: `h${index + 1}` }));
  const site = { hosts, storageBytes: 2048 * GIB };
  const server = await startTestServer({ site, config: TEMPLATES });
  const directory = mkdtempSync(join(tmpdir(), 'vep-occi-'));
  const token = server.tokens.user;
  writeFileSync(join(directory, 'token'), `${token}\n`);
  const proxy = await FaultyProxy.open(server.url);
  const credentials = { kind: 'bearer', token: { file: join(directory, 'token') } };
  const open = (): Promise<SiteAdapter> => openOcci({ endpoint: proxy.url, credentials, rendering }, directory);
  const adapter = await open();
  const wire: Wire = { proxy, isRequestOf };
  // The cloud below the server, opened a second time: what goes wrong there is ordered here.
  const below = await createSimulator(parseSimulatorConfig({ timeFactor: 1000, ...site }), {
    site: 'sim',
    clock: systemClock,
    log: runLog(),
    home: { directory: join(server.directory, 'sites') },
  });
  const inject = (kind: FaultKind) => (operation: string) => below.injectFault({ operation, kind, nth: 1 });
  return {
    server,
    faults: faultsOnTheWire(wire, {
      failLater: inject('error-state'),
      doNothing: inject('silent'),
      clear: () => below.clearFaults(),
    }),
    adapter,
    wire,
    secrets: [token],
    advance: (ms) => pause(ms),
    pace: { stepMs: 20, patienceMs: 180_000 },
    image: { format: 'qcow2', bytes: qcow2(64 * 2 ** 20), virtualSizeBytes: 64 * 2 ** 20 },
    there: TEMPLATE,
    second: open,
    rename: async (ref, title) => {
      const headers = { 'content-type': 'application/occi+json' };
      const changed = await server.request('POST', ref, { headers, body: JSON.stringify({ title }) });
      expect([changed.status, changed.status === 200 ? '' : changed.text]).toEqual([200, '']);
    },
    foreign: {
      createMachine: async () => {
        const body = JSON.stringify({ kind: 'http://schemas.ogf.org/occi/infrastructure#compute', title: 'theirs' });
        const headers = { 'content-type': 'application/occi+json' };
        const made = await server.request('POST', '/compute/', { headers, body });
        return new URL(String(made.headers.location)).pathname;
      },
    },
    close: async () => {
      await adapter.close();
      await proxy.close();
      await below.close();
      await server.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** A server of OCCI 1.1 that speaks one of the text renderings alone. */
export async function textHarness(form: TextForm): Promise<Harness & { readonly fake: FakeOcci }> {
  const fake = await FakeOcci.start(form);
  const directory = mkdtempSync(join(tmpdir(), 'vep-occi-text-'));
  writeFileSync(join(directory, 'password'), FakeOcci.PASSWORD);
  const proxy = await FaultyProxy.open(fake.url);
  const credentials = { kind: 'basic', user: FakeOcci.USER, password: { file: join(directory, 'password') } };
  const open = (): Promise<SiteAdapter> =>
    openOcci(
      { endpoint: proxy.url, credentials, templateless: false, patience: { pollMs: 5, settleMs: 1000 } },
      directory,
    );
  const wire: Wire = {
    proxy,
    isRequestOf,
    // Passwords end; whoever keeps the file has written a new one.
    expireCredentials: () => {
      fake.password = `${FakeOcci.PASSWORD}-${randomUUID()}`;
      writeFileSync(join(directory, 'password'), `${fake.password}\n`);
      return Promise.resolve();
    },
    exhaustQuota: () => Promise.resolve(fake.order('quota')),
  };
  return {
    fake,
    adapter: await open(),
    wire,
    secrets: [FakeOcci.PASSWORD],
    advance: (ms) => pause(ms),
    pace: { stepMs: 10, patienceMs: 180_000 },
    image: { format: 'qcow2', bytes: qcow2(64 * 2 ** 20), virtualSizeBytes: 64 * 2 ** 20 },
    boot: FakeOcci.TEMPLATE,
    boots: (ref) =>
      Promise.resolve(1 + fake.restarted.filter((path) => path === new URL(ref, fake.url).pathname).length),
    second: open,
    faults: faultsOnTheWire(wire, {
      failLater: () => Promise.resolve(fake.order('fail')),
      doNothing: () => Promise.resolve(fake.order('ignore')),
      clear: () => Promise.resolve(fake.clear()),
    }),
    rename: (ref, name) => Promise.resolve(fake.rename(ref, name)),
    foreign: { createMachine: () => Promise.resolve(fake.foreign()) },
    close: async () => {
      await proxy.close();
      await fake.close();
      rmSync(directory, { recursive: true });
    },
  };
}
