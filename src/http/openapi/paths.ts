/** The URLs of OCCI and what can be done there (GFD.223 §8–§11), from the registry. */

import type { JsonObject, JsonValue } from '../../base/json.js';
import type { BodyReader, Rendering } from '../../extension/extension.js';
import type { Handlers } from '../../extension/handlers.js';
import type { Kind, Mixin, OcciVersion, TypeId } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { categoryView } from '../../occi/visible.js';
import { keyOf, operationId, parameterRef, schemaRef } from './names.js';
import {
  answer,
  body,
  DONE,
  ETAG,
  FILTER,
  listing,
  revalidatable,
  LOCATION,
  locationsBody,
  PAGING,
  withRefusals,
} from './operations.js';

/** What is described beside the registry. */
export interface Described {
  readonly registry: CategoryRegistry;
  readonly version: OcciVersion;
  readonly handlers: Handlers;
  readonly bodyReaders: readonly BodyReader[];
  readonly renderings: readonly Rendering[];
}

const QUERY_INTERFACE = ['query interface'];

export function queryInterfacePaths(): Record<string, JsonObject> {
  const categories = schemaRef('Categories');
  const operations = (name: string): JsonObject => ({
    get: {
      operationId: operationId('discover', name),
      tags: QUERY_INTERFACE,
      summary: 'The categories that this server knows',
      parameters: [parameterRef('Category'), parameterRef('If-None-Match')],
      responses: withRefusals(revalidatable(answer(categories, 'The categories'))),
    },
    post: {
      operationId: operationId('define', name),
      tags: QUERY_INTERFACE,
      summary: 'Define mixins',
      requestBody: body(categories, 'The mixins, each with term, scheme and location'),
      responses: withRefusals({ '200': DONE }, '409'),
    },
    delete: {
      operationId: operationId('forget', name),
      tags: QUERY_INTERFACE,
      summary: 'Remove mixins that users defined; their members stay',
      requestBody: body(categories, 'The mixins'),
      responses: withRefusals({ '200': DONE }),
    },
  });
  return { '/-/': operations('categories'), '/.well-known/org/ogf/occi/-/': operations('well-known-categories') };
}

/** Where everything lies below. */
export function rootPath({ registry, version }: Described): JsonObject {
  const created = registry
    .categories(version)
    .filter((category) => category.class === 'kind' && category.location !== undefined)
    .map(({ id }) => schemaRef(`${keyOf(id)}.new`));
  return {
    get: {
      operationId: operationId('list', 'everything'),
      tags: ['root'],
      summary: 'Everything of yours',
      parameters: [...FILTER, ...PAGING, parameterRef('If-None-Match')],
      responses: withRefusals(revalidatable(listing(schemaRef('Collection'), 'The entities')), '413'),
    },
    post: {
      operationId: operationId('create', 'anything'),
      tags: ['root'],
      summary: 'Create an entity of the kind that it names',
      parameters: [parameterRef('Idempotency-Key')],
      requestBody: body({ anyOf: created }, 'The entity'),
      responses: withRefusals(
        { '201': answer(schemaRef('Resource'), 'Created', { ...LOCATION, ...ETAG }) },
        '409',
        '413',
        '422',
      ),
    },
  };
}

/** The collection of a kind, and the URL of its entities. */
export function kindPaths(about: Described, kind: Kind): Record<string, JsonObject> {
  const { location } = kind;
  if (location === undefined) return {};
  return { [location]: kindCollection(about, kind), [`${location}{id}`]: entity(about, kind) };
}

function kindCollection(about: Described, kind: Kind): JsonObject {
  const key = keyOf(kind.id);
  const tags = [kind.title ?? kind.term];
  const rehearsed = about.handlers.of(kind.id).dryRun !== undefined;
  const readers = about.bodyReaders.filter((reader) => reader.kind === kind.id);
  const further = Object.fromEntries(
    readers.flatMap(({ mediaTypes }) => mediaTypes).map((type): [string, JsonObject] => [type, document(type)]),
  );
  const { parameter, bodies } = invocations(about, kind.id);
  const one = schemaRef(`${key}.new`);
  return {
    get: {
      operationId: operationId('list', key),
      tags,
      summary: 'The entities of this kind',
      parameters: [...FILTER, ...PAGING, parameterRef('If-None-Match')],
      responses: withRefusals(revalidatable(listing(schemaRef('Collection'), 'The entities')), '413'),
    },
    post: {
      operationId: operationId('create', key),
      tags,
      summary: parameter ? 'Create entities, or, with `action`, act on all of them' : 'Create entities',
      parameters: [
        parameterRef('Idempotency-Key'),
        ...(rehearsed ? [parameterRef('dry-run')] : []),
        ...(parameter ? [parameter, parameterRef('all-tenants')] : []),
      ],
      requestBody: body({ anyOf: [one, schemaRef('Collection'), ...bodies] }, 'One entity, or several', further),
      responses: withRefusals(
        {
          '200': answer({ type: 'object' }, rehearsed ? 'What would be done, or done' : 'Done'),
          '201': answer({ anyOf: [schemaRef(key), schemaRef('Collection')] }, 'Created', { ...LOCATION, ...ETAG }),
        },
        '409',
        '413',
        '422',
      ),
    },
    delete: {
      operationId: operationId('delete-all', key),
      tags,
      summary: 'Delete the entities of this kind, or those that are named',
      parameters: [...FILTER, parameterRef('all-tenants')],
      requestBody: locationsBody('The entities that are meant; all if none is named', false),
      responses: withRefusals({ '200': DONE }, '409'),
    },
  };
}

