/**
 * What Nova's diagnostics count of servers (compute API 2.48, `GET /servers/{id}/diagnostics`): only an administrator may ask, one
 * server at a time, and Nova asks the hypervisor. Its figures of memory are what the server was given, not what it uses.
 */

import type { Clock } from '../../../base/clock.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../base/json.js';
import { askedOf, IaasError, type CallOptions, type MetricSample, type SiteRef } from '../../adapter.js';
import { Rates, type Counters } from '../../counters.js';
import type { Cloud } from './cloud.js';
import { itemsOf } from './marks.js';
import type { Server } from './server.js';
import type { Servers } from './servers.js';

export const OPENSTACK_METRICS: readonly string[] = [
  'vm.cpu.utilization',
  'vm.cpu.load',
  'vm.disk.io',
  'vm.network.io',
];

export class Metrics {
  readonly #servers: Servers;
  readonly #clock: Clock;
  readonly #rates: Rates;

  constructor(servers: Servers, clock: Clock) {
    this.#servers = servers;
    this.#clock = clock;
    this.#rates = new Rates((refs, options) => this.#look(refs, options), clock);
  }

  samples(refs: readonly SiteRef[], options: CallOptions): Promise<readonly MetricSample[]> {
    return this.#rates.samples(refs, options);
  }

  async #look(refs: readonly SiteRef[], options: CallOptions): Promise<ReadonlyMap<SiteRef, Counters>> {
    const found = new Map<SiteRef, Counters>();
    const ask = async (ref: SiteRef, cloud: Cloud, server: Server): Promise<void> => {
      const told = await diagnosticsOf(cloud, server, options);
      if (told) found.set(ref, countersOf(told, server, this.#clock.now()));
    };
    const { said } = await askedOf(refs, (some) => this.#servers.some(some, options));
    const all = [...said];
    const running = all.filter(([, { server }]) => server.marks && runs(server));
    await Promise.all(running.map(([ref, { cloud, server }]) => ask(ref, cloud, server)));
    return found;
  }
}

/** What the hypervisor counts of a server, as Nova tells it; nothing where it has stopped, or is gone. */
export async function diagnosticsOf(
  cloud: Cloud,
  { id }: Server,
  options: CallOptions,
): Promise<JsonObject | undefined> {
  try {
    return await cloud.compute.json('GET', `/servers/${id}/diagnostics`, options);
  } catch (error) {
    if (error instanceof IaasError && ['not-found', 'conflict'].includes(error.class)) return undefined;
    throw error;
  }
}

/** Whether a server runs: of others Nova tells nothing. */
export const runs = ({ state, busy }: Server): boolean => state === 'active' && !busy;

function countersOf(told: JsonObject, { cores }: Server, at: number): Counters {
  const cpuNanoseconds = sumOf(told['cpu_details'], ['time']);
  const diskBytes = sumOf(told['disk_details'], ['read_bytes', 'write_bytes']);
  const networkBytes = sumOf(told['nic_details'], ['rx_octets', 'tx_octets']);
  return {
    at,
    cores: typeof told['num_cpus'] === 'number' ? told['num_cpus'] : cores,
    ...(cpuNanoseconds === undefined ? {} : { cpuSeconds: cpuNanoseconds / 1e9 }),
    ...(diskBytes === undefined ? {} : { diskBytes }),
    ...(networkBytes === undefined ? {} : { networkBytes }),
  };
}

/** Nothing where there is something to count, and its hypervisor counts none of it. */
function sumOf(list: JsonValue | undefined, names: readonly string[]): number | undefined {
  const items = itemsOf(list).filter(isJsonObject);
  const counts = items.flatMap((item) => names.map((name) => item[name])).filter((count) => typeof count === 'number');
  return items.length > 0 && counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}
