/**
 * Two federations at one provider: a user with a VOMS proxy of one VO and a user with an access token of another deploy
 * a shop of two machines side by side. Neither finds a trace of the other, and revoking one stops exactly theirs (S-005, S-071 …
 * S-077), whichever of several VEP processes hears of it.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.js';
import { start, type RunningServer } from '../../src/server.js';
import { AUDIENCE, TestIssuer } from '../support/issuer.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import { sendSecurely, type SecureOptions, type SecureReply } from '../support/secure-client.js';
import { forEachServer } from '../support/server.js';
import { OVF_TYPE, APPLIANCE_CATEGORY, STATE as APPLIANCE_STATE, descriptor } from './appliance-wire.js';

const trust = mkdtempSync(join(tmpdir(), 'vep-side-'));
cpSync(pkiFixtures, trust, { recursive: true });
const at = (name: string): string => join(trust, name);
const issuer = await TestIssuer.start();
afterAll(() => {
  issuer.close();
  rmSync(trust, { recursive: true });
});

const JSON_TYPE = 'application/occi+json';
const STATE = 'eu.contrail-project.session.state';
const SOURCE = 'eu.contrail-project.session.application';
const LISTS = [
  '/',
  '/appliance/',
  '/compute/',
  '/network/',
  '/storage/',
  '/session/',
  '/networkinterface/',
  '/component/',
];

const config = {
  server: { port: 0, tls: { certificate: at('eec/host.pem'), key: at('eec/host.key') } },
  access: {
    certificates: {
      directory: at('certificates'),
      vomsdir: at('vomsdir'),
      crlOptional: ['/DC=org/DC=other/CN=Other VO CA'],
      reloadMs: 500,
    },
    issuers: [{ issuer: issuer.url, audience: [AUDIENCE], vos: [{ vo: 'atlas', group: '/atlas' }], ...issuer.reached }],
    sessions: { checkMs: 300 },
  },
};

type Who = 'bob of testvo' | 'alice of atlas' | 'the administrator';

/** Two appliances at once, and on PostgreSQL two servers: on a busy machine that takes its time. */
const PATIENCE_MS = 180_000;

