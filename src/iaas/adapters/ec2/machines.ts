/**
 * Machines on EC2: launched at once (EC2 knows no machine that has never run) under a client token, so that a second try
 * is the first, moved through their states, resized while they are stopped, and terminated.
 */

import type { _InstanceType as InstanceTypeName } from '@aws-sdk/client-ec2';
import { IaasError, type CallOptions, type ComputeSpec } from '../../adapter.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Bootable, Images } from './images.js';
import { NOTED, type Instances, type Machine } from './instances.js';
import { digestOf, listOf, tagged, tagsOf, uniqueName } from './marks.js';
import type { NetworkInterfaces } from './network-interfaces.js';
import type { Ec2Options } from './options.js';
import type { Patience } from './patience.js';
import type { PlacementGroup, PlacementGroups } from './placement-groups.js';
import { checkSize, SIZE_TAG, sizeTag, type InstanceType, type InstanceTypes, type Size } from './sizes.js';
import { userDataOf } from './user-data.js';
import { bootTags, type Volumes } from './volumes.js';

export interface MachineServices {
  readonly api: Ec2Api;
  readonly instances: Instances;
  readonly types: InstanceTypes;
  readonly images: Images;
  readonly interfaces: NetworkInterfaces;
  readonly volumes: Volumes;
  readonly groups: PlacementGroups;
  readonly patience: Patience;
  readonly options: Ec2Options;
}

/** Everything that a launch needs to know beside what is asked for. */
interface Launch {
  readonly image: Bootable;
  readonly type: InstanceType;
  /** How many EC2 still shows that were made for the token and are gone. */
  readonly gone: number;
}

type Action = 'start' | 'stop' | 'restart' | 'suspend';

/** Methods of OCCI and whether EC2 is told to force. */
const METHODS: Readonly<Record<Action, Readonly<Record<string, boolean>>>> = {
  start: {},
  stop: { graceful: false, acpioff: false, poweroff: true },
  // EC2 resets what does not restart by itself within minutes.
  restart: { graceful: false, warm: false, cold: false },
  suspend: { hibernate: false, suspend: false },
};
const TARGET = { start: 'active', stop: 'inactive', restart: 'active', suspend: 'suspended' } as const;

export class Machines {
  readonly #services: MachineServices;

  constructor(services: MachineServices) {
    this.#services = services;
  }

  /** EC2 attaches volumes to nothing that has not come up: a machine that is to have some is made when it has them. */
  async create(spec: ComputeSpec, token: string, call: CallOptions): Promise<string> {
    checkSpec(spec, this.#services.options);
    const { machine, gone } = await this.#services.instances.find(token, call);
    const ref = machine?.id ?? (await this.#launch(spec, token, gone, call));
    if (machine?.meaning?.state === 'error') return ref;
    for (const volume of spec.volumes ?? [])
      await this.#services.volumes.attach({ ...volume, compute: ref }, volume.id, call);
    return ref;
  }

  async #launch(spec: ComputeSpec, token: string, gone: number, call: CallOptions): Promise<string> {
    const { images, types, groups, options } = this.#services;
    const image = await images.bootable(spec.image ?? spec.boot?.storage.image ?? '', call);
    const strategy = groups.needed(spec);
    const needs = {
      architecture: image.architecture,
      interfaces: spec.nics?.length ?? 0,
      hibernates: options.hibernation,
      ...(strategy === undefined ? {} : { strategy }),
    };
    const type = await types.fitting(spec, needs, call);
    try {
      return await this.#grouped({ image, type, gone }, spec, token, call);
    } catch (error) {
      return this.#afterFailure(error, spec, token, call);
    }
  }

  /** Into the group of its neighbours; to be near them is a wish, without which it is launched where there is no room. */
  async #grouped(launch: Launch, spec: ComputeSpec, token: string, call: CallOptions): Promise<string> {
    const group = await this.#services.groups.of(spec, launch.type, call);
    try {
      return await this.#run(launch, group, spec, token, call);
    } catch (error) {
      const alone = group?.strategy === 'cluster' && error instanceof IaasError && error.class === 'capacity';
      if (!alone) throw error;
      return this.#run(launch, undefined, spec, token, call);
    }
  }

