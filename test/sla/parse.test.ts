/** Agreement documents (`spec/sla.md` §2): everything that is wrong with one is told, with a pointer, a code and a remedy. */

import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { Problem } from '../../src/base/errors.js';
import type { JsonValue } from '../../src/base/json.js';
import { LONGEST_AGREEMENT, parseAgreement, parseAgreementText } from '../../src/sla/parse.js';
import { document, faultsOf } from './agreement-support.js';

/** `code pointer` of every fault of a document with these terms. */
function found(json: JsonValue): string[] {
  return faultsOf(json).map(({ code, place }) => `${code} ${place?.path ?? ''}`);
}

const TERMS: readonly JsonValue[] = [
  { id: 'cores', type: 'resource', scope: ['web'], metric: 'vm.cores', op: 'GE', value: 2, unit: '1' },
  { id: 'room', type: 'resource', scope: ['data'], metric: 'vm.disk.size', op: 'BETWEEN', value: [1, 2], unit: 'GiB' },
  { id: 'where', type: 'resource', metric: 'vm.location', op: 'IN', value: ['DE', 'FR'] },
  { id: 'apart', type: 'placement', rule: 'differentHost', values: ['web', 'api'], mode: 'preferred' },
  { id: 'sides', type: 'placement', rule: 'separateItems', values: [['web', 'api'], 'db'] },
  { id: 'alone', type: 'placement', scope: ['db'], rule: 'dedicatedHost', values: [true] },
  { id: 'sealed', type: 'protection', rule: 'diskEncryption', value: true },
  { id: 'checked', type: 'protection', rule: 'imageDigest', value: 'required' },
  { id: 'sure', type: 'protection', rule: 'loa', value: 3 },
  {
    id: 'load',
    type: 'objective',
    scope: ['web'],
    obligated: 'provider',
    importance: 3,
    constraint: 'avg(vm.cpu.utilization, PT5M) LT 80% AND load LE 4',
    window: 'PT5M',
    period: 'PT1M',
    aggregate: 'p95',
    across: 'each',
    raiseAfter: 3,
    clearAfter: 2,
    clearValue: 0.7,
    staleAfter: 3,
    missing: 'breaching',
    target: 0.99,
    condition: { from: '08:00', until: '20:00', days: [1, 5], timezone: 'Europe/Paris', when: 'vm.count GE 1' },
    penalties: [
      {
        type: 'discount',
        value: '10',
        unit: '%',
        assess: { interval: 'P1M' },
        after: { count: 5, within: 'P1D' },
        cap: '100%',
        validity: 'P1M',
        when: 'service.availability LT 0.99',
      },
      { type: 'notify', assess: { count: 3 } },
    ],
  },
  {
    id: 'scale',
    type: 'elasticity',
    scope: ['web'],
    min: 1,
    max: 5,
    initial: 2,
    rules: [
      {
        id: 'out',
        when: 'avg(vm.cpu.utilization, PT5M) GT 0.8',
        periods: 3,
        period: 'PT1M',
        adjust: { type: 'PERCENTAGE_CHANGE', by: 10, minStep: 1 },
      },
    ],
    schedule: [{ cron: '0 9 * * mon-fri', timezone: 'Europe/Paris', adjust: { type: 'CARDINALITY', by: 6 } }],
    cooldown: { out: 'PT2M', in: 'PT5M' },
    stabilization: { in: 'PT10M' },
    drain: 'PT30S',
  },
  { id: 'kept', type: 'reservation', scope: ['web'], mode: 'advance', start: '2026-01-01T00:00:00Z', duration: 'P1M' },
  { id: 'price', type: 'price', component: 'vm', amount: '0.05', currency: 'EUR', per: 'hour', billing: 'month' },
  { id: 'most', type: 'quota', metric: 'vm.memory', guaranteed: 1024, limit: 4096, per: 'instance' },
];
const VARIABLES = [{ name: 'load', metric: 'vm.cpu.load', aggregate: 'avg', window: 'PT5M', across: 'avg' }];

