/**
 * Entity tags and preconditions (K13, RFC 9110 §13): a strong tag per rendering, `"<version>.<observed>-<rendering>"`.
 * `If-Match` compares the version alone, so that what a site reported meanwhile does not defeat a change.
 */

import { problem } from '../../base/errors.js';
import type { Precondition } from '../../extension/entities.js';
import type { Exchange } from './exchange.js';
import type { AnswerType } from './media.js';

const RENDERING: Readonly<Record<AnswerType, string>> = {
  'text/plain': 'p',
  'text/occi': 'o',
  'text/occi+plain': 'op',
  'text/uri-list': 'u',
  'application/occi+json': 'j',
  'application/occi+json; version=1.1': 'j11',
};

export function etagOf(
  exchange: Exchange,
  entity: { readonly version: number; readonly observedRevision: number },
  type: AnswerType,
): string {
  return `"${entity.version}.${entity.observedRevision}-${RENDERING[type]}${exchange.version === '1.1' ? '-11' : ''}"`;
}

/** Whether the client has this very rendering already. */
export function notModified(exchange: Exchange, etag: string): boolean {
  const header = exchange.fields['if-none-match'];
  return header !== undefined && (header.trim() === '*' || tagsIn(header).includes(etag));
}

/** The check that `If-Match` and `If-None-Match` ask for before a change; undefined when they ask for nothing. */
export function preconditionOf(exchange: Exchange): Precondition | undefined {
  const match = exchange.fields['if-match'];
  const noneMatch = exchange.fields['if-none-match'];
  if (match === undefined && noneMatch === undefined) return undefined;
  return (entity) => {
    const versions = match === undefined ? undefined : tagsIn(match).map((tag) => /^"(\d+)\./.exec(tag)?.[1]);
    const met = versions === undefined || match?.trim() === '*' || versions.includes(String(entity.version));
    const exists =
      noneMatch !== undefined &&
      (noneMatch.trim() === '*' || tagsIn(noneMatch).some((tag) => tag.startsWith(`"${entity.version}.`)));
    if (met && !exists) return;
    throw problem('precondition-failed', 'http.precondition-failed', 'the entity has changed since it was read', {
      place: { field: met ? 'If-None-Match' : 'If-Match' },
      rule: 'RFC 9110 §13',
      remedy: 'read it again and repeat the change on what it is now',
    });
  };
}

function tagsIn(header: string): string[] {
  return header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
}
