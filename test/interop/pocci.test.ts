/**
 * The tests of pOCCI (I-036, `spec/occi.md` §14) in both text forms: it splits attributes at semicolons, wants every category
 * once and knows only the parameters of the standard, and compares URLs as strings.
 */

import { CORE, INFRA } from '../conformance/client.js';
import { serverFor, type Reply } from '../support/server.js';

const server = serverFor();

describe.each(['text/plain', 'text/occi'])('in %s', (type) => {
  interface Fields {
    readonly Category?: readonly string[];
    readonly 'X-OCCI-Attribute'?: readonly string[];
    readonly Link?: readonly string[];
  }
  function send(method: string, path: string, fields: Fields = {}): Promise<Reply> {
    const headers: Record<string, string> = {
      'Content-Type': type,
      Accept: type,
      'User-Agent': 'PycURL/7.45.2 libcurl/7.88.1',
    };
    if (type === 'text/plain') {
      const body = Object.entries(fields).flatMap(([name, values]) =>
        (values as string[]).map((value) => `${name}: ${value}\r\n`),
      );
      return server().request(method, path, { headers, ...(body.length > 0 ? { body: body.join('') } : {}) });
    }
    for (const [name, values] of Object.entries(fields)) headers[name] = (values as string[]).join(', ');
    return server().request(method, path, { headers });
  }
  /** Values of a field, by lines or split at the commas between them. */
  function values(reply: Reply, name: string): string[] {
    if (type === 'text/plain') {
      const lines = reply.text.split('\r\n').filter((line) => line.startsWith(`${name}: `));
      return lines.map((line) => line.slice(name.length + 2));
    }
    const joined = String(reply.headers[name.toLowerCase()] ?? '');
    return joined.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((value) => value.trim()) ?? [];
  }
  const KIND = (term: string): string => `${term}; scheme="${INFRA}"; class="kind"`;
  async function create(term: string, fields: Fields = {}): Promise<string> {
    const reply = await send('POST', `/${term}/`, { ...fields, Category: [KIND(term), ...(fields.Category ?? [])] });
    expect([200, 201]).toContain(reply.status);
    const url = type === 'text/plain' ? values(reply, 'X-OCCI-Location')[0] : reply.headers.location;
    return url ?? '';
  }
  const pathOf = (url: string): string => new URL(url).pathname;

  it('CORE/DISCOVERY: core kinds, every category once, known parameters only, filters', async () => {
    const reply = await send('GET', '/-/');
    expect(reply.headers['content-type']).toMatch(new RegExp(`^${type}`));
    const categories = values(reply, 'Category');
    const known = ['scheme', 'class', 'title', 'rel', 'location', 'attributes', 'actions'];
    const ids = categories.map((category) => {
      const [term, ...parameters] = category.split(/; ?(?=[a-z]+=)/);
      for (const parameter of parameters) expect(known).toContain(parameter.split('=')[0]);
      return `${/scheme="([^"]*)"/.exec(category)?.[1]}${term}`;
    });
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining([`${CORE}entity`, `${CORE}resource`, `${CORE}link`]));
    const filtered = await server().request('GET', '/-/', {
      headers: { 'Content-Type': 'text/occi', Accept: type, Category: KIND('compute') },
    });
    expect(values(filtered, 'Category')[0]).toMatch(/^compute; /);
  });

  it('CORE/READ: absolute URLs, every one of which is there', async () => {
    const url = await create('network');
    const listed = values(await send('GET', '/network/'), 'X-OCCI-Location');
    expect(listed).toContain(url);
    for (const each of listed) {
      expect(each).toMatch(/^http:\/\/[^/]+\/network\//);
      expect((await send('GET', pathOf(each))).status).toBe(200);
    }
  });

  it('CORE/CREATE: a mixin of the user is added', async () => {
    const term = `tag_${type.replace('/', '_')}`;
    // Below a mixin of the provider, and depending on it.
    const definition = `${term}; scheme="http://example.com/pocci#"; class="mixin"; location="/mixin/resource_tpl/${term}/"; rel="${INFRA}resource_tpl"`;
    expect((await send('POST', '/-/', { Category: [definition] })).status).toBe(200);
    expect(values(await send('GET', '/-/'), 'Category').some((category) => category.startsWith(`${term};`))).toBe(true);
  });

  it('CORE/CREATE: a resource with an architecture that there is nowhere', async () => {
    const attributes = ['occi.core.id="Compute_1"', 'occi.core.summary="s"', 'occi.compute.architecture="arch"'];
    const url = await create('compute', { 'X-OCCI-Attribute': attributes });
    expect(values(await send('GET', pathOf(url)), 'X-OCCI-Attribute')).toContain('occi.compute.architecture="x64"');
  });

  it('CORE/UPDATE: the whole entity, links included, is put back', async () => {
    const network = await create('network');
    const link = `<${pathOf(network)}>; rel="${INFRA}network"; category="${INFRA}networkinterface"; occi.networkinterface.interface="eth0"; occi.networkinterface.mac="00:11:22:33:44:66"`;
    const url = await create('compute', { 'X-OCCI-Attribute': ['occi.core.title="before"'], Link: [link] });
    const read = await send('GET', pathOf(url));
    const fields = {
      Category: values(read, 'Category'),
      'X-OCCI-Attribute': values(read, 'X-OCCI-Attribute').map((value) => value.replace('"before"', '"after"')),
      Link: values(read, 'Link'),
    };
    const put = await send('PUT', pathOf(url), fields);
    expect(put.status).toBe(200);
    expect(put.headers.location ?? url).toBe(url);
    expect(values(await send('GET', pathOf(url)), 'X-OCCI-Attribute')).toContain('occi.core.title="after"');
  });

  it('CORE/MISC: an action', async () => {
    const url = await create('compute');
    const action = 'start; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"';
    expect((await send('POST', `${pathOf(url)}?action=start`, { Category: [action] })).status).toBe(200);
  });

  it('INFRA/CREATE: storage, templates, inline and direct links, which show on the compute', async () => {
    const storage = await create('storage', {
      'X-OCCI-Attribute': ['occi.storage.size=0.1', 'occi.core.title="Storage 1"'],
    });
    const model = values(await send('GET', '/-/'), 'Category');
    const template = (base: string): string => {
      const found = model.find((category) => category.includes(`rel="${INFRA}${base}"`)) ?? '';
      return found.split(/; (?=title|rel|location)/)[0] ?? '';
    };
    const compute = await create('compute', { Category: [template('os_tpl'), template('resource_tpl')] });
    const ends = (target: string): Fields => ({
      'X-OCCI-Attribute': [`occi.core.source="${compute}"`, `occi.core.target="${target}"`],
    });
    await create('storagelink', ends(storage));
    const network = await create('network');
    await create('networkinterface', ends(network));
    const targets = values(await send('GET', pathOf(compute)), 'Link').map((link) => /^<([^>]*)>/.exec(link)?.[1]);
    expect(targets).toEqual(expect.arrayContaining([pathOf(storage), pathOf(network)]));
  });

  it('CORE/DELETE: gone, and 404', async () => {
    const url = await create('compute');
    expect((await send('DELETE', pathOf(url))).status).toBe(200);
    expect((await send('GET', pathOf(url))).status).toBe(404);
  });
});
