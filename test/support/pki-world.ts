/**
 * A small world of certificates in which everything is as it should be: a root, a user, proxies, an intermediate and a VOMS
 * server. A test changes one thing in it and asks for the verdict.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChainVerdict, validateChain } from '../../src/access/x509/chain.js';
import type { TrustAnchors } from '../../src/access/x509/trust-anchors.js';
import { readTrust } from '../../src/access/x509/trust-directory.js';
import type { CrlPolicy } from '../../src/access/x509/validation.js';
import {
  type AttributeMembers,
  CLIENT,
  type CertificateMembers,
  type Issuer,
  type ListMembers,
  NOW,
  type TestExtension,
  attributeCertificate,
  basicConstraints,
  certificate,
  context,
  ecKeys,
  extendedKeyUsage,
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
} from './pki.js';

export const BASE = ['DC=org', 'DC=fresh'];
export const root: Issuer = { name: name(...BASE, 'CN=Root'), keys: ecKeys() };
export const alice: Issuer = { name: name(...BASE, 'O=People', 'CN=Alice'), keys: ecKeys() };
export const proxy: Issuer = { name: name(...BASE, 'O=People', 'CN=Alice', 'CN=1'), keys: ecKeys() };
export const child: Issuer = { name: name(...BASE, 'O=People', 'CN=Alice', 'CN=1', 'CN=2'), keys: ecKeys() };
export const sub: Issuer = { name: name(...BASE, 'CN=Sub'), keys: ecKeys() };
export const voms: Issuer = { name: name(...BASE, 'O=Hosts', 'CN=voms.example.org'), keys: ecKeys() };
export const weak = rsaKeys(1024);
export const strong = rsaKeys(2048);
export const other = ecKeys();

export type Change = Partial<CertificateMembers>;
export const AUTHORITY = [basicConstraints(true), keyUsage(5, 6)];
export const rootOf = (change: Change = {}): Buffer =>
  certificate({ subject: root.name, keys: root.keys, issuer: root, extensions: AUTHORITY, ...change });
export const aliceOf = (change: Change = {}): Buffer =>
  certificate({
    subject: alice.name,
    keys: alice.keys,
    issuer: root,
    extensions: [basicConstraints(false), keyUsage(0, 2), extendedKeyUsage(CLIENT)],
    serial: ALICE_SERIAL,
    ...change,
  });
export const ALICE_SERIAL = Buffer.from('0a11ce', 'hex');
export const proxyOf = (change: Change = {}): Buffer =>
  certificate({
    subject: proxy.name,
    keys: proxy.keys,
    issuer: alice,
    extensions: [proxyInfo(), keyUsage(0, 2)],
    ...change,
  });
export const childOf = (change: Change = {}): Buffer =>
  certificate({ subject: child.name, keys: child.keys, issuer: proxy, extensions: [proxyInfo()], ...change });
export const subOf = (change: Change = {}): Buffer =>
  certificate({ subject: sub.name, keys: sub.keys, issuer: root, extensions: AUTHORITY, ...change });

/** What lies in the directory; each is as it should be unless said otherwise. */
export interface Directory {
  readonly authorities?: readonly Buffer[];
  readonly lists?: readonly Buffer[];
  readonly policy?: string | null;
  readonly namespaces?: string | null;
  readonly lsc?: string | null;
}

export const POLICY = `access_id_CA X509 '/DC=org/DC=fresh/CN=Root'
pos_rights globus CA:sign
cond_subjects globus '"/DC=org/DC=fresh/*"'
`;
export const NAMESPACES = `#NAMESPACES-VERSION: 1.0
TO Issuer "/DC=org/DC=fresh/CN=Root" \\
  PERMIT Subject "/DC=org/DC=fresh/.*"
`;
export const LSC = '/DC=org/DC=fresh/O=Hosts/CN=voms.example.org\n/DC=org/DC=fresh/CN=Root\n';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

export async function trustIn(directory: Directory): Promise<TrustAnchors> {
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

export interface Case {
  readonly directory?: Directory;
  readonly chain: readonly Buffer[];
  readonly crl?: CrlPolicy;
  readonly hosts?: readonly string[];
}

export async function judge({
  directory = {},
  chain,
  crl = 'required',
  hosts = ['vep.example.org'],
}: Case): Promise<ChainVerdict> {
  return validateChain(chain, { trust: await trustIn(directory), now: NOW, crl: () => crl, hosts });
}

/** `ok`, `ok limited`, or the reason of the refusal. */
export async function outcome(given: Case): Promise<string> {
  const verdict = await judge(given);
  if (verdict.verdict === 'refused') return verdict.refusal.reason;
  return verdict.limited ? 'ok limited' : 'ok';
}

export const usual = (...extensions: readonly TestExtension[]): Change => ({
  extensions: [basicConstraints(false), keyUsage(0, 2), ...extensions],
});
export const listWith = (members: Partial<ListMembers>): Directory => ({
  lists: [revocationList({ issuer: root, ...members })],
});
export const idp = (...fields: readonly Buffer[]): TestExtension => ({
  oid: '2.5.29.28',
  critical: true,
  value: seq(...fields),
});
export const point = (uri: string): Buffer => context(0, context(0, plainContext(6, Buffer.from(uri))));
export const points = (uri: string): TestExtension => ({ oid: '2.5.29.31', value: seq(seq(point(uri))) });
export const constraints = (...fields: readonly Buffer[]): TestExtension => ({
  oid: '2.5.29.30',
  critical: true,
  value: seq(...fields),
});
export const subtree = (...parts: readonly string[]): Buffer => seq(context(4, name(...parts)));
export const unknown = (critical: boolean): TestExtension => ({ oid: '1.2.3.4', critical, value: utf8('x') });
export const altName: TestExtension = { oid: '2.5.29.17', value: seq(plainContext(2, Buffer.from('a.example.org'))) };
export const policies = (...oids: readonly string[]): TestExtension => ({
  oid: '2.5.29.32',
  value: seq(...oids.map((each) => seq(oid(each)))),
});
export const requireExplicit: TestExtension = {
  oid: '2.5.29.36',
  critical: true,
  value: seq(plainContext(0, Buffer.from([0]))),
};
export const withSub = (change: Change = {}, below: Change = {}): readonly Buffer[] => [
  aliceOf({ issuer: sub, ...below }),
  subOf(change),
];
export const subLists = [revocationList({ issuer: root }), revocationList({ issuer: sub })];

export const up = (change: Change = {}): readonly Buffer[] => [proxyOf(change), aliceOf()];
/** A proxy with attribute certificates made by VOMS, and what comes of them. */
export const vomsOf = (change: Change = {}): Buffer =>
  certificate({
    subject: voms.name,
    keys: voms.keys,
    issuer: root,
    extensions: [basicConstraints(false), keyUsage(0, 2)],
    ...change,
  });
export const acOf = (change: Partial<AttributeMembers> = {}): Buffer =>
  attributeCertificate({
    holderIssuer: root.name,
    holderSerial: ALICE_SERIAL,
    issuer: voms,
    certificates: [vomsOf()],
    ...change,
  });
export const withAc = (...acs: readonly Buffer[]): readonly Buffer[] =>
  up({ extensions: [proxyInfo(), vomsExtension(...acs)] });
