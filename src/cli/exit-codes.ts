/** Exit codes of `vep`, the same for every command; `docs/cli.md` and `vep help exit-codes` list them. */

import { Problem, type ProblemKind } from '../base/errors.js';
import { ClientError, ConnectionError } from '../client/index.js';

export const EXIT = {
  ok: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  forbidden: 4,
  failed: 5,
  notFound: 6,
  conflict: 7,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.ok, 'done as asked'],
  [EXIT.refused, 'the input was refused, or a check has findings'],
  [EXIT.usage, 'the command line is wrong, or a file it names cannot be read'],
  [EXIT.unreachable, 'the server cannot be reached or cannot answer (5xx, 429)'],
  [EXIT.forbidden, 'not signed in, or not permitted'],
  [EXIT.failed, 'what was watched failed, or did not end in time'],
  [EXIT.notFound, 'there is no such thing, or it is not yours'],
  [EXIT.conflict, 'it conflicts with the state of things'],
];

/** A mistake on the command line that its parser cannot see. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string) {
    super(message);
    this.remedy = remedy;
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof ConnectionError) return EXIT.unreachable;
  if (error instanceof ClientError) return ofStatus(error.status);
  if (error instanceof Problem) return ofKind(error.kind);
  return EXIT.refused;
}

function ofStatus(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.forbidden;
  if (status === 404) return EXIT.notFound;
  if (status === 409 || status === 412) return EXIT.conflict;
  if (status === 429 || status >= 500) return EXIT.unreachable;
  return EXIT.refused;
}

function ofKind(kind: ProblemKind): ExitCode {
  switch (kind) {
    case 'conflict':
    case 'precondition-failed':
      return EXIT.conflict;
    case 'not-found':
      return EXIT.notFound;
    case 'unauthenticated':
    case 'forbidden':
      return EXIT.forbidden;
    case 'unavailable':
    case 'too-many-requests':
      return EXIT.unreachable;
    default:
      return EXIT.refused;
  }
}
