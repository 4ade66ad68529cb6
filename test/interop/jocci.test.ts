/**
 * jOCCI as it is on the wire (`spec/occi-interop.md`): HEAD first, equal Content-Type and Accept on every request, a
 * Content-Type and locations in every answer, PUT of what was read.
 */

import { INFRA, lines, readText } from '../conformance/client.js';
import { serverFor, type Reply } from '../support/server.js';

const server = serverFor();

describe.each(['text/plain', 'text/occi'])('in %s', (type) => {
  const send = async (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Reply> => {
    const all = {
      'User-Agent': 'Apache-HttpClient/4.5.14 (Java/17.0.15)',
      'Content-Type': type,
      Accept: type,
      ...headers,
    };
    const reply = await server().request(method, path, { headers: all, ...(body === undefined ? {} : { body }) });
    expect(reply.headers['content-type']).toMatch(new RegExp(`^${type}`));
    return reply;
  };
  const message = (method: string, path: string, fields: Record<string, string>): Promise<Reply> => {
    if (type === 'text/occi') return send(method, path, fields);
    return send(
      method,
      path,
      {},
      Object.entries(fields)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n'),
    );
  };
  /** An entity's fields, whichever way they came. */
  const fieldsOf = (reply: Reply, names: readonly string[]): Record<string, string> => {
    const found = names.map((name): [string, string] => {
      if (type === 'text/occi') return [name, String(reply.headers[name.toLowerCase()] ?? '')];
      const values = lines(reply.text).filter((line) => line.startsWith(`${name}: `));
      return [name, values.map((line) => line.slice(name.length + 2)).join(', ')];
    });
    return Object.fromEntries(found.filter(([, value]) => value !== ''));
  };
  const location = (reply: Reply): string => {
    const url =
      type === 'text/occi' || reply.text === 'OK'
        ? reply.headers.location
        : reply.text.replace(/^X-OCCI-Location: /, '');
    return new URL(url ?? '').pathname;
  };

  it('knocks with HEAD and reads a model whose relations it knows', async () => {
    expect((await send('HEAD', '/-/')).status).toBe(200);
    const reply = await send('GET', '/-/');
    const text =
      type === 'text/plain'
        ? reply.text
        : String(reply.headers['category'])
            .split(', ')
            .map((line) => `Category: ${line}`)
            .join('\r\n');
    const { categories } = readText(text);
    const known = new Set(categories.map((each) => each.id));
    for (const { id, rel, class: is, location: at } of categories) {
      if (rel !== undefined) expect([id, known.has(rel)]).toEqual([id, true]);
      if (is === 'kind' && !id.endsWith('#entity')) expect([id, at]).toEqual([id, expect.any(String)]);
    }
  });

  it('creates, lists, reads, puts back what it read, acts and deletes', async () => {
    const created = await message('POST', '/compute/', {
      Category: `compute;scheme="${INFRA}";class="kind"`,
      'X-OCCI-Attribute': 'occi.core.title="j"',
    });
    expect([200, 201]).toContain(created.status);
    const path = location(created);
    const listed = await send('GET', '/compute/');
    const locations =
      type === 'text/occi'
        ? String(listed.headers['location']).split(',')
        : lines(listed.text).map((line) => line.replace(/^X-OCCI-Location: /, ''));
    expect(locations).toContain(`${server().url}${path}`);

    const read = await send('GET', path);
    const fields = fieldsOf(read, ['Category', 'X-OCCI-Attribute', 'Link']);
    expect(fields['Category']).toMatch(/^compute; /);
    expect(fields['X-OCCI-Attribute']).toContain('occi.core.id=');
    const put = await message('PUT', path, fields);
    expect([200, 201]).toContain(put.status);
    expect(put.headers.location).toBe(`${server().url}${path}`);

    // It makes URLs of an entity from the location beside its kind and the whole id.
    const [, at] = /^compute; [^,]*; location="([^"]+)"/.exec(fields['Category'] ?? '') ?? [];
    const own = `${at}urn:uuid:${path.split('/').at(-1)}`;
    const start = {
      Category: 'start;scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#";class="action"',
    };
    expect([200, 204]).toContain((await message('POST', `${own}?action=start`, start)).status);
    expect([200, 204]).toContain((await send('DELETE', path)).status);
    expect((await send('GET', path)).status).toBe(404);
  });

  it('reads the links of an entity, and puts them back with ends of its own writing', async () => {
    const storage = await message('POST', '/storage/', {
      Category: `storage;scheme="${INFRA}";class="kind"`,
      'X-OCCI-Attribute': 'occi.storage.size=1',
    });
    const created = await message('POST', '/compute/', {
      Category: `compute;scheme="${INFRA}";class="kind"`,
      Link: `<${location(storage)}>;rel="${INFRA}storage";category="${INFRA}storagelink"`,
    });
    const path = location(created);
    const fields = fieldsOf(await send('GET', path), ['Category', 'X-OCCI-Attribute', 'Link']);
    const source = `/compute/urn:uuid:${path.split('/').at(-1)}`;
    const links = (fields['Link'] ?? '').replace(/(occi\.core\.id="[^"]*")/, `$1; occi.core.source="${source}"`);
    expect(links).toContain(source);
    const put = await message('PUT', source, { ...fields, Link: links });
    expect([200, 201]).toContain(put.status);
    expect(fieldsOf(await send('GET', path), ['Link'])['Link']).toContain(location(storage));
  });

  it('finds every attribute, splitting the header at commas and no more', async () => {
    const created = await message('POST', '/storage/', {
      Category: `storage;scheme="${INFRA}";class="kind"`,
      'X-OCCI-Attribute': 'occi.storage.size=2',
    });
    const read = await send('GET', location(created));
    const attributes =
      type === 'text/occi'
        ? String(read.headers['x-occi-attribute']).split(',')
        : lines(read.text).flatMap((line) => /^X-OCCI-Attribute: (.*)/.exec(line)?.[1] ?? []);
    expect(attributes).toContain('occi.storage.size=2');
  });
});
