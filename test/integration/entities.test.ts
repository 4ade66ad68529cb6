/** What is promised about entities beyond the standard: wanted and observed, replays, tags (K10–K13, K17, K20). */

import { INFRA, JSON_TYPE, PLAIN, readText, Client, kindOf } from '../conformance/client.js';
import { forEachServer } from '../support/server.js';

const COMPUTE = `${INFRA}compute`;
const NOBODY = '00000000-0000-4000-8000-000000000000';

forEachServer({}, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const post = (path: string, json: unknown, headers: Record<string, string> = {}) =>
    client().send('POST', path, { json, headers, accept: JSON_TYPE });

  describe('a creation sent again (K12)', () => {
    it('answers with the entity of the first time, by Idempotency-Key and by occi.core.id alike', async () => {
      const body = { kind: COMPUTE, title: 'once' };
      const byKey = () => post('/compute/', body, { 'idempotency-key': 'k-1' });
      const [first, second] = [await byKey(), await byKey()];
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.headers.location).toBe(first.headers.location);
      const id = crypto.randomUUID();
      const byId = () => post('/compute/', { ...body, id: `urn:uuid:${id}` });
      const [third, fourth] = [await byId(), await byId()];
      expect(fourth.headers.location).toBe(third.headers.location);
      expect(third.headers.location).not.toContain(id);
      expect((await client().list('/compute/')).length).toBe(2);
    });

    it('is refused when it says something else, and is nobody else’s key', async () => {
      const make = (as: 'user' | 'stranger', title: string) =>
        client()
          .being(as)
          .send('POST', '/network/', {
            json: { kind: `${INFRA}network`, title },
            headers: { 'idempotency-key': 'k-2' },
          });
      const mine = await make('user', 'a');
      expect(mine.status).toBe(201);
      expect((await make('user', 'b')).status).toBe(409);
      const theirs = await make('stranger', 'b');
      expect(theirs.status).toBe(201);
      expect(theirs.headers.location).not.toBe(mine.headers.location);
    });

    it('answers with all of several that one request made, and refuses another number of them', async () => {
      const several = (...titles: string[]) => {
        const resources = titles.map((title) => ({ kind: `${INFRA}network`, title }));
        return post('/network/', { resources }, { 'idempotency-key': 'k-several' });
      };
      const [first, second] = [await several('a', 'b', 'c'), await several('a', 'b', 'c')];
      expect([first.status, second.status]).toEqual([201, 201]);
      const idsOf = (reply: typeof first): string[] => reply.json.resources.map((each: { id: string }) => each.id);
      expect(new Set(idsOf(first)).size).toBe(3);
      expect(idsOf(second)).toEqual(idsOf(first));
      for (const titles of [['a', 'b'], ['a', 'b', 'c', 'd'], ['a', 'x', 'c'], ['a']])
        expect([titles, (await several(...titles)).status]).toEqual([titles, 409]);
    });

    it('makes one entity of many that come at once', async () => {
      const replies = await Promise.all(
        Array.from({ length: 8 }, () => post('/network/', { kind: `${INFRA}network` }, { 'idempotency-key': 'k-3' })),
      );
      expect(replies.map((reply) => reply.status)).toEqual(Array(8).fill(201));
      expect(new Set(replies.map((reply) => reply.headers.location)).size).toBe(1);
    });

    it('makes a new one after the first was deleted', async () => {
      const make = () => post('/network/', { kind: `${INFRA}network` }, { 'idempotency-key': 'k-4' });
      const first = new URL((await make()).headers.location ?? '').pathname;
      await client().send('DELETE', first);
      const second = await make();
      expect(second.status).toBe(201);
      expect(second.headers.location).not.toContain(first);
    });
  });

  describe('tags (K13)', () => {
    it('lets a change pass on the version it names, whatever the site reported meanwhile', async () => {
      const path = await client().active();
      const tag = (await client().get(path)).headers.etag ?? '';
      await client().act(path, 'compute', 'stop');
      await client().until(path, 'occi.compute.state', 'inactive');
      // The action raised the version; what the site reported did not.
      const acted = (await client().get(path)).headers.etag ?? '';
      expect(acted).not.toBe(tag);
      const change = (header: string) =>
        client().send('POST', path, { attributes: ['occi.core.title="x"'], headers: { 'if-match': header } });
      const refused = await change(tag);
      expect([refused.status, refused.text]).toEqual([412, expect.stringContaining('If-Match')]);
      const again = (await client().get(path)).headers.etag ?? '';
      expect((await change(again)).status).toBe(200);
      expect((await change(again)).status).toBe(412);
      expect((await change('*')).status).toBe(200);
      expect((await change('garbage')).status).toBe(412);
    });

    it('holds deletions and actions to the version too', async () => {
      const path = await client().create('compute');
      const stale = { 'if-match': '"99.0-p"' };
      expect((await client().send('DELETE', path, { headers: stale })).status).toBe(412);
      const start = {
        categories: ['start; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"'],
      };
      expect((await client().send('POST', `${path}?action=start`, { ...start, headers: stale })).status).toBe(412);
      const update = { categories: [kindOf('compute')], headers: { 'if-none-match': '*' } };
      expect((await client().send('PUT', path, update)).status).toBe(412);
      expect((await client().entity(path)).attributes['occi.compute.state']).toBe('inactive');
    });

    it('lets one of two changes win that start from the same version', async () => {
      const path = await client().create('compute');
      const tag = (await client().get(path)).headers.etag ?? '';
      const change = (title: string) =>
        client().send('POST', path, { attributes: [`occi.core.title="${title}"`], headers: { 'if-match': tag } });
      const statuses = (await Promise.all([change('a'), change('b'), change('c')])).map((reply) => reply.status);
      expect(statuses.sort()).toEqual([200, 412, 412]);
    });
  });

  describe('wanted and observed (K10)', () => {
    it('judges an action by the state that pending ones lead to', async () => {
      const path = await client().create('compute');
      expect((await client().act(path, 'compute', 'start')).status).toBe(200);
      expect((await client().act(path, 'compute', 'start')).status).toBe(409);
      expect((await client().act(path, 'compute', 'suspend')).status).toBe(200);
      expect((await client().act(path, 'compute', 'stop')).status).toBe(409);
      await client().until(path, 'occi.compute.state', 'suspended');
      const actions = (await client().get(path, JSON_TYPE)).json.actions.map((id: string) => id.split('#')[1]);
      expect(actions).toEqual(['start']);
    });

    it('shows at once what is wanted of mutable attributes, and resizes the machine', async () => {
      const path = await client().active();
      const reply = await client().send('POST', path, { attributes: ['occi.compute.cores=3'] });
      expect(readText(reply.text).attributes).toMatchObject({ 'occi.compute.cores': 3 });
      await client().until(path, 'occi.compute.state', 'active');
    });
  });

  describe('URLs', () => {
    it('answers PUT on an absent and on a foreign URL alike (K12)', async () => {
      const theirs = await client().being('stranger').create('compute');
      const put = async (path: string, type: string) => {
        const body = { kind: COMPUTE };
        const reply = await client().send('PUT', path, { json: body, accept: type });
        const { request: _request, ...rest } = type === JSON_TYPE ? reply.json : { text: reply.text };
        return { status: reply.status, ...rest };
      };
      for (const type of [PLAIN, JSON_TYPE]) {
        const absent = await put(`/compute/${NOBODY}`, type);
        expect(absent.status).toBe(400);
        expect(await put(theirs, type)).toEqual(absent);
      }
    });

    it('lists links between entities in both directions when one is deleted', async () => {
      const network = await client().create('network');
      const compute = await client().create('compute', {
        links: [`<${network}>; rel="${INFRA}network"; category="${INFRA}networkinterface"`],
      });
      expect((await client().send('DELETE', network)).status).toBe(200);
      expect((await client().entity(compute)).links.filter((link) => link.self)).toEqual([]);
      expect(await client().list('/networkinterface/')).toEqual([]);
    });

    it('refuses links to what is deleted and to the wrong kinds', async () => {
      const [compute, other, network] = [
        await client().create('compute'),
        await client().create('compute'),
        await client().create('network'),
      ];
      const link = (source: string, target: string) =>
        post('/networkinterface/', {
          kind: `${INFRA}networkinterface`,
          source: { location: source },
          target: { location: target },
        });
      expect((await link(compute, other)).status).toBe(400);
      expect((await link(compute, compute)).status).toBe(400);
      expect((await link(network, compute)).status).toBe(400);
      expect((await link(compute, 'http://elsewhere.example.org/net')).status).toBe(400);
      await client().send('DELETE', network);
      expect((await link(compute, network)).status).toBe(400);
    });
  });
});
