/** Placement: hard constraints and capacity in every answer, refusals with numbers, determinism, and bounded time. */

import fc from 'fast-check';
import type { PlacementConstraint } from '../../src/ovf/plan.js';
import { isKept } from '../../src/scheduling/constraint.js';
import type { HostOffer, MachineDemand, SiteOffer } from '../../src/scheduling/offer.js';
import { place, type Placed, type Refused } from '../../src/scheduling/placement.js';

const GIB = 2 ** 30;

function host(name: string, more: Partial<HostOffer> = {}): HostOffer {
  return {
    name,
    rack: 'r1',
    zone: 'z1',
    country: 'DE',
    up: true,
    traits: [],
    freeCores: 8,
    freeMemoryBytes: 16 * GIB,
    occupied: false,
    ...more,
  };
}

function site(hosts: readonly HostOffer[], name = 'here'): SiteOffer {
  return { name, hosts, freeStorageBytes: 1000 * GIB };
}

function machine(id: string, more: Partial<MachineDemand> = {}): MachineDemand {
  return { id, item: id, cores: 1, memoryBytes: GIB, diskBytes: 0, ...more };
}

function rule(name: PlacementConstraint['rule'], machines: readonly string[], more: Partial<PlacementConstraint> = {}) {
  return { rule: name, machines, hard: true, origin: `the ${name}`, ...more };
}

function hostsOf(result: Placed | Refused): Record<string, string> {
  if ('refused' in result) throw new Error(result.refused.map((fault) => fault.message).join('; '));
  return Object.fromEntries([...result.assignments].map(([id, at]) => [id, at.host]));
}

function codesOf(result: Placed | Refused): string[] {
  return 'refused' in result ? result.refused.map((fault) => fault.code) : [];
}

describe('placement of an application', () => {
  const racks = [
    host('a', { rack: 'r1', zone: 'z1', traits: ['trusted'] }),
    host('b', { rack: 'r1', zone: 'z1', country: 'FR' }),
    host('c', { rack: 'r1', zone: 'z2', occupied: true }),
    host('d', { rack: 'r2', zone: 'z2', country: 'US', up: false }),
  ];

  it.each<[string, PlacementConstraint, (hosts: Record<string, string>) => boolean]>([
    ['differentHost', rule('differentHost', ['x', 'y']), ({ x, y }) => x !== y],
    ['sameHost', rule('sameHost', ['x', 'y']), ({ x, y }) => x === y],
    [
      'differentRack, racks being apart by zone',
      rule('differentRack', ['x', 'y']),
      ({ x, y }) => x === 'c' || y === 'c',
    ],
    ['sameRack', rule('sameRack', ['x', 'y']), ({ x, y }) => (x === 'c') === (y === 'c')],
    ['country', rule('country', ['x'], { values: ['FR', 'US'] }), ({ x }) => x === 'b'],
    ['zone', rule('zone', ['y'], { values: ['z2'] }), ({ y }) => y === 'c'],
    ['hostTrait', rule('hostTrait', ['x', 'y'], { values: ['trusted'] }), ({ x, y }) => x === 'a' && y === 'a'],
    ['dedicatedHost', rule('dedicatedHost', [], {}), ({ x, y }) => x !== 'c' && y !== 'c'],
    ['separateItems', rule('separateItems', ['x'], { values: ['y'] }), ({ x, y }) => x !== y],
  ])('keeps %s', (_name, constraint, holds) => {
    const hosts = hostsOf(place([machine('x'), machine('y')], [site(racks)], [constraint]));
    expect(holds(hosts)).toBe(true);
    expect(Object.values(hosts)).not.toContain('d');
  });

  it('gives the same answer to the same input', () => {
    const machines = ['m1', 'm2', 'm3', 'm4'].map((id) => machine(id, { cores: 3 }));
    const once = hostsOf(place(machines, [site(racks)], [rule('differentHost', ['m1', 'm2'])]));
    expect(hostsOf(place(machines, [site(racks)], [rule('differentHost', ['m1', 'm2'])]))).toEqual(once);
  });

  it('keeps instances of one VirtualSystem apart as it keeps systems apart', () => {
    const machines = [machine('w'), machine('w-2', { item: 'w' }), machine('db')];
    const hosts = hostsOf(place(machines, [site(racks)], [rule('differentHost', ['w'])]));
    expect(hosts['w']).not.toBe(hosts['w-2']);
  });

  it('leaves machines where they are and keeps new ones away from them', () => {
    const there = machine('w', { at: { site: 'here', host: 'a' } });
    const hosts = hostsOf(place([there, machine('w-2', { item: 'w' })], [site(racks)], [rule('differentHost', ['w'])]));
    expect(hosts).toEqual({ w: 'a', 'w-2': expect.stringMatching(/b|c/) });
    expect(codesOf(place([machine('w', { at: { site: 'there', host: 'a' } })], [site(racks)], []))).toEqual([
      'placement.elsewhere',
    ]);
    const joined = place([there, machine('x')], [site(racks)], [rule('sameHost', [])]);
    expect(hostsOf(joined)).toEqual({ w: 'a', x: 'a' });
  });

  it('follows a wish where it can and says where it could not', () => {
    const apart = rule('differentHost', ['x', 'y'], { hard: false });
    const two = place([machine('x'), machine('y')], [site(racks)], [apart]);
    expect(hostsOf(two)['x']).not.toBe(hostsOf(two)['y']);
    expect(two).toMatchObject({ unkept: [] });
    const nowhere = rule('country', [], { hard: false, values: ['CH'], origin: 'a wish' });
    expect(place([machine('x')], [site(racks)], [nowhere])).toMatchObject({ unkept: ['a wish'] });
  });

  it('takes the site that keeps more wishes', () => {
    const wish = rule('country', [], { hard: false, values: ['CH'] });
    const sites = [site(racks), site([host('e', { country: 'CH' })], 'there')];
    expect(place([machine('x')], sites, [wish])).toMatchObject({
      assignments: new Map([['x', { site: 'there', host: 'e' }]]),
    });
  });

  it('puts a whole group into a rack that takes all of it', () => {
    const hosts = [host('small', { rack: 'r1', freeCores: 3 }), host('large', { rack: 'r2' })];
    const machines = ['x', 'y', 'z'].map((id) => machine(id, { cores: 2 }));
    expect(new Set(Object.values(hostsOf(place(machines, [site(hosts)], [rule('sameRack', [])]))))).toEqual(
      new Set(['large']),
    );
  });
});

