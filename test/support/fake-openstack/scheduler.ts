/** Which of the fake's hosts takes a server, and what Placement says of them. */

import type { Json } from './answers.js';
import type { Server, World } from './world.js';

/** As Nova's own fake hypervisor has it: 10 VCPUs at 16 for each, 8192 MiB less 512 at 1.5. */
const VCPUS = 160;
const MOST_VCPUS = 10;
const MEMORY = 11_520;

export class Scheduler {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  choose(server: Server, wanted: string | undefined, hinted: Json): string | undefined {
    const hints = this.#world.ignoresHints ? {} : hinted;
    const all = [...this.#world.servers.values()];
    const on = (name: string): readonly Server[] => all.filter((each) => each.host === name);
    const members = all.filter((each) => each.group !== undefined && each.group === server.group && each.host !== null);
    const policy = this.#world.groups.get(server.group ?? '')?.body.policy;
    const apart = [
      ...((hints.different_host ?? []) as string[]).map((id) => this.#world.servers.get(id)?.host),
      ...(policy === 'anti-affinity' ? members.map(({ host: name }) => name) : []),
    ];
    const together = [
      ...((hints.same_host ?? []) as string[]).map((id) => this.#world.servers.get(id)?.host),
      ...(policy === 'affinity' ? members.map(({ host: name }) => name) : []),
    ];
    const { vcpus, ram } = server.flavor;
    return this.#world.hosts.find(
      (name) =>
        (wanted === undefined || wanted === name) &&
        vcpus <= MOST_VCPUS &&
        sum(on(name), 'vcpus') + vcpus <= VCPUS &&
        sum(on(name), 'ram') + ram <= MEMORY &&
        !apart.includes(name) &&
        together.every((each) => each === name),
    );
  }

  /** Of `GET /allocation_candidates`. */
  candidates(): Json {
    const all = [...this.#world.servers.values()];
    const summaries = this.#world.hosts.map((name) => {
      const mine = all.filter((server) => server.host === name);
      const resources = {
        VCPU: { capacity: VCPUS, used: sum(mine, 'vcpus') },
        MEMORY_MB: { capacity: MEMORY, used: sum(mine, 'ram') },
      };
      return [idOf(name), { resources, traits: [] }];
    });
    return { allocation_requests: [], provider_summaries: Object.fromEntries(summaries) };
  }
}

const sum = (servers: readonly Server[], what: 'vcpus' | 'ram'): number =>
  servers.reduce((total, server) => total + server.flavor[what], 0);

const idOf = (name: string): string => `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').padStart(12, '0')}`;

/** A hypervisor as Nova lists it. */
export function host(name: string): Json {
  return {
    id: idOf(name),
    hypervisor_hostname: name,
    state: 'up',
    status: 'enabled',
    vcpus: 10,
    memory_mb: 8192,
    service: { id: idOf(name), host: name, disabled_reason: null },
  };
}

/** The service of Nova that runs there. */
export function service(name: string): Json {
  return { binary: 'nova-compute', host: name, zone: 'nova', status: 'enabled', state: 'up' };
}
