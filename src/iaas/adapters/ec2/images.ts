/**
 * Images of machines (AMI). VEP puts the bytes into a bucket, EC2 makes a snapshot of them, and the snapshot is
 * registered as an image whose name is the token's, so that EC2 itself refuses a second one. Where the administrator has
 * named an image that is there already for the very same file, that one is taken.
 */

import type { Image, Tag } from '@aws-sdk/client-ec2';
import { IaasError, type CallOptions, type ImageSpec, type Observed } from '../../adapter.js';
import { requireCapability } from '../../capability.js';
import type { Ec2Api } from './api.js';
import { ec2Formats } from './capabilities.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Imports } from './imports.js';
import type { Instances } from './instances.js';
import { marksIn, ours, tagged, tagOf, tagsOf, uniqueName } from './marks.js';
import type { Ec2Options } from './options.js';
import type { Patience } from '../../patience.js';
import { IMAGE } from './states.js';

export interface ImageServices {
  readonly api: Ec2Api;
  readonly instances: Instances;
  /** How images come in, if there is a bucket for them to pass through. */
  readonly imports: Imports | undefined;
  readonly patience: Patience;
  readonly options: Ec2Options;
}

/** What launching a machine, or copying a volume, wants to know of an image. */
export interface Bootable {
  readonly ref: string;
  readonly architecture: string;
  readonly rootDevice: string;
  readonly rootGib: number;
  readonly snapshot: string | undefined;
}

const SIZE = 'vep:size-bytes';
const REF = /^ami-[0-9a-f]{8,17}$/;
const SAVE_METHODS = new Set<string | undefined>(['hot', 'deferred', undefined]);

export class Images {
  readonly #services: ImageServices;
  /** Images of the administrator's that were let go of: they stay, but not as something VEP waits to see gone. */
  readonly #left = new Set<string>();

  constructor(services: ImageServices) {
    this.#services = services;
  }

