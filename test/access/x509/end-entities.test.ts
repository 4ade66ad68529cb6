/** Rules about end entities and the names that authorities may give them, both ways (RFC 5280, `spec/federation-auth.md` §2). */

import {
  AUTHORITY,
  BASE,
  type Case,
  NAMESPACES,
  POLICY,
  aliceOf,
  other,
  outcome,
  root,
  rootOf,
  strong,
  unknown,
  usual,
  weak,
} from '../../support/pki-world.js';
import {
  CLIENT,
  NOW,
  SERVER,
  SIGNATURES,
  basicConstraints,
  ecKeys,
  extendedKeyUsage,
  keyUsage,
  name,
} from '../../support/pki.js';

const endEntities: readonly (readonly [string, Case, string])[] = [
  ['a plain end entity', { chain: [aliceOf()] }, 'ok'],
  ['one with an RSA key and the root sent along', { chain: [aliceOf({ keys: strong }), rootOf()] }, 'ok'],
  [
    'one without any extension but basicConstraints',
    { chain: [aliceOf({ extensions: [basicConstraints(false)] })] },
    'ok',
  ],
  ['one with P-521', { chain: [aliceOf({ keys: ecKeys('P-521') })] }, 'ok'],
  ['one with secp256k1', { chain: [aliceOf({ keys: ecKeys('secp256k1') })] }, 'algorithm'],
  ['one with RSA 1024', { chain: [aliceOf({ keys: weak })] }, 'key_size'],
  ['one signed with SHA-1', { chain: [aliceOf({ kind: SIGNATURES.ecdsaSha1 })] }, 'algorithm'],
  ['one that names another algorithm inside', { chain: [aliceOf({ innerKind: SIGNATURES.rsa })] }, 'malformed'],
  ['one of a key that nobody trusts', { chain: [aliceOf({ issuer: { ...root, keys: other } })] }, 'issuer_unknown'],
  ['one that is over', { chain: [aliceOf({ notAfter: NOW - 1000 })] }, 'expired'],
  ['one that begins in 4 minutes', { chain: [aliceOf({ notBefore: NOW + 240_000 })] }, 'ok'],
  ['one that begins in 6 minutes', { chain: [aliceOf({ notBefore: NOW + 360_000 })] }, 'not_yet_valid'],
  ['one for servers', { chain: [aliceOf(usual(extendedKeyUsage(SERVER)))] }, 'eku'],
  ['one for anything', { chain: [aliceOf(usual(extendedKeyUsage('2.5.29.37.0')))] }, 'eku'],
  ['one for clients and servers', { chain: [aliceOf(usual(extendedKeyUsage(SERVER, CLIENT)))] }, 'ok'],
  ['one that may not sign', { chain: [aliceOf({ extensions: [basicConstraints(false), keyUsage(2)] })] }, 'key_usage'],
  ['one that is an authority', { chain: [aliceOf({ extensions: AUTHORITY })] }, 'end_entity'],
  ['the root itself', { chain: [rootOf()] }, 'end_entity'],
  ['one with an unknown extension', { chain: [aliceOf(usual(unknown(false)))] }, 'ok'],
  ['S-016 one with an unknown critical extension', { chain: [aliceOf(usual(unknown(true)))] }, 'critical_extension'],
  ['one with an extension twice', { chain: [aliceOf(usual(keyUsage(0)))] }, 'malformed'],
  ['one of version 1', { chain: [aliceOf({ version: 1, extensions: [] })] }, 'ok'],
  ['one of version 1 with extensions', { chain: [aliceOf({ version: 1 })] }, 'malformed'],
  ['S-017 one with NUL in its name', { chain: [aliceOf({ subject: name(...BASE, 'CN=Al\0ice') })] }, 'name'],
  ['S-017 one with a line feed in its name', { chain: [aliceOf({ subject: name(...BASE, 'CN=Al\nice') })] }, 'name'],
  [
    'one with a name beyond measure',
    { chain: [aliceOf({ subject: name(...BASE, `CN=${'x'.repeat(5000)}`) })] },
    'name',
  ],
  ['one without a name', { chain: [aliceOf({ subject: name() })] }, 'end_entity'],
  ['bytes behind the end', { chain: [Buffer.concat([aliceOf(), Buffer.from([0])])] }, 'malformed'],
  ['nothing', { chain: [] }, 'no_certificate'],
];

const issuing: readonly (readonly [string, Case, string])[] = [
  [
    'S-010 a name outside of both',
    { chain: [aliceOf({ subject: name('DC=org', 'DC=else', 'CN=A') })] },
    'signing_policy',
  ],
  [
    'a name that only looks as if inside',
    { chain: [aliceOf({ subject: name('DC=org/DC=fresh/CN=A', 'CN=B') })] },
    'signing_policy',
  ],
  ['S-010 without namespaces', { chain: [aliceOf()], directory: { namespaces: null } }, 'ok'],
  ['S-010 without a signing policy', { chain: [aliceOf()], directory: { policy: null } }, 'ok'],
  ['S-010 without either', { chain: [aliceOf()], directory: { policy: null, namespaces: null } }, 'no_policy'],
  [
    'a signing policy that permits less',
    { chain: [aliceOf()], directory: { policy: POLICY.replace('fresh/*', 'fresh/O=Hosts/*') } },
    'signing_policy',
  ],
  [
    'namespaces that permit less',
    { chain: [aliceOf()], directory: { namespaces: NAMESPACES.replace('fresh/.*', 'fresh/O=Hosts/.*') } },
    'signing_policy',
  ],
  [
    'namespaces that deny',
    {
      chain: [aliceOf()],
      directory: { namespaces: NAMESPACES + 'TO Issuer "/DC=org/DC=fresh/CN=Root" DENY Subject ".*Alice"' },
    },
    'signing_policy',
  ],
  [
    'a signing policy without the right to sign',
    { chain: [aliceOf()], directory: { policy: POLICY.replace('CA:sign', 'CA:other'), namespaces: null } },
    'no_policy',
  ],
  [
    'rules that cannot be read',
    { chain: [aliceOf()], directory: { namespaces: NAMESPACES.replace('.*"', '(a+)+"') } },
    'signing_policy',
  ],
  [
    'rules about another issuer',
    { chain: [aliceOf()], directory: { policy: POLICY.replace('CN=Root', 'CN=Rood'), namespaces: null } },
    'no_policy',
  ],
];

describe('end entities', () => {
  it.each(endEntities)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
describe('rules about names', () => {
  it.each(issuing)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
