/**
 * The way to oned: XML-RPC through the guarded dialler and a queue of its own, because oned resets connections when more
 * than some fifteen are open. What only reads is asked again when a connection breaks; what changes something never is,
 * as nobody knows whether it was done: the caller's token finds out. A session that oned no longer takes is renewed once.
 */

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../../base/clock.js';
import { Problem, excerpt, messageOf } from '../../../base/errors.js';
import { JoinedSignal } from '../../../base/signals.js';
import type { DialResponse, GuardedDialler } from '../../../net/dialler.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import { Turns, givenUp } from '../../turns.js';
import { DocumentError, readDocument, type Branch } from '../../document.js';
import { OneError, refusalOf } from './one-error.js';
import type { Caller, Sessions } from './session.js';
import { methodCall, readAnswer, type Parameter } from './xml-rpc.js';

export interface OnedOptions {
  readonly endpoint: string;
  readonly dialler: GuardedDialler;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly concurrency: number;
}

export interface Call extends CallOptions {
  /** For whom; absent: the account that the site is configured with. */
  readonly as?: Caller | undefined;
}

/** A page of a pool is a few megabytes; nothing oned says is larger than this. */
const MAX_BYTES = 64 * 2 ** 20;
const READING = /\.(info|infoextended|infoset|monitoring|accounting|version|config)$/;
/** How often reading is tried again after a broken connection, and how long it waits before, in milliseconds. */
const RETRIES = [50, 250];

export class Oned {
  readonly #options: OnedOptions;
  readonly #turns: Turns;
  readonly #closed = new AbortController();
  #changes = 0;

  constructor(options: OnedOptions) {
    this.#options = options;
    this.#turns = new Turns(options.concurrency);
    // Every call that waits listens for the end of the site.
    setMaxListeners(0, this.#closed.signal);
  }

  /** How many calls that change something have been made. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether calls can be made in the name of others. */
  get delegates(): boolean {
    return this.#options.sessions.for({ user: 'anyone', group: 0 }) !== undefined;
  }

  /** The id that a call answers with. */
  async id(method: string, parameters: readonly Parameter[], call: Call = {}): Promise<number> {
    const value = await this.text(method, parameters, call);
    if (/^-?\d+$/.test(value)) return Number(value);
    throw unreadable(method, value);
  }

  /** The document that a call answers with. */
  async document(method: string, parameters: readonly Parameter[], call: Call = {}): Promise<Branch> {
    const value = await this.text(method, parameters, call);
    try {
      return readDocument(value);
    } catch (error) {
      if (error instanceof DocumentError) throw unreadable(method, value);
      throw error;
    }
  }

  async text(method: string, parameters: readonly Parameter[], call: Call = {}): Promise<string> {
    try {
      return await this.#asked(method, parameters, call);
    } catch (error) {
      if (!(error instanceof OneError) || !error.isAuthentication) throw error;
      // Refused before anything was done: a token whose time had come, or a password that was changed back.
      this.#options.sessions.renew();
      return this.#asked(method, parameters, call);
    }
  }

  close(): void {
    this.#closed.abort();
  }

  async #asked(method: string, parameters: readonly Parameter[], asked: Call): Promise<string> {
    using joined = new JoinedSignal([asked.signal, this.#closed.signal]);
    const { signal } = joined;
    const call = { ...asked, signal };
    const retries = READING.test(method) ? RETRIES : [];
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#turns.run(() => this.#once(method, parameters, call), signal);
      } catch (error) {
        const pause = retries[attempt];
        if (pause === undefined || !(error instanceof Broken)) throw error;
        await this.#options.clock.sleep(pause, signal);
      }
    }
  }

  async #once(
    method: string,
    parameters: readonly Parameter[],
    call: Call & { readonly signal: AbortSignal },
  ): Promise<string> {
    const { signal } = call;
    if (this.#closed.signal.aborted) throw new IaasError('fatal', 'the site has been closed');
    if (signal.aborted) throw givenUp(signal);
    if (!READING.test(method)) this.#changes += 1;
    const { endpoint, dialler, sessions } = this.#options;
    const session = call.as === undefined ? sessions.own() : (sessions.for(call.as) ?? sessions.own());
    const session_ = method.startsWith('system.') ? [] : [session];
    try {
      const response = await dialler.fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'text/xml',
          // oned closes idle connections; one that was about to close must not swallow what changes something.
          ...(READING.test(method) ? {} : { connection: 'close' }),
        },
        body: methodCall(method, [...session_, ...parameters]),
        signal,
        maxBytes: MAX_BYTES,
      });
      return valueOf(method, await textOf(response), response.status);
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  #failure(error: unknown, signal: AbortSignal): IaasError {
    if (error instanceof IaasError) return error;
    if (this.#closed.signal.aborted) return new IaasError('fatal', 'the site has been closed');
    if (signal.aborted) return givenUp(signal);
    if (error instanceof Problem && error.kind === 'unavailable') return new Broken(error.message, error);
    if (error instanceof Problem && error.kind === 'too-large')
      return new IaasError('fatal', 'oned answers more than VEP takes', undefined, error);
    return new IaasError('fatal', `oned cannot be asked: ${messageOf(error)}`, undefined, error);
  }
}

/** No answer, or none that can be told from a broken one. */
class Broken extends IaasError {
  constructor(message: string, cause?: unknown) {
    super('transient', message, undefined, cause);
  }
}

async function textOf(response: DialResponse): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function valueOf(method: string, text: string, status: number): string {
  if (status >= 500 || status === 429)
    throw new IaasError('transient', `oned answers with HTTP status ${status}`, `HTTP ${status}`);
  if (status === 401 || status === 403)
    throw new IaasError('denied', `what stands in front of oned answers with HTTP status ${status}`, `HTTP ${status}`);
  if (status !== 200)
    throw new IaasError('fatal', `there is no oned at this URL: HTTP status ${status}`, `HTTP ${status}`);
  // oned in distress closes a connection after the head of an answer, whose end nothing else tells.
  if (text.trim() === '') throw new Broken(`the answer to ${method} is empty`);
  let answer;
  try {
    answer = readAnswer(text);
  } catch (error) {
    if (error instanceof DocumentError) throw unreadable(method, text);
    throw error;
  }
  if (answer.kind === 'value') return answer.value;
  throw refusalOf(method, answer);
}

/** Whether the work was done cannot be told from such an answer: asking again with the same token is safe. */
function unreadable(method: string, text: string): IaasError {
  return new IaasError('transient', `the answer to ${method} is not one of oned`, excerpt(text));
}
