/**
 * The rules of OpenAPI 3.1.0 (§4.7, §4.8) as far as a description uses what they are about: which members objects have and
 * must have, where references lead, what paths and operations owe one another. The published JSON Schema of OpenAPI says
 * the same, less the references and the path templates; it is not at hand offline.
 */

import { isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.js';

interface Shape {
  readonly required?: readonly string[];
  readonly allowed: readonly string[];
}

const SHAPES = {
  root: {
    required: ['openapi', 'info', 'paths'],
    allowed: [
      'openapi',
      'info',
      'jsonSchemaDialect',
      'servers',
      'paths',
      'webhooks',
      'components',
      'security',
      'tags',
      'externalDocs',
    ],
  },
  info: {
    required: ['title', 'version'],
    allowed: ['title', 'summary', 'description', 'termsOfService', 'contact', 'license', 'version'],
  },
  license: { required: ['name'], allowed: ['name', 'identifier', 'url'] },
  server: { required: ['url'], allowed: ['url', 'description', 'variables'] },
  tag: { required: ['name'], allowed: ['name', 'description', 'externalDocs'] },
  pathItem: {
    allowed: [
      '$ref',
      'summary',
      'description',
      'get',
      'put',
      'post',
      'delete',
      'options',
      'head',
      'patch',
      'trace',
      'servers',
      'parameters',
    ],
  },
  operation: {
    required: ['responses'],
    allowed: [
      'tags',
      'summary',
      'description',
      'externalDocs',
      'operationId',
      'parameters',
      'requestBody',
      'responses',
      'callbacks',
      'deprecated',
      'security',
      'servers',
    ],
  },
  parameter: {
    required: ['name', 'in'],
    allowed: [
      'name',
      'in',
      'description',
      'required',
      'deprecated',
      'allowEmptyValue',
      'style',
      'explode',
      'allowReserved',
      'schema',
      'example',
      'examples',
      'content',
    ],
  },
  requestBody: { required: ['content'], allowed: ['description', 'content', 'required'] },
  response: { required: ['description'], allowed: ['description', 'headers', 'content', 'links'] },
  header: {
    allowed: ['description', 'required', 'deprecated', 'style', 'explode', 'schema', 'example', 'examples', 'content'],
  },
  mediaType: { allowed: ['schema', 'example', 'examples', 'encoding'] },
  components: {
    allowed: [
      'schemas',
      'responses',
      'parameters',
      'examples',
      'requestBodies',
      'headers',
      'securitySchemes',
      'links',
      'callbacks',
      'pathItems',
    ],
  },
  securityScheme: {
    required: ['type'],
    allowed: ['type', 'description', 'name', 'in', 'scheme', 'bearerFormat', 'flows', 'openIdConnectUrl'],
  },
} satisfies Record<string, Shape>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(?:; ?[a-z0-9-]+=[\w.-]+)*$/i;

/** Everything in the document that breaks a rule, with where it is. */
export function defects(document: JsonObject): string[] {
  const checker = new Checker(document);
  checker.document();
  return checker.found;
}

class Checker {
  readonly found: string[] = [];
  readonly #document: JsonObject;
  readonly #operationIds = new Set<string>();
  readonly #tags: ReadonlySet<JsonValue | undefined>;

  constructor(document: JsonObject) {
    this.#document = document;
    this.#tags = new Set(members(document['tags']).map(([, tag]) => (isJsonObject(tag) ? tag['name'] : undefined)));
  }

  document(): void {
    const root = this.#shaped(this.#document, 'root', '#');
    if (!/^3\.1\.\d+$/.test(text(root['openapi']))) this.#say('#/openapi', 'is not 3.1');
    const info = this.#shaped(root['info'], 'info', '#/info');
    if (info['license'] !== undefined) this.#shaped(info['license'], 'license', '#/info/license');
    this.#each(root['servers'], '#/servers', (server, at) => void this.#shaped(server, 'server', at));
    this.#each(root['tags'], '#/tags', (tag, at) => void this.#shaped(tag, 'tag', at));
    if (this.#tags.size !== members(root['tags']).length) this.#say('#/tags', 'has a name twice');
    this.#components(this.#shaped(root['components'], 'components', '#/components'));
    this.#security(root['security'], '#/security');
    this.#paths(root['paths']);
    this.#references(this.#document, '#');
  }

  #components(components: JsonObject): void {
    for (const [section, parts] of Object.entries(components)) {
      for (const [key] of members(parts)) {
        if (!/^[a-zA-Z0-9._-]+$/.test(key)) this.#say(`#/components/${section}`, `has the key ${key}`);
      }
    }
    const at = (section: string): string => `#/components/${section}`;
    this.#each(components['responses'], at('responses'), (response, where) => this.#response(response, where));
    this.#each(
      components['parameters'],
      at('parameters'),
      (parameter, where) => void this.#parameter(parameter, where),
    );
    this.#each(components['securitySchemes'], at('securitySchemes'), (value, where) => {
      const scheme = this.#shaped(value, 'securityScheme', where);
      const needs: Record<string, readonly string[]> = { http: ['scheme'], apiKey: ['name', 'in'], mutualTLS: [] };
      for (const member of needs[text(scheme['type'])] ?? ['a known type']) {
        if (!(member in scheme)) this.#say(where, `lacks ${member}`);
      }
    });
  }

  #paths(paths: JsonValue | undefined): void {
    const templates = new Set<string>();
    this.#each(paths, '#/paths', (item, at, path) => {
      if (!path.startsWith('/') || /[?#]/.test(path)) this.#say(at, 'is not a path');
      const template = path.replace(/\{[^}]*\}/g, '{}');
      if (templates.has(template)) this.#say(at, 'is the same path as another');
      templates.add(template);
      const pathItem = this.#shaped(item, 'pathItem', at);
      const shared = this.#parameters(pathItem['parameters'], `${at}/parameters`);
      for (const method of METHODS) {
        if (pathItem[method] === undefined) continue;
        this.#operation(pathItem[method], `${at}/${method}`, path, shared);
      }
    });
  }

  #operation(value: JsonValue, at: string, path: string, shared: readonly string[]): void {
    const operation = this.#shaped(value, 'operation', at);
    const id = operation['operationId'];
    if (typeof id !== 'string' || this.#operationIds.has(id))
      this.#say(at, `has no operationId of its own: ${text(id)}`);
    this.#operationIds.add(text(id));
    for (const [, tag] of members(operation['tags'])) {
      if (!this.#tags.has(tag)) this.#say(at, `has the unknown tag ${text(tag)}`);
    }
    const parameters = [...shared, ...this.#parameters(operation['parameters'], `${at}/parameters`)];
    if (new Set(parameters).size !== parameters.length) this.#say(at, 'has a parameter twice');
    const wanted = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => `path ${name}`).sort();
    const given = parameters.filter((parameter) => parameter.startsWith('path ')).sort();
    if (wanted.join() !== given.join()) this.#say(at, `has ${given.join()} for ${wanted.join()}`);
    if (operation['security'] !== undefined) this.#security(operation['security'], `${at}/security`);
    if (operation['requestBody'] !== undefined) {
      const where = `${at}/requestBody`;
      this.#content(this.#shaped(operation['requestBody'], 'requestBody', where)['content'], `${where}/content`);
    }
    const responses = members(operation['responses']);
    if (responses.length === 0) this.#say(at, 'has no responses');
    for (const [status, response] of responses) {
      if (!/^([1-5](\d\d|XX)|default)$/.test(status)) this.#say(at, `has the status ${status}`);
      this.#response(response, `${at}/responses/${status}`);
    }
  }

  #parameters(value: JsonValue | undefined, at: string): string[] {
    const names: string[] = [];
    this.#each(value, at, (parameter, where) => names.push(this.#parameter(parameter, where)));
    return names;
  }

  #parameter(value: JsonValue, at: string): string {
    const parameter = this.#shaped(this.#resolved(value, at), 'parameter', at);
    const place = text(parameter['in']);
    if (!['query', 'header', 'path', 'cookie'].includes(place)) this.#say(at, `is in ${place}`);
    if (place === 'path' && parameter['required'] !== true) this.#say(at, 'is in the path and not required');
    if (place !== 'query' && 'allowEmptyValue' in parameter) this.#say(at, 'may be empty outside the query');
    if ('schema' in parameter === 'content' in parameter) this.#say(at, 'needs either schema or content');
    const ignored = ['accept', 'content-type', 'authorization'];
    if (place === 'header' && ignored.includes(text(parameter['name']).toLowerCase())) this.#say(at, 'is ignored');
    return `${place} ${text(parameter['name'])}`;
  }

  #response(value: JsonValue, at: string): void {
    const response = this.#shaped(this.#resolved(value, at), 'response', at);
    this.#content(response['content'], `${at}/content`);
    this.#each(response['headers'], `${at}/headers`, (header, where) => void this.#shaped(header, 'header', where));
  }

  #content(value: JsonValue | undefined, at: string): void {
    this.#each(value, at, (mediaType, where, name) => {
      if (!MEDIA_TYPE.test(name)) this.#say(where, 'is no media type');
      this.#shaped(mediaType, 'mediaType', where);
    });
  }

  #security(value: JsonValue | undefined, at: string): void {
    const components = this.#document['components'];
    const schemes = isJsonObject(components) ? members(components['securitySchemes']).map(([name]) => name) : [];
    this.#each(value, at, (requirement, where) => {
      for (const [name, scopes] of members(requirement)) {
        if (!schemes.includes(name)) this.#say(where, `names the unknown scheme ${name}`);
        if (!Array.isArray(scopes)) this.#say(where, 'has no list of scopes');
      }
    });
  }

  #references(value: JsonValue, at: string): void {
    for (const [name, member] of members(value)) {
      if (name === '$ref' && typeof member === 'string') this.#resolved({ $ref: member }, at);
      else this.#references(member, `${at}/${name}`);
    }
  }

  #resolved(value: JsonValue, at: string): JsonValue {
    if (!isJsonObject(value) || typeof value['$ref'] !== 'string') return value;
    let found: JsonValue | undefined = this.#document;
    for (const step of value['$ref'].replace(/^#\//, '').split('/')) {
      found = isJsonObject(found) ? found[step] : undefined;
    }
    if (found === undefined) this.#say(at, `refers to ${value['$ref']}, which is not there`);
    return found ?? {};
  }

  #shaped(value: JsonValue | undefined, kind: keyof typeof SHAPES, at: string): JsonObject {
    if (!isJsonObject(value)) {
      this.#say(at, 'is no object');
      return {};
    }
    const shape: Shape = SHAPES[kind];
    for (const member of shape.required ?? []) if (!(member in value)) this.#say(at, `lacks ${member}`);
    for (const member of Object.keys(value)) {
      if (!shape.allowed.includes(member) && !member.startsWith('x-')) this.#say(at, `has ${member}`);
    }
    return value;
  }

  #each(value: JsonValue | undefined, at: string, check: (item: JsonValue, at: string, name: string) => unknown): void {
    for (const [name, item] of members(value)) check(item, `${at}/${name}`, name);
  }

  #say(at: string, what: string): void {
    this.found.push(`${at} ${what}`);
  }
}

function members(value: JsonValue | undefined): [string, JsonValue][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
}
