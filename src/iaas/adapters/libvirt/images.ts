/**
 * Images that VEP brings in, and those it makes of machines: files that nobody writes any more, which disks keep only the
 * differences from. A copy of a machine's disk takes its time: it is made in the background, is seen to be on its way, and
 * is begun anew by whoever finds it unfinished.
 */

import { randomBytes } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { messageOf } from '../../../base/errors.js';
import { IaasError, type CallOptions, type ImageExport, type ImageSpec, type Observed } from '../../adapter.js';
import { requireCapability } from '../../capability.js';
import { writeImageFile } from '../../image-file.js';
import { LIBVIRT_FORMATS } from './capabilities.js';
import type { Copies } from './copies.js';
import { isOwn, type Domain, type Domains } from './domains.js';
import { formatOf, type Home, type ImageRecord } from './home.js';
import { digestOf } from './marks.js';
import { mustBeOf } from './networks.js';
import type { Asked } from './program.js';
import { isMissing } from './shelf.js';
import type { DiskFile, DiskFormat, QemuImg } from './qemu-img.js';
import type { Turns } from './turns.js';

export interface ImageServices {
  readonly home: Home;
  readonly domains: Domains;
  readonly copies: Copies;
  readonly qemuImg: QemuImg;
  readonly turns: Turns;
  readonly realm: string;
}

const SAVE_METHODS = new Set<string | undefined>(['hot', 'deferred', undefined]);
/** How much of an image is read at a time. */
const PIECE_BYTES = 1 << 18;

export class Images {
  readonly #services: ImageServices;

  constructor(services: ImageServices) {
    this.#services = services;
  }

  all(): Promise<readonly (readonly [ref: string, record: ImageRecord])[]> {
    return this.#services.home.images.all();
  }

  /** An image that disks can be made of now. */
  async ready(ref: string): Promise<ImageRecord> {
    const image = await this.#services.home.images.get(ref);
    if (!image) throw new IaasError('not-found', 'this site has no such image');
    if (image.state === 'making') throw new IaasError('transient', 'the image is still being made', 'being made');
    if (image.state === 'error')
      throw new IaasError('conflict', `the image could not be made: ${image.message ?? 'nobody knows why'}`);
    return image;
  }

  async import(spec: ImageSpec, token: string, options: CallOptions): Promise<string> {
    const { home, qemuImg, realm } = this.#services;
    requireCapability(
      { imageFormats: LIBVIRT_FORMATS } as Parameters<typeof requireCapability>[0],
      'image',
      spec.format,
    );
    const format = spec.format as DiskFormat;
    options.signal?.throwIfAborted();
    await home.prepare();
    const ref = digestOf(realm, 'image', token);
    if (await home.images.get(ref)) return ref;
    const draft = home.images.file(ref, `${randomBytes(6).toString('hex')}.draft`);
    try {
      await writeImageFile(draft, spec, { signal: options.signal });
      await home.settle(draft, 0o444);
      const { virtualSizeBytes, backingFile } = await qemuImg.info(draft, format, options);
      if (backingFile !== undefined) throw new IaasError('invalid', 'the image refers to another file');
      await link(draft, home.image(ref)).catch(unlessThere);
      const { id, name, sizeBytes, sha256 } = spec;
      const record = { realm, id, name, format, sizeBytes, virtualSizeBytes, state: 'ready' } as const;
      await home.images.add(ref, { ...record, ...(sha256 === undefined ? {} : { sha256: sha256.toLowerCase() }) });
      return ref;
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** The file itself: it stands for itself, and nobody writes it any more. */
  async export(ref: string): Promise<ImageExport> {
    const { sizeBytes, sha256 } = await this.ready(ref);
    return {
      sizeBytes,
      ...(sha256 === undefined ? {} : { digest: { algorithm: 'sha256', hex: sha256 } }),
      open: async () => {
        const file = await open(this.#services.home.image(ref), 'r').catch((error: unknown) => {
          throw isMissing(error) ? new IaasError('not-found', 'this site has the image no longer') : error;
        });
        return file.createReadStream({ highWaterMark: PIECE_BYTES });
      },
    };
  }

  /** Makes an image of a machine's boot disk. */
  async save(
    uuid: string,
    name: string,
    method: string | undefined,
    token: string,
    options: CallOptions,
  ): Promise<string> {
    if (!SAVE_METHODS.has(method)) throw new IaasError('invalid', 'this site saves hot or deferred');
    const { home, domains, realm } = this.#services;
    const domain = await domains.own(uuid, options);
    const ref = digestOf(realm, 'image', token);
    if (bootDisk(domain, home) === undefined) throw new IaasError('conflict', 'the machine has no disk to save');
    if (domain.meaning.state === 'error') throw new IaasError('conflict', 'a machine in error is not saved');
    await home.images.add(ref, {
      realm,
      id: token,
      name,
      format: 'qcow2',
      sizeBytes: 0,
      virtualSizeBytes: 0,
      state: 'making',
      from: uuid,
    });
    this.#goOn(ref);
    return ref;
  }

  #goOn(ref: string): void {
    this.#services.copies.begin(ref, (asked) => this.#copy(ref, asked));
  }

