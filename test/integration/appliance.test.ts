/** The life of an appliance over the wire (K03, K04, K08, K09): deployed, moved, scaled, undeployed, deleted. */

import { INFRA, JSON_TYPE, Client } from '../conformance/client.js';
import { forEachServer } from '../support/server.js';
import {
  APPLIANCE,
  MESSAGE,
  OVF,
  STATE,
  actOn,
  components,
  deploy,
  descriptor,
  locationOf,
  pathOf,
  property,
  send,
  untilNothingIsLeft,
} from './appliance-wire.js';
import { secret } from '../support/run.js';

forEachServer({}, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const state = async (path: string) => (await client().get(path, JSON_TYPE)).json.attributes[STATE];
  afterEach(async () => {
    for (const as of ['user', 'stranger', 'federation'] as const)
      await client().being(as).send('DELETE', '/appliance/');
    await untilNothingIsLeft(client());
  });

  it('is created inactive and becomes active with all its machines, networks, disks and links', async () => {
    const reply = await send(client(), descriptor(), ['occi.core.title="shop"']);
    expect([reply.status, reply.json.title, reply.json.attributes[STATE]]).toEqual([201, 'shop', 'inactive']);
    const path = pathOf(reply);
    await client().until(path, STATE, 'active');
    const [computes, networks, disks] = await Promise.all(
      ['/compute/', '/network/', '/storage/'].map((location) => components(client(), path, location)),
    );
    expect([computes?.length, networks?.length, disks?.length]).toEqual([2, 1, 2]);
    for (const compute of computes ?? []) {
      expect(compute.attributes['occi.compute.state']).toBe('active');
      expect(compute.mixins).toContain('http://schemas.contrail-project.eu/occi/ovf#ovf-deployment');
      const kinds = compute.links.map((link: { kind: string }) => link.kind).sort();
      expect(kinds).toEqual([`${INFRA}networkinterface`, `${INFRA}storagelink`]);
      expect(
        compute.links.every((link: { attributes: Record<string, unknown> }) =>
          Object.entries(link.attributes).some(([name, value]) => name.endsWith('.state') && value === 'active'),
        ),
      ).toBe(true);
    }
    const shown = (await client().get(path, JSON_TYPE)).json;
    expect(
      shown.links.filter((link: { kind: string }) => link.kind.endsWith('#component')).length,
    ).toBeGreaterThanOrEqual(5);
  });

  it('K04 uses a network that it is mapped to, and leaves it alone', async () => {
    const network = await client().create('network', { attributes: ['occi.core.title="mine"'] });
    await client().until(network, 'occi.network.state', 'active');
    const mappedTo = (target: string): string[] => [
      `${OVF}.inputs=${JSON.stringify(JSON.stringify({ networks: { net: target } }))}`,
    ];
    const path = pathOf(await send(client(), descriptor(), mappedTo(network)));
    await client().until(path, STATE, 'active');
    expect(await components(client(), path, '/network/')).toEqual([]);
    for (const compute of await components(client(), path, '/compute/')) {
      const [nic] = compute.links.filter((link: { kind: string }) => link.kind.endsWith('#networkinterface'));
      expect(nic.target.location).toBe(network);
      expect(nic.attributes['occi.networkinterface.state']).toBe('active');
    }
    await client().send('DELETE', path);
    expect((await client().get(network)).status).toBe(200);
    const foreign = await client().being('stranger').create('network');
    for (const target of ['public', '/network/01890000-0000-7000-8000-0000000000a1', foreign]) {
      const refused = await send(client(), descriptor(), mappedTo(target));
      expect(refused.status).toBe(400);
      expect(refused.json.faults).toContainEqual(
        expect.objectContaining({ code: 'ovf.network-unknown', value: target }),
      );
    }
    await client().send('DELETE', network);
    await client().being('stranger').send('DELETE', '/network/');
  });

  it('stops, starts and suspends as a whole', async () => {
    const path = await deploy(client());
    for (const [term, to] of [
      ['stop', 'inactive'],
      ['start', 'active'],
      ['suspend', 'suspended'],
      ['start', 'active'],
    ] as const) {
      expect([term, (await actOn(client(), path, term)).status]).toEqual([term, 200]);
      await client().until(path, STATE, to);
      for (const compute of await components(client(), path, '/compute/'))
        expect(compute.attributes['occi.compute.state']).toBe(to);
    }
    expect((await actOn(client(), path, 'start')).status).toBe(409);
  });

  it('scales a role up and down', async () => {
    const path = await deploy(client());
    const count = async (): Promise<number> => (await components(client(), path, '/compute/')).length;
    expect((await actOn(client(), path, 'scale', { role: 'm1', count: 3 })).status).toBe(200);
    expect(await count()).toBe(4);
    await server().wait(
      path,
      (reply) => reply.json.attributes[STATE] === 'active' && reply.json.attributes[MESSAGE] === undefined,
    );
    for (const compute of await components(client(), path, '/compute/'))
      await client().until(locationOf('compute', compute), 'occi.compute.state', 'active');
    expect((await actOn(client(), path, 'scale', { role: 'm1', count: 1 })).status).toBe(200);
    expect(await count()).toBe(2);
    for (const bad of [
      { role: 'nobody', count: 2 },
      { role: 'm1', count: -1 },
      { role: 'm1', count: 1.5 },
      { role: 'm1', count: 1e9 },
      { count: 1 },
      { role: 'm1' },
    ]) {
      const reply = await actOn(client(), path, 'scale', bad);
      expect([bad, reply.status]).toEqual([bad, reply.status]);
      expect([400, 404, 409, 422]).toContain(reply.status);
    }
    expect(await count()).toBe(2);
  });

  it('is undeployed to nothing and deployed again', async () => {
    const path = await deploy(client());
    expect((await actOn(client(), path, 'undeploy')).status).toBe(200);
    expect(await components(client(), path, '/compute/')).toEqual([]);
    await server().wait(path, (reply) => reply.json.attributes['eu.contrail-project.appliance.deployed'] !== true);
    expect(await state(path)).toBe('inactive');
    expect((await actOn(client(), path, 'start')).status).toBe(200);
    await client().until(path, STATE, 'active');
    expect(await components(client(), path, '/compute/')).toHaveLength(2);
  });

  it('goes with everything it owns, whose parts cannot be deleted alone (K08)', async () => {
    const path = await deploy(client());
    const [compute] = await components(client(), path, '/compute/');
    const refused = await client().send('DELETE', locationOf('compute', compute), { accept: JSON_TYPE });
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining(path.split('/').at(-1) ?? '')]);
    const stop = { action: 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop' };
    expect((await client().send('POST', `${locationOf('compute', compute)}?action=stop`, { json: stop })).status).toBe(
      200,
    );
    await client().until(locationOf('compute', compute), 'occi.compute.state', 'inactive');
    expect(
      (await client().send('POST', locationOf('compute', compute), { attributes: ['occi.core.title="renamed"'] }))
        .status,
    ).toBe(200);
    const other = await client().create('compute');
    expect((await client().send('DELETE', '/compute/')).status).toBe(200);
    expect((await client().get(path)).status).toBe(404);
    expect((await client().get(other)).status).toBe(404);
  });

  it('can be deleted while it is being deployed', async () => {
    const machines = Array.from({ length: 6 }, (_, index) => `m${index + 1}`);
    const path = pathOf(await send(client(), descriptor({ machines })));
    expect((await client().send('DELETE', path)).status).toBe(200);
    expect((await client().get(path)).status).toBe(404);
    expect(await client().list('/compute/')).toEqual([]);
  });

  it('S-114 never shows what the user filled in, nor stores it in the clear (K04)', async () => {
    const properties = [
      property('password', 'ovf:userConfigurable="true" ovf:password="true" ovf:qualifiers="MinLen(8)"'),
    ];
    const missing = await send(client(), descriptor({ properties }));
    expect([missing.status, missing.text]).toEqual([400, expect.stringContaining('password')]);
    const inputs = JSON.stringify({
      properties: { password: secret('hunter2-hunter2', 'password in an input') },
    }).replace(/["\\]/g, '\\$&');
    const reply = await send(client(), descriptor({ properties }), [`${OVF}.inputs="${inputs}"`]);
    expect([reply.status, reply.text]).toEqual([201, expect.not.stringContaining('hunter2')]);
    await client().until(pathOf(reply), STATE, 'active');
    // An instance that comes later is told what its role is told.
    expect((await actOn(client(), pathOf(reply), 'scale', { role: 'm1', count: 2 })).status).toBe(200);
    await client().until(pathOf(reply), STATE, 'active');
    const scaled = await components(client(), pathOf(reply), '/compute/');
    expect(scaled).toHaveLength(3);
    for (const compute of scaled) await client().until(locationOf('compute', compute), 'occi.compute.state', 'active');
    for (const path of [pathOf(reply), '/appliance/', '/compute/', '/']) {
      for (const accept of ['text/plain', JSON_TYPE])
        expect((await client().get(path, accept)).text).not.toContain('hunter2');
    }
    for (const table of ['entity', 'audit_entry', 'outbox', 'operation', 'secret', 'appliance']) {
      expect([table, JSON.stringify(await server().rows(`SELECT * FROM ${table}`))]).toEqual([
        table,
        expect.not.stringContaining('hunter2'),
      ]);
    }
  });

  it('gets its id from the federation alone (K09)', async () => {
    const id = crypto.randomUUID();
    const chosen = await send(client().being('federation'), descriptor({ machines: ['m1'] }), [
      `occi.core.id="urn:uuid:${id}"`,
    ]);
    expect(pathOf(chosen)).toBe(`/appliance/${id}`);
    const other = crypto.randomUUID();
    const ignored = await send(client(), descriptor({ machines: ['m1'] }), [`occi.core.id="urn:uuid:${other}"`]);
    expect(pathOf(ignored)).not.toContain(other);
    const taken = await send(client().being('federation'), descriptor({ machines: ['m2'] }), [
      `occi.core.id="urn:uuid:${id}"`,
    ]);
    expect(taken.status).toBe(409);
  });

  it('is nobody else’s (K14)', async () => {
    const path = await deploy(client(), { machines: ['m1'] });
    const stranger = client().being('stranger');
    for (const method of ['GET', 'DELETE', 'POST'])
      expect([method, (await stranger.send(method, path)).status]).toEqual([method, 404]);
    expect((await actOn(stranger, path, 'undeploy')).status).toBe(404);
    expect((await stranger.get(`/events/?subject=${path.split('/').at(-1)}`)).status).toBe(404);
    for (const location of ['/appliance/', '/compute/', '/component/', '/mixin/ovf-deployment/'])
      expect(await stranger.list(location)).toEqual([]);
    expect(await state(path)).toBe('active');
  });

  it('is found by the mixin on everything that came from an OVF, and in the model', async () => {
    const path = await deploy(client(), { machines: ['m1'] });
    const members = await client().list('/mixin/ovf-deployment/');
    expect(members.some((member) => member.startsWith('/compute/'))).toBe(true);
    expect((await client().categories()).some((each) => each.id === APPLIANCE)).toBe(true);
    expect((await client().get(path, 'text/plain')).text).toMatch(/^Category: appliance; /);
  });
});

