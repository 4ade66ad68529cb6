/** An OpenStack site for tests: the adapter, a faulty proxy, and what stands behind it: a real cloud, or a fake one. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock, type Clock } from '../../src/base/clock.js';
import type { JsonObject } from '../../src/base/json.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import { openStack } from '../../src/iaas/adapters/openstack/site-type.js';
import { readRef, writeRef, tokenTag } from '../../src/iaas/adapters/openstack/marks.js';
import { faultsOnTheWire, type Harness, type Wire } from '../support/adapter-suite.js';
import { FaultyProxy, type WireRequest } from '../support/faulty-proxy.js';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { Front } from '../support/real-openstack/front.js';
import { Tenancy } from '../support/real-openstack/tenancy.js';
import { qcow2 } from './simulator-harness.js';
import { runLog } from '../support/run.js';

/** The request that does the work of a method of the adapter: method, path, and what its body begins with. */
const CALLS: Readonly<Record<string, readonly [method: string, path: RegExp, body?: RegExp]>> = {
  createCompute: ['POST', /\/servers$/],
  createNetwork: ['POST', /\/networks$/],
  createStorage: ['POST', /\/volumes$/],
  attachNic: ['POST', /\/os-interface$/],
  attachStorage: ['POST', /\/os-volume_attachments$/],
  importImage: ['PUT', /\/images\/[^/]+\/file$/],
  createSecurityGroup: ['POST', /\/security-groups$/],
  saveCompute: ['POST', /\/action$/, /^\{"createImage/],
  actCompute: ['POST', /\/action$/],
  delete: ['DELETE', /\/servers\/[^/]+$/],
  describe: ['GET', /\/servers\/detail\?/],
  metrics: ['GET', /\/diagnostics$/],
  inventory: ['GET', /\/(os-hypervisors\/detail|os-availability-zone)/],
};

export function isCallOf(operation: string, { method, path, body }: WireRequest): boolean {
  const call = CALLS[operation];
  if (method !== call?.[0] || !call[1].test(path)) return false;
  return call[2] === undefined || call[2].test(body.toString('latin1', 0, 200));
}

export interface SiteWish {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly project: string;
  readonly more?: JsonObject;
}

/** Options of a site whose services are below one address. */
export function optionsFor({ url, user, password, project, more = {} }: SiteWish, directory: string): JsonObject {
  const secret = join(directory, 'secret');
  writeFileSync(secret, `${password}\n`);
  return {
    authUrl: `${url}/identity/v3`,
    credentials: { method: 'password', user, password: { file: secret }, project },
    endpoints: {
      compute: `${url}/compute/v2.1`,
      image: `${url}/image`,
      network: `${url}/network`,
      volume: `${url}/volume/v3/%(project_id)s`,
      placement: `${url}/placement`,
    },
    hosts: { country: 'DE' },
    events: { pollMs: 100 },
    ...more,
  };
}

export function openSite(options: JsonObject, directory: string, clock: Clock = systemClock): Promise<SiteAdapter> {
  return openStack.read(options)({ site: 'stack', clock, log: runLog(), data: { directory } });
}

/** Sizes of the behaviour suite: cores and MiB. */
const FLAVORS = [
  [1, 512],
  [1, 1024],
  [2, 1024],
  [2, 2048],
  [3, 4096],
  [4, 512],
] as const;

export const ADMINISTRATOR: JsonObject = { hosts: { country: 'DE', choose: true }, flavors: { create: true } };

/**
 * Behind a real cloud, as an administrator who chooses hosts and makes flavors, or as an ordinary member. A router to lead out
 * makes every network several times as slow there.
 */
export async function realHarness(
  role: 'admin' | 'member',
  {
    options = role === 'admin' ? ADMINISTRATOR : {},
    leadsOut = false,
  }: { options?: JsonObject; leadsOut?: boolean } = {},
): Promise<Harness & { readonly tenancy: Tenancy }> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-openstack-'));
  const tenancy = await Tenancy.open(role);
  for (const [cores, ram] of FLAVORS) await tenancy.flavor(cores, ram, 1);
  const front = await Front.open();
  const proxy = await FaultyProxy.open(front.url);
  const { name, password } = tenancy;
  const volumes = { sharedType: await tenancy.sharedType() };
  const more = { volumes, ...options, ...(leadsOut ? { networks: { ...(await tenancy.leadOut()) } } : {}) };
  const all = optionsFor({ url: proxy.url, user: name, password, project: name, more }, directory);
  const open = (): Promise<SiteAdapter> => openSite(all, directory);
  const adapter = await open();
  const wire: Wire = {
    proxy,
    isRequestOf: isCallOf,
    expireCredentials: () => Promise.resolve(front.refuseTokens()),
    exhaustQuota: () => tenancy.setQuota({ instances: 0, cores: 0, ram: 0 }),
  };
  return {
    adapter,
    tenancy,
    wire,
    secrets: [password],
    savesNothing: 'a hypervisor of Nova that is none and uploads nothing',
    advance: (ms) => pause(ms),
    pace: { stepMs: 500, patienceMs: 180_000 },
    slow: true,
    image: { format: 'qcow2', bytes: qcow2(64 * 2 ** 20), virtualSizeBytes: 64 * 2 ** 20 },
    second: open,
    quota: { cores: 26 },
    faults: faultsOnTheWire(wire, {
      failLater: () => tenancy.schedule('disabled'),
      clear: async () => {
        await tenancy.schedule('enabled');
        await tenancy.setQuota();
      },
    }),
    foreign: {
      createMachine: async () => writeRef(tenancy.project, await tenancy.foreignServer()),
    },
    close: async () => {
      const left = await tenancy.contents();
      await adapter.close();
      await proxy.close();
      await front.close();
      await tenancy.close();
      rmSync(directory, { recursive: true });
      expect(left).toEqual({});
    },
  };
}

/** Behind a fake cloud, as an administrator or as an ordinary member; addresses come from the catalog. */
export async function fakeHarness(
  role: 'admin' | 'member',
  { leadsOut = false } = {},
): Promise<Harness & { readonly fake: FakeOpenStack }> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-openstack-'));
  const fake = await FakeOpenStack.start();
  fake.user.roles.set(fake.project.id, role === 'admin' ? ['admin'] : ['member', 'reader']);
  for (const [cores, ram] of FLAVORS) fake.world.addFlavor(`t-${cores}x${ram}`, cores, ram, 1);
  const proxy = await FaultyProxy.open(fake.url);
  const account = { user: fake.user.name, password: fake.password, project: fake.project.name };
  const networks = leadsOut ? { networks: { ...fake.leadOut() } } : {};
  const volumes = { sharedType: 'multiattach' };
  const more = {
    ...(role === 'admin' ? ADMINISTRATOR : {}),
    endpoints: {},
    events: { pollMs: 5 },
    volumes,
    ...networks,
  };
  const options = optionsFor({ url: proxy.url, ...account, more }, directory);
  const open = (): Promise<SiteAdapter> => openSite(options, directory);
  const adapter = await open();
  const quota = { ...fake.project.quota };
  const wire: Wire = {
    proxy,
    isRequestOf: isCallOf,
    expireCredentials: () => Promise.resolve(fake.revokeTokens()),
    exhaustQuota: () => Promise.resolve(void (fake.project.quota = { ...quota, instances: 0, cores: 0, ram: 0 })),
  };
  const serverOf = (ref: string): ReturnType<typeof fake.world.servers.get> => {
    const tag = tokenTag(readRef(ref)?.key ?? '');
    return [...fake.world.servers.values()].find(({ tags }) => tags.includes(tag));
  };
  return {
    adapter,
    fake,
    wire,
    secrets: [fake.password],
    advance: (ms) => pause(ms),
    pace: { stepMs: 5, patienceMs: 180_000 },
    image: { format: 'qcow2', bytes: qcow2(64 * 2 ** 20), virtualSizeBytes: 64 * 2 ** 20 },
    boots: (ref) => {
      const server = serverOf(ref);
      const done = server?.actions.filter((each) => each.action === 'reboot' && each.done && !each.error) ?? [];
      return Promise.resolve(1 + done.length);
    },
    second: open,
    quota: { cores: quota.cores },
    faults: faultsOnTheWire(wire, {
      failLater: () => Promise.resolve(fake.order('fail-create')),
      doNothing: () => Promise.resolve(fake.order('ignore-action')),
      clear: () => {
        fake.clear();
        fake.project.quota = { ...quota };
        return Promise.resolve();
      },
    }),
    rename: (ref, name) => {
      const server = serverOf(ref);
      if (server) server.name = name;
      return Promise.resolve();
    },
    foreign: { createMachine: () => Promise.resolve(writeRef(fake.project.id, fake.foreignServer())) },
    close: async () => {
      const left = fake.contents();
      await adapter.close();
      await proxy.close();
      await fake.close();
      rmSync(directory, { recursive: true });
      expect(left).toEqual({});
    },
  };
}
