/** The browsable API over the wire: every OCCI URL as a page, for those who ask for pages. */

import { startTestServer, type Reply, type TestServer } from '../support/server.js';
import {
  COMPUTE,
  HTML,
  INFRASTRUCTURE,
  JSON_TYPE,
  Reader,
  SMALL,
  START,
  elementsOf,
  formOf,
  titled,
} from './html-reader.js';

let server: TestServer;
let reader: Reader;
beforeAll(async () => {
  server = await startTestServer();
  reader = new Reader(server);
});
afterAll(() => server.close());

/** Links that start at certain kinds alone. */
const LINKS = [
  ['/networkinterface/', `${INFRASTRUCTURE}networkinterface`],
  ['/storagelink/', `${INFRASTRUCTURE}storagelink`],
  ['/securitygrouplink/', `${INFRASTRUCTURE}securitygrouplink`],
  ['/agreementlink/', 'http://schemas.ogf.org/occi/sla#agreement_link'],
  ['/collector/', 'http://schemas.ogf.org/occi/monitoring#collector'],
  ['/platform/componentlink/', 'http://schemas.ogf.org/occi/platform#componentlink'],
] as const;

describe('a page', () => {
  let compute: string;
  let network: string;
  let link: string;
  beforeAll(async () => {
    compute = await reader.make('/compute/', { kind: COMPUTE, title: 'front', mixins: [SMALL], attributes: {} });
    network = await reader.make('/network/', { kind: `${INFRASTRUCTURE}network`, title: 'inner', attributes: {} });
    link = await reader.make('/networkinterface/', {
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
    ['/networkinterface/', 'Network interface'],
    ['/appliance/', 'Appliance'],
    ['/mixin/os_tpl/', 'OS template base mixin'],
    ['/mixin/', '/mixin/'],
  ])('is what %s shows: %s', async (path, title) => {
    const reply = await reader.page(path);
    expect([reply.status, titled(reply)]).toEqual([200, title]);
  });

  it('shows an entity with its attributes, links, actions and mixins', async () => {
    const reply = await reader.page(compute);
    expect(titled(reply)).toMatch(/^front/);
    const links = elementsOf(reply)
      .filter(({ name }) => name === 'a')
      .map(({ attributes }) => attributes['href']);
    expect(links).toEqual(expect.arrayContaining([network, link, '/compute/', '/mixin/resource_tpl/small/']));
    expect(reply.text).toContain('occi.compute.cores');
    expect(reply.text).toContain(`value="${START}"`);
  });

  it('offers the links that can start there, and no others', async () => {
    const kinds = [
      [COMPUTE, '/compute/'],
      [`${INFRASTRUCTURE}network`, '/network/'],
      [`${INFRASTRUCTURE}securitygroup`, '/securitygroup/'],
      ['http://schemas.ogf.org/occi/sla#agreement', '/agreement/'],
      ['http://schemas.ogf.org/occi/monitoring#sensor', '/sensor/'],
      ['http://schemas.ogf.org/occi/platform#application', '/platform/application/'],
      ['http://schemas.ogf.org/occi/platform#component', '/platform/component/'],
    ] as const;
    const offered = new Map<string, string[]>();
    for (const [kind, location] of kinds) {
      const path = await reader.make(location, { kind, attributes: {} });
      const found = elementsOf(await reader.page(path)).flatMap(({ attributes: { href = '' } }) =>
        href.endsWith('#create-title') ? [href.slice(0, href.indexOf('?'))] : [],
      );
      offered.set(location, found);
      for (const [link, of] of LINKS) {
        const entity = { kind: of, source: { location: path }, target: { location: path } };
        const headers = { accept: JSON_TYPE, 'content-type': JSON_TYPE };
        const reply = await server.request('POST', link, { headers, body: JSON.stringify(entity) });
        const faulty = ((reply.json.faults ?? []) as { place?: { field?: string } }[]).map(({ place }) => place?.field);
        expect([path, link, faulty.includes('occi.core.source')]).toEqual([path, link, !found.includes(link)]);
      }
    }
    expect(Object.fromEntries(offered)).toEqual({
      '/compute/': ['/networkinterface/', '/storagelink/', '/securitygrouplink/'],
      '/network/': [],
      '/securitygroup/': [],
      '/agreement/': ['/agreementlink/'],
      '/sensor/': ['/collector/'],
      '/platform/application/': ['/platform/componentlink/'],
      '/platform/component/': ['/platform/componentlink/'],
    });
  });

  it('shows the ends of a link', async () => {
    const reply = await reader.page(link);
    expect(reply.text).toContain(`<a href="${compute}"><bdi>front</bdi></a>`);
    expect(reply.text).toContain(`<a href="${network}"><bdi>inner</bdi></a>`);
  });

  it('comes with header fields that keep browsers from misusing it', async () => {
    const { headers } = await reader.page('/');
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
    const elements = elementsOf(await reader.page('/'));
    const assets = elements.flatMap(({ name, attributes }) =>
      name === 'script' ? [attributes['src']] : name === 'link' ? [attributes['href']] : [],
    );
    expect(assets).toHaveLength(3);
    for (const asset of assets) {
      const reply = await server.request('GET', asset ?? '', { as: null });
      expect([reply.status, reply.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
    }
  });

  it('is where /console/ leads', async () => {
    const reply = await reader.page('/console/', { as: null });
    expect([reply.status, reply.headers.location]).toEqual([303, '/']);
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
    const hrefs = elementsOf(await reader.page(compute)).flatMap(({ attributes }) => attributes['href'] ?? []);
    const raw = hrefs.filter((href) => href.includes('as=')).map((href) => href.replaceAll('&amp;', '&'));
    expect(raw).toHaveLength(3);
    for (const href of raw) {
      const reply = await reader.page(href);
      expect(reply.status).toBe(200);
      expect(reply.headers['content-type']).toContain(new URL(href, server.url).searchParams.get('as')?.split(';')[0]);
    }
    expect((await reader.page(raw[0] ?? '')).json.id).toBe(`urn:uuid:${compute.slice('/compute/'.length)}`);
    expect((await reader.page(`${compute}?as=text/uri-list`)).status).toBe(400);
    const other = await server.request('GET', raw[0] ?? '', { headers: { accept: JSON_TYPE } });
    expect([other.status, other.json.faults[0].code]).toEqual([400, 'http.unknown-parameter']);
  });

  it('refuses parameters that it does not know', async () => {
    for (const path of ['/?dry-run', '/-/?page=1', `${compute}?mixin=x`, '/compute/?dryrun=true']) {
      const reply = await reader.page(path);
      expect([path, reply.status, titled(reply)]).toEqual([path, 400, 'This was not understood']);
    }
  });
});

describe('a list', () => {
  beforeAll(async () => {
    for (let each = 0; each < 30; each += 1) {
      await reader.make('/storage/', {
        kind: `${INFRASTRUCTURE}storage`,
        title: `disk ${each}`,
        attributes: { 'occi.storage.size': 1 + (each % 2) },
      });
    }
  });

  const rows = (reply: Reply): number => reply.text.match(/<th scope="row">/g)?.length ?? 0;

  it('is shown page by page', async () => {
    const first = await reader.page('/storage/');
    expect([rows(first), first.text.includes('rel="next"'), first.text.includes('rel="prev"')]).toEqual([
      25,
      true,
      false,
    ]);
    const second = await reader.page('/storage/?page=2&number=25');
    expect([rows(second), second.text.includes('rel="next"'), second.text.includes('rel="prev"')]).toEqual([
      5,
      false,
      true,
    ]);
    elementsOf(second);
    expect((await reader.page('/storage/?page=2')).status).toBe(400);
    expect((await reader.page('/storage/?page=1&number=501')).status).toBe(413);
    expect((await reader.page('/storage/?page=1&number=501&as=text/uri-list')).status).toBe(200);
  });

  it('is filtered by mixin and by attribute, as header fields would', async () => {
    expect(rows(await reader.page('/storage/?mixin=&attribute=occi.storage.size&value=2'))).toBe(15);
    expect(rows(await reader.page('/storage/?mixin=&attribute=&value='))).toBe(25);
    const raw = await reader.page('/storage/?attribute=occi.storage.size&value=2&as=text/uri-list');
    expect(raw.text.trim().split('\r\n')).toHaveLength(15);
    expect((await reader.page('/storage/?mixin=http://example.org/none%23none')).status).toBe(400);
  });

  it('is as short for others as it is elsewhere', async () => {
    const reply = await reader.page('/storage/', { as: 'stranger' });
    expect(rows(reply)).toBe(0);
    expect(reply.text).toContain('There is nothing here yet.');
  });
});

describe('a refusal', () => {
  it('asks a browser to sign in, without a word about the URL', async () => {
    const there = await reader.page('/compute/', { as: null });
    const nowhere = await reader.page('/nothing', { as: null });
    expect([there.status, titled(there)]).toEqual([401, 'Please sign in']);
    expect(there.headers['www-authenticate']).toMatch(/^Basic realm="VEP"/);
    const bare = (reply: Reply): string => reply.text.replace(/<code>[0-9a-f-]{36}<\/code>/, '');
    expect(bare(there)).toBe(bare(nowhere));
  });

  it('takes an account with its token in place of the password', async () => {
    const basic = Buffer.from(`user:${server.tokens.user}`).toString('base64');
    expect((await reader.page('/', { as: null, headers: { authorization: `Basic ${basic}` } })).status).toBe(200);
  });

  it('says code, place and remedy', async () => {
    const reply = await reader.page('/compute/?page=x&number=1');
    expect([reply.status, titled(reply)]).toEqual([400, 'This was not understood']);
    expect(reply.text).toContain('<code>http.page</code>');
    expect(reply.text).toContain('Where: page');
    expect(reply.text).toContain('What to do: write digits only');
  });

  it('is the same for what is not there and for what is not yours (K14)', async () => {
    const mine = await reader.make('/compute/', { kind: COMPUTE, attributes: {} });
    const foreign = await reader.page(mine, { as: 'stranger' });
    const absent = await reader.page(`${mine.slice(0, -12)}000000000000`, { as: 'stranger' });
    const bare = (reply: Reply): string => reply.text.replace(/<code>[0-9a-f-]{36}<\/code>/, '');
    expect([foreign.status, absent.status, bare(foreign)]).toEqual([404, 404, bare(absent)]);
    const taken = await reader.submit(mine, { form: 'remove' }, { as: 'stranger' });
    expect(taken.status).toBe(404);
    expect((await reader.page(mine)).status).toBe(200);
  });

  it('repeats nothing as markup', async () => {
    const nasty = encodeURIComponent('<script>alert(1)</script>');
    for (const url of [`/?${nasty}=1`, `/compute/?page=${nasty}&number=1`, `/-/?as=${nasty}`, `/${nasty}`]) {
      const reply = await reader.page(url);
      expect([url, reply.status >= 400 && reply.status < 500]).toEqual([url, true]);
      elementsOf(reply);
      expect(reply.text).not.toContain('<script>');
    }
  });

  it('is a page beside OCCI, too', async () => {
    const reply = await reader.page('/upload/01a2038b-1ebd-75af-9c25-70ffcfecb43f');
    expect([reply.status, titled(reply)]).toEqual([404, 'There is nothing here']);
  });
});

describe('what clients stored', () => {
  const NASTY = `<img src=x onerror=alert(1)> "'&amp; \u202e </textarea></script>`;

  it('is text wherever a page shows it', async () => {
    const attributes = { 'occi.compute.hostname': NASTY.replaceAll('\u202e', '') };
    const path = await reader.make('/compute/', { kind: COMPUTE, title: NASTY, summary: NASTY, attributes });
    for (const url of [
      '/',
      '/compute/',
      path,
      `/compute/?attribute=occi.compute.hostname&value=${encodeURIComponent(NASTY)}`,
    ]) {
      const reply = await reader.page(url);
      expect(reply.status).toBe(200);
      elementsOf(reply);
      expect(reply.text).not.toContain('<img');
    }
    const shown = (await reader.page(path)).text;
    expect(shown).toContain('&lt;img src=x onerror=alert(1)&gt; &quot;&#39;&amp;amp; \\u202e');
  });

  it('goes back unchanged when the form is saved as it is', async () => {
    const [title, summary] = [` ${NASTY} `, '\nfirst\nsecond\n'];
    const path = await reader.make('/compute/', { kind: COMPUTE, title, summary, attributes: {} });
    const reply = await reader.submit(path, { ...formOf(await reader.page(path), 'update'), form: 'update' });
    expect([reply.status, reply.text]).toEqual([303, '']);
    const after = await server.request('GET', path, { headers: { accept: JSON_TYPE } });
    // The version stands: nothing was changed. What the site reports meanwhile does not count.
    expect([after.json.title, after.json.summary]).toEqual([title, summary]);
    expect(after.headers.etag).toMatch(/^"1\./);
  });

  it('is not a link where it is a URL of a scheme that runs something', async () => {
    const source = await reader.make('/compute/', { kind: COMPUTE, attributes: {} });
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
    expect((await reader.page(source)).text).not.toContain('href="javascript');
  });
});
