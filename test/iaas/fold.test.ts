/** The fold of a simulated site (K33): deterministic, incremental, total, and never beyond what the site has. */

import fc from 'fast-check';
import type { ResourceClass } from '../../src/iaas/adapter.js';
import { CLASSES, newCloud, type Cloud } from '../../src/iaas/adapters/simulator/cloud.js';
import type { Call, Command } from '../../src/iaas/adapters/simulator/command.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import { apply, fold, type Outcome } from '../../src/iaas/adapters/simulator/fold.js';
import { observe, takeInventory } from '../../src/iaas/adapters/simulator/observe.js';
import { readSnapshot, writeSnapshot } from '../../src/iaas/adapters/simulator/snapshot.js';

const GIB = 2 ** 30;

/** A small site, so that random commands run into its limits. */
const CONFIG = parseSimulatorConfig({
  hosts: [
    { name: 'a', rack: 'r1', zone: 'z', country: 'DE', cores: 4, memoryBytes: 4 * GIB },
    { name: 'b', rack: 'r2', zone: 'z', country: 'DE', cores: 6, memoryBytes: 4 * GIB },
  ],
  storageBytes: 12 * GIB,
  networkPool: { cidr: '10.0.0.0/28', prefix: 30 },
  faults: [{ operation: '*', kind: 'error-state', probability: 0.05 }],
});

/** What to do, with things named by their place among those there are: turned into commands while folding. */
type Wish = (pick: (what: ResourceClass) => string) => Call;

const anyToken = fc.constantFrom('t1', 't2', 't3', 't4', 't5', 't6', 't7', 't8');
const cores = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(0, -1, 1.5, Number.MAX_SAFE_INTEGER));
const bytes = fc.oneof(
  fc.integer({ min: 1, max: 3 }).map((size) => size * GIB),
  fc.constantFrom(0, -GIB, 0.5, 1e300),
);
const neighbours = fc.array(anyToken, { maxLength: 2 });

const anyWish: fc.Arbitrary<Wish> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        token: anyToken,
        cores,
        memoryBytes: bytes,
        host: fc.constantFrom(undefined, 'a', 'b', 'c'),
        apartFrom: neighbours,
        togetherWith: neighbours,
        image: fc.constantFrom(undefined, 'img-debian-12', 'none'),
      })
      .map(({ token, host, image, ...size }): Wish => () => ({
        do: 'createCompute',
        token,
        spec: {
          id: token,
          name: token,
          ...size,
          ...(host === undefined ? {} : { host }),
          ...(image === undefined ? {} : { image }),
        },
      })),
  },
  fc
    .record({
      token: anyToken,
      cidr: fc.constantFrom(undefined, '10.1.0.0/30', '10.2.0.0/29', 'nonsense', 'fd00::/64'),
    })
    .map(({ token, cidr }): Wish => () => ({
      do: 'createNetwork',
      token,
      spec: { id: token, name: token, ...(cidr === undefined ? {} : { cidr }) },
    })),
  fc.record({ token: anyToken, sizeBytes: bytes }).map(({ token, sizeBytes }): Wish => () => ({
    do: 'createStorage',
    token,
    spec: { id: token, name: token, sizeBytes },
  })),
  {
    weight: 3,
    arbitrary: fc
      .record({ token: anyToken, address: fc.constantFrom(undefined, '10.1.0.2', '10.2.0.4', 'x') })
      .map(({ token, address }): Wish => (pick) => ({
        do: 'attachNic',
        token,
        spec: {
          id: token,
          compute: pick('compute'),
          network: pick('network'),
          ...(address === undefined ? {} : { address }),
        },
      })),
  },
  fc.record({ token: anyToken, readOnly: fc.boolean() }).map(({ token, readOnly }): Wish => (pick) => ({
    do: 'attachStorage',
    token,
    spec: { id: token, compute: pick('compute'), storage: pick('storage'), readOnly },
  })),
  anyToken.map((token): Wish => () => ({
    do: 'importImage',
    token,
    spec: { id: token, name: token, format: 'raw', sizeBytes: GIB, virtualSizeBytes: 2 * GIB },
  })),
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...CLASSES)
      .map((what): Wish => (pick) => ({ do: 'delete', class: what, ref: pick(what) })),
  },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom('start', 'stop', 'restart', 'suspend')
      .map((action): Wish => (pick) => ({ do: 'actCompute', ref: pick('compute'), action })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ cores, memoryBytes: bytes })
      .map((size): Wish => (pick) => ({ do: 'resizeCompute', ref: pick('compute'), ...size })),
  },
  anyToken.map((token): Wish => (pick) => ({ do: 'saveCompute', ref: pick('compute'), name: token, token })),
  fc.constantFrom('up', 'down').map((action): Wish => (pick) => ({ do: 'actNetwork', ref: pick('network'), action })),
  fc
    .constantFrom('online', 'offline', 'backup', 'snapshot')
    .map((action): Wish => (pick) => ({ do: 'actStorage', ref: pick('storage'), action })),
  bytes.map((sizeBytes): Wish => (pick) => ({ do: 'resizeStorage', ref: pick('storage'), sizeBytes })),
  fc
    .record({ host: fc.constantFrom('a', 'b', 'c'), up: fc.boolean() })
    .map(({ host, up }): Wish => () => ({ do: 'setHost', host, up })),
  fc.constant<Wish>(() => ({ do: 'createForeign', name: 'other', cores: 1, memoryBytes: GIB })),
  fc.constant<Wish>(() => ({ do: 'read', operation: 'describe' })),
);

