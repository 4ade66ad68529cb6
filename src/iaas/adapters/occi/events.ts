/** Changes as they happen, found by looking: what a look sees otherwise than the one before is told. A server that is away is not given up. */

import type { Clock } from '../../../base/clock.js';
import type { SiteEvent } from '../../adapter.js';
import type { Things } from './things.js';

const WATCHED = ['compute', 'storage', 'network'] as const;

export async function* followEvents(
  things: Things,
  clock: Clock,
  pollMs: number,
  signal: AbortSignal,
): AsyncIterable<SiteEvent> {
  let before: ReadonlyMap<string, Seen> | undefined;
  while (!signal.aborted) {
    const now = await look(things, signal).catch(() => undefined);
    if (now && before) yield* differences(before, now, clock.now());
    before = now ?? before;
    await clock.sleep(pollMs, signal);
  }
}

interface Seen {
  readonly class: SiteEvent['class'];
  readonly text: string;
}

async function look(things: Things, signal: AbortSignal): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const what of WATCHED) {
    for (const { path, observed } of await things.all(what, { signal })) {
      seen.set(path, { class: what, text: JSON.stringify(observed) });
    }
  }
  return seen;
}

function* differences(
  before: ReadonlyMap<string, Seen>,
  now: ReadonlyMap<string, Seen>,
  at: number,
): Iterable<SiteEvent> {
  for (const [ref, seen] of now) if (before.get(ref)?.text !== seen.text) yield { ref, class: seen.class, at };
  for (const [ref, seen] of before) if (!now.has(ref)) yield { ref, class: seen.class, at };
}
