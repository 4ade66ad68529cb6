/**
 * How volumes grow: oned resizes the disks of machines (`one.vm.diskresize`), and no image by itself. Where the datastore
 * keeps the disk in its own place, oned tells the image its new size at once; where the disk lies on the host, when it
 * comes back from there. Until then the volume carries its size as a mark.
 */

import { IaasError, type CallOptions } from '../../adapter.js';
import { asOwner } from './as-owner.js';
import type { Image, ImagePool } from './image-pool.js';
import type { Machine, Plug } from './machine.js';
import type { MachinePool } from './machine-pool.js';
import type { Machines } from './machines.js';
import { OneError } from './one-error.js';
import type { Oned } from './oned.js';
import type { Plugs } from './plugs.js';
import { templateXml } from './template.js';

export interface VolumeGrowthServices {
  readonly oned: Oned;
  readonly images: ImagePool;
  readonly pool: MachinePool;
  readonly machines: Machines;
  readonly plugs: Plugs;
}

const MIB = 2 ** 20;

export class VolumeGrowth {
  readonly #services: VolumeGrowthServices;

  constructor(services: VolumeGrowthServices) {
    this.#services = services;
  }

  /**
   * Resolves when the volume is that large.
   * @throws IaasError `conflict` for a volume that no machine has, `invalid` for one that would shrink
   */
  async grow(ref: string, sizeBytes: number, options: CallOptions): Promise<void> {
    const { oned, images, plugs } = this.#services;
    const volume = await images.own(ref, 'volume', options);
    const mib = Math.ceil(sizeBytes / MIB);
    if (volume.sizeBytes === mib * MIB) return;
    if (volume.sizeBytes > mib * MIB) throw new IaasError('invalid', 'OpenNebula makes no volume smaller');
    const [compute, ...others] = volume.machines;
    if (others.length > 0)
      throw new IaasError(
        'conflict',
        'OpenNebula tells one machine alone that a volume has grown: take it from the others',
      );
    if (compute === undefined)
      throw new IaasError('conflict', 'OpenNebula resizes a volume only while a machine has it: attach it first');
    await plugs.onReady(compute, options, async (machine) => {
      const disk = diskOf(machine, volume);
      if (sizeOf(disk) < mib) {
        await asOwner(oned, machine, options, (call) =>
          oned.id('one.vm.diskresize', [machine.id, disk.number, String(mib)], call),
        ).catch(laterUnlessRefused);
        await this.#grown(compute, volume, mib, options);
      }
    });
    await oned.id('one.image.update', [volume.id, templateXml({ VEP_SIZE: mib * MIB }), 1], options);
  }

  /** Waits for the driver: the disk of a machine has its new size from the beginning, and loses it when that fails. */
  #grown(compute: string, volume: Image, mib: number, options: CallOptions): Promise<true> {
    const { machines, pool } = this.#services;
    return machines.patiently(options, async () => {
      const machine = await pool.own(compute, options);
      if (machine.meaning?.busy) return undefined;
      if (sizeOf(diskOf(machine, volume)) >= mib) return true;
      throw new IaasError('fatal', 'OpenNebula could not resize the disk of the machine', machine.message);
    });
  }
}

function diskOf({ disks }: Machine, { id }: Image): Plug {
  const disk = disks.find(({ vector }) => vector.value('IMAGE_ID') === String(id));
  if (disk) return disk;
  throw new IaasError('conflict', 'the machine no longer has the volume');
}

/** MiB. */
const sizeOf = ({ vector }: Plug): number => vector.number(0, 'SIZE');

/** Somebody else was at the machine: it is on its way. */
function laterUnlessRefused(error: unknown): never {
  if (error instanceof OneError && error.isWrongState)
    throw new IaasError('transient', error.message, error.said, error);
  throw error;
}
