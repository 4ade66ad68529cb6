/** Changes of servers, found by looking: OpenStack tells an ordinary account of none. */

import type { Clock } from '../../../base/clock.js';
import type { SiteEvent } from '../../adapter.js';
import { writeRef } from './marks.js';
import type { Server } from './server.js';
import type { Servers } from './servers.js';
import type { Tenants } from './tenants.js';

export interface EventServices {
  readonly tenants: Tenants;
  readonly servers: Servers;
  readonly clock: Clock;
  readonly pollMs: number;
}

export async function* followEvents(
  { tenants, servers, clock, pollMs }: EventServices,
  signal: AbortSignal,
): AsyncIterable<SiteEvent> {
  const before = new Map<string, Seen>();
  while (!signal.aborted) {
    // A site that is away is not asked more often, and is not given up; a project that is has lost nothing.
    const now = await look(tenants, servers, signal).catch(() => undefined);
    const at = clock.now();
    for (const [project, seen] of now ?? []) {
      for (const ref of changed(before.get(project) ?? seen, seen)) yield { ref, class: 'compute', at };
      before.set(project, seen);
    }
    await clock.sleep(pollMs, signal);
  }
}

/** What a look sees of each server of a project, by reference: anything that moves it makes another text. */
type Seen = ReadonlyMap<string, string>;

const changed = (before: Seen, now: Seen): readonly string[] =>
  [...new Set([...now.keys(), ...before.keys()])].filter((ref) => before.get(ref) !== now.get(ref));

/** By project, of those that can be asked. */
async function look(tenants: Tenants, servers: Servers, signal: AbortSignal): Promise<ReadonlyMap<string, Seen>> {
  const found = new Map<string, Seen>();
  for (const [project, cloud] of (await tenants.all({ signal })).asked) {
    try {
      const all = [...(await servers.byKey(cloud, { signal }))];
      found.set(project, new Map(all.map(([key, server]) => [writeRef(project, key), textOf(server)])));
    } catch (error) {
      tenants.refusal(cloud, error);
    }
  }
  return found;
}

function textOf({ id, status, task, flavor, name, fault, hostId }: Server): string {
  return [id, status, task, flavor, name, fault?.message, hostId].join(' ');
}
