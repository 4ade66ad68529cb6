/**
 * Entities, categories and locations as `text/plain` and `text/occi` (GFD.185 §3.5–3.6, GFD.229 §4–§8), written the one way that
 * every known client can read (`spec/occi-interop.md`): fixed order of parameters, `; ` between them, nothing empty, numbers
 * without sign and exponent, one joined header line per name.
 */

import type { Attributes, AttributeValue, EntityView, LinkView, OcciVersion, TypeId } from '../model.js';
import { CORE_RESOURCE, isLinkView } from '../model.js';
import { OK, TextFields, type TextAnswer, type TextForm } from './fields.js';
import { toHeader } from './header-text.js';
import { attributeValue, quoted, uriText } from './values.js';

/** Path of the location of a kind, ending in `/`. With an entity's id behind it, it is the entity's path (`spec/occi.md` §7.1). */
export type LocationOf = (kind: TypeId) => string;

/**
 * Renders one entity: its kind first, then mixins, attributes, links and the actions that apply (GFD.229 §5.1). Links and
 * actions are written as paths.
 */
export function renderEntity(
  view: EntityView,
  form: TextForm,
  locationOf: LocationOf,
  version: OcciVersion = '1.2',
): TextAnswer {
  const fields = new TextFields(form);
  // jOCCI makes the URLs of an entity and of its links from the location beside its kind, and fails where there is none.
  fields.add('Category', `${shortCategory(view.kind, 'kind')}; location=${quoted(uriText(locationOf(view.kind)))}`);
  for (const mixin of view.mixins) fields.add('Category', shortCategory(mixin, 'mixin'));
  addAttributes(fields, view, version);
  if (!isLinkView(view)) for (const link of view.links) fields.add('Link', linkValue(link, locationOf));
  if (view.actions.length > 0) {
    const path = pathOf(view, locationOf);
    for (const action of view.actions) {
      fields.add('Link', `<${path}?action=${action.slice(action.indexOf('#') + 1)}>; rel=${quoted(action)}`);
    }
  }
  return fields.answer();
}

/** Renders what a client sends that is no entity: a category, attributes for what it names, or both (GFD.229 §4.1, §4.3). */
export function renderFields(
  category: { readonly id: TypeId; readonly class: 'action' | 'mixin' } | undefined,
  attributes: Attributes,
  form: TextForm,
): TextAnswer {
  const fields = new TextFields(form);
  if (category !== undefined) fields.add('Category', shortCategory(category.id, category.class));
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) fields.add('X-OCCI-Attribute', `${name}=${attributeValue(value)}`);
  }
  return fields.answer();
}

/** What a line of `text/plain` that names an entity by its URL begins with. */
export const LOCATION_LINE = 'X-OCCI-Location: ';

/**
 * Renders a collection of entities as their URLs (GFD.229 §5.3). In `text/occi` they are in `Location` too, where jOCCI looks
 * for them and takes a blank for a part of the URL.
 */
export function renderLocations(urls: readonly string[], form: TextForm): TextAnswer {
  if (form === 'text/plain') {
    return { headers: [], body: lines(urls, LOCATION_LINE, '\r\n') };
  }
  if (urls.length === 0) return OK;
  return {
    headers: [
      ['X-OCCI-Location', toHeader(urls.join(', '))],
      ['Location', toHeader(urls.join(','))],
    ],
    body: OK.body,
  };
}

/** Renders URLs as `text/uri-list` (RFC 2483 §5): one a line. */
export function renderUriList(urls: readonly string[], lineEnd: '\r\n' | '\n' = '\r\n'): TextAnswer {
  return { headers: [], body: lines(urls, '', lineEnd) };
}

/** One text a line, each begun and ended alike. Joined in one go: thousands of pieces put together one by one cost ten times that. */
function lines(texts: readonly string[], begin: string, end: string): string {
  return texts.length === 0 ? '' : begin + texts.join(end + begin) + end;
}

/** The answer to what has nothing to show: the same in both forms. */
export function renderOk(): TextAnswer {
  return OK;
}

/** A category by name and class only, as entities show it. */
function shortCategory(id: TypeId, class_: 'kind' | 'mixin' | 'action'): string {
  const term = id.indexOf('#') + 1;
  return `${id.slice(term)}; scheme=${quoted(id.slice(0, term))}; class="${class_}"`;
}

/**
 * Model attributes under their rendered names (GFD.229 §5.5.1), then all others. 1.1 has no kinds of ends, and rOCCI 4, which
 * nests attributes at their dots, loses an end to its kind.
 */
function addAttributes(fields: TextFields, view: EntityView, version: OcciVersion): void {
  const add = (name: string, value: AttributeValue | undefined): void => {
    if (value !== undefined) fields.add('X-OCCI-Attribute', `${name}=${attributeValue(value)}`);
  };
  add('occi.core.id', view.id);
  add('occi.core.title', view.title);
  if (isLinkView(view)) {
    add('occi.core.source', view.source.location);
    if (version !== '1.1') add('occi.core.source.kind', view.source.kind);
    add('occi.core.target', view.target.location);
    if (version !== '1.1') add('occi.core.target.kind', view.target.kind);
  } else {
    add('occi.core.summary', view.summary);
  }
  for (const name in view.attributes) add(name, view.attributes[name]);
}

/** A link in its source: the target with its type, and everything of the link itself (GFD.229 §4.2). */
function linkValue(link: LinkView, locationOf: LocationOf): string {
  // The grammar wants a rel; what is known of a target outside is that it is a resource.
  let value = `<${uriText(link.target.location)}>; rel=${quoted(link.target.kind ?? CORE_RESOURCE)}; self=${quoted(pathOf(link, locationOf))}`;
  value += `; category=${quoted([link.kind, ...link.mixins].join(' '))}`;
  // rOCCI 4 fails on a link that has attributes but none of occi.core.
  value += `; occi.core.id=${quoted(link.id)}`;
  if (link.title !== undefined) value += `; occi.core.title=${quoted(link.title)}`;
  for (const name in link.attributes) {
    const attribute = link.attributes[name];
    if (attribute !== undefined) value += `; ${name}=${attributeValue(attribute)}`;
  }
  return value;
}

const URN = 'urn:uuid:';

function pathOf(view: EntityView, locationOf: LocationOf): string {
  const id = view.id.startsWith(URN) ? view.id.slice(URN.length) : view.id;
  return uriText(locationOf(view.kind) + id);
}
