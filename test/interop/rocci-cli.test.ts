/**
 * rOCCI-cli 4.3 as it is on the wire (`spec/occi-interop.md`): the query interface twice, lists as URIs, descriptions
 * one by one, creation with a list of media types, update by mixin, triggers, links.
 */

import { CRTP, INFRA, OS, lines, readText } from '../conformance/client.js';
import { serverFor, type Reply } from '../support/server.js';

const server = serverFor();
const AGENT = 'rOCCI-core/4.3.6 rOCCI-api/4.3.15 OCCI/1.1 x86_64-linux-gnu ruby-2.3.3';
const MODEL = 'text/plain,text/occi';

function send(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Reply> {
  const all = {
    'User-Agent': AGENT,
    'Accept-Encoding': 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
    Connection: 'close',
    ...headers,
  };
  return server().request(method, path, { headers: all, ...(body === undefined ? {} : { body }) });
}
const post = (path: string, ...body: string[]): Promise<Reply> =>
  send('POST', path, { 'Content-Type': MODEL, Accept: MODEL }, body.join('\n'));
/** What the client takes for the URL of what it made: Location, else the body's X-OCCI-Location. */
const made = (reply: Reply): string => {
  expect([200, 201, 202, 204]).toContain(reply.status);
  return new URL(reply.headers.location ?? /X-OCCI-Location: (\S+)/.exec(reply.text)?.[1] ?? '').pathname;
};

/** The grammar of the client's parser: fixed order, fixed case, unsigned numbers. */
const ATTRIBUTE = /^X-OCCI-Attribute: [a-z0-9_.-]+=(?:"(?:[^"\\]|\\.)*"|\d+(?:\.\d+)?|true|false)$/;
const LINK =
  /^Link: <[^>]+>; rel="[^"]+"(?:; self="[^"]+"; category="[^"]+"(?:; [a-z0-9_.-]+=(?:"(?:[^"\\]|\\.)*"|[\d.]+|true|false))*)?$/;
function parse(text: string): ReturnType<typeof readText> {
  for (const line of lines(text)) {
    if (line.startsWith('X-OCCI-Attribute')) expect(line).toMatch(ATTRIBUTE);
    if (line.startsWith('Link')) expect(line).toMatch(LINK);
    // A link with attributes, but none of occi.core, ends the client.
    if (/; occi\./.test(line)) expect(line).toMatch(/; occi\.core\./);
  }
  return readText(text);
}

it('authenticates, reads the model, and finds a template', async () => {
  const first = await send('GET', '/-/', { Accept: 'text/plain,text/occi;q=0.2' });
  expect([first.status, first.headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/plain/)]);
  const { categories } = parse((await send('GET', '/-/', { Accept: MODEL })).text);
  const template = categories.find((each) => each.rel === `${INFRA}os_tpl` && each.term === 'debian12');
  expect(template?.scheme).toBe(OS);
  // The client looks for the action of that name in the whole model and gives up when there are two.
  const actions = categories.filter((each) => each.class === 'action').map(({ term }) => term);
  expect(actions).toHaveLength(new Set(actions).size);
  const starts = categories.filter((each) => each.class === 'action' && each.term === 'start');
  expect(starts.map(({ scheme }) => scheme)).toEqual([`${INFRA.slice(0, -1)}/compute/action#`]);
  const root = await send('GET', '', { Accept: MODEL });
  expect([200, 204]).toContain(root.status);
  expect(root.headers['accept']).not.toContain('json');
});

it('creates, lists, describes, triggers, updates, links and deletes', async () => {
  const network = made(
    await post(
      '/network/',
      `Category: network;scheme="${INFRA}";class="kind"`,
      'X-OCCI-Attribute: occi.core.title="net"',
    ),
  );
  const compute = made(
    await post(
      '/compute/',
      `Category: compute;scheme="${INFRA}";class="kind"`,
      `Category: debian12;scheme="${OS}";class="mixin"`,
      `Category: small;scheme="${CRTP}";class="mixin"`,
      `X-OCCI-Attribute: occi.core.id="${crypto.randomUUID()}"`,
      'X-OCCI-Attribute: occi.core.title="vm"',
      'X-OCCI-Attribute: occi.compute.hostname="vm"',
      `Link: <${network}>;rel="${INFRA}network";category="${INFRA}networkinterface";occi.networkinterface.interface="eth0"`,
    ),
  );
  const list = await send('GET', '/compute/', { Accept: 'text/uri-list' });
  // Split at LF and nothing trimmed: a CR would be a part of the URL.
  expect(list.text.split('\n').filter((line) => line !== '')).toEqual([`${server().url}${compute}`]);
  const described = parse((await send('GET', compute, { Accept: MODEL })).text);
  expect(described.attributes['occi.core.title']).toBe('vm');
  expect(described.links.filter((link) => link.self)).toHaveLength(1);

  const early = await post(
    `${compute}?action=restart`,
    'Category: restart;scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#";class="action"',
  );
  // `save` came with 1.2 and is not offered to who speaks 1.1.
  expect([early.status, early.text]).toEqual([400, expect.stringMatching(/possible now: start\b(?!.*save)/)]);
  const start = await post(
    `${compute}?action=start`,
    'Category: start;scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#";class="action"',
  );
  // Categories in the answer would be printed as new templates.
  expect([start.status, /Category/.test(start.text)]).toEqual([200, false]);
  await server().wait(compute, (reply) => reply.json.attributes['occi.compute.state'] === 'active');

  const update = await post(
    compute,
    `Category: large;scheme="${CRTP}";class="mixin";title="A large Compute instance";rel="${INFRA}resource_tpl";location="/mixin/resource_tpl/large/"`,
  );
  expect(update.status).toBe(200);
  expect(parse(update.text).attributes['occi.compute.cores']).toBe(4);
  expect(update.headers.location).toBe(`${server().url}${compute}`);

  const storage = made(
    await post(
      '/storage/',
      `Category: storage;scheme="${INFRA}";class="kind"`,
      'X-OCCI-Attribute: occi.storage.size=1',
      'X-OCCI-Attribute: occi.core.title="disk"',
    ),
  );
  const link = made(
    await post(
      '/storagelink/',
      `Category: storagelink;scheme="${INFRA}";class="kind"`,
      `X-OCCI-Attribute: occi.core.source="${compute}"`,
      `X-OCCI-Attribute: occi.core.target="${storage}"`,
    ),
  );
  expect(parse((await send('GET', link, { Accept: MODEL })).text).attributes['occi.core.target']).toMatch(
    new RegExp(`${storage}$`),
  );
  // It nests attributes at their dots, so that occi.core.target.kind would take the place of occi.core.target.
  expect((await send('GET', link, { Accept: MODEL })).text).not.toMatch(/occi\.core\.(?:source|target)\.kind/);
  for (const path of [link, compute, storage, network])
    expect([200, 204]).toContain((await send('DELETE', path, { Accept: MODEL })).status);
  expect((await send('GET', '/compute/', { Accept: 'text/uri-list' })).text.trim()).toBe('');
});

it('takes the first header line of each name and splits it at commas in text/occi', async () => {
  const reply = await send('GET', '/-/', { Accept: 'text/occi' });
  expect(reply.rawHeaders.filter((name) => name.toLowerCase() === 'category')).toHaveLength(1);
  for (const part of String(reply.headers['category']).split(','))
    expect(part.trim()).toMatch(/^[a-z][a-z0-9_-]*; scheme="[^"]+"; class="(kind|mixin|action)"/);
});
