/**
 * Volumes: qcow2 disks, empty or with only what differs from an image, and raw files where several machines share one. They are
 * thin, and no more is promised than there is room for. What is inside a volume of a running machine belongs to its QEMU, which does with it what is asked.
 */

import { rename, rm, stat } from 'node:fs/promises';
import { messageOf } from '../../../base/errors.js';
import { IaasError, type CallOptions, type Observed, type StorageSpec, type VolumeAction } from '../../adapter.js';
import type { Clock } from '../../../base/clock.js';
import type { Copies } from './copies.js';
import { isOwn, type Domains, type OwnDomain } from './domains.js';
import { formatOf, type Home, type VolumeRecord } from './home.js';
import type { Images } from './images.js';
import { digestOf, type DiskModel } from './marks.js';
import { mustBeOf } from './networks.js';
import type { Asked } from './program.js';
import type { DiskFile, QemuImg } from './qemu-img.js';
import type { Turns } from './turns.js';
import type { Virsh } from './virsh.js';

export interface VolumeServices {
  readonly home: Home;
  readonly domains: Domains;
  readonly images: Images;
  readonly copies: Copies;
  readonly virsh: Virsh;
  readonly qemuImg: QemuImg;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly realm: string;
}

interface User {
  readonly domain: OwnDomain;
  readonly disk: DiskModel;
}

export class Volumes {
  readonly #services: VolumeServices;

  constructor(services: VolumeServices) {
    this.#services = services;
  }

  get(ref: string): Promise<VolumeRecord | undefined> {
    return this.#services.home.volumes.get(ref);
  }

  all(): Promise<readonly (readonly [ref: string, record: VolumeRecord])[]> {
    return this.#services.home.volumes.all();
  }

  async create(spec: StorageSpec, token: string, options: CallOptions): Promise<string> {
    const { home, images, qemuImg, turns, realm } = this.#services;
    if (!(spec.sizeBytes > 0)) throw new IaasError('invalid', 'a volume has a size');
    if (spec.name === '') throw new IaasError('invalid', 'a volume needs a name');
    const ref = digestOf(realm, 'volume', token);
    await home.prepare();
    return turns.site(options, async () => {
      if (await home.volumes.get(ref)) return ref;
      const image = spec.image === undefined ? undefined : await images.ready(spec.image);
      const sizeBytes = wholeSectors(Math.max(spec.sizeBytes, image?.virtualSizeBytes ?? 0));
      if (sizeBytes > (await this.freeBytes()))
        throw new IaasError('capacity', `there is no room for a volume of ${sizeBytes} bytes beside what is promised`);
      const sharing = spec.shared ? { shared: spec.shared } : {};
      const file = home.disk(ref, sharing);
      // Left behind by somebody who did not come to the record.
      await rm(file, { force: true });
      const { id, name } = spec;
      const record = { realm, id, name, sizeBytes, online: true, ...sharing };
      if (spec.shared && spec.image !== undefined) {
        await home.volumes.add(ref, { ...record, state: 'filling', from: spec.image });
        this.#goOn(ref);
        return ref;
      }
      const base = image && { file: home.image(spec.image ?? ''), format: image.format };
      await (spec.shared
        ? qemuImg.createRaw(file, sizeBytes, undefined, options)
        : qemuImg.create(file, sizeBytes, base, options));
      await home.settle(file, 0o600);
      await home.volumes.add(ref, { ...record, ...(spec.image === undefined ? {} : { image: spec.image }) });
      return ref;
    });
  }

  /** Room that nothing has been promised: free bytes less what thin disks may still grow by. */
  async freeBytes(): Promise<number> {
    const { home } = this.#services;
    let free = await home.freeBytes();
    for (const [ref, volume] of await this.all()) {
      const written = await stat(home.disk(ref, volume)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      );
      free -= Math.max(0, volume.sizeBytes - written);
    }
    return Math.max(0, free);
  }

