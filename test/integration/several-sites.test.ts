/** An appliance over two sites that reach each other: chosen, shown, moved, scaled and taken down as one. */

import { JSON_TYPE, Client } from '../conformance/client.js';
import { forEachServer, type JsonBody, type Reply } from '../support/server.js';
import {
  MESSAGE,
  OVF,
  STATE,
  actOn,
  components,
  locationOf,
  pathOf,
  send,
  untilNothingIsLeft,
} from './appliance-wire.js';
import { twoPartShop } from './two-part-shop.js';

const GIB = 2 ** 30;
const SITES = 'eu.contrail-project.appliance.sites';
const PLACED = 'eu.contrail-project.ovf.placed';

function site(name: string, cores: number): object {
  const host = {
    name: 'h1',
    rack: 'r1',
    zone: 'z1',
    country: name === 'east' ? 'DE' : 'FR',
    cores,
    memoryBytes: 64 * GIB,
  };
  return { name, type: 'simulator', connects: ['public'], options: { timeFactor: 1000, hosts: [host] } };
}

const SHOP = twoPartShop();

const attribute = (name: string, value: string): string => `${OVF}.${name}="${value}"`;
const inputs = (value: object): string => `${OVF}.inputs=${JSON.stringify(JSON.stringify(value))}`;

