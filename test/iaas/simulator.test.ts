/** What a simulated site is beside an adapter: one cloud for all processes, faithful to its log, failing as told. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.js';
import type { Observed, SiteEvent, SiteRef } from '../../src/iaas/adapter.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import { createSimulator } from '../../src/iaas/adapters/simulator/simulator.js';
import { SqliteCommandLog } from '../../src/iaas/adapters/simulator/sqlite-command-log.js';
import { KEPT_COMMANDS } from '../../src/iaas/adapters/simulator/command-log.js';
import { until } from '../support/until.js';
import { HOMES, simulatorHarness, type Home, type Simulator } from './simulator-harness.js';
import { SiteClock } from './site-clock.js';

const GIB = 2 ** 30;
const spec = (id: string, more: object = {}): { id: string; name: string; cores: number; memoryBytes: number } => ({
  id,
  name: id,
  cores: 1,
  memoryBytes: GIB,
  ...more,
});

async function collect(adapter: Simulator): Promise<Observed[]> {
  const found: Observed[] = [];
  for (const what of ['compute', 'network', 'storage', 'nic', 'attachment', 'image', 'securitygroup'] as const) {
    for await (const thing of adapter.list(what)) found.push(thing);
  }
  return found;
}

describe.each(HOMES)('a simulated site on %s', (_name, makeHome) => {
  let home: Home;
  let site: string;
  let remove: () => Promise<void>;
  let clock: SiteClock;
  const opened: Simulator[] = [];

  beforeEach(async () => {
    ({ home, site, remove } = await makeHome());
    clock = new SiteClock();
  });
  afterEach(async () => {
    for (const adapter of opened.splice(0)) await adapter.close();
    await remove();
  });

  const open = async (options: object = {}): Promise<Simulator> => {
    const adapter = await createSimulator(parseSimulatorConfig(options), { site, clock, log: silentLog, home });
    opened.push(adapter);
    return adapter;
  };

  it('is there again, as it was, after everybody has gone', async () => {
    const first = await open();
    const compute = await first.createCompute(
      spec('vm', { userData: '#cloud-config', ovfEnvironment: '<Environment/>' }),
      'vm',
    );
    await first.createNetwork({ id: 'net', name: 'net' }, 'net');
    await clock.advance(1000);
    await first.actCompute(compute, 'start', undefined);
    await clock.advance(500);
    const before = await collect(first);
    expect(before.find((thing) => thing.ref === compute)).toMatchObject({ state: 'inactive', busy: true });
    await first.close();

    const second = await open();
    expect(await collect(second)).toEqual(before);
    await clock.advance(1000);
    expect((await second.describe('compute', [compute])).get(compute)).toMatchObject({ state: 'active', busy: false });
    expect(await second.guestOf(compute)).toEqual({ userData: '#cloud-config', ovfEnvironment: '<Environment/>' });
    expect(await second.createCompute(spec('vm'), 'vm')).toBe(compute);
  });

  it('is one cloud for all that have it open', async () => {
    const [one, other] = [await open(), await open()];
    const compute = await one.createCompute(spec('vm'), 'vm');
    expect((await other.describe('compute', [compute])).size).toBe(1);
    await clock.advance(1000);
    await other.actCompute(compute, 'start', undefined);
    await clock.advance(2000);
    expect((await one.describe('compute', [compute])).get(compute)).toMatchObject({ state: 'active' });
    await other.delete('compute', compute);
    await clock.advance(1000);
    expect(await collect(one)).toEqual([]);
  });

  it('tells of what another process does', async () => {
    const [one, other] = [await open(), await open()];
    const stop = new AbortController();
    const seen: SiteEvent[] = [];
    const following = (async () => {
      for await (const event of one.events(stop.signal)) seen.push(event);
    })();
    await one.check();
    await clock.advance(1);
    const compute = await other.createCompute(spec('vm'), 'vm');
    // Polls of the log go through real input and output.
    await until(async () => {
      await clock.advance(100);
      await one.check();
      return seen.length >= 2;
    });
    stop.abort();
    await following;
    expect(seen.every((event) => event.ref === compute)).toBe(true);
  });

  it('makes exactly one of everything though the answer to every create is lost', async () => {
    const adapter = await open({
      faults: [
        'createCompute',
        'createNetwork',
        'createStorage',
        'attachNic',
        'attachStorage',
        'importImage',
        'saveCompute',
      ].map((operation) => ({ operation, kind: 'lose-answer', times: 3 })),
    });
    const insist = async (create: () => Promise<SiteRef>): Promise<SiteRef> => {
      for (let lost = 0; lost < 3; lost++) await expect(create()).rejects.toMatchObject({ class: 'transient' });
      const ref = await create();
      await clock.advance(5000);
      return ref;
    };
    const bytes = Buffer.from('a disk');
    const stream = async function* (): AsyncIterable<Uint8Array> {
      yield await Promise.resolve(bytes);
    };
    const image = await insist(() =>
      adapter.importImage(
        { id: 'img', name: 'img', format: 'raw', sizeBytes: 6, open: () => Promise.resolve(stream()) },
        'img',
      ),
    );
    const compute = await insist(() => adapter.createCompute(spec('vm', { image }), 'vm'));
    const network = await insist(() => adapter.createNetwork({ id: 'net', name: 'net' }, 'net'));
    const storage = await insist(() => adapter.createStorage({ id: 'vol', name: 'vol', sizeBytes: GIB }, 'vol'));
    const nic = await insist(() => adapter.attachNic({ id: 'nic', compute, network }, 'nic'));
    const attachment = await insist(() => adapter.attachStorage({ id: 'att', compute, storage }, 'att'));
    const saved = await insist(() => adapter.saveCompute(compute, 'saved', undefined, 'saved'));
    const there = await collect(adapter);
    expect(there.map((thing) => thing.ref).sort()).toEqual(
      [image, compute, network, storage, nic, attachment, saved].sort(),
    );
  });

  it('keeps faults and their counters across processes and restarts', async () => {
    const first = await open();
    await first.injectFault({ operation: 'createCompute', kind: 'refuse', nth: 3, class: 'denied' });
    await first.createCompute(spec('a'), 'a');
    const second = await open();
    await second.createCompute(spec('b'), 'b');
    await first.close();
    await second.close();
    const third = await open();
    await expect(third.createCompute(spec('c'), 'c')).rejects.toMatchObject({ class: 'denied' });
    await third.createCompute(spec('c'), 'c');
  });

  it('takes a new configuration when it is opened with one', async () => {
    const first = await open({
      hosts: [
        { name: 'old', rack: 'r', zone: 'z', country: 'DE' },
        { name: 'empty', rack: 'r', zone: 'z', country: 'DE' },
      ],
    });
    const compute = await first.createCompute(spec('vm', { host: 'old' }), 'vm');
    await clock.advance(1000);
    await first.close();
    const second = await open({
      hosts: [{ name: 'new', rack: 'r', zone: 'z', country: 'FR', cores: 2 }],
      networks: [],
    });
    const inventory = await second.inventory();
    expect(inventory.hosts.map(({ name, up }) => ({ name, up }))).toEqual([
      { name: 'old', up: false },
      { name: 'new', up: true },
    ]);
    expect((await second.describe('compute', [compute])).get(compute)).toMatchObject({
      state: 'error',
      message: 'host old is down',
    });
    await second.delete('compute', compute);
    await second.createCompute(spec('vm2', { cores: 2 }), 'vm2');
    await expect(second.createCompute(spec('vm3'), 'vm3')).rejects.toMatchObject({ class: 'capacity' });
  });

  it('stays quick to open when its log is long', async () => {
    const first = await open({ latenciesMs: { create: 0, delete: 0 } });
    const kept = await first.createCompute(spec('kept'), 'kept');
    const behind = await open({ latenciesMs: { create: 0, delete: 0 } });
    const calls = (KEPT_COMMANDS + 320) / 2;
    for (let index = 0; index < calls; index++) {
      await first.delete('compute', await first.createCompute(spec(`vm${index}`), `t${index}`));
      await clock.advance(1);
    }
    // One that was left behind the beginning of the log finds its way from the snapshot.
    expect((await collect(behind)).map((thing) => thing.ref)).toEqual([kept]);
    const again = await open({ latenciesMs: { create: 0, delete: 0 } });
    expect(await collect(again)).toEqual(await collect(first));
    if ('directory' in home) {
      const log = new SqliteCommandLog(join(home.directory, `sim-${site}.sqlite`));
      const tail = await log.read(0);
      expect(tail.snapshot).toBeDefined();
      expect(tail.commands.length).toBeLessThan(calls);
      await log.close();
    }
  });
});

describe('a simulated site', () => {
  const [, makeHome] = HOMES[0]!;
  const withSite = async (
    options: object,
    work: (site: Awaited<ReturnType<typeof simulatorHarness>>) => Promise<void>,
  ): Promise<void> => {
    const harness = await simulatorHarness(makeHome, options);
    try {
      await work(harness);
    } finally {
      await harness.close();
    }
  };

  it('keeps its file to its owner', async () => {
    const { home, site, remove } = await makeHome();
    const adapter = await createSimulator(parseSimulatorConfig({}), {
      site,
      clock: new SiteClock(),
      log: silentLog,
      home,
    });
    const file = join((home as { directory: string }).directory, `sim-${site}.sqlite`);
    expect(existsSync(file)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await adapter.close();
    await remove();
  });

  it.each(['', 'A', '../x', 'a'.repeat(40), 'a"b'])('does not open under the name %j', async (site) => {
    const { home, remove } = await makeHome();
    await expect(
      createSimulator(parseSimulatorConfig({}), { site, clock: new SiteClock(), log: silentLog, home }),
    ).rejects.toMatchObject({ kind: 'invalid' });
    await remove();
  });

  it('loses the machines of a dead host and has them back, switched off, when it returns', () =>
    withSite({}, async ({ adapter, advance }) => {
      const compute = await adapter.createCompute(spec('vm'), 'vm');
      await advance(1000);
      await adapter.actCompute(compute, 'start', undefined);
      await advance(2000);
      const look = async (): Promise<Observed | undefined> =>
        (await adapter.describe('compute', [compute])).get(compute);
      const { host } = (await look()) as { host: string };
      await adapter.setHost(host, false);
      expect(await look()).toMatchObject({ state: 'error', message: `host ${host} is down` });
      expect(await adapter.metrics([compute])).toEqual([]);
      await expect(adapter.actCompute(compute, 'start', undefined)).rejects.toMatchObject({ class: 'conflict' });
      const other = await adapter.createCompute(spec('vm2'), 'vm2');
      expect((await adapter.describe('compute', [other])).get(other)).not.toMatchObject({ host });
      await adapter.setHost(host, true);
      expect(await look()).toMatchObject({ state: 'inactive' });
      await adapter.actCompute(compute, 'start', undefined);
      await advance(2000);
      expect(await look()).toMatchObject({ state: 'active' });
    }));

  it('says what is missing when no host is left', () =>
    withSite({ hosts: [{ name: 'only', rack: 'r', zone: 'z', country: 'DE' }] }, async ({ adapter }) => {
      expect(await adapter.check()).toEqual([]);
      await adapter.setHost('only', false);
      expect(await adapter.check()).toMatchObject([{ code: 'no-hosts' }]);
      await expect(adapter.setHost('other', false)).rejects.toMatchObject({ class: 'not-found' });
    }));

  it('lets a host die of a call', () =>
    withSite(
      { faults: [{ operation: 'actCompute:start', kind: 'host-death', nth: 1 }] },
      async ({ adapter, advance }) => {
        const compute = await adapter.createCompute(spec('vm'), 'vm');
        await advance(1000);
        await adapter.actCompute(compute, 'start', undefined);
        expect((await adapter.describe('compute', [compute])).get(compute)).toMatchObject({ state: 'error' });
        expect((await adapter.inventory()).hosts.filter((host) => !host.up)).toHaveLength(1);
      },
    ));

  it('answers late when told to, after the work is done', () =>
    withSite(
      { faults: [{ operation: 'createCompute', kind: 'slow', nth: 1, delayMs: 700 }] },
      async ({ adapter, advance }) => {
        let ref: string | undefined;
        const asked = adapter.createCompute(spec('vm'), 'vm').then((made) => (ref = made));
        await advance(699);
        expect(ref).toBeUndefined();
        expect(await collect(adapter)).toHaveLength(1);
        await advance(2);
        await asked;
        expect(ref).toBeDefined();
      },
    ));

  it('lives as many times faster as it is told', () =>
    withSite({ timeFactor: 10, latenciesMs: { create: 1000 } }, async ({ adapter, advance }) => {
      const compute = await adapter.createCompute(spec('vm'), 'vm');
      const look = async (): Promise<Observed | undefined> =>
        (await adapter.describe('compute', [compute])).get(compute);
      await advance(99);
      expect(await look()).toMatchObject({ busy: true });
      await advance(1);
      expect(await look()).toMatchObject({ busy: false });
    }));

  it('is relieved when a scripted load is shared by one more machine', () =>
    withSite({}, async ({ adapter, advance }) => {
      await adapter.setLoad([
        { machines: 'web-*', metric: 'cpu', shared: true, shape: { kind: 'constant', value: 1 } },
      ]);
      const load = async (ref: SiteRef): Promise<number | undefined> =>
        (await adapter.metrics([ref])).find((sample) => sample.metric === 'vm.cpu.utilization')?.value;
      const start = async (id: string): Promise<SiteRef> => {
        const ref = await adapter.createCompute(spec(id), id);
        await advance(1000);
        await adapter.actCompute(ref, 'start', undefined);
        await advance(2000);
        return ref;
      };
      const first = await start('web-1');
      expect(await load(first)).toBe(1);
      await start('web-2');
      expect(await load(first)).toBe(0.5);
    }));

  it('lets pre-existing networks be used but not changed', () =>
    withSite({}, async ({ adapter, advance }) => {
      const shared = (await adapter.inventory()).networks.find((network) => network.shared);
      expect(shared).toMatchObject({ name: 'public' });
      const compute = await adapter.createCompute(spec('vm'), 'vm');
      await advance(1000);
      const nic = await adapter.attachNic({ id: 'nic', compute, network: shared?.ref ?? '' }, 'nic');
      expect((await adapter.describe('nic', [nic])).get(nic)).toMatchObject({
        address: expect.stringMatching(/^198\.18\./),
      });
      await expect(adapter.delete('network', shared?.ref ?? '')).rejects.toMatchObject({ class: 'denied' });
      await expect(adapter.actNetwork(shared?.ref ?? '', 'down')).rejects.toMatchObject({ class: 'denied' });
    }));

  it('gives networks without a range a subnet of their own', () =>
    withSite({ networkPool: { cidr: '10.7.0.0/23', prefix: 24 } }, async ({ adapter, advance }) => {
      const refs = [
        await adapter.createNetwork({ id: 'a', name: 'a' }, 'a'),
        await adapter.createNetwork({ id: 'b', name: 'b' }, 'b'),
      ];
      const cidrs = [...(await adapter.describe('network', refs)).values()].map(
        (network) => network.class === 'network' && network.cidr,
      );
      expect(cidrs).toEqual(['10.7.0.0/24', '10.7.1.0/24']);
      await expect(adapter.createNetwork({ id: 'c', name: 'c' }, 'c')).rejects.toMatchObject({ class: 'capacity' });
      await adapter.delete('network', refs[0] ?? '');
      await advance(1000);
      const again = await adapter.createNetwork({ id: 'c', name: 'c' }, 'c');
      expect((await adapter.describe('network', [again])).get(again)).toMatchObject({ cidr: '10.7.0.0/24' });
    }));

  it('plugs volumes in where it is told, shares them only read-only, and keeps those in use online', () =>
    withSite({}, async ({ adapter, advance }) => {
      const [one, other] = [await adapter.createCompute(spec('a'), 'a'), await adapter.createCompute(spec('b'), 'b')];
      const storage = await adapter.createStorage({ id: 's', name: 's', sizeBytes: GIB }, 's');
      const second = await adapter.createStorage({ id: 't', name: 't', sizeBytes: GIB }, 't');
      await advance(1000);
      const plug = (id: string, compute: SiteRef, volume: SiteRef, more: object): Promise<SiteRef> =>
        adapter.attachStorage({ id, compute, storage: volume, ...more }, id);
      const first = await plug('p1', one, storage, { device: '/dev/vdc', readOnly: true });
      expect((await adapter.describe('attachment', [first])).get(first)).toMatchObject({ device: 'vdc' });
      await plug('p2', other, storage, { readOnly: true });
      await expect(plug('p3', one, storage, { readOnly: true })).rejects.toMatchObject({ class: 'conflict' });
      await expect(plug('p4', one, second, { device: 'vdc' })).rejects.toMatchObject({ class: 'conflict' });
      await expect(plug('p5', one, second, { device: 'a;b' })).rejects.toMatchObject({ class: 'invalid' });
      await adapter.actStorage(storage, 'offline');
      await advance(1000);
      await adapter.actStorage(storage, 'online');
      await adapter.actCompute(one, 'start', undefined);
      await advance(2000);
      await expect(adapter.actStorage(storage, 'offline')).rejects.toMatchObject({ class: 'conflict' });
    }));

  it('keeps to the quota of each kind', () =>
    withSite(
      { quota: { machines: 1, memoryBytes: 2 * GIB, networks: 1, volumes: 1 } },
      async ({ adapter, advance }) => {
        const compute = await adapter.createCompute(spec('a'), 'a');
        await adapter.createNetwork({ id: 'n', name: 'n' }, 'n');
        await adapter.createStorage({ id: 's', name: 's', sizeBytes: GIB }, 's');
        await advance(1000);
        const beyond = [
          adapter.createCompute(spec('b'), 'b'),
          adapter.createNetwork({ id: 'm', name: 'm' }, 'm'),
          adapter.createStorage({ id: 't', name: 't', sizeBytes: GIB }, 't'),
          adapter.resizeCompute(compute, { cores: 1, memoryBytes: 3 * GIB }),
        ];
        for (const call of beyond) await expect(call).rejects.toMatchObject({ class: 'quota' });
      },
    ));
});
