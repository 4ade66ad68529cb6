/**
 * The way to the cloud: HTTP through the guarded dialler, so many calls at a time, each answer bounded and read whole. What
 * only reads is asked again when a connection breaks; what changes something never is, as nobody knows whether it was
 * done: the caller's token finds out.
 */

import { readFileSync } from 'node:fs';
import { setMaxListeners } from 'node:events';
import { Problem, excerpt, messageOf } from '../../../base/errors.js';
import type { Clock } from '../../../base/clock.js';
import type { JsonValue } from '../../../base/json.js';
import { JoinedSignal } from '../../../base/signals.js';
import { GuardedDialler, type DialRequest, type DialResponse } from '../../../net/dialler.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import { Turns, givenUp } from '../../turns.js';
import { NAMES, refusalOf, type Speaker } from './stack-error.js';

export interface LineOptions {
  readonly authUrl: string;
  readonly certificateAuthorities: readonly string[];
  readonly concurrency: number;
  readonly clock: Clock;
}

export interface Request extends CallOptions {
  readonly method: NonNullable<DialRequest['method']>;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  /** Statuses that mean success. */
  readonly expect: readonly number[];
  /** Milliseconds until the answer begins. */
  readonly timeoutMs?: number;
  /** Bytes that the answer may have, where it may have other than all others. */
  readonly maxBytes?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** A page of servers is some two megabytes; nothing OpenStack says is larger than this. */
const MAX_BYTES = 64 * 2 ** 20;
/** Pauses before reading is tried again after a broken connection, in milliseconds. */
const RETRIES = [50, 250];

export class Line {
  readonly #dialler: GuardedDialler;
  readonly #turns: Turns;
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  #changes = 0;

  constructor({ authUrl, certificateAuthorities, concurrency, clock }: LineOptions) {
    const ca = certificateAuthorities.map((file) => readFileSync(file, 'utf8'));
    this.#dialler = new GuardedDialler({ allow: [targetOf(authUrl)], clock, ...(ca.length > 0 ? { ca } : {}) });
    this.#turns = new Turns(concurrency);
    this.#clock = clock;
    // Every call that waits listens for the end of the site.
    setMaxListeners(0, this.#closed.signal);
  }

  /** How many calls that change something have been made. */
  get changes(): number {
    return this.#changes;
  }

  /** Aborts when the site is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /**
   * Sends a request and reads its answer.
   *
   * @throws IaasError the service's refusal, or `transient` where there is no answer that can be understood
   */
  async send(speaker: Speaker, request: Request): Promise<Answer> {
    const reading = request.method === 'GET' || request.method === 'HEAD';
    using joined = new JoinedSignal([request.signal, this.closed]);
    const { signal } = joined;
    const retries = reading ? RETRIES : [];
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#turns.run(() => this.#once(speaker, request, signal), signal);
      } catch (error) {
        const pause = retries[attempt];
        if (pause === undefined || !(error instanceof Broken)) throw this.#ended(error);
        await this.#clock.sleep(pause, signal);
      }
    }
  }

  /**
   * Sends a request, once, and gives the bytes of its answer as they come.
   *
   * @throws IaasError as {@link send}; `transient` also while the bytes are read
   */
  async stream(speaker: Speaker, request: Request): Promise<AsyncIterable<Uint8Array>> {
    const joined = new JoinedSignal([request.signal, this.closed]);
    const { signal } = joined;
    try {
      const response = await this.#turns.run(() => this.#opened(speaker, request, signal), signal);
      return this.#bytesOf(speaker, response, joined);
    } catch (error) {
      joined[Symbol.dispose]();
      throw this.#ended(failure(speaker, error, signal));
    }
  }

  async *#bytesOf(speaker: Speaker, response: DialResponse, joined: JoinedSignal): AsyncGenerator<Uint8Array> {
    using held = joined;
    try {
      yield* response.body;
    } catch (error) {
      throw this.#ended(failure(speaker, error, held.signal));
    } finally {
      response.discard();
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#dialler.close();
  }

  async #once(speaker: Speaker, request: Request, signal: AbortSignal): Promise<Answer> {
    try {
      const response = await this.#opened(speaker, request, signal);
      return { status: response.status, headers: response.headers, text: await textOf(response) };
    } catch (error) {
      throw failure(speaker, error, signal);
    }
  }

  /** An answer that means success, of which nothing has been read yet. */
  async #opened(speaker: Speaker, request: Request, signal: AbortSignal): Promise<DialResponse> {
    const { method, url, headers, body, expect, timeoutMs, maxBytes = MAX_BYTES } = request;
    if (signal.aborted) throw givenUp(signal);
    if (method !== 'GET' && method !== 'HEAD') this.#changes += 1;
    const response = await this.#dialler.fetch(url, {
      method,
      headers: { accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      signal,
      maxBytes,
      // The catalog and the configuration say where the services are: nobody else has a say in it.
      allow: [targetOf(url)],
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (expect.includes(response.status)) return response;
    const text = await textOf(response);
    if (response.status >= 400) throw refusalOf(speaker, response.status, text, response.headers);
    throw unreadable(speaker, text);
  }

  #ended(error: unknown): unknown {
    return this.closed.aborted ? new IaasError('fatal', 'the site has been closed') : error;
  }
}

/** No answer, or none that is complete. */
class Broken extends IaasError {
  constructor(speaker: Speaker, message: string, cause: unknown) {
    super('transient', `${NAMES[speaker]}: ${message}`, undefined, cause);
  }
}

function failure(speaker: Speaker, error: unknown, signal: AbortSignal): IaasError {
  if (error instanceof IaasError) return error;
  if (signal.aborted) return givenUp(signal);
  if (error instanceof Problem && error.kind === 'unavailable') return new Broken(speaker, error.message, error);
  if (error instanceof Problem && error.kind === 'too-large')
    return new IaasError('fatal', `${NAMES[speaker]} answers more than VEP takes`, undefined, error);
  return new IaasError('fatal', `${NAMES[speaker]} cannot be asked: ${messageOf(error)}`, undefined, error);
}

async function textOf(response: DialResponse): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** Host and port of a URL, as the dialler's list of what may be reached has it. */
function targetOf(address: string): string {
  const url = new URL(address);
  return `${url.hostname}:${url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port}`;
}

/** Whether the work was done cannot be told from such an answer: asking again with the same token is safe. */
export function unreadable(speaker: Speaker, text: string): IaasError {
  return new IaasError('transient', `this is no answer of ${NAMES[speaker]}`, excerpt(text));
}

/** The JSON of an answer. */
export function jsonOf(speaker: Speaker, { text }: Answer): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw unreadable(speaker, text);
  }
}
