/**
 * Server-sent events (HTML Living Standard §9.2) as VEP sends them on `/events/?subject=<id>`: what happens to the
 * operations of an appliance. A stream that breaks off is taken up after the last event seen (`Last-Event-ID`).
 */

import type { Clock } from '../base/clock.js';
import { ClientError } from './client-error.js';
import { Patience } from './patience.js';
import type { Transport } from './transport.js';

/** One event. Members beside the first four depend on the type; these are those of `operation`. */
export interface WatchEvent {
  /** Rises by one from event to event of a subject. */
  readonly seq: number;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  /** Id of the entity that the operation works on. */
  readonly entity: string;
  readonly type: string;
  readonly operation?: string;
  readonly operationType?: string;
  /** Operation whose child this is; null for one that stands alone or is itself the parent. */
  readonly parent?: string | null;
  readonly state?: 'waiting' | 'due' | 'running' | 'undoing' | 'done' | 'failed' | 'dead' | 'cancelled';
  readonly direction?: 'forward' | 'undo';
  readonly step?: string | null;
  readonly percent?: number;
  readonly message?: string;
  readonly findings?: readonly { readonly class: string; readonly message: string }[];
}

export interface WatchOptions {
  /** Number of the last event already seen; absent: from the first that the server keeps. */
  readonly after?: number;
  readonly signal?: AbortSignal;
}

/**
 * Events of a subject until the signal aborts or the server ends the stream for good (the subject is gone).
 * @throws ClientError when the subject is not the caller's to see; ConnectionError when the server stays away for a minute, or has never
 * been there
 */
export async function* watchEvents(
  transport: Transport,
  clock: Clock,
  subject: string,
  { after = 0, signal }: WatchOptions,
): AsyncGenerator<WatchEvent, void, undefined> {
  let last = after;
  const patience = new Patience(clock);
  let opened = false;
  while (signal?.aborted !== true) {
    try {
      const response = await transport.send({
        method: 'GET',
        url: `/events/?subject=${encodeURIComponent(subject)}`,
        headers: { Accept: 'text/event-stream', ...(last > 0 ? { 'Last-Event-ID': String(last) } : {}) },
        ...(signal ? { signal } : {}),
      });
      patience.renew();
      opened = true;
      for await (const event of eventsOf(response)) {
        last = event.seq;
        yield event;
      }
    } catch (error) {
      if (signal?.aborted) return;
      // It was there before: it has been deleted meanwhile.
      if (error instanceof ClientError && error.status === 404 && opened) return;
      if (!transport.hasReached || !patience.bears(error)) throw error;
    }
    await patience.pause(signal);
  }
}

async function* eventsOf(response: Response): AsyncGenerator<WatchEvent, void, undefined> {
  if (!response.body) return;
  const parser = new EventStreamParser();
  const decoder = new TextDecoder();
  // Node's web streams are async iterables; the DOM types that describe them do not say so.
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    for (const data of parser.push(decoder.decode(chunk, { stream: true }))) yield JSON.parse(data) as WatchEvent;
  }
}

/** Takes text as it arrives and answers the data of each event that is complete. Comments and other fields are ignored. */
export class EventStreamParser {
  #rest = '';
  #data: string[] = [];

  push(text: string): string[] {
    const complete: string[] = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) complete.push(this.#data.join('\n'));
        this.#data = [];
      } else if (line.startsWith('data:')) {
        this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
    return complete;
  }
}