interface Timed {
  readonly wish: Wish;
  readonly after: number;
  readonly index: number;
}
const anyHistory = fc.array(fc.record({ wish: anyWish, after: fc.constantFrom(0, 1, 300, 2000), index: fc.nat(40) }), {
  maxLength: 60,
  size: 'max',
});

/** Turns wishes into a log: commands that mostly speak of things that are there. */
function logOf(history: readonly Timed[]): Command[] {
  const first: Command = { at: 1000, do: 'configure', config: CONFIG };
  const log: Command[] = [first];
  const cloud = fold(log);
  let at = 1000;
  for (const { wish, after, index } of history) {
    at += after;
    const call = wish((what) => {
      const refs = [...cloud.things[what].keys(), 'no-such'];
      return refs[index % refs.length] ?? 'no-such';
    });
    const command = JSON.parse(JSON.stringify({ ...call, at })) as Command;
    log.push(command);
    apply(cloud, command);
  }
  return log;
}

const outcomes = (cloud: Cloud, log: readonly Command[]): Outcome[] => log.map((command) => apply(cloud, command));

/** Counts what is taken from the things themselves, beside the fold's own books. */
function expectSound(cloud: Cloud): void {
  for (const { config, claimed, machines } of cloud.hosts.values()) {
    const there = [...cloud.things.compute.values()].filter((machine) => machine.host === config.name);
    expect(claimed).toEqual({
      cores: there.reduce((sum, machine) => sum + machine.claim.cores, 0),
      memoryBytes: there.reduce((sum, machine) => sum + machine.claim.memoryBytes, 0),
    });
    expect(machines).toBe(there.length);
    expect(claimed.cores).toBeLessThanOrEqual(config.cores);
    expect(claimed.memoryBytes).toBeLessThanOrEqual(config.memoryBytes);
    for (const machine of there) {
      expect(machine.cores).toBeLessThanOrEqual(machine.claim.cores);
      const mates = there.filter((other) => other !== machine && machine.apartFrom.includes(other.id ?? ''));
      expect(mates).toEqual([]);
    }
  }
  const stored =
    [...cloud.things.compute.values()].reduce((sum, { diskBytes }) => sum + diskBytes, 0) +
    [...cloud.things.storage.values()].reduce((sum, { claimBytes }) => sum + claimBytes, 0) +
    [...cloud.things.image.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(cloud.storageClaimedBytes).toBe(stored);
  expect(stored).toBeLessThanOrEqual(CONFIG.storageBytes);
  const nics = [...cloud.things.nic.values()];
  for (const key of ['address', 'mac'] as const) {
    const held = nics.filter((nic) => nic[key] !== undefined).map((nic) => `${nic.network} ${nic[key]}`);
    expect(new Set(held).size).toBe(held.length);
  }
  expect(cloud.leases.size).toBe(nics.reduce((sum, nic) => sum + (nic.address === undefined ? 1 : 2), 0));
  const subnets = [...cloud.things.network.values()].flatMap((network) => network.subnet ?? []);
  expect(new Set(subnets).size).toBe(subnets.length);
  for (const attachment of cloud.things.attachment.values())
    expect(cloud.things.storage.has(attachment.storage)).toBe(true);
  for (const nic of nics) expect(cloud.things.network.has(nic.network)).toBe(true);
}

describe('the fold of a simulated site', () => {
  it('is tried with commands of which many are granted and many refused', () => {
    const histories = fc.sample(anyHistory, { numRuns: 60, seed: 7 });
    const all = histories.flatMap((history) => outcomes(newCloud(), logOf(history)));
    const refused = all.filter((outcome) => outcome.refusal).map((outcome) => outcome.refusal?.class);
    expect(refused.length).toBeGreaterThan(all.length * 0.2);
    expect(refused.length).toBeLessThan(all.length * 0.8);
    for (const expected of ['capacity', 'conflict', 'transient', 'invalid', 'not-found', 'denied'] as const)
      expect(refused).toContain(expected);
  });

  const runs = { numRuns: 60, seed: 20260101 };

  it('gives the same site and the same outcomes each time', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const log = logOf(history);
        const [one, other] = [newCloud(), newCloud()];
        expect(outcomes(one, log)).toEqual(outcomes(other, log));
        expect(writeSnapshot(one)).toBe(writeSnapshot(other));
      }),
      runs,
    );
  });

  it('gives the same site in one go and from a snapshot taken anywhere', () => {
    fc.assert(
      fc.property(anyHistory, fc.nat(60), (history, cut) => {
        const log = logOf(history);
        const at = Math.min(1 + cut, log.length);
        const resumed = readSnapshot(writeSnapshot(fold(log.slice(0, at))));
        const whole = fold(log.slice(0, at));
        expect(outcomes(resumed, log.slice(at))).toEqual(outcomes(whole, log.slice(at)));
        expect(writeSnapshot(resumed)).toBe(writeSnapshot(whole));
        expectSound(resumed);
      }),
      runs,
    );
  });

  it('never gives more than there is, after any command', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const cloud = newCloud();
        for (const command of logOf(history)) {
          apply(cloud, command);
          expectSound(cloud);
        }
      }),
      runs,
    );
  });

  it('shows the same now whether or not a later command has moved it on', () => {
    fc.assert(
      fc.property(anyHistory, fc.nat(3000), (history, later) => {
        const log = logOf(history);
        const now = (log.at(-1)?.at ?? 0) + later;
        const still = fold(log);
        const moved = fold([...log, { at: now, do: 'read', operation: 'none' }]);
        for (const what of CLASSES) {
          for (const ref of still.things[what].keys())
            expect(observe(still, what, ref, now)).toEqual(observe(moved, what, ref, now));
        }
        expect(takeInventory(still, now)).toEqual(takeInventory(moved, now));
      }),
      runs,
    );
  });

  it('changes nothing by a command it refuses', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const quiet = { ...CONFIG, faults: [] };
        const log = logOf(history).map((command) =>
          command.do === 'configure' ? { ...command, config: quiet } : command,
        );
        const cloud = newCloud();
        for (const command of log) {
          const before = readSnapshot(writeSnapshot(cloud));
          const outcome = apply(cloud, command);
          if (!outcome.refusal) continue;
          apply(before, { at: command.at, do: 'read', operation: 'none' });
          expect(JSON.parse(writeSnapshot(cloud))).toEqual({
            ...JSON.parse(writeSnapshot(before)),
            serial: cloud.serial,
          });
        }
      }),
      { ...runs, numRuns: 40 },
    );
  });

  it('stands any command at any time, even before it is configured', () => {
    const strange: Command[] = [
      { at: Number.NaN, do: 'read', operation: 'x' },
      { at: Infinity, do: 'delete', class: 'compute', ref: '__proto__' },
      { at: -1, do: 'actCompute', ref: 'constructor', action: 'start' },
      { at: 5, do: 'createCompute', token: '', spec: { id: '', name: '', cores: 1, memoryBytes: 1 } },
      { at: 4, do: 'setHost', host: 'none', up: true },
    ];
    const cloud = fold(strange);
    expect(cloud.applied).toBe(strange.length);
    expect(Number.isFinite(cloud.time)).toBe(true);
  });
});
