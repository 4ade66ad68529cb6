/**
 * `application/occi+json; version=1.1`: the JSON draft of 2012 that clients of the OCCI 1.1 era speak (`spec/occi.md` §7.3; it
 * never became a standard). Attributes are nested at each dot, entities always stand in `resources` or `links`,
 * links are named by URL, and categories say `related`.
 */

import type { JsonObject, JsonValue } from '../../base/json.js';
import { isLinkView, type AttributeValue, type EntityView, type TypeId } from '../model.js';
import type { CategoryView } from '../visible.js';
import { renderCollectionJson } from './render.js';

/** The URL of an entity, which the draft wants where 1.2 has whole objects. */
export type UrlOf = (entity: { readonly kind: TypeId; readonly id: string }) => string;

/** A message with one entity. */
export function renderEntityJson11(view: EntityView, urlOf: UrlOf): string {
  const fragment = entityFragment11(view, urlOf);
  return renderCollectionJson(
    isLinkView(view) ? { resources: [], links: [fragment] } : { resources: [fragment], links: [] },
  );
}

/** One entity for a collection of several. */
export function entityFragment11(view: EntityView, urlOf: UrlOf): string {
  const summary = isLinkView(view) ? undefined : view.summary;
  const core: [string, AttributeValue | undefined][] = [
    ['occi.core.id', view.id],
    ['occi.core.title', view.title],
    ['occi.core.summary', summary],
  ];
  const given = core.filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined);
  return JSON.stringify({
    kind: view.kind,
    mixins: view.mixins,
    actions: view.actions,
    attributes: nested([...given, ...Object.entries(view.attributes)]),
    id: view.id,
    title: view.title,
    summary,
    ...(isLinkView(view)
      ? { rel: view.target.kind, source: view.source.location, target: view.target.location }
      : { links: view.links.map(urlOf) }),
  });
}

/** One category of a collection; to be given to `categoryFragments`. */
export function categoryJson11({ category, attributes, actions, rel }: CategoryView): JsonObject {
  const properties = attributes.map(({ name, mutable, required, type }): [string, AttributeValue] => [
    name,
    { mutable, required, type },
  ]);
  return {
    term: category.term,
    scheme: category.scheme,
    ...(category.title === undefined ? {} : { title: category.title }),
    attributes: nested(properties),
    ...(category.class === 'action' ? {} : { related: rel === undefined ? [] : [rel], actions }),
    ...(category.class === 'action' || category.location === undefined ? {} : { location: category.location }),
  };
}

/**
 * Flat names as levels of objects. Where a name is also the beginning of another (`state`, `state.message`), the longer one
 * stays dotted beside it.
 */
function nested(entries: readonly (readonly [string, AttributeValue])[]): JsonObject {
  const names = new Set(entries.map(([name]) => name));
  const root: Level = new Map();
  for (const [name, value] of entries) {
    let level = root;
    let prefix = '';
    let rest = name;
    for (let dot = rest.indexOf('.'); dot >= 0; dot = rest.indexOf('.')) {
      prefix += rest.slice(0, dot);
      if (names.has(prefix)) break;
      level = below(level, rest.slice(0, dot));
      rest = rest.slice(dot + 1);
      prefix += '.';
    }
    level.set(rest, value);
  }
  return fromLevel(root);
}

type Level = Map<string, JsonValue | Level>;

function below(level: Level, name: string): Level {
  const known = level.get(name);
  if (known instanceof Map) return known;
  const fresh: Level = new Map();
  level.set(name, fresh);
  return fresh;
}

function fromLevel(level: Level): JsonObject {
  return Object.fromEntries(
    [...level].map(([name, value]): [string, JsonValue] => [name, value instanceof Map ? fromLevel(value) : value]),
  );
}
