/**
 * The nine tests of doyouspeakOCCI (I-036, SUITE11, `spec/occi-interop.md`): everything in text/occi headers with empty bodies,
 * creations sent to the root, categories without class, answers read from headers or from the second line of a body.
 */

import { INFRA } from '../conformance/client.js';
import { serverFor, type Reply } from '../support/server.js';

const server = serverFor();
const KIND = (term: string): string => `${term}; scheme="${INFRA}"`;
const TAG = 'my_stuff; scheme="http://example.com/occi/my_stuff#"';

function send(method: string, path: string, headers: Record<string, string> = {}): Promise<Reply> {
  const base = { 'Content-Type': 'text/occi', Accept: 'text/occi', 'User-Agent': 'doyouspeakOCCI' };
  return server().request(method, path, { headers: { ...base, ...headers } });
}
async function create(term: string, headers: Record<string, string> = {}): Promise<string> {
  const reply = await send('POST', '/', { Category: KIND(term), ...headers });
  expect([200, 201]).toContain(reply.status);
  return reply.headers.location ?? '';
}
const pathOf = (url: string): string => new URL(url).pathname;
const header = (reply: Reply, name: string): string => String(reply.headers[name] ?? '');
const listOf = (reply: Reply): string[] => header(reply, 'x-occi-location').split(', ').filter(Boolean);

describe('discovery', () => {
  it('shows the same categories at both URLs', async () => {
    const well = await send('GET', '/.well-known/org/ogf/occi/-/');
    expect(well.status).toBe(200);
    expect(header(well, 'category')).toBe(header(await send('GET', '/-/'), 'category'));
  });

  it('filters to exactly one category', async () => {
    const reply = await send('GET', '/-/', { Category: KIND('compute') });
    expect(header(reply, 'category').split(',')).toHaveLength(1);
  });

  it('takes a user mixin with an unknown relation, and lets it go', async () => {
    const definition = `${TAG}; class="mixin"; rel="http://example.com/occi/something_else#mixin"; location="/my_stuff/"`;
    await send('DELETE', '/-/', { Category: TAG });
    expect((await send('POST', '/-/', { Category: definition })).status).toBe(200);
    expect(header(await send('GET', '/-/'), 'category')).toContain('my_stuff');
    expect((await send('DELETE', '/-/', { Category: TAG })).status).toBe(200);
    expect(header(await send('GET', '/-/'), 'category')).not.toContain('my_stuff');
  });

  it('says in its second line what the suite expects of a category', async () => {
    const reply = await send('GET', '/-/', { Accept: 'text/plain' });
    expect(reply.text.split('\r\n')[1]).toMatch(/^Category: \w+; scheme="[a-z:./#]*"; class="(kind|action|mixin)"/);
    expect(header(reply, 'content-type')).toMatch(/^text\/plain/);
    expect(header(reply, 'server')).toContain('OCCI/1.1');
  });

  it('has the whole infrastructure model of 1.1', async () => {
    const text = (await send('GET', '/-/', { Accept: 'text/plain' })).text;
    const compute = ['architecture', 'cores', 'hostname', 'speed', 'memory', 'state'].map(
      (name) => `occi.compute.${name}`,
    );
    const storage = ['backup', 'snapshot', 'resize', 'online', 'offline'].map((term) => `storage/action#${term}`);
    const others = [
      'occi.network.vlan',
      'occi.network.label',
      'occi.networkinterface.mac',
      'occi.storagelink.deviceid',
    ];
    for (const each of [...compute, ...storage, ...others]) expect(text).toContain(each);
  });
});

