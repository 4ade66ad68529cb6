/**
 * Changes as they happen: the hook manager of oned publishes every change of state, and behind it the pools of machines and
 * images are polled, as messages are lost while nobody listens: also as soon as somebody listens again. What the poll finds
 * that was told already is told again: at least once.
 */

import { AsyncQueue } from '../../async-queue.js';
import type { Clock } from '../../../base/clock.js';
import { underAny } from '../../../base/signals.js';
import type { SiteEvent } from '../../adapter.js';
import { readDocument, type Branch } from '../../document.js';
import { purposeIn } from './image-pool.js';
import type { Oned } from './oned.js';
import type { Subscription } from './zmtp.js';

export interface EventServices {
  readonly oned: Oned;
  readonly clock: Clock;
  readonly pollMs: number;
  /** Opens what is published, message by message, and says when it listens; absent: there is only the poll. */
  readonly subscribe:
    ((topics: readonly string[], signal: AbortSignal, listening: () => void) => Subscription) | undefined;
}

const TOPICS = ['EVENT STATE VM/', 'EVENT STATE IMAGE/'];

export async function* followEvents(services: EventServices, signal: AbortSignal): AsyncIterable<SiteEvent> {
  const queue = new AsyncQueue<SiteEvent>(signal);
  const poll = new Poll(queue, services);
  const working = [poll.run(signal), listenInto(queue, services, () => poll.nudge(), signal)];
  try {
    yield* queue;
  } finally {
    queue.end();
    await Promise.all(working);
  }
}

type Thing = Pick<SiteEvent, 'class' | 'ref'>;

/** What a poll sees of a thing: anything that moves it makes another text. */
interface Seen extends Thing {
  readonly state: string;
}

class Poll {
  readonly #queue: AsyncQueue<SiteEvent>;
  readonly #services: EventServices;
  #nudged = new AbortController();

  constructor(queue: AsyncQueue<SiteEvent>, services: EventServices) {
    this.#queue = queue;
    this.#services = services;
  }

  /** Looks at once. */
  nudge(): void {
    this.#nudged.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { oned, clock, pollMs } = this.#services;
    let before: ReadonlyMap<string, Seen> | undefined;
    while (!signal.aborted && !this.#queue.ended) {
      const nudged = new AbortController();
      this.#nudged = nudged;
      // A site that is away is not polled faster, and is not given up.
      const now = await look(oned, signal).catch(() => undefined);
      if (now && before) this.#tell(before, now, clock.now());
      before = now ?? before;
      await underAny([this.#queue.signal, nudged.signal], (either) => clock.sleep(pollMs, either));
    }
  }

  #tell(before: ReadonlyMap<string, Seen>, now: ReadonlyMap<string, Seen>, at: number): void {
    const changed = [...now].filter(([key, { state }]) => before.get(key)?.state !== state);
    const gone = [...before].filter(([key]) => !now.has(key));
    for (const [, seen] of [...changed, ...gone]) this.#queue.push({ ref: seen.ref, class: seen.class, at });
  }
}

async function look(oned: Oned, signal: AbortSignal): Promise<ReadonlyMap<string, Seen>> {
  const [machines, images] = await Promise.all([
    oned.document('one.vmpool.info', [-2, -1, -1, -1, ''], { signal }),
    oned.document('one.imagepool.info', [-2, -1, -1], { signal }),
  ]);
  const seen = [...machines.all('VM').map(machineSeen), ...images.all('IMAGE').map(imageSeen)];
  return new Map(seen.map((each) => [`${each.class} ${each.ref}`, each]));
}

function machineSeen(vm: Branch): Seen {
  const size = ['CPU', 'MEMORY', 'VCPU'].map((name) => vm.value('TEMPLATE', name));
  const plugs = [...(vm.child('TEMPLATE')?.all('NIC') ?? []), ...(vm.child('TEMPLATE')?.all('DISK') ?? [])].length;
  const state = [vm.value('STATE'), vm.value('LCM_STATE'), ...size, plugs, vm.value('USER_TEMPLATE', 'ERROR')];
  return { class: 'compute', ref: vm.value('ID') ?? '', state: state.join(' ') };
}

function imageSeen(image: Branch): Seen {
  const state = ['STATE', 'SIZE', 'RUNNING_VMS'].map((name) => image.value(name));
  return { ...imageOf(image), ref: image.value('ID') ?? '', state: state.join(' ') };
}

const imageOf = (image: Branch | undefined): Pick<Thing, 'class'> => ({
  class: purposeIn(image?.child('TEMPLATE')) === 'volume' ? 'storage' : 'image',
});

/** Pause before the next attempt to listen, in milliseconds. */
const AGAIN_MS = 5_000;

async function listenInto(
  queue: AsyncQueue<SiteEvent>,
  { clock, subscribe }: EventServices,
  listening: () => void,
  signal: AbortSignal,
): Promise<void> {
  if (!subscribe) return;
  while (!signal.aborted && !queue.ended) {
    try {
      for await (const [, body] of subscribe(TOPICS, queue.signal, listening)) {
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
        return { ...imageOf(message.child('IMAGE')), ref, at };
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}