  async #copy(ref: string, asked: Asked): Promise<void> {
    const { home, domains, copies, qemuImg } = this.#services;
    const image = await home.images.get(ref);
    if (image?.state !== 'making') return;
    const draft = home.images.file(ref, 'copy.draft');
    try {
      const domain = await domains.own(image.from ?? '', asked);
      const disk = bootDisk(domain, home);
      if (!disk) throw new IaasError('conflict', 'the machine has no disk to save');
      await rm(draft, { force: true });
      const running = domain.active ? { uuid: domain.uuid, device: disk.device } : undefined;
      await copies.make(disk, draft, running, asked);
      const { virtualSizeBytes } = await qemuImg.info(draft, 'qcow2', asked);
      const file = await open(draft, 'r');
      const sizeBytes = await file.stat().then(({ size }) => size);
      await file.close();
      await home.settle(draft, 0o444);
      const done = { ...image, sizeBytes, virtualSizeBytes, state: 'ready' } as const;
      await this.#copied(ref, done, asked, async () => {
        await rm(home.image(ref), { force: true });
        await link(draft, home.image(ref));
      });
    } catch (error) {
      if (copies.closed) return;
      await this.#copied(ref, { ...image, state: 'error', message: messageOf(error) }, asked);
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Notes what has come of a copy, if the image has not been removed meanwhile. */
  async #copied(ref: string, image: ImageRecord, asked: Asked, keep?: () => Promise<void>): Promise<void> {
    const { home, turns } = this.#services;
    await turns.site(asked, async () => {
      if (!(await home.images.get(ref))) return;
      await keep?.();
      await home.images.put(ref, image);
    });
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const { home, domains, turns, realm } = this.#services;
    await turns.site(options, async () => {
      const image = await home.images.get(ref);
      if (!image) return;
      mustBeOf(image.realm, realm);
      const machines = [...(await domains.all(options)).values()].filter(isOwn);
      const volumes = await home.volumes.all();
      if (
        machines.some(({ model }) => model.image === ref) ||
        volumes.some(([, { image, from }]) => image === ref || from === ref)
      )
        throw new IaasError('conflict', 'disks still need this image: they keep only what differs from it');
      await home.images.remove(ref, 'img', 'copy.draft');
    });
  }

  /** What an image is; a copy that nobody is at is taken up. */
  observe(ref: string, { realm, id, state, sizeBytes, message }: ImageRecord): Observed {
    if (state === 'making' && realm === this.#services.realm) this.#goOn(ref);
    return {
      class: 'image',
      ref,
      ...(realm === this.#services.realm ? { id } : {}),
      state: state === 'ready' ? 'active' : state === 'making' ? 'inactive' : 'error',
      busy: state === 'making',
      sizeBytes,
      ...(message === undefined ? {} : { message }),
    };
  }
}

interface BootDisk extends DiskFile {
  readonly device: string;
}

/** The first disk of a machine. */
function bootDisk({ uuid, model }: Domain, home: Home): BootDisk | undefined {
  if (model?.image !== undefined) return { device: 'sda', file: home.machine(uuid, 'boot.qcow2'), format: 'qcow2' };
  const [first] = [...(model?.disks ?? [])].sort((one, other) => one.device.localeCompare(other.device));
  return first && { device: first.device, file: home.disk(first.volume, first), format: formatOf(first) };
}

function unlessThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}