describe('collections', () => {
  it('creates at the root and lists with headers and as URIs alike', async () => {
    const made = [await create('compute'), await create('compute'), await create('network')];
    expect(listOf(await send('GET', '/compute/'))).toEqual(expect.arrayContaining(made.slice(0, 2)));
    const uris = (await send('GET', '/compute/', { Accept: 'text/uri-list' })).text.trim().split('\r\n');
    expect(uris).toEqual(listOf(await send('GET', '/compute/')));
  });

  it('acts on a whole collection', async () => {
    const url = await create('compute');
    const action = 'start; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"';
    const reply = await send('POST', '/compute/?action=start', { Category: action });
    expect([reply.status, reply.text]).toEqual([200, expect.any(String)]);
    await server().wait(pathOf(url), (reply) => reply.json.attributes['occi.compute.state'] === 'active');
  });

  it('adds to, replaces and empties the collection of a mixin', async () => {
    await send('POST', '/-/', { Category: `${TAG}; class="mixin"; location="/my_stuff/"` });
    const [one, two] = [await create('compute'), await create('compute')];
    expect((await send('POST', '/my_stuff/', { 'X-OCCI-Location': one })).status).toBe(200);
    expect(listOf(await send('GET', '/my_stuff/'))).toEqual([one]);
    expect(listOf(await send('GET', '/compute/', { Category: TAG }))).toEqual([one]);
    expect((await send('PUT', '/my_stuff/', { 'X-OCCI-Location': two })).status).toBe(200);
    expect(listOf(await send('GET', '/my_stuff/'))).toEqual([two]);
    expect((await send('DELETE', '/my_stuff/', { 'X-OCCI-Location': two })).status).toBe(200);
    expect(listOf(await send('GET', '/my_stuff/'))).toEqual([]);
    expect((await send('DELETE', '/-/', { Category: TAG })).status).toBe(200);
  });

  it('filters by an attribute with blanks', async () => {
    const url = await create('compute', { 'X-OCCI-Attribute': 'occi.compute.hostname="my host name"' });
    const found = await send('GET', '/compute/', { 'X-OCCI-Attribute': 'occi.compute.hostname="my host name"' });
    expect(listOf(found)).toEqual([url]);
  });

  it('empties a collection', async () => {
    expect((await send('DELETE', '/compute/')).status).toBe(200);
    expect(listOf(await send('GET', '/compute/'))).toEqual([]);
  });
});

describe('entities', () => {
  it('reads, acts on, changes and deletes one', async () => {
    const path = pathOf(await create('compute', { 'X-OCCI-Attribute': 'occi.compute.hostname="first"' }));
    const read = await send('GET', path);
    expect(header(read, 'link')).toContain(`<${path}?action=start>`);
    expect((await send('POST', path, { 'X-OCCI-Attribute': 'occi.compute.memory=5.0' })).status).toBe(200);
    expect(header(await send('GET', path), 'x-occi-attribute')).toMatch(/occi\.compute\.memory=5(\.0)?(,|$)/);
    const action = 'start; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"';
    expect((await send('POST', `${path}?action=start`, { Category: action })).status).toBe(200);
    const put = { Category: KIND('compute'), 'X-OCCI-Attribute': 'occi.compute.hostname="second"' };
    expect((await send('PUT', path, put)).status).toBe(200);
    expect([200, 201, 400]).toContain((await send('PUT', '/123', { Category: KIND('compute') })).status);
    expect((await send('DELETE', path)).status).toBe(200);
    expect((await send('GET', path)).status).toBe(404);
  });

  it('does not let a quote smuggle an attribute in', async () => {
    const attributes = 'occi.compute.memory=3.6, occi.core.title="Quote escaping m\'kay? \\", occi.compute.memory=1.0"';
    const path = pathOf(await create('compute', { 'X-OCCI-Attribute': attributes }));
    expect(header(await send('GET', path), 'x-occi-attribute')).toContain('occi.compute.memory=3.6');
  });
});

describe('links', () => {
  it('joins compute and network, shows both ends, and goes with its compute', async () => {
    const [compute, network] = [await create('compute'), await create('network')];
    const link = await create('networkinterface', {
      'X-OCCI-Attribute': `occi.core.source="${compute}", occi.core.target="${network}"`,
    });
    const attributes = header(await send('GET', pathOf(link)), 'x-occi-attribute');
    expect(attributes).toContain(`occi.core.source="${pathOf(compute)}"`);
    expect(attributes).toContain(`occi.core.target="${pathOf(network)}"`);
    expect((await send('DELETE', pathOf(compute))).status).toBe(200);
    expect((await send('GET', pathOf(link))).status).toBe(404);
  });

  it('makes a link given with its compute', async () => {
    const network = pathOf(await create('network'));
    const link = `<${network}>; rel="${INFRA}network"; category="${INFRA}networkinterface"; occi.networkinterface.interface="eth0"; occi.networkinterface.mac="00:11:22:33:44:55"`;
    const compute = pathOf(await create('compute', { Link: link }));
    expect(header(await send('GET', compute), 'link')).toContain(network);
  });
});
