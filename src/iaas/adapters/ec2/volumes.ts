/**
 * Volumes of EBS, and what they are attached to. EBS keeps no tags on attachments: the volume says for which link it was
 * attached and to which instance, and a mark for an instance it is no longer with counts for nothing. The disk a machine
 * boots from is made by EC2 with the machine; it carries the marks of both the volume and the link from the start, and
 * goes with the machine.
 */

import type { Instance, Tag, Volume } from '@aws-sdk/client-ec2';
import {
  IaasError,
  type AttachmentSpec,
  type CallOptions,
  type ComputeSpec,
  type Observed,
  type StorageSpec,
} from '../../adapter.js';
import { kept, unkept } from '../../kept-text.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Images } from './images.js';
import type { Instances, Machine } from './instances.js';
import { digestOf, listOf, marksIn, ours, oursFor, tagged, tagOf, tagsOf } from './marks.js';
import type { Ec2Options } from './options.js';
import type { Patience } from './patience.js';
import { VOLUME } from './states.js';

export interface VolumeServices {
  readonly api: Ec2Api;
  readonly instances: Instances;
  readonly images: Images;
  readonly patience: Patience;
  readonly options: Ec2Options;
}

const GIB = 2 ** 30;
/** Largest volume of EBS, in GiB. */
const LARGEST = 65_536;
/** For which instance (or `boot`), digest of the link's token, the link's id. */
const LINK = 'vep:attachment';
/** On a boot disk: `link` when the attachment was let go of, `volume` when the volume itself was. */
const LEFT = 'vep:left';
const BOOT = 'boot';
const REF = /^vol-[0-9a-f]{8,17}$/;
const DEVICES = [...'fghijklmnop'].map((letter) => `/dev/sd${letter}`);

/** Tags of the volume that is made with its machine. */
export function bootTags(realm: string, { storage, attachment }: NonNullable<ComputeSpec['boot']>): Tag[] {
  return tagsOf(realm, storage, storage.id, { [LINK]: linkTag(BOOT, attachment, attachment) });
}

const linkTag = (instance: string, token: string, id: string): string => `${instance} ${digestOf(token)} ${kept(id)}`;

interface Link {
  readonly boot: boolean;
  readonly instance: string;
  readonly token: string;
  readonly id: string;
}

/** The attachment that a volume has now and that VEP knows of. */
function linkOf({ Tags, Attachments }: Volume): Link | undefined {
  const [, owner, token = '', id = ''] = /^(\S+) (\S+) (\S*)$/.exec(tagOf(Tags, LINK) ?? '') ?? [];
  const instance = Attachments?.[0]?.InstanceId;
  if (instance === undefined || (owner !== BOOT && owner !== instance)) return undefined;
  return { boot: owner === BOOT, instance, token, id: unkept(id) };
}

const isBoot = ({ Tags }: Volume): boolean => (tagOf(Tags, LINK) ?? '').startsWith(`${BOOT} `);

export class Volumes {
  readonly #services: VolumeServices;

  constructor(services: VolumeServices) {
    this.#services = services;
  }

  ours(call: CallOptions): Promise<Volume[]> {
    return this.#described(ours(this.#services.options.realm), call);
  }

  some(refs: readonly string[], call: CallOptions): Promise<Volume[]> {
    const ids = [...new Set(refs)].filter((ref) => REF.test(ref));
    return ids.length === 0 ? Promise.resolve([]) : this.#described([{ Name: 'volume-id', Values: ids }], call);
  }

  async #described(filters: { Name: string; Values: string[] }[], call: CallOptions): Promise<Volume[]> {
    const found: Volume[] = [];
    for await (const page of this.#services.api.pages('DescribeVolumes', { Filters: filters }, call))
      found.push(...(page.Volumes ?? []));
    return found;
  }

  async look(ref: string, call: CallOptions): Promise<Volume | undefined> {
    return (await this.some([ref], call))[0];
  }

