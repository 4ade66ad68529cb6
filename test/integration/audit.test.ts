/**
 * The audit trail as it is read: reads by policy, tokens of the Keystone façade, and what of it those see who administer one VO
 * (S-060, S-085, S-089).
 */

import { Wire } from '../infrastructure/wire.js';
import { forEachServer, PASSWORD, type JsonBody, type RequestOptions } from '../support/server.js';

const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const A = 'eu.contrail-project.vo.';
const ADMIN = { as: 'admin' } as const;
const NAMES = ['keeper', 'higgs', 'darwin', 'inspector'] as const;
const accounts = NAMES.map((name) => ({
  name,
  roles: [name === 'inspector' ? ('auditor' as const) : ('user' as const)],
  group: `of-${name}`,
}));
const config = { access: { audit: { reads: true }, keystone: { enabled: true } } };

forEachServer({ accounts, config }, (server) => {
  const wire = new Wire(server);
  const within = (name: string, vo: string, more: Record<string, string> = {}): RequestOptions => ({
    as: name,
    headers: { 'x-vep-vo': vo, ...more },
  });
  let own: string;
  let foreign: string;

  beforeAll(async () => {
    for (const [vo, who] of [
      ['atlas', ['keeper', 'higgs']],
      ['beagle', ['darwin']],
    ] as const) {
      await wire.make('/vo/', { kind: `${VO}vo`, attributes: { [`${A}name`]: vo } }, ADMIN);
      for (const name of who) {
        const role = name === 'keeper' ? { [`${A}member.role`]: 'administrator' } : {};
        const attributes = { [`${A}name`]: vo, [`${A}member.subject`]: `local:${name}`, ...role };
        await wire.make('/vo-member/', { kind: `${VO}member`, attributes }, ADMIN);
      }
    }
    own = await wire.make('/compute/', { kind: COMPUTE }, within('higgs', 'atlas'));
    foreign = await wire.make('/compute/', { kind: COMPUTE }, within('darwin', 'beagle'));
  });

  const idOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

  /** Entries as somebody reads them, once there is one like the wanted: what is outside of transactions is written in turns. */
  async function entries(query: string, as: string, wanted: Partial<JsonBody> = {}): Promise<JsonBody[]> {
    const reply = await server().wait(
      `/events/audit${query}`,
      ({ status, json }) =>
        status !== 200 ||
        Object.keys(wanted).length === 0 ||
        (json.entries as JsonBody[]).some((entry) =>
          Object.entries(wanted).every(([name, value]) => entry[name] === value),
        ),
      { as, headers: { accept: 'application/json' } },
    );
    expect([reply.status, reply.text]).toEqual([200, expect.any(String)]);
    return reply.json.entries as JsonBody[];
  }

  it('S-060 notes who read what, without the query, where the provider wants that', async () => {
    const secretly = 'X'.repeat(40);
    await server().request('GET', `${own}?action=${secretly}`, within('higgs', 'atlas'));
    expect((await wire.send('GET', own, undefined, within('higgs', 'atlas'))).status).toBe(200);
    expect((await wire.send('GET', foreign, undefined, within('higgs', 'atlas'))).status).toBe(404);
    const read = await entries('?vo=atlas', 'keeper', { verb: 'read', entity: idOf(own) });
    expect(read).toContainEqual(
      expect.objectContaining({
        ...{ actor: 'local:higgs', group: 'atlas', verb: 'read', outcome: 'granted', entity: idOf(own) },
        ...{ at: expect.stringMatching(/^20.*Z$/), requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
        details: { path: own },
      }),
    );
    expect(JSON.stringify(read)).not.toContain(secretly);
    expect(JSON.stringify(read)).not.toContain(idOf(foreign));
  });

  it('S-085 shows whoever administers a VO all that was done in it, the provider’s doings too, and nothing else', async () => {
    const all = await entries('', 'keeper', { verb: 'create', entity: idOf(own) });
    expect(new Set(all.map(({ group }) => group as string))).toEqual(new Set(['atlas']));
    expect(all).toContainEqual(expect.objectContaining({ actor: 'local:admin', verb: 'create', kind: `${VO}vo` }));
    expect(all).toContainEqual(expect.objectContaining({ actor: 'local:higgs', entity: idOf(own), verb: 'create' }));
    expect(await entries(`?entity=${idOf(foreign)}`, 'keeper')).toEqual([]);
    const ask = (query: string, as: string) => server().request('GET', `/events/audit${query}`, { as });
    // A VO of others is answered as one that there is not; a member is none who administers.
    const refused = await ask('?vo=beagle', 'keeper');
    const nothing = await ask('?vo=no-such', 'keeper');
    const code = (text: string): string => text.replace(/[0-9a-f-]{36}/g, '');
    expect([refused.status, nothing.status]).toEqual([403, 403]);
    expect(code(refused.text)).toEqual(code(nothing.text));
    for (const as of ['higgs', 'darwin', 'user']) expect([as, (await ask('', as)).status]).toEqual([as, 403]);
    for (const as of ['admin', 'inspector']) {
      const seen = (await entries('', as)).map(({ entity }) => entity as string);
      expect(seen).toEqual(expect.arrayContaining([idOf(own), idOf(foreign)]));
    }
    expect((await entries('?vo=beagle', 'inspector')).every(({ group }) => group === 'beagle')).toBe(true);
  });

  it('S-089 goes page by page, in the order of what happened, and says what is wrong with a question', async () => {
    const whole = await entries('?vo=atlas', 'inspector');
    const paged: JsonBody[] = [];
    for (let next: number | null = 0; next !== null && paged.length < whole.length;) {
      const { json } = await server().request('GET', `/events/audit?vo=atlas&limit=2&after=${next}`, {
        as: 'inspector',
      });
      expect(json.entries.length).toBeLessThanOrEqual(2);
      paged.push(...json.entries);
      ({ next } = json);
    }
    expect(paged.slice(0, whole.length)).toEqual(whole);
    for (const query of ['?after=-1', '?limit=0', '?limit=1001', '?after=x', '?entity=x', '?unknown=1'])
      expect([query, (await server().request('GET', `/events/audit${query}`, ADMIN)).status]).toEqual([query, 400]);
  });

  it('S-067 notes every token of the façade, made, refused and taken back', async () => {
    const ask = (project: string, password = PASSWORD) =>
      server().request('POST', '/keystone/v3/auth/tokens', {
        as: null,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          auth: {
            identity: { methods: ['password'], password: { user: { name: 'higgs', password } } },
            scope: { project: { name: project } },
          },
        }),
      });
    const made = await ask('of-higgs');
    expect(made.status).toBe(201);
    expect((await ask('beagle')).status).toBe(401);
    expect((await ask('of-higgs', 'wrong horse battery staple')).status).toBe(401);
    const token = String(made.headers['x-subject-token']);
    const headers = { 'x-auth-token': token, 'x-subject-token': token };
    expect((await server().request('DELETE', '/keystone/v3/auth/tokens', { as: null, headers })).status).toBe(204);
    const seen = await entries('', 'admin', { reason: 'password' });
    const issued = { actor: 'local:higgs', group: 'of-higgs', verb: 'token', outcome: 'granted' };
    expect(seen).toContainEqual(
      expect.objectContaining({
        ...issued,
        details: expect.objectContaining({ project: 'of-higgs', method: 'local' }),
      }),
    );
    expect(seen).toContainEqual(expect.objectContaining({ actor: 'local:higgs', verb: 'token-revoked' }));
    expect(seen).toContainEqual(expect.objectContaining({ outcome: 'denied', reason: 'token-project' }));
    expect(seen).toContainEqual(expect.objectContaining({ outcome: 'denied', reason: 'password' }));
    expect(JSON.stringify(seen)).not.toContain(token);
  });
});
