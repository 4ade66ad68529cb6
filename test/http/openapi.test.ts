/** The OpenAPI description: whole, valid, and true of what the server really answers. */

import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject, JsonValue } from '../../src/base/json.js';
import { isJsonObject } from '../../src/base/json.js';
import { startTestServer, type JsonBody, type Reply, type TestServer } from '../support/server.js';
import { defects } from './openapi-rules.js';

const PATH = '/console/openapi.json';
const JSON_TYPE = 'application/occi+json';
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const COMPUTE_KEY = 'ogf.org.occi.infrastructure.compute';

let server: TestServer;
let description: JsonBody;
beforeAll(async () => {
  server = await startTestServer();
  const reply = await server.request('GET', PATH);
  expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json']);
  description = reply.json;
});
afterAll(() => server.close());

function send(method: string, path: string, body: JsonValue): Promise<Reply> {
  return server.request(method, path, {
    headers: { accept: JSON_TYPE, 'content-type': JSON_TYPE },
    body: JSON.stringify(body),
  });
}

/** What is wrong with a value under a schema of the description. */
function complaints(key: string, value: JsonValue): string[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: 'vep:description', components: description.components });
  const validate = ajv.compile({ $ref: `vep:description#/components/schemas/${key}` });
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

it('keeps the rules of OpenAPI 3.1', () => {
  expect(defects(description)).toEqual([]);
});

it.each<[string, (document: JsonBody) => unknown]>([
  ['#/info lacks title', (document) => delete document.info.title],
  ['#/paths/compute/{id} is not a path', (document) => (document.paths['compute/{id}'] = {})],
  ['has path id for path other', (document) => (document.paths['/x/{other}'] = document.paths['/compute/{id}'])],
  ['has no operationId of its own', (document) => (document.paths['/x/'] = document.paths['/compute/'])],
  ['#/paths//-//get lacks responses', (document) => delete document.paths['/-/'].get.responses],
  ['refers to #/components/schemas/Link', (document) => delete document.components.schemas.Link],
  ['has the unknown tag mixins', (document) => document.tags.splice(0)],
  ['names the unknown scheme bearer', (document) => delete document.components.securitySchemes.bearer],
  ['has the key a b', (document) => (document.components.schemas['a b'] = {})],
])('would not keep them: %s', (defect, spoil) => {
  const spoilt = structuredClone(description);
  spoil(spoilt);
  expect(defects(spoilt).join('\n')).toContain(defect);
});

it('has schemas that are JSON Schemas of 2020-12', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'vep:description', components: description.components });
  const schemas = Object.entries(description.components.schemas as JsonObject);
  for (const [key, schema] of schemas) expect([key, ajv.validateSchema(schema as JsonObject)]).toEqual([key, true]);
  for (const [key] of schemas) ajv.compile({ $ref: `vep:description#/components/schemas/${key}` });
});

it('describes every collection, every entity and everything beside OCCI', async () => {
  const { json } = await server.request('GET', '/-/', { headers: { accept: JSON_TYPE } });
  const locations = [...json.kinds, ...json.mixins].map(({ location }) => location).filter(Boolean);
  const entities = json.kinds.flatMap(({ location }: { location?: string }) => (location ? [`${location}{id}`] : []));
  expect(Object.keys(description.paths)).toEqual(expect.arrayContaining([...locations, ...entities]));
  for (const path of [
    '/',
    '/-/',
    '/.well-known/org/ogf/occi/-/',
    '/upload/',
    '/upload/{id}',
    '/events/',
    '/health/ready',
    PATH,
  ]) {
    expect([path, path in description.paths]).toEqual([path, true]);
  }
  expect(Object.keys(description.paths['/compute/'])).toEqual(['get', 'post', 'delete']);
  expect(Object.keys(description.paths['/compute/{id}'])).toEqual(['parameters', 'get', 'post', 'put', 'delete']);
});

it('names the actions, the ways to send a file and the media types', () => {
  const act = description.paths['/compute/{id}'].post.parameters.find(
    ({ name }: { name?: string }) => name === 'action',
  );
  expect(act.schema.enum).toEqual(expect.arrayContaining(['start', 'stop', 'restart', 'suspend', 'save']));
  const create = description.paths['/appliance/'].post;
  expect(Object.keys(create.requestBody.content)).toEqual(
    expect.arrayContaining([
      'application/ovf+xml',
      'application/x-tar',
      'multipart/form-data',
      JSON_TYPE,
      'text/plain',
    ]),
  );
  expect(create.parameters).toContainEqual({ $ref: '#/components/parameters/dry-run' });
  expect(Object.keys(description.paths['/compute/{id}'].get.responses['200'].content)).toEqual(
    expect.arrayContaining(['text/plain', 'text/occi', JSON_TYPE, 'text/html']),
  );
});

