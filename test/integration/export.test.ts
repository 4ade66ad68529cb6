/** Running appliances taken out as OVF and OVA, and put in again: equal, and without secrets. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { readTar } from '../../src/ovf/package/tar.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { expectStrictlyValid } from '../ovf/export-support.js';
import { packed } from '../ovf/tar-support.js';
import { serverFor, type JsonBody, type Reply } from '../support/server.js';
import { webFiles } from '../support/web-files.js';
import { APPLIANCE, OVF, OVF_TYPE, STATE, actOn, components, descriptor, pathOf } from './appliance-wire.js';

const TAR = 'application/x-tar';
const SECRET = 'hunter2-never-shown';
const example = (name: string): string => readFileSync(join(packageRoot, 'examples', name, `${name}.ovf`), 'utf8');
const base = readFileSync(join(packageRoot, 'examples/single-vm/images/base.qcow2'));

const server = serverFor({ config: { images: { allow: ['127.0.0.1'] } } });
const { web, base: files } = webFiles();
const client = (): Client => new Client(server(), '1.2');
afterEach(() => client().send('DELETE', '/appliance/'));

async function deployed(type: string, body: string | Buffer, inputs: object): Promise<string> {
  const attributes = `${OVF}.inputs="${JSON.stringify(inputs).replaceAll('"', '\\"')}"`;
  const headers = { 'content-type': type, accept: JSON_TYPE, 'X-OCCI-Attribute': attributes };
  const path = pathOf(await server().request('POST', '/appliance/', { headers, body }));
  await client().until(path, STATE, 'active');
  return path;
}

/** Its descriptor is strictly valid, whatever came in. */
async function taken(path: string, accept: string, as: 'user' | 'stranger' = 'user'): Promise<Reply> {
  const reply = await server().request('GET', path, { as, headers: { accept } });
  if (reply.status === 200) {
    const descriptor = accept === TAR ? [...(await membersOf(reply.bytes)).values()][0] : reply.bytes;
    expectStrictlyValid(String(descriptor));
  }
  return reply;
}

/** What an appliance consists of, as far as it does not depend on when and where it was made. */
async function outline(path: string): Promise<object> {
  const kinds = ['/compute/', '/network/', '/storage/', '/networkinterface/', '/storagelink/'];
  const all = await Promise.all(kinds.map((kind) => components(client(), path, kind)));
  const sized = ['cores', 'memory', 'architecture', 'hostname'].map((name) => `occi.compute.${name}`);
  const kept = [...sized, 'occi.storage.size', `${OVF}.id`, `${OVF}.item`, 'occi.storagelink.deviceid'];
  const shown = ({ title, attributes }: JsonBody): object => [title, ...kept.map((name) => attributes[name] ?? null)];
  return all.map((entities) => entities.map((entity) => JSON.stringify(shown(entity))).sort());
}

async function membersOf(archive: Buffer): Promise<Map<string, Buffer>> {
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(archive);
  };
  const members = new Map<string, Buffer>();
  for await (const { name, bytes } of readTar(source())) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    members.set(name, Buffer.concat(chunks));
  }
  return members;
}

describe('an appliance that runs', () => {
  it.each(['single-vm', 'web-shop', 'options'])('of the example %s goes out and comes in again', async (name) => {
    const inputs = { properties: passwords(example(name)), eulas: 'all' };
    const first = await deployed(OVF_TYPE, example(name), inputs);
    const out = await taken(first, OVF_TYPE);
    expect([out.status, out.headers['content-type']]).toEqual([200, OVF_TYPE]);
    expect(out.text).not.toContain(SECRET);
    const second = await deployed(OVF_TYPE, out.text, { properties: passwords(out.text), eulas: 'all' });
    expect(await outline(second)).toEqual(await outline(first));
    expect((await taken(second, OVF_TYPE)).text).toBe(out.text);
  });

  it('goes out as an OVA with its images, whose manifest is right, and comes in again', async () => {
    const body = await packed([
      [{ name: 'a.ovf' }, example('single-vm')],
      [{ name: 'images/base.qcow2' }, base as unknown as string],
    ]);
    const first = await deployed(TAR, body, {});
    const out = await taken(first, TAR);
    expect([out.status, out.headers['content-type']]).toEqual([200, TAR]);
    const members = await membersOf(out.bytes);
    const [descriptor, manifest, image] = [...members.keys()];
    expect([descriptor, manifest, image]).toEqual([
      expect.stringMatching(/\.ovf$/),
      expect.stringMatching(/\.mf$/),
      'images/base.qcow2',
    ]);
    expect(members.get('images/base.qcow2')).toEqual(base);
    const digest = createHash('sha256')
      .update(members.get(descriptor ?? '') ?? '')
      .digest('hex');
    expect(members.get(manifest ?? '')?.toString()).toContain(`SHA256(${descriptor})= ${digest}`);
    const second = await deployed(TAR, out.bytes, {});
    expect(await outline(second)).toEqual(await outline(first));
    expect((await taken(second, TAR)).bytes).toEqual(out.bytes);
  });

  it.each(['/plain/', '/app[1]/100%/'])('and came from the URL %s refers to its files there', async (folder) => {
    web.set(`${folder}a.ovf`, example('single-vm'));
    web.set(`${folder}images/base.qcow2`, base);
    const named = { kind: APPLIANCE, attributes: { [`${OVF}.url`]: `${files()}${folder}a.ovf` } };
    const first = pathOf(await client().send('POST', '/appliance/', { json: named, accept: JSON_TYPE }));
    await client().until(first, STATE, 'active');
    const out = String([...(await membersOf((await taken(first, TAR)).bytes)).values()][0]);
    const written = folder.replace('[1]', '%5B1%5D').replace('%/', '%25/');
    expect(out).toContain(`ovf:href="${files()}${written}images/base.qcow2"`);
    web.set(`${written}images/base.qcow2`, base);
    expect(await outline(await deployed(OVF_TYPE, out, {}))).toEqual(await outline(first));
  });

  it('keeps how many instances there are', async () => {
    const first = await deployed(OVF_TYPE, descriptor({ machines: ['m1', 'm2'] }), {});
    expect((await actOn(client(), first, 'scale', { role: 'm1', count: 3 })).status).toBe(200);
    await client().until(first, STATE, 'active');
    const out = await taken(first, OVF_TYPE);
    expect(out.text).toContain('ovf2:default="3"');
    const second = await deployed(OVF_TYPE, out.text, {});
    expect(await outline(second)).toEqual(await outline(first));
  });

  it('is shown to nobody else', async () => {
    const path = await deployed(OVF_TYPE, example('single-vm'), {});
    for (const type of [OVF_TYPE, TAR]) expect((await taken(path, type, 'stranger')).status).toBe(404);
  });
});

/** A password for each property that is one. */
function passwords(text: string): Record<string, string> {
  const properties = text.match(/<(?:ovf:)?Property\b[^>]*>/g) ?? [];
  const secret = properties.filter((property) => property.includes('ovf:password="true"'));
  return Object.fromEntries(secret.map((property) => [/ovf:key="([^"]*)"/.exec(property)?.[1], SECRET]));
}
