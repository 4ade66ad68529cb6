/**
 * What rOCCI, the client that most grid users have, needs and the standards leave open: it is known by its User-Agent
 * (`rOCCI-api/4.3.15`), so that all others get what the standards have.
 */

import type { CategoryView } from '../../occi/visible.js';
import type { Exchange } from './exchange.js';

export function isRocci({ fields }: Pick<Exchange, 'fields'>): boolean {
  return /\brOCCI-api\//.test(fields['user-agent'] ?? '');
}

/** How lines of a `text/uri-list` end: by CRLF (RFC 2483 §5). rOCCI splits at LF alone and takes a CR for a part of the URL. */
export function uriListEnd(exchange: Pick<Exchange, 'fields'>): '\r\n' | '\n' {
  return isRocci(exchange) ? '\n' : '\r\n';
}

/**
 * The model with one action of each name, the first, which is infrastructure's: rOCCI looks for the `start` that its user
 * asks for in the whole model, whatever it is to act on, and gives up when it finds two.
 */
export function withLoneActions(views: readonly CategoryView[]): readonly CategoryView[] {
  const names = new Set<string>();
  return views.filter(({ category }) => {
    if (category.class !== 'action') return true;
    const isFirst = !names.has(category.term);
    names.add(category.term);
    return isFirst;
  });
}
