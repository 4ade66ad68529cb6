/**
 * Every rule of path validation, both ways, with keys made for the occasion: a chain that keeps all of them is accepted,
 * and one that breaks a single one is refused for exactly that (RFC 5280, RFC 3820, RFC 5755, S-003 … S-036).
 */

import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateChain, type ChainVerdict } from '../../../src/access/x509/chain.js';
import { readTrust } from '../../../src/access/x509/trust-directory.js';
import type { TrustAnchors } from '../../../src/access/x509/trust-anchors.js';
import type { CrlPolicy } from '../../../src/access/x509/validation.js';
import {
  CLIENT,
  HOUR,
  INHERIT_ALL,
  NOW,
  SERVER,
  SIGNATURES,
  attributeCertificate,
  basicConstraints,
  bool,
  certificate,
  context,
  der,
  ecKeys,
  extendedKeyUsage,
  int,
  keyUsage,
  name,
  oid,
  pem,
  plainContext,
  proxyInfo,
  revocationList,
  rsaKeys,
  seq,
  utf8,
  vomsExtension,
  type AttributeMembers,
  type CertificateMembers,
  type Issuer,
  type Keys,
  type ListMembers,
  type TestExtension,
} from '../../support/pki.js';

const BASE = ['DC=org', 'DC=fresh'];
const root: Issuer = { name: name(...BASE, 'CN=Root'), keys: ecKeys() };
const alice: Issuer = { name: name(...BASE, 'O=People', 'CN=Alice'), keys: ecKeys() };
const proxy: Issuer = { name: name(...BASE, 'O=People', 'CN=Alice', 'CN=1'), keys: ecKeys() };
const child: Issuer = { name: name(...BASE, 'O=People', 'CN=Alice', 'CN=1', 'CN=2'), keys: ecKeys() };
const sub: Issuer = { name: name(...BASE, 'CN=Sub'), keys: ecKeys() };
const voms: Issuer = { name: name(...BASE, 'O=Hosts', 'CN=voms.example.org'), keys: ecKeys() };
const weak = rsaKeys(1024);
const strong = rsaKeys(2048);
const other = ecKeys();

type Change = Partial<CertificateMembers>;
const AUTHORITY = [basicConstraints(true), keyUsage(5, 6)];
const rootOf = (change: Change = {}): Buffer =>
  certificate({ subject: root.name, keys: root.keys, issuer: root, extensions: AUTHORITY, ...change });
const aliceOf = (change: Change = {}): Buffer =>
  certificate({
    subject: alice.name,
    keys: alice.keys,
    issuer: root,
    extensions: [basicConstraints(false), keyUsage(0, 2), extendedKeyUsage(CLIENT)],
    serial: ALICE_SERIAL,
    ...change,
  });
const ALICE_SERIAL = Buffer.from('0a11ce', 'hex');
const proxyOf = (change: Change = {}): Buffer =>
  certificate({
    subject: proxy.name,
    keys: proxy.keys,
    issuer: alice,
    extensions: [proxyInfo(), keyUsage(0, 2)],
    ...change,
  });
const childOf = (change: Change = {}): Buffer =>
  certificate({ subject: child.name, keys: child.keys, issuer: proxy, extensions: [proxyInfo()], ...change });
const subOf = (change: Change = {}): Buffer =>
  certificate({ subject: sub.name, keys: sub.keys, issuer: root, extensions: AUTHORITY, ...change });

/** What lies in the directory; each is as it should be unless said otherwise. */
interface Directory {
  readonly authorities?: readonly Buffer[];
  readonly lists?: readonly Buffer[];
  readonly policy?: string | null;
  readonly namespaces?: string | null;
  readonly lsc?: string | null;
}

const POLICY = `access_id_CA X509 '/DC=org/DC=fresh/CN=Root'
pos_rights globus CA:sign
cond_subjects globus '"/DC=org/DC=fresh/*"'
`;
const NAMESPACES = `#NAMESPACES-VERSION: 1.0
TO Issuer "/DC=org/DC=fresh/CN=Root" \\
  PERMIT Subject "/DC=org/DC=fresh/.*"
`;
const LSC = '/DC=org/DC=fresh/O=Hosts/CN=voms.example.org\n/DC=org/DC=fresh/CN=Root\n';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

