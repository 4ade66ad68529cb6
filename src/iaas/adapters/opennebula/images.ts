/**
 * Images that VEP brings in: it has fetched and verified them, writes the bytes where oned gets them, and registers them
 * under a name that is the token's, so that a second try finds the first. They belong to the site's account; a group
 * may use one when a machine of its own boots from it.
 */

import { IaasError, type CallOptions, type ImageSpec, type Observed } from '../../adapter.js';
import { kept, shownName } from '../../kept-text.js';
import { requireCapability } from '../../capability.js';
import type { Clock } from '../../../base/clock.js';
import { asOwner } from './as-owner.js';
import { OPENNEBULA_FORMATS } from './capabilities.js';
import type { Handover } from './handover.js';
import type { Image, ImagePool } from './image-pool.js';
import { isRunning, type Machine } from './machine.js';
import type { MachinePool } from './machine-pool.js';
import type { Machines } from './machines.js';
import { marksOf, uniqueName } from './marks.js';
import { OneError } from './one-error.js';
import type { Oned } from './oned.js';
import { onlyOne } from './only-one.js';
import { VM } from './states.js';
import { templateXml } from './template.js';

export interface ImageServices {
  readonly oned: Oned;
  readonly pool: ImagePool;
  readonly machinePool: MachinePool;
  readonly machines: Machines;
  readonly handover: Handover;
  readonly clock: Clock;
  readonly realm: string;
  readonly pollMs: number;
  /** Id of the datastore that images go to. */
  readonly datastore: (options: CallOptions) => Promise<number>;
}

/** How long bytes may lie ready before oned is told of them. */
const HANDED_MS = 3_600_000;

const SAVE_METHODS = new Set<string | undefined>(['hot', 'deferred', undefined]);

export class Images {
  readonly #services: ImageServices;

  constructor(services: ImageServices) {
    this.#services = services;
  }