it('describes attributes by their definitions', () => {
  const { attributes } = description.components.schemas[`${COMPUTE_KEY}.new`].properties;
  expect(attributes.properties['occi.compute.cores']).toEqual({
    type: 'integer',
    minimum: 1,
    maximum: 4096,
    default: 1,
    description: 'Number of virtual CPU cores',
  });
  expect(attributes.properties['occi.compute.state']).toBeUndefined();
  const shown = description.components.schemas[COMPUTE_KEY].allOf[1].properties.attributes.properties;
  expect(shown['occi.compute.state'].readOnly).toBe(true);
});

it('is true of what the server answers', async () => {
  const entity = { kind: COMPUTE, title: 'described', attributes: { 'occi.compute.cores': 2 } };
  expect(complaints(`${COMPUTE_KEY}.new`, entity)).toEqual([]);
  const made = await send('POST', '/compute/', entity);
  expect(made.status).toBe(201);
  expect(complaints(COMPUTE_KEY, made.json)).toEqual([]);
  expect(
    complaints('Collection', (await server.request('GET', '/compute/', { headers: { accept: JSON_TYPE } })).json),
  ).toEqual([]);
  expect(
    complaints('Categories', (await server.request('GET', '/-/', { headers: { accept: JSON_TYPE } })).json),
  ).toEqual([]);
  const path = new URL(made.headers.location ?? '').pathname;
  const act = {
    action: 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop',
    attributes: { method: 'graceful' },
  };
  expect(complaints('ogf.org.occi.infrastructure.compute.action.stop', act)).toEqual([]);
  const refused = await send('POST', `${path}?action=stop`, { ...act, attributes: { method: 'kick' } });
  expect([refused.status, complaints('Problem', refused.json)]).toEqual([400, []]);
  const upload = await send('POST', '/upload/', { name: 'a.ova', size: 5 });
  expect([upload.status, complaints('Upload', upload.json)]).toEqual([201, []]);
});

it('refuses what the server refuses', async () => {
  const wrong = { kind: COMPUTE, attributes: { 'occi.compute.cores': 0 } };
  expect(complaints(`${COMPUTE_KEY}.new`, wrong)).not.toEqual([]);
  expect((await send('POST', '/compute/', wrong)).status).toBe(400);
  const size = { kind: 'http://schemas.ogf.org/occi/infrastructure#storage', attributes: {} };
  expect(complaints('ogf.org.occi.infrastructure.storage.new', size)).not.toEqual([]);
  expect((await send('POST', '/storage/', size)).status).toBe(400);
});

it('has the mixins of its caller, and of nobody else (K15)', async () => {
  const blue = { scheme: 'http://example.org/tags#', term: 'blue', location: '/tags/blue/' };
  const before = await server.request('GET', PATH);
  expect((await send('POST', '/-/', { mixins: [blue] })).status).toBe(200);
  const after = await server.request('GET', PATH);
  expect([before.text.includes('/tags/blue/'), after.text.includes('/tags/blue/')]).toEqual([false, true]);
  expect(after.headers.etag).not.toBe(before.headers.etag);
  expect(defects(after.json)).toEqual([]);
  expect((await server.request('GET', PATH, { as: 'stranger' })).text).toBe(before.text);
});

it('is for those who have signed in, and is not sent twice to who has it', async () => {
  expect((await server.request('GET', PATH, { as: null })).status).toBe(401);
  const { headers, text } = await server.request('GET', PATH);
  const again = await server.request('GET', PATH, { headers: { 'if-none-match': headers.etag ?? '' } });
  expect([again.status, again.text]).toEqual([304, '']);
  expect((await server.request('GET', PATH)).text).toBe(text);
  expect((await server.request('GET', `${PATH}?format=yaml`)).status).toBe(400);
  expect((await server.request('POST', PATH)).status).toBe(405);
});

it('describes OCCI 1.1 to clients that speak it', async () => {
  const { json } = await server.request('GET', PATH, { headers: { 'user-agent': 'old OCCI/1.1' } });
  expect(defects(json)).toEqual([]);
  const attributes = (document: JsonBody): string[] =>
    Object.keys(document.components.schemas[`${COMPUTE_KEY}.new`].properties.attributes.properties);
  expect(attributes(json)).toContain('occi.compute.speed');
  expect(attributes(description)).not.toContain('occi.compute.speed');
  expect(isJsonObject(json.paths)).toBe(true);
});
