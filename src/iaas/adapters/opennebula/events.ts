/**
 * Changes as they happen: the hook manager of oned publishes every change of state, and behind it the pool is polled, as
 * messages are lost while nobody listens. What the poll finds that was told already is told again: at least once.
 */

import { AsyncQueue } from '../../async-queue.js';
import type { Clock } from '../../../base/clock.js';
import type { SiteEvent } from '../../adapter.js';
import { readDocument } from '../../document.js';
import type { Oned } from './oned.js';
import type { Subscription } from './zmtp.js';

export interface EventServices {
  readonly oned: Oned;
  readonly clock: Clock;
  readonly pollMs: number;
  /** Opens what is published, message by message; absent: there is only the poll. */
  readonly subscribe: ((topics: readonly string[], signal: AbortSignal) => Subscription) | undefined;
}

const TOPICS = ['EVENT STATE VM/', 'EVENT STATE IMAGE/'];

export async function* followEvents(services: EventServices, signal: AbortSignal): AsyncIterable<SiteEvent> {
  const queue = new AsyncQueue<SiteEvent>(signal);
  const working = [pollInto(queue, services, signal), listenInto(queue, services, signal)];
  try {
    yield* queue;
  } finally {
    queue.end();
    await Promise.all(working);
  }
}

/** What a poll sees of a machine: anything that moves it makes another text. */
async function pollInto(
  queue: AsyncQueue<SiteEvent>,
  { oned, clock, pollMs }: EventServices,
  signal: AbortSignal,
): Promise<void> {
  let before: Map<string, string> | undefined;
  while (!signal.aborted && !queue.ended) {
    // A site that is away is not polled faster, and is not given up.
    const now = await look(oned, signal).catch(() => undefined);
    const at = clock.now();
    if (now && before) {
      for (const [ref, state] of now) if (before.get(ref) !== state) queue.push({ ref, class: 'compute', at });
      for (const ref of before.keys()) if (!now.has(ref)) queue.push({ ref, class: 'compute', at });
    }
    before = now ?? before;
    await clock.sleep(pollMs, queue.signal);
  }
}

async function look(oned: Oned, signal: AbortSignal): Promise<Map<string, string>> {
  const pool = await oned.document('one.vmpool.info', [-2, -1, -1, -1, ''], { signal });
  const seen = new Map<string, string>();
  for (const vm of pool.all('VM')) {
    const size = ['CPU', 'MEMORY', 'VCPU'].map((name) => vm.value('TEMPLATE', name));
    const plugs = [...(vm.child('TEMPLATE')?.all('NIC') ?? []), ...(vm.child('TEMPLATE')?.all('DISK') ?? [])].length;
    const state = [vm.value('STATE'), vm.value('LCM_STATE'), ...size, plugs, vm.value('USER_TEMPLATE', 'ERROR')];
    seen.set(vm.value('ID') ?? '', state.join(' '));
  }
  return seen;
}

/** Pause before the next attempt to listen, in milliseconds. */
const AGAIN_MS = 5_000;

async function listenInto(
  queue: AsyncQueue<SiteEvent>,
  { clock, subscribe }: EventServices,
  signal: AbortSignal,
): Promise<void> {
  if (!subscribe) return;
  while (!signal.aborted && !queue.ended) {
    try {
      for await (const [, body] of subscribe(TOPICS, queue.signal)) {
        const event = eventOf(body, clock.now());
        if (event) queue.push(event);
      }
    } catch {
      // The poll behind it tells what is missed.
    }
    await clock.sleep(AGAIN_MS, queue.signal);
  }
}

/** A message is a key and a document in Base64. */
export function eventOf(body: Buffer | undefined, at: number): SiteEvent | undefined {
  try {
    const message = readDocument(Buffer.from(body?.toString('latin1') ?? '', 'base64').toString('utf8'));
    const ref = message.value('RESOURCE_ID');
    if (ref === undefined) return undefined;
    switch (message.value('HOOK_OBJECT')) {
      case 'VM':
        return { ref, class: 'compute', at };
      case 'IMAGE':
        return { ref, class: 'image', at };
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}
