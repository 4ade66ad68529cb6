/** Expressions, bounds, units and times of agreements (`spec/sla.md` §3, §4, §6.4). */

import fc from 'fast-check';
import { holds, leastInteger, type Bound } from '../../src/sla/bound.js';
import { parseDateTime, parseDuration } from '../../src/sla/duration.js';
import { parseExpression } from '../../src/sla/expression.js';
import { toBase } from '../../src/sla/units.js';

const none = new Map<string, never>();

describe('an expression', () => {
  it.each<[string, Bound]>([
    ['provision.time le 200ms', { op: 'LE', value: 0.2 }],
    ['vm.network.io GT 5KiB/s', { op: 'GT', value: 5120 }],
    ['service.availability GE 99.9%', { op: 'GE', value: 0.9990000000000001 }],
    ['vm.location IN (DE, FR)', { op: 'IN', values: ['DE', 'FR'] }],
    ["vm.location EQ 'DE'", { op: 'EQ', value: 'DE' }],
    ['vm.cores BETWEEN (2,4)', { op: 'BETWEEN', low: 2, high: 4 }],
    ['placement.sameRack EQ false', { op: 'EQ', value: false }],
    ['app.orders.per-minute NE 0', { op: 'NE', value: 0 }],
  ])('%s', (text, bound) => {
    expect(parseExpression(text, none)).toMatchObject({ comparisons: [{ bound }] });
  });

  it.each([
    '',
    'vm.cpu.load',
    'vm.cpu.load LT',
    'vm.cpu.load 1 LT',
    'vm.cpu.load LT 1 OR vm.cpu.load GT 2',
    'vm.cpu.load LT 1 AND',
    'vm.cpu.load LT (1, 2)',
    'vm.cpu.load LT 1 vm.cpu.load LT 2',
    'vm.cores BETWEEN (4, 2)',
    'provision.time IN (1s, 2min)',
    'nonsense LT 1',
    'mean(vm.cpu.load, PT5M) LT 1',
    'avg(vm.cpu.load; PT5M) LT 1',
    'avg(vm.cpu.load, P1M) LT 1',
    'vm.cpu.load LT 1; DROP',
    'vm.cpu.load LT -1',
    'vm.cpu.load LT 1 AND '.repeat(40).concat('vm.cpu.load LT 1'),
    'x'.repeat(5000),
  ])('"%s" is refused, never taken as true', (text) => {
    expect(parseExpression(text, none)).toMatchObject({ complaint: expect.any(String), remedy: expect.any(String) });
  });

  it('costs no more than its length and never throws', () => {
    const word = fc.constantFrom(
      'vm.cpu.load',
      'LT',
      'AND',
      'avg',
      '(',
      ')',
      ',',
      '1',
      '2%',
      'PT5M',
      "'",
      'IN',
      'x',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        expect(() => parseExpression(words.join(' '), none)).not.toThrow();
      }),
    );
  });
});

describe('a bound', () => {
  it('compares without a margin, but for the rounding of fractions in EQ and NE', () => {
    expect(holds({ op: 'LT', value: 0.8 }, 0.8)).toBe(false);
    expect(holds({ op: 'LE', value: 0.8 }, 0.8)).toBe(true);
    expect(holds({ op: 'GT', value: 12.3 }, 12.3)).toBe(false);
    expect(holds({ op: 'EQ', value: 0.3 }, 0.1 + 0.2)).toBe(true);
    expect(holds({ op: 'EQ', value: 1_000_000_000 }, 1_000_000_001)).toBe(false);
    expect(holds({ op: 'LT', value: 3 }, 'DE')).toBe(false);
  });

  const bound: fc.Arbitrary<Bound> = fc.oneof(
    fc.record({
      op: fc.constantFrom('LT' as const, 'LE' as const, 'GE' as const, 'GT' as const),
      value: fc.constantFrom(0, 1, 2, 2.5, 3, 7.5, 12),
    }),
    fc.record({ op: fc.constantFrom('EQ' as const, 'NE' as const), value: fc.integer({ min: 0, max: 12 }) }),
    fc
      .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 6 }))
      .map(([low, more]): Bound => ({ op: 'BETWEEN', low, high: low + more })),
    fc
      .array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 4 })
      .map((values): Bound => ({ op: 'IN', values })),
  );

  it('has as least value what counting upwards finds', () => {
    fc.assert(
      fc.property(fc.array(bound, { maxLength: 5 }), fc.integer({ min: 0, max: 14 }), (bounds, from) => {
        const counted = Array.from({ length: 40 }, (_, index) => from + index).find((value) =>
          bounds.every((each) => holds(each, value)),
        );
        expect(leastInteger(bounds, from)).toBe(counted);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('units', () => {
  it.each<[number, string, Parameters<typeof toBase>[2], number]>([
    [1, 'MiB', 'bytes', 2 ** 20],
    [0.5, 'GiB', 'bytes', 2 ** 29],
    [2, 'byte * 2^20', 'bytes', 2 ** 21],
    [2, 'hertz * 10^9', 'frequency', 2000],
    [2, ' GHz\n', 'frequency', 2000],
    [99, '%', 'number', 0.99],
    [1, 'h', 'time', 3600],
    // The predecessor's bytes are binary, its frequencies decimal (§20: GHz times 1024 was its defect).
    [1, 'http://www.slaatsoi.org/coremodel/units#MB', 'bytes', 2 ** 20],
    [1, 'http://www.slaatsoi.org/coremodel/units#GHz', 'frequency', 1000],
    [1, ' http://www.slaatsoi.org/coremodel/units#http://www.slaatsoi.org/coremodel/units#GB ', 'bytes', 2 ** 30],
  ])('%d %s', (value, unit, quantity, expected) => {
    expect(toBase(value, unit, quantity)).toEqual({ value: expected });
  });

  it.each<[number, string, Parameters<typeof toBase>[2]]>([
    [1, 'MB', 'bytes'],
    [1, 'furlong', 'bytes'],
    [1, 'GHz', 'bytes'],
    [0.3, 'By', 'bytes'],
    [1, 'http://example.org/units#MB', 'bytes'],
    [1, 'http://www.slaatsoi.org/coremodel/units#parsec', 'bytes'],
  ])('%d %s is refused', (value, unit, quantity) => {
    expect(toBase(value, unit, quantity)).toMatchObject({ complaint: expect.any(String) });
  });
});

describe('times', () => {
  it.each([
    ['PT5M', { months: 0, seconds: 300 }],
    ['P1M', { months: 1, seconds: 0 }],
    ['P1Y2W', { months: 12, seconds: 1_209_600 }],
    ['P1DT12H', { months: 0, seconds: 129_600 }],
  ])('the duration %s', (text, expected) => {
    expect(parseDuration(text)).toEqual(expected);
  });

  it.each(['', 'P', 'PT', 'P1DT', 'PT0S', '5m', 'P-1D', 'PT1.5H', 'P1S'])('"%s" is no duration', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each(['2026-01-01T00:00:00Z', '2024-02-29T23:59+02:00', '2026-01-01T00:00:00.123456Z'])('C-248 %s', (text) => {
    expect(parseDateTime(text)).toBe(Date.parse(text));
  });

  it.each([
    ...['2026-01-01', '2026-01-01T00:00:00', 'P1M', '2026-01-01T00:00:00Z/P1D', '2026-02-29T00:00:00Z'],
    ...['2026-13-01T00:00:00Z', '2026-01-01T24:00:00Z', '2026-00-10T00:00:00Z', 'tomorrow'],
  ])('C-248 "%s" is no absolute date-time', (text) => {
    expect(parseDateTime(text)).toBeUndefined();
  });
});
