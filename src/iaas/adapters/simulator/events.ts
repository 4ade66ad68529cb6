/**
 * The events of a simulated site: what its commands touched, whichever process asked, and what came through by itself
 * since. At least once: a change that came due may be told again when the next command folds it in.
 */

import type { Clock } from '../../../base/clock.js';
import { underAny } from '../../../base/signals.js';
import type { SiteEvent } from '../../adapter.js';
import type { Cloud, Touch } from './cloud.js';
import type { SharedCloud } from './shared-cloud.js';

/** How often the log is read when nothing is due: the delay with which another process's commands are seen. */
const POLL_MS = 500;

/** Events from now on until the signal aborts. */
export async function* followEvents(shared: SharedCloud, clock: Clock, signal: AbortSignal): AsyncIterable<SiteEvent> {
  const waiting: Touch[] = [];
  let wake = new AbortController();
  const stop = shared.follow((touched) => {
    waiting.push(...touched);
    wake.abort();
  });
  try {
    let seenUntil = clock.now();
    await shared.read();
    waiting.length = 0;
    while (!signal.aborted) {
      wake = new AbortController();
      const cloud = await shared.read();
      const now = clock.now();
      waiting.push(...dueBetween(cloud, seenUntil, now));
      seenUntil = now;
      for (const { class: what, ref, at } of waiting.splice(0)) yield { class: what, ref, at };
      if (waiting.length > 0) continue;
      await underAny([signal, wake.signal], (either) =>
        clock.sleep(Math.min(POLL_MS, nextDue(cloud, now) - now), either),
      );
    }
  } finally {
    stop();
  }
}

/** Changes that came due in (after, until] and that no command has folded in yet. */
function dueBetween(cloud: Cloud, after: number, until: number): Touch[] {
  return cloud.due
    .entries()
    .filter(
      (due) =>
        due.until > after && due.until <= until && cloud.things[due.class].get(due.ref)?.change?.until === due.until,
    )
    .sort((a, b) => a.until - b.until || a.number - b.number)
    .map((due) => ({ class: due.class, ref: due.ref, at: due.until }));
}

function nextDue(cloud: Cloud, now: number): number {
  return cloud.due.entries().reduce((next, due) => (due.until > now && due.until < next ? due.until : next), Infinity);
}
