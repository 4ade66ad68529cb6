/** Programmatic units (DSP0004 annex C, DSP0243 §8): every spelling seen in real descriptors, and the grammar itself. */

import fc from 'fast-check';
import { BYTE, parseUnit, toBytes, toHertz, type Unit } from '../../src/ovf/units.js';

function unit(text: string, mode: 'strict' | 'lenient' = 'strict'): Unit {
  const parsed = parseUnit(text, mode);
  if (!parsed.unit) throw new Error(parsed.faults[0]?.message);
  return parsed.unit;
}

function bytes(quantity: bigint | string, text: string, mode: 'strict' | 'lenient' = 'strict'): bigint | string {
  const result = toBytes(quantity, unit(text, mode));
  return 'value' in result ? result.value : result.fault.message;
}

describe('programmatic units', () => {
  it.each([
    ['byte', 1n],
    ['byte * 2^20', 2n ** 20n],
    ['byte*2^30', 2n ** 30n],
    ['byte * 2 ^ 30', 2n ** 30n],
    ['byte*1024*1024', 2n ** 20n],
    ['kibibyte', 1024n],
    ['mebibyte * 3', 3n * 2n ** 20n],
    ['yobibyte / 2^70', 1024n],
    ['2^10 * byte', 1024n],
    ['byte * 1.5e3', 1500n],
    ['byte * 10^3 / 10', 100n],
    ['byte * second / second', 1n],
    ['byte^2 / byte', 1n],
    ['bit * 8', 1n],
    ['byte / 10^-3', 1000n],
    ['  byte  *  2^20 ', 2n ** 20n],
  ])('reads "%s" strictly', (text, expected) => {
    expect(parseUnit(text, 'strict').faults).toEqual([]);
    expect(bytes(1n, text)).toBe(expected);
  });

  it.each([
    ['MegaBytes', 2n ** 20n],
    ['megabytes', 2n ** 20n],
    ['KiloBytes', 2n ** 10n],
    ['GigaBytes', 2n ** 30n],
    ['TeraBytes', 2n ** 40n],
    ['KB', 2n ** 10n],
    ['MB', 2n ** 20n],
    ['GB', 2n ** 30n],
    ['tb', 2n ** 40n],
    ['GiB', 2n ** 30n],
    ['Bytes', 1n],
    ['BYTE', 1n],
  ])('reads the legacy name %s leniently, as binary, and refuses it strictly', (text, expected) => {
    expect(bytes(1n, text, 'lenient')).toBe(expected);
    expect(parseUnit(text, 'lenient').faults).toMatchObject([{ severity: 'warning', code: 'ovf.O-035', value: text }]);
    expect(parseUnit(text, 'strict')).toMatchObject({ faults: [{ code: 'ovf.O-035', value: text }] });
  });

  it('takes a decimal byte multiple as DSP0004 says, with a warning', () => {
    expect(bytes(1n, 'kilobyte')).toBe(1000n);
    expect(parseUnit('megabyte', 'lenient').faults).toMatchObject([{ severity: 'warning', rule: 'O-035' }]);
  });

  it('reads frequencies, also by their legacy names', () => {
    expect(toHertz('5', unit('hertz * 10^6'))).toEqual({ value: 5_000_000n });
    expect(toHertz(1n, unit('megahertz'))).toEqual({ value: 1_000_000n });
    expect(toHertz(2n, unit('MHz', 'lenient'))).toEqual({ value: 2_000_000n });
    expect(toHertz(1n, unit('hertz * 2^20'))).toEqual({ value: 1_048_576n });
  });

  it('knows units of several words and divided units', () => {
    expect(unit('fluid ounce').dimensions).toEqual(new Map([['fluid ounce', 1]]));
    expect(unit('decibel(A)').dimensions).toEqual(new Map([['decibel(A)', 1]]));
    expect(unit('mebibyte / second')).toMatchObject({
      numerator: 2n ** 20n,
      dimensions: new Map([
        ['byte', 1],
        ['second', -1],
      ]),
    });
    expect(unit('kilometer^2')).toMatchObject({ numerator: 10n ** 6n });
    expect(unit('decameter')).toMatchObject({ numerator: 10n });
    expect(unit('-byte')).toMatchObject({ numerator: -1n });
    expect(unit('millisecond')).toMatchObject({ numerator: 1n, denominator: 1000n });
  });

  it.each([
    '',
    ' ',
    'bytes * x',
    'byte *',
    'byte 2^20',
    'byte ** 2',
    'octet',
    'kibi',
    'byte^',
    '2.5^3',
    'byte / 0',
    '${unit}',
    'bytefoo',
  ])('refuses "%s", saying where', (text) => {
    for (const mode of ['strict', 'lenient'] as const) {
      const parsed = parseUnit(text, mode);
      expect(parsed.unit).toBeUndefined();
      expect(parsed.faults).toMatchObject([{ code: 'ovf.O-035', remedy: expect.any(String) }]);
    }
  });

  it('refuses exponents and lengths that only an attacker would write, at once', () => {
    expect(parseUnit('byte * 10^999999999', 'strict').unit).toBeUndefined();
    expect(parseUnit('byte * 1e999999999', 'strict').unit).toBeUndefined();
    expect(parseUnit(`byte${' * 9'.repeat(100_000)}`, 'lenient').unit).toBeUndefined();
  });
});

