/** Waits for what somebody else brings about. */

import { setTimeout as pause } from 'node:timers/promises';

/**
 * Milliseconds after which it is given up: on a machine on which much else runs, nothing that is late has failed. Longer than two
 * of the engine's longest pauses after a failure, of a minute by the clock each, and shorter than a test may last.
 */
export const PATIENCE_MS = 180_000;

/**
 * Asks again until it holds.
 * @param tell what is told when it was waited for in vain
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  tell: () => unknown = () => 'what was awaited has not come about',
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${String(await tell())}`);
    await pause(20);
  }
}
