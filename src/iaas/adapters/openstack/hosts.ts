/**
 * What there is room for. An administrator's account sees hypervisors, and Placement tells what each may still be given.
 * An ordinary one sees availability zones, and how much of its quota is left: a zone counts as a host then.
 */

import { stringAt, type JsonObject } from '../../../base/json.js';
import type { CallOptions } from '../../adapter.js';
import type { HostInventory } from '../../host-inventory.js';
import type { Cloud } from './cloud.js';
import { itemsOf, membersOf } from './marks.js';
import type { HostOptions } from './options.js';

const MIB = 2 ** 20;
/** Where a quota knows no limit, in what it counts: as bytes it is still a whole number. */
const NO_LIMIT = 2 ** 32;

export class Hosts {
  readonly #settings: HostOptions;

  constructor(settings: HostOptions) {
    this.#settings = settings;
  }

  list(cloud: Cloud, options: CallOptions): Promise<readonly HostInventory[]> {
    return this.#settings.choose ? this.hypervisors(cloud, options) : this.zones(cloud, options);
  }

  /** Availability zones, each with what the project may still have. */
  async zones(cloud: Cloud, options: CallOptions): Promise<readonly HostInventory[]> {
    const [zones, limits] = await Promise.all([
      cloud.compute.json('GET', '/os-availability-zone', options),
      limitsOf(cloud, options),
    ]);
    const { cores, freeCores, memoryMib, freeMemoryMib } = limits;
    return itemsOf(zones['availabilityZoneInfo']).map((each): HostInventory => {
      const name = stringAt(membersOf(each), 'zoneName') ?? '';
      return {
        ...this.#placeOf(name),
        name,
        rack: name,
        up: membersOf(membersOf(each)['zoneState'])['available'] === true,
        traits: [],
        cores,
        freeCores,
        memoryBytes: memoryMib * MIB,
        freeMemoryBytes: freeMemoryMib * MIB,
      };
    });
  }

  /** Hypervisors with the room that Placement gives out, which is more than they have where an operator overcommits. */
  async hypervisors(cloud: Cloud, options: CallOptions): Promise<readonly HostInventory[]> {
    const [hypervisors, services, candidates] = await Promise.all([
      cloud.compute.list('/os-hypervisors/detail', 'hypervisors', options),
      cloud.compute.json('GET', '/os-services', { ...options, query: { binary: 'nova-compute' } }),
      cloud.placement.json('GET', '/allocation_candidates', {
        ...options,
        query: { resources: 'VCPU:1,MEMORY_MB:1', limit: 1000 },
      }),
    ]);
    const zones = new Map(
      itemsOf(services['services'])
        .map(membersOf)
        .map((service) => [stringAt(service, 'host') ?? '', stringAt(service, 'zone') ?? '']),
    );
    const summaries = membersOf(candidates['provider_summaries']);
    return hypervisors.map((body) => {
      const name = stringAt(membersOf(body['service']), 'host') ?? stringAt(body, 'hypervisor_hostname') ?? '';
      const summary = membersOf(membersOf(summaries[stringAt(body, 'id') ?? ''])['resources']);
      const vcpus = roomOf(summary, 'VCPU', Number(body['vcpus'] ?? 0));
      const memory = roomOf(summary, 'MEMORY_MB', Number(body['memory_mb'] ?? 0));
      return {
        ...this.#placeOf(zones.get(name) ?? ''),
        name,
        rack: name,
        up: stringAt(body, 'state') === 'up' && stringAt(body, 'status') === 'enabled',
        traits: [],
        cores: vcpus.capacity,
        freeCores: vcpus.free,
        memoryBytes: memory.capacity * MIB,
        freeMemoryBytes: memory.free * MIB,
      };
    });
  }

  #placeOf(zone: string): { readonly zone: string; readonly country: string } {
    return { zone, country: this.#settings.zones[zone] ?? this.#settings.country };
  }
}

/** A host that is no candidate for the smallest machine is full. */
function roomOf(
  summary: JsonObject,
  resource: string,
  total: number,
): { readonly capacity: number; readonly free: number } {
  const found = membersOf(summary[resource]);
  const capacity = Number(found['capacity'] ?? total);
  return { capacity, free: Math.max(0, capacity - Number(found['used'] ?? capacity)) };
}

export interface Limits {
  readonly instances: number;
  readonly freeInstances: number;
  readonly cores: number;
  readonly freeCores: number;
  readonly memoryMib: number;
  readonly freeMemoryMib: number;
}

/** What the project may have of Nova, and still may. */
export async function limitsOf(cloud: Cloud, options: CallOptions): Promise<Limits> {
  const absolute = membersOf((await cloud.compute.one('GET', '/limits', 'limits', options))['absolute']);
  const read = (limit: string, used: string): readonly [number, number] => {
    const [most, taken] = [Number(absolute[limit] ?? -1), Number(absolute[used] ?? 0)];
    return most < 0 ? [NO_LIMIT, NO_LIMIT] : [most, Math.max(0, most - taken)];
  };
  const [instances, freeInstances] = read('maxTotalInstances', 'totalInstancesUsed');
  const [cores, freeCores] = read('maxTotalCores', 'totalCoresUsed');
  const [memoryMib, freeMemoryMib] = read('maxTotalRAMSize', 'totalRAMUsed');
  return { instances, freeInstances, cores, freeCores, memoryMib, freeMemoryMib };
}
