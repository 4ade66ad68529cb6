/**
 * The same thing in OCCI's own renderings, one click away: `?as=<media type>` on a page's URL. The parameter belongs to
 * pages alone; to every other client the URL does not know it (K07).
 */

import { problem } from '../../base/errors.js';
import type { Rendering } from '../../extension/extension.js';
import { OCCI_JSON, OCCI_JSON_1_1, TEXT_PLAIN, TEXT_URI_LIST } from '../../occi/media-type.js';
import type { Answer } from '../answer.js';
import type { Place } from '../occi/dispatch.js';
import type { Exchange } from '../occi/exchange.js';
import { asked, type Ask } from './inner.js';
import { pagingOf, readFilter } from './filter.js';
import { html, type Html } from './template.js';

/** The media types that a browser shows, of those that the place is answered in. */
export function rawTypes(place: Place, renderings: readonly Rendering[]): string[] {
  if (place.is !== 'entity') {
    const lists = place.is === 'query-interface' ? [] : [TEXT_URI_LIST];
    return [OCCI_JSON, TEXT_PLAIN, ...lists, OCCI_JSON_1_1];
  }
  const further = renderings.filter(({ kind }) => kind === place.kind.id).map(({ mediaType }) => mediaType);
  return [OCCI_JSON, TEXT_PLAIN, OCCI_JSON_1_1, ...new Set(further)];
}

export function rawLinks({ target, base }: Exchange, types: readonly string[]): Html {
  const query = target.query.filter(([name]) => name !== 'as');
  const links = types.map((type) => {
    const parameters = new URLSearchParams([
      ...query.map(([name, value]): [string, string] => [name, value]),
      ['as', type],
    ]);
    return html`<li><a href="${target.path}?${parameters.toString()}">${type}</a></li>`;
  });
  return html`<p class="plain" id="raw-title">This page for programs, at <code>${base}${target.path}</code>, as</p>
    <ul aria-labelledby="raw-title">
      ${links}
    </ul>`;
}

/** @throws Problem `malformed` for a media type that is not among `types` */
export async function rawAnswer(
  ask: Ask,
  exchange: Exchange,
  types: readonly string[],
  wanted: string,
): Promise<Answer> {
  const accept = types.find((type) => type === wanted);
  if (accept === undefined) {
    throw problem('malformed', 'http.page-as', 'this page is not to be had as that', {
      place: { field: 'as' },
      value: wanted.slice(0, 80),
      remedy: `it is to be had as ${types.join(', ')}`,
    });
  }
  const inner = asked(exchange, { query: pagingOf(exchange), headers: readFilter(exchange), fields: { accept } });
  const version = accept === OCCI_JSON_1_1 ? '1.1' : '1.2';
  const answer = await ask({ ...inner, version, context: { ...inner.context, version } });
  return { ...answer, headers: [...(answer.headers ?? []), ['Vary', 'Accept']] };
}
