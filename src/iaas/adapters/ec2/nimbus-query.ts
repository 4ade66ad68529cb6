/**
 * The way to Nimbus: the Query front end of its service node, signature version 2, answers in the words of EC2 of 2009.
 * Its errors all have status 400. What only reads is asked again when a connection breaks; what changes something never.
 */

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../../base/clock.js';
import { Problem, excerpt, messageOf } from '../../../base/errors.js';
import { JoinedSignal } from '../../../base/signals.js';
import type { GuardedDialler } from '../../../net/dialler.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import { DocumentError, readDocument, type Branch } from '../../document.js';
import { givenUp, Turns } from '../../turns.js';
import { Ec2Error } from './ec2-error.js';
import { checkAnswer } from './query-answer.js';
import { signedV2, type QueryKey } from './signature-v2.js';

export interface NimbusQueryOptions {
  readonly endpoint: string;
  readonly dialler: GuardedDialler;
  readonly clock: Clock;
  readonly concurrency: number;
  /** Reads the key from where it is kept; asked again when Nimbus no longer takes the last one. */
  readonly key: () => QueryKey;
}

/** The only version that is built into Nimbus; any other date is answered with this one's words. */
const VERSION = '2009-08-15';
const MAX_BYTES = 16 * 2 ** 20;
const READ_AGAIN = [50, 250];

export class NimbusQuery {
  readonly #options: NimbusQueryOptions;
  readonly #turns: Turns;
  readonly #closed = new AbortController();
  #key: QueryKey;

  constructor(options: NimbusQueryOptions) {
    this.#options = options;
    this.#turns = new Turns(options.concurrency);
    this.#key = options.key();
    setMaxListeners(0, this.#closed.signal);
  }

  async ask(action: string, parameters: Readonly<Record<string, string>>, call: CallOptions = {}): Promise<Branch> {
    const used = this.#key;
    try {
      return await this.#patiently(action, parameters, call);
    } catch (error) {
      if (!(error instanceof Ec2Error) || !error.isAuthentication) throw error;
      // Another call may have renewed it meanwhile.
      if (this.#key === used) this.#key = this.#options.key();
      if (used.accessId === this.#key.accessId && used.secret === this.#key.secret) throw error;
      return this.#patiently(action, parameters, call);
    }
  }

  close(): void {
    this.#closed.abort();
  }

  async #patiently(action: string, parameters: Readonly<Record<string, string>>, call: CallOptions): Promise<Branch> {
    using joined = new JoinedSignal([call.signal, this.#closed.signal]);
    const { signal } = joined;
    for (const pause of [...(action.startsWith('Describe') ? READ_AGAIN : []), undefined]) {
      try {
        return await this.#turns.run(() => this.#once(action, parameters, signal), signal);
      } catch (error) {
        if (this.#closed.signal.aborted) throw closedError();
        const broken = error instanceof IaasError && error.class === 'transient' && error.said === undefined;
        if (!broken || pause === undefined || signal.aborted) throw error;
        await this.#options.clock.sleep(pause, signal);
      }
    }
    throw givenUp(signal);
  }

  async #once(action: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Branch> {
    if (this.#closed.signal.aborted) throw closedError();
    if (signal.aborted) throw givenUp(signal);
    const { endpoint, dialler, clock } = this.#options;
    const asked = { Action: action, Version: VERSION, ...parameters };
    try {
      const response = await dialler.fetch(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        body: signedV2(new URL(endpoint), asked, this.#key, clock.now()),
        signal,
        maxBytes: MAX_BYTES,
      });
      const pieces: Uint8Array[] = [];
      for await (const piece of response.body) pieces.push(piece);
      const text = Buffer.concat(pieces).toString('utf8');
      checkAnswer('Nimbus', action, response.status, text);
      return documentOf(action, text);
    } catch (error) {
      if (error instanceof IaasError) throw error;
      if (this.#closed.signal.aborted) throw closedError();
      if (signal.aborted) throw givenUp(signal);
      if (error instanceof Problem && error.kind === 'unavailable')
        throw new IaasError('transient', error.message, undefined, error);
      throw new IaasError('fatal', `Nimbus cannot be asked: ${messageOf(error)}`, undefined, error);
    }
  }
}

function documentOf(action: string, text: string): Branch {
  try {
    return readDocument(text);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    throw new IaasError('transient', `the answer to ${action} cannot be read`, excerpt(text));
  }
}

const closedError = (): IaasError => new IaasError('fatal', 'the site has been closed');
