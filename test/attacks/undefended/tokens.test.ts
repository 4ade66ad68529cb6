/**
 * Attacks with access tokens, first on a verifier of the same library with one check left out, as so many have been written,
 * then on VEP's own. The issuer is the test's.
 */

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  EmbeddedJWK,
  SignJWT,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  jwtVerify,
  type JWK,
  type JWTPayload,
  type CryptoKey,
} from 'jose';
import { BearerSignIn } from '../../../src/access/oidc/bearer-sign-in.js';
import { decide } from '../../../src/access/policy.js';
import type { Principal } from '../../../src/access/principal.js';
import { systemClock } from '../../../src/base/clock.js';
import { GuardedDialler } from '../../../src/net/dialler.js';
import { AUDIENCE, TestIssuer } from '../../support/issuer.js';
import { pkiFixtures } from '../../support/pki-fixtures.js';

let issuer: TestIssuer;
let dialler: GuardedDialler;
let signIn: BearerSignIn;
/** The key that only the issuer has, that of its published set, and one of the attacker's. */
let published: JWK;
let attacker: { readonly key: CryptoKey; readonly jwk: JWK };

beforeAll(async () => {
  issuer = await TestIssuer.start();
  const ca = [readFileSync(join(pkiFixtures, 'ca/root.pem'), 'utf8')];
  dialler = new GuardedDialler({ ca, allow: ['localhost'] });
  const vos = [{ vo: 'atlas', group: '/atlas', roles: [] }];
  const settings = { issuer: issuer.url, audience: [AUDIENCE], vos, maxLifetimeSeconds: 21_600, requireVo: true };
  signIn = new BearerSignIn([{ ...settings, allow: ['localhost'], dialler }], systemClock);
  await signIn.refresh(new AbortController().signal);
  const answer = await dialler.fetch(`${issuer.url}/keys`, { maxBytes: 10_000 });
  let text = '';
  for await (const chunk of answer.body) text += Buffer.from(chunk).toString();
  published = (JSON.parse(text) as { keys: JWK[] }).keys[0] as JWK;
  const pair = await generateKeyPair('ES256', { extractable: true });
  attacker = { key: pair.privateKey, jwk: await exportJWK(pair.publicKey) };
});
afterAll(async () => {
  await dialler.close();
  issuer.close();
});

const now = (): number => Math.floor(Date.now() / 1000);
const usual = (more: JWTPayload = {}): JWTPayload => ({
  ...{ iss: issuer.url, sub: 'root', aud: AUDIENCE, iat: now(), exp: now() + 600, jti: '1', 'wlcg.groups': ['/atlas'] },
  ...more,
});
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const key = async (): Promise<CryptoKey> => (await importJWK(published, 'ES256')) as CryptoKey;

/** Why VEP refuses the token. */
async function refusal(token: string): Promise<string> {
  try {
    await signIn.identify(token);
    return 'accepted';
  } catch (error) {
    return String((error as { cause?: unknown }).cause).replace(/:.*/, '');
  }
}

it('is taken when nothing is wrong with it, or the rest would say nothing', async () => {
  expect(await refusal(await issuer.token({ 'wlcg.groups': ['/atlas'] }))).toBe('accepted');
});

it('S-052 works without a list of algorithms: unsigned, it is believed by whoever reads the claims alone', async () => {
  const forged = `${part({ alg: 'none', kid: 'k' })}.${part(usual())}.`;
  expect(decodeJwt(forged).sub).toBe('root');
  expect(await refusal(forged)).toBe('token-algorithm');
});

