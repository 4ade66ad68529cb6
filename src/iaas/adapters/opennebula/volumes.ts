/** Volumes: persistent data blocks of their users, empty or cloned from an image. How they grow is in `volume-growth.ts`. */

import { IaasError, type CallOptions, type Observed, type StorageSpec, type VolumeAction } from '../../adapter.js';
import { kept, shownName } from '../../kept-text.js';
import { asOwner } from './as-owner.js';
import { SHARED_FORMAT } from './capabilities.js';
import type { Image, ImagePool } from './image-pool.js';
import type { MachinePool } from './machine-pool.js';
import type { Machines } from './machines.js';
import { marksOf, numberOf, uniqueName } from './marks.js';
import { OneError } from './one-error.js';
import type { Oned } from './oned.js';
import { onlyOne } from './only-one.js';
import { templateXml } from './template.js';
import type { Tenants } from './tenants.js';

export interface VolumeServices {
  readonly oned: Oned;
  readonly pool: ImagePool;
  readonly tenants: Tenants;
  readonly machines: Machines;
  readonly machinePool: MachinePool;
  readonly realm: string;
  readonly datastore: (options: CallOptions) => Promise<number>;
  /** Several machines can have a volume at a time. */
  readonly shares: boolean;
  readonly now: () => number;
}

const MIB = 2 ** 20;
/** What makes a persistent image one of several machines (OpenNebula 6.0 and later). */
const SHAREABLE = { PERSISTENT_TYPE: 'SHAREABLE' };

export class Volumes {
  readonly #services: VolumeServices;

  constructor(services: VolumeServices) {
    this.#services = services;
  }

  look(ref: string, options: CallOptions): Promise<Image | undefined> {
    return this.#services.pool.look(ref, options);
  }

  async create(spec: StorageSpec, token: string, options: CallOptions): Promise<string> {
    if (!(spec.sizeBytes > 0)) throw new IaasError('invalid', 'a volume has a size');
    if (spec.name === '') throw new IaasError('invalid', 'a volume needs a name');
    const { pool, tenants, shares } = this.#services;
    if (spec.shared && !shares)
      throw new IaasError('unsupported', 'this site gives a volume to one machine at a time (volumes.shared)');
    const earlier = await pool.named(token, options);
    if (earlier?.marks) return String(earlier.id);
    const id = await tenants.acting(spec.owner, options, async (owner) => {
      const call = { ...options, as: owner.as };
      if (spec.image === undefined) return this.#allocate(spec, token, call);
      await tenants.mayUseImage(owner, spec.image, options);
      return this.#clone(spec, spec.image, token, earlier, call);
    });
    return String(id);
  }

