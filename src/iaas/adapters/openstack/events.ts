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
  let before: ReadonlyMap<string, string> | undefined;
  while (!signal.aborted) {
    // A site that is away is not asked more often, and is not given up.
    const now = await look(tenants, servers, signal).catch(() => undefined);
    const at = clock.now();
    if (now && before) {
      for (const [ref, seen] of now) if (before.get(ref) !== seen) yield { ref, class: 'compute', at };
      for (const ref of before.keys()) if (!now.has(ref)) yield { ref, class: 'compute', at };
    }
    before = now ?? before;
    await clock.sleep(pollMs, signal);
  }
}

/** What a look sees of each server: anything that moves it makes another text. */
async function look(tenants: Tenants, servers: Servers, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>();
  for (const cloud of await tenants.all({ signal })) {
    const project = await cloud.project({ signal });
    for (const [key, server] of await servers.byKey(cloud, { signal }))
      seen.set(writeRef(project, key), textOf(server));
  }
  return seen;
}

function textOf({ id, status, task, flavor, name, fault, hostId }: Server): string {
  return [id, status, task, flavor, name, fault?.message, hostId].join(' ');
}