describe('conversion', () => {
  it.each<[bigint | string, string, RegExp]>([
    [0n, 'byte', /not above zero/],
    [-1n, 'byte', /not above zero/],
    [1n, 'byte * -1', /not a unit/],
    [1n, '-byte', /not above zero/],
    [1n, 'bit', /not a whole number of bytes/],
    [1n, 'byte / 3', /not a whole number of bytes/],
    [2n ** 63n, 'byte', /over 2\^63-1/],
    ['1.5', 'byte', /not a whole number/],
    ['@@MEM_SIZE@@', 'byte', /not a whole number/],
    [1n, 'hertz', /does not measure bytes/],
    [1n, 'byte / second', /does not measure bytes/],
  ])('refuses %s of "%s"', (quantity, text, reason) => {
    const parsed = parseUnit(text, 'strict');
    const result = parsed.unit ? toBytes(quantity, parsed.unit) : { fault: parsed.faults[0] };
    expect(result).toMatchObject({ fault: { message: expect.stringMatching(reason) } });
  });

  it('accepts a signed integer text and the largest amount', () => {
    expect(toBytes('+12', BYTE)).toEqual({ value: 12n });
    expect(toBytes(2n ** 63n - 1n, BYTE)).toEqual({ value: 2n ** 63n - 1n });
  });
});

describe('any unit', () => {
  const prefix = fc.constantFrom('', 'kibi', 'mebi', 'gibi', 'deca', 'hecto', 'deci', 'centi', 'micro', 'yotta');
  const base = fc.constantFrom('byte', 'bit', 'hertz', 'count', 'percent', 'second', 'rack unit');
  const number = fc.oneof(
    fc.integer({ min: 1, max: 4096 }).map(String),
    fc.tuple(fc.constantFrom(2, 10), fc.integer({ min: -30, max: 30 })).map(([b, e]) => `${b}^${e}`),
    fc.tuple(fc.nat(99), fc.nat(99)).map(([a, b]) => `${a + 1}.${b}`),
  );
  const element = fc.oneof(
    number,
    fc.tuple(prefix, base).map((parts) => parts.join('')),
  );
  const text = fc
    .tuple(element, fc.array(fc.tuple(fc.constantFrom(' * ', '*', ' / ', '/'), element), { maxLength: 6 }))
    .map(([first, rest]) => first + rest.map(([operator, next]) => operator + next).join(''));

  it('of the grammar is read, in lowest terms', () => {
    fc.assert(
      fc.property(text, (written) => {
        const read = unit(written);
        expect(read.denominator > 0n).toBe(true);
        expect([...read.dimensions.values()]).not.toContain(0);
      }),
    );
  });

  it('divided by itself is the number one', () => {
    fc.assert(
      fc.property(text, (written) => {
        const inverse = written.replace(/[*/]/g, (operator) => (operator === '*' ? '/' : '*'));
        expect(unit(`${written} / ${inverse}`)).toMatchObject({
          numerator: 1n,
          denominator: 1n,
          dimensions: new Map(),
        });
      }),
    );
  });

  it('times a quantity is exact', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 40n }), fc.integer({ min: 0, max: 22 }), (quantity, exponent) => {
        expect(bytes(quantity, `byte * 2^${exponent}`)).toBe(quantity << BigInt(exponent));
      }),
    );
  });

  it('text whatever gives a unit or a fault, never a crash', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'bytehrzkilo*/^2019.e- ') })),
        (written) => {
          for (const mode of ['strict', 'lenient'] as const) {
            const { unit: read, faults } = parseUnit(written, mode);
            expect(read !== undefined || faults.length > 0).toBe(true);
          }
        },
      ),
    );
  });
});