forEachServer({ config }, (server, database) => {
  async function send(who: Who, path: string, options: SecureOptions = {}, base = server().url): Promise<SecureReply> {
    const headers = { accept: JSON_TYPE, ...options.headers };
    const signed: SecureOptions =
      who === 'bob of testvo' ? { as: 'voms/good-bob', headers } : { headers: { ...headers, ...(await bearer(who)) } };
    const reply = await sendSecurely(base + path, { ...options, ...signed });
    // The keys of the issuer are fetched by upkeep, a moment after the start.
    return reply.status === 503 ? send(who, path, options, base) : reply;
  }

  async function bearer(who: Who): Promise<Record<string, string>> {
    const token =
      who === 'the administrator'
        ? server().tokens.admin
        : await issuer.token({ sub: 'alice', 'wlcg.groups': ['/atlas'] });
    return { authorization: `Bearer ${token}` };
  }

  const attributes = (reply: SecureReply): Record<string, unknown> =>
    (JSON.parse(reply.text) as { attributes: Record<string, unknown> }).attributes;

  async function eventually(who: Who, path: string, wanted: (reply: SecureReply) => boolean): Promise<void> {
    const until = performance.now() + PATIENCE_MS / 2;
    for (;;) {
      const reply = await send(who, path);
      if (wanted(reply)) return;
      if (performance.now() > until) throw new Error(`${path} is still ${reply.status} ${reply.text.slice(0, 1500)}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  const inState = (who: Who, path: string, state: string): Promise<void> =>
    eventually(who, path, (reply) => reply.status === 200 && attributes(reply)[APPLIANCE_STATE] === state);

  async function deploy(who: Who): Promise<string> {
    const headers = { 'content-type': OVF_TYPE, category: APPLIANCE_CATEGORY };
    const body = descriptor({ machines: ['web', 'db'] });
    const reply = await send(who, '/appliance/', { method: 'POST', headers, body });
    expect([reply.status, reply.text]).toEqual([201, expect.anything()]);
    const path = new URL(reply.headers.location ?? '').pathname;
    await inState(who, path, 'active');
    return path;
  }

  /** Every id that somebody sees anywhere. */
  async function traces(who: Who): Promise<Set<string>> {
    const texts = await Promise.all(LISTS.map(async (list) => (await send(who, list)).text));
    return new Set(texts.join('\n').match(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g) ?? []);
  }

  /** Opens the event stream of an application; resolves with a promise of its end. */
  function stream(path: string, token: string, base: string): Promise<{ status: number; ended: Promise<void> }> {
    const url = `${base}/events/?subject=${path.split('/').at(-1) ?? ''}`;
    const options = { agent: false, rejectUnauthorized: false, headers: { authorization: `Bearer ${token}` } };
    return new Promise((resolve, reject) => {
      const request = https.get(url, options, (response) => {
        const ended = new Promise<void>((over) => response.on('close', over));
        response.resume();
        resolve({ status: response.statusCode ?? 0, ended });
      });
      request.on('error', reject);
    });
  }

  let other: RunningServer | undefined;
  // Another process on the same database would have to share a file; on PostgreSQL it is its ordinary life.
  beforeAll(async () => {
    if (database === 'postgres') other = await start({ config: server().config, log: silentLog });
  });
  afterAll(() => other?.close(2000));

  it(
    'S-071 S-072 keeps two federations apart, and revocation to the one that it is meant for',
    async () => {
      const [shopOfBob, shopOfAlice] = await Promise.all([deploy('bob of testvo'), deploy('alice of atlas')]);
      const [bobs, alices] = [await traces('bob of testvo'), await traces('alice of atlas')];
      expect(bobs.size).toBeGreaterThan(5);
      expect(alices.size).toBeGreaterThan(5);
      expect([...bobs].filter((id) => alices.has(id))).toEqual([]);
      for (const [who, path] of [
        ['alice of atlas', shopOfBob],
        ['bob of testvo', shopOfAlice],
      ] as const) {
        const nothing = await send(who, '/appliance/00000000-0000-7000-8000-000000000000');
        const foreign = await send(who, path);
        expect([foreign.status, withoutIds(foreign.text)]).toEqual([404, withoutIds(nothing.text)]);
        expect((await send(who, path, { method: 'DELETE' })).status).toBe(404);
      }

      const { authorization = '' } = await bearer('alice of atlas');
      const watching = await stream(shopOfAlice, authorization.slice('Bearer '.length), other?.url ?? server().url);
      expect(watching.status).toBe(200);
      const { resources } = JSON.parse((await send('the administrator', '/session/')).text) as {
        resources: { id: string; attributes: Record<string, string> }[];
      };
      const session = resources.find((each) => each.attributes[SOURCE] === shopOfAlice);
      const path = `/session/${session?.id.replace('urn:uuid:', '') ?? ''}`;
      const action = 'http://schemas.contrail-project.eu/occi/access/session/action#revoke';
      const revoked = await send('the administrator', `${path}?action=revoke`, {
        method: 'POST',
        headers: { 'content-type': JSON_TYPE },
        body: JSON.stringify({ action }),
      });
      expect(revoked.status).toBe(200);
      await watching.ended;
      for (const base of [server().url, other?.url ?? server().url])
        expect((await send('alice of atlas', shopOfAlice, {}, base)).status).toBe(404);
      await inState('the administrator', shopOfAlice, 'suspended');
      await inState('bob of testvo', shopOfBob, 'active');
      expect((await traces('bob of testvo')).size).toBe(bobs.size);
    },
    PATIENCE_MS,
  );

  it(
    'S-005 suspends what a user deployed whose certificate is revoked while it runs',
    async () => {
      const shop = await deploy('bob of testvo');
      const lists = ['46cb6a7e.r0', 'f7007570.r0'];
      try {
        // A list that is out of date says nothing any more: nobody of this authority is good then.
        for (const name of lists) cpSync(at('ca/root.expired-crl.pem'), at(`certificates/${name}`));
        await inState('the administrator', shop, 'suspended');
        expect((await send('bob of testvo', shop)).status).toBe(401);
        const trail = await server().rows(
          "SELECT reason FROM audit_entry WHERE verb = 'session' AND outcome = 'denied'",
        );
        expect(trail).toContainEqual({ reason: 'crl_expired' });
      } finally {
        for (const name of lists) cpSync(join(pkiFixtures, 'certificates', name), at(`certificates/${name}`));
      }
      // The same certificate is good again: its next sign-in carries the session on.
      await eventually('bob of testvo', shop, ({ status }) => status === 200);
      await eventually('bob of testvo', '/session/', ({ text }) => {
        const { resources } = JSON.parse(text) as { resources: { attributes: Record<string, string> }[] };
        return resources.some((each) => each.attributes[SOURCE] === shop && each.attributes[STATE] === 'active');
      });
    },
    PATIENCE_MS,
  );
});

function withoutIds(text: string): string {
  return text.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'id');
}
