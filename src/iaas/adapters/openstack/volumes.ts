/** Volumes of Cinder: empty or made from an image, as large as asked for in whole GiB. */

import { stringAt, type JsonObject } from '../../../base/json.js';
import { IaasError, type CallOptions, type Observed, type StorageSpec, type VolumeAction } from '../../adapter.js';
import { requireCapability } from '../../capability.js';
import type { Clock } from '../../../base/clock.js';
import type { Capabilities } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import type { Images } from './images.js';
import {
  describing,
  describingMarked,
  digestOf,
  elder,
  isDigest,
  itemsOf,
  keyIn,
  membersOf,
  namedMarks,
  ofKey,
  readRef,
  uniqueName,
  writeRef,
  type Marks,
  type Ref,
} from './marks.js';
import type { OpenStackOptions } from './options.js';
import { missing } from './service.js';
import { VOLUME } from './states.js';
import type { Tenants } from './tenants.js';
import { TurnsByKey } from './turns-by-key.js';
import { readPlugs, type Plugs } from './volume-plugs.js';
import { volumeTypes } from './volume-types.js';

const GIB = 2 ** 30;
/** A snapshot that was asked for again within this time is the same one, in milliseconds. */
const SAME_MS = 30_000;

export interface Volume {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly status: string;
  readonly sizeGib: number;
  readonly marks: Marks | undefined;
  readonly bootable: boolean;
  /** Memory that the image wants which it was made from. */
  readonly minMemoryMib: number;
  /** Several servers may have it at a time. */
  readonly shared: boolean;
  /** Servers it is attached to, and as what. */
  readonly holders: readonly { readonly server: string; readonly device: string }[];
  readonly plugs: Plugs;
}

/** An attachment that is on its way: its id, and the server's. */
export interface Reservation {
  readonly id: string;
  readonly server: string;
}

export interface VolumeServices {
  readonly tenants: Tenants;
  readonly images: Images;
  readonly realm: string;
  readonly clock: Clock;
  readonly settings: OpenStackOptions['volumes'];
  readonly capabilities: Capabilities;
}

export class Volumes {
  readonly #services: VolumeServices;
  readonly #turns = new TurnsByKey();

  constructor(services: VolumeServices) {
    this.#services = services;
  }

  async create(spec: StorageSpec, token: string, options: CallOptions): Promise<string> {
    if (!(spec.sizeBytes > 0)) throw new IaasError('invalid', 'a volume has a size');
    if (spec.name === '') throw new IaasError('invalid', 'a volume needs a name');
    const { tenants, realm, images, settings } = this.#services;
    const key = digestOf(realm, token);
    const description = describingMarked(realm, { id: spec.id, key }, spec.name);
    const cloud = await tenants.of(spec.owner, options);
    return this.#turns.run(key, async () => {
      const ref = writeRef(await cloud.project(options), key);
      if ((await this.#ofKey(cloud, key, options)).length > 0) return ref;
      const image = spec.image === undefined ? undefined : await images.usable(spec.image, cloud, options);
      const sizeGib = Math.ceil(spec.sizeBytes / GIB);
      const type = spec.shared ? await this.#sharedType(cloud, options) : settings.type;
      const volume = {
        name: uniqueName(realm, key),
        description,
        size: Math.max(sizeGib, image?.minDiskGib ?? 0),
        ...(image === undefined ? {} : { imageRef: image.id }),
        ...(type === undefined ? {} : { volume_type: type }),
      };
      await cloud.volume.one('POST', '/volumes', 'volume', { ...options, body: { volume }, expect: [202] });
      const [, surplus] = elder(await this.#ofKey(cloud, key, options));
      for (const other of surplus) await this.#delete(cloud, other, options);
      return ref;
    });
  }

  /**
   * Type of volumes that several servers may have at a time.
   *
   * @throws IaasError `unsupported` where Cinder says that it is none
   */
  async #sharedType(cloud: Cloud, options: CallOptions): Promise<string> {
    const { sharedType } = this.#services.settings;
    if (sharedType === undefined)
      throw new IaasError(
        'unsupported',
        'no volume type is named for volumes of several machines (volumes.sharedType)',
      );
    const found = (await volumeTypes(cloud, options)).find(({ name }) => name === sharedType);
    if (found?.shares === false)
      throw new IaasError('unsupported', `Cinder attaches volumes of the type ${sharedType} to one machine at a time`);
    return sharedType;
  }

