/** One change at a time for each key: the same token, or the same server. */

import { Mutex } from '../../../base/mutex.js';

export class TurnsByKey {
  readonly #turns = new Map<string, { readonly mutex: Mutex; users: number }>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(key) ?? { mutex: new Mutex(), users: 0 };
    this.#turns.set(key, turn);
    turn.users += 1;
    try {
      return await turn.mutex.run(work);
    } finally {
      turn.users -= 1;
      if (turn.users === 0) this.#turns.delete(key);
    }
  }
}
