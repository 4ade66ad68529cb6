/**
 * Access tokens of an OpenID Connect issuer on loopback, over TLS and the guarded dialler: what is accepted, what is refused
 * and why, and how often the issuer is asked (S-051 … S-066).
 */

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  SignJWT,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { BearerSignIn, type IssuerSettings } from '../../src/access/oidc/bearer-sign-in.js';
import type { Clock } from '../../src/base/clock.js';
import { GuardedDialler } from '../../src/net/dialler.js';
import { pkiFixtures } from '../support/pki-fixtures.js';

let now = Date.UTC(2026, 10, 29);
const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
const read = (name: string): string => readFileSync(join(pkiFixtures, name), 'utf8');
const dialler = new GuardedDialler({ ca: [read('ca/root.pem')] });
const signal = new AbortController().signal;

let server: Server;
let issuer: string;
let asked: string[] = [];
let metadata: Record<string, unknown>;
let keys: JWK[];
/** Where the metadata redirects to, if it does. */
let elsewhere: string | undefined;
let mine: CryptoKey;
let mineJwk: JWK;
let others: CryptoKey;

beforeAll(async () => {
  const pair = await generateKeyPair('RS256', { extractable: true });
  mine = pair.privateKey;
  mineJwk = { ...(await exportJWK(pair.publicKey)), kid: 'key-1', use: 'sig', alg: 'RS256' };
  others = (await generateKeyPair('RS256')).privateKey;
  server = createServer({ cert: read('eec/host.pem'), key: read('eec/host.key') }, (request, response) => {
    asked.push(request.url ?? '');
    if (elsewhere !== undefined) return void response.writeHead(302, { location: elsewhere }).end();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/keys' ? { keys } : metadata));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await dialler.close();
  server.closeAllConnections();
  server.close();
});

let signIn: BearerSignIn;
beforeEach(async () => {
  asked = [];
  elsewhere = undefined;
  keys = [mineJwk];
  metadata = { issuer, jwks_uri: `${issuer}/keys` };
  signIn = await started();
});

async function started(more: Partial<IssuerSettings> = {}): Promise<BearerSignIn> {
  const vos: IssuerSettings['vos'] = [
    {
      vo: 'biomed',
      entitlement: 'urn:mace:egi.eu:group:biomed:role=vm_operator#aai.egi.eu',
      roles: ['federation'],
    },
    { vo: 'atlas', group: '/atlas', roles: [] },
    { vo: 'a.b', entitlement: 'urn:mace:egi.eu:group:a.b:role=member#aai.egi.eu', roles: [] },
  ];
  const settings = { issuer, audience: ['https://vep.example.org'], vos, maxLifetimeSeconds: 21_600 };
  const made = new BearerSignIn([{ ...settings, requireVo: true, allow: ['localhost'], dialler, ...more }], clock);
  await made.refresh(signal);
  return made;
}

const seconds = (offset = 0): number => Math.floor(now / 1000) + offset;
const usual = (): JWTPayload => ({
  iss: issuer,
  sub: 'alice@egi.eu',
  aud: 'https://vep.example.org',
  iat: seconds(-10),
  exp: seconds(3600),
  jti: 'one',
});

function token(claims: JWTPayload = {}, header: Record<string, unknown> = {}, key: CryptoKey = mine): Promise<string> {
  const all = Object.fromEntries(Object.entries({ ...usual(), ...claims }).filter(([, value]) => value !== undefined));
  return new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid: 'key-1', ...header }).sign(key);
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
async function outcome(text: string): Promise<string> {
  try {
    return `${(await signIn.identify(text)).principal.groups[0].replace(/^oidc-.*/, 'nobody')}`;
  } catch (error) {
    return String((error as { cause?: unknown }).cause).replace(/:.*/, '');
  }
}

const entitled = (...entitlements: string[]): JWTPayload => ({ eduperson_entitlement: entitlements });
const BIOMED = 'urn:mace:egi.eu:group:biomed:role=vm_operator#aai.egi.eu';

describe('a token', () => {
  it('S-051 S-057 of a configured issuer signs its subject in', async () => {
    const { id, principal, notAfter } = await signIn.identify(await token(entitled(BIOMED)));
    expect(id).toBe(`oidc:${issuer} alice@egi.eu`);
    expect(principal).toMatchObject({
      tier: 'federation',
      groups: ['biomed', expect.stringMatching(/^oidc-/)],
      roles: new Set(['user', 'federation']),
      credential: { method: 'token', issuer, assurance: 'unknown' },
    });
    expect(notAfter).toBe((seconds(3600) + 60) * 1000);
    expect(await outcome(await token({ aud: ['https://other', 'https://vep.example.org'] }))).toBe('nobody');
    const assured = { eduperson_assurance: ['https://refeds.org/assurance/IAP/medium'] };
    expect((await signIn.identify(await token(assured))).principal.credential?.assurance).toBe('refeds:medium');
  });

  it('S-052 S-053 S-055 is not believed by its own word about algorithm and key', async () => {
    const header = { alg: 'none', kid: 'key-1' };
    for (const alg of ['none', 'nOnE', ''])
      expect(await outcome(`${part({ ...header, alg })}.${part(usual())}.`)).toBe('token-algorithm');
    const unsigned = `${part({ alg: 'HS256', kid: 'key-1' })}.${part(usual())}`;
    const publicKey = await exportSPKI((await importJWK(mineJwk, 'RS256')) as CryptoKey);
    for (const secret of [publicKey, JSON.stringify(mineJwk)])
      expect(await outcome(`${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`)).toBe(
        'token-algorithm',
      );
    asked = [];
    const foreign = {
      jwk: await exportJWK((await generateKeyPair('RS256')).publicKey),
      jku: `${issuer}/evil`,
      x5u: `${issuer}/evil`,
    };
    expect(await outcome(await token({}, foreign, others))).toBe('token-signature');
    expect(asked).toEqual([]);
  });

  it.each([
    ['S-054 no key id', {}, { kid: undefined }, 'token-key'],
    ['S-054 a key id that is a path', {}, { kid: '../../etc/passwd' }, 'token-key'],
    ['S-056 another issuer', { iss: 'https://evil.example' }, {}, 'token-issuer'],
    ['S-057 no audience', { aud: undefined }, {}, 'token-aud'],
    ['S-057 another audience', { aud: 'https://other.example' }, {}, 'token-aud'],
    ['S-057 the beginning of ours', { aud: 'https://vep.example' }, {}, 'token-aud'],
    ['S-058 no end', { exp: undefined }, {}, 'token-exp'],
    ['S-058 an end as text', { exp: '9999999999' as never }, {}, 'token-exp'],
    ['S-058 an end beyond numbers', { exp: 2 ** 60 }, {}, 'token-form'],
    ['S-058 a broken end', { exp: 1.5e9 + 1e9 + 0.5 }, {}, 'token-form'],
    ['no id', { jti: undefined }, {}, 'token-jti'],
    ['S-061 an identity token', { at_hash: 'x' }, {}, 'token-type'],
    ['S-061 an identity token by its nonce', { nonce: 'x' }, {}, 'token-type'],
    ['S-061 another type', {}, { typ: 'logout+jwt' }, 'token-type'],
    ['no subject', { sub: '' }, {}, 'token-sub'],
    ['a subject with a line feed', { sub: 'a\nb' }, {}, 'token-sub'],
  ] as const)('%s is refused', async (_name, claims, header, reason) => {
    expect(await outcome(await token(claims as JWTPayload, header))).toBe(reason);
  });

  it('S-058 is good in its time only, give or take a minute', async () => {
    expect(await outcome(await token({ exp: seconds(-30), iat: seconds(-100) }))).toBe('nobody');
    expect(await outcome(await token({ exp: seconds(-61), iat: seconds(-100) }))).toBe('token-expired');
    expect(await outcome(await token({ nbf: seconds(120) }))).toBe('token-nbf');
    expect(await outcome(await token({ iat: seconds(120) }))).toBe('token-iat');
    expect(await outcome(await token({ exp: seconds(21_600 + 60) }))).toBe('token-lifetime');
    const ending = await token({ jti: 'ending' });
    expect(await outcome(ending)).toBe('nobody');
    now += 3700_000;
    expect(await outcome(ending)).toBe('token-expired');
  });

  it('S-056 an issuer is one by its exact name', async () => {
    expect(await outcome(await token({ iss: `${issuer}/` }))).toBe('token-issuer');
  });

  it('S-065 with a claim twice is refused', async () => {
    const doubled = `{"iss":"${issuer}",${JSON.stringify({ ...usual(), sub: 'a' }).slice(1, -1)},"s\\u0075b":"b"}`;
    expect(
      await outcome(`${part({ alg: 'RS256', kid: 'key-1' })}.${Buffer.from(doubled).toString('base64url')}.AAAA`),
    ).toBe('token-form');
  });
});

describe('memberships', () => {
  const of = async (claims: JWTPayload): Promise<string> =>
    outcome(await token({ ...claims, jti: String(Math.random()) }));

  it('S-063 are those that the configuration binds, to the letter', async () => {
    expect(await of(entitled(BIOMED))).toBe('biomed');
    for (const other of [
      BIOMED.replace('#aai.egi.eu', ''),
      BIOMED.replace('aai.egi.eu', 'aai.example.org'),
      BIOMED.replace('egi.eu:group', 'example.org:group'),
      BIOMED.replace('vm_operator', 'VM_OPERATOR'),
      BIOMED.replace('vm_operator', 'member'),
      BIOMED.replace('biomed', 'biomed:sub'),
      BIOMED.replace('biomed:role', 'biomed%3Arole'),
      'urn:mace:egi.eu:group:axb:role=member#aai.egi.eu',
    ])
      expect([other, await of(entitled(other))]).toEqual([other, 'nobody']);
    expect(await of(entitled(BIOMED.replace('biomed', '%62iomed')))).toBe('biomed');
    expect(await of({ entitlements: [BIOMED] })).toBe('biomed');
  });

  it('S-064 of a child are none of its parent, and scopes count before groups', async () => {
    expect(await of({ 'wlcg.groups': ['/atlas', '/atlas/production'] })).toBe('atlas');
    expect(await of({ 'wlcg.groups': ['/atlas/production'] })).toBe('nobody');
    expect(await of({ 'wlcg.groups': ['/atlas'], scope: 'openid compute.read' })).toBe('nobody');
    signIn = await started({ vos: [{ vo: 'atlas', group: '/atlas', roles: [] }] });
    const { principal } = await signIn.identify(await token({ scope: 'openid compute.read' }));
    expect(principal).toMatchObject({ groups: ['atlas', expect.any(String)], credential: { verbs: ['read'] } });
  });
});

describe('the keys of an issuer', () => {
  it('S-054 S-062 are asked for again when a new one is named, once a minute at most', async () => {
    expect(asked).toEqual(['/.well-known/openid-configuration', '/keys']);
    const renewed = await token({}, { kid: 'key-2' });
    for (let again = 0; again < 20; again++) {
      expect(await outcome(renewed)).toBe('token-key');
      await signIn.refresh(signal);
    }
    expect(asked).toHaveLength(2);
    keys = [mineJwk, { ...mineJwk, kid: 'key-2' }];
    now += 61_000;
    await signIn.refresh(signal);
    expect(asked).toHaveLength(4);
    expect(await outcome(await token({}, { kid: 'key-2' }))).toBe('nobody');
  });

  it('S-054 of one id are none', async () => {
    keys = [mineJwk, { ...mineJwk }];
    signIn = await started();
    expect(await outcome(await token())).toBe('token-key');
  });

  it('S-066 come from the issuer and from nowhere else', async () => {
    elsewhere = 'https://localhost:1/';
    await expect(started()).rejects.toMatchObject({ kind: expect.stringMatching(/unavailable|invalid/) });
    elsewhere = undefined;
    metadata = { issuer: 'https://evil.example', jwks_uri: `${issuer}/keys` };
    await expect(started()).rejects.toMatchObject({ kind: 'unavailable' });
    metadata = { issuer, jwks_uri: 'http://127.0.0.1:1/keys' };
    await expect(started()).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(started({ allow: [] })).rejects.toMatchObject({
      faults: [expect.objectContaining({ code: 'net.address' })],
    });
  });

  it('are good for two days when they cannot be renewed, and then nobody is let in', async () => {
    metadata = {};
    now += 47 * 3_600_000;
    await expect(signIn.refresh(signal)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await outcome(await token())).toBe('nobody');
    now += 2 * 3_600_000;
    await expect(signIn.identify(await token())).rejects.toMatchObject({ kind: 'unavailable', retryAfter: 5 });
  });
});
