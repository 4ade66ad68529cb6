/**
 * Changes as they happen: one child of `virsh event` tells them for as long as it lives, and behind it the domains are
 * polled, as nothing is told while it does not. What the poll finds that was told already is told again: at least once.
 */

import { createInterface } from 'node:readline';
import { AsyncQueue } from '../../async-queue.js';
import type { SiteEvent } from '../../adapter.js';
import type { Clock } from '../../../base/clock.js';
import type { Domains } from './domains.js';
import { uuidInName } from './marks.js';
import type { Virsh } from './virsh.js';

export interface EventServices {
  readonly virsh: Virsh;
  readonly domains: Domains;
  readonly clock: Clock;
  readonly realm: string;
  readonly pollMs: number;
}

/** Pause before the next attempt to listen, in milliseconds. */
const AGAIN_MS = 2_000;

export async function* followEvents(services: EventServices, signal: AbortSignal): AsyncIterable<SiteEvent> {
  const queue = new AsyncQueue<SiteEvent>(signal);
  const working = [pollInto(queue, services), listenInto(queue, services)];
  try {
    yield* queue;
  } finally {
    queue.end();
    await Promise.all(working);
  }
}

async function pollInto(queue: AsyncQueue<SiteEvent>, { domains, clock, pollMs }: EventServices): Promise<void> {
  let before: ReadonlyMap<string, string> | undefined;
  while (!queue.ended) {
    // A site that is away is not polled faster, and is not given up.
    const now = await look(domains, queue.signal).catch(() => undefined);
    const at = clock.now();
    if (now && before) {
      for (const [ref, seen] of now) if (before.get(ref) !== seen) queue.push({ ref, class: 'compute', at });
      for (const ref of before.keys()) if (!now.has(ref)) queue.push({ ref, class: 'compute', at });
    }
    before = now ?? before;
    await clock.sleep(pollMs, queue.signal);
  }
}

/** What a poll sees of a machine: anything that moves it makes another text. */
async function look(domains: Domains, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const all = await domains.all({ signal });
  return new Map(
    [...all].map(([uuid, { meaning, saved, model, plugged }]) => [
      uuid,
      JSON.stringify([meaning, saved, model, [...plugged].sort()]),
    ]),
  );
}

async function listenInto(queue: AsyncQueue<SiteEvent>, { virsh, clock, realm }: EventServices): Promise<void> {
  while (!queue.ended) {
    try {
      const child = virsh.follow(['event', '--event', 'lifecycle', '--loop', '--timestamp']);
      const stop = (): boolean => child.kill('SIGKILL');
      // A program that cannot be started says so here, and its output ends.
      child.once('error', () => undefined);
      queue.signal.addEventListener('abort', stop, { once: true });
      try {
        if (child.stdout)
          for await (const line of createInterface({ input: child.stdout })) {
            const ref = uuidInLine(line, realm);
            if (ref !== undefined) queue.push({ ref, class: 'compute', at: clock.now() });
          }
      } finally {
        queue.signal.removeEventListener('abort', stop);
        stop();
      }
    } catch {
      // The poll behind it tells what is missed.
    }
    await clock.sleep(AGAIN_MS, queue.signal);
  }
}

/** `2026-11-22 10:57:13.913+0000: event 'lifecycle' for domain 'NAME': Suspended Paused` */
export function uuidInLine(line: string, realm: string): string | undefined {
  const name = /event 'lifecycle' for domain '([^']*)': /.exec(line)?.[1];
  return name === undefined ? undefined : uuidInName(realm, name);
}
