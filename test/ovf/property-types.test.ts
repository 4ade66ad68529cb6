/** Types and qualifiers of properties (DSP0243 §9.5; O-060, O-061): which values are legal. */

import fc from 'fast-check';
import { illegalReason, readLimits } from '../../src/ovf/properties/limits.js';
import { envelope, planOf, product, property, system, verdicts } from './plan-support.js';

/** A system of its own with one product section of these properties. */
function single(properties: readonly string[], attributes = ''): string {
  return envelope(system('vm', { sections: product(properties, attributes) }));
}

describe('types and qualifiers', () => {
  it.each([
    ['uint8', '', '255', '256'],
    ['sint8', '', '-128', '-129'],
    ['uint16', '', '65535', '-1'],
    ['sint32', '', '-2147483648', '2147483648'],
    ['uint64', '', '18446744073709551615', '18446744073709551616'],
    ['sint64', '', '-9223372036854775808', '9223372036854775808'],
    ['uint8', '', '007', '0x10'],
    ['real32', '', '-1.5e3', '1e39'],
    ['real64', '', '.5', 'NaN'],
    ['boolean', '', 'True', 'yes'],
    ['string', 'MinLen(2)', 'äö', 'ä'],
    ['string', 'MaxLen(2)', '😀😀', '😀😀😀'],
    ['string', 'MinLen(1) MaxLen(3)', 'abc', ''],
    ['string', 'MinLen(1),MaxLen(3)', 'abc', 'abcd'],
    ['string', 'ValueMap{"a","b"}', 'b', 'c'],
    ['string', "ValueMap{'a', 'b c'}", 'b c', 'b'],
    ['string', 'ValueMap{"a, b","c)"} MaxLen(4)', 'a, b', 'a'],
    ['string', 'ValueMap{a,b}', 'a', 'a,b'],
    ['string', String.raw`ValueMap{"a\"b", "c,}", "d\\e"}`, 'a"b', 'a'],
    ['string', String.raw`ValueMap{"a\"b", "c,}", "d\\e"}`, String.raw`d\e`, String.raw`d\\e`],
    ['string', String.raw`ValueMap{"C:\temp"}`, String.raw`C:\temp`, 'C:temp'],
    ['uint16', 'MinValue(1) MaxValue(10)', '10', '11'],
    ['uint16', 'MinValue(1), MaxValue(10)', '1', '0'],
    ['uint64', 'MaxValue(9007199254740993)', '9007199254740993', '9007199254740994'],
    ['real64', 'MinValue(0.5)', '0.5', '0.4'],
    ['string', 'Ip("lan")', '10.0.0.1', '10.0.0.256'],
    ['string', 'Gateway()', 'fe80::1', 'router'],
    ['int', '', '-5', '5.5'],
    ['int(1..10)', '', '10', '11'],
    ['String', '', 'x', '\u0000'],
    ['string(2..3)', '', 'ab', 'a'],
    ['string["a","b"]', '', 'a', 'c'],
    ['password(4..)', '', 'long', 'no'],
    ['ip', '', '::1', 'host'],
    ['ip:VM Network', '', '', 'x'],
    ['Boolean', '', 'false', '0'],
  ])('%s %s takes %j and refuses %j', (type, qualifiers, legal, illegal) => {
    const { limits, unknownType, unknownQualifiers } = readLimits(type, qualifiers);
    expect({ unknownType, unknownQualifiers }).toEqual({ unknownQualifiers: [] });
    expect(illegalReason(legal, limits)).toBeUndefined();
    expect(illegalReason(illegal, limits)).toEqual(expect.any(String));
  });

  it('reads a list of 5 kB', () => {
    const zones = Array.from({ length: 400 }, (_, index) => `Zone/Number ${index}`);
    const { limits } = readLimits('string', `ValueMap{${zones.map((zone) => `"${zone}"`).join(', ')}}`);
    expect(limits.values).toEqual(zones);
    expect(illegalReason('x', limits)).toMatch(/, …$/);
  });

  it('lets network qualifiers stand', () => {
    expect(
      readLimits('string', 'Netmask("lan") Dns() HostPrefix DomainName("a") SearchPath("b")').unknownQualifiers,
    ).toEqual([]);
  });

  it('says what it does not know', () => {
    expect(readLimits('string', 'Foo(1) MinLen(x) "?" MaxLen(3)')).toMatchObject({
      unknownQualifiers: ['Foo(1)', 'MinLen(x)', '"?"'],
      limits: { maxLength: 3 },
    });
    expect(readLimits('string[oops', '').unknownType).toBe('string[oops');
    expect(readLimits('int(a..b)').unknownType).toBe('int(a..b)');
    expect(readLimits('ipx').unknownType).toBe('ipx');
    expect(readLimits('ip(1)').unknownType).toBe('ip(1)');
    expect(readLimits('string["a""b"]').unknownType).toBe('string["a""b"]');
  });

  it('O-060 refuses unknown types strictly, and takes them as text leniently', () => {
    const text = single([
      property('a', 'ovf:type="colour" ovf:value="red"'),
      property('b', 'ovf:type="int" ovf:value="1"'),
    ]);
    expect(verdicts(planOf(text))).toEqual(['error O-060', 'error O-060']);
    expect(verdicts(planOf(text, {}, 'lenient'))).toEqual(['warning O-060', 'warning O-060']);
  });

  it('O-061 warns of qualifiers it does not check', () => {
    expect(verdicts(planOf(single([property('a', 'ovf:qualifiers="Shiny()"')])))).toEqual(['warning O-061']);
  });

  it('of any text cost little and never crash', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'MinLe(){}"\' ,1aValueMp'), maxLength: 200 }),
    );
    fc.assert(
      fc.property(text, text, text, (type, qualifiers, value) => {
        illegalReason(value, readLimits(type, qualifiers).limits);
      }),
    );
    // Anything but time in proportion to the length would outlast the test's own limit.
    for (const hostile of [
      'a('.repeat(500_000),
      'a("'.repeat(500_000),
      "'".repeat(1_000_000),
      '{'.repeat(1_000_000),
      ' '.repeat(1_000_000),
      `ValueMap{${'"a"'.repeat(500_000)}`,
    ]) {
      readLimits(`string${hostile}`, hostile);
    }
  });
});
