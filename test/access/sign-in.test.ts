/** Signing in: tokens, passwords, certificates; what is remembered, and when it is forgotten (K24, K25, K32). */

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Access,
  addGrant,
  Authenticator,
  bootstrap,
  changePassword,
  changeStanding,
  createAccount,
  createToken,
  disableAccount,
  enableAccount,
  findAccount,
  listAccounts,
  listTokens,
  localId,
  registerHolder,
  resetToken,
  revokeToken,
  tokenFile,
  type CertificateIdentity,
  type Credentials,
  type NewAccount,
  type Principal,
} from '../../src/access/index.js';
import type { Clock } from '../../src/base/clock.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';

const PASSWORD = 'correct horse battery';
const HOME = '192.0.2.1';

const refused = (reason: string): object => ({ kind: 'unauthenticated', cause: reason });

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

forEachDatabase((name, database) => {
  let store: Store;
  let now = 1_763_800_000_000;
  let serial = 0;
  const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };

  beforeAll(async () => {
    store = await database.open();
  });

  /** A server process of its own, with its own memory. */
  function server(): {
    access: Access;
    authenticator: Authenticator;
    identify: (c: Partial<Credentials>) => Promise<Principal | null>;
  } {
    const access = new Access(store, clock);
    const authenticator = new Authenticator(store, access, clock);
    return {
      access,
      authenticator,
      identify: (credentials) => authenticator.identify({ remoteAddress: HOME, ...credentials }),
    };
  }

  function account(members: Partial<NewAccount> = {}): Promise<Principal> {
    serial += 1;
    const whole: NewAccount = { name: `user${serial}`, roles: ['user'], groups: ['physics', 'astronomy'], ...members };
    return store.write((tx) => createAccount(tx, whole, now));
  }

  function token(principal: Principal, expiresAt?: number): Promise<string> {
    const one = {
      principal: principal.id,
      name: 'test',
      createdAt: now,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
    return store.write((tx) => createToken(tx, one));
  }

  describe('accounts', () => {
    it('come back as they were made, the primary group first', async () => {
      const made = await account({ roles: ['user', 'auditor'], password: PASSWORD });
      const found = await findAccount(store, made.id);
      expect(found?.principal).toEqual(made);
      expect(found?.password).toMatch(/^scrypt\$15\$/);
      expect((await listAccounts(store)).map((one) => one.principal)).toContainEqual(made);
      await store.write((tx) => changeStanding(tx, made.id, ['provider'], ['chemistry', 'art']));
      expect((await findAccount(store, made.id))?.principal).toMatchObject({
        roles: new Set(['provider']),
        groups: ['chemistry', 'art'],
      });
    });

    it('are refused with every fault at once, and when the name is taken', async () => {
      await expect(account({ name: 'a:b', groups: ['', 'x y'], password: 'short' })).rejects.toMatchObject({
        kind: 'invalid',
        faults: ['account.name', 'account.group', 'account.group', 'account.password'].map((code) =>
          expect.objectContaining({ code }),
        ),
      });
      const made = await account();
      await expect(account({ name: made.name })).rejects.toMatchObject({ kind: 'conflict' });
      await expect(store.write((tx) => changeStanding(tx, made.id, [], ['x y']))).rejects.toMatchObject({
        kind: 'invalid',
      });
      await expect(store.write((tx) => disableAccount(tx, 'local:nobody', now))).rejects.toMatchObject({
        kind: 'not-found',
      });
    });
  });

  describe('tokens', () => {
    it('sign in as Bearer, as X-Auth-Token and as the password of their account', async () => {
      const alice = await account();
      const text = await token(alice);
      const { identify } = server();
      expect(await identify({})).toBeNull();
      expect(await identify({ authorization: `Bearer ${text}` })).toEqual(alice);
      expect(await identify({ authorization: `bearer ${text}` })).toEqual(alice);
      expect(await identify({ xAuthToken: text })).toEqual(alice);
      expect(await identify({ authorization: basic(alice.name, text) })).toEqual(alice);
      await expect(identify({ authorization: basic('other', text) })).rejects.toMatchObject(
        refused('conflicting-credentials'),
      );
    });

    it('are stored as digests only', async () => {
      const alice = await account();
      const text = await token(alice);
      expect(text).toMatch(/^vep_[\w-]{43}$/);
      expect(JSON.stringify(await store.all('SELECT * FROM token'))).not.toContain(text);
    });

    it('end when they expire, also when the clock goes back (S-118), and at once when they are revoked (K32)', async () => {
      const alice = await account();
      const [brief, lasting] = [await token(alice, now + 1000), await token(alice)];
      const servers = [server(), server()];
      for (const { identify } of servers) {
        expect(await identify({ xAuthToken: brief })).toEqual(alice);
        expect(await identify({ xAuthToken: lasting })).toEqual(alice);
      }
      now += 1000;
      for (const { identify } of servers)
        await expect(identify({ xAuthToken: brief })).rejects.toMatchObject(refused('token-expired'));
      now -= 86_400_000;
      for (const { identify } of servers)
        await expect(identify({ xAuthToken: brief })).rejects.toMatchObject(refused('token-expired'));
      now += 86_400_000;
      const [, second] = await listTokens(store, alice.id);
      expect(await store.write((tx) => revokeToken(tx, 'local:other', second?.sha256 ?? ''))).toBe(false);
      for (const one of await listTokens(store, alice.id))
        await store.write((tx) => revokeToken(tx, alice.id, one.sha256));
      for (const { identify } of servers)
        await expect(identify({ xAuthToken: lasting })).rejects.toMatchObject(refused('token-unknown'));
    });

    it('note when they were last used, without a write for every request', async () => {
      const alice = await account();
      const text = await token(alice);
      const { identify, authenticator } = server();
      for (let i = 0; i < 5; i += 1) await identify({ xAuthToken: text });
      expect(await listTokens(store, alice.id)).toMatchObject([{ lastUsed: null }]);
      await authenticator.flushTokenUse();
      expect(await listTokens(store, alice.id)).toMatchObject([{ lastUsed: now }]);
      await authenticator.flushTokenUse();
    });
  });

  describe('passwords', () => {
    it('sign in, are remembered for a minute, and forgotten everywhere when they change', async () => {
      const alice = await account({ password: PASSWORD });
      const other = server();
      const { identify } = server();
      const authorization = basic(alice.name, PASSWORD);
      expect(await identify({ authorization })).toEqual(alice);
      expect(await other.identify({ authorization })).toEqual(alice);
      now += 59_000;
      expect(await identify({ authorization })).toEqual(alice);
      await store.write((tx) => changePassword(tx, alice.id, 'a new and longer one'));
      await expect(identify({ authorization })).rejects.toMatchObject(refused('password'));
      await expect(other.identify({ authorization })).rejects.toMatchObject(refused('password'));
      expect(await identify({ authorization: basic(alice.name, 'a new and longer one') })).toEqual(alice);
    });

    it('are no use to an account that is disabled, nor are its tokens, until it is enabled again', async () => {
      const alice = await account({ password: PASSWORD });
      const text = await token(alice);
      const { identify } = server();
      const authorization = basic(alice.name, PASSWORD);
      await identify({ authorization });
      await store.write((tx) => disableAccount(tx, alice.id, now));
      await expect(identify({ authorization })).rejects.toMatchObject(refused('account-disabled'));
      await expect(identify({ xAuthToken: text })).rejects.toMatchObject(refused('account-disabled'));
      await store.write((tx) => enableAccount(tx, alice.id));
      expect(await identify({ authorization })).toEqual(alice);
      expect(await identify({ xAuthToken: text })).toEqual(alice);
    });

    it('are hashed once for requests that come at the same time', async () => {
      const alice = await account({ password: PASSWORD });
      const { identify } = server();
      const authorization = basic(alice.name, PASSWORD);
      const all = await Promise.all(Array.from({ length: 30 }, () => identify({ authorization })));
      expect(new Set(all)).toEqual(new Set([alice]));
    });

    it('cannot be guessed: ten failures, then 429 before anything is hashed, though the owner stays in (S-069)', async () => {
      const alice = await account({ password: PASSWORD });
      const { identify } = server();
      const authorization = basic(alice.name, PASSWORD);
      expect(await identify({ authorization, remoteAddress: HOME })).toEqual(alice);
      now += 61_000;
      const guesses = Array.from({ length: 14 }, (_, i) =>
        identify({ authorization: basic(alice.name, `guess number ${i}`), remoteAddress: `198.51.100.${i}` }),
      );
      const kinds = (await Promise.allSettled(guesses)).map((result) =>
        result.status === 'rejected' ? (result.reason as { kind: string }).kind : 'in',
      );
      expect(kinds.filter((kind) => kind === 'unauthenticated')).toHaveLength(10);
      expect(kinds.filter((kind) => kind === 'too-many-requests')).toHaveLength(4);
      await expect(identify({ authorization, remoteAddress: '203.0.113.7' })).rejects.toMatchObject({
        kind: 'too-many-requests',
        retryAfter: expect.any(Number),
      });
      expect(await identify({ authorization, remoteAddress: `::ffff:${HOME}` })).toEqual(alice);
    });

    it('fail alike for an account that is not there, one without a password, and a wrong password', async () => {
      const alice = await account();
      const { identify } = server();
      const errors = await Promise.all(
        [basic('nobody', PASSWORD), basic(alice.name, PASSWORD)].map((authorization) =>
          identify({ authorization }).catch(
            (error: unknown) => error as { message: string; faults: unknown; cause: unknown },
          ),
        ),
      );
      expect(errors[0]).toMatchObject(refused('password'));
      expect(errors[1]).toMatchObject({ ...refused('password'), faults: (errors[0] as { faults: unknown }).faults });
    });
  });

  describe('credentials', () => {
    it.each([
      ['nothing after the scheme', 'Basic'],
      ['an unknown scheme', 'Digest abc'],
      ['what is no base64', 'Basic a*b'],
      ['what is no UTF-8', `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}`],
      ['no colon', `Basic ${Buffer.from('alice').toString('base64')}`],
      ['control characters', `Basic ${Buffer.from('alice:a\0b').toString('base64')}`],
      ['a token of another form', 'Bearer abc'],
      ['two credentials in one', 'Bearer a b'],
      ['a megabyte', `Basic ${'QUFB'.repeat(300_000)}`],
    ])('are refused with a challenge and no detail when they are %s', async (_what, authorization) => {
      await expect(server().identify({ authorization })).rejects.toMatchObject({
        kind: 'unauthenticated',
        headers: { 'WWW-Authenticate': expect.stringContaining('Basic realm=') },
        faults: [
          expect.objectContaining({ code: 'unauthenticated', message: 'the request carries no valid credential' }),
        ],
      });
    });

    it('must all hold and agree (S-044)', async () => {
      const [alice, bob] = [await account(), await account()];
      const [forAlice, forBob] = [await token(alice), await token(bob)];
      const { identify } = server();
      expect(await identify({ authorization: `Bearer ${forAlice}`, xAuthToken: forAlice })).toEqual(alice);
      const both = { authorization: `Bearer ${forAlice}`, xAuthToken: forBob };
      await expect(identify(both)).rejects.toMatchObject(refused('conflicting-credentials'));
      const bad = { authorization: `Bearer ${forAlice}`, xAuthToken: 'vep_' + 'A'.repeat(43) };
      await expect(identify(bad)).rejects.toMatchObject(refused('token-unknown'));
    });

    it('of a certificate sign its holder in, with the standing an administrator gave it, while it is valid', async () => {
      const holder: Principal = {
        id: 'x509:CN=carol',
        name: 'CN=carol',
        tier: 'federation',
        roles: new Set(['user']),
        groups: ['x509-1'],
      };
      const clientCertificate: CertificateIdentity = {
        id: holder.id,
        principal: holder,
        notBefore: now - 10,
        notAfter: now + 10_000,
      };
      const { identify } = server();
      expect(await identify({ clientCertificate })).toEqual(holder);
      const raised: Principal = { ...holder, roles: new Set(['federation']), groups: ['physics'] };
      await store.write((tx) => registerHolder(tx, raised, now));
      expect(await identify({ clientCertificate })).toEqual(raised);
      await expect(identify({ clientCertificate, xAuthToken: await token(await account()) })).rejects.toMatchObject(
        refused('conflicting-credentials'),
      );
      await store.write((tx) => disableAccount(tx, holder.id, now));
      await expect(identify({ clientCertificate })).rejects.toMatchObject(refused('account-disabled'));
      await store.write((tx) => enableAccount(tx, holder.id));
      const over = { ...clientCertificate, notAfter: now - 1 };
      await expect(identify({ clientCertificate: over })).rejects.toMatchObject(refused('certificate-expired'));
      await expect(store.write((tx) => registerHolder(tx, { ...raised, groups: ['x y'] }, now))).rejects.toMatchObject({
        kind: 'invalid',
      });
    });
  });

  describe('access', () => {
    it('knows of a grant from the next request on, in every process, and of its end without being told', async () => {
      const alice = await account({ groups: ['lonely'] });
      const text = await token(alice);
      const entity = { id: 'e1', kind: 'k#a', owner: 'local:zoe', group: 'zoe', appliance: null };
      const servers = [server(), server()];
      for (const { identify, access } of servers) {
        await identify({ xAuthToken: text });
        expect(access.decide(alice, 'read', entity)).toBe(false);
      }
      const grant = {
        subject: { group: 'lonely' },
        entity: 'e1',
        verbs: ['read'],
        until: now + 1000,
        createdBy: 'x',
        createdAt: now,
      } as const;
      await store.write((tx) => addGrant(tx, grant));
      for (const { identify, access } of servers) {
        await identify({ xAuthToken: text });
        expect(access.decide(alice, 'read', entity)).toBe(true);
        expect(access.decide(alice, 'delete', entity)).toBe(false);
        expect(access.scope(alice, 'delete')).not.toEqual({ op: 'all' });
      }
      now += 1000;
      for (const { access } of servers) expect(access.decide(alice, 'read', entity)).toBe(false);
    });

    it('can be prepared for a principal that did not come with a request', async () => {
      const access = new Access(store, clock);
      const alice = await account({ groups: ['solo'] });
      const grant = {
        subject: { principal: alice.id },
        entity: 'e2',
        verbs: ['act'],
        until: null,
        createdBy: 'x',
        createdAt: now,
      } as const;
      await store.write((tx) => addGrant(tx, grant));
      await access.prepare(alice);
      expect(access.decide(alice, 'act', { id: 'e2', kind: 'k#a', owner: 'o', group: 'g', appliance: null })).toBe(
        true,
      );
    });
  });

  describe('the first start', () => {
    let folder: string;

    beforeEach(() => {
      folder = join(mkdtempSync(join(tmpdir(), 'vep-access-')), 'data');
    });

    afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

    it('makes an administrator and a user with a private token file each, once', async () => {
      expect(await bootstrap(store, folder, now)).toEqual(['admin', 'user']);
      const texts = (['admin', 'user'] as const).map((who) => {
        const file = tokenFile(folder, who);
        expect(statSync(file).mode & 0o777).toBe(0o600);
        return readFileSync(file, 'utf8').trim();
      });
      const { identify } = server();
      const [admin, user] = await Promise.all(texts.map((text) => identify({ authorization: `Bearer ${text}` })));
      expect(admin).toMatchObject({ id: 'local:admin', roles: new Set(['administrator', 'provider', 'user']) });
      expect(user).toMatchObject({ id: 'local:user', roles: new Set(['user']), groups: ['user'] });
      expect(await bootstrap(store, folder, now)).toEqual([]);
      rmSync(tokenFile(folder, 'admin'));
      expect(await bootstrap(store, folder, now)).toEqual([]);
      expect(existsSync(tokenFile(folder, 'admin'))).toBe(false);
    });

    it('can be made good: a reset gives a new token and ends the old one', async () => {
      await bootstrap(store, folder, now);
      await resetToken(store, folder, 'admin', now);
      const old = readFileSync(tokenFile(folder, 'admin'), 'utf8').trim();
      const { identify } = server();
      expect(await identify({ xAuthToken: old })).toMatchObject({ id: localId('admin') });
      chmodSync(tokenFile(folder, 'admin'), 0o644);
      const file = await resetToken(store, folder, 'admin', now);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const fresh = readFileSync(file, 'utf8').trim();
      expect(await identify({ xAuthToken: fresh })).toMatchObject({ id: localId('admin') });
      await expect(identify({ xAuthToken: old })).rejects.toMatchObject(refused('token-unknown'));
    });
  });

  if (name === 'sqlite') {
    it('counts failures by address for whatever account, and the /64 as one IPv6 address', async () => {
      const { identify } = server();
      for (let i = 0; i < 10; i += 1) {
        const guess = identify({
          authorization: basic(`nobody${i}`, 'whatever it was'),
          remoteAddress: `2001:db8::${i}`,
        });
        await expect(guess).rejects.toMatchObject({ kind: 'unauthenticated' });
      }
      const more = identify({ authorization: basic('nobody11', 'whatever it was'), remoteAddress: '2001:db8::ffff:1' });
      await expect(more).rejects.toMatchObject({ kind: 'too-many-requests', retryAfter: 60 });
      const elsewhere = identify({
        authorization: basic('nobody12', 'whatever it was'),
        remoteAddress: '2001:db8:0:1::1',
      });
      await expect(elsewhere).rejects.toMatchObject({ kind: 'unauthenticated' });
    });
  }
});
