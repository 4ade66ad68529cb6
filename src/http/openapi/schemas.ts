/**
 * JSON Schemas (2020-12, the dialect of OpenAPI 3.1) of what travels as `application/occi+json` (GFD.226): entities,
 * action invocations and categories, from the attribute definitions of the registry.
 */

import type { JsonObject, JsonValue } from '../../base/json.js';
import {
  CORE_LINK,
  type Action,
  type AttributeDefinition,
  type Kind,
  type Mixin,
  type OcciVersion,
} from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { categoryView, isAccepted } from '../../occi/visible.js';
import { keyOf, schemaRef } from './names.js';

/** What an entity of the kind looks like, and what creates or changes one: three schemas by key. */
export function kindSchemas(registry: CategoryRegistry, kind: Kind, version: OcciVersion): Record<string, JsonObject> {
  const key = keyOf(kind.id);
  const isLink = registry.isA(kind.id, CORE_LINK);
  const shown = [...categoryView(kind, registry, version).attributes].filter(
    ({ name }) => !name.startsWith('occi.core.'),
  );
  const given = [...registry.attributesOf(kind.id).values()].filter(
    (definition) => isAccepted(definition, version) && (definition.mutable || definition.createOnly === true),
  );
  const own = given.filter(({ name }) => !name.startsWith('occi.core.'));
  const required = own.filter((definition) => definition.required && definition.default === undefined);
  const base = isLink ? 'Link' : 'Resource';
  return {
    [key]: {
      title: kind.title ?? kind.term,
      allOf: [
        schemaRef(base),
        {
          type: 'object',
          properties: {
            kind: isInstantiated(registry, kind) ? { type: 'string' } : { const: kind.id },
            attributes: attributesSchema(shown),
          },
        },
      ],
    },
    [`${key}.new`]: {
      title: `New: ${kind.title ?? kind.term}`,
      type: 'object',
      properties: {
        kind: { type: 'string', default: kind.id, description: 'This kind, or one derived from it' },
        mixins: { type: 'array', items: { type: 'string' } },
        ...members(isLink),
        attributes: {
          ...attributesSchema(own),
          ...(required.length > 0 ? { required: required.map(({ name }) => name) } : {}),
        },
      },
      required: ['kind', ...(isLink ? ['source', 'target'] : []), ...(required.length > 0 ? ['attributes'] : [])],
    },
    [`${key}.change`]: {
      title: `Change: ${kind.title ?? kind.term}`,
      type: 'object',
      properties: {
        kind: { const: kind.id },
        mixins: { type: 'array', items: { type: 'string' } },
        ...(isLink
          ? members(true)
          : {
              title: { type: 'string' },
              summary: { type: 'string' },
              links: { type: 'array', items: schemaRef('Link') },
            }),
        attributes: attributesSchema(own.filter((definition) => definition.createOnly !== true)),
      },
    },
  };
}

/** What a mixin adds to the attributes of an entity. */
export function mixinSchema(registry: CategoryRegistry, mixin: Mixin, version: OcciVersion): JsonObject {
  return {
    title: mixin.title ?? mixin.term,
    description: `Attributes that ${mixin.id} adds`,
    ...attributesSchema(categoryView(mixin, registry, version).attributes),
  };
}

/** The invocation of an action (GFD.226 §3.1.3). */
export function actionSchema(registry: CategoryRegistry, action: Action, version: OcciVersion): JsonObject {
  const parameters = categoryView(action, registry, version).attributes;
  const required = parameters.filter((definition) => definition.required).map(({ name }) => name);
  return {
    title: action.title ?? action.term,
    type: 'object',
    properties: {
      action: { const: action.id },
      attributes: { ...attributesSchema(parameters), ...(required.length > 0 ? { required } : {}) },
    },
    required: ['action', ...(required.length > 0 ? ['attributes'] : [])],
  };
}

