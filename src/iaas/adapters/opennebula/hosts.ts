/** The hosts of OpenNebula with their place and their room, less what VEP has promised and oned does not count yet. */

import type { CallOptions } from '../../adapter.js';
import type { HostInventory } from '../../host-inventory.js';
import type { Branch } from '../../document.js';
import type { MachinePool } from './machine-pool.js';
import type { Machine } from './machine.js';
import type { Oned } from './oned.js';
import { HOST_UP } from './states.js';

export interface Host extends HostInventory {
  readonly id: number;
}

export interface HostSettings {
  /** Names or ids of the clusters that may be used; empty: all. */
  readonly clusters: readonly string[];
  readonly country: string;
}

/** MEMORY of hosts is in KiB, CPU in hundredths of a core. */
const KIB = 1024;

export class Hosts {
  readonly #oned: Oned;
  readonly #settings: HostSettings;
  readonly #machines: MachinePool;

  constructor(oned: Oned, settings: HostSettings, machines: MachinePool) {
    this.#oned = oned;
    this.#settings = settings;
    this.#machines = machines;
  }

  async list(options: CallOptions): Promise<readonly Host[]> {
    const [pool, clusters, machines] = await Promise.all([
      this.#oned.document('one.hostpool.info', [], options),
      this.#oned.document('one.clusterpool.info', [], options),
      this.#machines.undeployed(options),
    ]);
    return pool
      .all('HOST')
      .filter((host) => this.#mayUse(host))
      .map((host) => this.#read(host, clusters, machines));
  }

  /** Clusters with hosts that may be used, by their numbers. */
  async clusters(options: CallOptions): Promise<readonly number[]> {
    const pool = await this.#oned.document('one.hostpool.info', [], options);
    const mine = pool.all('HOST').filter((host) => this.#mayUse(host));
    return [...new Set(mine.map((host) => host.number(-1, 'CLUSTER_ID')))].filter((id) => id >= 0);
  }

  #mayUse(host: Branch): boolean {
    const { clusters } = this.#settings;
    if (clusters.length === 0) return true;
    return [host.value('CLUSTER'), host.value('CLUSTER_ID')].some(
      (each) => each !== undefined && clusters.includes(each),
    );
  }

  #read(host: Branch, clusters: Branch, promised: readonly Machine[]): Host {
    const id = host.number(-1, 'ID');
    const name = host.value('NAME') ?? String(id);
    const clusterName = host.value('CLUSTER') ?? 'none';
    const cluster = clusters.all('CLUSTER').find((each) => each.value('ID') === host.value('CLUSTER_ID'));
    const said = (attribute: string): string | undefined =>
      host.value('TEMPLATE', attribute) ?? cluster?.value('TEMPLATE', attribute);
    const share = (attribute: string): number => host.number(0, 'HOST_SHARE', attribute);
    const mine = promised.filter((machine) => machine.host?.id === id);
    const cores = Math.floor(share('MAX_CPU') / 100);
    const taken = share('CPU_USAGE') / 100 + sum(mine.map((machine) => machine.cores));
    const memoryBytes = share('MAX_MEM') * KIB;
    const takenMemory = share('MEM_USAGE') * KIB + sum(mine.map((machine) => machine.memoryBytes));
    const country = said('COUNTRY');
    return {
      id,
      name,
      rack: said('RACK') ?? name,
      zone: said('ZONE') ?? clusterName,
      country: country !== undefined && /^[A-Z]{2}$/.test(country) ? country : this.#settings.country,
      up: HOST_UP.has(host.number(-1, 'STATE')),
      traits: (said('TRAITS') ?? '').split(/[,\s]+/).filter(Boolean),
      cores,
      freeCores: Math.max(0, Math.floor(cores - taken)),
      memoryBytes,
      freeMemoryBytes: Math.max(0, memoryBytes - takenMemory),
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
