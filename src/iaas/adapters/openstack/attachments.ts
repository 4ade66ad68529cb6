/**
 * Volumes in servers. Nova keeps no token of an attachment, so the volume carries it, see volume-plugs.ts. A volume is in one
 * server at a time, or in several where its type lets it be. Then Cinder still brings it into one after the other, and out again.
 * The volume that a server boots from leaves only with the server; what lets go of it before counts as gone at once.
 */

import { IaasError, type AttachmentSpec, type CallOptions, type Observed } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import { digestOf, readRef, writeRef } from './marks.js';
import type { Server } from './server.js';
import { missing } from './service.js';
import type { Servers } from './servers.js';
import { StackError } from './stack-error.js';
import { VOLUME } from './states.js';
import { TurnsByKey } from './turns-by-key.js';
import { namesOf, writePlug, type Plug } from './volume-plugs.js';
import { isUnderWay, type Volume, type Volumes } from './volumes.js';

export type ObservedAttachment = Extract<Observed, { readonly class: 'attachment' }>;

/** A volume with the servers that it is on its way into. */
export interface Awaited {
  readonly volume: Volume;
  readonly awaiting: readonly string[];
}

export class Attachments {
  readonly #servers: Servers;
  readonly #volumes: Volumes;
  readonly #realm: string;
  readonly #turns = new TurnsByKey();

  constructor(servers: Servers, volumes: Volumes, realm: string) {
    this.#servers = servers;
    this.#volumes = volumes;
    this.#realm = realm;
  }

