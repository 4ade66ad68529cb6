/** The browsable API over the wire: every OCCI URL as a page, forms as OCCI requests, and what is refused. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { startTestServer, type Reply, type RequestOptions, type TestServer } from '../support/server.js';
import { barriers, outline, type Element } from './html-outline.js';

const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const JSON_TYPE = 'application/occi+json';
const INFRASTRUCTURE = 'http://schemas.ogf.org/occi/infrastructure#';
const COMPUTE = `${INFRASTRUCTURE}compute`;
const START = 'http://schemas.ogf.org/occi/infrastructure/compute/action#start';
const SMALL = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';
const SSH_KEY = 'http://schemas.ogf.org/occi/infrastructure/credentials#ssh_key';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

function page(path: string, options: RequestOptions = {}): Promise<Reply> {
  return server.request('GET', path, { ...options, headers: { accept: HTML, ...options.headers } });
}

/** Submits a form as a page of the server does. */
function submit(path: string, fields: Record<string, string | string[]>, options: RequestOptions = {}): Promise<Reply> {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  );
  return server.request('POST', path, {
    ...options,
    headers: {
      accept: HTML,
      'content-type': 'application/x-www-form-urlencoded',
      origin: server.url,
      ...options.headers,
    },
    body: new URLSearchParams(pairs).toString(),
  });
}

async function make(path: string, entity: object, options: RequestOptions = {}): Promise<string> {
  const headers = { accept: JSON_TYPE, 'content-type': JSON_TYPE };
  const made = await server.request('POST', path, { ...options, headers, body: JSON.stringify(entity) });
  expect([made.status, made.text]).toEqual([201, expect.any(String)]);
  return new URL(made.headers.location ?? '').pathname;
}

async function entityAt(path: string): Promise<Reply['json']> {
  return (await server.request('GET', path, { headers: { accept: JSON_TYPE } })).json;
}

function elementsOf(reply: Reply): Element[] {
  expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
  const elements = outline(reply.text);
  expect(barriers(elements)).toEqual([]);
  return elements;
}

function titled(reply: Reply): string | undefined {
  return elementsOf(reply)
    .find(({ name }) => name === 'h1')
    ?.text.trim();
}