  /** The volume that a reference means. */
  async look(
    ref: string,
    options: CallOptions,
  ): Promise<{ readonly cloud: Cloud; readonly volume: Volume } | undefined> {
    const read = readRef(ref);
    const cloud = read && (await this.#services.tenants.cloud(read.project, options));
    const volume = read && cloud && (await this.#lookIn(cloud, read, options));
    return cloud && volume && { cloud, volume };
  }

  /** @throws IaasError `not-found`, or `denied` for one of somebody else */
  async own(ref: string, options: CallOptions): Promise<{ readonly cloud: Cloud; readonly volume: Volume }> {
    const found = await this.look(ref, options);
    if (!found) throw new IaasError('not-found', 'OpenStack has no such volume');
    if (!found.volume.marks) throw new IaasError('denied', 'this volume was not made by VEP, which leaves it alone');
    return found;
  }

  async #lookIn(cloud: Cloud, { key }: Ref, options: CallOptions): Promise<Volume | undefined> {
    if (isDigest(key)) return elder(await this.#ofKey(cloud, key, options))[0];
    const body = await cloud.volume.one('GET', `/volumes/${key}`, 'volume', options).catch(missing);
    return body && this.read(body);
  }

  async #ofKey(cloud: Cloud, key: string, options: CallOptions): Promise<readonly Volume[]> {
    const found = await ofKey(this.#services.realm, key, (query) =>
      cloud.volume.list('/volumes/detail', 'volumes', { ...options, query }),
    );
    return found.map((body) => this.read(body));
  }

  /** All volumes of a project that VEP made. */
  async all(cloud: Cloud, options: CallOptions): Promise<readonly Volume[]> {
    const found = await cloud.volume.list('/volumes/detail', 'volumes', options);
    return found.map((body) => this.read(body)).filter((volume) => volume.marks !== undefined);
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const read = readRef(ref);
    const found = await this.look(ref, options);
    if (!read || !found) return;
    if (!found.volume.marks) throw new IaasError('denied', 'this volume was not made by VEP, which leaves it alone');
    for (const volume of await this.#ofKey(found.cloud, read.key, options))
      await this.#delete(found.cloud, volume, options);
  }

  /** Removes a volume with the snapshots that VEP made of it; those of others keep it. */
  async #delete(cloud: Cloud, { id, status }: Volume, options: CallOptions): Promise<void> {
    if (status === 'deleting') return;
    const snapshots = await this.#snapshots(cloud, id, options);
    const foreign = snapshots.filter((each) => keyIn(this.#services.realm, stringAt(each, 'name') ?? '') === undefined);
    if (foreign.length > 0)
      throw new IaasError('conflict', 'the volume has snapshots: a saved machine, or somebody else, needs it');
    const query = snapshots.length > 0 ? { cascade: 'true' } : {};
    await cloud.volume.call('DELETE', `/volumes/${id}`, { ...options, query, expect: [202] }).catch(missing);
  }

  async #snapshots(cloud: Cloud, volume: string, options: CallOptions): Promise<readonly JsonObject[]> {
    const all = await cloud.volume.list('/snapshots/detail', 'snapshots', { ...options, query: { volume_id: volume } });
    return all.filter((each) => stringAt(each, 'volume_id') === volume);
  }

  async act(ref: string, action: VolumeAction, options: CallOptions): Promise<void> {
    requireCapability(this.#services.capabilities, 'storage', action);
    const { cloud, volume } = await this.own(ref, options);
    if (action !== 'snapshot') return;
    const now = this.#services.clock.now();
    const recent = (await this.#snapshots(cloud, volume.id, options)).some((each) => {
      const age = now - Date.parse(`${stringAt(each, 'created_at')}Z`);
      return keyIn(this.#services.realm, stringAt(each, 'name') ?? '') !== undefined && age < SAME_MS;
    });
    if (recent) return;
    const name = uniqueName(this.#services.realm, digestOf(this.#services.realm, `${volume.id} ${now}`));
    const snapshot = {
      volume_id: volume.id,
      name,
      description: describing(volume.marks?.id ?? '', {}, ''),
      force: true,
    };
    await cloud.volume.one('POST', '/snapshots', 'snapshot', { ...options, body: { snapshot }, expect: [202] });
  }

  async resize(ref: string, sizeBytes: number, options: CallOptions): Promise<void> {
    const { cloud, volume } = await this.own(ref, options);
    const sizeGib = Math.ceil(sizeBytes / GIB);
    if (sizeGib === volume.sizeGib) return;
    if (!(sizeGib > volume.sizeGib)) throw new IaasError('invalid', 'Cinder makes volumes larger, never smaller');
    if (VOLUME[volume.status]?.busy) throw new IaasError('transient', 'the volume is on its way', volume.status);
    const ask = { ...options, body: { 'os-extend': { new_size: sizeGib } }, expect: [202] };
    await cloud.volume.call('POST', `/volumes/${volume.id}/action`, ask);
  }

  /** Lets a machine boot from a volume that holds nothing Cinder knows to be bootable. */
  async makeBootable(cloud: Cloud, volume: Volume, options: CallOptions): Promise<void> {
    const ask = { ...options, body: { 'os-set_bootable': { bootable: true } }, expect: [200] };
    await cloud.volume.call('POST', `/volumes/${volume.id}/action`, ask);
  }

  /** Writes into what a volume carries of VEP. */
  async note(
    cloud: Cloud,
    volume: Volume,
    metadata: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<void> {
    await cloud.volume.call('POST', `/volumes/${volume.id}/metadata`, { ...options, body: { metadata } });
  }

  /** Takes notes off a volume. */
  async forget(cloud: Cloud, volume: Volume, names: readonly string[], options: CallOptions): Promise<void> {
    for (const name of names)
      await cloud.volume.call('DELETE', `/volumes/${volume.id}/metadata/${name}`, options).catch(missing);
  }

  /** Servers that a volume of several is on its way into. */
  async awaiting(cloud: Cloud, volume: Volume, options: CallOptions): Promise<readonly string[]> {
    if (!volume.shared || !isUnderWay(volume.status)) return [];
    return (await this.reservations(cloud, volume, options)).map(({ server }) => server);
  }

  /** Attachments that a volume does not show yet. */
  async reservations(cloud: Cloud, { id, holders }: Volume, options: CallOptions): Promise<readonly Reservation[]> {
    const found = await cloud.volume.list('/attachments', 'attachments', { ...options, query: { volume_id: id } });
    return found
      .map((each) => ({ id: stringAt(each, 'id') ?? '', server: stringAt(each, 'instance') ?? '' }))
      .filter(({ server }) => !holders.some((holder) => holder.server === server));
  }

  /** Bytes that the project may still have; without a limit as many as can be counted. */
  async freeBytes(cloud: Cloud, options: CallOptions): Promise<number> {
    const absolute = membersOf((await cloud.volume.one('GET', '/limits', 'limits', options))['absolute']);
    const [limit, used] = [
      Number(absolute['maxTotalVolumeGigabytes'] ?? -1),
      Number(absolute['totalGigabytesUsed'] ?? 0),
    ];
    return limit < 0 ? Number.MAX_SAFE_INTEGER : Math.max(0, limit - used) * GIB;
  }

  read(body: JsonObject): Volume {
    const shared = body['multiattach'] === true;
    return {
      id: stringAt(body, 'id') ?? '',
      name: stringAt(body, 'name') ?? '',
      created: stringAt(body, 'created_at') ?? '',
      status: stringAt(body, 'status') ?? '',
      sizeGib: Number(body['size'] ?? 0),
      marks: namedMarks(this.#services.realm, body),
      bootable: stringAt(body, 'bootable') === 'true',
      minMemoryMib: Number(membersOf(body['volume_image_metadata'])['min_ram'] ?? 0),
      shared,
      holders: itemsOf(body['attachments']).map((each) => {
        const attachment = membersOf(each);
        return { server: stringAt(attachment, 'server_id') ?? '', device: stringAt(attachment, 'device') ?? '' };
      }),
      plugs: readPlugs(membersOf(body['metadata']), shared),
    };
  }
}

/** Whether a volume is on its way into a server: Cinder names the server only when it is there. */
export const isUnderWay = (status: string): boolean => status === 'reserved' || status === 'attaching';

/** A volume in OCCI's words. */
export function observeVolume(project: string, volume: Volume): Extract<Observed, { readonly class: 'storage' }> {
  const { marks, status, sizeGib, name } = volume;
  const known = VOLUME[status];
  const base = {
    class: 'storage' as const,
    ref: writeRef(project, marks?.key ?? volume.id),
    name,
    ...(marks === undefined ? {} : { id: marks.id }),
    sizeBytes: sizeGib * GIB,
    busy: known?.busy === true,
  };
  // `error`, `error_deleting`, `error_extending` and what newer versions may say.
  return known ? { ...base, state: known.state } : { ...base, state: 'error', message: `Cinder says: ${status}` };
}
