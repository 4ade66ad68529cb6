/** Flavors: the sizes that Nova sells. A machine gets the smallest that covers what is asked, or one made for it. */

import { stringAt, type JsonObject } from '../../../base/json.js';
import { IaasError, type CallOptions, type ComputeSize } from '../../adapter.js';
import type { Clock } from '../../../base/clock.js';
import type { Cloud } from './cloud.js';
import type { OpenStackOptions } from './options.js';
import { StackError } from './stack-error.js';

export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly cores: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

export interface Wanted {
  readonly cores: number;
  readonly memoryBytes: number;
  /** GiB that the image needs on the host's disk; 0 for a machine that boots from a volume. */
  readonly diskGib: number;
}

const MIB = 2 ** 20;
/** Operators seldom change flavors. */
const FRESH_MS = 60_000;

export class Flavors {
  readonly #settings: OpenStackOptions['flavors'];
  readonly #clock: Clock;
  readonly #known = new WeakMap<Cloud, { readonly at: number; readonly flavors: readonly Flavor[] }>();

  constructor(settings: OpenStackOptions['flavors'], clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Those that may be used, smallest first. */
  async list(cloud: Cloud, options: CallOptions): Promise<readonly Flavor[]> {
    const known = this.#known.get(cloud);
    if (known && this.#clock.now() - known.at < FRESH_MS) return known.flavors;
    const bodies = await cloud.compute.list('/flavors/detail', 'flavors', options);
    const flavors = bodies
      .filter((body) => body['OS-FLV-DISABLED:disabled'] !== true)
      .map(readFlavor)
      .filter(({ id, name }) => this.#may(id, name))
      .sort((one, other) => one.memoryMib - other.memoryMib || one.cores - other.cores || one.diskGib - other.diskGib);
    this.#known.set(cloud, { at: this.#clock.now(), flavors });
    return flavors;
  }

  /**
   * The smallest that covers a size.
   *
   * @throws IaasError `invalid` where the size is none, `capacity` where no flavor covers it and none may be made
   */
  async choose(cloud: Cloud, wanted: Wanted, options: CallOptions): Promise<Flavor> {
    checkSize(wanted);
    const memoryMib = Math.ceil(wanted.memoryBytes / MIB);
    const fitting = await this.#fitting(cloud, wanted, options);
    const exact = fitting.find((flavor) => flavor.cores === wanted.cores && flavor.memoryMib === memoryMib);
    if (exact) return exact;
    if (this.#settings.create) return this.#make(cloud, wanted, memoryMib, options);
    const [smallest] = fitting;
    if (smallest) return smallest;
    throw new IaasError(
      'capacity',
      `OpenStack has no flavor that may be used and has ${wanted.cores} cores, ${memoryMib} MiB of memory` +
        (wanted.diskGib > 0 ? ` and ${wanted.diskGib} GiB of disk` : ''),
    );
  }

  async #fitting(cloud: Cloud, { cores, memoryBytes, diskGib }: Wanted, options: CallOptions): Promise<Flavor[]> {
    const flavors = await this.list(cloud, options);
    return flavors.filter(
      (flavor) => flavor.cores >= cores && flavor.memoryMib * MIB >= memoryBytes && flavor.diskGib >= diskGib,
    );
  }

  async #make(cloud: Cloud, { cores, diskGib }: Wanted, memoryMib: number, options: CallOptions): Promise<Flavor> {
    const name = `vep-${cores}x${memoryMib}-${diskGib}`;
    const flavor = { name, vcpus: cores, ram: memoryMib, disk: diskGib };
    try {
      return readFlavor(await cloud.compute.one('POST', '/flavors', 'flavor', { ...options, body: { flavor } }));
    } catch (error) {
      if (!(error instanceof StackError) || error.status !== 409) throw error;
      // Somebody else was faster.
      this.#known.delete(cloud);
      const found = (await this.list(cloud, options)).find((each) => each.name === name);
      if (!found) throw error;
      return found;
    } finally {
      this.#known.delete(cloud);
    }
  }

  #may(id: string, name: string): boolean {
    const { names, create } = this.#settings;
    return names.length === 0 || names.includes(id) || names.includes(name) || (create && name.startsWith('vep-'));
  }
}

export function checkSize({ cores, memoryBytes }: ComputeSize): void {
  if (!Number.isInteger(cores) || cores < 1)
    throw new IaasError('invalid', 'a machine has one core or more, and whole ones');
  if (!(memoryBytes > 0)) throw new IaasError('invalid', 'a machine needs memory');
}

function readFlavor(body: JsonObject): Flavor {
  return {
    id: stringAt(body, 'id') ?? '',
    name: stringAt(body, 'name') ?? '',
    cores: Number(body['vcpus'] ?? 0),
    memoryMib: Number(body['ram'] ?? 0),
    diskGib: Number(body['disk'] ?? 0),
  };
}
