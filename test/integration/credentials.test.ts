/**
 * Every kind of credential beside every other (S-044, `spec/federation-auth.md` §1): one principal by two of them signs in, two
 * principals never do, whichever stands first, and the trail says that they disagreed. Beside them the levels of assurance
 * that agreements can ask for.
 */

import { levelOfAssurance, type Principal } from '../../src/access/index.js';
import { sendSecurely, type SecureOptions, type SecureReply } from '../support/secure-client.js';
import { PASSWORD, forEachServer } from '../support/server.js';
import { until } from '../support/until.js';
import { ALICE, FederationClients, Federations } from './two-federations.js';

const federations = await Federations.begin();
const config = { ...federations.config, access: { ...federations.config.access, keystone: { enabled: true } } };
forEachServer({ config }, (server) => {
  const clients = new FederationClients(server, federations);

  type Kind = 'proxy' | 'access token' | 'token' | 'password' | 'X-Auth-Token' | 'Keystone token';
  type Field = 'certificate' | 'authorization' | 'x-auth-token';
  interface Held {
    readonly field: Field;
    /** Whose it is. */
    readonly of: string;
    readonly options: () => Promise<SecureOptions>;
  }

  const authorization = (value: string): SecureOptions => ({ headers: { authorization: value } });
  const basic = (name: string, password: string): string =>
    `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

  let ofTheProxy = '';
  const HELD: Readonly<Record<Kind, Held>> = {
    proxy: { field: 'certificate', of: 'bob', options: () => Promise.resolve({ as: 'voms/good-bob' }) },
    'access token': {
      field: 'authorization',
      of: 'alice',
      options: async () => authorization(`Bearer ${await clients.token(ALICE)}`),
    },
    token: {
      field: 'authorization',
      of: 'colleague',
      options: () => Promise.resolve(authorization(`Bearer ${server().tokens.colleague}`)),
    },
    password: {
      field: 'authorization',
      of: 'colleague',
      options: () => Promise.resolve(authorization(basic('colleague', PASSWORD))),
    },
    'X-Auth-Token': {
      field: 'x-auth-token',
      of: 'colleague',
      options: () => Promise.resolve({ headers: { 'x-auth-token': server().tokens.colleague } }),
    },
    'Keystone token': {
      field: 'x-auth-token',
      of: 'bob',
      options: () => Promise.resolve({ headers: { 'x-auth-token': ofTheProxy } }),
    },
  };
  const KINDS = Object.keys(HELD) as Kind[];

  const send = (...parts: readonly SecureOptions[]): Promise<SecureReply> => {
    const headers = Object.assign({}, ...parts.map((part) => part.headers ?? {})) as Record<string, string>;
    return sendSecurely(`${server().url}/compute/`, { ...Object.assign({}, ...parts), headers } as SecureOptions);
  };

  beforeAll(async () => {
    const url = `${server().url}/keystone/v2.0/tokens`;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ auth: { voms: true, tenantName: 'testvo' } });
    const { text } = await sendSecurely(url, { method: 'POST', as: 'voms/good-bob', headers, body });
    ofTheProxy = (JSON.parse(text) as { access: { token: { id: string } } }).access.token.id;
    // The keys of the issuer are fetched by upkeep, a moment after the start.
    await clients.eventually(ALICE, '/compute/', ({ status }) => status === 200);
  });

  it.each(KINDS)('a %s by itself signs its holder in', async (kind) => {
    expect((await send(await HELD[kind].options())).status).toBe(200);
  });

  const pairs = KINDS.flatMap((one, index) => KINDS.slice(index + 1).map((other) => [one, other] as const)).filter(
    ([one, other]) => HELD[one].field !== HELD[other].field,
  );

  it.each(pairs)('S-044 a %s beside a %s', async (one, other) => {
    const agree = HELD[one].of === HELD[other].of;
    const [first, second] = [await HELD[one].options(), await HELD[other].options()];
    for (const parts of [
      [first, second],
      [second, first],
    ]) {
      const reply = await send(...parts);
      expect([one, other, reply.status]).toEqual([one, other, agree ? 200 : 401]);
      // The client does not learn which of them was good.
      if (!agree) expect(reply.text).not.toMatch(/conflict|disagree|bob|alice|colleague/);
    }
  });

  it('S-044 a good credential beside a bad one of any kind signs nobody in', async () => {
    const bad: readonly SecureOptions[] = [
      authorization(`Bearer vep_${'A'.repeat(43)}`),
      authorization('Bearer x.y.z'),
      authorization(basic('colleague', 'wrong horse battery staple')),
      { headers: { 'x-auth-token': `vepk_${'A'.repeat(43)}` } },
      { as: 'eec/expired' },
      { as: 'eec/mallory-samedn' },
    ];
    for (const kind of KINDS) {
      const good = await HELD[kind].options();
      for (const part of bad) {
        const taken = Object.keys({ ...part, ...part.headers }).some(
          (name) => name in { ...good, ...good.headers } && name !== 'headers',
        );
        if (!taken) expect([kind, (await send(good, part)).status]).toEqual([kind, 401]);
      }
    }
  });

  it('has entries for those that disagreed', async () => {
    const trail = "SELECT 1 FROM audit_entry WHERE reason = 'conflicting-credentials'";
    await until(
      async () => (await server().rows(trail)).length > 0,
      () => 'nothing is in the trail',
    );
  });

  it.each([
    ['igtf:classic', 2],
    ['igtf:iota', 1],
    ['refeds:high', 3],
    ['unknown', null],
    ['igtf:experimental', null],
  ])('a credential of assurance %s is of level %s', (assurance, level) => {
    const credential = { method: 'token', issuer: 'x', assurance, limited: false, vos: [] } as const;
    const principal: Principal = {
      id: 'x',
      name: 'x',
      tier: 'federation',
      roles: new Set(),
      groups: ['x'],
      credential,
    };
    expect(levelOfAssurance(principal)).toBe(level);
    const { credential: _none, ...local } = principal;
    expect(levelOfAssurance({ ...local, tier: 'local' })).toBeNull();
  });
});
