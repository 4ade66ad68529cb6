/**
 * Volumes in servers. Nova keeps no token of an attachment, so the volume carries it: a volume is in one server at a time.
 * The volume that a server boots from leaves only with the server; what lets go of it before counts as gone at once.
 */

import { IaasError, type AttachmentSpec, type CallOptions, type Observed } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import { digestOf, kept, readRef, unkept, writeRef } from './marks.js';
import type { Server } from './server.js';
import { missing } from './service.js';
import type { Servers } from './servers.js';
import { StackError } from './stack-error.js';
import { VOLUME } from './states.js';
import { TurnsByKey } from './turns-by-key.js';
import type { Volume, Volumes } from './volumes.js';

export type ObservedAttachment = Extract<Observed, { readonly class: 'attachment' }>;

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
      if (volume.plug === plug && (volume.server === server.id || underWay(volume))) return ref;
      mustBeFree(volume);
      if (server.busy) throw new IaasError('transient', `the machine is on its way (${server.task})`, server.task);
      await this.mark(cloud, volume, spec.id, token, options);
      const body = { volumeAttachment: { volumeId: volume.id } };
      const path = `/servers/${server.id}/os-volume_attachments`;
      await cloud.compute.json('POST', path, { ...options, body }).catch(async (error: unknown) => {
        if (!(error instanceof StackError)) throw error;
        // Somebody with the same token was faster.
        const now = await this.#volumes.look(spec.storage, options);
        if (now?.volume.plug !== plug || (now.volume.server !== server.id && !underWay(now.volume)))
          throw error.isWrongState && /task_state/.test(error.said ?? '')
            ? new IaasError('transient', error.message, error.said, error)
            : error;
      });
      return ref;
    });
  }

  /** Notes on a volume by which token it is attached, before it is. */
  mark(cloud: Cloud, volume: Volume, entity: string, token: string, options: CallOptions): Promise<void> {
    const metadata = { vep_plug: digestOf(this.#realm, token), vep_plug_id: kept(entity), vep_left: '' };
    return this.#volumes.note(cloud, volume, metadata, options);
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const read = readRef(ref);
    if (read?.plug === undefined) return;
    const found = await this.#volumes.look(writeRef(read.project, read.key), options);
    if (found?.volume.plug !== read.plug || found.volume.server === undefined) return;
    const { cloud, volume } = found;
    if (volume.status === 'detaching' || volume.left) return;
    const server = await this.#servers.look(writeRef(read.project, volume.server ?? ''), options);
    if (server?.server.bootVolume === volume.id) {
      await this.#volumes.note(cloud, volume, { vep_left: read.plug }, options);
      return;
    }
    const path = `/servers/${volume.server}/os-volume_attachments/${volume.id}`;
    await cloud.compute.call('DELETE', path, { ...options, expect: [202] }).catch(missing);
  }

  /** The attachments of a project in OCCI's words. */
  observe(
    project: string,
    volumes: readonly Volume[],
    byId: ReadonlyMap<string, Server>,
  ): readonly ObservedAttachment[] {
    return volumes.flatMap((volume): ObservedAttachment[] => {
      const { plug, plugEntity, left, server, device, status } = volume;
      if (plug === undefined || left || (server === undefined && !underWay(volume))) return [];
      const busy = VOLUME[status]?.busy === true;
      const holder = byId.get(server ?? '');
      return [
        {
          class: 'attachment',
          ref: writeRef(project, volume.marks?.key ?? '', plug),
          id: unkept(plugEntity),
          state: holder?.state === 'active' && !busy ? 'active' : 'inactive',
          busy: busy || holder?.busy === true,
          device: device.replace(/^\/dev\//, '') || 'pending',
        },
      ];
    });
  }
}

/** On its way into a server: Cinder names the server only when it is there. */
export const underWay = ({ status }: Volume): boolean => status === 'reserved' || status === 'attaching';

function mustBeFree({ status }: Volume): void {
  if (status === 'available') return;
  const busy = VOLUME[status]?.busy === true && status !== 'reserved' && status !== 'attaching';
  throw busy
    ? new IaasError('transient', 'the volume is on its way to another state', status)
    : new IaasError('conflict', 'the volume is in use, or cannot be used', status);
}
