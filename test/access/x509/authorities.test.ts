/** Rules about authorities and the paths through them, both ways (RFC 5280 §6; S-011, S-012, S-019). */

import {
  ALICE_SERIAL,
  AUTHORITY,
  BASE,
  type Case,
  POLICY,
  aliceOf,
  altName,
  constraints,
  other,
  outcome,
  policies,
  requireExplicit,
  root,
  rootOf,
  sub,
  subLists,
  subOf,
  subtree,
  unknown,
  usual,
  weak,
  withSub,
} from '../../support/pki-world.js';
import {
  NOW,
  SERVER,
  SIGNATURES,
  basicConstraints,
  certificate,
  context,
  extendedKeyUsage,
  keyUsage,
  plainContext,
  revocationList,
  seq,
} from '../../support/pki.js';

const authorities: readonly (readonly [string, Case, string])[] = [
  ['S-011 an intermediate that was sent', { chain: withSub(), directory: { lists: subLists } }, 'ok'],
  ['S-011 an intermediate without a list', { chain: withSub() }, 'crl_missing'],
  ['S-011 an intermediate that is missing', { chain: withSub().slice(0, 1), crl: 'optional' }, 'issuer_unknown'],
  [
    'S-011 an intermediate of the directory, without rules',
    { chain: withSub().slice(0, 1), directory: { lists: subLists, authorities: [rootOf(), subOf()] } },
    'no_policy',
  ],
  [
    'an intermediate of the directory, with rules',
    {
      chain: withSub().slice(0, 1),
      directory: { lists: subLists, authorities: [rootOf(), subOf()], policy: POLICY + POLICY.replace('Root', 'Sub') },
    },
    'ok',
  ],
  [
    'S-019 an intermediate of the directory without its root',
    { chain: withSub().slice(0, 1), directory: { authorities: [subOf()] } },
    'issuer_unknown',
  ],
  [
    'an intermediate that is revoked',
    {
      chain: withSub({ serial: ALICE_SERIAL }, { serial: Buffer.from([1]) }),
      directory: {
        lists: [revocationList({ issuer: root, revoked: [ALICE_SERIAL] }), revocationList({ issuer: sub })],
      },
    },
    'revoked',
  ],
  [
    'an intermediate that is over',
    { chain: withSub({ notAfter: NOW - 1000 }), directory: { lists: subLists } },
    'expired',
  ],
  [
    'an intermediate that is none',
    { chain: withSub({ extensions: [basicConstraints(false)] }), crl: 'optional' },
    'not_ca',
  ],
  [
    'an intermediate without basicConstraints',
    { chain: withSub({ extensions: [keyUsage(5, 6)] }), crl: 'optional' },
    'not_ca',
  ],
  [
    'an intermediate that may not sign certificates',
    { chain: withSub({ extensions: [basicConstraints(true), keyUsage(6)] }), directory: { lists: subLists } },
    'key_usage',
  ],
  [
    'an intermediate for servers',
    { chain: withSub({ extensions: [...AUTHORITY, extendedKeyUsage(SERVER)] }), directory: { lists: subLists } },
    'eku',
  ],
  [
    'an intermediate with RSA 1024',
    { chain: [aliceOf({ issuer: { ...sub, keys: weak } }), subOf({ keys: weak })], crl: 'optional' },
    'key_size',
  ],
  [
    'an intermediate signed with SHA-1',
    { chain: withSub({ kind: SIGNATURES.ecdsaSha1 }), directory: { lists: subLists } },
    'algorithm',
  ],
  [
    'an intermediate with an unknown critical extension',
    { chain: withSub({ extensions: [...AUTHORITY, unknown(true)] }), directory: { lists: subLists } },
    'critical_extension',
  ],
  [
    'S-012 a root that allows no intermediate',
    {
      chain: withSub(),
      directory: {
        lists: subLists,
        authorities: [rootOf({ extensions: [basicConstraints(true, 0), keyUsage(5, 6)] })],
      },
    },
    'ca_pathlen',
  ],
  [
    'an intermediate that allows none below it',
    { chain: withSub({ extensions: [basicConstraints(true, 0), keyUsage(5, 6)] }), directory: { lists: subLists } },
    'ok',
  ],
  [
    'a root that is over',
    { chain: [aliceOf()], directory: { authorities: [rootOf({ notAfter: NOW - 1000 })] } },
    'expired',
  ],
  [
    'a root that is no authority',
    { chain: [aliceOf()], directory: { authorities: [rootOf({ extensions: [basicConstraints(false)] })] } },
    'issuer_unknown',
  ],
  [
    'a root that may not sign',
    { chain: [aliceOf()], directory: { authorities: [rootOf({ extensions: [basicConstraints(true), keyUsage(6)] })] } },
    'key_usage',
  ],
  [
    'a root of version 1',
    { chain: [aliceOf()], directory: { authorities: [rootOf({ version: 1, extensions: [] })] } },
    'ok',
  ],
  [
    'a root signed with SHA-1',
    { chain: [aliceOf()], directory: { authorities: [rootOf({ kind: SIGNATURES.ecdsaSha1 })] } },
    'ok',
  ],
  [
    'a root that has not signed itself',
    {
      chain: [aliceOf()],
      directory: {
        authorities: [
          certificate({ subject: root.name, keys: root.keys, issuer: { ...root, keys: other }, extensions: AUTHORITY }),
        ],
      },
    },
    'issuer_unknown',
  ],
  [
    'a root that only the sender has',
    { chain: [aliceOf(), rootOf()], directory: { authorities: [] } },
    'issuer_unknown',
  ],
  [
    'names that are permitted',
    {
      chain: withSub({ extensions: [...AUTHORITY, constraints(context(0, subtree(...BASE, 'O=People')))] }),
      directory: { lists: subLists },
    },
    'ok',
  ],
  [
    'names that are not permitted',
    {
      chain: withSub({ extensions: [...AUTHORITY, constraints(context(0, subtree(...BASE, 'O=Hosts')))] }),
      directory: { lists: subLists },
    },
    'name_constraints',
  ],
  [
    'names that are excluded, in other letters',
    {
      chain: withSub({ extensions: [...AUTHORITY, constraints(context(1, subtree(...BASE, 'O=PEOPLE')))] }),
      directory: { lists: subLists },
    },
    'name_constraints',
  ],
  [
    'host names that are not permitted',
    {
      chain: withSub(
        { extensions: [...AUTHORITY, constraints(context(0, seq(plainContext(2, Buffer.from('example.com')))))] },
        usual(altName),
      ),
      directory: { lists: subLists },
    },
    'name_constraints',
  ],
  [
    'host names that are permitted',
    {
      chain: withSub(
        { extensions: [...AUTHORITY, constraints(context(0, seq(plainContext(2, Buffer.from('example.org')))))] },
        usual(altName),
      ),
      directory: { lists: subLists },
    },
    'ok',
  ],
  [
    'a policy that is demanded and missing',
    {
      chain: withSub({ extensions: [...AUTHORITY, requireExplicit, policies('1.2.3')] }),
      directory: { lists: subLists },
    },
    'certificate_policy',
  ],
  [
    'a policy that is demanded and there',
    {
      chain: withSub(
        { extensions: [...AUTHORITY, requireExplicit, policies('1.2.3')] },
        usual(policies('1.2.4', '1.2.3')),
      ),
      directory: { lists: subLists },
    },
    'ok',
  ],
  [
    'another policy than is demanded',
    {
      chain: withSub({ extensions: [...AUTHORITY, requireExplicit, policies('1.2.3')] }, usual(policies('1.2.4'))),
      directory: { lists: subLists },
    },
    'certificate_policy',
  ],
];

describe('authorities', () => {
  it.each(authorities)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