describe('a page', () => {
  let compute: string;
  let network: string;
  let link: string;
  beforeAll(async () => {
    compute = await make('/compute/', { kind: COMPUTE, title: 'front', mixins: [SMALL], attributes: {} });
    network = await make('/network/', { kind: `${INFRASTRUCTURE}network`, title: 'inner', attributes: {} });
    link = await make('/networkinterface/', {
      kind: `${INFRASTRUCTURE}networkinterface`,
      attributes: {},
      source: { location: compute },
      target: { location: network },
    });
  });

  it.each([
    ['/', 'Your cloud'],
    ['/-/', 'Categories'],
    ['/.well-known/org/ogf/occi/-/', 'Categories'],
    ['/compute/', 'Compute'],
    ['/compute', 'Compute'],
    ['/networkinterface/', 'Networkinterface'],
    ['/appliance/', 'Appliance'],
    ['/mixin/os_tpl/', 'OS template base mixin'],
    ['/mixin/', '/mixin/'],
  ])('is what %s shows: %s', async (path, title) => {
    const reply = await page(path);
    expect([reply.status, titled(reply)]).toEqual([200, title]);
  });

  it('shows an entity with its attributes, links, actions and mixins', async () => {
    const reply = await page(compute);
    expect(titled(reply)).toMatch(/^front/);
    const links = elementsOf(reply)
      .filter(({ name }) => name === 'a')
      .map(({ attributes }) => attributes['href']);
    expect(links).toEqual(expect.arrayContaining([network, link, '/compute/', '/mixin/resource_tpl/small/']));
    expect(reply.text).toContain('occi.compute.cores');
    expect(reply.text).toContain(`value="${START}"`);
  });

  it('shows the ends of a link', async () => {
    const reply = await page(link);
    expect(reply.text).toContain(`<a href="${compute}"><bdi>front</bdi></a>`);
    expect(reply.text).toContain(`<a href="${network}"><bdi>inner</bdi></a>`);
  });

  it('comes with header fields that keep browsers from misusing it', async () => {
    const { headers } = await page('/');
    expect(String(headers['content-security-policy']).split(';').sort()).toEqual(
      [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ].sort(),
    );
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
      vary: 'Accept',
    });
    expect(headers['server']).toContain('OCCI/1.2');
  });

  it('has its length and no body for HEAD', async () => {
    const reply = await server.request('HEAD', '/compute/', { headers: { accept: HTML } });
    expect([reply.status, reply.bytes.length, Number(reply.headers['content-length']) > 1000]).toEqual([200, 0, true]);
  });

  it('leads to assets that anyone may read and keep', async () => {
    const elements = elementsOf(await page('/'));
    const assets = elements.flatMap(({ name, attributes }) =>
      name === 'script' ? [attributes['src']] : name === 'link' ? [attributes['href']] : [],
    );
    expect(assets).toHaveLength(3);
    for (const asset of assets) {
      const reply = await server.request('GET', asset ?? '', { as: null });
      expect([reply.status, reply.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
    }
  });

  it('is never an answer to those who did not ask for one', async () => {
    for (const accept of ['*/*', 'text/plain', 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2']) {
      expect((await server.request('GET', compute, { headers: { accept } })).headers['content-type']).toMatch(
        /^text\/plain/,
      );
    }
    expect((await server.request('GET', compute)).headers['content-type']).toMatch(/^text\/plain/);
  });

  it('gives the other renderings one click away, and to nobody else by that parameter', async () => {
    const hrefs = elementsOf(await page(compute)).flatMap(({ attributes }) => attributes['href'] ?? []);
    const raw = hrefs.filter((href) => href.includes('as=')).map((href) => href.replaceAll('&amp;', '&'));
    expect(raw).toHaveLength(3);
    for (const href of raw) {
      const reply = await page(href);
      expect(reply.status).toBe(200);
      expect(reply.headers['content-type']).toContain(new URL(href, server.url).searchParams.get('as')?.split(';')[0]);
    }
    expect((await page(raw[0] ?? '')).json.id).toBe(`urn:uuid:${compute.slice('/compute/'.length)}`);
    expect((await page(`${compute}?as=text/uri-list`)).status).toBe(400);
    const other = await server.request('GET', raw[0] ?? '', { headers: { accept: JSON_TYPE } });
    expect([other.status, other.json.faults[0].code]).toEqual([400, 'http.unknown-parameter']);
  });

  it('refuses parameters that it does not know', async () => {
    for (const path of ['/?dry-run', '/-/?page=1', `${compute}?mixin=x`, '/compute/?dryrun=true']) {
      const reply = await page(path);
      expect([path, reply.status, titled(reply)]).toEqual([path, 400, 'This was not understood']);
    }
  });
});

describe('a list', () => {
  beforeAll(async () => {
    for (let each = 0; each < 30; each += 1) {
      await make('/storage/', {
        kind: `${INFRASTRUCTURE}storage`,
        title: `disk ${each}`,
        attributes: { 'occi.storage.size': 1 + (each % 2) },
      });
    }
  });

  const rows = (reply: Reply): number => reply.text.match(/<th scope="row">/g)?.length ?? 0;

  it('is shown page by page', async () => {
    const first = await page('/storage/');
    expect([rows(first), first.text.includes('rel="next"'), first.text.includes('rel="prev"')]).toEqual([
      25,
      true,
      false,
    ]);
    const second = await page('/storage/?page=2&number=25');
    expect([rows(second), second.text.includes('rel="next"'), second.text.includes('rel="prev"')]).toEqual([
      5,
      false,
      true,
    ]);
    elementsOf(second);
    expect((await page('/storage/?page=2')).status).toBe(400);
  });

  it('is filtered by mixin and by attribute, as header fields would', async () => {
    expect(rows(await page('/storage/?mixin=&attribute=occi.storage.size&value=2'))).toBe(15);
    expect(rows(await page('/storage/?mixin=&attribute=&value='))).toBe(25);
    const raw = await page('/storage/?attribute=occi.storage.size&value=2&as=text/uri-list');
    expect(raw.text.trim().split('\r\n')).toHaveLength(15);
    expect((await page('/storage/?mixin=http://example.org/none%23none')).status).toBe(400);
  });

  it('is as short for others as it is elsewhere', async () => {
    const reply = await page('/storage/', { as: 'stranger' });
    expect(rows(reply)).toBe(0);
    expect(reply.text).toContain('There is nothing here yet.');
  });
});

describe('a refusal', () => {
  it('asks a browser to sign in, without a word about the URL', async () => {
    const there = await page('/compute/', { as: null });
    const nowhere = await page('/nothing', { as: null });
    expect([there.status, titled(there)]).toEqual([401, 'Please sign in']);
    expect(there.headers['www-authenticate']).toMatch(/^Basic realm="VEP"/);
    const bare = (reply: Reply): string => reply.text.replace(/<code>[0-9a-f-]{36}<\/code>/, '');
    expect(bare(there)).toBe(bare(nowhere));
  });

  it('takes an account with its token in place of the password', async () => {
    const basic = Buffer.from(`user:${server.tokens.user}`).toString('base64');
    expect((await page('/', { as: null, headers: { authorization: `Basic ${basic}` } })).status).toBe(200);
  });

  it('says code, place and remedy', async () => {
    const reply = await page('/compute/?page=x&number=1');
    expect([reply.status, titled(reply)]).toEqual([400, 'This was not understood']);
    expect(reply.text).toContain('<code>http.page</code>');
    expect(reply.text).toContain('Where: page');
    expect(reply.text).toContain('What to do: write digits only');
  });

  it('is the same for what is not there and for what is not yours (K14)', async () => {
    const mine = await make('/compute/', { kind: COMPUTE, attributes: {} });
    const foreign = await page(mine, { as: 'stranger' });
    const absent = await page(`${mine.slice(0, -12)}000000000000`, { as: 'stranger' });
    const bare = (reply: Reply): string => reply.text.replace(/<code>[0-9a-f-]{36}<\/code>/, '');
    expect([foreign.status, absent.status, bare(foreign)]).toEqual([404, 404, bare(absent)]);
    const taken = await submit(mine, { form: 'remove' }, { as: 'stranger' });
    expect(taken.status).toBe(404);
    expect((await page(mine)).status).toBe(200);
  });

  it('is a page beside OCCI, too', async () => {
    const reply = await page('/upload/01a2038b-1ebd-75af-9c25-70ffcfecb43f');
    expect([reply.status, titled(reply)]).toEqual([404, 'There is nothing here']);
  });
});

describe('what clients stored', () => {
  const NASTY = `<img src=x onerror=alert(1)> "'&amp; \u202e </textarea></script>`;

  it('is text wherever a page shows it', async () => {
    const attributes = { 'occi.compute.hostname': NASTY.replaceAll('\u202e', '') };
    const path = await make('/compute/', { kind: COMPUTE, title: NASTY, summary: NASTY, attributes });
    for (const url of [
      '/',
      '/compute/',
      path,
      `/compute/?attribute=occi.compute.hostname&value=${encodeURIComponent(NASTY)}`,
    ]) {
      const reply = await page(url);
      expect(reply.status).toBe(200);
      elementsOf(reply);
      expect(reply.text).not.toContain('<img');
    }
    const shown = (await page(path)).text;
    expect(shown).toContain('&lt;img src=x onerror=alert(1)&gt; &quot;&#39;&amp;amp; \\u202e');
  });

  it('goes back unchanged when the form is saved as it is', async () => {
    const path = await make('/compute/', {
      kind: COMPUTE,
      title: ` ${NASTY} `,
      summary: '\nfirst\nsecond\n',
      attributes: {},
    });
    const before = await server.request('GET', path, { headers: { accept: JSON_TYPE } });
    const reply = await submit(path, { ...formOf(await page(path), 'update'), form: 'update' });
    expect([reply.status, reply.text]).toEqual([303, '']);
    const after = await server.request('GET', path, { headers: { accept: JSON_TYPE } });
    expect([after.text, after.headers.etag]).toEqual([before.text, before.headers.etag]);
  });

  it('is not a link where it is a URL of a scheme that runs something', async () => {
    const source = await make('/compute/', { kind: COMPUTE, attributes: {} });
    const target = { location: 'javascript:alert(1)' };
    await server.request('POST', '/link/', {
      headers: { accept: JSON_TYPE, 'content-type': JSON_TYPE },
      body: JSON.stringify({
        kind: 'http://schemas.ogf.org/occi/core#link',
        attributes: {},
        source: { location: source },
        target,
      }),
    });
    expect((await page(source)).text).not.toContain('href="javascript');
  });
});

describe('a form', () => {
  it('creates an entity with typed attributes and mixins, once however often it is sent', async () => {
    const elements = elementsOf(await page('/compute/'));
    const key = elements.find(({ attributes }) => attributes['name'] === 'key')?.attributes['value'] ?? '';
    const fields = {
      form: 'create',
      key,
      'attribute:occi.core.title': 'made by hand',
      'attribute:occi.compute.memory': '2.5',
      'attribute:occi.compute.hostname': '',
      'attribute:occi.credentials.ssh.publickey': 'ssh-ed25519 AAAA\r\nsecond line',
      mixin: ['', SSH_KEY],
    };
    const reply = await submit('/compute/', fields);
    const again = await submit('/compute/', fields);
    expect([reply.status, again.status]).toEqual([303, 303]);
    expect(again.headers.location).toBe(reply.headers.location);
    const made = await entityAt(new URL(reply.headers.location ?? '').pathname);
    expect(made).toMatchObject({
      title: 'made by hand',
      mixins: [SSH_KEY],
      attributes: { 'occi.compute.memory': 2.5 },
    });
    expect(made.attributes['occi.credentials.ssh.publickey']).toBe('ssh-ed25519 AAAA\nsecond line');
  });

  it('comes back with what was entered and every fault where it belongs', async () => {
    const reply = await submit('/compute/', {
      form: 'create',
      'attribute:occi.core.title': 'keep <me>',
      'attribute:occi.compute.cores': '0',
      'attribute:occi.compute.memory': 'much',
    });
    expect(reply.status).toBe(400);
    const elements = elementsOf(reply);
    const field = (name: string): Element['attributes'] | undefined =>
      elements.find(({ attributes }) => attributes['name'] === `attribute:${name}`)?.attributes;
    expect(field('occi.core.title')?.['value']).toBe('keep &lt;me&gt;');
    expect(field('occi.compute.cores')).toMatchObject({ value: '0', 'aria-invalid': 'true' });
    expect(field('occi.compute.memory')).toMatchObject({ value: 'much', 'aria-invalid': 'true' });
    expect(reply.text).toContain('<code>attribute.pattern</code>');
    expect(reply.text).toContain('<code>attribute.type</code>');
    expect(elements.some(({ attributes }) => attributes['role'] === 'alert')).toBe(true);
  });

  it('does not show again what may be a secret (K04)', async () => {
    const reply = await submit('/appliance/', {
      form: 'create',
      'attribute:eu.contrail-project.ovf.inputs': '{"credentials": {"image": "s3cr3t"}',
      'attribute:eu.contrail-project.ovf.keep-on-failure': 'perhaps',
    });
    expect(reply.status).toBe(400);
    expect(reply.text).not.toContain('s3cr3t');
  });

  it('changes only what was changed', async () => {
    const path = await make('/compute/', {
      kind: COMPUTE,
      title: 'old',
      attributes: { 'occi.compute.hostname': 'a.example' },
    });
    const form = formOf(await page(path), 'update');
    const reply = await submit(path, { ...form, 'attribute:occi.core.title': 'new' });
    expect([reply.status, reply.headers.location]).toEqual([303, server.url + path]);
    expect(await entityAt(path)).toMatchObject({ title: 'new', attributes: { 'occi.compute.hostname': 'a.example' } });
  });

  it('takes away what was emptied, and nothing else', async () => {
    const path = await make('/compute/', {
      kind: COMPUTE,
      title: 'named',
      mixins: [SMALL],
      attributes: { 'occi.compute.hostname': 'a.example', 'occi.compute.share': 7 },
    });
    const form = formOf(await page(path), 'update');
    expect((await submit(path, { ...form, 'attribute:occi.compute.hostname': '' })).status).toBe(303);
    const changed = await entityAt(path);
    expect(changed.attributes['occi.compute.hostname']).toBeUndefined();
    expect(changed).toMatchObject({ title: 'named', attributes: { 'occi.compute.share': 7 } });
    expect(changed.mixins).toContain(SMALL);
  });

  it('is refused where the entity has changed since the page was made (K13)', async () => {
    const path = await make('/compute/', { kind: COMPUTE, title: 'first', attributes: {} });
    const form = formOf(await page(path), 'update');
    await submit(path, { ...form, 'attribute:occi.core.title': 'second' });
    const late = await submit(path, { ...form, 'attribute:occi.core.title': 'third' });
    expect(late.status).toBe(412);
    elementsOf(late);
    expect((await entityAt(path)).title).toBe('second');
  });

  it('acts, and says why it cannot', async () => {
    const path = await make('/compute/', { kind: COMPUTE, attributes: {} });
    expect((await submit(path, { form: 'act', action: START })).status).toBe(303);
    await server.wait(path, (reply) => reply.json.attributes['occi.compute.state'] === 'active');
    const again = await submit(path, { form: 'act', action: START });
    expect(again.status).toBe(409);
    expect(again.text).toContain('occi.action-not-applicable');
    const stop = START.replace('start', 'stop');
    const wrong = await submit(path, { form: 'act', action: stop, 'attribute:method': 'kick' });
    expect([wrong.status, wrong.text.includes('attribute.pattern')]).toEqual([400, true]);
    elementsOf(wrong);
    expect((await submit(path, { form: 'act', action: stop, 'attribute:method': 'graceful' })).status).toBe(303);
  });

  it('adds and removes mixins', async () => {
    const path = await make('/compute/', { kind: COMPUTE, attributes: {} });
    const missing = await submit(path, { form: 'add-mixin', mixin: SSH_KEY });
    expect(missing.status).toBe(400);
    elementsOf(missing);
    await submit(path, { form: 'add-mixin', mixin: SSH_KEY, 'attribute:occi.credentials.ssh.publickey': 'ssh-rsa B' });
    expect((await entityAt(path)).mixins).toEqual([SSH_KEY]);
    elementsOf(await page(path));
    expect((await submit(path, { form: 'remove-mixin', mixin: SSH_KEY })).status).toBe(303);
    expect((await entityAt(path)).mixins ?? []).toEqual([]);
  });

  it('defines a mixin, associates and dissociates members, and forgets it', async () => {
    const path = await make('/compute/', { kind: COMPUTE, title: 'tagged', attributes: {} });
    const mixin = { scheme: 'http://example.org/tags#', term: 'blue', location: '/tags/blue/', title: 'Blue things' };
    const wrong = await submit('/-/', { form: 'define-mixin', ...mixin, location: 'nowhere' });
    expect([wrong.status, wrong.text.includes('value="http://example.org/tags#"')]).toEqual([400, true]);
    elementsOf(wrong);
    expect((await submit('/-/', { form: 'define-mixin', ...mixin })).status).toBe(303);
    expect((await page('/-/')).text).toContain('Blue things');
    expect((await submit('/tags/blue/', { form: 'associate', entity: path })).status).toBe(303);
    const members = await page('/tags/blue/');
    expect(members.text).toContain('tagged');
    elementsOf(members);
    expect((await submit('/tags/blue/', { form: 'dissociate', entity: path })).status).toBe(303);
    expect((await page('/tags/blue/')).text).not.toContain('tagged');
    expect((await submit('/-/', { form: 'forget-mixin', mixin: 'http://example.org/tags#blue' })).status).toBe(303);
    expect((await page('/tags/blue/')).status).toBe(404);
    expect((await submit('/-/', { form: 'forget-mixin', mixin: SSH_KEY })).status).toBe(403);
  });

  it('creates a link from the page of its source, and leads back there when it is deleted', async () => {
    const source = await make('/compute/', { kind: COMPUTE, title: 'near', attributes: {} });
    const target = await make('/network/', { kind: `${INFRASTRUCTURE}network`, title: 'far', attributes: {} });
    const form = await page(`/networkinterface/?source=${source}`);
    const field = elementsOf(form).find(({ attributes }) => attributes['name'] === 'attribute:occi.core.source');
    expect(field?.attributes['value']).toBe(source);
    const made = await submit('/networkinterface/', {
      form: 'create',
      'attribute:occi.core.source': source,
      'attribute:occi.core.target': target,
    });
    expect(made.status).toBe(303);
    expect((await page(source)).text).toContain('far');
    const gone = await submit(new URL(made.headers.location ?? '').pathname, { form: 'remove' });
    expect([gone.status, gone.headers.location]).toEqual([303, server.url + source]);
  });

  it('deletes, and leads to the collection', async () => {
    const path = await make('/compute/', { kind: COMPUTE, attributes: {} });
    const reply = await submit(path, { form: 'remove' });
    expect([reply.status, reply.headers.location]).toEqual([303, `${server.url}/compute/`]);
    expect((await page(path)).status).toBe(404);
  });

  it('tells what a descriptor would deploy, deploys it from a file, and says what is wrong with one', async () => {
    const ovf = readFileSync(join(packageRoot, 'examples', 'single-vm', 'single-vm.ovf'));
    const announced = await server.request('POST', '/upload/', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'single-vm.ovf', size: ovf.length }),
    });
    await server.request('PUT', `/upload/${announced.json.id}`, { body: ovf });
    const url = { 'attribute:eu.contrail-project.ovf.url': announced.json.reference };
    const dry = await submit('/appliance/', { form: 'create', 'dry-run': 'true', ...url });
    expect([dry.status, titled(dry)]).toEqual([200, 'What would be done']);
    expect((await page('/appliance/')).text).toContain('There is nothing here yet.');
    const sent = await upload(ovf.toString('utf8'));
    expect([sent.status, sent.headers.location]).toEqual([303, expect.stringContaining('/appliance/')]);
    const wrong = await upload('<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"></Envelope>');
    expect([wrong.status, titled(wrong)]).toEqual([400, 'This was not understood']);
  });

  function upload(ovf: string): Promise<Reply> {
    const headers = { accept: HTML, 'content-type': 'multipart/form-data; boundary=x', origin: server.url };
    const disposition = 'form-data; name="ovf"; filename="a.ovf"';
    const part = `Content-Disposition: ${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n${ovf}`;
    return server.request('POST', '/appliance/', { headers, body: `--x\r\n${part}\r\n--x--\r\n` });
  }
});