it('S-053 works without a list of algorithms: the public key is the secret of a keyed hash', async () => {
  const pem = await exportSPKI(await key());
  const signed = `${part({ alg: 'HS256', kid: 'k' })}.${part(usual())}`;
  const forged = `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
  // A verifier that takes the algorithm from the token and its one key for whatever that needs.
  expect((await jwtVerify(forged, Buffer.from(pem))).payload.sub).toBe('root');
  expect(await refusal(forged)).toBe('token-algorithm');
});

it('S-054 works without the demand for a key id: the only key of the set is tried on a token that names none', async () => {
  const named = await issuer.token({ sub: 'root' });
  expect(decodeProtectedHeader(named).kid).toBe('k');
  const set = { keys: [{ ...published, kid: 'some-other-name' }] };
  const only = await importJWK(set.keys[0] as JWK, 'ES256');
  expect((await jwtVerify(named, only)).payload.sub).toBe('root');
  const unknown = await new SignJWT(usual())
    .setProtectedHeader({ alg: 'ES256', kid: 'x', typ: 'at+jwt' })
    .sign(attacker.key);
  expect(await refusal(unknown)).toBe('token-key');
});

it('S-055 works without keys of one’s own: a token that brings its key along is verified with that', async () => {
  const header = { alg: 'ES256', kid: 'k', typ: 'at+jwt', jwk: attacker.jwk };
  const forged = await new SignJWT(usual()).setProtectedHeader(header).sign(attacker.key);
  expect((await jwtVerify(forged, EmbeddedJWK)).payload.sub).toBe('root');
  expect(await refusal(forged)).toBe('token-signature');
});

it('S-056 works without a list of issuers: whoever is named is asked for the keys', async () => {
  const evil = await TestIssuer.start();
  try {
    const forged = await evil.token({ sub: 'root', 'wlcg.groups': ['/atlas'] });
    const { iss = '' } = decodeJwt(forged);
    const answer = await dialler.fetch(`${iss}/keys`, { maxBytes: 10_000 });
    let text = '';
    for await (const chunk of answer.body) text += Buffer.from(chunk).toString();
    const theirs = await importJWK((JSON.parse(text) as { keys: JWK[] }).keys[0] as JWK, 'ES256');
    expect((await jwtVerify(forged, theirs)).payload.sub).toBe('root');
    expect(await refusal(forged)).toBe('token-issuer');
  } finally {
    evil.close();
  }
});

it.each([
  ['S-057', 'an audience', { aud: 'https://other.example.org' }, 'token-aud', {}],
  ['S-058', 'a longest life', { exp: 4_102_444_800 }, 'token-lifetime', { audience: AUDIENCE }],
  ['S-061', 'a type', { nonce: 'x', at_hash: 'y' }, 'token-type', { audience: AUDIENCE }],
] as const)('%s works without the demand for %s', async (_id, _what, claims, reason, options) => {
  const token = await issuer.token({ sub: 'root', 'wlcg.groups': ['/atlas'], ...claims });
  expect((await jwtVerify(token, await key(), { issuer: issuer.url, ...options })).payload.sub).toBe('root');
  expect(await refusal(token)).toBe(reason);
});

const ENTITY = {
  owner: 'oidc:x alice',
  group: 'atlas',
  kind: 'http://schemas.ogf.org/occi/infrastructure#compute',
  id: '0190f3c6-0000-7000-8000-000000000001',
  appliance: null,
} as const;
const alice: Principal = {
  id: ENTITY.owner,
  name: 'alice',
  tier: 'federation',
  roles: new Set(['user']),
  groups: ['atlas'],
  credential: { method: 'token', issuer: 'x', assurance: 'unknown', limited: false, vos: [] },
};
const asHolder = (more: Partial<NonNullable<Principal['credential']>>): Principal => ({
  ...alice,
  credential: { ...(alice.credential as NonNullable<Principal['credential']>), ...more },
});

it('S-064 works without the limit of capabilities: a token that may only read deletes', () => {
  expect(decide(alice, 'delete', ENTITY, [], 0)).toBe(true);
  expect(decide(asHolder({ verbs: ['read'] }), 'delete', ENTITY, [], 0)).toBe(false);
});

it('S-028 works without the limit of proxies: what was delegated for reading starts machines', () => {
  expect(decide(alice, 'create', ENTITY, [], 0)).toBe(true);
  expect(decide(asHolder({ limited: true }), 'create', ENTITY, [], 0)).toBe(false);
});

it('S-078 S-079 works without time and denials: what has expired or been denied is still granted', () => {
  const bob: Principal = { ...alice, id: 'oidc:x bob', name: 'bob', groups: ['oidc-bob'] };
  const permit = { entity: ENTITY.id, verbs: ['read'] as const, until: 1000 };
  expect(decide(bob, 'read', ENTITY, [{ ...permit, until: null }], 1001)).toBe(true);
  expect(decide(bob, 'read', ENTITY, [permit], 1001)).toBe(false);
  const deny = { effect: 'deny', entity: ENTITY.id, verbs: ['read'] as const, until: null } as const;
  expect(decide(bob, 'read', ENTITY, [permit, deny], 0)).toBe(false);
});
