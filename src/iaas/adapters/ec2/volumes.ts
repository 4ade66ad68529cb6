/**
 * Volumes of EBS, and what they are attached to, see volume-links.ts. The disk a machine boots from is made by EC2 with the machine; it
 * carries the marks of both the volume and the link from the start, and goes with the machine.
 */

import type { Instance, Volume, VolumeAttachment } from '@aws-sdk/client-ec2';
import { IaasError, type AttachmentSpec, type CallOptions, type Observed, type StorageSpec } from '../../adapter.js';
import { kept } from '../../kept-text.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Images } from './images.js';
import type { Instances, Machine } from './instances.js';
import { digestOf, listOf, marksIn, nameIn, ours, oursFor, tagged, tagOf, tagsOf } from './marks.js';
import type { In } from './operations.js';
import type { Ec2Options } from './options.js';
import type { Patience } from '../../patience.js';
import { VOLUME } from './states.js';
import { formerHolders, isBoot, isShared, LEFT, linkKey, linksOf, linkTag } from './volume-links.js';
import type { Zones } from './zones.js';

export interface VolumeServices {
  readonly api: Ec2Api;
  readonly zones: Zones;
  readonly instances: Instances;
  readonly images: Images;
  readonly patience: Patience;
  readonly options: Ec2Options;
}

const GIB = 2 ** 30;
/** Largest volume of EBS, in GiB. */
const LARGEST = 65_536;
/** GiB that a volume of provisioned IOPS has at least, and IOPS that it can have for each. */
const SHARED = { least: 4, ratio: { io1: 50, io2: 500 } } as const;
/** Instances that can have one volume at a time. */
const MOST_HOLDERS = 16;
const REF = /^vol-[0-9a-f]{8,17}$/;
const DEVICES = [...'fghijklmnop'].map((letter) => `/dev/sd${letter}`);

