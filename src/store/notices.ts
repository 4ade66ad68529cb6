/**
 * Notices between the processes that share a store: that something is worth a look, told with a commit and heard by each of them,
 * by the one that told it too. A notice is only a nudge (K32): one may get lost, and whoever hears it would have looked later by
 * itself.
 */

import type { Log } from '../base/log.js';

/** `room`: a site has got room back, by its name. `keeping`: another process keeps a site, or says something else of it. */
export type Topic = 'keeping' | 'room';

export type Heard = (about: string) => void;

/** Those of one process who listen. */
export class Listeners {
  readonly #heard = new Map<Topic, Set<Heard>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Answers how to listen no more. */
  add(topic: Topic, heard: Heard): () => void {
    const all = this.#heard.get(topic) ?? new Set();
    this.#heard.set(topic, all.add(heard));
    return () => void all.delete(heard);
  }

  tell(topic: string, about: string): void {
    for (const heard of this.#heard.get(topic as Topic) ?? []) {
      try {
        heard(about);
      } catch (error) {
        this.#log.error({ err: error, topic }, 'a notice was heard and not understood');
      }
    }
  }
}