  async #allocate(spec: StorageSpec, token: string, options: CallOptions): Promise<number> {
    const { oned, realm, datastore } = this.#services;
    const template = templateXml({
      NAME: uniqueName(realm, token),
      TYPE: 'DATABLOCK',
      SIZE: Math.ceil(spec.sizeBytes / MIB),
      FORMAT: 'raw',
      PERSISTENT: 'YES',
      ...(spec.shared ? SHAREABLE : {}),
      DESCRIPTION: shownName(spec.name),
      ...this.#marks(spec, token),
    });
    const work = async (): Promise<number> =>
      oned.id('one.image.allocate', [template, await datastore(options), false], options);
    return this.#once(token, options, work);
  }

  /** A clone has the marks of its image at first: it gets its own when it is there, and until then is found by name. */
  async #clone(
    spec: StorageSpec,
    image: string,
    token: string,
    earlier: Image | undefined,
    options: CallOptions,
  ): Promise<number> {
    const { oned, realm } = this.#services;
    const source = numberOf(image);
    if (source === undefined) throw new IaasError('not-found', 'OpenNebula has no such image');
    if (spec.shared) await this.#mustBeSharable(image, options);
    const work = (): Promise<number> => oned.id('one.image.clone', [source, uniqueName(realm, token), -1], options);
    const id = earlier?.id ?? (await this.#once(token, options, work));
    await oned.id('one.image.persistent', [id, true], options).catch((error: unknown) => {
      // While it is copied it cannot be made persistent; a volume that is not is a copy for each machine.
      if (error instanceof OneError && error.class === 'conflict')
        throw new IaasError('transient', 'the volume is still being copied', error.said, error);
      throw error;
    });
    const more = { VEP_SIZE: '', DESCRIPTION: shownName(spec.name), ...(spec.shared ? SHAREABLE : {}) };
    await oned.id('one.image.update', [id, templateXml({ ...this.#marks(spec, token), ...more }), 1], options);
    return id;
  }

  async #mustBeSharable(image: string, options: CallOptions): Promise<void> {
    const format = (await this.look(image, options))?.format ?? SHARED_FORMAT;
    if (format !== SHARED_FORMAT)
      throw new IaasError('unsupported', `OpenNebula shares no disk made from an image in ${format}: bring it as raw`);
  }

  #once(token: string, options: CallOptions, make: () => Promise<number>): Promise<number> {
    return onlyOne(make, async () => (await this.#services.pool.named(token, options))?.id);
  }

  #marks(spec: StorageSpec, token: string): Record<string, string> {
    const marks = marksOf(this.#services.realm, spec, token) as Record<string, string>;
    return { ...marks, VEP_PURPOSE: 'volume', VEP_NAME: kept(spec.name) };
  }

  /** @throws IaasError `conflict` for a volume that this machine has, that is another one's alone, or that is not online */
  async mustBeFree(ref: string, compute: string, options: CallOptions): Promise<void> {
    const volume = await this.look(ref, options);
    if (!volume) throw new IaasError('not-found', 'OpenNebula has no such volume');
    // oned itself would plug a shared one in twice.
    if (volume.machines.includes(compute)) throw new IaasError('conflict', 'the machine has this volume already');
    if (volume.runningMachines > 0 && !volume.shared)
      throw new IaasError('conflict', 'the volume is plugged into another machine');
    if (volume.meaning.busy) throw new IaasError('transient', 'the volume is still being made', volume.meaning.name);
    if (volume.meaning.state !== 'ready') throw new IaasError('conflict', `the volume is ${volume.meaning.name}`);
  }

  async act(ref: string, action: VolumeAction, options: CallOptions): Promise<void> {
    const { oned, pool, realm, now } = this.#services;
    const volume = await pool.own(ref, 'volume', options);
    if (volume.meaning.busy) throw new IaasError('transient', 'the volume is on its way', volume.meaning.name);
    if (action === 'backup' || action === 'snapshot') {
      const name = `${realm}-${action}-of-${volume.id}-${now()}`;
      const [machine] = volume.machines;
      // A copy of the whole, which the user finds beside the volume.
      if (machine === undefined)
        await asOwner(oned, volume, options, (call) => oned.id('one.image.clone', [volume.id, name, -1], call));
      else await this.#saveFrom(machine, volume, name, options);
      return;
    }
    const online = volume.meaning.state !== 'disabled';
    if (online === (action === 'online')) return;
    await asOwner(oned, volume, options, (call) => oned.id('one.image.enable', [volume.id, action === 'online'], call));
  }

  /** The copy of a volume that a machine has: oned clones none of those, but saves the disks of machines. */
  async #saveFrom(ref: string, volume: Image, name: string, options: CallOptions): Promise<void> {
    const { oned, machines, machinePool } = this.#services;
    const machine = await machinePool.look(ref, options);
    const disk = machine?.disks.find(({ vector }) => vector.value('IMAGE_ID') === String(volume.id));
    if (!machine || !disk || disk.busy || machine.meaning?.busy === true)
      throw new IaasError(
        'transient',
        'the machine that has the volume is on its way',
        machine?.meaning?.name ?? 'gone',
      );
    await machines.atRest(machine, options, (call) =>
      oned.id('one.vm.disksaveas', [machine.id, disk.number, name, '', -1], call),
    );
  }

  observe(volume: Image): Extract<Observed, { readonly class: 'storage' }> {
    const { meaning, marks, sizeBytes, message, name } = volume;
    return {
      class: 'storage',
      ref: String(volume.id),
      name,
      ...(marks === undefined ? {} : { id: marks.id }),
      state: meaning.state === 'ready' ? 'online' : meaning.state === 'error' ? 'error' : 'offline',
      busy: meaning.busy === true,
      sizeBytes,
      ...(meaning.state === 'error' ? { message: message ?? meaning.name } : {}),
    };
  }
}
