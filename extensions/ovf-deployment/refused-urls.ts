/**
 * URLs in a descriptor that will never be fetched, found within the request (S-091, S-092): schemes, ports, and addresses in
 * all their spellings are judged without asking anybody. What a name leads to is judged when the work connects.
 */

import { Problem, type Fault } from '../../src/base/errors.js';
import { safeHref } from '../../src/ovf/envelope/href.js';
import type { File } from '../../src/ovf/envelope/model.js';
import type { Sources } from '../../src/transfer/sources.js';
import { namesTemplate, type Offered } from './template-images.js';

/** One fault for each reference that stands for a URL which is refused; those of templates are no URLs to fetch. */
export function refusedUrls(sources: Sources, references: readonly File[], offered: Offered): readonly Fault[] {
  return references.flatMap(({ href, at }) => {
    const found = safeHref(href);
    if (found.kind !== 'url' || namesTemplate(href, offered)) return [];
    try {
      sources.check(found.url);
      return [];
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return error.faults.map((fault) => ({ ...fault, place: at, rule: 'O-016' }));
    }
  });
}