describe('failures', () => {
  const faults = [{ operation: 'createCompute', kind: 'refuse', class: 'quota', nth: 3 }];
  forEachServer({ site: { faults } }, (server) => {
    const client = (): Client => new Client(server(), '1.2');
    it('undoes everything, says why, and can be started again', async () => {
      const path = pathOf(await send(client(), descriptor({ machines: ['m1', 'm2', 'm3'] })));
      await client().until(path, STATE, 'error');
      const shown = (await client().get(path, JSON_TYPE)).json;
      expect(shown.attributes[MESSAGE]).toEqual(expect.any(String));
      expect(await components(client(), path, '/compute/')).toEqual([]);
      expect((await actOn(client(), path, 'start')).status).toBe(200);
      await client().until(path, STATE, 'active');
    });
  });

  const always = [{ operation: 'createCompute', kind: 'refuse', class: 'quota', nth: 2 }];
  forEachServer({ site: { faults: always } }, (server) => {
    const client = (): Client => new Client(server(), '1.2');
    it('keeps what could be made when that was asked for', async () => {
      const attributes = [`${OVF}.keep-on-failure=true`];
      const path = pathOf(await send(client(), descriptor({ machines: ['m1', 'm2'] }), attributes));
      await client().until(path, STATE, 'error');
      const left = await components(client(), path, '/compute/');
      expect(left.length).toBeGreaterThan(0);
      expect((await client().send('DELETE', path)).status).toBe(200);
      await untilNothingIsLeft(client());
    });
  });
});
