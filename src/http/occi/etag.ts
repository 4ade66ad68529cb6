/**
 * Entity tags and preconditions (K13, RFC 9110 §13): a strong tag per rendering, `"<version>.<observed>-<rendering>"`.
 * `If-Match` compares the version alone, so that what a site reported meanwhile does not defeat a change.
 */

import { createHash } from 'node:crypto';
import { problem } from '../../base/errors.js';
import type { Precondition } from '../../extension/entities.js';
import type { Answer } from '../answer.js';
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

/** Whether the client has this very rendering already. Tags are compared weakly (RFC 9110 §13.1.2). */
export function notModified(exchange: Exchange, etag: string): boolean {
  const header = exchange.fields['if-none-match'];
  return header !== undefined && (header.trim() === '*' || tagsIn(header).includes(strong(etag)));
}

/** Headers of what may be kept and must be asked about each time. */
export function cacheable(etag: string): [string, string][] {
  return [
    ['ETag', etag],
    ['Cache-Control', 'private, no-cache'],
  ];
}

/** Digests of bodies that are sent again and again: discovery has its own ready. */
const digests = new WeakMap<Buffer, string>();

/**
 * An answer to GET on what has no version, collections and discovery: with a tag made of what it says, and without its body
 * where the client has that already. The tag is weak, so that no write can be conditional on it. A stream has none.
 */
export function revalidated(exchange: Exchange, answer: Answer): Answer {
  const { status, contentType, headers = [], body } = answer;
  if (status !== 200 || (typeof body !== 'string' && !Buffer.isBuffer(body))) return answer;
  const shown = headers.filter(([name]) => OCCI_FIELD.test(name));
  const etag = `W/"${digestOf([contentType, ...shown.flat()].join('\n'), body)}"`;
  if (!notModified(exchange, etag)) return { ...answer, headers: [...headers, ...cacheable(etag)] };
  return {
    status: 304,
    contentType,
    headers: [...headers.filter((field) => !shown.includes(field)), ...cacheable(etag)],
    body: '',
  };
}

const OCCI_FIELD = /^(?:category|link|location|x-occi-[a-z]+)$/i;

function digestOf(fields: string, body: string | Buffer): string {
  const made = typeof body === 'string' ? undefined : digests.get(body);
  const ofBody = made ?? createHash('sha1').update(body).digest('base64url');
  if (typeof body !== 'string' && made === undefined) digests.set(body, ofBody);
  return createHash('sha1').update(fields).update('\n').update(ofBody).digest('base64url');
}

/**
 * What RFC 9110 §13 makes of preconditions for a write to a collection or to discovery, whose tags are weak: a tag in If-Match
 * never matches there, and what exists is refused to whoever wants to write only where nothing is.
 */
export function refuseCondition(exchange: Exchange): void {
  const match = exchange.fields['if-match'];
  const absent = exchange.fields['if-none-match']?.trim() === '*' && exchange.method !== 'POST';
  if ((match === undefined || match.trim() === '*') && !absent) return;
  throw problem('precondition-failed', 'http.precondition-on-collection', 'no write to a collection is conditional', {
    place: { field: absent ? 'If-None-Match' : 'If-Match' },
    rule: 'RFC 9110 §13.1.1',
    remedy: 'put the condition on the entities one by one',
  });
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
  return header.split(',').map((tag) => strong(tag.trim()));
}

function strong(etag: string): string {
  return etag.replace(/^W\//, '');
}
