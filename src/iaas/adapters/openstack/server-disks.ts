/**
 * The disks of a server, as Nova is told of them when it is made. Nova reserves them one by one before it answers, and forgets
 * of those that it has reserved when it refuses the next: with a volume that several servers want at the same time it may be another one's turn.
 */

import type { JsonObject } from '../../../base/json.js';
import { IaasError, type AttachmentSpec, type CallOptions } from '../../adapter.js';
import { isOnItsWay, mustTake, type Attachments } from './attachments.js';
import type { Cloud } from './cloud.js';
import { missing } from './service.js';
import { TurnsByKey } from './turns-by-key.js';
import { isUnderWay, type Reservation, type Volume, type Volumes } from './volumes.js';

type Plugs = readonly Omit<AttachmentSpec, 'compute'>[];

export interface Disks {
  readonly boot: Volume | undefined;
  /** `block_device_mapping_v2` */
  readonly mapping: JsonObject[];
  /** References of volumes that other servers may want. */
  readonly shared: readonly string[];
}

export class ServerDisks {
  readonly #volumes: Volumes;
  readonly #attachments: Attachments;
  readonly #turns = new TurnsByKey();

  constructor(volumes: Volumes, attachments: Attachments) {
    this.#volumes = volumes;
    this.#attachments = attachments;
  }

  /** What a server boots from (an image, or else one of the volumes) and has as further disks, each noted on its volume before. */
  async prepare(
    cloud: Cloud,
    key: string,
    plugs: Plugs,
    image: string | undefined,
    options: CallOptions,
  ): Promise<Disks> {
    const found: Volume[] = [];
    const shared: string[] = [];
    for (const plug of plugs) {
      if (plug.readOnly === true)
        throw new IaasError('unsupported', 'OpenStack attaches volumes for reading and writing alone');
      const { volume } = await this.#volumes.own(plug.storage, options);
      mustTake(volume);
      await this.#attachments.mark(cloud, volume, key, plug.id, plug.id, options);
      found.push(volume);
      if (volume.shared) shared.push(plug.storage);
    }
    const boot = image === undefined ? (found.find(({ bootable }) => bootable) ?? found[0]) : undefined;
    if (boot && !boot.bootable) await this.#volumes.makeBootable(cloud, boot, options);
    const ordered = boot ? [boot, ...found.filter((volume) => volume !== boot)] : found;
    const mapping = ordered.map((volume) => ({
      uuid: volume.id,
      source_type: 'volume',
      destination_type: 'volume',
      boot_index: volume === boot ? 0 : -1,
      delete_on_termination: false,
    }));
    if (image === undefined || mapping.length === 0) return { boot, mapping, shared };
    // Where there is a mapping Nova boots from what stands in it alone.
    const root = { uuid: image, source_type: 'image', destination_type: 'local' };
    return { boot, shared, mapping: [{ ...root, boot_index: 0, delete_on_termination: true }, ...mapping] };
  }

  /**
   * Asks for a server when no other one is being given its shared volumes.
   *
   * @throws IaasError `transient` while one is
   */
  inTurn<T>({ shared }: Disks, options: CallOptions, ask: () => Promise<T>): Promise<T> {
    if (shared.length === 0) return ask();
    return this.#turns.run('shared', async () => {
      for (const storage of shared) mustTake((await this.#volumes.own(storage, options)).volume);
      return ask();
    });
  }

  /** Whether a server was refused because volumes of it are on their way into one; what Nova had reserved before is given back. */
  async areOnTheirWay(cloud: Cloud, plugs: Plugs, error: IaasError, options: CallOptions): Promise<boolean> {
    const volumes: Volume[] = [];
    for (const { storage } of plugs) {
      const found = await this.#volumes.look(storage, options);
      if (found) volumes.push(found.volume);
    }
    const isAnothersTurn = volumes.some((volume) => isOnItsWay(error, volume) && error.said?.includes(volume.id));
    if (isAnothersTurn) await this.#giveBack(cloud, volumes, options);
    return isAnothersTurn || volumes.some(({ status }) => isUnderWay(status));
  }

  /** The server that was refused is known by a volume that is its own: Nova has none of that id. */
  async #giveBack(cloud: Cloud, volumes: readonly Volume[], options: CallOptions): Promise<void> {
    const reserved: (Reservation & { readonly shared: boolean })[] = [];
    for (const volume of volumes.filter(({ status }) => isUnderWay(status)))
      for (const each of await this.#volumes.reservations(cloud, volume, options))
        reserved.push({ ...each, shared: volume.shared });
    const refused = new Set<string>();
    for (const { server } of reserved.filter(({ shared }) => !shared))
      if (!(await cloud.compute.one('GET', `/servers/${server}`, 'server', options).catch(missing)))
        refused.add(server);
    for (const { id, server } of reserved)
      if (refused.has(server)) await cloud.volume.call('DELETE', `/attachments/${id}`, options).catch(missing);
  }
}