async function trustIn(directory: Directory): Promise<TrustAnchors> {
  const folder = mkdtempSync(join(tmpdir(), 'vep-x509-'));
  folders.push(folder);
  const { authorities = [rootOf()], lists = [revocationList({ issuer: root })] } = directory;
  const { policy = POLICY, namespaces = NAMESPACES, lsc = LSC } = directory;
  authorities.forEach((each, index) => writeFileSync(join(folder, `ca${index}.0`), pem('CERTIFICATE', each)));
  lists.forEach((each, index) => writeFileSync(join(folder, `ca${index}.r0`), pem('X509 CRL', each)));
  if (policy !== null) writeFileSync(join(folder, 'ca.signing_policy'), policy);
  if (namespaces !== null) writeFileSync(join(folder, 'ca.namespaces'), namespaces);
  mkdirSync(join(folder, 'vomsdir', 'vo.test'), { recursive: true });
  if (lsc !== null) writeFileSync(join(folder, 'vomsdir', 'vo.test', 'voms.example.org.lsc'), lsc);
  return readTrust({ directory: folder, vomsdir: join(folder, 'vomsdir'), minRsaBits: 2048 }, NOW);
}

interface Case {
  readonly directory?: Directory;
  readonly chain: readonly Buffer[];
  readonly crl?: CrlPolicy;
  readonly hosts?: readonly string[];
}

async function judge({
  directory = {},
  chain,
  crl = 'required',
  hosts = ['vep.example.org'],
}: Case): Promise<ChainVerdict> {
  return validateChain(chain, { trust: await trustIn(directory), now: NOW, crl: () => crl, hosts });
}

/** `ok`, `ok limited`, or the reason of the refusal. */
async function outcome(given: Case): Promise<string> {
  const verdict = await judge(given);
  if (verdict.verdict === 'refused') return verdict.refusal.reason;
  return verdict.limited ? 'ok limited' : 'ok';
}

const usual = (...extensions: readonly TestExtension[]): Change => ({
  extensions: [basicConstraints(false), keyUsage(0, 2), ...extensions],
});
const listWith = (members: Partial<ListMembers>): Directory => ({
  lists: [revocationList({ issuer: root, ...members })],
});
const idp = (...fields: readonly Buffer[]): TestExtension => ({
  oid: '2.5.29.28',
  critical: true,
  value: seq(...fields),
});
const point = (uri: string): Buffer => context(0, context(0, plainContext(6, Buffer.from(uri))));
const points = (uri: string): TestExtension => ({ oid: '2.5.29.31', value: seq(seq(point(uri))) });
const constraints = (...fields: readonly Buffer[]): TestExtension => ({
  oid: '2.5.29.30',
  critical: true,
  value: seq(...fields),
});
const subtree = (...parts: readonly string[]): Buffer => seq(context(4, name(...parts)));
const unknown = (critical: boolean): TestExtension => ({ oid: '1.2.3.4', critical, value: utf8('x') });
const altName: TestExtension = { oid: '2.5.29.17', value: seq(plainContext(2, Buffer.from('a.example.org'))) };
const policies = (...oids: readonly string[]): TestExtension => ({
  oid: '2.5.29.32',
  value: seq(...oids.map((each) => seq(oid(each)))),
});
const requireExplicit: TestExtension = {
  oid: '2.5.29.36',
  critical: true,
  value: seq(plainContext(0, Buffer.from([0]))),
};
const withSub = (change: Change = {}, below: Change = {}): readonly Buffer[] => [
  aliceOf({ issuer: sub, ...below }),
  subOf(change),
];
const subLists = [revocationList({ issuer: root }), revocationList({ issuer: sub })];

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

