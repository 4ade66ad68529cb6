/**
 * Signing in with a judged chain: what header fields of proxies hold (S-043), who the holder is and for which VO they act
 * (S-036, S-086), and what is remembered of a verdict (S-119).
 */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { identityOf } from '../../../src/access/client-certificate.js';
import { derIn } from '../../../src/access/x509/certificate.js';
import { validateChain } from '../../../src/access/x509/chain.js';
import { GridSignIn, type GridPolicy } from '../../../src/access/x509/grid-sign-in.js';
import type { HeaderScheme } from '../../../src/access/x509/header-certificates.js';
import { identityOfChain, type IdentityPolicy } from '../../../src/access/x509/identity.js';
import { TrustDirectory } from '../../../src/access/x509/trust-directory.js';
import type { Clock } from '../../../src/base/clock.js';
import { pkiFixtures } from '../../support/pki-fixtures.js';

let now = Date.UTC(2026, 10, 23);
const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
const source = {
  directory: join(pkiFixtures, 'certificates'),
  vomsdir: join(pkiFixtures, 'vomsdir'),
  minRsaBits: 2048,
};
const policy: GridPolicy = {
  requireVo: true,
  roles: [],
  profiles: [],
  crl: 'required',
  crlOptional: ['/DC=org/DC=other/CN=Other VO CA'],
  trustedPeers: ['127.0.0.1'],
  hosts: [],
};
const read = (name: string): Buffer => readFileSync(join(pkiFixtures, `${name}.pem`));
const pems = (name: string): Uint8Array[] => derIn(read(name), 'CERTIFICATE');
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

let trust: TrustDirectory;
beforeAll(async () => {
  trust = await TrustDirectory.open(source, clock);
});

function request(headers: Record<string, string>): IncomingMessage {
  return { headers, socket: { remoteAddress: '127.0.0.1' } } as unknown as IncomingMessage;
}

/** Every proxy the same certificates in its own way. */
const WAYS: Readonly<Record<HeaderScheme, (name: string) => Record<string, string>>> = {
  rfc9440: (name) => {
    const [leaf, ...above] = pems(name).map((each) => `:${base64(each)}:`);
    return { 'client-cert': leaf ?? '', 'client-cert-chain': above.join(', ') };
  },
  nginx: (name) => ({
    'x-ssl-client-cert': encodeURIComponent(read(name).toString()),
    'x-ssl-client-verify': 'SUCCESS',
  }),
  haproxy: (name) => {
    const [leaf = new Uint8Array(), ...above] = pems(name);
    return { 'x-ssl-client-der': base64(leaf), 'x-ssl-client-chain-der': base64(Buffer.concat(above)) };
  },
  envoy: (name) => ({
    'x-forwarded-client-cert': `Hash=ab;Chain="${encodeURIComponent(read(name).toString())}";Subject="CN=x"`,
  }),
};

describe.each(Object.entries(WAYS))('certificates in the way of %s', (header, fields) => {
  const signIn = (): GridSignIn => new GridSignIn(trust, { ...policy, header: header as HeaderScheme }, clock);

  it('S-043 are judged anew', async () => {
    for (const name of ['eec/alice', 'proxy/ok-child.chain', 'voms/good'])
      expect((await signIn().identify(request(fields(name))))?.id).toBe(
        'x509:CN=Alice Tester,O=People,DC=example,DC=org issued by CN=Test Grid CA,DC=example,DC=org',
      );
    for (const [name, reason] of [
      ['eec/expired', 'expired: /DC=org/DC=example/O=People/CN=Expired User'],
      ['eec/foreign', 'signing_policy: '],
      ['eec/mallory-samedn', 'issuer_unknown: '],
      ['proxy/g-draft.globus', 'proxy_kind: '],
    ] as const)
      await expect(signIn().identify(request(fields(name)))).rejects.toMatchObject({
        kind: 'unauthenticated',
        cause: expect.stringContaining(reason.split(':')[0] ?? ''),
      });
  });

  it('are refused when they are none, and nobody when there is none', async () => {
    const [field = ''] = Object.keys(fields('eec/alice'));
    for (const bad of ['x', '::', '%ff', 'Cert="x"', base64(Buffer.from('no DER'))])
      await expect(signIn().identify(request({ [field]: bad }))).rejects.toMatchObject({ kind: 'unauthenticated' });
    expect(await signIn().identify(request({ [field]: '' }))).toBeUndefined();
  });
});

describe('the holder of a certificate', () => {
  function holder(name: string, more: Partial<IdentityPolicy> = {}): ReturnType<typeof identityOfChain> {
    const crl = (): 'optional' => 'optional';
    const verdict = validateChain(pems(name), { trust: trust.anchors, now, crl, hosts: [] });
    if (verdict.verdict === 'refused') throw verdict.refusal;
    return identityOfChain(verdict, trust.anchors, { ...policy, ...more });
  }

  it('is the same whether TLS, or this, has judged it', () => {
    expect(holder('eec/alice').id).toBe(identityOf(new X509Certificate(read('eec/alice')))?.id);
    expect(holder('eec/alice').principal.groups.at(-1)).toBe(
      identityOf(new X509Certificate(read('eec/alice')))?.principal.groups[0],
    );
  });

  it('is in the group of the VO, and a user there; without a VO only where none is required', () => {
    expect(holder('voms/good').principal).toMatchObject({
      groups: ['testvo', expect.stringMatching(/^x509-/)],
      roles: new Set(['user']),
      credential: { method: 'proxy', limited: false, assurance: 'unknown', vos: [{ vo: 'testvo' }] },
    });
    expect(holder('eec/alice').principal.roles).toEqual(new Set());
    expect(holder('eec/alice', { requireVo: false }).principal.roles).toEqual(new Set(['user']));
  });

  it('has the roles of an FQAN in that VO and nowhere else', () => {
    const roles = [{ fqan: '/testvo/analysis/Role=production', roles: ['federation'] as const }];
    expect(holder('voms/good', { roles }).principal.roles).toEqual(new Set(['user', 'federation']));
    expect(holder('voms/good-bob', { roles }).principal.roles).toEqual(new Set(['user']));
    expect(holder('voms/good').inVo?.('othervo')).toBeUndefined();
    expect(holder('voms/othervo', { roles }).principal.groups[0]).toBe('othervo');
  });

  it('is not let in from authorities of another profile than those that are', () => {
    expect(() => holder('eec/alice', { profiles: ['classic'] })).toThrow(
      expect.objectContaining({ reason: 'assurance' }),
    );
  });
});

describe('a verdict', () => {
  it('S-119 is remembered for a minute, but not beyond the end of what it rests on', async () => {
    const signIn = new GridSignIn(trust, { ...policy, header: 'rfc9440' }, clock);
    const alice = request(WAYS.rfc9440('eec/alice'));
    const first = await signIn.identify(alice);
    expect(await signIn.identify(alice)).toBe(first);
    now += 61_000;
    expect(await signIn.identify(alice)).not.toBe(first);
    now = Date.UTC(2037, 0, 1);
    await expect(signIn.identify(alice)).rejects.toMatchObject({ cause: expect.stringMatching(/^expired/) });
  });
});
