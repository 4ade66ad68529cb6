/**
 * Work that any of several signals ends. `AbortSignal.any` leaves in each of them a reference to what it makes for as long as the
 * signal lives (Node 20), and the one that stops the process lives as long as it: whatever joined it with another at every
 * turn grew without end.
 */

import { setMaxListeners } from 'node:events';

/** A signal that aborts with the first of several, for as long as it holds on to them. */
export class JoinedSignal implements Disposable {
  readonly signal: AbortSignal;
  readonly #signals: readonly AbortSignal[];
  readonly #abort: (event: { readonly target: unknown }) => void;

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    const either = new AbortController();
    this.signal = either.signal;
    this.#signals = signals.filter((signal) => signal !== undefined);
    this.#abort = ({ target }) => either.abort((target as AbortSignal).reason);
    for (const signal of this.#signals) {
      // As many may join it as there is work under it: each lets go again.
      setMaxListeners(0, signal);
      if (signal.aborted) this.#abort({ target: signal });
      else signal.addEventListener('abort', this.#abort, { once: true });
    }
  }

  /** Lets go of the signals. */
  [Symbol.dispose](): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#abort);
  }
}

/** Runs work under a signal that aborts with the first of these, and lets go of them when the work has ended. */
export async function underAny<T>(
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using joined = new JoinedSignal(signals);
  return await work(joined.signal);
}

/** The same for what comes piece by piece: the signals are let go of when the last piece was taken, or nobody wants more. */
export async function* piecesUnderAny<T>(
  signals: readonly (AbortSignal | undefined)[],
  pieces: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncIterable<T> {
  using joined = new JoinedSignal(signals);
  yield* pieces(joined.signal);
}