const revocation: readonly (readonly [string, Case, string])[] = [
  ['S-005 revoked', { chain: [aliceOf()], directory: listWith({ revoked: [ALICE_SERIAL] }) }, 'revoked'],
  [
    'S-005 revoked, where lists are optional',
    { chain: [aliceOf()], crl: 'optional', directory: listWith({ revoked: [ALICE_SERIAL] }) },
    'revoked',
  ],
  [
    'another one revoked',
    { chain: [aliceOf()], directory: listWith({ revoked: [Buffer.from('0a11cf', 'hex')] }) },
    'ok',
  ],
  ['S-006 no list', { chain: [aliceOf()], directory: { lists: [] } }, 'crl_missing'],
  ['S-006 no list where it is optional', { chain: [aliceOf()], crl: 'optional', directory: { lists: [] } }, 'ok'],
  ['S-006 a list out of date', { chain: [aliceOf()], directory: listWith({ nextUpdate: NOW - 1000 }) }, 'crl_expired'],
  [
    'S-006 a list out of date where it is optional',
    { chain: [aliceOf()], crl: 'optional', directory: listWith({ nextUpdate: NOW - 1000 }) },
    'crl_expired',
  ],
  ['a list without an end', { chain: [aliceOf()], directory: listWith({ nextUpdate: null }) }, 'crl_expired'],
  ['a list of the future', { chain: [aliceOf()], directory: listWith({ thisUpdate: NOW + HOUR }) }, 'crl_missing'],
  [
    'S-007 a list of another key',
    { chain: [aliceOf()], directory: { lists: [revocationList({ issuer: { ...root, keys: other } })] } },
    'crl_missing',
  ],
  [
    'the newer of two lists',
    {
      chain: [aliceOf()],
      directory: {
        lists: [
          revocationList({ issuer: root, revoked: [ALICE_SERIAL] }),
          revocationList({ issuer: root, thisUpdate: NOW - 2 * HOUR }),
        ],
      },
    },
    'revoked',
  ],
  [
    'a delta list',
    { chain: [aliceOf()], directory: listWith({ extensions: [{ oid: '2.5.29.27', critical: true, value: int(1) }] }) },
    'crl_missing',
  ],
  [
    'an indirect list',
    { chain: [aliceOf()], directory: listWith({ extensions: [idp(plainContext(4, Buffer.from([0xff])))] }) },
    'crl_missing',
  ],
  [
    'a list of users',
    { chain: [aliceOf()], directory: listWith({ extensions: [idp(plainContext(1, Buffer.from([0xff])))] }) },
    'ok',
  ],
  [
    'a list of authorities',
    { chain: [aliceOf()], directory: listWith({ extensions: [idp(plainContext(2, Buffer.from([0xff])))] }) },
    'crl_missing',
  ],
  [
    'a list of its distribution point',
    { chain: [aliceOf(usual(points('http://a/1')))], directory: listWith({ extensions: [idp(point('http://a/1'))] }) },
    'ok',
  ],
  [
    'a list of another distribution point',
    {
      chain: [aliceOf(usual(points('http://a/1')))],
      crl: 'optional',
      directory: listWith({ extensions: [idp(point('http://a/2'))] }),
    },
    'crl_missing',
  ],
  [
    'an authority that may not sign lists',
    { chain: [aliceOf()], directory: { authorities: [rootOf({ extensions: [basicConstraints(true), keyUsage(5)] })] } },
    'crl_missing',
  ],
];

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

