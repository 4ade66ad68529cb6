/** Rules about attribute certificates, both ways: one that breaks a rule is dropped, and the identity stands (S-031 … S-036). */

import {
  type Case,
  LSC,
  POLICY,
  acOf,
  alice,
  aliceOf,
  judge,
  listWith,
  other,
  outcome,
  proxy,
  root,
  sub,
  unknown,
  up,
  usual,
  voms,
  vomsOf,
  withAc,
} from '../../support/pki-world.js';
import {
  HOUR,
  type Issuer,
  NOW,
  type TestExtension,
  context,
  plainContext,
  proxyInfo,
  seq,
  vomsExtension,
} from '../../support/pki.js';

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
