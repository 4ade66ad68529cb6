/**
 * Images that VEP brings in: it has fetched and verified them, and streams the bytes to Glance, which tells their digest
 * back. They lie in the site's own project; a project that needs one is made a member of it. Saved machines are images too,
 * in the project of the machine.
 */

import { createHash } from 'node:crypto';
import { messageOf } from '../../../base/errors.js';
import { stringAt, type JsonObject, type JsonValue } from '../../../base/json.js';
import {
  IaasError,
  type CallOptions,
  type Capabilities,
  type ImageExport,
  type ImageSpec,
  type Observed,
} from '../../adapter.js';
import { requireCapability } from '../../capability.js';
import type { Clock } from '../../../base/clock.js';
import type { Cloud } from './cloud.js';
import {
  digestOf,
  elder,
  isDigest,
  itemsOf,
  keyIn,
  kept,
  membersOf,
  readRef,
  shownName,
  uniqueName,
  unkept,
  writeRef,
  type Marks,
} from './marks.js';
import { missing } from './service.js';
import type { Servers } from './servers.js';
import { StackError } from './stack-error.js';
import { IMAGE, IMAGE_GONE } from './states.js';
import type { Tenants } from './tenants.js';
import { TurnsByKey } from './turns-by-key.js';

export interface Image {
  readonly id: string;
  readonly created: string;
  readonly name: string;
  readonly status: string;
  readonly format: string;
  readonly sizeBytes: number;
  readonly virtualBytes: number;
  readonly minDiskGib: number;
  readonly minMemoryMib: number;
  readonly visibility: string;
  readonly marks: Marks | undefined;
  readonly owner: string;
  /** SHA-512 of the bytes, where Glance computes that. */
  readonly sha512: string | undefined;
  /** Snapshots of volumes that the image stands for, of a machine that booted from a volume. */
  readonly snapshots: readonly string[];
}

export interface ImageServices {
  readonly tenants: Tenants;
  readonly servers: Servers;
  readonly realm: string;
  readonly clock: Clock;
  readonly capabilities: Capabilities;
}

const GIB = 2 ** 30;
/** As long as the guard lets an import take. */
const UPLOAD_MS = 4 * 3_600_000;
/** Pause between two looks at an image that somebody else is bringing in, in milliseconds. */
const POLL_MS = 500;
/** Image API v2, "Update image". */
const PATCH_TYPE = 'application/openstack-images-v2.1-json-patch';
const SAVE_METHODS = new Set<string | undefined>(['hot', 'deferred', undefined]);

export class Images {
  readonly #services: ImageServices;
  readonly #turns = new TurnsByKey();

  constructor(services: ImageServices) {
    this.#services = services;
  }

  async import(spec: ImageSpec, token: string, options: CallOptions): Promise<string> {
    requireCapability(this.#services.capabilities, 'image', spec.format);
    const { tenants, realm } = this.#services;
    const key = digestOf(realm, token);
    const cloud = tenants.home;
    return this.#turns.run(key, async () => {
      const [known] = elder(await this.#ofKey(cloud, key, options));
      const image = known ?? (await this.#register(cloud, spec, key, options));
      if (image.status !== 'active') await this.#fill(cloud, image, spec, options);
      const [, surplus] = elder(await this.#ofKey(cloud, key, options));
      for (const other of surplus) await this.#delete(cloud, other, options);
      return writeRef(await cloud.project(options), key);
    });
  }

  async #register(cloud: Cloud, spec: ImageSpec, key: string, options: CallOptions): Promise<Image> {
    const body = {
      name: uniqueName(this.#services.realm, key),
      disk_format: spec.format,
      container_format: 'bare',
      // Members are the projects that need it.
      visibility: 'shared',
      vep_id: kept(spec.id),
      vep_name: shownName(spec.name),
    };
    return this.#read(await cloud.image.json('POST', '/images', { ...options, body, expect: [201] }));
  }

  /** Streams the bytes; what does not arrive whole is not left there. */
  async #fill(cloud: Cloud, image: Image, spec: ImageSpec, options: CallOptions): Promise<void> {
    const digest = createHash('sha512');
    try {
      const bytes = measured(await opened(spec), spec.sizeBytes, (piece) => digest.update(piece));
      await cloud.image.call('PUT', `/images/${image.id}/file`, {
        ...options,
        raw: { type: 'application/octet-stream', bytes },
        expect: [204],
        timeoutMs: UPLOAD_MS,
      });
    } catch (error) {
      if (error instanceof StackError && error.status === 409 && /transition/i.test(error.said ?? ''))
        return this.#awaited(cloud, image, options);
      // Also when whoever asked has given up.
      await this.#delete(cloud, image, {}).catch(() => undefined);
      throw wrongBytes(error) ?? error;
    }
    const stored = await this.#lookIn(cloud, image.id, options);
    const sum = digest.digest('hex');
    if (stored?.sizeBytes === spec.sizeBytes && (stored.sha512 ?? sum) === sum) return;
    await this.#delete(cloud, image, options);
    throw new IaasError('transient', 'the image has not arrived at Glance as it was sent', stored?.status ?? 'gone');
  }

  /** Somebody with the same token is bringing it in, in another process. */
  async #awaited(cloud: Cloud, { id }: Image, options: CallOptions): Promise<void> {
    for (;;) {
      const image = await this.#lookIn(cloud, id, options);
      if (image?.status === 'active') return;
      if (!image || image.status === 'queued')
        throw new IaasError('transient', 'another process has given the image up', image?.status ?? 'gone');
      if (options.signal?.aborted) throw new IaasError('transient', 'the image is still on its way', image.status);
      await this.#services.clock.sleep(POLL_MS, options.signal);
    }
  }

