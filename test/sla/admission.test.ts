/** Admission (`spec/sla.md` §5, §12): what is promised can be kept, and every term that cannot is told. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { JsonValue } from '../../src/base/json.js';
import { NO_INPUTS, planAppliance } from '../../src/ovf/index.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { admit } from '../../src/sla/admission.js';
import { parseAgreementText } from '../../src/sla/parse.js';
import { refusal } from '../../src/sla/unmet.js';
import { NOTHING_TAKEN } from '../../src/sla/admit-quota.js';
import { schemas } from '../ovf/plan-support.js';
import { admittedOf, GIB, host, judged, machine, MIB, NOW, plan, site, unmetOf } from './agreement-support.js';

const at = (scope: readonly string[], metric: string, op: string, value: JsonValue, id = 't'): JsonValue => ({
  id,
  type: 'resource',
  scope,
  metric,
  op,
  value,
});

function sizesOf(terms: readonly JsonValue[], of?: DeploymentPlan): Record<string, readonly [number, number, number]> {
  const admitted = admittedOf(judged(terms, of ? { plan: of } : {}));
  return Object.fromEntries(
    admitted.plan.machines.map(({ id, cores, memoryBytes, instances }) => [
      id,
      [cores.normal, memoryBytes.normal / GIB, instances.normal],
    ]),
  );
}

describe('the example agreement', () => {
  const descriptor = readFileSync('examples/web-shop/web-shop.ovf');
  const { plan: shop } = planAppliance(descriptor, { ...NO_INPUTS, eulas: 'all' }, { mode: 'strict', schemas });
  const agreement = parseAgreementText(readFileSync('examples/web-shop/gold.json', 'utf8'));
  const sha256 = createHash('sha256').update(descriptor).digest('hex');
  const request = {
    agreement,
    plan: shop!,
    descriptor: { sha256 },
    provider: { ids: ['vep'] },
    caller: { ids: ['local:user', 'user'], vos: [], loa: null },
    governed: NOTHING_TAKEN,
    now: NOW,
  };

  it('is admitted with its web servers on different hosts in the Union', () => {
    const admitted = admittedOf(admit({ ...request, sites: [site()] }));
    expect(admitted.hosts.get('web1')).not.toBe(admitted.hosts.get('web2'));
    expect(admitted.plan.constraints.map(({ rule }) => rule)).toEqual(['differentHost', 'country']);
    expect(admitted.prices).toMatchObject([{ amount: '0.05', currency: 'EUR', per: 'hour' }]);
  });

  it('is refused with every unmet term where it cannot be kept', () => {
    const small = [host('a', { freeCores: 3 }), host('b', { country: 'US' })];
    const sites = [site({ hosts: small })];
    const outcome = admit({
      ...request,
      sites,
      descriptor: { sha256: '1'.repeat(64) },
      caller: { ids: [], vos: [], loa: 1 },
    });
    expect(unmetOf(outcome)).toEqual([
      'sla.party - customer',
      'sla.ovf.digest - shop',
      'sla.capacity - db',
      'sla.placement web-apart -',
    ]);
  });
});

describe('resource terms', () => {
  it('raise what the descriptor asks for to their lower bounds', () => {
    expect(
      sizesOf([
        at(['web'], 'vm.cores', 'GE', 4, 'a'),
        at(['db'], 'vm.memory', 'GT', 3 * 1024, 'b'),
        at(['api'], 'vm.count', 'EQ', 2, 'c'),
      ]),
    ).toEqual({ web: [4, 2, 1], api: [2, 2, 2], db: [2, (3 * GIB + 1) / GIB, 1] });
    const { disks } = admittedOf(judged([at(['data'], 'vm.disk.size', 'GE', 20480)])).plan;
    expect(disks.find(({ id }) => id === 'db-data')?.capacityBytes).toBe(20 * GIB);
  });

  it('leave alone what the descriptor gives already', () => {
    expect(sizesOf([at(['web'], 'vm.cores', 'GE', 1), at([], 'vm.memory', 'LE', 1024 * 1024, 'u')])).toEqual({
      web: [2, 2, 1],
      api: [2, 2, 1],
      db: [2, 2, 1],
    });
  });

  it('on a collection bind the systems below it, the nearest term winning', () => {
    const terms = [
      at([], 'vm.cores', 'GE', 3, 'all'),
      at(['tier'], 'vm.cores', 'GE', 4, 'tier'),
      at(['web'], 'vm.cores', 'GE', 1, 'web'),
    ];
    expect(sizesOf(terms)).toEqual({ web: [2, 2, 1], api: [4, 2, 1], db: [3, 2, 1] });
  });

  it('are refused when the descriptor asks for more or allows less', () => {
    expect(unmetOf(judged([at(['web'], 'vm.cores', 'LT', 2)]))).toEqual(['sla.conflict t web']);
    const capped = plan({ machines: [machine('web', { cores: { normal: 2, max: 3 } })], collections: [] });
    const items = { services: [{ name: 's', items: [{ id: 'web', kind: 'VirtualSystem', ref: 'web' }] }] };
    const outcome = judged([at(['web'], 'vm.cores', 'GE', 4)], { plan: capped, document: items });
    expect(outcome).toMatchObject({ unmet: [{ code: 'sla.conflict', offered: 3 }] });
  });

  it('that contradict each other are all named', () => {
    const terms = [at(['web'], 'vm.cores', 'GE', 4, 'more'), at(['web'], 'vm.cores', 'LT', 4, 'less')];
    expect(unmetOf(judged(terms))).toEqual(['sla.contradiction more web', 'sla.contradiction less web']);
  });

  it('on the storage of a machine raise its only disk, and hold the sum of several', () => {
    const { disks } = admittedOf(judged([at(['web'], 'vm.disk.size', 'GE', 20480)])).plan;
    expect(disks.find(({ id }) => id === 'web-root')?.capacityBytes).toBe(20 * GIB);
    admittedOf(judged([at(['db'], 'vm.disk.size', 'GE', 20480)]));
    expect(unmetOf(judged([at(['db'], 'vm.disk.size', 'GE', 20481)]))).toEqual(['sla.conflict t db']);
  });

  it('count replicas that stand as machines already as instances', () => {
    const base = plan();
    const web = base.machines[0]!;
    const expanded = {
      ...base,
      machines: [...base.machines, { ...web, id: 'web-2', instanceOf: 'web', title: 'web 2' }],
    };
    const admitted = admittedOf(judged([at(['web'], 'vm.cores', 'GE', 4)], { plan: expanded }));
    expect(admitted.plan.machines.map(({ id, cores }) => [id, cores.normal])).toEqual([
      ['web', 4],
      ['api', 2],
      ['db', 2],
      ['web-2', 4],
    ]);
    expect([...admitted.hosts.keys()]).toEqual(['web', 'web-2', 'api', 'db']);
    const apart: JsonValue = { id: 'p', type: 'placement', scope: ['web'], rule: 'differentHost' };
    const { hosts } = admittedOf(judged([apart], { plan: expanded }));
    expect(hosts.get('web')).not.toBe(hosts.get('web-2'));
  });

  it('about what nobody promises are refused', () => {
    const terms = [
      at(['web'], 'vm.cpu.speed', 'GE', 2000, 'speed'),
      at(['data'], 'storage.reliability', 'GE', 3, 'class'),
      at([], 'protection.loa', 'GE', 3, 'loa'),
    ];
    expect(unmetOf(judged(terms))).toEqual([
      'sla.unsupported speed web',
      'sla.unsupported class data',
      'sla.protection loa -',
    ]);
    admittedOf(judged([at([], 'protection.loa', 'GE', 2)]));
  });
});

describe('terms about places', () => {
  it.each<[string, JsonValue, (hosts: ReadonlyMap<string, string>) => boolean]>([
    ['vm.location', at(['web'], 'vm.location', 'EQ', 'FR'), (hosts) => hosts.get('web') === 'c'],
    [
      'vm.location by exclusion',
      at([], 'vm.location', 'NE', 'DE'),
      (hosts) => [...hosts.values()].every((on) => on === 'c'),
    ],
    [
      'placement.differentHost',
      at(['tier'], 'placement.differentHost', 'EQ', true),
      (hosts) => hosts.get('web') !== hosts.get('api'),
    ],
    [
      'placement.sameRack',
      at(['tier', 'db'], 'placement.sameRack', 'EQ', true),
      (hosts) => new Set(hosts.values()).size === 1,
    ],
    [
      'placement.sameRack, not',
      at([], 'placement.sameRack', 'EQ', false),
      (hosts) => new Set(hosts.values()).size === 3,
    ],
    [
      'separateItems',
      { id: 't', type: 'placement', rule: 'separateItems', values: [['tier'], ['db']] },
      (hosts) => hosts.get('db') !== hosts.get('web') && hosts.get('db') !== hosts.get('api'),
    ],
    [
      'sameHost',
      { id: 't', type: 'placement', rule: 'sameHost', scope: ['web', 'db'] },
      (hosts) => hosts.get('web') === hosts.get('db'),
    ],
  ])('%s decides on hosts', (_name, term, holds) => {
    expect(holds(admittedOf(judged([term])).hosts)).toBe(true);
  });

  it('are refused where the inventory or the site cannot keep them', () => {
    const terms: JsonValue[] = [
      { id: 'zone', type: 'placement', scope: ['web'], rule: 'zone', values: ['z9'] },
      { id: 'trait', type: 'placement', scope: ['web'], rule: 'hostTrait', values: ['sev'] },
      { id: 'alone', type: 'placement', scope: ['web'], rule: 'dedicatedHost' },
      { id: 'wish', type: 'placement', scope: ['web'], rule: 'country', values: ['JP'], mode: 'preferred' },
      at(['data'], 'storage.location', 'EQ', 'DE', 'disk'),
    ];
    expect(unmetOf(judged(terms))).toEqual([
      'sla.unsupported alone web',
      'sla.placement disk data',
      'sla.placement zone -',
    ]);
    const blind = site({ levels: new Set(['host']) });
    expect(unmetOf(judged([terms[0]!], { sites: [blind] }))).toEqual([
      'sla.unsupported zone web',
      'sla.placement zone -',
    ]);
  });

  it('tell which wishes are not kept', () => {
    const wish: JsonValue = { id: 'wish', type: 'placement', rule: 'country', values: ['JP'], mode: 'preferred' };
    expect(admittedOf(judged([wish])).unkept).toEqual(['wish']);
  });

  it('are kept within a zone by a site that tells of no hosts but keeps machines apart', () => {
    const apart: JsonValue = { id: 'apart', type: 'placement', scope: ['web'], rule: 'differentHost' };
    const terms = [apart, at(['web'], 'vm.count', 'EQ', 2, 'two')];
    const levels = new Set(['zone', 'country'] as const);
    const zone = host('z1', { apart: 7 });
    expect(admittedOf(judged(terms, { sites: [site({ levels, hosts: [zone] })] })).unkept).toEqual([]);
    const { apart: _apart, ...plain } = zone;
    expect(unmetOf(judged(terms, { sites: [site({ levels, hosts: [plain] })] }))).toContain(
      'sla.unsupported apart web',
    );
  });

  it('are held at once against the number of hosts', () => {
    const apart: JsonValue = { id: 'apart', type: 'placement', scope: ['web'], rule: 'differentHost' };
    const outcome = judged([apart, at(['web'], 'vm.count', 'EQ', 4, 'four')]);
    expect(outcome).toMatchObject({ unmet: [{ code: 'sla.placement', term: 'apart', offered: 3 }] });
  });
});

describe('guarantees for later', () => {
  const objective: JsonValue = {
    id: 'load',
    type: 'objective',
    scope: ['web'],
    constraint: 'vm.cpu.utilization LT 0.8 AND app.latency LT 2',
    period: 'PT1M',
  };

  it('that nobody measures are refused, one entry for each metric', () => {
    expect(unmetOf(judged([objective]))).toEqual(['sla.unmonitorable load web', 'sla.unmonitorable load web']);
    const measured = (seconds: number) => [
      site({
        metrics: new Map([
          ['vm.cpu.utilization', seconds],
          ['app.*', 60],
        ]),
      }),
    ];
    admittedOf(judged([objective], { sites: measured(60) }));
    expect(judged([objective], { sites: measured(300) })).toMatchObject({
      unmet: [{ code: 'sla.unmonitorable', offered: 'PT300S' }],
    });
    const conditional = { ...(at(['web'], 'vm.cores', 'GE', 1) as object), condition: { when: 'vm.cpu.load GT 1' } };
    expect(unmetOf(judged([conditional]))).toEqual(['sla.unmonitorable t web']);
  });

  const scaling = (more: object = {}): JsonValue => ({
    ...{ id: 'scale', type: 'elasticity', scope: ['web'], min: 1, max: 5, initial: 2 },
    ...more,
  });

  it('bound the instances; rules need somebody who carries them out', () => {
    const admitted = admittedOf(judged([scaling()]));
    expect(admitted.plan.machines[0]?.instances).toEqual({ normal: 2, min: 1, max: 5 });
    expect([...admitted.hosts.keys()]).toContain('web-2');
    const rule = { id: 'out', when: 'vm.cpu.utilization GT 0.8', adjust: { type: 'CHANGE', by: 1 } };
    expect(unmetOf(judged([scaling({ rules: [rule] })]))).toEqual([
      'sla.unmonitorable scale web',
      'sla.unsupported scale web',
    ]);
  });

  it('stay within what the descriptor scales to', () => {
    const narrow = plan();
    const machines = narrow.machines.map((each) => ({ ...each, instances: { normal: 1, min: 1, max: 3 } }));
    expect(judged([scaling()], { plan: { ...narrow, machines } })).toMatchObject({
      unmet: [{ code: 'sla.conflict', term: 'scale', offered: 3 }],
    });
  });

  it.each<[string, object, readonly string[]]>([
    ['advance', { mode: 'advance', start: '2026-09-01T00:00:00Z' }, ['sla.unsupported r web']],
    ['immediate, but later', { mode: 'immediate', start: '2026-09-01T00:00:00Z' }, ['sla.unsupported r web']],
    ['immediate, more than runs', { mode: 'immediate', amount: 2 }, ['sla.unsupported r web']],
    ['immediate', { mode: 'immediate', amount: 1 }, []],
    ['best effort', { mode: 'bestEffort', amount: 9 }, []],
  ])('a reservation %s', (_name, more, expected) => {
    expect(unmetOf(judged([{ id: 'r', type: 'reservation', scope: ['web'], ...more }]))).toEqual(expected);
    admittedOf(
      judged([{ id: 'r', type: 'reservation', scope: ['web'], ...more }], {
        sites: [site({ promises: new Set(['reservation']) })],
      }),
    );
  });
});

describe('protection terms', () => {
  const protect = (rule: string, value: JsonValue = true): JsonValue => ({ id: 'p', type: 'protection', rule, value });
  const promising = (promise: 'diskEncryption' | 'imageDigest' | 'networkIsolation') => [
    site({ promises: new Set([promise]) }),
  ];

  it('need a promise of the provider', () => {
    for (const rule of ['diskEncryption', 'networkIsolation', 'imageDigest']) {
      const value = rule === 'imageDigest' ? 'required' : true;
      expect(unmetOf(judged([protect(rule, value)]))).toEqual(['sla.unsupported p -']);
    }
    admittedOf(judged([protect('diskEncryption')], { sites: promising('diskEncryption') }));
  });

  it('hold the package and the inputs to it', () => {
    const image = { id: 'base', href: 'base.qcow2', compression: 'identity' as const };
    const bare = plan({ images: [image], networks: [{ name: 'lan', mappedTo: 'campus' }] });
    const sealed = plan({ images: [{ ...image, digest: { algorithm: 'sha256', hex: '0'.repeat(64) } }] });
    const digest = protect('imageDigest', 'required');
    expect(unmetOf(judged([digest], { plan: bare, sites: promising('imageDigest') }))).toEqual([
      'sla.protection p base',
    ]);
    admittedOf(judged([digest], { plan: sealed, sites: promising('imageDigest') }));
    const isolation = judged([protect('networkIsolation')], { plan: bare, sites: promising('networkIsolation') });
    expect(unmetOf(isolation)).toEqual(['sla.protection p lan']);
  });

  it('ask how sure the caller is known', () => {
    admittedOf(judged([protect('loa', 2)]));
    expect(unmetOf(judged([protect('loa', 3)]))).toEqual(['sla.protection p -']);
    const unknown = { ids: ['alice'], vos: [], loa: null };
    expect(unmetOf(judged([protect('loa', 1)], { caller: unknown }))).toEqual(['sla.protection p -']);
  });
});

describe('quotas', () => {
  const quota = (metric: string, limit: number, more: object = {}): JsonValue => ({
    ...{ id: 'q', type: 'quota', metric, limit },
    ...more,
  });

  it.each<[string, JsonValue, boolean]>([
    ['machines', quota('vm.count', 3), true],
    ['machines', quota('vm.count', 2), false],
    ['cores', quota('vm.cores', 6), true],
    ['cores', quota('vm.cores', 5), false],
    ['memory', quota('vm.memory', 6 * 1024), true],
    ['memory', quota('vm.memory', 6 * 1024 - 1), false],
    ['memory of one', quota('vm.memory', 2048, { per: 'instance' }), true],
    ['disks', quota('vm.disk.size', 40 * 1024), true],
    ['disks', quota('vm.disk.size', 40 * 1024 - 1), false],
    ['cores of a tier', quota('vm.cores', 4, { scope: ['tier'] }), true],
  ])('of %s: %j', (_what, term, kept) => {
    const outcome = judged([term]);
    expect(unmetOf(outcome)).toEqual(kept ? [] : ['sla.quota q -']);
  });

  it('count what the agreement governs already, and what may be scaled to', () => {
    const governed = { ...NOTHING_TAKEN, 'vm.count': 2, 'vm.memory': 100 * MIB };
    expect(unmetOf(judged([quota('vm.count', 4)], { governed }))).toEqual(['sla.quota q -']);
    admittedOf(judged([quota('vm.count', 5)], { governed }));
    const scaling: JsonValue = { id: 's', type: 'elasticity', scope: ['web'], min: 1, max: 4 };
    expect(unmetOf(judged([quota('vm.count', 5), scaling]))).toEqual(['sla.quota q -']);
    admittedOf(judged([quota('vm.count', 6), scaling]));
  });

  it('guarantee no more than what runs, and count nothing that is not counted', () => {
    expect(unmetOf(judged([quota('vm.count', 9, { guaranteed: 4 })]))).toEqual(['sla.unsupported q -']);
    admittedOf(judged([quota('vm.count', 9, { guaranteed: 3 })]));
    expect(unmetOf(judged([quota('network.publicIp', 1)]))).toEqual(['sla.unsupported q -']);
    expect(unmetOf(judged([quota('vm.count', 9, { per: 'user' })]))).toEqual(['sla.unsupported q -']);
  });
});

describe('the agreement itself', () => {
  it.each<[string, Parameters<typeof judged>[1], readonly string[]]>([
    ['of another customer', { caller: { ids: ['bob'], vos: [], loa: null } }, ['sla.party - customer']],
    ['of a Virtual Organization', { caller: { ids: [], vos: ['alice'], loa: null } }, []],
    [
      'of a Virtual Organization the caller is not in',
      { document: { parties: { customer: { id: 'alice', vo: '/vo/x' }, provider: { id: 'vep' } } } },
      ['sla.party - customer'],
    ],
    ['with another provider', { provider: { ids: ['other'] } }, ['sla.party - provider']],
    ['that is over', { document: { effectiveUntil: '2026-05-31T00:00:00Z' } }, ['sla.expired - -']],
    ['that is a template', { document: { kind: 'Template', id: 'gold' } }, ['sla.party - kind']],
    ['without a site', { sites: [] }, ['sla.capacity - -']],
  ])('%s', (_name, more, expected) => {
    expect(unmetOf(judged([], more))).toEqual(expected);
  });

  it('names every item the descriptor does not have', () => {
    const services = [
      {
        name: 's',
        ovf: { sha256: '0'.repeat(64) },
        items: [
          { id: 'a', kind: 'VirtualSystem', ref: 'tier' },
          { id: 'b', kind: 'VirtualSystemCollection', ref: 'web' },
          { id: 'c', kind: 'Disk', ref: 'nothing' },
          { id: 'd', kind: 'Network', ref: 'nothing' },
          { id: 'e', kind: 'Network', ref: 'lan' },
        ],
      },
    ];
    expect(unmetOf(judged([], { document: { services } }))).toEqual(
      ['a', 'b', 'c', 'd'].map((id) => `sla.item.unknown - ${id}`),
    );
  });

  it('is judged at the site where the least stands against it', () => {
    const far = site({ name: 'far', hosts: [host('x', { country: 'US' })] });
    const term = at([], 'vm.location', 'EQ', 'DE');
    expect(admittedOf(judged([term], { sites: [far, site()] })).site).toBe('here');
    expect(admittedOf(judged([], { sites: [far, site()] })).site).toBe('far');
  });

  it('is refused as a conflict only when nothing but capacity is missing', () => {
    const problemOf = (...codes: string[]) =>
      refusal(codes.map((code) => ({ code, term: 't', item: 'web', message: 'm', offered: 1 })));
    expect(problemOf('sla.capacity').kind).toBe('conflict');
    const mixed = problemOf('sla.capacity', 'sla.placement');
    expect(mixed.kind).toBe('unmet');
    expect(mixed.faults[1]).toEqual({
      code: 'sla.placement',
      message: 'term t: m',
      rule: 'spec/sla §12',
      place: { path: '/terms/t' },
      value: 'web',
      remedy: 'can be had: 1',
    });
  });
});
