/**
 * The answers of OCCI in every rendering: entities, collections, categories, and what follows a write (K17). Written once
 * here, so that a URL's code says what to answer and never how it looks.
 */

import { problem } from '../../base/errors.js';
import { pathOf } from '../../extension/locations.js';
import {
  categoryFragments,
  categoryJson11,
  renderCategoriesJson,
  renderCollectionJson,
  renderEntityJson,
  renderEntityJson11,
} from '../../occi/json/index.js';
import type { EntityView, TypeId } from '../../occi/model.js';
import {
  LOCATION_LINE,
  longestHeaderLine,
  renderCategories,
  renderEntity,
  renderLocations,
  renderOk,
  renderUriList,
  type TextAnswer,
  type TextForm,
} from '../../occi/text/index.js';
import type { CategoryView } from '../../occi/visible.js';
import type { EntityRecord } from '../../store/entity-record.js';
import type { Answer } from '../answer.js';
import { etagOf } from './etag.js';
import type { Exchange } from './exchange.js';
import {
  OCCI_JSON,
  OCCI_JSON_1_1,
  TEXT_OCCI,
  TEXT_OCCI_PLAIN,
  TEXT_PLAIN,
  TEXT_URI_LIST,
  type AnswerType,
} from './media.js';
import { uriListEnd } from './rocci.js';

/** Longest joined header line that clients and proxies take (K21). */
const MAX_HEADER_LINE = 60 * 1024;

export type Headers = readonly (readonly [string, string])[];

/** One entity. */
export function entityAnswer(
  exchange: Exchange,
  type: AnswerType,
  view: EntityView,
  headers: Headers = [],
  status = 200,
): Answer {
  switch (type) {
    case OCCI_JSON:
      return { status, contentType: type, headers, body: renderEntityJson(view) };
    case OCCI_JSON_1_1:
      return {
        status,
        contentType: type,
        headers,
        body: renderEntityJson11(view, (entity) => urlOf(exchange, { ...entity, id: uuidOf(entity.id) })),
      };
    default: {
      const locationOf = (kind: TypeId): string => exchange.registry.kind(kind)?.location ?? '/';
      return textAnswer(type, renderEntity(view, formOf(type), locationOf, exchange.version), headers, status);
    }
  }
}

function uuidOf(id: string): string {
  return id.replace(/^urn:uuid:/, '');
}

/** Absolute URL of an entity. */
export function urlOf(exchange: Exchange, entity: Pick<EntityRecord, 'kind' | 'id'>): string {
  return exchange.base + pathOf(exchange.registry, entity);
}

/** A list of URLs in a text rendering. */
export function locationsAnswer(
  exchange: Exchange,
  type: AnswerType,
  urls: readonly string[],
  headers: Headers = [],
  status = 200,
): Answer {
  if (type === TEXT_URI_LIST) return textAnswer(type, renderUriList(urls, uriListEnd(exchange)), headers, status);
  return textAnswer(type, renderLocations(urls, formOf(type)), headers, status);
}

/** A collection of entities in JSON, from their stored renderings. */
export function collectionAnswer(
  type: AnswerType,
  resources: readonly string[],
  links: readonly string[],
  status = 200,
  headers: Headers = [],
): Answer {
  return { status, contentType: type, headers, body: renderCollectionJson({ resources, links }) };
}

/** 201 with the location of what was made; several are listed in the body (A07). */
export function createdAnswer(
  exchange: Exchange,
  type: AnswerType,
  created: readonly EntityRecord[],
  views: () => readonly EntityView[],
): Answer {
  const urls = created.map((entity) => urlOf(exchange, entity));
  const headers: [string, string][] = urls[0] === undefined ? [] : [['Location', urls[0]]];
  const [only, ...further] = created;
  if (only && further.length === 0) headers.push(['ETag', etagOf(exchange, only, type)]);
  if (isJson(type)) {
    const [first, ...others] = views();
    if (first && others.length === 0) return entityAnswer(exchange, type, first, headers, 201);
    const rendered = views().map((view) => [view, renderEntityJson(view)] as const);
    const part = (links: boolean): string[] =>
      rendered.filter(([view]) => 'source' in view === links).map(([, json]) => json);
    return collectionAnswer(type, part(false), part(true), 201, headers);
  }
  if (type === TEXT_OCCI) return locationsAnswer(exchange, type, urls, headers, 201);
  // Without a final line end: clients take the whole body for the URL (K17).
  const body =
    type === TEXT_URI_LIST ? urls.join(uriListEnd(exchange)) : urls.map((url) => LOCATION_LINE + url).join('\r\n');
  return { status: 201, contentType: contentTypeOf(type), headers, body };
}

/** 200 and nothing to show. */
export function okAnswer(type: AnswerType, headers: Headers = []): Answer {
  if (isJson(type)) return { status: 200, contentType: type, headers, body: '{}' };
  return textAnswer(type === TEXT_URI_LIST ? TEXT_PLAIN : type, renderOk(), headers, 200);
}

/** A collection of categories. */
export function categoriesAnswer(type: AnswerType, categories: readonly CategoryView[]): Answer {
  if (isJson(type)) {
    const fragments = categoryFragments(categories, type === OCCI_JSON_1_1 ? categoryJson11 : undefined);
    return { status: 200, contentType: type, body: renderCategoriesJson(fragments) };
  }
  return textAnswer(type, renderCategories(categories, formOf(type)), [], 200);
}

export function isJson(type: AnswerType): boolean {
  return type === OCCI_JSON || type === OCCI_JSON_1_1;
}

export function formOf(type: AnswerType): TextForm {
  return type === TEXT_OCCI ? TEXT_OCCI : TEXT_PLAIN;
}

/** GFD.229 §6 knows no charset on its types, but text/plain without one is US-ASCII (RFC 2046 §4.1.2). */
export function contentTypeOf(type: AnswerType): string {
  return type === TEXT_PLAIN || type === TEXT_OCCI_PLAIN ? `${type}; charset=utf-8` : type;
}

export function textAnswer(type: AnswerType, text: TextAnswer, headers: Headers, status: number): Answer {
  if (text.headers.length > 0 && longestHeaderLine(text) > MAX_HEADER_LINE) {
    throw problem('not-acceptable', 'http.header-too-long', 'this answer is too long for the headers of text/occi', {
      place: { field: 'Accept' },
      rule: 'GFD.229 §7',
      remedy: 'accept text/plain, or ask for a page or a filter',
    });
  }
  // The Location of a creation is that of the first entity, whatever else the rendering lists there.
  const rendered = text.headers.filter(([name]) => !headers.some(([own]) => own === name));
  return { status, contentType: contentTypeOf(type), headers: [...rendered, ...headers], body: text.body };
}