it('promises a quota that zones share once, however much each of them says is left', () => {
  const zones = ['z1', 'z2'].map((name) => host(name, { rack: name, zone: name }));
  const machines = ['a', 'b'].map((id) => machine(id, { cores: 5 }));
  expect(codesOf(place(machines, [site(zones)], []))).toEqual([]);
  const shared: SiteOffer = { ...site(zones), quotaIsShared: true };
  expect(place(machines, [shared], [])).toMatchObject({
    refused: [{ code: 'placement.capacity', value: 'cores', offered: '8' }],
  });
  expect(codesOf(place(machines.slice(1), [shared], []))).toEqual([]);
});

describe('a zone that keeps machines apart by itself', () => {
  const zone = host('z1', { rack: 'z1', apart: 7 });
  const machines = Array.from({ length: 8 }, (_, index) => machine(`w${index}`, { cores: 0.1, memoryBytes: 1 }));

  it.each(['differentHost', 'differentRack'] as const)(
    'takes as many for %s as it keeps apart, and no more',
    (name) => {
      const constraint = rule(name, []);
      expect(Object.values(hostsOf(place(machines.slice(1), [site([zone])], [constraint])))).toEqual(
        Array.from({ length: 7 }, () => 'z1'),
      );
      const refused = place(machines, [site([zone])], [constraint]);
      expect(refused).toMatchObject({ refused: [{ value: `the ${name}`, offered: 7 }] });
      const two = site([zone, host('z2', { rack: 'z2', zone: 'z2', apart: 7 })]);
      expect(new Set(Object.values(hostsOf(place(machines, [two], [constraint]))))).toEqual(new Set(['z1', 'z2']));
    },
  );

  it('counts those that are there, and does not do so for a mere wish', () => {
    const there = machines.slice(0, 7).map((each) => ({ ...each, at: { site: 'here', host: 'z1' } }));
    const constraint = rule('differentHost', []);
    expect(codesOf(place([...there, machine('more')], [site([zone])], [constraint]))).toEqual([
      'placement.too-few-hosts',
    ]);
    const wish = place(machines.slice(0, 2), [site([zone])], [{ ...constraint, hard: false }]);
    expect(wish).toMatchObject({ unkept: ['the differentHost'] });
  });
});