  /** @throws IaasError `not-found` for none of VEP's, `conflict` for one that is offline, `transient` while it is copied */
  async usable(ref: string): Promise<VolumeRecord> {
    const volume = await this.#own(ref);
    mustRest(volume);
    if (!volume.online) throw new IaasError('conflict', 'the volume is offline');
    return volume;
  }

  async #own(ref: string): Promise<VolumeRecord> {
    const volume = await this.get(ref);
    if (!volume) throw new IaasError('not-found', 'this site has no such volume');
    mustBeOf(volume.realm, this.#services.realm);
    return volume;
  }

  /** The machine that has the volume; of several one that runs, if any does. */
  async user(ref: string, options: CallOptions): Promise<User | undefined> {
    let found: User | undefined;
    for (const domain of (await this.#services.domains.all(options)).values()) {
      if (!isOwn(domain)) continue;
      const disk = domain.model.disks.find(({ volume }) => volume === ref);
      if (disk && !(found?.domain.active ?? false)) found = { domain, disk };
    }
    return found;
  }

  async act(ref: string, action: VolumeAction, options: CallOptions): Promise<void> {
    const { home, turns } = this.#services;
    await turns.site(options, async () => {
      const volume = await this.#own(ref);
      if (action === 'online' || action === 'offline') {
        if (volume.online === (action === 'online')) return;
        if (action === 'offline' && (await this.user(ref, options)))
          throw new IaasError('conflict', 'a machine has the volume: detach it first');
        return home.volumes.put(ref, { ...volume, online: action === 'online' });
      }
      if (action === 'backup' && volume.state === 'backup') return;
      mustRest(volume);
      const user = await this.user(ref, options);
      const running = user?.domain.active === true ? user : undefined;
      if (running) mustBeAlone(volume);
      if (action === 'snapshot')
        return this.#snapshot({ file: home.disk(ref, volume), format: formatOf(volume) }, running, options);
      const { message: _earlier, ...rest } = volume;
      await home.volumes.put(ref, { ...rest, state: 'backup' });
      this.#goOn(ref);
    });
  }

  #goOn(ref: string): void {
    this.#services.copies.begin(ref, (asked) => this.#copy(ref, asked));
  }

  /** Makes the backup, or fills the volume, whichever is wanted, and notes what has come of it. */
  async #copy(ref: string, asked: Asked): Promise<void> {
    const { home, copies } = this.#services;
    const volume = await this.get(ref);
    if (volume?.state !== 'backup' && volume?.state !== 'filling') return;
    const draft = home.volumes.file(ref, 'copy.draft');
    try {
      await rm(draft, { force: true });
      await (volume.state === 'backup' ? this.#backUp(ref, volume, draft, asked) : this.#fill(volume, draft, asked));
      await home.settle(draft, 0o600);
      const whole = volume.state === 'backup' ? home.volumes.file(ref, 'backup.qcow2') : home.disk(ref, volume);
      await this.#copied(ref, asked, () => rename(draft, whole));
    } catch (error) {
      if (copies.closed) return;
      await this.#copied(ref, asked, undefined, messageOf(error));
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** A whole copy beside the volume, which goes with it. */
  async #backUp(ref: string, volume: VolumeRecord, draft: string, asked: Asked): Promise<void> {
    const { home, copies } = this.#services;
    const user = await this.user(ref, asked);
    const running = user?.domain.active === true ? user : undefined;
    const disk = { file: home.disk(ref, volume), format: formatOf(volume) };
    await copies.make(disk, draft, running && { uuid: running.domain.uuid, device: running.disk.device }, asked);
  }

  async #fill({ from = '', sizeBytes }: VolumeRecord, draft: string, asked: Asked): Promise<void> {
    const { home, images, qemuImg } = this.#services;
    const { format } = await images.ready(from);
    await qemuImg.createRaw(draft, sizeBytes, { file: home.image(from), format }, asked);
  }

