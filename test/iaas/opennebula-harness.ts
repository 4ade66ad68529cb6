/** An OpenNebula site for tests: the adapter, a faulty proxy, and a fake oned behind it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { newUuid } from '../../src/base/ids.js';
import type { JsonObject } from '../../src/base/json.js';
import type { Owner, SiteAdapter } from '../../src/iaas/adapter.js';
import { openNebula } from '../../src/iaas/adapters/opennebula/site-type.js';
import { faultsOnTheWire, type Harness, type Wire } from '../support/adapter-suite.js';
import type { WireRequest } from '../support/faulty-proxy.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { FakeOned, type FakeOnedOptions } from '../support/fake-oned/index.js';
import { RealOned } from '../support/real-oned/oned.js';
import { qcow2 } from './simulator-harness.js';
import { runLog } from '../support/run.js';

export const PASSWORD = 'serveradmin-secret';

/** The call of oned that does the work of a method of the adapter. */
const CALLS: Readonly<Record<string, RegExp>> = {
  createCompute: /one\.vm\.allocate</,
  createNetwork: /one\.vn\.(reserve|allocate)</,
  createStorage: /one\.image\.allocate</,
  attachNic: /one\.vm\.attachnic</,
  attachStorage: /one\.vm\.attach</,
  importImage: /one\.image\.allocate</,
  createSecurityGroup: /one\.secgroup\.allocate</,
  saveCompute: /one\.vm\.disksaveas</,
  actCompute: /one\.vm\.(action|deploy)</,
  delete: /one\.vm\.action</,
  describe: /one\.vmpool\.infoset</,
  inventory: /one\.hostpool\.info</,
  metrics: /one\.vmpool\.monitoring</,
};

export function isCallOf(operation: string, { body }: WireRequest): boolean {
  return CALLS[operation]?.test(body.toString('latin1', 0, 200)) ?? false;
}

/** Options of a site that needs them all; `more` on top. */
export function optionsFor(
  url: string,
  directory: string,
  more: JsonObject = {},
  password: string = PASSWORD,
): JsonObject {
  const secret = join(directory, 'secret');
  writeFileSync(secret, `${password}\n`);
  return {
    endpoint: url,
    credentials: { driver: 'server_cipher', password: { file: secret } },
    hosts: { country: 'DE' },
    images: { handover: { directory: join(directory, 'images') } },
    networks: { reserveFrom: ['vep-parent'], publicFrom: ['vep-public'] },
    volumes: { shared: true },
    patience: { pollMs: 2, settleMs: 10_000 },
    events: { pollMs: 5 },
    ...more,
  };
}

export function openSite(options: JsonObject, directory: string, clock: Clock = systemClock): Promise<SiteAdapter> {
  return openNebula.read(options)({ site: 'one', clock, log: runLog(), data: { directory } });
}

