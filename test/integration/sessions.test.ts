/**
 * Temporary access over the whole server: sessions that come with the deployments of federation users, what ends them,
 * and delegations (S-030, S-059, S-078 … S-081). Users sign in with tokens of an issuer of the test.
 */

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import type { JWTPayload } from 'jose';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { TestIssuer, AUDIENCE } from '../support/issuer.js';
import { forEachServer, type JsonBody, type Reply, type RequestOptions, type TestServer } from '../support/server.js';
import { PATIENCE_MS } from '../support/until.js';
import { SHOP, webShop } from './web-shop.js';
import { APPLIANCE_CATEGORY, descriptor, OVF_TYPE, STATE as APPLIANCE_STATE } from './appliance-wire.js';

const JSON_TYPE = 'application/occi+json';
const SESSION = 'http://schemas.contrail-project.eu/occi/access#session';
const ACTIONS = 'http://schemas.contrail-project.eu/occi/access/session/action#';
const A = 'eu.contrail-project.session.';

const issuer = await TestIssuer.start();
afterAll(() => issuer.close());

const vos = [
  { vo: 'atlas', group: '/atlas' },
  { vo: 'atlas', group: '/atlas/federation', roles: ['federation'] },
  { vo: 'biomed', group: '/biomed' },
];
const issuers = [{ issuer: issuer.url, audience: [AUDIENCE], vos, ...issuer.reached }];
const sessions = { checkMs: 200, minReputation: 0.5, onExpiry: 'stop' };

const ALICE = { sub: 'alice', 'wlcg.groups': ['/atlas'] };
const COLLEAGUE = { sub: 'colleague', 'wlcg.groups': ['/atlas'] };
const FEDERATION = { sub: 'federation', 'wlcg.groups': ['/atlas', '/atlas/federation'] };
const BOB = { sub: 'bob', 'wlcg.groups': ['/biomed'] };