function entity(about: Described, kind: Kind): JsonObject {
  const key = keyOf(kind.id);
  const tags = [kind.title ?? kind.term];
  const { parameter, bodies } = invocations(about, kind.id);
  const further = Object.fromEntries(
    about.renderings
      .filter((rendering) => rendering.kind === kind.id)
      .map(({ mediaType }) => [mediaType, document(mediaType)]),
  );
  const changed = answer(schemaRef(key), 'The entity as it is now', { ...LOCATION, ...ETAG });
  return {
    parameters: [parameterRef('id')],
    get: {
      operationId: operationId('get', key),
      tags,
      summary: 'One entity',
      parameters: [parameterRef('If-None-Match')],
      responses: withRefusals(revalidatable(answer(schemaRef(key), 'The entity', {}, further))),
    },
    post: {
      operationId: operationId('update', key),
      tags,
      summary: parameter ? 'Change what is named, or, with `action`, act' : 'Change what is named',
      parameters: [parameterRef('If-Match'), ...(parameter ? [parameter] : [])],
      requestBody: body({ anyOf: [schemaRef(`${key}.change`), ...bodies] }, 'What is to be different'),
      responses: withRefusals({ '200': changed }, '409', '412', '413'),
    },
    put: {
      operationId: operationId('replace', key),
      tags,
      summary: 'Make it what is sent; what is left out is reset',
      parameters: [parameterRef('If-Match')],
      requestBody: body(schemaRef(`${key}.change`), 'The entity as it shall be'),
      responses: withRefusals({ '200': changed }, '409', '412', '413'),
    },
    delete: {
      operationId: operationId('delete', key),
      tags,
      summary: 'Delete it',
      parameters: [parameterRef('If-Match')],
      responses: withRefusals({ '200': DONE }, '409', '412'),
    },
  };
}

/** The collection of a mixin: who has it. */
export function mixinPath(about: Described, mixin: Mixin): JsonObject {
  const key = keyOf(mixin.id);
  const tags = ['mixins'];
  const { parameter, bodies } = invocations(about, mixin.id);
  const members = withRefusals({ '200': listing(schemaRef('Collection'), 'The members as they are now') });
  const given = schemaRef('Locations');
  return {
    get: {
      operationId: operationId('list', key),
      tags,
      summary: `The entities with: ${mixin.title ?? mixin.term}`,
      parameters: [...FILTER, ...PAGING, parameterRef('If-None-Match')],
      responses: withRefusals(revalidatable(listing(schemaRef('Collection'), 'The members')), '413'),
    },
    post: {
      operationId: operationId('associate', key),
      tags,
      summary: parameter ? 'Add entities, or, with `action`, act on all members' : 'Add entities',
      ...(parameter ? { parameters: [parameter, parameterRef('all-tenants')] } : {}),
      requestBody: body(bodies.length === 0 ? given : { anyOf: [given, ...bodies] }, 'The entities', URI_LIST),
      responses: members,
    },
    put: {
      operationId: operationId('replace', key),
      tags,
      summary: 'Make exactly these the members',
      requestBody: locationsBody('The entities', false),
      responses: members,
    },
    delete: {
      operationId: operationId('dissociate', key),
      tags,
      summary: 'Take entities out, or all; they stay',
      requestBody: locationsBody('The entities; all if none is named', false),
      responses: members,
    },
  };
}

const URI_LIST: JsonObject = { 'text/uri-list': { schema: { type: 'string' } } };

/** The actions of a category: the parameter of the URL that invokes one, and the bodies that go with it. */
function invocations(
  { registry, version }: Described,
  id: TypeId,
): { readonly parameter: JsonObject | undefined; readonly bodies: readonly JsonObject[] } {
  const category = registry.get(id);
  const ids = category === undefined ? [] : categoryView(category, registry, version).actions;
  const actions = ids.map((action) => registry.action(action)).filter((action) => action !== undefined);
  if (actions.length === 0) return { parameter: undefined, bodies: [] };
  const terms: readonly JsonValue[] = [...new Set(actions.map((action) => action.term))];
  return {
    parameter: {
      name: 'action',
      in: 'query',
      description: 'Term of the action that the body invokes',
      schema: { enum: terms },
    },
    bodies: actions.map((action) => schemaRef(keyOf(action.id))),
  };
}

/** A document in a media type that an extension reads or writes. */
function document(type: string): JsonObject {
  if (!type.startsWith('multipart/')) return { schema: { type: 'string' } };
  return {
    schema: {
      type: 'object',
      description: 'The parts in this order; only `ovf` must be there',
      properties: {
        entity: { type: 'string', description: 'The entity in any rendering of OCCI' },
        sla: { type: 'string', description: 'An agreement' },
        ovf: { type: 'string', format: 'binary', description: 'The descriptor, or an archive with everything' },
        file: {
          type: 'array',
          items: { type: 'string', format: 'binary' },
          description: 'Files, each named by its href',
        },
      },
      required: ['ovf'],
    },
  };
}
