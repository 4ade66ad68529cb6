/** What a verdict says of the holder, and what a chain can cost (S-015, S-018, S-030, S-035). */

import { Certificate } from '../../../src/access/x509/certificate.js';
import { findPath } from '../../../src/access/x509/certification-path.js';
import { validateChain } from '../../../src/access/x509/chain.js';
import { Validation } from '../../../src/access/x509/validation.js';
import {
  AUTHORITY,
  BASE,
  acOf,
  alice,
  aliceOf,
  judge,
  outcome,
  proxyOf,
  trustIn,
  up,
  usual,
  withAc,
} from '../../support/pki-world.js';
import {
  HOUR,
  type Issuer,
  type Keys,
  NOW,
  bool,
  certificate,
  der,
  ecKeys,
  name,
  proxyInfo,
  seq,
} from '../../support/pki.js';

describe('identity', () => {
  it('S-030 ends with whatever ends first', async () => {
    const verdict = await judge({
      chain: [proxyOf({ notAfter: NOW + 48 * HOUR }), aliceOf({ notAfter: NOW + 5 * HOUR })],
    });
    expect(verdict).toMatchObject({ verdict: 'accepted', notAfter: NOW + 5 * HOUR });
  });

  it('S-018 is told by names, not by how they are written', async () => {
    const subject = name(...BASE, 'O=People', 'CN=Alice/CN=1');
    const impostor = await judge({ chain: [aliceOf({ subject })] });
    const real = await judge({ chain: up() });
    if (impostor.verdict === 'refused' || real.verdict === 'refused') throw new Error('both are good');
    expect(String(impostor.endEntity)).toBe('/DC=org/DC=fresh/O=People/CN=Alice/CN=1');
    expect(impostor.endEntity.subject.equals(real.endEntity.subject)).toBe(false);
    expect(impostor.endEntity.subject.rfc4514).not.toBe(real.endEntity.subject.rfc4514);
  });

  it('is not another by a single byte that is changed', async () => {
    const trust = await trustIn({});
    const chain = withAc(acOf());
    for (const [index, original] of chain.entries()) {
      for (let at = 0; at < original.length; at += 1 + (at % 7)) {
        const changed = Buffer.from(original);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        const sent = chain.map((each, other) => (other === index ? changed : each));
        const verdict = validateChain(sent, { trust, now: NOW, crl: () => 'required', hosts: [] });
        expect([index, at, verdict.verdict]).toEqual([index, at, 'refused']);
      }
    }
  });
});

describe('S-015 what a chain can cost', () => {
  it('is bounded for thirty certificates, for large ones and for deep ones', async () => {
    expect(await outcome({ chain: Array.from({ length: 30 }, () => aliceOf()) })).toBe('too_many');
    const large = aliceOf(usual({ oid: '1.2.3', value: der(0x04, Buffer.alloc(2 ** 20)) }));
    expect(await outcome({ chain: [large] })).toBe('too_large');
    let nested: Buffer = bool(true);
    for (let depth = 0; depth < 5000; depth++) nested = seq(nested);
    expect(await outcome({ chain: [aliceOf(usual({ oid: '1.2.3', value: nested }))] })).toBe('ok');
  });

  it('is bounded for proxies of proxies of proxies', async () => {
    const chain: Buffer[] = [aliceOf()];
    let above: Issuer = alice;
    const parts = [...BASE, 'O=People', 'CN=Alice'];
    for (let depth = 0; depth < 9; depth++) {
      parts.push(`CN=${depth}`);
      const next: Issuer = { name: name(...parts), keys: ecKeys() };
      chain.unshift(certificate({ subject: next.name, keys: next.keys, issuer: above, extensions: [proxyInfo()] }));
      above = next;
    }
    expect(await outcome({ chain })).toBe('path_too_long');
    expect(await outcome({ chain: chain.slice(1) })).toBe('ok');
  });

  it('is bounded for authorities that sign each other', async () => {
    const ring: Keys[] = Array.from({ length: 9 }, () => ecKeys());
    const issuer = (index: number): Issuer => ({ name: name(...BASE, 'CN=Ring'), keys: ring[index % 9] as Keys });
    const chain = [
      aliceOf({ issuer: issuer(0) }),
      ...ring.map((keys, index) =>
        certificate({ subject: issuer(0).name, keys, issuer: issuer(index + 1), extensions: AUTHORITY }),
      ),
    ];
    const verdict = await judge({ chain, crl: 'optional' });
    expect(verdict).toMatchObject({ verdict: 'refused' });
    // Nine authorities of one name, each signed by all others: nobody could try every path.
    const everyPair = ring.flatMap((keys, below) =>
      ring.flatMap((_keys, above) =>
        above === below
          ? []
          : [certificate({ subject: issuer(0).name, keys, issuer: issuer(above), extensions: AUTHORITY })],
      ),
    );
    const trust = await trustIn({});
    const options = { trust, now: NOW, crl: () => 'optional' as const, hosts: [] };
    const end = new Certificate(aliceOf({ issuer: issuer(0) }));
    const offered = everyPair.map((each) => new Certificate(each));
    expect(() => findPath(new Validation(options), { end, offered, taken: 0 })).toThrow(
      expect.objectContaining({ reason: 'too_many' }),
    );
  });
});