  async #run(
    { image, type, gone }: Launch,
    group: PlacementGroup | undefined,
    spec: ComputeSpec,
    token: string,
    call: CallOptions,
  ): Promise<string> {
    const { api, instances, interfaces, options } = this.#services;
    const tags = tagsOf(options.realm, spec, token, { [SIZE_TAG]: sizeTag(spec, type.name) });
    const key = await this.#keyOf(spec, token, call);
    const nics = await interfaces.prepare(spec, call);
    const answer = await api.ask(
      'RunInstances',
      {
        ImageId: image.ref,
        MinCount: 1,
        MaxCount: 1,
        InstanceType: type.name as InstanceTypeName,
        // A token stands for one instance for ever; one that is gone needs another.
        ClientToken: gone === 0 ? digestOf(token) : `${digestOf(token)}-${gone}`,
        Placement: { AvailabilityZone: options.zone, ...(group ? { GroupName: group.name } : {}) },
        NetworkInterfaces: nics,
        BlockDeviceMappings: [
          {
            DeviceName: image.rootDevice,
            Ebs: {
              VolumeSize: Math.max(image.rootGib, gibOf(spec.boot?.storage.sizeBytes ?? 0)),
              VolumeType: options.volumes.type,
              DeleteOnTermination: true,
              ...(options.volumes.encrypted || options.hibernation ? { Encrypted: true } : {}),
            },
          },
        ],
        InstanceInitiatedShutdownBehavior: 'stop',
        MetadataOptions: { HttpTokens: options.metadataTokens, HttpEndpoint: 'enabled' },
        TagSpecifications: [
          ...tagged('instance', tags),
          ...(spec.boot ? tagged('volume', bootTags(options.realm, spec.boot)) : []),
        ],
        ...(options.hibernation ? { HibernationOptions: { Configured: true } } : {}),
        ...(key === undefined ? {} : { KeyName: key }),
        ...userDataOf(spec),
      },
      call,
    );
    const made = answer.Instances?.[0]?.InstanceId;
    if (made === undefined) throw new IaasError('transient', 'EC2 answers without an instance', 'no instance');
    instances.born(made, spec.id, { cores: spec.cores, memoryBytes: spec.memoryBytes });
    return made;
  }

  /** A token that was used already with something else; or a launch that came to nothing, whose parts must not stay. */
  async #afterFailure(error: unknown, spec: ComputeSpec, token: string, call: CallOptions): Promise<string> {
    if (isCode(error, /^IdempotentParameterMismatch$/)) {
      const { machine } = await this.#services.instances.find(token, call);
      if (machine) return machine.id;
      throw new IaasError('transient', 'EC2 does not show the instance of this token yet', 'not shown', error);
    }
    if (isCode(error, /^InvalidPlacementGroup\.Unknown$/))
      throw new IaasError('transient', 'EC2 does not show the new placement group yet', 'not shown', error);
    if (error instanceof IaasError && error.class !== 'transient') {
      await this.#services.interfaces.discard(spec, call).catch(() => undefined);
      await this.#forgetKey(uniqueName(this.#services.options.realm, token), call).catch(() => undefined);
    }
    throw error;
  }

  /** EC2 puts one key into a machine, out of a key pair that has a name: one of its own for each machine. */
  async #keyOf(spec: ComputeSpec, token: string, call: CallOptions): Promise<string | undefined> {
    const [key] = spec.sshKeys ?? [];
    if (key === undefined) return undefined;
    const { api, options } = this.#services;
    const name = uniqueName(options.realm, token);
    const material = { KeyName: name, PublicKeyMaterial: Buffer.from(key, 'utf8') };
    const tags = tagged('key-pair', tagsOf(options.realm, spec, token));
    await api.ask('ImportKeyPair', { ...material, TagSpecifications: tags }, call).catch((error: unknown) => {
      if (!isCode(error, /^InvalidKeyPair\.Duplicate$/)) throw error;
    });
    return name;
  }

  async #forgetKey(name: string, call: CallOptions): Promise<void> {
    if (!name.startsWith(`${this.#services.options.realm}-`)) return;
    await this.#services.api.ask('DeleteKeyPair', { KeyName: name }, call).catch(unlessGone);
  }

  async act(ref: string, action: Action, method: string | undefined, call: CallOptions): Promise<void> {
    const force = forceOf(action, method);
    const machine = await this.#services.instances.own(ref, call);
    const { meaning } = machine;
    if (meaning?.state === 'error') {
      throw new IaasError('conflict', `the instance has failed (${meaning.message ?? 'without a reason'}): delete it`);
    }
    const target = TARGET[action];
    if (action !== 'restart' && (meaning?.busy ? meaning.heading : meaning?.state) === target) return;
    if (meaning?.busy)
      throw new IaasError('transient', `the instance is ${machine.instance.State?.Name}`, machine.instance.State?.Name);
    if (meaning?.state !== 'active' && (action === 'restart' || action === 'suspend'))
      throw new IaasError('conflict', `a machine that is ${meaning?.state ?? 'gone'} cannot ${action}`);
    if (meaning?.state === 'suspended' && action === 'stop')
      throw new IaasError('conflict', 'EC2 stops no instance that hibernates: start it first');
    try {
      await this.#ask(machine.id, action, force, call);
    } catch (error) {
      if (!isCode(error, /^Incorrect(Instance)?State$/)) throw error;
      // It was seen before an earlier wish showed.
      const now = (await this.#services.instances.own(ref, call)).meaning;
      if (action !== 'restart' && (now?.busy ? now.heading : now?.state) === target) return;
      if (now?.busy) throw new IaasError('transient', 'the instance is on its way', (error as IaasError).said, error);
      throw error;
    }
    if (action !== 'restart') await this.#moved(machine, call);
  }

  async #ask(id: string, action: Action, force: boolean, call: CallOptions): Promise<void> {
    const { api } = this.#services;
    const InstanceIds = [id];
    switch (action) {
      case 'start':
        return void (await api.ask('StartInstances', { InstanceIds }, call));
      case 'restart':
        return void (await api.ask('RebootInstances', { InstanceIds }, call));
      case 'stop':
        return void (await api.ask('StopInstances', { InstanceIds, ...(force ? { Force: true } : {}) }, call));
      case 'suspend':
        return void (await api.ask('StopInstances', { InstanceIds, Hibernate: true }, call));
    }
  }

  /** Waits until EC2 shows another state than before. */
  async #moved(before: Machine, call: CallOptions): Promise<void> {
    await this.#services.patience.settled(call, async () => {
      const now = await this.#services.instances.look(before.id, call);
      return now?.instance.State?.Name !== before.instance.State?.Name;
    });
  }

  async resize(ref: string, size: Size, call: CallOptions): Promise<void> {
    checkSize(size);
    const { instances, types, images, api, options } = this.#services;
    const machine = await instances.own(ref, call);
    const { instance, meaning } = machine;
    const now = instances.sizeOf(instance, await types.all(call));
    if (now.cores === size.cores && now.memoryBytes === size.memoryBytes) return;
    if (meaning?.busy)
      throw new IaasError('transient', `the instance is ${instance.State?.Name}`, instance.State?.Name);
    if (meaning?.state !== 'inactive')
      throw new IaasError('conflict', 'EC2 resizes only instances that are stopped: stop it first');
    const image = await images.bootable(instance.ImageId ?? '', call).catch(() => undefined);
    const architecture = image?.architecture ?? instance.Architecture;
    const type = await types.fitting(
      size,
      {
        ...(architecture === undefined ? {} : { architecture }),
        interfaces: instance.NetworkInterfaces?.length ?? 1,
        hibernates: options.hibernation,
      },
      call,
    );
    if (type.name !== instance.InstanceType)
      await api.ask('ModifyInstanceAttribute', { InstanceId: ref, InstanceType: { Value: type.name } }, call);
    const tag = listOf({ [SIZE_TAG]: sizeTag(size, type.name) });
    await api.ask('CreateTags', { Resources: [ref], Tags: tag }, call);
  }

  /** Terminates it, and lets go of its key pair. An instance that ended by itself is noted. */
  async remove(ref: string, call: CallOptions): Promise<void> {
    const { instances, api } = this.#services;
    const machine = await instances.own(ref, call).catch((error: unknown) => {
      if (error instanceof IaasError && error.class === 'not-found') return undefined;
      throw error;
    });
    if (!machine) return;
    const { meaning, instance } = machine;
    if (meaning?.heading !== 'gone') {
      if (instance.State?.Name === 'terminated') {
        await api.ask('CreateTags', { Resources: [ref], Tags: listOf({ [NOTED]: 'yes' }) }, call).catch(unlessGone);
      } else {
        await this.#services.interfaces.goWith(machine, call);
        await api.ask('TerminateInstances', { InstanceIds: [ref] }, call).catch(unlessGone);
        await this.#moved(machine, call);
      }
    }
    if (instance.KeyName) await this.#forgetKey(instance.KeyName, call);
  }
}

