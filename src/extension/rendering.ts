/**
 * From a stored record to the entity that clients see. The OCCI 1.2 JSON of every entity is kept beside its record and
 * renewed in the transaction that changes it, so that a read, single or of thousands, copies text instead of building
 * objects (`docs/decisions/`). Every other rendering starts from that same view.
 */

import { renderEntityJson, parseEntityView } from '../occi/json/index.js';
import {
  isLinkView,
  type AttributeValue,
  type EntityView,
  type LinkView,
  type OcciVersion,
  type TypeId,
} from '../occi/model.js';
import type { CategoryRegistry } from '../occi/registry.js';
import { visibleIn } from '../occi/visible.js';
import { findEntity, linksOf, updateEntity } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { Tx } from '../store/sql.js';
import type { Handlers } from './handlers.js';
import { pathOf } from './locations.js';

/** What a view needs to know of a link's ends. */
export interface LinkEnds {
  readonly source: { readonly id: string; readonly kind: TypeId };
  readonly target: { readonly id: string; readonly kind: TypeId } | undefined;
}

/**
 * Composes the view: mutable and create-only attributes render what is wanted, immutable ones what was observed (K10).
 * A mutable attribute that nobody asked for shows what the site chose (a MAC address, a device).
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
    const value =
      definition.mutable || definition.createOnly
        ? (record.wanted[definition.name] ?? record.observed[definition.name])
        : record.observed[definition.name];
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

/** The record with its rendering renewed. A link's source is renewed with it, for it shows the link. */
export async function renderRecord(
  tx: Tx,
  record: EntityRecord,
  registry: CategoryRegistry,
  handlers: Handlers,
  showOnSource = true,
): Promise<EntityRecord> {
  if (record.source === null) {
    const links = (await linksOf(tx, [record.id])).map((link) => parseEntityView(link.rendering)).filter(isLinkView);
    return renderResource(record, registry, handlers, links);
  }
  const applicable = handlers.of(record.kind).applicable(record);
  const source = await findEntity(tx, record.source);
  const target = record.target === null ? undefined : await findEntity(tx, record.target);
  if (!source) return record;
  const view = viewOf(record, registry, applicable, [], { source, target });
  const rendered = { ...record, rendering: stored(view, registry) };
  if (showOnSource && isLinkView(view) && source.phase === 'live') await showLink(tx, source, view, 'present');
  return rendered;
}

/** A resource with its rendering renewed, whose links are known. */
export function renderResource(
  record: EntityRecord,
  registry: CategoryRegistry,
  handlers: Handlers,
  links: readonly LinkView[],
): EntityRecord {
  const view = viewOf(record, registry, handlers.of(record.kind).applicable(record), links);
  return { ...record, rendering: stored(view, registry) };
}

/** Puts a link into the rendering of its source, or takes it out; nothing else of the source changes. */
export async function showLink(tx: Tx, source: EntityRecord, link: LinkView, state: 'present' | 'gone'): Promise<void> {
  const shown = parseEntityView(source.rendering);
  if (isLinkView(shown)) return;
  const position = shown.links.findIndex((candidate) => candidate.id === link.id);
  const links = shown.links.filter((candidate) => candidate.id !== link.id);
  if (state === 'present') links.splice(position < 0 ? links.length : position, 0, link);
  const rendering = renderEntityJson({ ...shown, links });
  if (rendering === source.rendering) return;
  await updateEntity(tx, source, { ...source, observedRevision: source.observedRevision + 1, rendering });
}

/** Takes a link out of the rendering of its source. */
export async function hideLink(tx: Tx, link: EntityRecord): Promise<void> {
  const source = link.source === null ? undefined : await findEntity(tx, link.source);
  const view = parseEntityView(link.rendering);
  if (source?.phase === 'live' && isLinkView(view)) await showLink(tx, source, view, 'gone');
}

/** What is kept is the view of OCCI 1.2, so that its JSON can be handed out as it is. */
function stored(view: EntityView, registry: CategoryRegistry): string {
  return renderEntityJson(visibleIn(view, '1.2', registry));
}

/** The entity as a client of one version sees it. */
export function viewIn(
  record: EntityRecord,
  version: OcciVersion,
  registry: CategoryRegistry,
  handlers: Handlers,
): EntityView {
  if (version === '1.2') return parseEntityView(record.rendering);
  return visibleIn(wholeView(record, registry, handlers), version, registry);
}

/** The entity in the words of both versions: what an update is held against. Links come as they are kept. */
export function wholeView(record: EntityRecord, registry: CategoryRegistry, handlers: Handlers): EntityView {
  const kept = parseEntityView(record.rendering);
  const whole = viewOf(
    record,
    registry,
    handlers.of(record.kind).applicable(record),
    isLinkView(kept) ? [] : kept.links,
  );
  return isLinkView(kept) ? linkOf(whole, kept) : whole;
}

function linkOf({ kind, id, mixins, title, attributes, actions }: EntityView, { source, target }: LinkView): LinkView {
  return { kind, id, mixins, ...(title === undefined ? {} : { title }), attributes, actions, source, target };
}

export { parseEntityView };
