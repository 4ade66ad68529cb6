/** An application over several sites: what is tied stays together, the rest goes where there is room, and why is told. */

import fc from 'fast-check';
import type { PlacementConstraint } from '../../src/ovf/plan.js';
import { isKept } from '../../src/scheduling/constraint.js';
import type { MachineDemand, SiteOffer } from '../../src/scheduling/offer.js';
import { place, type Placed, type Refused } from '../../src/scheduling/placement.js';
import type { Tie } from '../../src/scheduling/split.js';

const GIB = 2 ** 30;

function site(name: string, cores: readonly number[], country = 'DE'): SiteOffer {
  const hosts = cores.map((freeCores, index) => ({
    name: `h${index + 1}`,
    rack: 'r1',
    zone: 'z1',
    country,
    up: true,
    traits: [],
    freeCores,
    freeMemoryBytes: 64 * GIB,
    occupied: false,
  }));
  return { name, hosts, freeStorageBytes: 1000 * GIB };
}

function machine(id: string, cores = 1): MachineDemand {
  return { id, item: id, cores, memoryBytes: GIB, diskBytes: 0 };
}

function tie(what: string, machines: readonly string[], reaches?: readonly string[]): Tie {
  return { what, machines: new Set(machines), ...(reaches ? { reaches: new Set(reaches) } : {}) };
}

function rule(name: PlacementConstraint['rule'], machines: readonly string[], values?: readonly string[], hard = true) {
  return { rule: name, machines, hard, origin: `the ${name}`, ...(values ? { values } : {}) };
}

function sitesOf(result: Placed | Refused): Record<string, string> {
  if ('refused' in result) throw new Error(result.refused.map(({ message }) => message).join('; '));
  return Object.fromEntries([...result.assignments].map(([id, at]) => [id, at.site]));
}

function codesOf(result: Placed | Refused): string[] {
  return 'refused' in result ? result.refused.map(({ code }) => code) : [];
}

const BOTH = [site('one', [4]), site('two', [4])];
const FOUR = ['a', 'b', 'c', 'd'].map((id) => machine(id, 2));

