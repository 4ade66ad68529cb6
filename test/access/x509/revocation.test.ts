/** Revocation lists: required or optional, fresh or not, whole or partial (RFC 5280 §5, §6.3; S-005 … S-007). */

import {
  ALICE_SERIAL,
  type Case,
  aliceOf,
  idp,
  listWith,
  other,
  outcome,
  point,
  points,
  root,
  rootOf,
  usual,
} from '../../support/pki-world.js';
import { HOUR, NOW, basicConstraints, int, keyUsage, plainContext, revocationList } from '../../support/pki.js';

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

describe('revocation', () => {
  it.each(revocation)('%s', async (_name, given, expected) => expect(await outcome(given)).toBe(expected));
});
