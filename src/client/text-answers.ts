/**
 * Answers of an OCCI server in the text renderings, as views (GFD.185 §3.5–3.6, GFD.229). The grammar is that of requests; what a
 * value means is settled by what stands there, as a client has no definitions to go by.
 */

import type { AttributeInput, CategoryRef, EntityInput, LinkInput, OcciRequest } from '../occi/request.js';
import type { AttributeValue, EntityView, LinkView, TypeId } from '../occi/model.js';
import {
  fromHeader,
  parseTextOcci,
  parseTextPlain,
  parseUriList,
  type TextForm,
  type TextLimits,
} from '../occi/text/index.js';
import { Discovery, type CategoryDescription } from './discovery.js';

/** What a server answered, whole. */
export interface OcciAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Path that it came from, where redirects led to another than the one asked for. */
  readonly from?: string;
}

/** An answer holds what a server has, not what one request may carry: its size is bounded by who receives it. */
const LIMITS: TextLimits = { line: Number.MAX_SAFE_INTEGER, values: Number.MAX_SAFE_INTEGER };

/** The categories of a query interface. */
export function discoveryOf(answer: OcciAnswer, form: TextForm): Discovery {
  const { categories } = parsed(answer, form);
  const ofClass = (name: CategoryRef['class']): CategoryRef[] => categories.filter((ref) => ref.class === name);
  const actions = ofClass('action').map(described);
  return new Discovery({
    kinds: ofClass('kind').map((ref) => ({ ...described(ref), ...parentOf(ref) })),
    mixins: ofClass('mixin').map((ref) => ({ ...described(ref), depends: ref.rel ?? [] })),
    actions,
  });
}

function described({ term, scheme, title, location }: CategoryRef): CategoryDescription {
  return {
    term,
    scheme,
    ...(title === undefined ? {} : { title }),
    ...(location === undefined ? {} : { location }),
  };
}

function parentOf({ rel }: CategoryRef): { parent?: TypeId } {
  const [parent] = rel ?? [];
  return parent === undefined ? {} : { parent };
}

/** Locations that a list, or the answer to a creation, holds in any of its forms; rOCCI-server 1 lists in `Location` alone. */
export function locationsIn(answer: OcciAnswer): readonly string[] {
  const type = answer.headers['content-type'] ?? '';
  if (type.startsWith('text/uri-list')) return parseUriList(answer.text, LIMITS).locations;
  if (type.startsWith('text/occi') && !type.startsWith('text/occi+plain')) {
    const { locations } = parsed(answer, 'text/occi');
    return locations.length > 0 ? locations : listed(answer.headers['location'] ?? '');
  }
  if (!type.startsWith('text/')) return [];
  const text = answer.text.trim();
  return text === '' || text === 'OK' ? [] : parseTextPlain(answer.text, LIMITS).locations;
}

function listed(value: string): string[] {
  return fromHeader(value)
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** An entity, if the answer holds one. @throws Problem `malformed` */
export function viewOf(answer: OcciAnswer, form: TextForm): EntityView | undefined {
  const [entity] = parsed(answer, form).entities;
  const kind = entity?.categories.find((ref) => ref.class === 'kind') ?? entity?.categories[0];
  return entity && kind && asView(entity, kind);
}

function parsed(answer: OcciAnswer, form: TextForm): OcciRequest {
  return form === 'text/occi'
    ? parseTextOcci(Object.entries(answer.headers), LIMITS)
    : parseTextPlain(answer.text, LIMITS);
}

const idOf = ({ scheme, term }: CategoryRef): TypeId => scheme + term;

function asView({ categories, attributes, links, actionLinks }: EntityInput, kind: CategoryRef): EntityView {
  const values = valuesOf(attributes);
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : value === undefined ? undefined : JSON.stringify(value);
  };
  const { ['occi.core.title']: _title, ['occi.core.summary']: _summary, ...rest } = values;
  const shown = Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith('occi.core.')));
  const base = {
    id: text('occi.core.id') ?? '',
    kind: idOf(kind),
    mixins: categories.filter((ref) => ref !== kind && ref.class !== 'action').map(idOf),
    ...optional('title', text('occi.core.title')),
    attributes: shown,
    actions: actionLinks,
  };
  const [source, target] = [text('occi.core.source'), text('occi.core.target')];
  if (source !== undefined && target !== undefined) {
    return { ...base, source: { location: source }, target: { location: target } };
  }
  return {
    ...base,
    ...optional('summary', text('occi.core.summary')),
    links: links.map((link) => linkOf(link, base.id)),
  };
}

function linkOf({ target, self, id, categories, attributes }: LinkInput, source: string): LinkView {
  const [kind = '', ...mixins] = categories;
  const values = valuesOf(attributes);
  const shown = Object.fromEntries(Object.entries(values).filter(([name]) => !name.startsWith('occi.core.')));
  return {
    id: id ?? self ?? '',
    kind,
    mixins,
    attributes: shown,
    actions: [],
    source: { location: source },
    target: { location: target },
  };
}

function valuesOf(attributes: ReadonlyMap<string, AttributeInput>): Record<string, AttributeValue> {
  return Object.fromEntries([...attributes].map(([name, { value }]) => [name, value]));
}

function optional<K extends string>(name: K, value: string | undefined): { [key in K]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: string };
}