describe('an application over several sites', () => {
  it('stays on one where that takes all of it, and says nothing of others', () => {
    const result = place(FOUR.slice(0, 2), BOTH, [], { ties: [] });
    expect(sitesOf(result)).toEqual({ a: 'one', b: 'one' });
    expect(result).not.toHaveProperty('because');
  });

  it('is not split unless it may be', () => {
    expect(codesOf(place(FOUR, BOTH, []))).toEqual(['placement.capacity', 'placement.capacity']);
  });

  it('goes in parts to where there is room, and tells why no one site takes it', () => {
    const result = place(FOUR, BOTH, [], { ties: [] });
    expect(Object.values(sitesOf(result)).sort()).toEqual(['one', 'one', 'two', 'two']);
    expect((result as Placed).because?.map(({ place: at }) => at?.field)).toEqual(['one', 'two']);
  });

  it('keeps together what shares a network that stays within a site', () => {
    const sites = sitesOf(
      place(FOUR, BOTH, [], { ties: [tie('network x', ['a', 'c']), tie('network y', ['b', 'd'])] }),
    );
    expect(sites['a']).toBe(sites['c']);
    expect(sites['b']).toBe(sites['d']);
    expect(sites['a']).not.toBe(sites['b']);
  });

  it('names what ties everything together when nothing can be split off', () => {
    const result = place(FOUR, BOTH, [], { ties: [tie('network x', ['a', 'b', 'c']), tie('disk s', ['c', 'd'])] });
    expect(codesOf(result)).toEqual(['placement.capacity', 'placement.capacity', 'placement.tied']);
    expect((result as Refused).refused.at(-1)?.message).toContain('network x, disk s');
  });

  it('spreads over a network between the sites that it reaches, and no others', () => {
    const sites = [site('one', [4]), site('two', [4]), site('three', [4])];
    const public2 = tie('network public', ['a', 'b', 'c', 'd'], ['two', 'three']);
    expect(new Set(Object.values(sitesOf(place(FOUR, sites, [], { ties: [public2] }))))).toEqual(
      new Set(['two', 'three']),
    );
    const nowhere = place(FOUR, sites, [], { ties: [tie('network public', ['a', 'b', 'c', 'd'], ['two'])] });
    expect(codesOf(nowhere).at(-1)).toBe('placement.no-split');
  });

  it('keeps each machine on the sites that are named for it', () => {
    const constraints = [rule('site', ['d'], ['one']), rule('site', ['a'], ['two', 'one'])];
    const result = place(FOUR, BOTH, constraints, { ties: [] });
    expect(sitesOf(result)['d']).toBe('one');
    const apart = [rule('site', ['a'], ['one']), rule('site', ['b'], ['two'])];
    expect(sitesOf(place(FOUR.slice(0, 2), BOTH, apart, { ties: [] }))).toEqual({ a: 'one', b: 'two' });
    expect(codesOf(place(FOUR.slice(0, 2), BOTH, apart))).toEqual(['placement.other-site', 'placement.other-site']);
  });

  it('cannot keep one network on two sites', () => {
    const apart = [rule('site', ['a'], ['one']), rule('site', ['b'], ['two'])];
    const result = place(FOUR.slice(0, 3), BOTH, apart, { ties: [tie('network x', ['a', 'b'])] });
    expect(codesOf(result)).toContain('placement.stuck');
    expect((result as Refused).refused.at(-1)?.message).toContain('stay together on network x');
  });

  it('keeps countries, and machines apart that are to be apart: on two sites they are', () => {
    const sites = [site('one', [4, 4]), site('two', [4], 'FR')];
    const constraints = [rule('country', ['a'], ['FR']), rule('differentHost', ['b', 'c', 'd'])];
    const result = sitesOf(place(FOUR, sites, constraints, { ties: [] }));
    expect(result['a']).toBe('two');
    expect(['b', 'c', 'd'].filter((id) => result[id] === 'two')).toHaveLength(1);
  });

  it('keeps machines of one host or rack on one site', () => {
    for (const near of ['sameHost', 'sameRack'] as const) {
      const sites = sitesOf(place(FOUR, BOTH, [rule(near, ['a', 'd'])], { ties: [] }));
      expect(sites['a']).toBe(sites['d']);
    }
  });

  it('follows a wish for a site where there is room', () => {
    const result = place(FOUR, BOTH, [rule('site', ['a', 'b'], ['two'], false)], { ties: [] });
    expect(sitesOf(result)).toEqual({ a: 'two', b: 'two', c: 'one', d: 'one' });
    expect((result as Placed).unkept).toEqual([]);
  });

  it('keeps ties, rooms and constraints whatever is asked, and answers the same again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 9 }),
        fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }), {
          minLength: 2,
          maxLength: 4,
        }),
        fc.array(fc.tuple(fc.nat(8), fc.nat(8), fc.boolean()), { maxLength: 5 }),
        (sizes, rooms, bonds) => {
          const machines = sizes.map((cores, index) => machine(`m${index}`, cores));
          const sites = rooms.map((cores, index) => site(`s${index}`, cores));
          const bound = bonds.map(([one, other, near]) => ({
            ids: [`m${one % sizes.length}`, `m${other % sizes.length}`],
            near,
          }));
          const ties = bound.flatMap(({ ids, near }, index) => (near ? [tie(`n${index}`, ids)] : []));
          const apart = bound.flatMap(({ ids, near }) =>
            near || ids[0] === ids[1] ? [] : [rule('differentHost', ids)],
          );
          const result = place(machines, sites, apart, { ties });
          expect(place(machines, sites, apart, { ties })).toEqual(result);
          if ('refused' in result) return;
          expect(result.assignments.size).toBe(machines.length);
          for (const each of ties)
            expect(new Set([...each.machines].map((id) => result.assignments.get(id)?.site)).size).toBe(1);
          for (const { name, hosts } of sites) {
            for (const host of hosts) {
              const there = machines.filter(({ id }) => {
                const at = result.assignments.get(id);
                return at?.site === name && at.host === host.name;
              });
              expect(there.reduce((sum, { cores }) => sum + cores, 0)).toBeLessThanOrEqual(host.freeCores);
            }
          }
          const located = machines.map(({ id, item }) => {
            const at = result.assignments.get(id)!;
            const host = sites.find(({ name }) => name === at.site)!.hosts.find(({ name }) => name === at.host)!;
            return { id, item, site: at.site, host };
          });
          expect(apart.filter((constraint) => !isKept(constraint, located))).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('shares a thousand machines out without trying everything', () => {
    const machines = Array.from({ length: 1000 }, (_, index) => machine(`m${index}`));
    const sites = ['a', 'b', 'c', 'd'].map((name) =>
      site(
        name,
        Array.from({ length: 30 }, () => 10),
      ),
    );
    expect(new Set(Object.values(sitesOf(place(machines, sites, [], { ties: [] })))).size).toBe(4);
    const hopeless = place(
      machines,
      sites.map((each) => ({ ...each, hosts: each.hosts.slice(0, 24) })),
      [],
      { ties: [] },
    );
    expect(codesOf(hopeless).at(-1)).toBe('placement.no-split');
  });
});