describe('a form that is not of a page of this server', () => {
  const create = { form: 'create', 'attribute:occi.core.title': 'forged' };

  it.each([
    ['says nothing of where it comes from', { origin: undefined }],
    ['comes from another origin', { origin: 'http://evil.example' }],
    ['comes from nowhere', { origin: 'null' }],
    ['comes from another site', { origin: undefined, 'sec-fetch-site': 'cross-site' }],
    ['comes from a neighbour', { origin: undefined, 'sec-fetch-site': 'same-site' }],
    ['was started by hand', { origin: undefined, 'sec-fetch-site': 'none' }],
  ])('is refused where it %s', async (_how, { origin, ...others }) => {
    const { origin: _own, ...headers } = {
      accept: HTML,
      'content-type': 'application/x-www-form-urlencoded',
      origin: '',
    };
    const reply = await server.request('POST', '/compute/', {
      headers: { ...headers, ...others, ...(origin === undefined ? {} : { origin }) },
      body: new URLSearchParams(create).toString(),
    });
    expect(reply.status).toBe(403);
    expect((await page('/compute/')).text).not.toContain('forged');
  });

  it('is taken where the browser says that it is from here', async () => {
    const headers = {
      accept: HTML,
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
    };
    const body = new URLSearchParams({ form: 'create', 'attribute:occi.core.title': 'own' }).toString();
    expect((await server.request('POST', '/compute/', { headers, body })).status).toBe(303);
  });

  it.each([
    ['another method', { _method: 'DELETE' }],
    ['another method in the place of the form', { form: 'DELETE' }],
    ['no form', {}],
    ['a form that the page does not have', { form: 'define-mixin' }],
    ['a field that no form has', { form: 'remove', owner: 'admin' }],
  ])('does nothing where it asks for %s (S-116)', async (_what, fields) => {
    const path = await make('/compute/', { kind: COMPUTE, attributes: {} });
    const reply = await submit(path, fields);
    expect([reply.status, reply.text.includes('http.form')]).toEqual([400, true]);
    elementsOf(reply);
    expect((await page(path)).status).toBe(200);
  });

  it('is not read for those who did not ask for pages, nor by another method', async () => {
    const path = await make('/compute/', { kind: COMPUTE, attributes: {} });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: server.url };
    for (const [method, accept] of [
      ['POST', '*/*'],
      ['POST', JSON_TYPE],
      ['PUT', HTML],
    ] as const) {
      const reply = await server.request(method, path, { headers: { ...headers, accept }, body: 'form=remove' });
      expect(reply.status).toBe(406);
    }
    expect((await page(path)).status).toBe(200);
  });

  it('costs no more than its limit', async () => {
    const huge = await submit('/compute/', { form: 'create', 'attribute:occi.core.summary': 'x'.repeat(1_100_000) });
    expect(huge.status).toBe(413);
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, each) => [`attribute:a${each}`, '']));
    expect((await submit('/compute/', { form: 'create', ...many })).status).toBe(400);
  });
});

/** The fields of a form as the page shows it: what a browser would send if nothing was entered. */
function formOf(reply: Reply, name: string): Record<string, string> {
  const forms = reply.text.match(/<form [^]*?<\/form>/g) ?? [];
  const form = forms.find((each) => each.includes(`name="form" value="${name}"`)) ?? '';
  const fields: Record<string, string> = {};
  for (const [tag, kind, rest = ''] of form.matchAll(/<(input|select|textarea)([^>]*)>/g)) {
    const field = /name="([^"]*)"/.exec(tag)?.[1] ?? '';
    const after = form.slice(form.indexOf(tag) + tag.length);
    const inner = after.slice(0, after.indexOf(`</${kind}>`));
    const value =
      kind === 'input'
        ? (/value="([^"]*)"/.exec(rest)?.[1] ?? '')
        : kind === 'textarea'
          ? inner.replace(/^\n/, '').replaceAll('\n', '\r\n')
          : (/<option[^>]*selected[^>]*>([^<]*)/.exec(inner)?.[1] ?? '');
    fields[field] = unescape(value);
  }
  return fields;
}

function unescape(text: string): string {
  const chars: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replace(/&(#?\w+);/g, (_, name: string) => chars[name] ?? '');
}
