/** Values on their way from those that push to the one who iterates; ends when told to, or when a signal aborts. */

export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  readonly #end = new AbortController();
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    if (signal.aborted) this.end();
    else signal.addEventListener('abort', () => this.end(), { once: true });
  }

  get ended(): boolean {
    return this.#end.signal.aborted;
  }

  /** Aborts when the queue ends. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  push(value: T): void {
    if (!this.ended) this.#waiting.push(value);
    this.#wake?.();
  }

  end(): void {
    this.#end.abort();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const value = this.#waiting.shift();
      if (value !== undefined) yield value;
      else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