  /**
   * The image that a reference means, as one that a project can use.
   *
   * @throws IaasError `not-found` where there is none
   */
  async usable(ref: string, user: Cloud, options: CallOptions): Promise<Image> {
    const found = await this.look(ref, options);
    if (!found) throw new IaasError('not-found', 'OpenStack has no such image');
    const { cloud, image } = found;
    const project = await user.project(options);
    if (image.marks && image.owner !== project) await this.#share(cloud, image, project, options);
    return image;
  }

  /** Makes a project a member of an image. It need not accept: what it is asked for by its id it has. */
  async #share(cloud: Cloud, { id, visibility }: Image, project: string, options: CallOptions): Promise<void> {
    if (visibility === 'private') {
      // A saved machine, by Nova's choice: such an image takes no members.
      const patch = [{ op: 'replace', path: '/visibility', value: 'shared' }];
      await cloud.image.call('PATCH', `/images/${id}`, { ...options, body: patch, type: PATCH_TYPE });
    }
    const ask = { ...options, body: { member: project } };
    await cloud.image.call('POST', `/images/${id}/members`, ask).catch((error: unknown) => {
      // It is one already.
      if (!(error instanceof StackError) || error.status !== 409) throw error;
    });
  }

  /** The bytes that Glance has of an image; of a machine that boots from a volume it has none. */
  async export(ref: string, options: CallOptions): Promise<ImageExport> {
    const found = await this.look(ref, options);
    if (!found) throw new IaasError('not-found', 'OpenStack has no such image');
    const { cloud, image } = found;
    const { id, status, sizeBytes, sha512, snapshots } = image;
    const { state, busy } = observeImage('', image);
    if (busy) throw new IaasError('transient', 'the image is still being made', status);
    if (state === 'error') throw new IaasError('conflict', `the image cannot be handed out while it is ${status}`);
    if (snapshots.length > 0) {
      throw new IaasError('unsupported', 'the image stands for snapshots of volumes, which OpenStack hands to nobody');
    }
    return {
      sizeBytes,
      ...(sha512 === undefined ? {} : { digest: { algorithm: 'sha512', hex: sha512 } }),
      open: (opening = {}) => cloud.image.stream(`/images/${id}/file`, sizeBytes, opening),
    };
  }

  async look(ref: string, options: CallOptions): Promise<{ readonly cloud: Cloud; readonly image: Image } | undefined> {
    const read = readRef(ref);
    const cloud = read && (await this.#services.tenants.cloud(read.project, options));
    if (!read || !cloud) return undefined;
    const image = isDigest(read.key)
      ? elder(await this.#ofKey(cloud, read.key, options))[0]
      : await this.#lookIn(cloud, read.key, options);
    return image && { cloud, image };
  }

  /** Makes an image of a machine's boot disk; of one that boots from a volume, a snapshot of all its volumes. */
  async save(
    ref: string,
    name: string,
    method: string | undefined,
    token: string,
    options: CallOptions,
  ): Promise<string> {
    if (!SAVE_METHODS.has(method)) throw new IaasError('invalid', 'OpenStack saves hot or deferred');
    const { servers, realm } = this.#services;
    const key = digestOf(realm, token);
    return this.#turns.run(key, async () => {
      const { cloud, server } = await servers.own(ref, options);
      if ((await this.#ofKey(cloud, key, options)).length === 0) {
        if (server.busy) throw new IaasError('transient', `the machine is on its way (${server.task})`, server.task);
        const createImage = {
          name: uniqueName(realm, key),
          metadata: { vep_id: kept(token), vep_name: shownName(name) },
        };
        const ask = { ...options, body: { createImage }, expect: [202] };
        await cloud.compute.call('POST', `/servers/${server.id}/action`, ask).catch((error: unknown) => {
          if (!(error instanceof StackError) || !/task_state/.test(error.said ?? '')) throw error;
          throw new IaasError('transient', error.message, error.said, error);
        });
      }
      const [, surplus] = elder(await this.#ofKey(cloud, key, options));
      for (const other of surplus) await this.#delete(cloud, other, options);
      return writeRef(await cloud.project(options), key);
    });
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const read = readRef(ref);
    const found = await this.look(ref, options);
    if (!read || !found) return;
    if (!found.image.marks) throw new IaasError('denied', 'this image was not made by VEP, which leaves it alone');
    for (const image of await this.#ofKey(found.cloud, read.key, options))
      await this.#delete(found.cloud, image, options);
  }

  async #delete(cloud: Cloud, { id, snapshots }: Image, options: CallOptions): Promise<void> {
    await cloud.image.call('DELETE', `/images/${id}`, { ...options, expect: [204] }).catch(missing);
    for (const snapshot of snapshots)
      await cloud.volume.call('DELETE', `/snapshots/${snapshot}`, { ...options, expect: [202] }).catch(missing);
  }

  /** All images that a project sees, but for those that VEP made in another one: an administrator is shown them too. */
  async all(cloud: Cloud, options: CallOptions): Promise<readonly Image[]> {
    const project = await cloud.project(options);
    const found = await cloud.image.list('/images', 'images', options);
    return found
      .map((body) => this.#read(body))
      .filter(({ status, marks, owner }) => !IMAGE_GONE.has(status) && (marks === undefined || owner === project));
  }

  async #ofKey(cloud: Cloud, key: string, options: CallOptions): Promise<readonly Image[]> {
    const query = { name: uniqueName(this.#services.realm, key), owner: await cloud.project(options) };
    const found = await cloud.image.list('/images', 'images', { ...options, query });
    return found
      .map((body) => this.#read(body))
      .filter(({ marks, status }) => marks?.key === key && !IMAGE_GONE.has(status));
  }

  async #lookIn(cloud: Cloud, id: string, options: CallOptions): Promise<Image | undefined> {
    const body = await cloud.image.json('GET', `/images/${id}`, options).catch(missing);
    return body && this.#read(body);
  }

  #read(body: JsonObject): Image {
    const name = stringAt(body, 'name') ?? '';
    const [key, id] = [keyIn(this.#services.realm, name), stringAt(body, 'vep_id')];
    const virtualBytes = Number(body['virtual_size'] ?? 0);
    return {
      id: stringAt(body, 'id') ?? '',
      created: stringAt(body, 'created_at') ?? '',
      name: stringAt(body, 'vep_name') ?? name,
      status: stringAt(body, 'status') ?? '',
      format: stringAt(body, 'disk_format') ?? '',
      sizeBytes: Number(body['size'] ?? 0),
      virtualBytes,
      minDiskGib: Math.max(Number(body['min_disk'] ?? 0), Math.ceil(virtualBytes / GIB)),
      minMemoryMib: Number(body['min_ram'] ?? 0),
      visibility: stringAt(body, 'visibility') ?? '',
      marks: key === undefined || id === undefined ? undefined : { key, id: unkept(id) },
      owner: stringAt(body, 'owner') ?? '',
      sha512: stringAt(body, 'os_hash_algo') === 'sha512' ? stringAt(body, 'os_hash_value') : undefined,
      snapshots: snapshotsIn(stringAt(body, 'block_device_mapping')),
    };
  }
}

/** An image in OCCI's words. */
export function observeImage(project: string, image: Image): Extract<Observed, { readonly class: 'image' }> {
  const { marks, status, sizeBytes } = image;
  const known = IMAGE[status];
  return {
    class: 'image',
    ref: writeRef(project, marks?.key ?? image.id),
    ...(marks === undefined ? {} : { id: marks.id }),
    state: known?.state ?? 'error',
    busy: known?.busy === true,
    sizeBytes,
    ...(known && known.state !== 'error' ? {} : { message: `Glance says: ${status}` }),
  };
}

function snapshotsIn(mapping: string | undefined): readonly string[] {
  if (mapping === undefined) return [];
  let devices: JsonValue;
  try {
    devices = JSON.parse(mapping) as JsonValue;
  } catch {
    return [];
  }
  return itemsOf(devices).flatMap((device) => stringAt(membersOf(device), 'snapshot_id') ?? []);
}

async function opened(spec: ImageSpec): Promise<AsyncIterable<Uint8Array>> {
  try {
    return await spec.open();
  } catch (error) {
    throw new WrongBytes(`the image cannot be opened: ${messageOf(error)}`, 'transient');
  }
}

/** Bytes of an image that are not there, or not what they should be. */
class WrongBytes extends Error {
  readonly class: 'transient' | 'invalid';
  constructor(message: string, errorClass: 'transient' | 'invalid') {
    super(message);
    this.class = errorClass;
  }
}

/** What is behind a failed transfer: the bytes themselves, as far as one can tell. */
function wrongBytes(error: unknown): IaasError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof WrongBytes) return new IaasError(cause.class, cause.message, undefined, cause);
  return undefined;
}

/** The bytes as they come, exactly as many as there should be. */
async function* measured(
  bytes: AsyncIterable<Uint8Array>,
  size: number,
  see: (piece: Uint8Array) => void,
): AsyncIterable<Uint8Array> {
  let total = 0;
  try {
    for await (const piece of bytes) {
      total += piece.byteLength;
      if (total > size) break;
      see(piece);
      yield piece;
    }
  } catch (error) {
    throw new WrongBytes(`the image broke off: ${messageOf(error)}`, 'transient');
  }
  if (total !== size)
    throw new WrongBytes(`the image has ${total > size ? 'more' : 'fewer'} bytes than it should`, 'invalid');
}