  /** @throws IaasError `not-found`, or `denied` for what VEP did not make */
  async own(ref: string, call: CallOptions): Promise<Volume> {
    const volume = await this.look(ref, call);
    if (!volume) throw new IaasError('not-found', 'EC2 has no such volume');
    if (!marksIn(volume.Tags, this.#services.options.realm))
      throw new IaasError('denied', 'this volume was not made by VEP, which leaves it alone');
    return volume;
  }

  async create(spec: StorageSpec, token: string, call: CallOptions): Promise<string> {
    if (!(spec.sizeBytes > 0)) throw new IaasError('invalid', 'a volume has a size');
    if (spec.name === '') throw new IaasError('invalid', 'a volume needs a name');
    const { api, images, options, patience } = this.#services;
    const tags = tagsOf(options.realm, spec, token);
    const [known] = await this.#described(oursFor(options.realm, token), call);
    if (known?.VolumeId !== undefined) return known.VolumeId;
    const image = spec.image === undefined ? undefined : await images.bootable(spec.image, call);
    const size = Math.max(Math.ceil(spec.sizeBytes / GIB), image?.rootGib ?? 0);
    if (size > LARGEST || size * GIB > (await this.freeBytes(call)))
      throw new IaasError('capacity', `a volume of ${size} GiB is more than this site has left`);
    const answer = await api.ask(
      'CreateVolume',
      {
        AvailabilityZone: options.zone,
        Size: size,
        VolumeType: options.volumes.type,
        ClientToken: digestOf(token),
        TagSpecifications: tagged('volume', tags),
        ...(image?.snapshot === undefined ? {} : { SnapshotId: image.snapshot }),
        ...(options.volumes.encrypted ? { Encrypted: true } : {}),
      },
      call,
    );
    const made = answer.VolumeId;
    if (made === undefined) throw new IaasError('transient', 'EC2 answers without a volume', 'no volume');
    await patience.settled(call, async () => (await this.look(made, call)) !== undefined);
    return made;
  }

  /** What the site may still take, by the administrator's word: EC2 tells of no end before it is reached. */
  async freeBytes(call: CallOptions): Promise<number> {
    const used = (await this.ours(call)).reduce((sum, { Size }) => sum + (Size ?? 0), 0);
    return Math.max(0, this.#services.options.capacity.storageGib - used) * GIB;
  }

  async remove(ref: string, call: CallOptions): Promise<void> {
    const volume = await this.look(ref, call);
    if (!volume || volume.State === 'deleting' || volume.State === 'deleted') return;
    await this.own(ref, call);
    const { api, patience } = this.#services;
    if (isBoot(volume) && volume.Attachments?.[0]) {
      await api.ask('CreateTags', { Resources: [ref], Tags: listOf({ [LEFT]: 'volume' }) }, call).catch(unlessGone);
      return;
    }
    if (linkOf(volume)) throw new IaasError('conflict', 'a machine has this volume');
    await api.ask('DeleteVolume', { VolumeId: ref }, call).catch(unlessGone);
    await patience.settled(call, async () => {
      const state = (await this.look(ref, call))?.State;
      return state === undefined || state === 'deleting' || state === 'deleted';
    });
  }

  async act(ref: string, action: 'online' | 'backup' | 'snapshot', call: CallOptions): Promise<void> {
    const { api, options } = this.#services;
    const volume = await this.own(ref, call);
    // A volume of EBS is always online.
    if (action === 'online') return;
    const marked = marksIn(volume.Tags, options.realm);
    const tags = listOf({ Name: `${action} of ${ref}`, 'vep:of': ref, 'vep:of-entity': kept(marked?.id ?? '') });
    await api.ask('CreateSnapshot', { VolumeId: ref, TagSpecifications: tagged('snapshot', tags) }, call);
  }

  async resize(ref: string, sizeBytes: number, call: CallOptions): Promise<void> {
    const { api, patience } = this.#services;
    const volume = await this.own(ref, call);
    const size = Math.ceil(sizeBytes / GIB);
    if (size === volume.Size) return;
    if (!(size > (volume.Size ?? 0))) throw new IaasError('invalid', 'a volume of EBS grows and never shrinks');
    await api.ask('ModifyVolume', { VolumeId: ref, Size: size }, call);
    await patience.settled(call, async () => (await this.look(ref, call))?.Size === size);
  }

  /** Attaches, and says on the volume for whom: whoever comes back after a lost answer finds the one without the other. */
  async attach(spec: AttachmentSpec, token: string, call: CallOptions): Promise<string> {
    if (spec.readOnly === true) throw new IaasError('unsupported', 'EC2 attaches no volume for reading only');
    const { api, instances, patience } = this.#services;
    const digest = digestOf(token);
    const tag = linkTag(spec.compute, token, spec.id);
    listOf({ [LINK]: tag });
    await patience.until(call, 'volume or instance are on their way to another state', async () => {
      const volume = await this.own(spec.storage, call);
      const instance = volume.Attachments?.[0]?.InstanceId;
      const link = linkOf(volume);
      if (link?.instance === spec.compute && link.token === digest) return true;
      if (volume.Attachments?.[0]?.State === 'detaching') return undefined;
      if (instance !== undefined && (instance !== spec.compute || link))
        throw new IaasError('conflict', 'the volume is attached already');
      if (instance === undefined) {
        const machine = await instances.own(spec.compute, call);
        if (machine.meaning?.busy === true || volume.State !== 'available') return undefined;
        const device = freeDevice(machine.instance, spec.device);
        const wish = { VolumeId: spec.storage, InstanceId: spec.compute, Device: device };
        const attached = await api.ask('AttachVolume', wish, call).then(
          () => true,
          (error: unknown) => {
            // Another process was faster, with this volume or with this device.
            if (isCode(error, /^(VolumeInUse|IncorrectState|IncorrectInstanceState)$/) || isTakenDevice(error))
              return false;
            throw error;
          },
        );
        if (!attached) return undefined;
      }
      await api.ask('CreateTags', { Resources: [spec.storage], Tags: listOf({ [LINK]: tag }) }, call);
      return true;
    });
    return `${spec.storage}:${digest}`;
  }

  async detach(ref: string, call: CallOptions): Promise<void> {
    const [storage = '', digest = ''] = ref.split(':');
    const { api, options } = this.#services;
    const volume = await this.look(storage, call);
    const link = volume && linkOf(volume);
    if (!volume || link?.token !== digest || !marksIn(volume.Tags, options.realm)) return;
    const note = (attributes: Readonly<Record<string, string>>): Promise<unknown> =>
      api.ask('CreateTags', { Resources: [storage], Tags: listOf(attributes) }, call).catch(unlessGone);
    if (link.boot) {
      if (tagOf(volume.Tags, LEFT) === undefined) await note({ [LEFT]: 'link' });
      return;
    }
    await api.ask('DetachVolume', { VolumeId: storage, InstanceId: link.instance }, call).catch((error: unknown) => {
      if (!isCode(error, /^Incorrect|NotFound$/)) throw error;
    });
    await note({ [LINK]: '' });
  }

  observe(volume: Volume): Observed[] {
    const { VolumeId: ref = '', State: state = 'none', Size: size = 0, Tags: tags } = volume;
    if (state === 'deleted') return [];
    const marks = marksIn(tags, this.#services.options.realm);
    const meaning = VOLUME[state] ?? { state: 'error' as const };
    return [
      {
        class: 'storage',
        ref,
        ...(marks === undefined ? {} : { id: marks.id }),
        state: meaning.state,
        busy: 'busy' in meaning || tagOf(tags, LEFT) === 'volume',
        sizeBytes: size * GIB,
        ...(meaning.state === 'error' ? { message: `EC2 reports the volume as ${state}` } : {}),
      },
    ];
  }

  /** The attachments of volumes in OCCI's words. */
  async observeLinks(volumes: readonly Volume[], call: CallOptions): Promise<Observed[]> {
    const links = volumes.flatMap((volume) => {
      const link = linkOf(volume);
      return link && tagOf(volume.Tags, LEFT) === undefined ? [{ volume, link }] : [];
    });
    const ids = links.map(({ link }) => link.instance);
    const machines = ids.length === 0 ? new Map<string, Machine>() : await this.#services.instances.some(ids, call);
    return links.flatMap(({ volume, link }): Observed[] => {
      const meaning = machines.get(link.instance)?.meaning;
      if (!meaning || meaning.heading === 'gone') return [];
      const attachment = volume.Attachments?.[0];
      return [
        {
          class: 'attachment',
          ref: `${volume.VolumeId}:${link.token}`,
          id: link.id,
          state: meaning.state === 'active' ? 'active' : 'inactive',
          busy: attachment?.State === 'attaching' || attachment?.State === 'detaching' || meaning.busy === true,
          device: attachment?.Device ?? '',
        },
      ];
    });
  }
}

function freeDevice({ BlockDeviceMappings: mappings = [] }: Instance, wanted: string | undefined): string {
  const used = new Set(mappings.map(({ DeviceName }) => DeviceName));
  const [free] = [wanted, ...DEVICES].filter((name) => name !== undefined && DEVICES.includes(name) && !used.has(name));
  if (free !== undefined) return free;
  throw new IaasError('capacity', 'the instance has no device name left');
}

const isTakenDevice = (error: unknown): boolean =>
  isCode(error, /^InvalidParameterValue$/) && /already in use/i.test((error as IaasError).said ?? '');
