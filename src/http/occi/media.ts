/**
 * Media types of OCCI answers: which are offered where, and which one a request gets (GFD.223 §5.2, GFD.185 §3.6.6).
 */

import { problem } from '../../base/errors.js';
import {
  OCCI_JSON,
  OCCI_JSON_1_1,
  TEXT_OCCI,
  TEXT_OCCI_PLAIN,
  TEXT_PLAIN,
  TEXT_URI_LIST,
  negotiate,
} from '../../occi/media-type.js';
import type { Exchange } from './exchange.js';

export type AnswerType =
  | typeof TEXT_PLAIN
  | typeof TEXT_OCCI
  | typeof TEXT_OCCI_PLAIN
  | typeof TEXT_URI_LIST
  | typeof OCCI_JSON
  | typeof OCCI_JSON_1_1;

/** The first one answers when nothing or anything is accepted. */
const SINGLE: readonly AnswerType[] = [TEXT_PLAIN, TEXT_OCCI, TEXT_OCCI_PLAIN, OCCI_JSON, OCCI_JSON_1_1];
const LISTING: readonly AnswerType[] = [...SINGLE, TEXT_URI_LIST];

/** Choices by Accept header; clients send few different ones, and the table forgets when it grows. */
const chosen = new Map<string, AnswerType | 'uri-list-misused' | 'none'>();
const MOST_CHOICES = 1000;

/**
 * The media type of the answer.
 *
 * @param listing whether the answer is a list of URLs, which alone can be a `text/uri-list`
 * @throws Problem `not-acceptable`; Problem `malformed` for a `text/uri-list` where nothing is listed (C-189, C-190)
 */
export function answerType(accept: string | undefined, listing: boolean): AnswerType {
  const key = `${listing ? 'l' : 's'}${accept ?? ''}`;
  let choice = chosen.get(key);
  if (choice === undefined) {
    choice = choose(accept, listing);
    if (chosen.size >= MOST_CHOICES) chosen.clear();
    chosen.set(key, choice);
  }
  if (choice === 'uri-list-misused') {
    throw problem('malformed', 'http.uri-list-misused', 'text/uri-list can only answer where URLs are listed', {
      place: { field: 'Accept' },
      rule: 'GFD.185 §3.6.6',
      remedy: 'accept text/plain, text/occi or application/occi+json here',
    });
  }
  if (choice === 'none') {
    throw problem('not-acceptable', 'http.not-acceptable', 'none of the accepted media types is offered here', {
      place: { field: 'Accept' },
      rule: 'GFD.223 §5.4',
      remedy: `accept one of ${(listing ? LISTING : SINGLE).join(', ')}`,
    });
  }
  return choice;
}

function choose(accept: string | undefined, listing: boolean): AnswerType | 'uri-list-misused' | 'none' {
  const found = negotiate(accept, listing ? LISTING : SINGLE);
  if (found !== undefined) return found as AnswerType;
  return negotiate(accept, [TEXT_URI_LIST]) === undefined ? 'none' : 'uri-list-misused';
}

/** The type in which an error can be told when the accepted ones are not to be had. */
export function errorType(accept: string | undefined): string {
  return negotiate(accept, [TEXT_PLAIN, TEXT_OCCI, OCCI_JSON]) ?? TEXT_PLAIN;
}

const FOR_1_1 = [TEXT_PLAIN, TEXT_OCCI, TEXT_URI_LIST].join(', ');
const FOR_1_2 = [TEXT_PLAIN, TEXT_OCCI, TEXT_URI_LIST, TEXT_OCCI_PLAIN, OCCI_JSON].join(', ');

/** The `Accept` header of answers: rOCCI 4 takes its working media type from it (K19). */
export function acceptedHere(exchange: Pick<Exchange, 'version' | 'explicitVersion'>): string {
  return exchange.version === '1.2' ? FOR_1_2 : FOR_1_1;
}

export { OCCI_JSON, OCCI_JSON_1_1, TEXT_OCCI, TEXT_OCCI_PLAIN, TEXT_PLAIN, TEXT_URI_LIST };