  async import(spec: ImageSpec, token: string, options: CallOptions): Promise<string> {
    requireCapability(
      { imageFormats: OPENNEBULA_FORMATS } as Parameters<typeof requireCapability>[0],
      'image',
      spec.format,
    );
    const { pool, oned, handover, datastore } = this.#services;
    const earlier = await pool.named(token, options);
    if (earlier) {
      if (earlier.meaning.busy) await handover.serve();
      const image = await this.#arrived(earlier.id, options);
      if (image.meaning.state !== 'error') return String(image.id);
      // It is in the way of the next, and says nothing against the bytes: they may have been gone when oned came to read them.
      await oned.id('one.image.delete', [image.id, false], options);
    }
    const at = await datastore(options);
    const path = await handover.take(spec, options.signal);
    const id = await this.#register(spec, token, path, at, options).catch(async (error: unknown) => {
      // oned reads nothing where it has refused; where its answer was lost it may.
      if (error instanceof OneError) await handover.release(path);
      throw unread(error instanceof OneError ? error.said : undefined, handover) ?? error;
    });
    const image = await this.#arrived(id, options);
    await handover.release(path);
    if (image.meaning.state !== 'error') return String(image.id);
    const said = image.message;
    throw (
      unread(said, handover) ??
      new IaasError('invalid', `OpenNebula could not take the image: ${said ?? image.meaning.name}`, said)
    );
  }

  async #register(spec: ImageSpec, token: string, path: string, at: number, options: CallOptions): Promise<number> {
    const { realm, pool, oned } = this.#services;
    const template = templateXml({
      NAME: uniqueName(realm, token),
      TYPE: 'OS',
      PATH: path,
      FORMAT: spec.format,
      DRIVER: spec.format,
      PERSISTENT: 'NO',
      DESCRIPTION: shownName(spec.name),
      ...marksOf(realm, spec, token),
      VEP_PURPOSE: 'image',
      VEP_SIZE: spec.sizeBytes,
      VEP_NAME: kept(spec.name),
    });
    return onlyOne(
      () => oned.id('one.image.allocate', [template, at, false], options),
      async () => (await pool.named(token, options))?.id,
    );
  }

  /** Waits until oned has copied the bytes, or could not: only then may they go, and this lets them. */
  async #arrived(id: number, options: CallOptions): Promise<Image> {
    const { pool, clock, pollMs, handover } = this.#services;
    for (;;) {
      const image = await pool.look(String(id), options);
      if (!image) throw new IaasError('transient', 'the image is gone again', 'gone');
      if (!image.meaning.busy) {
        await handover.release(image.path);
        return image;
      }
      await clock.sleep(pollMs, options.signal);
    }
  }

  /** Takes away bytes that calls which were cut off have left, and no image is being made of. Answers how many files are still there. */
  sweep(options: CallOptions): Promise<number> {
    const { pool, clock, handover } = this.#services;
    return handover.sweep(clock.now() - HANDED_MS, async () =>
      (await pool.all(options)).filter(({ meaning }) => meaning.busy).map(({ path }) => path),
    );
  }

  /** Makes an image of a machine's boot disk: its first. */
  async save(
    ref: string,
    name: string,
    method: string | undefined,
    token: string,
    options: CallOptions,
  ): Promise<string> {
    const { pool, machinePool, oned, realm } = this.#services;
    if (!SAVE_METHODS.has(method)) throw new IaasError('invalid', 'OpenNebula saves hot or deferred');
    const machine = await machinePool.own(ref, options);
    const known = await pool.named(token, options);
    if (!known && !isRunning(machine) && machine.meaning?.busy === true)
      throw new IaasError('transient', 'the machine is on its way to another state', machine.meaning.name);
    const id = known?.id ?? (await this.#saveAs(ref, token, options));
    const marks = {
      ...marksOf(realm, { id: token }, token),
      VEP_PURPOSE: 'image',
      VEP_NAME: kept(name),
      DESCRIPTION: shownName(name),
    };
    if (!known?.marks)
      await asOwner(oned, machine, options, (call) => oned.id('one.image.update', [id, templateXml(marks), 1], call));
    return String(id);
  }

  async #saveAs(ref: string, token: string, options: CallOptions): Promise<number> {
    const { pool, machines, machinePool, oned, realm } = this.#services;
    const machine = await machinePool.own(ref, options);
    const [boot] = [...machine.disks].sort((one, other) => one.number - other.number);
    if (!boot) throw new IaasError('conflict', 'the machine has no disk to save');
    try {
      return await asOwner(oned, machine, options, (call) =>
        oned.id('one.vm.disksaveas', [machine.id, boot.number, uniqueName(realm, token), '', -1], call),
      );
    } catch (error) {
      // Saved meanwhile by somebody with the same token, whose work may still be under way.
      const find = async (): Promise<number | undefined> => (await pool.named(token, options))?.id;
      const made = error instanceof OneError ? await find() : undefined;
      if (made !== undefined) return made;
      // Of whoever is about to save it there is the machine's state first, and the image a moment later.
      if (error instanceof OneError && error.isWrongState && (machine.meaning?.busy === true || isSavable(machine)))
        return machines.patiently(options, find);
      throw error;
    }
  }

  observe(image: Image): Extract<Observed, { readonly class: 'image' }> {
    const { meaning, marks, sizeBytes, message } = image;
    return {
      class: 'image',
      ref: String(image.id),
      ...(marks === undefined ? {} : { id: marks.id }),
      state: meaning.state === 'ready' ? 'active' : meaning.state === 'error' ? 'error' : 'inactive',
      busy: meaning.busy === true,
      sizeBytes,
      ...(meaning.state === 'error' ? { message: message ?? meaning.name } : {}),
    };
  }
}

/** What oned says of bytes that it could not get, or may not read: nothing against the image. */
const UNREAD = /failed to get image head|not allowed to copy image/i;

function unread(said: string | undefined, { keys }: Handover): IaasError | undefined {
  if (said === undefined || !UNREAD.test(said)) return undefined;
  return new IaasError('transient', `OpenNebula does not get the bytes of the image: see to ${keys}`, said);
}

/** Seen so, and refused for its state all the same: somebody else was just about to save it. */
function isSavable(machine: Machine): boolean {
  return isRunning(machine) || machine.state === VM.poweroff || machine.state === VM.suspended;
}
