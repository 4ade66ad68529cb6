/** A first-in, first-out lock for one process. */

export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `task` when everything that was asked for earlier has settled; its result or failure is the caller's. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when everything that has been asked for so far has settled. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
