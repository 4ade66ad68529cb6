/**
 * When two references mean the same entity (`spec/occi.md` §6.3): absolute and relative URLs are compared by path, ids
 * with or without `urn:uuid:` (A23), and an id equals the URL that ends in it.
 */

/** Whether a client's id or URL means the entity with this id (`urn:uuid:…`). */
export function sameEntity(reference: string, id: string): boolean {
  return lastSegment(reference) === lastSegment(id);
}

/** Whether two URI-references lead to the same place. */
export function sameReference(one: string, other: string): boolean {
  return one === other || pathOf(one) === pathOf(other);
}

/** The path of an absolute http(s) URL; anything else as it is. jOCCI writes a path with a whole `urn:uuid:…` at its end. */
export function pathOf(reference: string): string {
  return reference.replace(/^https?:\/\/[^/?#]*/i, '').replace('/urn:uuid:', '/');
}

function lastSegment(reference: string): string {
  const text = reference.toLowerCase();
  return text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf(':')) + 1);
}
