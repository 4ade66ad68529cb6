/**
 * Two federations at one provider: a user with a VOMS proxy of one VO and a user with an access token of another deploy the
 * web shop of the examples side by side, each within the quotas of their VO. Neither finds a trace of the other anywhere, and
 * revoking one stops exactly theirs (S-005, S-071 … S-077), whichever of several VEP processes hears of it.
 */

import { cpSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { start, type RunningServer } from '../../src/server.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import type { SecureReply } from '../support/secure-client.js';
import { runLog } from '../support/run.js';
import { forEachServer } from '../support/server.js';
import {
  ADMIN,
  ALICE,
  BOB,
  FederationClients,
  Federations,
  JSON_TYPE,
  PATIENCE_MS,
  idOf,
  madeBy,
  told,
  type Who,
} from './two-federations.js';
import { SHOP_TAKES } from './web-shop.js';

const federations = await Federations.begin();
const { issuer, config } = federations;

const USAGE_TYPE = 'application/vnd.vep.vo-usage+json';
const INFRA = 'http://schemas.ogf.org/occi/infrastructure';
const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const SESSION = 'http://schemas.contrail-project.eu/occi/access';
const STATE = 'eu.contrail-project.session.state';
const SOURCE = 'eu.contrail-project.session.application';
const NOBODY = '00000000-0000-7000-8000-000000000000';
/** Everything that answers with more than one thing. */
const LISTS = [
  ...['/', '/-/', '/resource/', '/link/', '/mixin/', '/events/operations'],
  ...['/appliance/', '/compute/', '/network/', '/storage/', '/component/', '/networkinterface/', '/storagelink/'],
  ...['/session/', '/agreement/', '/vo/', '/vo-member/', '/vo-quota/', '/vo-provision/'],
  ...['/mixin/ovf-deployment/', '/mixin/ipnetwork/'],
];

/** Each VO with room for a shop and a half; atlas has room for more, of which Alice may have no more than that. */
const VOS = [
  { vo: 'testvo', limits: { ...SHOP_TAKES, appliances: 5, machines: 5 }, share: undefined },
  { vo: 'atlas', limits: { cores: 500, machines: 50 }, share: { cores: 15 } },
] as const;

forEachServer({ config }, (server, database) => {
  const clients = new FederationClients(server, federations);
  let other: RunningServer | undefined;
  const vos = new Map<string, string>();
  const shops = new Map<Who, string>();
  const shopOf = (who: Who): string => shops.get(who) ?? '';

  beforeAll(async () => {
    // Another process on the same database would have to share a file; on PostgreSQL it is its ordinary life.
    if (database === 'postgres') other = await start({ config: server().config, log: runLog() });
    for (const { vo, limits, share } of VOS) {
      const named = { 'eu.contrail-project.vo.name': vo };
      const entity = { kind: `${VO}vo`, attributes: { ...named, ...limited(limits) } };
      vos.set(vo, madeBy(await clients.post(ADMIN, '/vo/', entity)));
      if (share === undefined) continue;
      const subject = { 'eu.contrail-project.vo.quota.subject': `oidc:${issuer.url} alice` };
      const quota = { kind: `${VO}quota`, attributes: { ...named, ...subject, ...limited(share) } };
      madeBy(await clients.post(ADMIN, '/vo-quota/', quota));
    }
    const [bobs, alices] = await Promise.all([
      clients.deploy(BOB, 'The corner shop'),
      clients.deploy(ALICE, 'An emporium'),
    ]);
    shops.set(BOB, bobs).set(ALICE, alices);
  }, 2 * PATIENCE_MS);
  afterAll(() => other?.close(2000));

  /** What the administrator is told that each VO uses. */
  const used = async (): Promise<unknown[]> =>
    Promise.all(
      VOS.map(async ({ vo }) => {
        const { text } = await clients.send(ADMIN, vos.get(vo) ?? '', { headers: { accept: USAGE_TYPE } });
        return (JSON.parse(text) as { used: unknown }).used;
      }),
    );

  /** Every id of anything that belongs to a group: what nobody beside it may ever read. */
  async function idsOf(group: string): Promise<string[]> {
    const rows = await server().rows(
      `SELECT id FROM entity WHERE grp = '${group}' UNION ALL ` +
        `SELECT o.id FROM operation o JOIN entity e ON e.id = o.entity WHERE e.grp = '${group}'`,
    );
    return rows.map((row) => String(row['id']));
  }

  it('S-083 S-086 charges each shop to its VO, and takes no second one beyond the quota of VO or user', async () => {
    const one = expect.objectContaining(SHOP_TAKES) as unknown;
    expect(await used()).toEqual([one, one]);
    for (const [who, whose, foreign] of [
      [BOB, 'the Virtual Organization testvo', /atlas|alice|emporium/i],
      [ALICE, 'you', /testvo|bob|corner/i],
    ] as const) {
      const refused = await clients.order(who, 'one too many');
      expect([who, refused.status, refused.text]).toEqual([
        who,
        422,
        expect.stringContaining(`for the quota of ${whose}`),
      ]);
      expect(refused.text).not.toMatch(foreign);
    }
    expect(await used()).toEqual([one, one]);
  });

  it.each([
    { who: BOB, of: 'atlas', foreign: ALICE, words: ['atlas', 'emporium', issuer.url] },
    { who: ALICE, of: 'testvo', foreign: BOB, words: ['testvo', 'CN=Bob', 'corner shop'] },
  ] as const)(
    'S-071 shows $who no trace of $of in lists, filters, entities, pages, work and metrics',
    async ({ who, of, foreign, words }) => {
      const traces = [...(await idsOf(of)), ...words];
      expect(traces.length).toBeGreaterThan(40);
      const clean = (url: string, reply: SecureReply): void => {
        const said = `${reply.text}\n${JSON.stringify(reply.headers)}`;
        expect([url, traces.filter((trace) => said.includes(trace))]).toEqual([url, []]);
      };
      const urls = [...LISTS, shopOf(who), `/events/operations?entity=${idOf(shopOf(who))}`];
      for (const url of urls)
        for (const accept of [JSON_TYPE, 'text/plain', 'text/occi', 'text/uri-list', 'text/html', USAGE_TYPE])
          clean(`${accept} of ${url}`, await clients.send(who, url, { headers: { accept } }));
      const page = await clients.send(who, '/', { headers: { accept: 'text/html' } });
      expect([page.status, page.headers['content-type']]).toEqual([200, expect.stringContaining('text/html')]);

      const filters = [`eu.contrail-project.ovf.appliance="${shopOf(foreign)}"`, 'occi.core.title="An emporium"'];
      for (const [list, filter] of filters.flatMap((each) => ['/compute/', '/appliance/'].map((at) => [at, each]))) {
        const headers = { accept: 'text/uri-list', 'content-type': 'text/occi', 'x-occi-attribute': filter ?? '' };
        clean(`${filter} in ${list}`, await clients.send(who, list ?? '', { headers }));
      }
      expect((await clients.send(who, '/metrics')).status).toBe(403);
      const metrics = await clients.send(ADMIN, '/metrics');
      expect([metrics.status, traces.filter((trace) => metrics.text.includes(trace))]).toEqual([200, []]);
    },
    2 * PATIENCE_MS,
  );

  it.each([
    { who: BOB, of: 'atlas' },
    { who: ALICE, of: 'testvo' },
  ] as const)(
    'S-072 S-077 answers $who about everything of $of as about what never was',
    async ({ who, of }) => {
      const rows = await server().rows(`SELECT MIN(id) AS id, kind FROM entity WHERE grp = '${of}' GROUP BY kind`);
      const foreign = rows.map((row) => ({ id: String(row['id']), term: String(row['kind']).split('#')[1] ?? '' }));
      expect(foreign.map(({ term }) => term)).toEqual(
        expect.arrayContaining(['appliance', 'compute', 'network', 'storage', 'networkinterface', 'storagelink']),
      );
      expect(foreign.map(({ term }) => term)).toEqual(expect.arrayContaining(['component', 'session', 'vo']));
      const own = { location: await componentOf(who) };
      for (const { id, term } of foreign) {
        const location = { quota: '/vo-quota/' }[term] ?? `/${term}/`;
        const alike = async (method: string, path: string, body?: unknown): Promise<void> => {
          const ask = (whom: string): Promise<SecureReply> =>
            clients.send(who, path.replace('<id>', whom), {
              method,
              ...(body === undefined
                ? {}
                : { headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(body).replace('<id>', whom) }),
            });
          const [answer, none] = [await ask(id), await ask(NOBODY)];
          expect([method, path, ...told(answer)]).toEqual([method, path, ...told(none)]);
          expect([method, path, answer.status >= 400 || answer.text === none.text]).toEqual([method, path, true]);
        };
        await alike('GET', `${location}<id>`);
        await alike('DELETE', `${location}<id>`);
        await alike('POST', `${location}<id>`, { title: 'mine' });
        await alike('PUT', `${location}<id>`, { kind: `${INFRA}#compute`, title: 'mine' });
        await alike('POST', `${location}<id>?action=stop`, { action: `${INFRA}/compute/action#stop` });
        await alike('POST', `${location}<id>?action=revoke`, { action: `${SESSION}/session/action#revoke` });
        await alike('GET', '/events/?subject=<id>');
        await alike('GET', '/events/operations?entity=<id>');
        const theirs = { location: `${location}<id>` };
        for (const link of ['networkinterface', 'storagelink'])
          for (const [source, target] of [
            [own, theirs],
            [theirs, own],
          ])
            await alike('POST', `/${link}/`, { kind: `${INFRA}#${link}`, source, target });
        await alike('POST', '/session/', {
          kind: `${SESSION}#session`,
          attributes: {
            'eu.contrail-project.session.application': theirs.location,
            'eu.contrail-project.session.subject': 'local:stranger',
          },
        });
      }
    },
    2 * PATIENCE_MS,
  );

  /** A machine of one's own. */
  async function componentOf(who: Who): Promise<string> {
    const { text } = await clients.send(who, '/compute/', { headers: { accept: 'text/uri-list' } });
    return new URL(text.split(/\r?\n/)[0] ?? '').pathname;
  }

  /** Opens the event stream of an application; resolves with a promise of its end. */
  function stream(path: string, token: string, base: string): Promise<{ status: number; ended: Promise<void> }> {
    const url = `${base}/events/?subject=${idOf(path)}`;
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

  it(
    'S-079 stops exactly what belongs to whom is revoked, on every process',
    async () => {
      const elsewhere = other?.url ?? server().url;
      const bobsBefore = await idsOf('testvo');
      const watching = await stream(shopOf(ALICE), await clients.token(ALICE), elsewhere);
      expect(watching.status).toBe(200);
      expect((await clients.revoke(shopOf(ALICE))).status).toBe(200);
      await watching.ended;
      for (const base of [server().url, elsewhere])
        expect((await clients.send(ALICE, shopOf(ALICE), {}, base)).status).toBe(404);
      await clients.inState(ADMIN, shopOf(ALICE), 'suspended');
      await clients.inState(BOB, shopOf(BOB), 'active');
      expect((await idsOf('testvo')).sort()).toEqual(bobsBefore.sort());
      const machines = await server().rows(`SELECT grp, observed FROM entity WHERE kind = '${INFRA}#compute'`);
      const states = machines.map((row) => [row['grp'], stateIn(String(row['observed']))]);
      expect(states.sort()).toEqual([
        ...Array.from({ length: 3 }, () => ['atlas', 'suspended']),
        ...Array.from({ length: 3 }, () => ['testvo', 'active']),
      ]);
    },
    2 * PATIENCE_MS,
  );

  it(
    'S-005 suspends what a user deployed whose certificate is revoked while it runs',
    async () => {
      const shop = shopOf(BOB);
      const lists = ['46cb6a7e.r0', 'f7007570.r0'];
      const at = (name: string): string => federations.at(name);
      try {
        // A list that is out of date says nothing any more: nobody of this authority is good then.
        for (const name of lists) cpSync(at('ca/root.expired-crl.pem'), at(`certificates/${name}`));
        await clients.inState(ADMIN, shop, 'suspended');
        expect((await clients.send(BOB, shop)).status).toBe(401);
        const trail = await server().rows(
          "SELECT reason FROM audit_entry WHERE verb = 'session' AND outcome = 'denied'",
        );
        expect(trail).toContainEqual({ reason: 'crl_expired' });
      } finally {
        for (const name of lists) cpSync(join(pkiFixtures, 'certificates', name), at(`certificates/${name}`));
      }
      // The same certificate is good again: its next sign-in carries the session on.
      await clients.eventually(BOB, shop, ({ status }) => status === 200);
      await clients.eventually(BOB, '/session/', ({ text }) => {
        const { resources } = JSON.parse(text) as { resources: { attributes: Record<string, string> }[] };
        return resources.some((each) => each.attributes[SOURCE] === shop && each.attributes[STATE] === 'active');
      });
    },
    2 * PATIENCE_MS,
  );
});

function limited(amounts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(amounts).map(([resource, amount]) => [`eu.contrail-project.vo.limit.${resource}`, amount]),
  );
}

function stateIn(observed: string): unknown {
  return (JSON.parse(observed) as Record<string, unknown>)['occi.compute.state'];
}