forEachServer({ config: { sites: [site('east', 7), site('west', 7), site('far', 64)] as never } }, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const onSites = async (path: string, location: string): Promise<Record<string, string[]>> => {
    const found: Record<string, string[]> = {};
    for (const { attributes } of await components(client(), path, location))
      (found[String(attributes[PLACED])] ??= []).push(String(attributes[`${OVF}.id`]));
    for (const ids of Object.values(found)) ids.sort();
    return found;
  };
  const rehearse = async (...attributes: string[]): Promise<JsonBody> => {
    const reply = await send(client(), SHOP, attributes, '?dry-run');
    expect([reply.status, reply.text]).toEqual([200, expect.any(String)]);
    return reply.json;
  };
  const settled = (path: string, state: string): Promise<Reply> =>
    server().wait(path, ({ json }) => json.attributes[STATE] === state && json.attributes[MESSAGE] === undefined, {
      headers: { accept: JSON_TYPE },
    });
  const refusal = async (...attributes: string[]): Promise<[number, string[]]> => {
    const reply = await send(client(), SHOP, attributes);
    return [reply.status, (reply.json.faults ?? []).map(({ code }: { code: string }) => code)];
  };
  const BOTH = attribute('site', 'east, west');

  // What an earlier appliance has given back shows with the next inventory.
  const room = async (): Promise<void> => {
    for (let deployable = false; !deployable;) deployable = (await rehearse(BOTH)).deployable === true;
  };
  beforeEach(room);

  afterEach(async () => {
    await client().send('DELETE', '/appliance/');
    await untilNothingIsLeft(client());
  });

  it('goes to the first site that takes all of it where nobody asks for more', async () => {
    expect(await rehearse()).toMatchObject({ site: 'far', because: [], deployable: true });
  });

  it('is shown before it is deployed, with the reason', async () => {
    const { placement, because, deployable, findings } = await rehearse(BOTH);
    expect(deployable).toBe(true);
    expect(placement).toEqual([
      { site: 'east', machines: ['web', 'cache'] },
      { site: 'west', machines: ['db', 'log'] },
    ]);
    expect(because).toEqual([
      expect.objectContaining({ code: 'placement.capacity', place: { field: 'east' } }),
      expect.objectContaining({ code: 'placement.capacity', place: { field: 'west' } }),
    ]);
    // Both cut networks from the same range, as sites do of which nothing else is said.
    const clashing = findings.filter(({ code }: { code: string }) => code === 'site.network-pools');
    expect(clashing).toMatchObject([{ severity: 'warning', place: { field: 'public' } }]);
  });

  it('lives as one: deployed, stopped, started, scaled, undeployed, deployed again', async () => {
    const path = pathOf(await send(client(), SHOP, [BOTH]));
    await settled(path, 'active');
    expect((await client().get(path, JSON_TYPE)).json.attributes[SITES]).toBe('east west');
    expect(await onSites(path, '/compute/')).toEqual({ east: ['cache', 'web'], west: ['db', 'log'] });
    expect(await onSites(path, '/network/')).toEqual({
      east: ['front-net', 'public'],
      west: ['back-net', 'public'],
    });
    const active = async (): Promise<void> => {
      for (const compute of await components(client(), path, '/compute/')) {
        await client().until(locationOf('compute', compute), 'occi.compute.state', 'active');
        expect(compute.links.filter(({ kind }: { kind: string }) => kind.endsWith('#networkinterface'))).toHaveLength(
          2,
        );
      }
    };
    await active();
    const scale = (count: number): Promise<Reply> => actOn(client(), path, 'scale', { role: 'web', count });
    expect((await scale(2)).status).toBe(200);
    await settled(path, 'active');
    expect(await onSites(path, '/compute/')).toEqual({ east: ['cache', 'web', 'web-2'], west: ['db', 'log'] });
    expect(await onSites(path, '/network/')).toEqual({ east: ['front-net', 'public'], west: ['back-net', 'public'] });
    await active();
    // Its network keeps it in the east, where there is no room for a third.
    expect((await scale(3)).status).toBe(409);
    expect((await scale(1)).status).toBe(200);
    await settled(path, 'active');
    for (const [term, to] of [
      ['stop', 'inactive'],
      ['start', 'active'],
      ['undeploy', 'inactive'],
      ['start', 'active'],
    ] as const) {
      expect((await actOn(client(), path, term)).status).toBe(200);
      await settled(path, to);
      expect((await components(client(), path, '/compute/')).length).toBe(term === 'undeploy' ? 0 : 4);
      if (term === 'undeploy') await room();
    }
    await active();
    expect(await onSites(path, '/compute/')).toEqual({ east: ['cache', 'web'], west: ['db', 'log'] });
  }, 900_000);

  it('keeps what the user says of single machines and collections', async () => {
    const placed = async (...attributes: string[]): Promise<unknown> => (await rehearse(...attributes)).placement;
    expect(await placed(BOTH, inputs({ sites: { back: 'east' } }))).toEqual([
      { site: 'east', machines: ['db', 'log'] },
      { site: 'west', machines: ['web', 'cache'] },
    ]);
    expect(await placed(inputs({ sites: { back: 'west' } }), attribute('site', 'east'))).toEqual([
      { site: 'east', machines: ['web', 'cache'] },
      { site: 'west', machines: ['db', 'log'] },
    ]);
    expect(await placed(inputs({ sites: { shop: 'far', front: 'west' } }))).toEqual([
      { site: 'west', machines: ['web', 'cache'] },
      { site: 'far', machines: ['db', 'log'] },
    ]);
  });

  it('is refused, and says why, where it cannot be split', async () => {
    // Neither alone, and nobody may split it.
    expect(await refusal(attribute('site', 'east'))).toEqual([409, ['placement.capacity']]);
    // `public` reaches over sites; a network of two machines' own does not.
    expect(await refusal(BOTH, inputs({ sites: { web: 'east', cache: 'west' } }))).toEqual([
      422,
      expect.arrayContaining(['placement.stuck']),
    ]);
    expect(await refusal(attribute('site', 'east, nowhere'))).toEqual([400, ['ovf.site-unknown']]);
    expect(await refusal(inputs({ sites: { web: 'nowhere' } }))).toEqual([400, ['ovf.site-unknown']]);
    expect(await refusal(inputs({ sites: { nobody: 'east' } }))).toEqual([400, ['ovf.item-unknown']]);
  });

  it('uses one network of the user on each site for one of the descriptor', async () => {
    const made: string[] = [];
    for (const name of ['east', 'west']) {
      const reply = await client().send('POST', '/network/', {
        json: { kind: 'http://schemas.ogf.org/occi/infrastructure#network', attributes: { 'occi.core.title': name } },
      });
      made.push(pathOf(reply));
    }
    expect(made).toHaveLength(2);
    const refused = await refusal(BOTH, inputs({ networks: { public: made.join(',') } }));
    // Both lie on the default site.
    expect(refused).toEqual([400, ['ovf.network-twice']]);
    for (const path of made) await client().send('DELETE', path);
  });
});
