/** Machines on EC2: made with what they are plugged into, moved through their states, resized while they are stopped, and terminated. */

import {
  IaasError,
  type CallOptions,
  type ComputeSize,
  type ComputeSpec,
  type LifecycleAction,
} from '../../adapter.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Images } from './images.js';
import { NOTED, type Instances, type Machine } from './instances.js';
import type { KeyPairs } from './key-pairs.js';
import type { Launches } from './launches.js';
import { listOf } from './marks.js';
import type { NetworkInterfaces } from './network-interfaces.js';
import type { Ec2Options } from './options.js';
import type { Patience } from '../../patience.js';
import { checkSize, SIZE_TAG, sizeTag, type InstanceTypes } from './sizes.js';
import type { Volumes } from './volumes.js';

export interface MachineServices {
  readonly api: Ec2Api;
  readonly instances: Instances;
  readonly launches: Launches;
  readonly types: InstanceTypes;
  readonly images: Images;
  readonly interfaces: NetworkInterfaces;
  readonly keyPairs: KeyPairs;
  readonly volumes: Volumes;
  readonly patience: Patience;
  readonly options: Pick<Ec2Options, 'hibernation'>;
}

/** Methods of OCCI and whether EC2 is told to force. */
const METHODS: Readonly<Record<LifecycleAction, Readonly<Record<string, boolean>>>> = {
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
    checkSpec(spec);
    const { machine, gone } = await this.#services.instances.find(token, call);
    const ref = machine?.id ?? (await this.#services.launches.launch(spec, token, gone, call));
    if (machine?.meaning?.state === 'error') return ref;
    for (const volume of spec.volumes ?? [])
      await this.#services.volumes.attach({ ...volume, compute: ref }, volume.id, call);
    return ref;
  }

  async act(ref: string, action: LifecycleAction, method: string | undefined, call: CallOptions): Promise<void> {
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

  async #ask(id: string, action: LifecycleAction, force: boolean, call: CallOptions): Promise<void> {
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

  async resize(ref: string, size: ComputeSize, call: CallOptions): Promise<void> {
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

  /**
   * Terminates it, and lets go of its key pair. An instance that ended by itself is noted. That EC2 does not show one says little: it
   * is told all the same.
   */
  async remove(ref: string, call: CallOptions): Promise<void> {
    const { instances, api, keyPairs } = this.#services;
    const machine = await instances.leaving(ref, call);
    if (machine === 'gone') return;
    if (machine === 'unseen')
      return void (await api.ask('TerminateInstances', { InstanceIds: [ref] }, call).catch(unlessGone));
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
    if (instance.KeyName) await keyPairs.forget(instance.KeyName, call);
  }
}

function forceOf(action: LifecycleAction, method: string | undefined): boolean {
  if (method === undefined || action === 'start') return false;
  const force = METHODS[action][method];
  if (force !== undefined) return force;
  const known = Object.keys(METHODS[action]).join(', ');
  throw new IaasError('invalid', `EC2 knows no ${action} by this method; it knows: ${known}`);
}

function checkSpec(spec: ComputeSpec): void {
  checkSize(spec);
  if (spec.name === '') throw new IaasError('invalid', 'a machine needs a name');
  if (spec.image === undefined && spec.boot?.storage.image === undefined)
    throw new IaasError('invalid', 'EC2 launches machines from an image, and none is named');
  if ((spec.sshKeys?.length ?? 0) > 1)
    throw new IaasError('invalid', 'EC2 puts one SSH key into a machine, not several');
  if (spec.hostname !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(spec.hostname))
    throw new IaasError('invalid', 'the host name is none: letters, digits, dots and hyphens make one');
  if ((spec.togetherWith?.length ?? 0) > 0)
    throw new IaasError('unsupported', 'EC2 promises of no two machines that they share a host');
}
