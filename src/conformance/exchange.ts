/**
 * One request and its answer, as they were on the wire: what a check judges, and what a report shows. Credentials are
 * gone before anything is kept.
 */

export interface SentRequest {
  readonly method: string;
  readonly url: string;
  /** Name and value, in the order sent; credentials replaced. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  /** Name and value, as they came. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export class Exchange {
  readonly request: SentRequest;
  readonly answer: Answer;
  /** Path and query that were asked for. */
  readonly path: string;

  constructor(request: SentRequest, answer: Answer) {
    this.request = request;
    this.answer = answer;
    const { pathname, search } = new URL(request.url);
    this.path = pathname + search;
  }

  get status(): number {
    return this.answer.status;
  }

  get body(): string {
    return this.answer.body;
  }

  /** Fields of the answer with this name; repeated ones joined as RFC 9110 §5.3 has it. Undefined when there is none. */
  header(name: string): string | undefined {
    const values = this.answer.headers.flatMap(([each, value]) =>
      each.toLowerCase() === name.toLowerCase() ? [value] : [],
    );
    return values.length === 0 ? undefined : values.join(', ');
  }

  /** Media type of the answer without parameters, in lower case; empty when it says none. */
  get type(): string {
    return (this.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  }

  /** True for 2xx. */
  get succeeded(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** `POST /compute/ → 201`, for messages. */
  get summary(): string {
    return `${this.request.method} ${this.path} → ${this.status}`;
  }
}
