/** What categories, entities and values are called on a page, and where they lead. */

import { pathOf } from '../../extension/locations.js';
import { CONTRAIL, type AttributeValue, type EntityView, type Kind, type TypeId } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { html, visible, type Html } from './template.js';

/** Terms that the standards write as one word. */
const WORDS: Readonly<Record<string, string>> = {
  networkinterface: 'Network interface',
  storagelink: 'Storage link',
  securitygroup: 'Security group',
  securitygrouplink: 'Security group link',
  ipreservation: 'IP reservation',
  componentlink: 'Component link',
  vo: 'Virtual Organization',
};

/** The term of a type identifier, as people say it: `Compute`, `Agreement link`. */
export function termOf(id: TypeId): string {
  const term = id.slice(id.indexOf('#') + 1);
  return WORDS[term] ?? (term.charAt(0).toUpperCase() + term.slice(1)).replaceAll('_', ' ');
}

/** A category by its title, or by its term where it has none. */
export function titleOf(registry: CategoryRegistry, id: TypeId): string {
  return registry.get(id)?.title ?? termOf(id);
}

/** An entity by its title, or by its kind and the end of its id. */
export function nameOf(view: Pick<EntityView, 'title' | 'kind' | 'id'>): string {
  return view.title === undefined || view.title.trim() === ''
    ? `${termOf(view.kind)} …${view.id.slice(-8)}`
    : view.title;
}

/** Path of an entity. */
export function pathOfView(registry: CategoryRegistry, view: Pick<EntityView, 'kind' | 'id'>): string {
  return pathOf(registry, { kind: view.kind, id: view.id.replace(/^urn:uuid:/, '') });
}

/** A link to an entity under its name. */
export function entityLink(registry: CategoryRegistry, view: Pick<EntityView, 'title' | 'kind' | 'id'>): Html {
  return html`<a href="${pathOfView(registry, view)}"><bdi>${visible(nameOf(view))}</bdi></a>`;
}

/** A link to a category's collection, or its name where it has none. */
export function categoryLink(registry: CategoryRegistry, id: TypeId): Html {
  const category = registry.get(id);
  const location = category === undefined || category.class === 'action' ? undefined : category.location;
  const name = visible(titleOf(registry, id));
  return location === undefined
    ? html`<span title="${id}">${name}</span>`
    : html`<a href="${location}" title="${id}">${name}</a>`;
}

/** The kinds that have collections: what VEP is for, what that is made of, and then how it is shared. */
export function collectionsOf(registry: CategoryRegistry): Kind[] {
  const kinds = registry
    .categories('1.2')
    .filter((category): category is Kind => category.class === 'kind' && category.location !== undefined);
  const rank = ({ scheme }: Kind): number => (scheme === `${CONTRAIL}/ovf#` ? 0 : scheme.startsWith(CONTRAIL) ? 2 : 1);
  return kinds.sort((one, other) => rank(one) - rank(other));
}

/** A kind by its term, and by what defines it where two share the term: `Component (platform)`. */
export function collectionName({ id, term, scheme }: Kind, among: readonly Kind[]): string {
  if (among.filter((kind) => kind.term === term).length < 2) return termOf(id);
  return `${termOf(id)} (${scheme.slice(scheme.lastIndexOf('/') + 1, -1)})`;
}

const OWN_PATH = /^(\/(?:[A-Za-z0-9._~-]+\/)+)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** A path, with a link if an entity of this server can be there. What other servers are named is text. */
export function reference(registry: CategoryRegistry, text: string): Html {
  const location = OWN_PATH.exec(text)?.[1];
  const own = location !== undefined && registry.atLocation(location)?.class === 'kind';
  return own ? html`<a href="${text}">${text}</a>` : html`<bdi>${visible(text)}</bdi>`;
}

/** An attribute's value: states as badges, paths of entities as links, structures as JSON. */
export function valueOf(registry: CategoryRegistry, name: string, value: AttributeValue): Html {
  if (typeof value === 'object') return html`<pre>${visible(JSON.stringify(value, null, 2))}</pre>`;
  const text = String(value);
  if (isState(name)) return stateBadge(text);
  return text.includes('\n') ? html`<pre>${visible(text)}</pre>` : reference(registry, text);
}

export function isState(name: string): boolean {
  return name.endsWith('.state');
}

/** The state of an entity, if its kind has one; the first if several attributes call themselves so. */
export function stateOf(view: EntityView): string | undefined {
  return Object.entries(view.attributes).flatMap(([name, value]) =>
    isState(name) && typeof value === 'string' ? [value] : [],
  )[0];
}

const GOOD = new Set(['active', 'online', 'accepted', 'up']);
const BAD = new Set(['error', 'degraded', 'rejected', 'violated']);

export function stateBadge(state: string): Html {
  const tone = GOOD.has(state) ? 'good' : BAD.has(state) ? 'bad' : 'quiet';
  return html`<span class="state ${tone}">${visible(state)}</span>`;
}
