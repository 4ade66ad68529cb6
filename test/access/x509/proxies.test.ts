/** Rules about proxies, both ways (RFC 3820; S-013, S-021 … S-030). */

import {
  ALICE_SERIAL,
  BASE,
  type Case,
  alice,
  aliceOf,
  altName,
  child,
  childOf,
  listWith,
  other,
  outcome,
  proxy,
  proxyOf,
  root,
  sub,
  subOf,
  unknown,
  up,
  usual,
  weak,
} from '../../support/pki-world.js';
import {
  INHERIT_ALL,
  NOW,
  SERVER,
  SIGNATURES,
  basicConstraints,
  certificate,
  extendedKeyUsage,
  int,
  keyUsage,
  name,
  oid,
  proxyInfo,
  seq,
} from '../../support/pki.js';

const LIMITED = '1.3.6.1.4.1.3536.1.1.1.9';
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

describe('proxies', () => {
  it.each(proxies)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
