/**
 * The folder of a libvirt site: images, volumes and networks with their records, and for each machine a folder of its own
 * that goes with it. What guests are told lies in files that only the account can read.
 */

import { chmod, mkdir, readFile, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IaasError, type ComputeSpec } from '../../adapter.js';
import type { Account } from './account.js';
import type { DiskFormat } from './qemu-img.js';
import { isMissing, Shelf } from './shelf.js';

export interface NetworkRecord {
  readonly realm: string;
  readonly id: string;
  readonly name: string;
  readonly cidr: string;
  readonly gateway?: string;
}

export interface VolumeRecord {
  readonly realm: string;
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** The image that its disk keeps only the differences from. */
  readonly image?: string;
  readonly online: boolean;
  /** Several machines may have it at a time. */
  readonly shared?: true;
  /** Its backup is being made, or it is being filled, or could not be; absent: it is at rest. */
  readonly state?: 'backup' | 'filling' | 'error';
  /** The image that it is being filled from. */
  readonly from?: string;
  /** Why it could not be copied or filled. */
  readonly message?: string;
}

/** Of a qcow2 each QEMU keeps the structure to itself, of a raw file there is none to keep. */
export function formatOf({ shared }: Pick<VolumeRecord, 'shared'>): DiskFormat {
  return shared ? 'raw' : 'qcow2';
}

export interface ImageRecord {
  readonly realm: string;
  readonly id: string;
  readonly name: string;
  readonly format: DiskFormat;
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
  /** Of the file, where it came with it. */
  readonly sha256?: string;
  readonly state: 'ready' | 'making' | 'error';
  readonly message?: string;
  /** The machine whose boot disk it is being copied from. */
  readonly from?: string;
}

/** A machine that was asked to switch itself off. */
export interface Leaving {
  /** When, in milliseconds since the epoch. */
  readonly since: number;
  /** It is restarted: once it is off, it is started again. */
  readonly again?: true;
  /** It has been off since then. */
  readonly off?: true;
}

/** What a guest is told at its start. */
export interface GuestRecord {
  readonly instanceId: string;
  readonly hostname?: string;
  readonly userData?: string;
  readonly sshKeys?: readonly string[];
  readonly ovfEnvironment?: string;
  readonly environmentFiles?: ComputeSpec['environmentFiles'];
}

export class Home {
  readonly directory: string;
  readonly account: Account;
  readonly networks: Shelf<NetworkRecord>;
  readonly volumes: Shelf<VolumeRecord>;
  readonly images: Shelf<ImageRecord>;
  #prepared: Promise<void> | undefined;

  constructor(directory: string, account: Account) {
    this.directory = directory;
    this.account = account;
    this.networks = new Shelf(join(directory, 'networks'));
    this.volumes = new Shelf(join(directory, 'volumes'));
    this.images = new Shelf(join(directory, 'images'));
  }

  /** Makes the folders that are missing, once. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  async #prepare(): Promise<void> {
    // Records are VEP's, disks the account's, who has to get at them.
    for (const folder of ['', 'networks', 'volumes', 'images', 'machines']) {
      await mkdir(join(this.directory, folder), { recursive: true, mode: 0o711 });
      if (folder === 'volumes' || folder === 'images' || folder === 'machines')
        await this.account.own(join(this.directory, folder));
    }
    await this.account.prepare();
  }

  disk(volume: string, sharing: Pick<VolumeRecord, 'shared'>): string {
    return this.volumes.file(volume, formatOf(sharing));
  }

  image(ref: string): string {
    return this.images.file(ref, 'img');
  }

  machine(uuid: string, file = ''): string {
    return join(this.directory, 'machines', uuid, file);
  }

  /** The folder of a machine, made where it is missing. */
  async makeMachine(uuid: string): Promise<void> {
    await mkdir(this.machine(uuid), { recursive: true, mode: 0o700 });
    await this.account.own(this.machine(uuid));
  }

  async removeMachine(uuid: string): Promise<void> {
    await rm(this.machine(uuid), { recursive: true, force: true });
  }

  /** The machines that have a folder. */
  async machines(): Promise<readonly string[]> {
    return readdir(join(this.directory, 'machines')).catch(orEmpty);
  }

  /** Writes a file of a machine whole, for the account's eyes alone. */
  async write(uuid: string, name: string, content: string | Uint8Array): Promise<string> {
    const path = this.machine(uuid, name);
    await writeFile(`${path}.draft`, content, { mode: 0o600 });
    await this.account.own(`${path}.draft`);
    await rename(`${path}.draft`, path);
    return path;
  }

  async readGuest(uuid: string): Promise<GuestRecord | undefined> {
    const text = await readFile(this.machine(uuid, 'guest.json'), 'utf8').catch(orNothing);
    return text === undefined ? undefined : (JSON.parse(text) as GuestRecord);
  }

  /** Nothing for a machine that was not asked to switch itself off. */
  async leaving(uuid: string): Promise<Leaving | undefined> {
    const text = await readFile(this.machine(uuid, 'leaving.json'), 'utf8').catch(orNothing);
    return text === undefined ? undefined : (JSON.parse(text) as Leaving);
  }

  async noteLeaving(uuid: string, leaving: Leaving | undefined): Promise<void> {
    if (leaving === undefined) await rm(this.machine(uuid, 'leaving.json'), { force: true });
    else await this.write(uuid, 'leaving.json', JSON.stringify(leaving));
  }

  /** A disk that is finished: the account's, readable by QEMU, written by nobody when it is an image. */
  async settle(path: string, mode: number): Promise<void> {
    try {
      await chmod(path, mode);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new IaasError('transient', 'qemu-img says that it made a disk, and there is none', 'no disk');
    }
    await this.account.own(path);
  }

  /** Bytes that are free where the disks are. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory);
    return bavail * bsize;
  }
}

function orEmpty(error: unknown): string[] {
  if (isMissing(error)) return [];
  throw error;
}

function orNothing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