describe('refusal of a placement', () => {
  const three = [host('a'), host('b'), host('c', { rack: 'r2' })];

  it('is at once and with the numbers when there are fewer hosts than machines to be apart', () => {
    const machines = Array.from({ length: 40 }, (_, index) => machine(`w${index}`, { cores: 0.1, memoryBytes: 1 }));
    const result = place(machines, [site(three)], [rule('differentHost', [], { origin: 'term apart' })]);
    expect(result).toEqual({
      refused: [
        {
          code: 'placement.too-few-hosts',
          message: 'term apart keeps 40 machines on different hosts; site here has 3 that can take them',
          place: { field: 'here' },
          value: 'term apart',
          remedy: 'ask for at most 3 such machines',
          offered: 3,
        },
      ],
    });
    expect(codesOf(place(machines.slice(0, 3), [site(three)], [rule('differentRack', [])]))).toEqual([
      'placement.too-few-racks',
    ]);
  });

  it('tells everything that counting finds', () => {
    const machines = [
      machine('big', { cores: 9 }),
      machine('far', { cores: 8, memoryBytes: 16 * GIB, diskBytes: 2000 * GIB }),
      ...['m1', 'm2', 'm3'].map((id) => machine(id, { cores: 5 })),
    ];
    const constraints = [
      rule('country', ['far'], { values: ['JP'] }),
      rule('sameHost', ['m1', 'm2']),
      rule('differentHost', ['m1', 'm2']),
      rule('separateItems', ['m1'], { values: ['m2'] }),
    ];
    expect(codesOf(place(machines, [site(three)], constraints))).toEqual([
      'placement.contradiction',
      'placement.contradiction',
      'placement.too-large',
      'placement.no-host',
      'placement.too-large',
      'placement.capacity',
      'placement.capacity',
    ]);
  });

  it('never ignores a constraint on a machine that is not there', () => {
    expect(codesOf(place([machine('x')], [site(three)], [rule('sameHost', ['x', 'ghost'])]))).toEqual([
      'placement.unknown-machine',
    ]);
    expect(codesOf(place([machine('x')], [], []))).toEqual(['placement.no-host']);
    expect(codesOf(place([machine('x')], [site([host('a', { up: false })])], []))).toEqual([
      'placement.no-host',
      'placement.capacity',
      'placement.capacity',
    ]);
  });

  it('tells an exhausted search from an impossible one', () => {
    const machines = ['x', 'y', 'z'].map((id) => machine(id, { cores: 5 }));
    const hosts = [host('a', { freeCores: 9 }), host('b', { freeCores: 6 })];
    expect(codesOf(place(machines, [site(hosts)], []))).toEqual(['placement.impossible']);
    expect(codesOf(place(machines, [site(hosts)], [], { budget: 1 }))).toEqual(['placement.not-found']);
  });
});

const anyHost = fc.record({
  rack: fc.constantFrom('r1', 'r2'),
  zone: fc.constantFrom('z1', 'z2'),
  country: fc.constantFrom('DE', 'FR'),
  up: fc.constantFrom(true, true, true, false),
  traits: fc.subarray(['trusted', 'sev']),
  freeCores: fc.integer({ min: 0, max: 6 }),
  freeMemoryBytes: fc.integer({ min: 0, max: 6 }),
  occupied: fc.boolean(),
});
const anyConstraint = (ids: readonly string[]): fc.Arbitrary<PlacementConstraint> =>
  fc
    .record({
      rule: fc.constantFrom<PlacementConstraint['rule']>(
        ...(['differentHost', 'sameHost', 'differentRack', 'sameRack', 'country', 'zone'] as const),
        ...(['hostTrait', 'dedicatedHost', 'separateItems'] as const),
      ),
      machines: fc.subarray([...ids], { minLength: 1 }),
      others: fc.subarray([...ids], { minLength: 1 }),
      hard: fc.constantFrom(true, true, false),
      country: fc.subarray(['DE', 'FR'], { minLength: 1 }),
      zone: fc.subarray(['z1', 'z2'], { minLength: 1 }),
    })
    .map(({ rule: name, machines, others, hard, country, zone }) => ({
      rule: name,
      machines,
      hard,
      origin: 'some',
      ...(name === 'country' && { values: country }),
      ...(name === 'zone' && { values: zone }),
      ...(name === 'hostTrait' && { values: ['trusted'] }),
      ...(name === 'separateItems' && { values: others }),
    }));