function forceOf(action: Action, method: string | undefined): boolean {
  if (method === undefined || action === 'start') return false;
  const force = METHODS[action][method];
  if (force !== undefined) return force;
  const known = Object.keys(METHODS[action]).join(', ');
  throw new IaasError('invalid', `EC2 knows no ${action} by this method; it knows: ${known}`);
}

function checkSpec(spec: ComputeSpec, options: Ec2Options): void {
  checkSize(spec);
  if (spec.name === '') throw new IaasError('invalid', 'a machine needs a name');
  if (spec.image === undefined && spec.boot?.storage.image === undefined)
    throw new IaasError('invalid', 'EC2 launches machines from an image, and none is named');
  if ((spec.sshKeys?.length ?? 0) > 1)
    throw new IaasError('invalid', 'EC2 puts one SSH key into a machine, not several');
  if (spec.hostname !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(spec.hostname))
    throw new IaasError('invalid', 'the host name is none: letters, digits, dots and hyphens make one');
  if (spec.host !== undefined && spec.host !== options.zone)
    throw new IaasError('not-found', `this site is the availability zone ${options.zone} and has no other host`);
  if ((spec.togetherWith?.length ?? 0) > 0)
    throw new IaasError('unsupported', 'EC2 promises of no two machines that they share a host');
  if ((spec.apartFrom?.length ?? 0) > 0 && !options.placementGroups)
    throw new IaasError('unsupported', 'this EC2 keeps no machines apart within a zone (placementGroups)');
}

export const gibOf = (bytes: number): number => Math.ceil(bytes / 2 ** 30);
