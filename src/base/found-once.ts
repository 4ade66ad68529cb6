/** Something that is found out once, by the first who asks, and kept. */

import { Flights } from './flights.js';

/** For how long somebody wants to wait. */
interface Waiting {
  readonly signal?: AbortSignal;
}

export class FoundOnce<T> {
  readonly #find: (waiting: Required<Waiting>) => Promise<T>;
  readonly #flights = new Flights<T, never>();
  #found: { readonly value: T } | undefined;

  /** @param find its signal aborts when nobody waits any more */
  constructor(find: (waiting: Required<Waiting>) => Promise<T>) {
    this.#find = find;
  }

  /** Whoever gives up leaves the others theirs. A failure is not kept: the next who asks has it tried again. */
  async get(waiting: Waiting = {}): Promise<T> {
    this.#found ??= { value: await this.#flights.join('', (signal) => this.#find({ signal }), waiting) };
    return this.#found.value;
  }
}
