/** A clock that never goes back: a wrong turn of the system's clock must not revive what has expired (S-118). */

import type { Clock } from '../base/clock.js';

/** Answers the latest time seen so far, in milliseconds since the epoch. */
export function neverBack(clock: Clock): () => number {
  let latest = 0;
  return () => (latest = Math.max(latest, clock.now()));
}
