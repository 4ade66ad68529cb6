/** A first-in, first-out lock for one process. */

export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `task` when everything that was asked for earlier has settled; its result or failure is the caller's. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
