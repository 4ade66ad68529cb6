/** Names under which things of the registry stand in the description: legal as component keys (OpenAPI 3.1.0 §4.8.7). */

import type { TypeId } from '../../occi/model.js';

/** A category's key: its identifier with everything but letters, digits, `.`, `_` and `-` made a `.`. */
export function keyOf(id: TypeId): string {
  return id.replace(/^[a-z]+:\/\/schemas\./, '').replace(/[^A-Za-z0-9_-]+/g, '.');
}

export function schemaRef(key: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${key}` };
}

export function responseRef(key: string): { readonly $ref: string } {
  return { $ref: `#/components/responses/${key}` };
}

export function parameterRef(key: string): { readonly $ref: string } {
  return { $ref: `#/components/parameters/${key}` };
}

/** An operation's id: what is done, and to what. */
export function operationId(verb: string, id: string): string {
  return `${verb}.${id}`;
}