describe('an agreement document', () => {
  it('of every type of term is read', () => {
    const agreement = parseAgreement(document(TERMS, { variables: VARIABLES, effectiveUntil: null, revision: 3 }));
    expect(agreement.terms).toHaveLength(TERMS.length);
    expect(agreement).toMatchObject({ revision: 3, effectiveUntil: null, name: agreement.id });
    expect(agreement.terms[1]).toMatchObject({ bound: { op: 'BETWEEN', low: 2 ** 30, high: 2 ** 31 } });
    expect(agreement.terms[4]).toMatchObject({ values: [['web', 'api'], ['db']] });
    expect(agreement.terms[9]).toMatchObject({
      constraint: [
        { metric: 'vm.cpu.utilization', aggregate: 'avg', window: 300, bound: { op: 'LT', value: 0.8 } },
        { metric: 'vm.cpu.load', variable: 'load', aggregate: 'avg', window: 300, bound: { op: 'LE', value: 4 } },
      ],
      condition: { from: 480, until: 1200, days: [1, 5], timezone: 'Europe/Paris' },
      penalties: [{ assess: { interval: { months: 1, seconds: 0 } } }, { assess: { count: 3 } }],
    });
    expect(agreement.terms[13]).toMatchObject({ guaranteed: 2 ** 30, limit: 2 ** 32 });
  });

  it('of the example is read', () => {
    const agreement = parseAgreementText(readFileSync('examples/web-shop/gold.json', 'utf8'));
    expect(agreement.terms.map((term) => term.type)).toContain('placement');
    expect(agreement.services[0]?.ovf?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('may be a template without parties', () => {
    expect(parseAgreement({ apiVersion: 'vep.sla/v1', kind: 'Template', id: 'gold-1', terms: [] }).parties).toBeNull();
  });

  it('is judged whole', () => {
    const json = {
      ...document([{ id: 'x', type: 'resource', metric: 'vm.cores', op: 'GE', value: 1, gaurantee: true }, 7, {}]),
      apiVersion: 'vep.sla/v2',
      id: 'not-a-uuid',
      parties: { customer: { id: 'alice', role: 'boss' } },
      effectiveFrom: '2026-02-30T00:00:00Z',
      revision: 0,
      extra: 1,
      extensions: { anything: { goes: true } },
    };
    expect(found(json).sort()).toEqual(
      [
        'sla.value /apiVersion',
        'sla.value /id',
        'sla.unknown-field /parties/customer/role',
        'sla.missing /parties/provider',
        'sla.time /effectiveFrom',
        'sla.value /revision',
        'sla.unknown-field /extra',
        'sla.unknown-field /terms/0/gaurantee',
        'sla.shape /terms/1',
        'sla.missing /terms/1/type',
        'sla.missing /terms/1/id',
        'sla.missing /terms/2/type',
        'sla.missing /terms/2/id',
      ].sort(),
    );
    for (const fault of faultsOf(json)) expect(fault.remedy).toBeTruthy();
  });

  it('that is no object, or whose text is broken or too long, is refused', () => {
    expect(found([1])).toContain('sla.shape ');
    expect(() => parseAgreementText('{"a":1,"a":2}')).toThrow(Problem);
    expect(() => parseAgreementText(`"${'x'.repeat(LONGEST_AGREEMENT)}"`)).toThrow(/at most/);
  });

  it('refuses two ends, items, variables or terms of one id', () => {
    const term = { id: 'x', type: 'quota', metric: 'vm.count', limit: 1 };
    const services = ['a', 'b'].map((name) => ({ name, items: [{ id: 'app', kind: 'Application' }] }));
    const json = document([term, term], {
      services,
      variables: [...VARIABLES, ...VARIABLES],
      effectiveFrom: '2026-01-02T00:00:00Z',
      effectiveUntil: '2026-01-01T00:00:00+00:00',
    });
    expect(found(json)).toEqual([
      'sla.bounds /effectiveUntil',
      'sla.item.duplicate /services',
      'sla.variable.duplicate /variables',
      'sla.term.duplicate /terms',
    ]);
  });
});

describe('a term', () => {
  it.each<[string, JsonValue, readonly string[]]>([
    [
      'on an unknown item',
      { type: 'resource', scope: ['ghost'], metric: 'vm.cores', op: 'GE', value: 1 },
      ['sla.scope.unknown /terms/0/scope/0'],
    ],
    [
      'on the wrong kind of item',
      { type: 'resource', scope: ['net'], metric: 'vm.cores', op: 'GE', value: 1 },
      ['sla.scope.kind /terms/0/scope/0'],
    ],
    ['that scales a disk', { type: 'elasticity', scope: ['data'], min: 1, max: 2 }, ['sla.scope.kind /terms/0/scope']],
    [
      'that keeps a network apart',
      { type: 'placement', rule: 'differentHost', values: ['web', 'net'] },
      ['sla.scope.kind /terms/0/values'],
    ],
    [
      'with an unknown metric',
      { type: 'resource', metric: 'vm.colour', op: 'EQ', value: 1 },
      ['sla.metric /terms/0/metric'],
    ],
    [
      'with a measured metric as a resource',
      { type: 'resource', metric: 'vm.cpu.load', op: 'LT', value: 1 },
      ['sla.metric /terms/0/metric'],
    ],
    [
      'with a static metric as an objective',
      { type: 'objective', metric: 'vm.cpu.speed', op: 'GT', value: 1 },
      ['sla.metric /terms/0/metric'],
    ],
    [
      'with an unknown operator',
      { type: 'resource', metric: 'vm.cores', op: 'ABOUT', value: 1 },
      ['sla.value /terms/0/op'],
    ],
    [
      'with an ambiguous unit',
      { type: 'resource', metric: 'vm.memory', op: 'GE', value: 1, unit: 'MB' },
      ['sla.bound /terms/0/value'],
    ],
    [
      'with a unit of something else',
      { type: 'resource', metric: 'vm.memory', op: 'GE', value: 1, unit: 'GHz' },
      ['sla.bound /terms/0/value'],
    ],
    [
      'with a fraction of a core',
      { type: 'resource', metric: 'vm.cores', op: 'GE', value: 1.5 },
      ['sla.bound /terms/0/value'],
    ],
    [
      'with availability in percent',
      { type: 'objective', metric: 'service.availability', op: 'GE', value: 99.9 },
      ['sla.bound /terms/0/value'],
    ],
    [
      'with an order among countries',
      { type: 'resource', metric: 'vm.location', op: 'LT', value: 'DE' },
      ['sla.bound /terms/0/value'],
    ],
    [
      'with a country that is none',
      { type: 'placement', rule: 'country', values: ['Germany'] },
      ['sla.value /terms/0/values'],
    ],
    ['with a place that is missing', { type: 'placement', rule: 'zone' }, ['sla.value /terms/0/values']],
    [
      'that separates one side',
      { type: 'placement', rule: 'separateItems', values: [['web']] },
      ['sla.value /terms/0/values'],
    ],
    [
      'that separates numbers',
      { type: 'placement', rule: 'separateItems', values: [[1], ['web']] },
      ['sla.shape /terms/0/values/0', 'sla.value /terms/0/values'],
    ],
    [
      'that wants no dedicated host',
      { type: 'placement', rule: 'dedicatedHost', values: false },
      ['sla.value /terms/0/values'],
    ],
    [
      'that keeps an unknown item apart',
      { type: 'placement', rule: 'differentHost', values: ['ghost'] },
      ['sla.scope.unknown /terms/0/values'],
    ],
    [
      'that wants half a protection',
      { type: 'protection', rule: 'diskEncryption', value: 'maybe' },
      ['sla.value /terms/0/value'],
    ],
    ['of assurance level 9', { type: 'protection', rule: 'loa', value: 9 }, ['sla.value /terms/0/value']],
    [
      'with a broken expression',
      { type: 'objective', constraint: 'vm.cpu.load LT' },
      ['sla.expression /terms/0/constraint'],
    ],
    [
      'with a window of a month',
      { type: 'objective', constraint: 'vm.cpu.load LT 1', window: 'P1M' },
      ['sla.duration /terms/0/window'],
    ],
    [
      'with a duration that is none',
      { type: 'objective', constraint: 'vm.cpu.load LT 1', window: '5m' },
      ['sla.duration /terms/0/window'],
    ],
    ['that scales from 5 to 1', { type: 'elasticity', min: 5, max: 1 }, ['sla.bounds /terms/0/max']],
    [
      'that starts outside its bounds',
      { type: 'elasticity', min: 1, max: 2, initial: 3 },
      ['sla.bounds /terms/0/initial'],
    ],
    [
      'with a schedule that is none',
      {
        type: 'elasticity',
        min: 1,
        max: 2,
        schedule: [{ cron: 'daily', timezone: 'Mars/Base', adjust: { type: 'CHANGE', by: 1 } }],
      },
      ['sla.value /terms/0/schedule/0/cron', 'sla.value /terms/0/schedule/0/timezone'],
    ],
    [
      'that ends twice',
      { type: 'reservation', mode: 'immediate', end: '2027-01-01T00:00:00Z', duration: 'P1D' },
      ['sla.value /terms/0/duration'],
    ],
    [
      'with a price in floating point',
      { type: 'price', component: 'vm', amount: 0.05, currency: 'EUR', per: 'hour' },
      ['sla.value /terms/0/amount'],
    ],
    ['that limits nothing', { type: 'quota', metric: 'vm.count' }, ['sla.value /terms/0/limit']],
    [
      'that guarantees more than it allows',
      { type: 'quota', metric: 'vm.count', guaranteed: 3, limit: 2 },
      ['sla.bounds /terms/0/limit'],
    ],
    [
      'that counts countries',
      { type: 'quota', metric: 'vm.location', limit: 2 },
      ['sla.metric /terms/0/metric', 'sla.value /terms/0/limit'],
    ],
    [
      'with a discount of nothing',
      { type: 'quota', metric: 'vm.count', limit: 2, penalties: [{ type: 'discount', assess: {} }] },
      [
        'sla.missing /terms/0/penalties/0/value',
        'sla.missing /terms/0/penalties/0/unit',
        'sla.value /terms/0/penalties/0/assess/interval',
      ],
    ],
    [
      'in force at no place',
      { type: 'quota', metric: 'vm.count', limit: 2, condition: { from: '25:00', days: [8] } },
      ['sla.value /terms/0/condition/from', 'sla.value /terms/0/condition/days/0'],
    ],
    [
      'in force at a time without a zone',
      { type: 'quota', metric: 'vm.count', limit: 2, condition: { from: '08:00' } },
      ['sla.value /terms/0/condition/timezone'],
    ],
  ])('%s is refused', (_name, term, expected) => {
    expect(found(document([{ id: 't', ...(term as object) }]))).toEqual(expected);
  });

  it('of more than the limits is refused without being read', () => {
    expect(found(document(Array.from({ length: 501 }, () => 0)))).toEqual(['sla.limit /terms']);
  });

  it('never crashes the reader, whatever it is, and never has more faults than are collected', () => {
    const anything = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>;
    const member = fc.constantFrom(
      ...['id', 'type', 'scope', 'metric', 'op', 'value', 'unit', 'values', 'rule', 'condition', 'penalties', 'when'],
      ...['constraint', 'min', 'max', 'rules', 'schedule', 'cooldown', 'amount', 'limit', 'start', 'mode', 'window'],
    );
    const type = fc.constantFrom(...TERMS.map((term) => (term as { type: string }).type));
    const term = fc.tuple(type, fc.dictionary(member, anything)).map(([name, members]) => ({ ...members, type: name }));
    fc.assert(
      fc.property(fc.array(term, { maxLength: 5 }), anything, (terms, other) => {
        expect(faultsOf(document(terms, { services: other, parties: other })).length).toBeLessThanOrEqual(100);
        expect(faultsOf(other).length).toBeGreaterThan(0);
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});
