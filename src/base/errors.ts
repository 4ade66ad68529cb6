/**
 * Faults and problems: how every part of VEP says that something is wrong.
 *
 * A {@link Fault} is one finding: a stable code, the place, the rule it rests on and the remedy. A {@link Problem} is
 * the error that carries them, all at once, out of the code that found them. A problem's kind says what sort of
 * failure it is in the domain's own terms; `http` alone turns kinds into status codes, so inner code never speaks HTTP.
 */

/** Where in the input a fault was found. Whatever is known is given; nothing is guessed. */
export interface Place {
  /** 1-based line and column in a text or XML document. */
  readonly line?: number;
  readonly column?: number;
  /** XPath-like path in an XML document, JSON pointer in a JSON document, or key path in the configuration. */
  readonly path?: string;
  /** Name of the header field, query parameter, attribute or file the fault is in. */
  readonly field?: string;
}

export type Severity = 'error' | 'warning' | 'info';

/** One finding about an input. `code` is stable across releases; `message` is for people. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly severity?: Severity;
  readonly place?: Place;
  /** The rule it rests on, as the standard numbers it: `GFD.223 §5.3.2`, `O-033`. */
  readonly rule?: string;
  /** What the sender can do about it. */
  readonly remedy?: string;
  /** The offending value, cut to 80 characters and never a secret. */
  readonly value?: string;
}

/** What sort of failure a {@link Problem} is. The HTTP status of each is fixed in `src/http/errors.ts`. */
export type ProblemKind =
  | 'malformed' // cannot be parsed, or breaks the grammar
  | 'invalid' // parsed, but against a definition
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'timeout' // the client was too slow
  | 'conflict'
  | 'precondition-failed'
  | 'too-large'
  | 'unsupported-media-type'
  | 'unmet' // understood and valid, but cannot be promised or done here
  | 'too-many-requests'
  | 'not-implemented'
  | 'unavailable'
  | 'internal';

export interface ProblemDetails {
  readonly cause?: unknown;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number;
  /** Extra response headers that belong to the refusal itself (`Allow`, `WWW-Authenticate`). */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The one error type of VEP: a kind and at least one fault. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly kind: ProblemKind;
  readonly faults: readonly Fault[];
  readonly retryAfter: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: ProblemKind, faults: Fault | readonly Fault[], details: ProblemDetails = {}) {
    const list: readonly Fault[] = 'code' in faults ? [faults] : faults;
    super(list.map((fault) => fault.message).join('; '), details.cause === undefined ? {} : { cause: details.cause });
    this.kind = kind;
    this.faults = list;
    this.retryAfter = details.retryAfter;
    this.headers = details.headers ?? {};
  }
}

/** Shorthand for the commonest case: a problem with a single fault. */
export function problem(
  kind: ProblemKind,
  code: string,
  message: string,
  more: Omit<Fault, 'code' | 'message'> = {},
): Problem {
  return new Problem(kind, { code, message, ...more });
}

/**
 * What is not the caller's and what does not exist are answered with this same problem (K14).
 *
 * @param named ids that the request named beside its URL, for the audit trail alone
 */
export function notFound(what = 'nothing', named: readonly string[] = []): Problem {
  const fault = { code: 'not-found', message: `there is ${what} here` };
  return new Problem('not-found', fault, named.length === 0 ? {} : { cause: `hidden: ${named.join(' ')}` });
}

/** Faults as they are shown to programs: with the severity, which is `error` where nothing else is said. */
export function withSeverity(faults: readonly Fault[]): readonly (Fault & { readonly severity: Severity })[] {
  return faults.map((fault) => ({ severity: 'error', ...fault }));
}

/** Whether one of them is an error, which is what a fault is where nothing else is said. */
export function hasErrors(faults: readonly Fault[]): boolean {
  return faults.some(({ severity = 'error' }) => severity === 'error');
}

/** Throws one `kind` problem with all faults of severity error, if there are any. */
export function throwIfFaulty(kind: ProblemKind, faults: readonly Fault[]): void {
  const errors = faults.filter((fault) => (fault.severity ?? 'error') === 'error');
  if (errors.length > 0) throw new Problem(kind, errors);
}

/** Cuts a value for display in a fault: at most 80 characters, control characters made visible. */
export function excerpt(value: unknown): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))).replace(
    // eslint-disable-next-line no-control-regex -- making control characters visible is the purpose
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