/** Schemas that every description has. */
export const COMMON_SCHEMAS: Readonly<Record<string, JsonObject>> = {
  LinkEnd: {
    type: 'object',
    properties: { location: { type: 'string', format: 'uri-reference' }, kind: { type: 'string' } },
    required: ['location'],
  },
  Resource: {
    type: 'object',
    description: 'A resource (GFD.226 §3.1.1)',
    properties: {
      kind: { type: 'string' },
      id: { type: 'string', format: 'uri', description: 'urn:uuid:…' },
      mixins: { type: 'array', items: { type: 'string' } },
      title: { type: 'string' },
      summary: { type: 'string' },
      attributes: { type: 'object' },
      actions: { type: 'array', items: { type: 'string' }, description: 'What can be invoked in the present state' },
      links: { type: 'array', items: schemaRef('Link') },
    },
    required: ['kind', 'id', 'attributes'],
  },
  Link: {
    type: 'object',
    description: 'A link (GFD.226 §3.1.2)',
    properties: {
      kind: { type: 'string' },
      id: { type: 'string', format: 'uri' },
      mixins: { type: 'array', items: { type: 'string' } },
      title: { type: 'string' },
      attributes: { type: 'object' },
      actions: { type: 'array', items: { type: 'string' } },
      source: schemaRef('LinkEnd'),
      target: schemaRef('LinkEnd'),
    },
    required: ['kind', 'id', 'attributes', 'source', 'target'],
  },
  Collection: {
    type: 'object',
    description: 'A collection of entities (GFD.226 §3.3)',
    properties: {
      resources: { type: 'array', items: schemaRef('Resource') },
      links: { type: 'array', items: schemaRef('Link') },
    },
  },
  Locations: {
    type: 'array',
    description: 'Entities by URL',
    items: { type: 'string', format: 'uri-reference' },
  },
  Attribute: {
    type: 'object',
    description: 'An attribute definition (GFD.226 §3.5.1)',
    properties: {
      mutable: { type: 'boolean' },
      required: { type: 'boolean' },
      type: { enum: ['string', 'number', 'boolean', 'array', 'object'] },
      pattern: { type: 'object', description: 'A JSON Schema' },
      default: {},
      description: { type: 'string' },
    },
  },
  Category: {
    type: 'object',
    description: 'A kind, mixin or action (GFD.226 §3.2, §3.4)',
    properties: {
      term: { type: 'string' },
      scheme: { type: 'string', format: 'uri' },
      title: { type: 'string' },
      attributes: { type: 'object', additionalProperties: schemaRef('Attribute') },
      parent: { type: 'string' },
      depends: { type: 'array', items: { type: 'string' } },
      applies: { type: 'array', items: { type: 'string' } },
      actions: { type: 'array', items: { type: 'string' } },
      location: { type: 'string', format: 'uri-reference' },
    },
    required: ['term', 'scheme'],
  },
  Categories: {
    type: 'object',
    description: 'A collection of categories (GFD.226 §3.4)',
    properties: {
      kinds: { type: 'array', items: schemaRef('Category') },
      mixins: { type: 'array', items: schemaRef('Category') },
      actions: { type: 'array', items: schemaRef('Category') },
    },
  },
  Fault: {
    type: 'object',
    description: 'One thing that is wrong with a request',
    properties: {
      code: { type: 'string', description: 'Stable across releases' },
      severity: { enum: ['error', 'warning', 'info'] },
      message: { type: 'string' },
      place: {
        type: 'object',
        properties: {
          line: { type: 'integer', minimum: 1 },
          column: { type: 'integer', minimum: 1 },
          path: { type: 'string' },
          field: { type: 'string' },
        },
      },
      rule: { type: 'string' },
      remedy: { type: 'string' },
      value: { type: 'string' },
    },
    required: ['code', 'severity', 'message'],
  },
  Problem: {
    type: 'object',
    description: 'Why a request was refused: everything that is wrong with it',
    properties: {
      code: { type: 'integer', description: 'The status' },
      status: { type: 'integer' },
      error: { type: 'string' },
      message: { type: 'string' },
      request: { type: 'string', description: 'Id under which the log of the server knows the request' },
      faults: { type: 'array', items: schemaRef('Fault') },
    },
    required: ['code', 'status', 'error', 'message', 'request', 'faults'],
  },
  Upload: {
    type: 'object',
    properties: {
      id: { type: 'string', format: 'uuid' },
      name: { type: 'string' },
      size: { type: 'integer', minimum: 0, description: 'Bytes' },
      received: { type: 'integer', minimum: 0, description: 'Bytes' },
      complete: { type: 'boolean' },
      reference: { type: 'string', description: 'What names the file in an attribute' },
      expiresAt: { type: 'string', format: 'date-time' },
      sha256: { type: 'string' },
    },
    required: ['id', 'name', 'size', 'received', 'complete', 'reference', 'expiresAt'],
  },
  NewUpload: {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 255 },
      size: { type: 'integer', minimum: 0, description: 'Bytes' },
      digest: {
        type: 'object',
        properties: {
          algorithm: { enum: ['sha256', 'sha512', 'sha384', 'sha1'] },
          hex: { type: 'string', pattern: '^[0-9a-fA-F]{40,128}$' },
        },
        required: ['algorithm', 'hex'],
      },
    },
    required: ['name', 'size'],
  },
};

/** A kind from which others come: its collection and its URLs also show those. */
function isInstantiated(registry: CategoryRegistry, kind: Kind): boolean {
  return registry.descendants(kind.id).length > 1;
}

function members(isLink: boolean): JsonObject {
  if (isLink) return { title: { type: 'string' }, source: schemaRef('LinkEnd'), target: schemaRef('LinkEnd') };
  return {
    title: { type: 'string' },
    summary: { type: 'string' },
    links: {
      type: 'array',
      items: {
        type: 'object',
        properties: { kind: { type: 'string' }, target: schemaRef('LinkEnd'), attributes: { type: 'object' } },
        required: ['target'],
      },
    },
  };
}

function attributesSchema(definitions: readonly AttributeDefinition[]): JsonObject {
  return {
    type: 'object',
    properties: Object.fromEntries(definitions.map(({ name, ...rest }) => [name, attributeSchema(rest)])),
  };
}

/** The definition's pattern is a JSON Schema itself; what the definition says besides becomes annotations. */
function attributeSchema(definition: Omit<AttributeDefinition, 'name'>): JsonObject {
  const { type, pattern = {}, mutable, createOnly, description, default: standard } = definition;
  const { $schema: _dialect, ...constraints } = pattern;
  const schema: Record<string, JsonValue> = { type, ...constraints };
  if (description !== undefined) schema['description'] = description;
  if (standard !== undefined) schema['default'] = standard;
  if (!mutable && createOnly !== true) schema['readOnly'] = true;
  return schema;
}
