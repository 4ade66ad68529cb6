/** URLs of entities: how an id is written into one and found in one again, whichever form a client uses. */

import type { TypeId } from '../occi/model.js';
import type { CategoryRegistry } from '../occi/registry.js';

/** Path of an entity: its kind's location and its id (`spec/occi.md` §7.1: clients compute it so). */
export function pathOf(registry: CategoryRegistry, entity: { readonly kind: TypeId; readonly id: string }): string {
  return `${registry.kind(entity.kind)?.location ?? '/'}${entity.id}`;
}

const ENTITY_PATH = /^\/(?:[^?#]*\/)?(?:urn:uuid:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;
const URN = /^urn:uuid:([0-9a-f-]{36})$/;

/**
 * The id of the entity of this server that a reference means: a path, an absolute URL below `base`, or a `urn:uuid:`.
 * Undefined for anything else, an absolute URL of another server among it.
 */
export function entityIdOf(reference: string, base: string): string | undefined {
  const path = reference.startsWith(`${base}/`) ? reference.slice(base.length) : reference;
  return ENTITY_PATH.exec(path.replace(/\/{2,}/g, '/'))?.[1] ?? URN.exec(reference)?.[1];
}
