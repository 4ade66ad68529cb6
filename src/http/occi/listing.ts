/**
 * Lists of entities (GFD.223 §11.1, GFD.185 §3.4.2–3.4.3): which entities a collection, a filter and a page make up, and
 * how they are answered. Long lists are streamed, in memory that does not grow with them.
 */

import type { Access } from '../../access/access.js';
import { problem } from '../../base/errors.js';
import { viewIn } from '../../extension/rendering.js';
import type { Handlers } from '../../extension/handlers.js';
import { CORE_LINK, type TypeId } from '../../occi/model.js';
import { entityFragment11, renderEntityJson } from '../../occi/json/index.js';
import { LOCATION_LINE } from '../../occi/text/index.js';
import {
  iterateLocations,
  iterateRecords,
  iterateRenderings,
  joinLocations,
  listLocations,
  listRecords,
  listRenderings,
  type EntityQuery,
  type Page,
} from '../../store/entity-lists.js';
import type { EntityRecord } from '../../store/entity-record.js';
import type { Store } from '../../store/sql.js';
import type { Answer } from '../answer.js';
import { parameter } from '../target.js';
import { collectionAnswer, contentTypeOf, isJson, locationsAnswer } from './answers.js';
import type { Exchange } from './exchange.js';
import { filterOf, type Members } from './filter.js';
import { answerType, OCCI_JSON_1_1, TEXT_OCCI, TEXT_URI_LIST, type AnswerType } from './media.js';
import { uriListEnd } from './rocci.js';

/** Longer lists are streamed. */
const STREAM_ABOVE = 2_000;

export type { Members };

export class Listing {
  readonly #store: Store;
  readonly #access: Access;
  readonly #handlers: Handlers;
  readonly #maxPage: number;

  constructor(store: Store, access: Access, handlers: Handlers, maxPage: number) {
    this.#store = store;
    this.#access = access;
    this.#handlers = handlers;
    this.#maxPage = maxPage;
  }

  /** The entities of a collection that the caller may read and that pass the filter in the request's headers. */
  query(exchange: Exchange, members: Members): EntityQuery {
    const filter = filterOf(exchange, members);
    const page = this.#page(exchange);
    return {
      kinds: filter.kinds,
      mixins: [...members.mixins, ...filter.mixins],
      attributes: filter.attributes,
      core: filter.core,
      scope: this.#access.scope(exchange.context.principal, 'read'),
      ...(page ? { page } : {}),
    };
  }

