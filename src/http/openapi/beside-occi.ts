/** The URLs beside OCCI: uploads (K05), the event stream, health, and this description. */

import type { JsonObject } from '../../base/json.js';
import { operationId, responseRef, schemaRef } from './names.js';

const UPLOADS = ['uploads'];
const HEALTH = ['health'];
const REFUSED = responseRef('Refused');
const UPLOAD = json(schemaRef('Upload'), 'How much has arrived');

export const BESIDE_OCCI: Readonly<Record<string, JsonObject>> = {
  '/upload/': {
    post: {
      operationId: operationId('announce', 'upload'),
      tags: UPLOADS,
      summary: 'Announce a file that will be sent in pieces',
      requestBody: { required: true, content: { 'application/json': { schema: schemaRef('NewUpload') } } },
      responses: {
        '201': {
          ...UPLOAD,
          headers: { Location: { description: 'Where the pieces go', schema: { type: 'string', format: 'uri' } } },
        },
        default: REFUSED,
      },
    },
  },
  '/upload/{id}': {
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
    get: {
      operationId: operationId('get', 'upload'),
      tags: UPLOADS,
      summary: 'How much has arrived',
      responses: { '200': UPLOAD, default: REFUSED },
    },
    put: {
      operationId: operationId('append', 'upload'),
      tags: UPLOADS,
      summary: 'Send the file, or its next piece',
      parameters: [
        {
          name: 'Content-Range',
          in: 'header',
          description: 'Which piece it is; the whole file if absent',
          schema: { type: 'string' },
          example: 'bytes 0-1048575/8388608',
        },
      ],
      requestBody: { required: true, content: { 'application/octet-stream': {} } },
      responses: { '200': UPLOAD, default: REFUSED },
    },
    delete: {
      operationId: operationId('delete', 'upload'),
      tags: UPLOADS,
      summary: 'Give it up',
      responses: { '200': json({ type: 'object' }, 'Done'), default: REFUSED },
    },
  },
  '/events/audit': {
    get: {
      operationId: operationId('list', 'audit'),
      tags: ['events'],
      summary: 'The audit trail: all of it for the provider, that of their VO for whoever administers one',
      parameters: ['after', 'limit', 'vo', 'entity'].map((name) => ({
        name,
        in: 'query',
        required: false,
        schema: { type: name === 'after' || name === 'limit' ? 'integer' : 'string' },
      })),
      responses: { '200': json({ type: 'object' }, 'Entries, and where the next page begins'), default: REFUSED },
    },
  },
  '/events/': {
    get: {
      operationId: operationId('watch', 'events'),
      tags: ['events'],
      summary: 'What happens to an appliance or an entity, as it happens',
      parameters: [
        {
          name: 'subject',
          in: 'query',
          required: true,
          description: 'Id of the appliance, or of an entity that stands alone',
          schema: { type: 'string', format: 'uuid' },
        },
        {
          name: 'after',
          in: 'query',
          description: 'Id of the last event that was seen',
          schema: { type: 'integer', minimum: 0 },
        },
        {
          name: 'Last-Event-ID',
          in: 'header',
          description: 'The same, as browsers send it',
          schema: { type: 'integer', minimum: 0 },
        },
      ],
      responses: {
        '200': {
          description: 'Server-sent events, without end',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
        default: REFUSED,
      },
    },
  },
  '/events/operations': {
    get: {
      operationId: operationId('list', 'operations'),
      tags: ['events'],
      summary: 'The work under way on entities that the caller may read; or what was done to one of them',
      parameters: [
        {
          name: 'entity',
          in: 'query',
          description: 'Id of the entity whose latest operations are told, ended ones among them',
          schema: { type: 'string', format: 'uuid' },
        },
      ],
      responses: { '200': json({ type: 'object' }, 'Operations, the latest last'), default: REFUSED },
    },
  },
  '/health': health('health', 'Whether the process is alive', true),
  '/health/live': health('live', 'Whether the process is alive', true),
  '/health/ready': health('ready', 'Whether it can serve', true),
  '/health/sites': health('sites', 'The sites and how much of them is free; for administrators', false),
  '/health/sites/{name}/check': aboutSite('check', 'What keeps a site from being used; for administrators'),
  '/health/sites/{name}/inventory': aboutSite('inventory', 'What a site has; for administrators'),
  '/health/sites/{name}/usage': aboutSite(
    'usage',
    'What a site has recorded of machines that ran (from, until), and where VEP shows otherwise; for administrators',
  ),
  '/health/surroundings': health(
    'surroundings',
    'What administrators should see to, beside the sites; for administrators',
    false,
  ),
  '/health/operations': health('operations', 'Operations that have given up; for administrators', false),
  '/health/operations/{id}/retry': {
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
    post: {
      operationId: operationId('retry', 'operation'),
      tags: HEALTH,
      summary: 'Let an operation try again; for administrators',
      responses: { '200': json({ type: 'object' }, 'It will be tried again'), default: REFUSED },
    },
  },
  '/health/entities/{id}/forget': {
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
    post: {
      operationId: operationId('forget', 'entity'),
      tags: HEALTH,
      summary: 'Stop waiting for a site that is down to release it; for administrators',
      responses: { '200': json({ type: 'object' }, 'What is no longer waited for'), default: REFUSED },
    },
  },
  '/metrics': {
    get: {
      operationId: operationId('get', 'metrics'),
      tags: HEALTH,
      summary: 'Counters for Prometheus; for administrators unless configured to be open',
      responses: {
        '200': { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
        default: REFUSED,
      },
    },
  },
  '/console/openapi.json': {
    get: {
      operationId: operationId('get', 'description'),
      tags: ['description'],
      summary: 'This description, with the mixins that you can see',
      responses: { '200': json({ type: 'object' }, 'An OpenAPI document'), default: REFUSED },
    },
  },
};

function health(name: string, summary: string, open: boolean): JsonObject {
  return {
    get: {
      operationId: operationId('get', name),
      tags: HEALTH,
      summary,
      ...(open ? { security: [] } : {}),
      responses: { '200': json({ type: 'object' }, 'The report'), default: REFUSED },
    },
  };
}

function aboutSite(name: string, summary: string): JsonObject {
  return {
    parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
    ...health(`site-${name}`, summary, false),
  };
}

function json(schema: JsonObject, description: string): JsonObject {
  return { description, content: { 'application/json': { schema } } };
}