  async attach(spec: AttachmentSpec, token: string, options: CallOptions): Promise<string> {
    if (spec.readOnly === true)
      throw new IaasError('unsupported', 'OpenStack attaches volumes for reading and writing alone');
    const plug = digestOf(this.#realm, token);
    // One at a time on each volume: its metadata says by which token it is attached.
    return this.#turns.run(spec.storage, async () => {
      const { cloud, server } = await this.#servers.own(spec.compute, options);
      const { volume } = await this.#volumes.own(spec.storage, options);
      const ref = writeRef(await cloud.project(options), volume.marks?.key ?? '', plug);
      if (await this.#isIn(cloud, volume, server, plug, options)) return ref;
      mustTake(volume, server);
      if (server.busy) throw new IaasError('transient', `the machine is on its way (${server.task})`, server.task);
      await this.mark(cloud, volume, keyOf(server), spec.id, token, options);
      const body = { volumeAttachment: { volumeId: volume.id } };
      const path = `/servers/${server.id}/os-volume_attachments`;
      await cloud.compute.json('POST', path, { ...options, body }).catch(async (error: unknown) => {
        if (!(error instanceof StackError)) throw error;
        // Somebody with the same token was faster.
        const now = await this.#volumes.look(spec.storage, options);
        if (!now || !(await this.#isIn(cloud, now.volume, server, plug, options)))
          throw (error.isWrongState && /task_state/.test(error.said ?? '')) || isOnItsWay(error, volume)
            ? later(error)
            : error;
      });
      return ref;
    });
  }

  /** Whether a volume is in a server, or on its way there, by this token. */
  async #isIn(cloud: Cloud, volume: Volume, server: Server, plug: string, options: CallOptions): Promise<boolean> {
    if (plugOf(volume, server)?.token !== plug) return false;
    if (isHolder(volume, server.id)) return true;
    if (!volume.shared) return isUnderWay(volume.status);
    return (await this.#volumes.awaiting(cloud, volume, options)).includes(server.id);
  }

  /** Notes on a volume by which token it is attached to a machine, before it is. */
  async mark(
    cloud: Cloud,
    volume: Volume,
    machine: string,
    entity: string,
    token: string,
    options: CallOptions,
  ): Promise<void> {
    const plug = writePlug(volume.shared ? machine : '', digestOf(this.#realm, token), entity);
    await this.#volumes.note(cloud, volume, plug, options);
    if (volume.shared) await this.#forgetOthers(cloud, volume, machine, options);
  }

  /** Forgets of machines that a volume has left: there may be ever new ones. */
  async #forgetOthers(cloud: Cloud, volume: Volume, machine: string, options: CallOptions): Promise<void> {
    for (const [key, { left }] of volume.plugs) {
      if (!left || key === machine) continue;
      const found = await this.#servers.look(writeRef(await cloud.project(options), key), options);
      if (found && isHolder(volume, found.server.id)) continue;
      await this.#volumes.forget(cloud, volume, Object.values(namesOf(key)), options);
    }
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const read = readRef(ref);
    if (read?.plug === undefined) return;
    const found = await this.#volumes.look(writeRef(read.project, read.key), options);
    const [machine, plug] = [...(found?.volume.plugs ?? [])].find(([, { token }]) => token === read.plug) ?? [];
    if (!found || !plug || machine === undefined) return;
    const { cloud, volume } = found;
    const only = volume.shared ? undefined : volume.holders[0]?.server;
    const server = (await this.#servers.look(writeRef(read.project, only ?? machine), options))?.server;
    const holder = only ?? server?.id;
    if (holder === undefined || !isHolder(volume, holder)) return;
    const note = { [namesOf(machine).left]: read.plug };
    if (server?.bootVolume === volume.id) {
      if (!plug.left) await this.#volumes.note(cloud, volume, note, options);
      return;
    }
    if (volume.status === 'detaching' && (plug.left || !volume.shared)) return;
    const path = `/servers/${holder}/os-volume_attachments/${volume.id}`;
    await cloud.compute
      .call('DELETE', path, { ...options, expect: [202] })
      .catch((error: unknown) => {
        throw error instanceof IaasError && isOnItsWay(error, volume) ? later(error) : error;
      })
      .catch(missing);
    if (volume.shared) await this.#volumes.note(cloud, volume, note, options);
  }

  /** Volumes with what they do not show of themselves. */
  awaited(cloud: Cloud, volumes: readonly Volume[], options: CallOptions): Promise<readonly Awaited[]> {
    return Promise.all(
      volumes.map(async (volume) => ({ volume, awaiting: await this.#volumes.awaiting(cloud, volume, options) })),
    );
  }

  /** The attachments of a project in OCCI's words. */
  observe(
    project: string,
    volumes: readonly Awaited[],
    byId: ReadonlyMap<string, Server>,
  ): readonly ObservedAttachment[] {
    return volumes.flatMap((each) =>
      linksOf(each, byId).map(({ plug, server, device, moves }): ObservedAttachment => ({
        class: 'attachment',
        ref: writeRef(project, each.volume.marks?.key ?? '', plug.token),
        id: plug.entity,
        state: server?.state === 'active' && !moves ? 'active' : 'inactive',
        busy: moves || server?.busy === true,
        device: device.replace(/^\/dev\//, '') || 'pending',
      })),
    );
  }
}

interface Link {
  readonly plug: Plug;
  readonly server: Server | undefined;
  readonly device: string;
  /** On its way in or out. */
  readonly moves: boolean;
}

function linksOf({ volume, awaiting }: Awaited, byId: ReadonlyMap<string, Server>): readonly Link[] {
  const { id, status, shared, holders, plugs } = volume;
  const moves = VOLUME[status]?.busy === true;
  if (!shared) {
    const [plug, holder] = [plugs.get(''), holders[0]];
    if (!plug || plug.left || (!holder && !isUnderWay(status))) return [];
    return [{ plug, server: byId.get(holder?.server ?? ''), device: holder?.device ?? '', moves }];
  }
  const coming = awaiting.map((server) => ({ server, device: '', isComing: true }));
  return [...holders.map((holder) => ({ ...holder, isComing: false })), ...coming].flatMap((place): Link[] => {
    const server = byId.get(place.server);
    const plug = server && plugOf(volume, server);
    if (!plug || (plug.left && server.bootVolume === id)) return [];
    return [{ plug, server, device: place.device, moves: place.isComing || (plug.left && moves) }];
  });
}

const keyOf = ({ marks }: Server): string => marks?.key ?? '';

const plugOf = ({ shared, plugs }: Volume, server: Server): Plug | undefined => plugs.get(shared ? keyOf(server) : '');

const isHolder = ({ holders }: Volume, server: string): boolean => holders.some((holder) => holder.server === server);

/**
 * Whether a volume can be given to one more server.
 *
 * @param server absent for one that is still to be made
 * @throws IaasError `conflict`, or `transient` while it is given to another one
 */
export function mustTake(volume: Volume, server?: Server): void {
  const { status, shared } = volume;
  if (server && isHolder(volume, server.id))
    throw new IaasError('conflict', 'the machine has this volume already', status);
  if (status === 'available' || (shared && status === 'in-use')) return;
  if (VOLUME[status]?.busy === true && (shared || !isUnderWay(status)))
    throw new IaasError('transient', 'the volume is on its way to another state', status);
  throw new IaasError('conflict', 'the volume is in use, or cannot be used', status);
}

/** Whether a refusal says that a volume of several servers is on its way into another one, or out of it. */
export const isOnItsWay = (error: unknown, { shared }: Volume): boolean =>
  shared && error instanceof StackError && error.status === 400 && /status must be/i.test(error.said ?? '');

const later = (error: IaasError): IaasError => new IaasError('transient', error.message, error.said, error);