const LIMITED = '1.3.6.1.4.1.3536.1.1.1.9';
const up = (change: Change = {}): readonly Buffer[] => [proxyOf(change), aliceOf()];
const proxies: readonly (readonly [string, Case, string])[] = [
  ['S-021 a proxy', { chain: up() }, 'ok'],
  ['S-021 a proxy of a proxy', { chain: [childOf(), proxyOf(), aliceOf()] }, 'ok'],
  ['S-029 in another order', { chain: [childOf(), aliceOf(), proxyOf()] }, 'ok'],
  ['S-029 without its end entity', { chain: [proxyOf()] }, 'issuer_unknown'],
  ['S-028 a limited one', { chain: up({ extensions: [proxyInfo(LIMITED)] }) }, 'ok limited'],
  ['S-028 one below a limited one', { chain: [childOf(), ...up({ extensions: [proxyInfo(LIMITED)] })] }, 'ok limited'],
  ['S-028 a limited one below one', { chain: [childOf({ extensions: [proxyInfo(LIMITED)] }), ...up()] }, 'ok limited'],
  ['S-027 an independent one', { chain: up({ extensions: [proxyInfo('1.3.6.1.5.5.7.21.2')] }) }, 'proxy_kind'],
  [
    'S-027 one below an independent one',
    { chain: [childOf(), ...up({ extensions: [proxyInfo('1.3.6.1.5.5.7.21.2')] })] },
    'proxy_kind',
  ],
  ['one of a policy that is not known', { chain: up({ extensions: [proxyInfo('1.2.3.4')] }) }, 'proxy_kind'],
  ['one of any language', { chain: up({ extensions: [proxyInfo('1.3.6.1.5.5.7.21.0')] }) }, 'proxy_kind'],
  [
    'S-027 one of the draft',
    { chain: up({ extensions: [{ ...proxyInfo(), oid: '1.3.6.1.4.1.3536.1.222' }] }) },
    'proxy_kind',
  ],
  [
    'S-027 a legacy one',
    { chain: up({ subject: name(...BASE, 'O=People', 'CN=Alice', 'CN=proxy'), extensions: [] }) },
    'proxy_kind',
  ],
  [
    'one that is not critical',
    { chain: up({ extensions: [proxyInfo(INHERIT_ALL, undefined, false)] }) },
    'proxy_extension',
  ],
  ['S-013 one without proxyCertInfo', { chain: up({ extensions: [keyUsage(0)] }) }, 'not_ca'],
  ['S-022 one that allows none below it', { chain: up({ extensions: [proxyInfo(INHERIT_ALL, 0)] }) }, 'ok'],
  ['S-022 one below such', { chain: [childOf(), ...up({ extensions: [proxyInfo(INHERIT_ALL, 0)] })] }, 'proxy_pathlen'],
  ['one below one that allows one', { chain: [childOf(), ...up({ extensions: [proxyInfo(INHERIT_ALL, 1)] })] }, 'ok'],
  [
    'a negative length',
    { chain: up({ extensions: [{ ...proxyInfo(), value: seq(int(Buffer.from([0xff])), seq(oid(INHERIT_ALL))) }] }) },
    'malformed',
  ],
  ['S-023 another name', { chain: up({ subject: name(...BASE, 'O=People', 'CN=Bob', 'CN=1') }) }, 'proxy_name'],
  ['S-023 no further name', { chain: up({ subject: alice.name }) }, 'proxy_name'],
  ['S-023 two further names', { chain: up({ subject: child.name }) }, 'proxy_name'],
  [
    'S-023 a further name that is no commonName',
    { chain: up({ subject: name(...BASE, 'O=People', 'CN=Alice', 'O=1') }) },
    'proxy_name',
  ],
  ['S-024 of an end entity that is over', { chain: [proxyOf(), aliceOf({ notAfter: NOW - 1000 })] }, 'expired'],
  ['one that is over', { chain: up({ notAfter: NOW - 1000 }) }, 'expired'],
  ['S-025 of a revoked end entity', { chain: up(), directory: listWith({ revoked: [ALICE_SERIAL] }) }, 'revoked'],
  [
    'S-026 of an end entity of nobody',
    { chain: [proxyOf(), aliceOf({ issuer: { ...root, keys: other } })] },
    'issuer_unknown',
  ],
  ['of another key than its end entity', { chain: up({ issuer: { ...alice, keys: other } }) }, 'issuer_unknown'],
  ['signed with SHA-1', { chain: up({ kind: SIGNATURES.ecdsaSha1 }) }, 'algorithm'],
  ['with RSA 1024', { chain: up({ keys: weak }) }, 'key_size'],
  ['with an alternative name', { chain: up({ extensions: [proxyInfo(), altName] }) }, 'proxy_extension'],
  ['that is an authority', { chain: up({ extensions: [proxyInfo(), basicConstraints(true)] }) }, 'proxy_extension'],
  ['that may sign certificates', { chain: up({ extensions: [proxyInfo(), keyUsage(0, 5)] }) }, 'key_usage'],
  ['that may not sign', { chain: up({ extensions: [proxyInfo(), keyUsage(2)] }) }, 'key_usage'],
  ['for servers', { chain: up({ extensions: [proxyInfo(), extendedKeyUsage(SERVER)] }) }, 'eku'],
  ['of an end entity for servers', { chain: [proxyOf(), aliceOf(usual(extendedKeyUsage(SERVER)))] }, 'eku'],
  [
    'of an end entity that may not sign',
    { chain: [proxyOf(), aliceOf({ extensions: [keyUsage(2)] })] },
    'proxy_issuer',
  ],
  [
    'of an authority',
    {
      chain: [
        certificate({
          subject: name(...BASE, 'CN=Sub', 'CN=1'),
          keys: proxy.keys,
          issuer: sub,
          extensions: [proxyInfo()],
        }),
        subOf(),
      ],
    },
    'proxy_issuer',
  ],
  [
    'with an unknown critical extension',
    { chain: up({ extensions: [proxyInfo(), unknown(true)] }) },
    'critical_extension',
  ],
];