/** EC2 is taking it off its instance, which can last as long as the instance holds on to it. */
const isLeaving = ({ State }: VolumeAttachment): boolean => State === 'detaching' || State === 'busy';

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
    const zone = await this.#zoneFor(spec, call);
    const image = spec.image === undefined ? undefined : await images.bootable(spec.image, call);
    const kind = this.#kindOf(spec);
    const size = Math.max(Math.ceil(spec.sizeBytes / GIB), image?.rootGib ?? 0, kind.least);
    if (size > LARGEST || size * GIB > (await this.freeBytes(call)))
      throw new IaasError('capacity', `a volume of ${size} GiB is more than this site has left`);
    const answer = await api.ask(
      'CreateVolume',
      {
        AvailabilityZone: zone,
        Size: size,
        ...kind.of(size),
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

  /** What is asked for beside a size, and how large it is at least. Multi-Attach is for volumes of provisioned IOPS alone. */
  #kindOf({ shared: isForSeveral }: StorageSpec): {
    readonly least: number;
    readonly of: (size: number) => Pick<In<'CreateVolume'>, 'VolumeType' | 'Iops' | 'MultiAttachEnabled'>;
  } {
    const { type, shared } = this.#services.options.volumes;
    if (!isForSeveral) return { least: 1, of: () => ({ VolumeType: type }) };
    if (!shared)
      throw new IaasError('unsupported', 'this site gives a volume to one machine at a time (volumes.shared)');
    const { least, ratio } = SHARED;
    return {
      least,
      of: (size) => ({
        VolumeType: shared.type,
        Iops: Math.min(shared.iops, size * ratio[shared.type]),
        MultiAttachEnabled: true,
      }),
    };
  }

  /** Where its machine is; the first of all zones for one that is for none, in which machines are tried first too. */
  async #zoneFor({ madeFor }: StorageSpec, call: CallOptions): Promise<string> {
    const { zones, instances } = this.#services;
    const [first = ''] = await zones.all(call);
    if (madeFor === undefined) return first;
    return (await instances.own(madeFor, call)).instance.Placement?.AvailabilityZone ?? first;
  }

  /** What the site may still take, by the administrator's word: EC2 tells of no end before it is reached. */
  async freeBytes(call: CallOptions): Promise<number> {
    const used = (await this.ours(call)).reduce((sum, { Size }) => sum + (Size ?? 0), 0);
    return Math.max(0, this.#services.options.capacity.storageGib - used) * GIB;
  }

  async remove(ref: string, call: CallOptions): Promise<void> {
    const { api, patience } = this.#services;
    const { volume } = await patience.until(call, 'the volume is on its way off a machine', async () => {
      const seen = await this.look(ref, call);
      return seen && linksOf(seen).length === 0 && seen.Attachments?.some(isLeaving) ? undefined : { volume: seen };
    });
    if (!volume || volume.State === 'deleting' || volume.State === 'deleted') return;
    await this.own(ref, call);
    if (isBoot(volume) && volume.Attachments?.[0]) {
      await api.ask('CreateTags', { Resources: [ref], Tags: listOf({ [LEFT]: 'volume' }) }, call).catch(unlessGone);
      return;
    }
    if (linksOf(volume).length > 0) throw new IaasError('conflict', 'a machine has this volume');
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
    if (isShared(volume) && volume.VolumeType === 'io1')
      throw new IaasError('unsupported', 'EBS lets no volume of the type io1 grow that several machines can have');
    await api.ask('ModifyVolume', { VolumeId: ref, Size: size }, call);
    await patience.settled(call, async () => (await this.look(ref, call))?.Size === size);
  }

  /** Attaches, and says on the volume for whom: whoever comes back after a lost answer finds the one without the other. */
  async attach(spec: AttachmentSpec, token: string, call: CallOptions): Promise<string> {
    if (spec.readOnly === true) throw new IaasError('unsupported', 'EC2 attaches no volume for reading only');
    const { api, instances, patience } = this.#services;
    const digest = digestOf(token);
    const tag = linkTag(spec.compute, token, spec.id);
    listOf({ tag });
    await patience.until(call, 'volume or instance are on their way to another state', async () => {
      const volume = await this.own(spec.storage, call);
      const links = linksOf(volume);
      const link = links.find(({ instance }) => instance === spec.compute);
      if (link?.token === digest) return true;
      const all = volume.Attachments ?? [];
      const here = all.find(({ InstanceId }) => InstanceId === spec.compute);
      const others = isShared(volume) ? [] : all.filter((each) => each !== here);
      if ([here, ...others].some((each) => each && isLeaving(each))) return undefined;
      if (others.length > 0 || (here && link)) throw new IaasError('conflict', 'the volume is attached already');
      if (!here) {
        if (all.length >= MOST_HOLDERS)
          throw new IaasError('capacity', `EBS attaches a volume to ${MOST_HOLDERS} machines at most`);
        const machine = await instances.own(spec.compute, call);
        mustBeTogether(volume, machine.instance);
        const isReady = volume.State === 'available' || (isShared(volume) && volume.State === 'in-use');
        if (machine.meaning?.busy === true || !isReady) return undefined;
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
        await this.#forget(volume, spec.compute, call);
      }
      await api.ask(
        'CreateTags',
        { Resources: [spec.storage], Tags: listOf({ [linkKey(volume, spec.compute)]: tag }) },
        call,
      );
      return true;
    });
    return `${spec.storage}:${digest}`;
  }

  /** Takes the marks of instances that are gone from a volume: EC2 gives it room for fifty. */
  async #forget(volume: Volume, but: string, call: CallOptions): Promise<void> {
    const former = formerHolders(volume).filter((instance) => instance !== but);
    if (former.length === 0) return;
    const { api, instances } = this.#services;
    const machines = await instances.some(former, call);
    const gone = former.filter((instance) => (machines.get(instance)?.meaning?.heading ?? 'gone') === 'gone');
    const Tags = gone.map((instance) => ({ Key: linkKey(volume, instance) }));
    if (Tags.length > 0) await api.ask('DeleteTags', { Resources: [volume.VolumeId ?? ''], Tags }, call);
  }

  async detach(ref: string, call: CallOptions): Promise<void> {
    const [storage = '', digest = ''] = ref.split(':');
    const { api, options, patience } = this.#services;
    const volume = await this.look(storage, call);
    const link = volume && linksOf(volume).find(({ token }) => token === digest);
    if (!volume || !link || !marksIn(volume.Tags, options.realm)) return;
    const note = (attributes: Readonly<Record<string, string>>): Promise<unknown> =>
      api.ask('CreateTags', { Resources: [storage], Tags: listOf(attributes) }, call).catch(unlessGone);
    if (link.boot) {
      if (tagOf(volume.Tags, LEFT) === undefined) await note({ [LEFT]: 'link' });
      return;
    }
    await api.ask('DetachVolume', { VolumeId: storage, InstanceId: link.instance }, call).catch((error: unknown) => {
      if (!isCode(error, /^Incorrect|NotFound$/)) throw error;
    });
    // Whoever wants the volume next must not take it for attached to stay.
    await patience.settled(call, async () => {
      const seen = await this.look(storage, call);
      const left = seen?.Attachments?.find(({ InstanceId }) => InstanceId === link.instance);
      return left === undefined || isLeaving(left);
    });
    const Key = linkKey(volume, link.instance);
    if (!isShared(volume)) await note({ [Key]: '' });
    else await api.ask('DeleteTags', { Resources: [storage], Tags: [{ Key }] }, call).catch(unlessGone);
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
        ...nameIn(tags),
        state: meaning.state,
        busy: 'busy' in meaning || tagOf(tags, LEFT) === 'volume',
        sizeBytes: size * GIB,
        ...(meaning.state === 'error' ? { message: `EC2 reports the volume as ${state}` } : {}),
      },
    ];
  }

  /** The attachments of volumes in OCCI's words. */
  async observeLinks(volumes: readonly Volume[], call: CallOptions): Promise<Observed[]> {
    const links = volumes
      .filter(({ Tags: tags }) => tagOf(tags, LEFT) === undefined)
      .flatMap((volume) => linksOf(volume).map((link) => ({ volume, link })));
    const ids = links.map(({ link }) => link.instance);
    const machines = ids.length === 0 ? new Map<string, Machine>() : await this.#services.instances.some(ids, call);
    return links.flatMap(({ volume, link: { instance, token, id, attachment } }): Observed[] => {
      const meaning = machines.get(instance)?.meaning;
      if (!meaning || meaning.heading === 'gone') return [];
      return [
        {
          class: 'attachment',
          ref: `${volume.VolumeId}:${token}`,
          id,
          state: meaning.state === 'active' ? 'active' : 'inactive',
          busy: attachment.State === 'attaching' || attachment.State === 'detaching' || meaning.busy === true,
          device: attachment.Device ?? '',
        },
      ];
    });
  }
}

/** @throws IaasError `conflict` where the two are in different zones, between which EC2 attaches nothing */
function mustBeTogether(
  { AvailabilityZone: here }: Volume,
  { Placement: { AvailabilityZone: there } = {} }: Instance,
): void {
  if (here === undefined || there === undefined || here === there) return;
  throw new IaasError(
    'conflict',
    `the volume is in ${here} and the machine in ${there}: make the machine with a link to the volume, and it is launched where the volume is`,
  );
}

function freeDevice({ BlockDeviceMappings: mappings = [] }: Instance, wanted: string | undefined): string {
  const used = new Set(mappings.map(({ DeviceName }) => DeviceName));
  const [free] = [wanted, ...DEVICES].filter((name) => name !== undefined && DEVICES.includes(name) && !used.has(name));
  if (free !== undefined) return free;
  throw new IaasError('capacity', 'the instance has no device name left');
}

const isTakenDevice = (error: unknown): boolean =>
  isCode(error, /^InvalidParameterValue$/) && /already in use/i.test((error as IaasError).said ?? '');