  /** @throws IaasError `not-found`, or `transient` for one that is not complete yet */
  async bootable(ref: string, call: CallOptions): Promise<Bootable> {
    const image = await this.look(ref, call);
    if (!image) throw new IaasError('not-found', 'EC2 has no such image');
    const meaning = IMAGE[image.State ?? ''];
    if (meaning?.busy) throw new IaasError('transient', 'the image is not complete yet', image.State);
    if (meaning?.state !== 'active') throw new IaasError('invalid', `the image is ${image.State ?? 'of no state'}`);
    const rootDevice = image.RootDeviceName ?? '/dev/sda1';
    const root = image.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === rootDevice)?.Ebs;
    return {
      ref,
      architecture: image.Architecture ?? 'x86_64',
      rootDevice,
      rootGib: root?.VolumeSize ?? 1,
      snapshot: root?.SnapshotId,
    };
  }

  async look(ref: string, call: CallOptions): Promise<Image | undefined> {
    return (await this.some([ref], call))[0];
  }

  some(refs: readonly string[], call: CallOptions): Promise<Image[]> {
    const ids = [...new Set(refs)].filter((ref) => REF.test(ref));
    return ids.length === 0 ? Promise.resolve([]) : this.#described([{ Name: 'image-id', Values: ids }], [], call);
  }

  /** The account's own. */
  mine(call: CallOptions): Promise<Image[]> {
    return this.#described([], ['self'], call);
  }

  ours(call: CallOptions): Promise<Image[]> {
    return this.#described(ours(this.#services.options.realm), ['self'], call);
  }

  async #described(
    filters: { Name: string; Values: string[] }[],
    owners: string[],
    call: CallOptions,
  ): Promise<Image[]> {
    const input = { Filters: filters, ...(owners.length > 0 ? { Owners: owners } : {}) };
    const answer = await this.#services.api.ask('DescribeImages', input, call);
    return (answer.Images ?? []).filter(({ State }) => State !== 'deregistered');
  }

  async import(spec: ImageSpec, token: string, call: CallOptions): Promise<string> {
    const { options, imports } = this.#services;
    const file = spec.convertedFrom ?? spec.sha256;
    const known = options.images.known.find(({ sha256 }) => sha256 === file)?.image;
    if (known !== undefined) {
      this.#left.delete(known);
      return (await this.bootable(known, call)).ref;
    }
    requireCapability({ imageFormats: ec2Formats(options) } as never, 'image', spec.format);
    const earlier = await this.#named(token, call);
    if (earlier) return this.#shown(token, importTags(options.realm, spec, token), call);
    if (!imports)
      throw new IaasError(
        'unsupported',
        `no image is known here for this file (SHA-256 ${file ?? 'unknown'}): name one under images.known, or a bucket under images.bucket`,
      );
    const snapshot = await imports.snapshot(spec, token, call);
    return this.#register(spec, token, snapshot, call);
  }

  async #named(token: string, call: CallOptions): Promise<Image | undefined> {
    const name = uniqueName(this.#services.options.realm, token);
    return (await this.#described([{ Name: 'name', Values: [name] }], ['self'], call))[0];
  }

  async #register(spec: ImageSpec, token: string, snapshot: string, call: CallOptions): Promise<string> {
    const { options, api } = this.#services;
    const tags = importTags(options.realm, spec, token);
    try {
      const answer = await api.ask(
        'RegisterImage',
        {
          Name: uniqueName(options.realm, token),
          Description: 'Image brought in by VEP',
          Architecture: 'x86_64',
          VirtualizationType: 'hvm',
          EnaSupport: true,
          RootDeviceName: '/dev/sda1',
          BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { SnapshotId: snapshot, DeleteOnTermination: true } }],
          TagSpecifications: tagged('image', tags),
        },
        call,
      );
      if (answer.ImageId === undefined) throw new IaasError('transient', 'EC2 answers without an image', 'no image');
    } catch (error) {
      if (!isCode(error, /^InvalidAMIName\.Duplicate$/)) throw error;
    }
    return this.#shown(token, tags, call);
  }

  /** The image of a token that EC2 has just taken in, by this call or by another. */
  async #shown(token: string, tags: Tag[], call: CallOptions): Promise<string> {
    const { api, options, patience } = this.#services;
    const image = await patience.until(call, 'EC2 does not show the new image yet', () => this.#named(token, call));
    // Whoever takes no tags with an image takes them afterwards; until then only its name says whose it is.
    if (!marksIn(image.Tags, options.realm))
      await api.ask('CreateTags', { Resources: [image.ImageId ?? ''], Tags: tags }, call);
    return image.ImageId ?? '';
  }

  /** Makes an image of a machine's disks. `deferred` lets EC2 restart the machine, so that the disks are at rest. */
  async save(ref: string, name: string, method: string | undefined, token: string, call: CallOptions): Promise<string> {
    const { api, instances, options } = this.#services;
    if (!SAVE_METHODS.has(method)) throw new IaasError('invalid', 'EC2 saves hot or deferred');
    const machine = await instances.own(ref, call);
    const tags = tagsOf(options.realm, { id: token, name }, token);
    if (await this.#named(token, call)) return this.#shown(token, tags, call);
    if (machine.meaning?.busy)
      throw new IaasError('transient', 'the machine is on its way to another state', machine.instance.State?.Name);
    const specifications = [...tagged('image', tags), ...tagged('snapshot', tags)];
    try {
      const answer = await api.ask(
        'CreateImage',
        {
          InstanceId: ref,
          Name: uniqueName(options.realm, token),
          NoReboot: method !== 'deferred',
          TagSpecifications: specifications,
        },
        call,
      );
      if (answer.ImageId === undefined) throw new IaasError('transient', 'EC2 answers without an image', 'no image');
    } catch (error) {
      if (!isCode(error, /^InvalidAMIName\.Duplicate$/)) throw error;
    }
    return this.#shown(token, tags, call);
  }

  /** Deregisters it and deletes the snapshots behind it. An image that the administrator has named stays. */
  async remove(ref: string, call: CallOptions): Promise<void> {
    const { api, options } = this.#services;
    if (options.images.known.some((known) => known.image === ref)) {
      this.#left.add(ref);
      return;
    }
    const image = await this.look(ref, call);
    if (!image) return;
    if (!marksIn(image.Tags, options.realm))
      throw new IaasError('denied', 'this image was not made by VEP, which leaves it alone');
    await api.ask('DeregisterImage', { ImageId: ref }, call).catch(unlessGone);
    for (const { Ebs } of image.BlockDeviceMappings ?? [])
      if (Ebs?.SnapshotId !== undefined)
        await api.ask('DeleteSnapshot', { SnapshotId: Ebs.SnapshotId }, call).catch(unlessGone);
  }

  hasLeft(ref: string | undefined): boolean {
    return ref !== undefined && this.#left.has(ref);
  }

  observe(image: Image): Extract<Observed, { readonly class: 'image' }> {
    const marks = marksIn(image.Tags, this.#services.options.realm);
    const meaning = IMAGE[image.State ?? ''] ?? { state: 'error' as const };
    return {
      class: 'image',
      ref: image.ImageId ?? '',
      ...(marks === undefined ? {} : { id: marks.id }),
      state: meaning.state,
      busy: meaning.busy === true,
      sizeBytes: sizeOf(image),
      ...(meaning.state === 'error' ? { message: image.StateReason?.Message ?? `the image is ${image.State}` } : {}),
    };
  }
}

const importTags = (realm: string, spec: ImageSpec, token: string): Tag[] =>
  tagsOf(realm, spec, token, { [SIZE]: String(spec.sizeBytes) });

/** Bytes of the file it was made from, or of its disk. */
export function sizeOf({ Tags, BlockDeviceMappings: mappings = [] }: Image): number {
  const bytes = Number(tagOf(Tags, SIZE));
  return bytes > 0 ? bytes : mappings.reduce((sum, { Ebs }) => sum + (Ebs?.VolumeSize ?? 0), 0) * 2 ** 30;
}