/** A proxy with attribute certificates made by VOMS, and what comes of them. */
const vomsOf = (change: Change = {}): Buffer =>
  certificate({
    subject: voms.name,
    keys: voms.keys,
    issuer: root,
    extensions: [basicConstraints(false), keyUsage(0, 2)],
    ...change,
  });
const acOf = (change: Partial<AttributeMembers> = {}): Buffer =>
  attributeCertificate({
    holderIssuer: root.name,
    holderSerial: ALICE_SERIAL,
    issuer: voms,
    certificates: [vomsOf()],
    ...change,
  });
const withAc = (...acs: readonly Buffer[]): readonly Buffer[] =>
  up({ extensions: [proxyInfo(), vomsExtension(...acs)] });
const target = (host: string): TestExtension => ({
  oid: '2.5.29.55',
  critical: true,
  value: seq(seq(context(0, plainContext(6, Buffer.from(host))))),
});
const MALLORY: Issuer = { name: voms.name, keys: other };

const attributes: readonly (readonly [string, Case, string])[] = [
  [
    'S-031 a good one',
    { chain: withAc(acOf({ fqans: ['/vo.test/Role=NULL/Capability=NULL', '/vo.test/sub/Role=x'] })) },
    'vo.test',
  ],
  ['S-032 of another holder', { chain: withAc(acOf({ holderSerial: Buffer.from([5]) })) }, 'holder_mismatch'],
  ['of the older format of VOMS', { chain: withAc(acOf({ holderIssuer: alice.name })) }, 'vo.test'],
  [
    'S-032 of the older format, for another holder',
    { chain: withAc(acOf({ holderIssuer: proxy.name })) },
    'holder_mismatch',
  ],
  ['S-032 of a holder of another authority', { chain: withAc(acOf({ holderIssuer: sub.name })) }, 'holder_mismatch'],
  ['S-033 that is over', { chain: withAc(acOf({ notAfter: NOW - 1000 })) }, 'ac_expired'],
  ['that is to come', { chain: withAc(acOf({ notBefore: NOW + HOUR, notAfter: NOW + 2 * HOUR })) }, 'ac_not_yet_valid'],
  ['S-033 of a VO that speaks of another', { chain: withAc(acOf({ fqans: ['/vo.test', '/other'] })) }, 'vo_mismatch'],
  ['of a VO whose name only begins so', { chain: withAc(acOf({ fqans: ['/vo.tester'] })) }, 'vo_mismatch'],
  ['of a VO with a dot that is none', { chain: withAc(acOf({ fqans: ['/voxtest'] })) }, 'vo_mismatch'],
  ['of a folder above', { chain: withAc(acOf({ uri: '..://voms.example.org:1', fqans: ['/..'] })) }, 'vo_mismatch'],
  ['S-033 without an entry in the vomsdir', { chain: withAc(acOf()), directory: { lsc: null } }, 'lsc_missing'],
  ['from another host of the VO', { chain: withAc(acOf({ uri: 'vo.test://voms2.example.org:1' })) }, 'lsc_missing'],
  [
    'S-033 with another name in the .lsc',
    { chain: withAc(acOf()), directory: { lsc: LSC.replace('voms.', 'voms2.') } },
    'lsc_mismatch',
  ],
  [
    'S-033 with another authority in the .lsc',
    { chain: withAc(acOf()), directory: { lsc: LSC.replace('CN=Root', 'CN=Rood') } },
    'lsc_mismatch',
  ],
  [
    'with a longer chain in the .lsc',
    { chain: withAc(acOf()), directory: { lsc: `${LSC}/DC=org/CN=Above\n` } },
    'lsc_mismatch',
  ],
  [
    'with its server alone in the .lsc',
    { chain: withAc(acOf()), directory: { lsc: LSC.split('\n')[0] ?? '' } },
    'lsc_mismatch',
  ],
  [
    'with the second chain of the .lsc',
    { chain: withAc(acOf()), directory: { lsc: `/CN=a\n/CN=b\n------ NEXT CHAIN ------\n${LSC}` } },
    'vo.test',
  ],
  ['signed by another key', { chain: withAc(acOf({ issuer: MALLORY })) }, 'ac_issuer'],
  ['signed by its holder', { chain: withAc(acOf({ issuer: alice, certificates: [aliceOf()] })) }, 'lsc_mismatch'],
  [
    'with a server of nobody',
    {
      chain: withAc(
        acOf({ issuer: MALLORY, certificates: [vomsOf({ keys: other, issuer: { ...root, keys: other } })] }),
      ),
    },
    'issuer_unknown',
  ],
  [
    'with a server that is over',
    { chain: withAc(acOf({ certificates: [vomsOf({ notAfter: NOW - 1000 })] })) },
    'expired',
  ],
  [
    'with a server that is revoked',
    {
      chain: withAc(acOf({ certificates: [vomsOf({ serial: Buffer.from([7]) })] })),
      directory: listWith({ revoked: [Buffer.from([7])] }),
    },
    'revoked',
  ],
  [
    'with a server outside of the rules',
    { chain: withAc(acOf()), directory: { policy: POLICY.replace('fresh/*', 'fresh/O=People/*') } },
    'signing_policy',
  ],
  ['without the certificate of its server', { chain: withAc(acOf({ certificates: [] })) }, 'ac_issuer'],
  ['for this host', { chain: withAc(acOf({ extensions: [target('vep.example.org')] })) }, 'vo.test'],
  ['for another host', { chain: withAc(acOf({ extensions: [target('other.example.org')] })) }, 'ac_target'],
  [
    'with an unknown critical extension',
    { chain: withAc(acOf({ extensions: [unknown(true)] })) },
    'critical_extension',
  ],
  ['of another version', { chain: withAc(acOf({ version: 0 })) }, 'malformed'],
  ['with an FQAN of odd form', { chain: withAc(acOf({ fqans: ['/vo.test/Role='] })) }, 'vo_mismatch'],
  ['S-036 two of one VO', { chain: withAc(acOf(), acOf()) }, 'vo.test vo.test'],
  ['S-036 a bad one beside a good one', { chain: withAc(acOf({ issuer: MALLORY }), acOf()) }, 'vo.test ac_issuer'],
  ['more than there is time for', { chain: withAc(acOf(), acOf(), acOf(), acOf(), acOf()) }, 'too_many'],
  ['S-035 cut off', { chain: withAc(acOf().subarray(0, 100)) }, 'malformed'],
  [
    'S-035 of an indefinite length',
    { chain: up({ extensions: [proxyInfo(), { ...vomsExtension(), value: Buffer.from('308030800000', 'hex') }] }) },
    'malformed',
  ],
  [
    'S-035 of a length beyond everything',
    { chain: up({ extensions: [proxyInfo(), { ...vomsExtension(), value: Buffer.from('3084ffffffff3003', 'hex') }] }) },
    'malformed',
  ],
];

describe('end entities', () => {
  it.each(endEntities)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
describe('rules about names', () => {
  it.each(issuing)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
describe('revocation', () => {
  it.each(revocation)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
describe('authorities', () => {
  it.each(authorities)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
describe('proxies', () => {
  it.each(proxies)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
describe('attribute certificates', () => {
  it.each(attributes)('%s', async (_name, given, expected) => {
    const verdict = await judge(given);
    if (verdict.verdict === 'refused') throw verdict.refusal;
    const found = [...verdict.vos.map(({ vo }) => vo), ...verdict.dropped.map(({ reason }) => reason)];
    expect(found.join(' ')).toBe(expected);
  });

  it('S-035 in an end entity are refused with it', async () => {
    expect(await outcome({ chain: [aliceOf(usual(vomsExtension(acOf())))] })).toBe('end_entity');
  });
});

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
  });
});
