/**
 * When a request is answered with a page (RFC 9110 §12.5.1): only when `text/html` is asked for by name and above
 * OCCI's own renderings, as browsers do. Whoever takes anything, or likes both as well, gets OCCI's renderings.
 */

import { negotiate, OCCI_JSON, TEXT_OCCI, TEXT_OCCI_PLAIN, TEXT_PLAIN, TEXT_URI_LIST } from '../../occi/media-type.js';

export const TEXT_HTML = 'text/html';

const OFFERED = [TEXT_PLAIN, TEXT_OCCI, TEXT_OCCI_PLAIN, TEXT_URI_LIST, OCCI_JSON, TEXT_HTML];
const NAMED = /text\/html/i;
/** What Java's URLConnection sends when its program says nothing: it means anything. */
const JAVA = /^text\/html, image\/gif, image\/jpeg, /;
/** Browsers send few different Accept headers; the table forgets when it grows. */
const decided = new Map<string, boolean>();
const MOST_DECIDED = 200;

export function wantsPage(accept: string | undefined): boolean {
  if (accept === undefined || !NAMED.test(accept)) return false;
  let wanted = decided.get(accept);
  if (wanted === undefined) {
    wanted = !JAVA.test(accept) && negotiate(accept, OFFERED) === TEXT_HTML;
    if (decided.size >= MOST_DECIDED) decided.clear();
    decided.set(accept, wanted);
  }
  return wanted;
}
