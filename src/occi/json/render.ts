/**
 * Entities in `application/occi+json` (GFD.226 §3.1, §3.3). The rendering of an entity is kept beside it in the store, so
 * there is a writer that fixes the order of members, a reader that is its exact inverse, and a collection that is
 * put together from renderings without looking into them.
 */

import { isLinkView, type EntityView, type LinkEnd, type LinkView, type ResourceView } from '../model.js';

/**
 * One resource or link. Members come in the order of GFD.226 Tables 1 and 2; `attributes` is always there, empty arrays
 * and absent texts are left out, because strict clients take neither (§7.2).
 */
export function renderEntityJson(view: EntityView): string {
  const ends = isLinkView(view) ? `,"source":${end(view.source)},"target":${end(view.target)}` : '';
  const links =
    isLinkView(view) || view.links.length === 0 ? '' : `,"links":[${view.links.map(renderEntityJson).join(',')}]`;
  const summary = isLinkView(view) || view.summary === undefined ? '' : `,"summary":${JSON.stringify(view.summary)}`;
  const title = view.title === undefined ? '' : `,"title":${JSON.stringify(view.title)}`;
  return (
    `{"kind":${JSON.stringify(view.kind)},"id":${JSON.stringify(view.id)}${ends}` +
    `${strings('mixins', view.mixins)},"attributes":${JSON.stringify(view.attributes)}` +
    `${strings('actions', view.actions)}${links}${summary}${title}}`
  );
}

/**
 * A collection from renderings of its members. `resources` is there even if nothing is in it, unless there are links
 * alone (A12).
 */
export function renderCollectionJson(fragments: {
  readonly resources: readonly string[];
  readonly links: readonly string[];
}): string {
  const links = `"links":[${fragments.links.join(',')}]`;
  if (fragments.resources.length === 0 && fragments.links.length > 0) return `{${links}}`;
  const resources = `"resources":[${fragments.resources.join(',')}]`;
  return fragments.links.length === 0 ? `{${resources}}` : `{${resources},${links}}`;
}

/** The view behind a rendering that {@link renderEntityJson} wrote; not for what comes from clients. */
export function parseEntityView(json: string): EntityView {
  return viewFrom(JSON.parse(json) as StoredEntity);
}

/** What a rendering may leave out of a view. */
type StoredEntity = StoredResource | StoredLink;
type Stored<View> = Omit<View, 'mixins' | 'actions'> & Partial<Pick<LinkView, 'mixins' | 'actions'>>;
type StoredResource = Omit<Stored<ResourceView>, 'links'> & { readonly links?: readonly StoredLink[] };
type StoredLink = Stored<LinkView>;
type Writable<View> = { -readonly [Member in keyof View]: View[Member] };

function viewFrom(stored: StoredEntity): EntityView {
  if ('source' in stored) return linkFrom(stored);
  const { kind, id, mixins = [], attributes, actions = [], links = [], summary, title } = stored;
  const view: Writable<ResourceView> = { kind, id, mixins, attributes, actions, links: links.map(linkFrom) };
  if (summary !== undefined) view.summary = summary;
  if (title !== undefined) view.title = title;
  return view;
}

function linkFrom(stored: StoredLink): LinkView {
  const { kind, id, source, target, mixins = [], attributes, actions = [], title } = stored;
  const view: Writable<LinkView> = { kind, id, source, target, mixins, attributes, actions };
  if (title !== undefined) view.title = title;
  return view;
}

function end({ location, kind }: LinkEnd): string {
  return kind === undefined
    ? `{"location":${JSON.stringify(location)}}`
    : `{"location":${JSON.stringify(location)},"kind":${JSON.stringify(kind)}}`;
}

function strings(member: string, values: readonly string[]): string {
  return values.length === 0 ? '' : `,"${member}":${JSON.stringify(values)}`;
}
