/** Pieces of which operations are made: parameters, bodies and answers in every media type of OCCI. */

import type { JsonObject } from '../../base/json.js';
import {
  OCCI_JSON,
  OCCI_JSON_1_1,
  TEXT_OCCI,
  TEXT_OCCI_PLAIN,
  TEXT_PLAIN,
  TEXT_URI_LIST,
} from '../../occi/media-type.js';
import { parameterRef, responseRef, schemaRef } from './names.js';

const TEXT: JsonObject = { schema: { type: 'string' } };
const HTML: JsonObject = { schema: { type: 'string', description: 'A page for people' } };

const COMMON_HEADERS: JsonObject = {
  Server: { description: 'Names the versions of OCCI that are spoken', schema: { type: 'string' } },
  'X-Request-Id': { description: 'Id of the request in the log', schema: { type: 'string', format: 'uuid' } },
};

/** A request body in the renderings of OCCI. In `text/occi` the body is empty and the header fields say it. */
export function body(json: JsonObject, description: string, further: JsonObject = {}, required = true): JsonObject {
  return {
    description,
    required,
    content: {
      [OCCI_JSON]: { schema: json },
      [TEXT_PLAIN]: TEXT,
      [TEXT_OCCI]: TEXT,
      [TEXT_OCCI_PLAIN]: TEXT,
      ...further,
    },
  };
}

/** A body that lists entities by URL. */
export function locationsBody(description: string, required: boolean): JsonObject {
  return body(schemaRef('Locations'), description, { [TEXT_URI_LIST]: TEXT }, required);
}

/** An answer with one thing. */
export function answer(
  json: JsonObject,
  description: string,
  headers: JsonObject = {},
  further: JsonObject = {},
): JsonObject {
  return {
    description,
    headers: { ...COMMON_HEADERS, ...headers },
    content: {
      [OCCI_JSON]: { schema: json },
      [OCCI_JSON_1_1]: { schema: { type: 'object' } },
      [TEXT_PLAIN]: TEXT,
      [TEXT_OCCI]: TEXT,
      [TEXT_OCCI_PLAIN]: TEXT,
      'text/html': HTML,
      ...further,
    },
  };
}

/** An answer that lists things. */
export function listing(json: JsonObject, description: string): JsonObject {
  return answer(json, description, {}, { [TEXT_URI_LIST]: TEXT });
}

/** What GET answers with, and that it need not be sent again. */
export function revalidatable(found: JsonObject): JsonObject {
  const headers = { ...(found['headers'] as JsonObject | undefined), ...ETAG };
  return { '200': { ...found, headers }, '304': { description: 'The client has it already', headers: ETAG } };
}

/** What is said when there is nothing to say. */
export const DONE = answer({ type: 'object' }, 'Done');

/** Answers that any operation can give. */
export function withRefusals(answers: JsonObject, ...further: readonly string[]): JsonObject {
  const common = ['400', '401', '403', '404', '406', '429', '500', '503'];
  return {
    ...answers,
    ...Object.fromEntries([...common, ...further].map((status) => [status, responseRef('Refused')])),
  };
}

export const LOCATION: JsonObject = {
  Location: { description: 'URL of the entity', schema: { type: 'string', format: 'uri' } },
};
export const ETAG: JsonObject = {
  ETag: {
    description: 'Version and rendering of the entity; weak on collections and discovery',
    schema: { type: 'string' },
  },
};

export const FILTER = [parameterRef('Category'), parameterRef('X-OCCI-Attribute')];
export const PAGING = [parameterRef('page'), parameterRef('number')];

/** Parameters that operations refer to. */
export const PARAMETERS: Readonly<Record<string, JsonObject>> = {
  id: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'Id of the entity',
    schema: { type: 'string', format: 'uuid' },
  },
  page: {
    name: 'page',
    in: 'query',
    description: 'Which page, from 1; comes with `number`',
    schema: { type: 'integer', minimum: 1 },
  },
  number: {
    name: 'number',
    in: 'query',
    description: 'How many entities make a page; comes with `page`',
    schema: { type: 'integer', minimum: 0 },
  },
  Category: {
    name: 'Category',
    in: 'header',
    description: 'A category to filter by, as `term; scheme="…"; class="…"` (GFD.229 §4.1)',
    schema: { type: 'string' },
  },
  'X-OCCI-Attribute': {
    name: 'X-OCCI-Attribute',
    in: 'header',
    description: 'An attribute to filter by, as `name="value"` (GFD.229 §4.1)',
    schema: { type: 'string' },
  },
  'If-Match': {
    name: 'If-Match',
    in: 'header',
    description: 'The tag of the entity as it was read: a later version is not changed',
    schema: { type: 'string' },
  },
  'If-None-Match': {
    name: 'If-None-Match',
    in: 'header',
    description: 'The tag of the rendering that the client has',
    schema: { type: 'string' },
  },
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'Chosen by the client: the same request under the same key is carried out once',
    schema: { type: 'string' },
  },
  'all-tenants': {
    name: 'all-tenants',
    in: 'query',
    description: 'For administrators: entities of others are meant as well',
    schema: { type: 'boolean', default: false },
  },
  'dry-run': {
    name: 'dry-run',
    in: 'query',
    allowEmptyValue: true,
    description: 'Tell what would be done, and do nothing',
    schema: { enum: ['', 'true', '1', 'false', '0'] },
  },
};

/** Answers that operations refer to. */
export const RESPONSES: Readonly<Record<string, JsonObject>> = {
  Refused: {
    description: 'Refused; the body says everything that is wrong with the request',
    headers: {
      ...COMMON_HEADERS,
      'X-OCCI-Error': { description: 'What is wrong, on one line', schema: { type: 'string' } },
      'WWW-Authenticate': { description: 'With 401: how to sign in', schema: { type: 'string' } },
      'Retry-After': { description: 'Seconds', schema: { type: 'integer' } },
    },
    content: {
      [OCCI_JSON]: { schema: schemaRef('Problem') },
      [TEXT_PLAIN]: TEXT,
      [TEXT_OCCI]: TEXT,
      'text/html': HTML,
    },
  },
};
