/** Address ranges: IPv4 and IPv6 alike, every guest address once, nothing outside. */

import fc from 'fast-check';
import {
  addressWithin,
  formatAddress,
  formatRange,
  guestAddresses,
  macOf,
  nextFree,
  parseRange,
  subnet,
  type AddressRange,
} from '../../src/iaas/adapters/simulator/addresses.js';

const range = (cidr: string): AddressRange => {
  const parsed = parseRange(cidr);
  if (!parsed) throw new Error(cidr);
  return parsed;
};

describe('address ranges', () => {
  it.each([
    ['192.168.0.1/24', '192.168.0.0/24'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['fd00:1::7/64', 'fd00:1::/64'],
    ['::/0', '::/0'],
  ])('reads %s as %s', (given, meant) => {
    expect(formatRange(range(given))).toBe(meant);
  });

  it.each([
    '',
    '10.0.0.0',
    '10.0.0/8',
    '010.0.0.0/33',
    '10.0.0.0/33',
    '0x0a.0.0.0/8',
    '167772160/8',
    'fe80::1%eth0/64',
    '::/129',
    '10.0.0.0/8 ',
    'x/8',
    `${'1'.repeat(99)}/8`,
  ])('does not take %j for a range', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
          fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
        ),
        ([address, prefix]) => {
          const parsed = parseRange(`${address}/${prefix}`);
          fc.pre(parsed !== undefined);
          expect(parseRange(formatRange(parsed))).toEqual(parsed);
          expect(addressWithin(parsed, formatAddress(parsed.base, parsed.bits))).toBe(parsed.base);
        },
      ),
      { seed: 3 },
    );
  });

  it('never breaks on arbitrary text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseRange(text);
        expect(addressWithin(range('10.0.0.0/8'), text)).toBeUndefined();
      }),
      { seed: 3 },
    );
  });

  it('gives every guest address once, then none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 24, max: 32 }), fc.nat(300), (prefix, start) => {
        const pool = range(`10.5.6.0/${prefix}`);
        const { first, last } = guestAddresses(pool);
        const taken = new Set<string>();
        let cursor = pool.base + BigInt(start);
        for (
          let at = nextFree(pool, cursor, (text) => taken.has(text));
          at !== undefined;
          at = nextFree(pool, cursor, (text) => taken.has(text))
        ) {
          expect(at >= first && at <= last).toBe(true);
          taken.add(formatAddress(at, 32));
          cursor = at + 1n;
        }
        expect(BigInt(taken.size)).toBe(last - first + 1n);
      }),
      { numRuns: 30, seed: 3 },
    );
  });

  it('leaves network and broadcast addresses alone', () => {
    expect(guestAddresses(range('10.0.0.0/30'))).toEqual({
      first: range('10.0.0.1/32').base,
      last: range('10.0.0.2/32').base,
    });
  });

  it('cuts subnets out of a pool until it is used up', () => {
    const pool = range('10.0.0.0/22');
    expect([0, 1, 2, 3].map((index) => subnet(pool, 24, index)).map((each) => each && formatRange(each))).toEqual([
      '10.0.0.0/24',
      '10.0.1.0/24',
      '10.0.2.0/24',
      '10.0.3.0/24',
    ]);
    expect(subnet(pool, 24, 4)).toBeUndefined();
  });

  it('takes only addresses inside, written plainly', () => {
    const pool = range('10.0.0.0/8');
    expect(addressWithin(pool, '10.1.2.3')).toBe(range('10.1.2.3/32').base);
    for (const text of ['11.0.0.1', '::1', '10.1', '0xa.0.0.1', '::ffff:10.0.0.1'])
      expect(addressWithin(pool, text)).toBeUndefined();
  });

  it('makes MAC addresses that are local, unicast and distinct', () => {
    const macs = Array.from({ length: 1000 }, (_, index) => macOf(index + 1));
    expect(new Set(macs).size).toBe(1000);
    for (const mac of macs) expect(mac).toMatch(/^02:56(:[0-9a-f]{2}){4}$/);
  });
});
