/** Forms of pages over the wire: each becomes the OCCI request it stands for, and comes from nowhere but a page. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { startTestServer, type Reply, type TestServer } from '../support/server.js';
import type { Element } from './html-outline.js';
import {
  COMPUTE,
  FORM_TYPE,
  HTML,
  INFRASTRUCTURE,
  JSON_TYPE,
  Reader,
  SMALL,
  SSH_KEY,
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

describe('a form', () => {
  it('creates an entity with typed attributes and mixins, once however often it is sent', async () => {
    const elements = elementsOf(await reader.page('/compute/'));
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
    const reply = await reader.submit('/compute/', fields);
    const again = await reader.submit('/compute/', fields);
    expect([reply.status, again.status]).toEqual([303, 303]);
    expect(again.headers.location).toBe(reply.headers.location);
    const made = await reader.entityAt(new URL(reply.headers.location ?? '').pathname);
    expect(made).toMatchObject({
      title: 'made by hand',
      mixins: [SSH_KEY],
      attributes: { 'occi.compute.memory': 2.5 },
    });
    expect(made.attributes['occi.credentials.ssh.publickey']).toBe('ssh-ed25519 AAAA\nsecond line');
  });

  it('comes back with what was entered and every fault where it belongs', async () => {
    const reply = await reader.submit('/compute/', {
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
    const reply = await reader.submit('/appliance/', {
      form: 'create',
      'attribute:eu.contrail-project.ovf.inputs': '{"credentials": {"image": "s3cr3t"}',
      'attribute:eu.contrail-project.ovf.keep-on-failure': 'perhaps',
    });
    expect(reply.status).toBe(400);
    expect(reply.text).not.toContain('s3cr3t');
  });

  it('changes only what was changed', async () => {
    const path = await reader.make('/compute/', {
      kind: COMPUTE,
      title: 'old',
      attributes: { 'occi.compute.hostname': 'a.example' },
    });
    const form = formOf(await reader.page(path), 'update');
    const reply = await reader.submit(path, { ...form, 'attribute:occi.core.title': 'new' });
    expect([reply.status, reply.headers.location]).toEqual([303, server.url + path]);
    expect(await reader.entityAt(path)).toMatchObject({
      title: 'new',
      attributes: { 'occi.compute.hostname': 'a.example' },
    });
  });

  it('takes away what was emptied, and nothing else', async () => {
    const path = await reader.make('/compute/', {
      kind: COMPUTE,
      title: 'named',
      mixins: [SMALL],
      attributes: { 'occi.compute.hostname': 'a.example', 'occi.compute.share': 7 },
    });
    const form = formOf(await reader.page(path), 'update');
    expect((await reader.submit(path, { ...form, 'attribute:occi.compute.hostname': '' })).status).toBe(303);
    const changed = await reader.entityAt(path);
    expect(changed.attributes['occi.compute.hostname']).toBeUndefined();
    expect(changed).toMatchObject({ title: 'named', attributes: { 'occi.compute.share': 7 } });
    expect(changed.mixins).toContain(SMALL);
  });

  it('is refused where the entity has changed since the page was made (K13)', async () => {
    const path = await reader.make('/compute/', { kind: COMPUTE, title: 'first', attributes: {} });
    const form = formOf(await reader.page(path), 'update');
    await reader.submit(path, { ...form, 'attribute:occi.core.title': 'second' });
    const late = await reader.submit(path, { ...form, 'attribute:occi.core.title': 'third' });
    expect(late.status).toBe(412);
    elementsOf(late);
    expect((await reader.entityAt(path)).title).toBe('second');
  });

  it('acts, and says why it cannot', async () => {
    const path = await reader.make('/compute/', { kind: COMPUTE, attributes: {} });
    expect((await reader.submit(path, { form: 'act', action: START })).status).toBe(303);
    await server.wait(path, (reply) => reply.json.attributes['occi.compute.state'] === 'active');
    const again = await reader.submit(path, { form: 'act', action: START });
    expect(again.status).toBe(409);
    expect(again.text).toContain('occi.action-not-applicable');
    const stop = START.replace('start', 'stop');
    const wrong = await reader.submit(path, { form: 'act', action: stop, 'attribute:method': 'kick' });
    expect([wrong.status, wrong.text.includes('attribute.pattern')]).toEqual([400, true]);
    elementsOf(wrong);
    expect((await reader.submit(path, { form: 'act', action: stop, 'attribute:method': 'graceful' })).status).toBe(303);
  });

  it('adds and removes mixins', async () => {
    const path = await reader.make('/compute/', { kind: COMPUTE, attributes: {} });
    const missing = await reader.submit(path, { form: 'add-mixin', mixin: SSH_KEY });
    expect(missing.status).toBe(400);
    elementsOf(missing);
    await reader.submit(path, {
      form: 'add-mixin',
      mixin: SSH_KEY,
      'attribute:occi.credentials.ssh.publickey': 'ssh-rsa B',
    });
    expect((await reader.entityAt(path)).mixins).toEqual([SSH_KEY]);
    elementsOf(await reader.page(path));
    expect((await reader.submit(path, { form: 'remove-mixin', mixin: SSH_KEY })).status).toBe(303);
    expect((await reader.entityAt(path)).mixins ?? []).toEqual([]);
  });

  it('defines a mixin, associates and dissociates members, and forgets it', async () => {
    const path = await reader.make('/compute/', { kind: COMPUTE, title: 'tagged', attributes: {} });
    const mixin = { scheme: 'http://example.org/tags#', term: 'blue', location: '/tags/blue/', title: 'Blue things' };
    const wrong = await reader.submit('/-/', { form: 'define-mixin', ...mixin, location: 'nowhere' });
    expect([wrong.status, wrong.text.includes('value="http://example.org/tags#"')]).toEqual([400, true]);
    elementsOf(wrong);
    expect((await reader.submit('/-/', { form: 'define-mixin', ...mixin })).status).toBe(303);
    expect((await reader.page('/-/')).text).toContain('Blue things');
    expect((await reader.submit('/tags/blue/', { form: 'associate', entity: path })).status).toBe(303);
    const members = await reader.page('/tags/blue/');
    expect(members.text).toContain('tagged');
    elementsOf(members);
    expect((await reader.submit('/tags/blue/', { form: 'dissociate', entity: path })).status).toBe(303);
    expect((await reader.page('/tags/blue/')).text).not.toContain('tagged');
    expect((await reader.submit('/-/', { form: 'forget-mixin', mixin: 'http://example.org/tags#blue' })).status).toBe(
      303,
    );
    expect((await reader.page('/tags/blue/')).status).toBe(404);
    expect((await reader.submit('/-/', { form: 'forget-mixin', mixin: SSH_KEY })).status).toBe(403);
  });

  it('creates a link from the page of its source, and leads back there when it is deleted', async () => {
    const source = await reader.make('/compute/', { kind: COMPUTE, title: 'near', attributes: {} });
    const target = await reader.make('/network/', { kind: `${INFRASTRUCTURE}network`, title: 'far', attributes: {} });
    const form = await reader.page(`/networkinterface/?source=${source}`);
    const field = elementsOf(form).find(({ attributes }) => attributes['name'] === 'attribute:occi.core.source');
    expect(field?.attributes['value']).toBe(source);
    const made = await reader.submit('/networkinterface/', {
      form: 'create',
      'attribute:occi.core.source': source,
      'attribute:occi.core.target': target,
    });
    expect(made.status).toBe(303);
    expect((await reader.page(source)).text).toContain('far');
    const gone = await reader.submit(new URL(made.headers.location ?? '').pathname, { form: 'remove' });
    expect([gone.status, gone.headers.location]).toEqual([303, server.url + source]);
  });

  it('deletes, and leads to the collection', async () => {
    const path = await reader.make('/compute/', { kind: COMPUTE, attributes: {} });
    const reply = await reader.submit(path, { form: 'remove' });
    expect([reply.status, reply.headers.location]).toEqual([303, `${server.url}/compute/`]);
    expect((await reader.page(path)).status).toBe(404);
  });

  it('tells what a descriptor would deploy, deploys it from a file, and says what is wrong with one', async () => {
    const ovf = readFileSync(join(packageRoot, 'examples', 'single-vm', 'single-vm.ovf'));
    const announced = await server.request('POST', '/upload/', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'single-vm.ovf', size: ovf.length }),
    });
    await server.request('PUT', `/upload/${announced.json.id}`, { body: ovf });
    const url = { 'attribute:eu.contrail-project.ovf.url': announced.json.reference };
    const dry = await reader.submit('/appliance/', { form: 'create', 'dry-run': 'true', ...url });
    expect([dry.status, titled(dry)]).toEqual([200, 'What would be done']);
    expect((await reader.page('/appliance/')).text).toContain('There is nothing here yet.');
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
      'content-type': FORM_TYPE,
      origin: '',
    };
    const reply = await server.request('POST', '/compute/', {
      headers: { ...headers, ...others, ...(origin === undefined ? {} : { origin }) },
      body: new URLSearchParams(create).toString(),
    });
    expect(reply.status).toBe(403);
    expect((await reader.page('/compute/')).text).not.toContain('forged');
  });

  it('is taken where the browser says that it is from here', async () => {
    const headers = {
      accept: HTML,
      'content-type': FORM_TYPE,
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
    const path = await reader.make('/compute/', { kind: COMPUTE, attributes: {} });
    const reply = await reader.submit(path, fields);
    expect([reply.status, reply.text.includes('http.form')]).toEqual([400, true]);
    elementsOf(reply);
    expect((await reader.page(path)).status).toBe(200);
  });

  it('is not read for those who did not ask for pages, nor by another method', async () => {
    const path = await reader.make('/compute/', { kind: COMPUTE, attributes: {} });
    const headers = { 'content-type': FORM_TYPE, origin: server.url };
    for (const [method, accept] of [
      ['POST', '*/*'],
      ['POST', JSON_TYPE],
      ['PUT', HTML],
    ] as const) {
      const reply = await server.request(method, path, { headers: { ...headers, accept }, body: 'form=remove' });
      expect(reply.status).toBe(406);
    }
    expect((await reader.page(path)).status).toBe(200);
  });

  it('costs no more than its limit', async () => {
    const huge = await reader.submit('/compute/', {
      form: 'create',
      'attribute:occi.core.summary': 'x'.repeat(1_100_000),
    });
    expect(huge.status).toBe(413);
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, each) => [`attribute:a${each}`, '']));
    expect((await reader.submit('/compute/', { form: 'create', ...many })).status).toBe(400);
  });
});