/** Everything is made for this owner, as the engine does it for the owner of an entity. */
export function madeFor(adapter: SiteAdapter, owner: Owner): SiteAdapter {
  return new Proxy(adapter, {
    get(target, name: keyof SiteAdapter) {
      if (name === 'createCompute' || name === 'createNetwork' || name === 'createStorage') {
        const create = target[name].bind(target) as (spec: object, ...rest: unknown[]) => unknown;
        return (spec: object, ...rest: unknown[]) => create({ ...spec, owner }, ...rest);
      }
      if (name === 'securityGroups' && target.securityGroups) {
        const { securityGroups: groups } = target;
        const create: typeof groups.create = (spec, ...rest) => groups.create({ ...spec, owner }, ...rest);
        return { ...groups, create };
      }
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export interface OpenNebulaHarness extends Harness {
  readonly fake: FakeOned;
  readonly directory: string;
}

export const OWNER: Owner = { user: 'local:alice', group: 'vo climate' };

export async function openNebulaHarness(
  fakeOptions: FakeOnedOptions = {},
  more: (fake: FakeOned) => JsonObject = () => ({}),
): Promise<OpenNebulaHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-one-'));
  const fake = await FakeOned.start(fakeOptions);
  const proxy = await FaultyProxy.open(fake.url);
  let aheadMs = 0;
  const clock: Clock = { now: () => systemClock.now() + aheadMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  const open = async (): Promise<SiteAdapter> =>
    madeFor(await openSite(optionsFor(proxy.url, directory, more(fake)), directory, clock), OWNER);
  const adapter = await open();
  const wire: Wire = {
    proxy,
    isRequestOf: isCallOf,
    expireCredentials: () => {
      for (const call of fake.calls) fake.world.revoked.add(String(call.parameters[0]));
      // Tokens are good until a whole second: the next one is another.
      aheadMs += 2000;
      return Promise.resolve();
    },
    exhaustQuota: () => {
      for (const user of fake.world.users.values()) user.cpuQuota = 0;
      return Promise.resolve();
    },
  };
  const order = (what: Parameters<FakeOned['order']>[0]) => (): Promise<void> => Promise.resolve(fake.order(what));
  return {
    adapter,
    fake,
    directory,
    wire,
    secrets: [PASSWORD],
    advance: (ms) => pause(ms),
    pace: { stepMs: 5, patienceMs: 180_000 },
    image: { format: 'qcow2', bytes: qcow2(64 * 2 ** 20), virtualSizeBytes: 64 * 2 ** 20 },
    boots: (ref) => Promise.resolve(1 + fake.world.reboots.filter((id) => id === Number(ref)).length),
    second: open,
    faults: faultsOnTheWire(wire, {
      failLater: order('fail-allocate'),
      doNothing: order('ignore-action'),
      clear: () => Promise.resolve(fake.clear()),
    }),
    rename: (ref, name) => {
      const machine = fake.world.machines.get(Number(ref));
      if (machine) machine.name = name;
      return Promise.resolve();
    },
    foreign: {
      createMachine: () => {
        const session = 'oneadmin:oneadmin-secret';
        const template = '<TEMPLATE><NAME>theirs</NAME><CPU>1</CPU><MEMORY>64</MEMORY></TEMPLATE>';
        const parameters = [session, template].map(
          (text) => `<param><value><string>${text.replaceAll('<', '&lt;')}</string></value></param>`,
        );
        const hold = '<param><value><boolean>1</boolean></value></param>';
        const answer = fake.answer(
          `<methodCall><methodName>one.vm.allocate</methodName><params>${parameters.join('')}${hold}</params></methodCall>`,
        );
        return Promise.resolve(/<i4>(\d+)<\/i4>/.exec(answer)?.[1] ?? 'none');
      },
    },
    close: async () => {
      await adapter.close();
      await proxy.close();
      await fake.close();
      expect(fake.violations).toEqual([]);
      rmSync(directory, { recursive: true });
    },
  };
}

/** Before a real oned, whose hosts, stores and networks are its own dummies. Its owner is of this harness alone. */
export async function realOnedHarness(
  home: string,
  special: JsonObject = {},
): Promise<Harness & { readonly oned: RealOned }> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-one-'));
  const oned = new RealOned(home);
  await oned.prepare();
  oned.clear();
  const proxy = await FaultyProxy.open(oned.url);
  const realm = `t${newUuid().slice(-6)}`;
  const owner: Owner = { user: `local:${realm}`, group: `vo ${realm}` };
  const more = { realm, patience: { pollMs: 50, settleMs: 25_000 }, events: { pollMs: 200 }, ...special };
  const options = optionsFor(proxy.url, directory, more, oned.password);
  const open = async (): Promise<SiteAdapter> => madeFor(await openSite(options, directory), owner);
  const adapter = await open();
  const mine = async (kind: 'USER' | 'GROUP'): Promise<number[]> =>
    (await oned.pool(`one.${kind.toLowerCase()}pool.info`, kind))
      .filter((each) => each.value('NAME')?.includes(realm) === true)
      .map((each) => each.number(-1, 'ID'));
  const quota = async (cpu: string): Promise<void> => {
    for (const user of await mine('USER')) await oned.ask('one.user.quota', user, `VM=[CPU="${cpu}"]`);
  };
  const wire: Wire = { proxy, isRequestOf: isCallOf, exhaustQuota: () => quota('0') };
  const foreign: number[] = [];
  return {
    adapter,
    oned,
    wire,
    secrets: [oned.password],
    advance: (ms) => pause(ms),
    pace: { stepMs: 100, patienceMs: 180_000 },
    slow: true,
    image: { format: 'qcow2', bytes: qcow2(64 * 2 ** 20), virtualSizeBytes: 64 * 2 ** 20 },
    second: open,
    faults: faultsOnTheWire(wire, {
      failLater: () => Promise.resolve(oned.order('deploy', 'failure')),
      doNothing: () => Promise.resolve(oned.order('shutdown', 'failure', 'success')),
      clear: async () => {
        oned.clear();
        await quota('-2');
      },
    }),
    rename: async (ref, name) => void (await oned.ask('one.vm.rename', Number(ref), name)),
    foreign: {
      createMachine: async () => {
        const id = await oned.ask('one.vm.allocate', '<TEMPLATE><CPU>0.1</CPU><MEMORY>64</MEMORY></TEMPLATE>', true);
        foreign.push(Number(id));
        return id;
      },
    },
    close: async () => {
      await adapter.close();
      await proxy.close();
      await oned.removeCopies(realm);
      const left = await oned.contents(realm);
      for (const id of foreign) await oned.ask('one.vm.action', 'terminate-hard', id);
      for (const user of await mine('USER')) await oned.ask('one.user.delete', user);
      for (const group of await mine('GROUP')) await oned.ask('one.group.delete', group);
      rmSync(directory, { recursive: true });
      expect(left).toEqual([]);
    },
  };
}
