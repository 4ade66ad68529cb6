/**
 * Problems as HTTP answers: the one place where kinds of failure become status codes (`spec/occi.md` §5.8), and the one
 * form in which each media type carries them (§5.11). What is not a Problem is a fault of the server: it is logged, and
 * the client learns the request id and nothing else.
 */

import { Problem, withSeverity, type Fault, type ProblemKind } from '../base/errors.js';

const STATUS: Readonly<Record<ProblemKind, number>> = {
  malformed: 400,
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  timeout: 408,
  conflict: 409,
  'precondition-failed': 412,
  'too-large': 413,
  // OCCI has no 415: real servers and clients use 406 (`spec/occi.md` §5.7).
  'unsupported-media-type': 406,
  unmet: 422,
  'too-many-requests': 429,
  internal: 500,
  'not-implemented': 501,
  unavailable: 503,
};

export function statusOf(problem: Problem): number {
  return STATUS[problem.kind];
}

/** What went wrong, in the words for a client; anything but a Problem becomes an internal one without detail. */
export function asProblem(error: unknown, requestId: string): Problem {
  if (error instanceof Problem) return error;
  return new Problem('internal', {
    code: 'internal',
    message: `the server failed to answer; its log has the reason under request id ${requestId}`,
    remedy: 'try again; if it persists, give the request id to the provider',
  });
}

export interface ProblemAnswer {
  readonly contentType: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Renders a problem in the media type of the answer: text, headers, JSON or HTML's plain-text fallback. */
export function renderProblem(problem: Problem, mediaType: string, requestId: string): ProblemAnswer {
  const status = statusOf(problem);
  const headers: [string, string][] = [
    ['X-OCCI-Error', headerSafe(problem.message)],
    ...Object.entries(problem.headers),
    ...(problem.retryAfter === undefined ? [] : [['Retry-After', String(problem.retryAfter)] as [string, string]]),
  ];
  if (mediaType.startsWith('application/') && mediaType.includes('json')) {
    const body = {
      code: status,
      status,
      error: problem.kind,
      message: problem.message,
      request: requestId,
      faults: withSeverity(problem.faults),
    };
    return { contentType: mediaType, headers, body: JSON.stringify(body) };
  }
  const text = problem.faults.map(faultAsText).join('\n') + '\n';
  return { contentType: mediaType === 'text/occi' ? 'text/occi' : 'text/plain; charset=utf-8', headers, body: text };
}

/** `error ovf.O-033 (line 12:4, /Envelope/…): message. Rule …. Remedy: …` */
export function faultAsText(fault: Fault): string {
  const { line, column, path, field } = fault.place ?? {};
  const where = [
    line === undefined ? '' : `line ${line}${column === undefined ? '' : `:${column}`}`,
    field ?? '',
    path ?? '',
  ]
    .filter(Boolean)
    .join(', ');
  return [
    `${fault.severity ?? 'error'} ${fault.code}${where ? ` (${where})` : ''}: ${fault.message}`,
    fault.value === undefined ? '' : `; value: ${fault.value}`,
    fault.rule ? ` [${fault.rule}]` : '',
    fault.remedy ? `; remedy: ${fault.remedy}` : '',
  ].join('');
}

/** One line of visible ASCII, at most 500 characters. */
function headerSafe(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 500);
}