  /** Puts a volume to rest, if it has not been removed meanwhile. */
  async #copied(ref: string, asked: Asked, keep?: () => Promise<void>, message?: string): Promise<void> {
    const { home, turns } = this.#services;
    await turns.site(asked, async () => {
      const volume = await this.get(ref);
      if (!volume) return;
      await keep?.();
      const { state, from: _from, ...rest } = volume;
      const failed = message === undefined ? {} : { message };
      await home.volumes.put(ref, {
        ...rest,
        ...failed,
        ...(message !== undefined && state === 'filling' ? { state: 'error' } : {}),
      });
    });
  }

  /** A state within the qcow2 file, which `qemu-img snapshot` shows and goes back to. */
  async #snapshot({ file, format }: DiskFile, running: User | undefined, options: CallOptions): Promise<void> {
    const { qemuImg, clock } = this.#services;
    if (format === 'raw')
      throw new IaasError('conflict', 'a volume that machines share keeps no states: make a backup');
    if (running)
      throw new IaasError('conflict', 'the machine that has the volume runs: stop it first, or make a backup');
    await qemuImg.snapshot(file, `vep-${clock.now()}`, options);
  }

  async resize(ref: string, sizeBytes: number, options: CallOptions): Promise<void> {
    const { home, virsh, qemuImg, turns } = this.#services;
    await turns.site(options, async () => {
      const volume = await this.#own(ref);
      const wanted = wholeSectors(sizeBytes);
      if (wanted === volume.sizeBytes) return;
      mustRest(volume);
      if (!(wanted > volume.sizeBytes)) throw new IaasError('invalid', 'a volume does not shrink');
      if (wanted - volume.sizeBytes > (await this.freeBytes()))
        throw new IaasError('capacity', 'there is no room for a volume of that size');
      const user = await this.user(ref, options);
      if (user?.domain.active) mustBeAlone(volume);
      if (user?.domain.active)
        await virsh.do('blockresize', [user.domain.uuid, user.disk.device, `${wanted}b`], options);
      else await qemuImg.resize({ file: home.disk(ref, volume), format: formatOf(volume) }, wanted, options);
      await home.volumes.put(ref, { ...volume, sizeBytes: wanted });
    });
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const { home, turns, realm } = this.#services;
    await turns.site(options, async () => {
      const volume = await this.get(ref);
      if (!volume) return;
      mustBeOf(volume.realm, realm);
      if (await this.user(ref, options)) throw new IaasError('conflict', 'a machine still has the volume');
      await home.volumes.remove(ref, formatOf(volume), 'backup.qcow2', 'copy.draft');
    });
  }

  /** What a volume is; a copy that nobody is at is taken up. */
  observe(ref: string, { realm, id, online, sizeBytes, state, message }: VolumeRecord): Observed {
    const busy = state === 'backup' || state === 'filling';
    if (busy && realm === this.#services.realm) this.#goOn(ref);
    return {
      class: 'storage',
      ref,
      ...(realm === this.#services.realm ? { id } : {}),
      state: state === 'filling' ? 'offline' : (state ?? (online ? 'online' : 'offline')),
      busy,
      sizeBytes,
      ...(message === undefined ? {} : { message }),
    };
  }
}

/** Nothing is changed in what is being copied. */
function mustRest({ state, message = 'nobody knows why' }: VolumeRecord): void {
  if (state === 'error') throw new IaasError('conflict', `the volume could not be filled: ${message}`);
  if (state !== undefined) throw new IaasError('transient', 'the volume is being copied', 'being copied');
}

/** What one QEMU copies or grows, another one knows nothing of. */
function mustBeAlone({ shared }: VolumeRecord): void {
  if (shared) throw new IaasError('conflict', 'machines that share the volume run: stop them first');
}

/** Disks are made of sectors of 512 bytes. */
function wholeSectors(bytes: number): number {
  return Math.ceil(bytes / 512) * 512;
}
