/**
 * From a stored record to the entity that clients see. The OCCI 1.2 JSON of every entity is kept beside its record and
 * renewed in the transaction that changes it, so that a read, single or of thousands, copies text instead of building
 * objects (`docs/decisions/`). Every other rendering starts from that same view.
 */

import { renderEntityJson, parseEntityView } from '../occi/json/index.js';
import { isLinkView, type AttributeValue, type EntityView, type LinkView, type TypeId } from '../occi/model.js';
import type { CategoryRegistry } from '../occi/registry.js';
import { linksOf } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { SqlReader } from '../store/sql.js';

/** Path of an entity: its kind's location and its id (`spec/occi.md` §7.1: clients compute it so). */
export function pathOf(registry: CategoryRegistry, entity: { readonly kind: TypeId; readonly id: string }): string {
  return `${registry.kind(entity.kind)?.location ?? '/'}${entity.id}`;
}

/** What a view needs to know of a link's ends. */
export interface LinkEnds {
  readonly source: { readonly id: string; readonly kind: TypeId };
  readonly target: { readonly id: string; readonly kind: TypeId } | undefined;
}

/**
 * Composes the view: mutable and create-only attributes render what is wanted, immutable ones what was observed (K10).
 * Attributes that no category of the entity defines are kept back.
 */
export function viewOf(
  record: EntityRecord,
  registry: CategoryRegistry,
  applicable: readonly TypeId[],
  links: readonly LinkView[],
  ends?: LinkEnds,
): EntityView {
  const attributes: Record<string, AttributeValue> = {};
  for (const definition of registry.attributesOf(record.kind, record.mixins).values()) {
    if (definition.name.startsWith('occi.core.')) continue;
    const from = definition.mutable || definition.createOnly ? record.wanted : record.observed;
    const value = from[definition.name];
    if (value !== undefined) attributes[definition.name] = value;
  }
  const common = {
    kind: record.kind,
    id: `urn:uuid:${record.id}`,
    mixins: record.mixins,
    ...(record.title === null ? {} : { title: record.title }),
    attributes,
    actions: applicable,
  };
  if (ends) {
    return {
      ...common,
      source: { location: pathOf(registry, ends.source), kind: ends.source.kind },
      target: ends.target
        ? { location: pathOf(registry, ends.target), kind: ends.target.kind }
        : { location: record.targetUri ?? '' },
    };
  }
  return { ...common, ...(record.summary === null ? {} : { summary: record.summary }), links };
}

/** The views of the links that a resource owns, in the order of their creation. */
export async function linkViewsOf(reader: SqlReader, id: string): Promise<LinkView[]> {
  return (await linksOf(reader, [id])).map((link) => parseEntityView(link.rendering)).filter(isLinkView);
}

export { renderEntityJson, parseEntityView };
