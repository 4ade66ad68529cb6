/**
 * What a page asks on behalf of its reader: ordinary OCCI requests, answered by the same dispatch in the same rendering
 * as for any other client, so that a page can show and change exactly what its reader could without it.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from '../../base/errors.js';
import { parseEntityView } from '../../occi/json/index.js';
import { OCCI_JSON } from '../../occi/media-type.js';
import type { EntityView } from '../../occi/model.js';
import type { EntityInput, OcciRequest } from '../../occi/request.js';
import type { Answer } from '../answer.js';
import type { Exchange } from '../occi/exchange.js';

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The page's own path when absent. */
  readonly path?: string;
  readonly query?: readonly (readonly [string, string])[];
  /** What OCCI's header fields would say: a filter. */
  readonly headers?: OcciRequest;
  /** What the body would say. */
  readonly given?: OcciRequest;
  readonly fields?: IncomingHttpHeaders;
}

export const NOTHING: OcciRequest = { entities: [], categories: [], locations: [], empty: true };

/** The request that a page makes: OCCI 1.2 and JSON unless `fields` says otherwise. */
export function asked(exchange: Exchange, what: Asked): Exchange {
  return {
    ...exchange,
    version: '1.2',
    explicitVersion: true,
    context: { ...exchange.context, version: '1.2' },
    method: what.method ?? 'GET',
    target: { path: what.path ?? exchange.target.path, query: what.query ?? [] },
    headers: what.headers ?? NOTHING,
    given: what.given ?? NOTHING,
    fields: { accept: OCCI_JSON, ...what.fields },
  };
}

/** A request that describes one entity. */
export function describing(entity: Partial<EntityInput>): OcciRequest {
  return {
    ...NOTHING,
    entities: [{ categories: [], attributes: new Map(), links: [], actionLinks: [], ...entity }],
    empty: false,
  };
}

/** The text of an answer that is not streamed: pages ask for pages of lists. */
export function textOf({ body }: Answer): string {
  if (typeof body === 'string') return body;
  if (Buffer.isBuffer(body)) return body.toString('utf8');
  throw new Error('a list was streamed into a page');
}

export function headerOf({ headers = [] }: Answer, name: string): string | undefined {
  return headers.find(([candidate]) => candidate.toLowerCase() === name.toLowerCase())?.[1];
}

export type Ask = (exchange: Exchange) => Promise<Answer>;

/** More entities beside the one that is shown are not looked up. */
const MOST_NEIGHBOURS = 100;

/** The entities at these paths that the reader may see; what else links name is left out. */
export async function neighbours(
  ask: Ask,
  exchange: Exchange,
  paths: readonly string[],
): Promise<ReadonlyMap<string, EntityView>> {
  const found = new Map<string, EntityView>();
  const own = [...new Set(paths)].filter((path) => path.startsWith('/')).slice(0, MOST_NEIGHBOURS);
  for (const path of own) {
    try {
      found.set(path, parseEntityView(textOf(await ask(asked(exchange, { path })))));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return found;
}
