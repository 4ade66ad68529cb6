/** What there is room for at a site of EC2, by the administrator's word: EC2 tells of no end before it is reached. */

import type { Clock } from '../../../base/clock.js';
import type { CallOptions, ComputeSize, Inventory } from '../../adapter.js';
import { sizeOf, type Images } from './images.js';
import type { Instances } from './instances.js';
import { marksIn } from './marks.js';
import { rangeOf, type Networks } from './networks.js';
import type { Ec2Options } from './options.js';
import type { InstanceTypes } from './sizes.js';
import type { Volumes } from './volumes.js';
import type { Zones } from './zones.js';

export interface RoomServices {
  readonly clock: Clock;
  readonly zones: Zones;
  readonly types: InstanceTypes;
  readonly instances: Instances;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly options: Ec2Options;
}

const GIB = 2 ** 30;

export class Room {
  readonly #services: RoomServices;

  constructor(services: RoomServices) {
    this.#services = services;
  }

  async inventory(call: CallOptions): Promise<Inventory> {
    const { clock, zones, networks: subnets, images: own, volumes, options } = this.#services;
    const { country, capacity, realm } = options;
    const [names, used, networks, images, storageFreeBytes] = await Promise.all([
      zones.all(call),
      this.#used(call),
      subnets.all(call),
      own.mine(call),
      volumes.freeBytes(call),
    ]);
    const memoryBytes = capacity.memoryGib * GIB;
    return {
      takenAt: clock.now(),
      hosts: names.map((zone) => ({
        name: zone,
        rack: zone,
        zone,
        country,
        up: true,
        traits: [],
        cores: capacity.cores,
        freeCores: Math.max(0, capacity.cores - used.cores),
        memoryBytes,
        freeMemoryBytes: Math.max(0, memoryBytes - used.memoryBytes),
      })),
      quotaIsShared: true,
      networks: networks.map((subnet) => ({
        ref: subnet.SubnetId ?? '',
        name: subnet.Tags?.find(({ Key }) => Key === 'Name')?.Value ?? subnet.SubnetId ?? '',
        shared: marksIn(subnet.Tags, realm) === undefined,
        ...(subnet.CidrBlock === undefined ? {} : { cidr: rangeOf(subnet) }),
      })),
      images: images.map((image) => ({
        ref: image.ImageId ?? '',
        name: image.Name ?? '',
        sizeBytes: sizeOf(image),
        format: 'ami',
      })),
      storageFreeBytes,
    };
  }

  /** What the machines of VEP take of its capacity, for as long as they exist. */
  async #used(call: CallOptions): Promise<ComputeSize> {
    const { types, instances } = this.#services;
    const known = await types.all(call);
    let [cores, memoryBytes] = [0, 0];
    for await (const { meaning, instance } of instances.ours(call)) {
      if (!meaning || meaning.state === 'error') continue;
      const size = instances.sizeOf(instance, known);
      cores += size.cores;
      memoryBytes += size.memoryBytes;
    }
    return { cores, memoryBytes };
  }
}