const instance = fc.integer({ min: 1, max: 5 }).chain((count) => {
  const ids = Array.from({ length: count }, (_, index) => `m${index}`);
  return fc.record({
    hosts: fc.array(anyHost, { minLength: 1, maxLength: 4 }),
    machines: fc.tuple(
      ...ids.map((id) =>
        fc
          .record({ cores: fc.integer({ min: 1, max: 4 }), memoryBytes: fc.integer({ min: 1, max: 4 }) })
          .map((size) => machine(id, size)),
      ),
    ),
    constraints: fc.array(anyConstraint(ids), { maxLength: 3 }),
  });
});

/** Whether a full assignment (host index by machine) keeps capacity and every hard constraint, by definition. */
function isSound(
  machines: readonly MachineDemand[],
  hosts: readonly HostOffer[],
  constraints: readonly PlacementConstraint[],
  chosen: readonly number[],
): boolean {
  if (chosen.some((index) => !hosts[index]!.up)) return false;
  const fits = hosts.every((each, index) => {
    const mine = machines.filter((_, position) => chosen[position] === index);
    const sum = (amount: (demand: MachineDemand) => number): number => mine.reduce((all, one) => all + amount(one), 0);
    return sum(({ cores }) => cores) <= each.freeCores && sum(({ memoryBytes }) => memoryBytes) <= each.freeMemoryBytes;
  });
  const located = machines.map(({ id, item }, position) => ({
    id,
    item,
    site: 'here',
    host: hosts[chosen[position]!]!,
  }));
  return fits && constraints.every((constraint) => !constraint.hard || isKept(constraint, located));
}

function anyAssignment(
  machines: readonly MachineDemand[],
  hosts: number,
  found: (chosen: number[]) => boolean,
): boolean {
  const total = hosts ** machines.length;
  for (let code = 0; code < total; code += 1) {
    if (found(machines.map((_, position) => Math.floor(code / hosts ** position) % hosts))) return true;
  }
  return false;
}

describe('placement against brute force', () => {
  it('accepts exactly what can be placed, and soundly', () => {
    fc.assert(
      fc.property(instance, ({ hosts, machines, constraints }) => {
        const named = hosts.map((each, index) => host(`h${index}`, each));
        const result = place(machines, [site(named)], constraints);
        const possible = anyAssignment(machines, named.length, (chosen) =>
          isSound(machines, named, constraints, chosen),
        );
        expect('assignments' in result).toBe(possible);
        if (!('assignments' in result)) return;
        const chosen = machines.map(({ id }) =>
          named.findIndex(({ name }) => name === result.assignments.get(id)?.host),
        );
        expect(isSound(machines, named, constraints, chosen)).toBe(true);
      }),
      { numRuns: 1500, seed: 20260101 },
    );
  });
});

describe('placement at size', () => {
  it('places 1,000 machines on 200 hosts in a moment', () => {
    const hosts = Array.from({ length: 200 }, (_, index) =>
      host(`h${index}`, {
        rack: `r${index % 20}`,
        zone: `z${index % 4}`,
        freeCores: 16 + (index % 3) * 16,
        freeMemoryBytes: (64 + (index % 5) * 32) * GIB,
      }),
    );
    const machines = Array.from({ length: 1000 }, (_, index) =>
      machine(`m${index}`, { item: `i${index % 50}`, cores: 1 + (index % 8), memoryBytes: (1 + (index % 13)) * GIB }),
    );
    const constraints = [
      rule('differentHost', ['i0', 'i1', 'i2']),
      rule('differentRack', ['i3']),
      rule('sameRack', ['i4']),
      rule('separateItems', ['i5', 'i6'], { values: ['i7'] }),
      rule('zone', ['i8'], { values: ['z1', 'z2'] }),
      rule('differentHost', ['i9', 'i10'], { hard: false }),
    ];
    const result = place(machines, [site(hosts)], constraints);
    const chosen = hostsOf(result);
    const byName = new Map(hosts.map((each) => [each.name, each]));
    const located = machines.map(({ id, item }) => ({ id, item, site: 'here', host: byName.get(chosen[id] ?? '')! }));
    expect(constraints.filter((constraint) => constraint.hard && !isKept(constraint, located))).toEqual([]);
  });

  it('gives up on a hopeless search within its budget', () => {
    const hosts = Array.from({ length: 200 }, (_, index) =>
      host(`h${index}`, { freeCores: 10 + (index % 2), rack: `r${index}` }),
    );
    const machines = Array.from({ length: 300 }, (_, index) => machine(`m${index}`, { cores: 6, memoryBytes: 1 }));
    expect(codesOf(place(machines, [site(hosts)], []))).toEqual(['placement.not-found']);
  });
});