  async answer(exchange: Exchange, members: Members): Promise<Answer> {
    const type = answerType(exchange.fields.accept, true);
    const query = this.query(exchange, members);
    if (isJson(type)) return this.#jsonCollection(exchange, type, query);
    const locations = this.#locations(exchange, query.kinds);
    if (type === TEXT_OCCI) {
      // In headers that many are refused for their length, however many more there are.
      return locationsAnswer(exchange, type, await listLocations(this.#store, beginning(query), locations));
    }
    const contentType = contentTypeOf(type);
    const [begin, end] = type === TEXT_URI_LIST ? ['', uriListEnd(exchange)] : [LOCATION_LINE, '\r\n'];
    const { count, text } = await joinLocations(this.#store, beginning(query), locations, begin, end);
    if (count <= STREAM_ABOVE) return { status: 200, contentType, body: Buffer.from(text) };
    const each = iterateLocations(this.#store, query, locations);
    return { status: 200, contentType, body: inChunks(each, (url) => begin + url + end) };
  }

  async #jsonCollection(exchange: Exchange, type: AnswerType, query: EntityQuery): Promise<Answer> {
    const [resourceKinds, linkKinds] = this.#byClass(exchange, query.kinds);
    const read = async (kinds: readonly TypeId[]): Promise<string[]> =>
      kinds.length === 0 ? [] : this.#renderings(exchange, type, beginning({ ...query, kinds }));
    const resources = await read(resourceKinds);
    const links = await read(linkKinds);
    if (resources.length + links.length > STREAM_ABOVE) {
      return { status: 200, contentType: type, body: this.#streamJson(exchange, type, query) };
    }
    return collectionAnswer(type, resources, links);
  }

  async #renderings(exchange: Exchange, type: AnswerType, query: EntityQuery): Promise<string[]> {
    if (isKept(exchange, type)) return listRenderings(this.#store, query);
    return (await listRecords(this.#store, query)).map((record) => this.#rendered(exchange, type, record));
  }

  async *#eachRendering(exchange: Exchange, type: AnswerType, query: EntityQuery): AsyncIterable<string> {
    if (isKept(exchange, type)) yield* iterateRenderings(this.#store, query);
    else for await (const record of iterateRecords(this.#store, query)) yield this.#rendered(exchange, type, record);
  }

  #rendered(exchange: Exchange, type: AnswerType, record: EntityRecord): string {
    const view = viewIn(record, exchange.version, exchange.registry, this.#handlers);
    if (type !== OCCI_JSON_1_1) return renderEntityJson(view);
    const base = (kind: TypeId): string => exchange.base + (exchange.registry.kind(kind)?.location ?? '/');
    return entityFragment11(view, ({ kind, id }) => base(kind) + id.replace(/^urn:uuid:/, ''));
  }

  async *#streamJson(exchange: Exchange, type: AnswerType, query: EntityQuery): AsyncIterable<string> {
    const [resourceKinds, linkKinds] = this.#byClass(exchange, query.kinds);
    yield '{"resources":[';
    yield* separated(this.#eachRendering(exchange, type, { ...query, kinds: resourceKinds }));
    if (linkKinds.length > 0) {
      yield '],"links":[';
      yield* separated(this.#eachRendering(exchange, type, { ...query, kinds: linkKinds }));
    }
    yield ']}';
  }

  #byClass(exchange: Exchange, kinds: readonly TypeId[]): [TypeId[], TypeId[]] {
    const isLink = (kind: TypeId): boolean => exchange.registry.isA(kind, CORE_LINK);
    return [kinds.filter((kind) => !isLink(kind)), kinds.filter(isLink)];
  }

  #locations(exchange: Exchange, kinds: readonly TypeId[]): ReadonlyMap<TypeId, string> {
    return new Map(
      kinds.flatMap((id) => {
        const location = exchange.registry.kind(id)?.location;
        return location === undefined ? [] : [[id, exchange.base + location] as const];
      }),
    );
  }

  /** GFD.223 §6: `page` counts from 1 and comes with `number`. */
  #page(exchange: Exchange): Page | undefined {
    const page = wholeNumber(exchange, 'page');
    const number = wholeNumber(exchange, 'number');
    if (page === undefined && number === undefined) return undefined;
    if (page === undefined || number === undefined || page < 1) {
      throw problem('malformed', 'http.page', 'page and number are given together, page from 1 up', {
        place: { field: page === undefined ? 'page' : 'number' },
        rule: 'GFD.223 §6',
        remedy: 'write ?page=1&number=100',
      });
    }
    if (number > this.#maxPage) {
      throw problem('too-large', 'http.page-too-large', `a page has at most ${this.#maxPage} entities`, {
        place: { field: 'number' },
        rule: 'GFD.223 §6',
        remedy: `ask for number=${this.#maxPage} or less`,
      });
    }
    return { offset: (page - 1) * number, limit: number };
  }
}

/** Whether the store keeps that very rendering: the JSON of OCCI 1.2. */
function isKept({ version }: Exchange, type: AnswerType): boolean {
  return version === '1.2' && type !== OCCI_JSON_1_1;
}

function wholeNumber(exchange: Exchange, name: string): number | undefined {
  const value = parameter(exchange.target, name);
  if (value === undefined) return undefined;
  // More than any collection or limit: larger ones say nothing more.
  if (/^\d+$/.test(value)) return Math.min(Number(value), 2 ** 31);
  throw problem('malformed', 'http.page', `${name} is not a whole number`, {
    place: { field: name },
    value,
    remedy: 'write digits only',
  });
}

/** The query for as much of a list as is answered in one piece, and for one more, which tells that there is more. */
function beginning(query: EntityQuery): EntityQuery {
  const { offset, limit } = query.page ?? { offset: 0, limit: Infinity };
  return limit <= STREAM_ABOVE ? query : { ...query, page: { offset, limit: STREAM_ABOVE + 1 } };
}

async function* separated(items: AsyncIterable<string>): AsyncIterable<string> {
  let first = true;
  yield* inChunks(items, (item) => {
    const text = first ? item : `,${item}`;
    first = false;
    return text;
  });
}

/** Joins small pieces so that each write to the socket is worth its while. */
async function* inChunks(items: AsyncIterable<string>, render: (item: string) => string): AsyncIterable<string> {
  let chunk = '';
  for await (const item of items) {
    chunk += render(item);
    if (chunk.length < 32_768) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