/** The servers' clock is put forward to when something ends, for nobody knows how long what comes before that takes. */
let aheadMs = 0;
const clock: Clock = { now: () => systemClock.now() + aheadMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
const inMs = (ms: number): string => new Date(clock.now() + ms).toISOString();

/** A token that is good for ten minutes by that clock. */
function tokenOf(claims: JWTPayload): Promise<string> {
  const now = Math.floor(clock.now() / 1000);
  return issuer.token({ iat: now, exp: now + 600, ...claims });
}

forEachServer({ config: { access: { issuers, sessions } }, clock }, (server) => {
  const vep = (): TestServer => server();

  async function send(
    method: string,
    path: string,
    claims: JWTPayload,
    { headers, ...options }: RequestOptions = {},
  ): Promise<Reply> {
    const authorization = `Bearer ${await tokenOf(claims)}`;
    const fields = { accept: JSON_TYPE, ...headers, authorization };
    const reply = await vep().request(method, path, { ...options, as: null, headers: fields });
    // The keys of the issuer are fetched by upkeep, a moment after the start.
    if (reply.status !== 503) return reply;
    await pause();
    return send(method, path, claims, { ...options, ...(headers ? { headers } : {}) });
  }

  /** Asks until the answer is as wanted. */
  async function eventually(path: string, claims: JWTPayload, wanted: (reply: Reply) => boolean): Promise<Reply> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const reply = await send('GET', path, claims);
      if (wanted(reply)) return reply;
      if (performance.now() > until) throw new Error(`${path} is still ${reply.status} ${reply.text.slice(0, 1500)}`);
      await pause();
    }
  }

  async function deploy(claims: JWTPayload): Promise<string> {
    const headers = { 'content-type': OVF_TYPE, category: APPLIANCE_CATEGORY };
    const reply = await send('POST', '/appliance/', claims, { headers, body: descriptor({ machines: ['m1'] }) });
    expect([reply.status, reply.text]).toEqual([201, expect.anything()]);
    return new URL(reply.headers.location ?? '').pathname;
  }

  const active = (path: string, claims: JWTPayload): Promise<Reply> =>
    eventually(path, claims, ({ status, json }) => status === 200 && json.attributes[APPLIANCE_STATE] === 'active');

  async function sessionsOf(claims: JWTPayload, application: string): Promise<JsonBody[]> {
    const { json } = await send('GET', '/session/', claims);
    const all: JsonBody[] = json.resources ?? [];
    return all.filter((each) => each.attributes[`${A}application`] === application);
  }

  async function sessionOf(claims: JWTPayload, application: string): Promise<string> {
    const [found] = (await sessionsOf(claims, application)).filter(
      (each) => each.attributes[`${A}source`] === 'deployment',
    );
    return `/session/${String(found.id).replace('urn:uuid:', '')}`;
  }

  const act = (path: string, term: string, claims: JWTPayload, attributes: object = {}): Promise<Reply> =>
    send('POST', `${path}?action=${term}`, claims, {
      headers: { 'content-type': JSON_TYPE },
      body: JSON.stringify({ action: ACTIONS + term, attributes }),
    });

  const create = (claims: JWTPayload, attributes: object): Promise<Reply> =>
    send('POST', '/session/', claims, {
      headers: { 'content-type': JSON_TYPE },
      body: JSON.stringify({
        kind: SESSION,
        attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [A + name, value as unknown])),
      }),
    });

  /** Opens an event stream and resolves when the server has ended it. */
  async function stream(path: string, claims: JWTPayload): Promise<{ opened: number; ended: Promise<void> }> {
    const headers = { authorization: `Bearer ${await tokenOf(claims)}` };
    const subject = path.split('/').at(-1) ?? '';
    return new Promise((resolve, reject) => {
      const request = http.get(`${vep().url}/events/?subject=${subject}`, { headers, agent: false }, (response) => {
        const ended = new Promise<void>((over) => response.on('close', over));
        response.resume();
        resolve({ opened: response.statusCode ?? 0, ended });
      });
      request.on('error', reject);
    });
  }

  it('comes with a deployment, is active once that has arrived, and ends with the application', async () => {
    const path = await deploy(ALICE);
    await active(path, ALICE);
    const session = await sessionOf(ALICE, path);
    const shown = await eventually(session, ALICE, ({ json }) => json.attributes[`${A}state`] === 'active');
    expect(shown.json.attributes).toMatchObject({
      [`${A}application`]: path,
      [`${A}subject`]: `oidc:${issuer.url} alice`,
      [`${A}source`]: 'deployment',
      [`${A}vo`]: 'atlas',
      [`${A}verbs`]: 'read update delete act reveal',
      [`${A}method`]: 'token',
      [`${A}expires`]: expect.stringMatching(/^20.*Z$/),
    });
    expect((await send('GET', session, BOB)).status).toBe(404);
    expect(await sessionsOf(BOB, path)).toEqual([]);
    expect((await act(session, 'revoke', BOB)).status).toBe(404);
    expect((await act(session, 'revoke', ALICE)).text).toContain('session.not-judge');
    expect((await send('DELETE', session, ALICE)).text).toContain('session.not-over');
    expect((await send('DELETE', path, ALICE)).status).toBe(200);
    await eventually(session, ALICE, ({ json }) => json.attributes[`${A}state`] === 'ended');
    expect((await send('DELETE', session, ALICE)).status).toBe(200);
  });

  it('S-079 is revoked by the federation: the subject is out at once, streams end, the application is suspended', async () => {
    const path = await deploy(ALICE);
    await active(path, ALICE);
    const session = await sessionOf(FEDERATION, path);
    const hers = await stream(path, ALICE);
    const theirs = await stream(path, COLLEAGUE);
    let others = true;
    void theirs.ended.then(() => (others = false));
    expect([hers.opened, theirs.opened]).toEqual([200, 200]);
    expect((await act(session, 'revoke', FEDERATION, { reason: 'left the experiment' })).status).toBe(200);
    expect((await send('GET', path, ALICE)).status).toBe(404);
    expect((await send('DELETE', path, ALICE)).status).toBe(404);
    expect((await send('GET', '/appliance/', ALICE)).text).not.toContain(path.split('/').at(-1));
    await hers.ended;
    expect(others).toBe(true);
    await eventually(path, COLLEAGUE, ({ json }) => json.attributes[APPLIANCE_STATE] === 'suspended');
    const { attributes } = (await send('GET', session, FEDERATION)).json;
    expect(attributes).toMatchObject({ [`${A}state`]: 'revoked', [`${A}state.message`]: 'left the experiment' });
    const trail = await vep().rows(
      "SELECT actor, reason, details FROM audit_entry WHERE verb = 'session' AND outcome = 'denied'",
    );
    expect(trail).toContainEqual(
      expect.objectContaining({ actor: `oidc:${issuer.url} federation`, reason: 'decision' }),
    );

    expect((await act(session, 'restore', ALICE)).status).toBe(403);
    expect((await act(session, 'restore', FEDERATION)).status).toBe(200);
    expect((await send('GET', path, ALICE)).status).toBe(200);
    expect((await send('DELETE', path, ALICE)).status).toBe(200);
  });

  it('S-030 ends no later than the credential, and is revived by the next one', async () => {
    const path = await deploy(ALICE);
    await active(path, COLLEAGUE);
    const session = await sessionOf(COLLEAGUE, path);
    // With the tolerance that clocks are given.
    aheadMs += 661_000;
    await eventually(session, COLLEAGUE, ({ json }) => json.attributes[`${A}state`] === 'expired');
    await eventually(path, COLLEAGUE, ({ json }) => json.attributes[APPLIANCE_STATE] === 'inactive');
    expect((await send('GET', path, ALICE)).status).toBe(200);
    await eventually(session, COLLEAGUE, ({ json }) => json.attributes[`${A}state`] === 'active');
    expect((await send('DELETE', path, ALICE)).status).toBe(200);
  });

  it('S-030 ends with the agreement, and signing in brings it back no more; what is delegated ends with it too', async () => {
    const gold: JsonBody = JSON.parse(readFileSync(join(SHOP, 'gold.json'), 'utf8'));
    const end = inMs(600_000);
    const parties = { ...gold.parties, customer: { id: `oidc:${issuer.url} alice` } };
    const { headers, body } = await webShop({ agreement: JSON.stringify({ ...gold, parties, effectiveUntil: end }) });
    const made = await send('POST', '/appliance/', ALICE, { headers, body });
    expect([made.status, made.text]).toEqual([201, expect.anything()]);
    const path = new URL(made.headers.location ?? '').pathname;
    const session = await sessionOf(ALICE, path);
    expect((await send('GET', session, ALICE)).json.attributes[`${A}expires`]).toBe(end);
    const subject = `oidc:${issuer.url} bob`;
    const passed = await create(ALICE, { application: path, subject });
    expect(passed.json.attributes[`${A}expires`]).toBe(end);
    await active(path, ALICE);
    aheadMs += 601_000;
    await eventually(session, COLLEAGUE, ({ json }) => json.attributes[`${A}state`] === 'expired');
    expect((await send('GET', path, BOB)).status).toBe(404);
    // Another credential of hers, which is good for longer.
    expect((await send('GET', path, { ...ALICE, jti: 'another' })).status).toBe(200);
    expect((await send('GET', session, COLLEAGUE)).json.attributes[`${A}state`]).toBe('expired');
    expect((await send('DELETE', path, ALICE)).status).toBe(200);
  });

  it('counts what the federation thinks of the subject', async () => {
    const path = await deploy(ALICE);
    const session = await sessionOf(FEDERATION, path);
    const reputation = (claims: JWTPayload, value: number): Promise<Reply> =>
      send('POST', session, claims, {
        headers: { 'content-type': JSON_TYPE },
        body: JSON.stringify({ attributes: { [`${A}reputation`]: value } }),
      });
    expect((await reputation(ALICE, 1)).status).toBe(403);
    expect((await reputation(FEDERATION, 7)).status).toBe(400);
    expect((await reputation(FEDERATION, 0.9)).status).toBe(200);
    expect((await send('GET', path, ALICE)).status).toBe(200);
    const lowered = await reputation(FEDERATION, 0.2);
    expect(lowered.json.attributes).toMatchObject({ [`${A}state`]: 'revoked', [`${A}reputation`]: 0.2 });
    expect((await send('GET', path, ALICE)).status).toBe(404);
    // It was still being deployed, or had just been: whatever was under way is over.
    await eventually(path, COLLEAGUE, ({ json }) => json.attributes[APPLIANCE_STATE] !== 'active');
  });

  it('S-059 delegates an application to whoever redeems a one-time token, once', async () => {
    const path = await deploy(ALICE);
    await active(path, ALICE);
    const token = `vepd_${randomBytes(32).toString('base64url')}`;
    const offer = createHash('sha256').update(token).digest('hex');
    expect((await create(BOB, { application: path, offer })).status).toBe(404);
    const made = await create(ALICE, { application: path, offer, verbs: 'read act' });
    expect(made.status).toBe(201);
    expect(made.text).not.toContain(offer);
    expect(made.json.attributes).toMatchObject({ [`${A}state`]: 'trying', [`${A}source`]: 'delegation' });

    expect((await send('GET', path, BOB)).status).toBe(404);
    const redeemed = await create(BOB, { token });
    expect([redeemed.status, redeemed.text]).toEqual([201, expect.not.stringContaining(token)]);
    expect((await create(BOB, { token })).status).toBe(401);
    expect((await create(COLLEAGUE, { token })).status).toBe(401);
    expect((await create(BOB, { token: `${token}x` })).status).toBe(401);
    expect((await send('GET', path, BOB)).status).toBe(200);
    expect((await send('DELETE', path, BOB)).status).toBe(403);
    // S-080: another application of hers is none of his business; and he passes on nothing.
    const other = await deploy(ALICE);
    expect((await send('GET', other, BOB)).status).toBe(404);
    expect((await create(BOB, { application: path, subject: 'local:stranger' })).text).toContain('session.not-yours');

    const his = new URL(redeemed.headers.location ?? '').pathname;
    expect((await send('GET', his, BOB)).json.attributes[`${A}subject`]).toBe(`oidc:${issuer.url} bob`);
    expect((await act(his, 'revoke', BOB)).status).toBe(403);
    const watching = await stream(path, BOB);
    expect((await act(his, 'revoke', ALICE)).status).toBe(200);
    expect((await send('GET', path, BOB)).status).toBe(404);
    await watching.ended;
    await active(path, ALICE);
    for (const each of [path, other]) expect((await send('DELETE', each, ALICE)).status).toBe(200);
  });

  it('S-078 S-081 delegates to somebody by name, for a time, as long as the delegator may', async () => {
    const path = await deploy(ALICE);
    await active(path, ALICE);
    const subject = `oidc:${issuer.url} bob`;
    const brief = await create(ALICE, { application: path, subject, until: inMs(60_000) });
    expect([brief.status, (await send('GET', path, BOB)).status]).toEqual([201, 200]);
    aheadMs += 61_000;
    await eventually(path, BOB, ({ status }) => status === 404);
    await eventually(
      new URL(brief.headers.location ?? '').pathname,
      ALICE,
      ({ json }) => json.attributes[`${A}state`] === 'expired',
    );

    const hour = await create(ALICE, { application: path, subject });
    expect((await send('GET', path, BOB)).status).toBe(200);
    expect((await act(new URL(hour.headers.location ?? '').pathname, 'end', BOB)).status).toBe(200);
    expect((await send('GET', path, BOB)).status).toBe(404);

    const again = await create(FEDERATION, { application: path, subject, verbs: 'read' });
    const third = await create(ALICE, { application: path, subject: 'local:stranger' });
    expect([again.status, third.status]).toEqual([201, 201]);
    expect((await vep().request('GET', path, { as: 'stranger' })).status).toBe(200);
    expect((await act(await sessionOf(FEDERATION, path), 'revoke', FEDERATION)).status).toBe(200);
    // What the federation delegated stands; what Alice did has fallen with her.
    expect((await send('GET', path, BOB)).status).toBe(200);
    expect((await vep().request('GET', path, { as: 'stranger' })).status).toBe(404);
    expect((await send('DELETE', path, FEDERATION)).status).toBe(200);
    expect((await send('GET', path, BOB)).status).toBe(404);
    expect(await vep().rows("SELECT * FROM grant_row WHERE effect = 'permit'")).toEqual([]);
  });

  it('says everything that is wrong with a delegation', async () => {
    const path = await deploy(ALICE);
    const refused = await create(ALICE, {
      application: path,
      verbs: 'read govern',
      until: '2020-01-01T00:00:00Z',
      offer: 'secret',
      subject: 'x',
    });
    expect(refused.status).toBe(400);
    for (const code of ['for-whom', 'offer', 'verbs', 'until']) expect(refused.text).toContain(`session.${code}`);
    expect((await create(ALICE, { subject: 'x' })).text).toContain('session.application');
    expect((await create(ALICE, { token: 'x', application: path })).text).toContain('session.token-beside');
    expect((await send('DELETE', path, ALICE)).status).toBe(200);
  });
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
