/**
 * The machines of a simulated site: their life cycle as GFD.224 §3.1 draws it. A new machine is `inactive` until it is
 * started. While a change is under way the machine still shows the state it had; another action meanwhile is refused as
 * `transient`, a second wish for the same goal is granted.
 */

import type { SiteRef } from '../../adapter.js';
import { excerpt } from '../../../base/errors.js';
import type { AskedMachine, Call } from './command.js';
import { GONE, put, type Claim, type Host, type Image, type Machine } from './cloud.js';
import type { Latencies } from './config.js';
import { chooseHost, fits } from './hosts.js';
import {
  changed,
  checkCount,
  checkPool,
  checkQuota,
  checkText,
  find,
  findOwn,
  madeBefore,
  mustRest,
  nextRef,
  refuse,
  underway,
  type Step,
} from './step.js';

type Action = Extract<Call, { do: 'actCompute' }>['action'];

/** For each action: the states it starts from, where it leads, how long it takes, the methods it knows (GFD.224 §3.1). */
const ACTIONS: Readonly<
  Record<
    Action,
    { from: readonly string[]; to: Machine['state']; takes: readonly (keyof Latencies)[]; methods: readonly string[] }
  >
> = {
  start: { from: ['inactive', 'suspended'], to: 'active', takes: ['start'], methods: [] },
  stop: { from: ['active'], to: 'inactive', takes: ['stop'], methods: ['graceful', 'acpioff', 'poweroff'] },
  restart: { from: ['active'], to: 'active', takes: ['stop', 'start'], methods: ['graceful', 'warm', 'cold'] },
  suspend: { from: ['active'], to: 'suspended', takes: ['suspend'], methods: ['hibernate', 'suspend'] },
};

const SAVE_METHODS = ['hot', 'deferred'];

export function createMachine(step: Step, spec: AskedMachine, token: string): SiteRef {
  const earlier = madeBefore(step, 'compute', token);
  if (earlier !== undefined) return earlier;
  checkText('id', spec.id);
  checkText('name', spec.name);
  checkSize(spec);
  if (spec.image === undefined && step.config.lacks.includes('imageless'))
    refuse('invalid', 'a machine needs an image');
  const image = spec.image === undefined ? undefined : readyImage(step, spec.image);
  checkMachineQuota(step, spec, 1);
  if (image) checkPool(step, image.virtualSizeBytes);
  return place(step, chooseHost(step, spec), spec, {
    id: spec.id,
    token,
    diskBytes: image?.virtualSizeBytes ?? 0,
    apartFrom: spec.apartFrom ?? [],
    togetherWith: spec.togetherWith ?? [],
    ...(spec.application === undefined ? {} : { application: spec.application }),
    guest: {
      ...(spec.hostname === undefined ? {} : { hostname: spec.hostname }),
      ...(spec.userData === undefined ? {} : { userData: spec.userData }),
      ...(spec.sshKeys === undefined ? {} : { sshKeys: spec.sshKeys }),
      ...(spec.ovfEnvironment === undefined ? {} : { ovfEnvironment: spec.ovfEnvironment }),
      ...(spec.environmentFiles === undefined ? {} : { environmentFiles: spec.environmentFiles }),
    },
  });
}

/** A machine that belongs to somebody else: it takes room and is nothing to VEP. */
export function createForeign(step: Step, call: Extract<Call, { do: 'createForeign' }>): SiteRef {
  checkSize(call);
  const host = chooseHost(step, { id: '', ...call });
  return place(step, host, call, { diskBytes: 0, apartFrom: [], togetherWith: [], guest: {} });
}

export function actOnMachine(step: Step, ref: SiteRef, name: Action, method: string | undefined): void {
  const action = ACTIONS[name];
  const machine = findOwn(step, 'compute', ref);
  if (method !== undefined && !action.methods.includes(method))
    refuse('invalid', `${name} knows no method ${excerpt(method)}`);
  if (name !== 'restart' && !machine.change && machine.state === action.to) return;
  if (machine.change?.to === action.to) return;
  mustRest(machine);
  if (!action.from.includes(machine.state)) refuse('conflict', `cannot ${name} ${ref} while it is ${machine.state}`);
  put(
    step.cloud,
    'compute',
    changed(machine, underway(step, machine.state, action.takes, action.to)),
    step.touched,
    step.at,
  );
}

export function resizeMachine(step: Step, ref: SiteRef, size: Claim): void {
  const machine = findOwn(step, 'compute', ref);
  checkSize(size);
  const { cores, memoryBytes } = size;
  if (machine.change?.set?.['cores'] === cores && machine.change.set['memoryBytes'] === memoryBytes) return;
  if (!machine.change && machine.cores === cores && machine.memoryBytes === memoryBytes) return;
  mustRest(machine);
  if (machine.state === 'active' && step.config.lacks.includes('compute.liveResize'))
    refuse('unsupported', 'this site resizes only stopped machines');
  if (machine.state !== 'active' && machine.state !== 'inactive')
    refuse('conflict', `cannot resize ${ref} while it is ${machine.state}`);
  checkMachineQuota(step, { cores: cores - machine.cores, memoryBytes: memoryBytes - machine.memoryBytes }, 0);

  const claim = { cores: Math.max(cores, machine.cores), memoryBytes: Math.max(memoryBytes, machine.memoryBytes) };
  const host = step.cloud.hosts.get(machine.host);
  if (
    !host ||
    !fits(host, { cores: claim.cores - machine.cores, memoryBytes: claim.memoryBytes - machine.memoryBytes })
  ) {
    refuse('capacity', `host ${machine.host} has no room for ${cores} cores and ${memoryBytes} bytes of memory`);
  }
  const change = underway(step, machine.state, 'resize', machine.state, { set: { cores, memoryBytes } });
  put(step.cloud, 'compute', { ...changed(machine, change), claim }, step.touched, step.at);
}

/** An image of the boot disk. A deferred save waits for a stop and a start of the machine's own. */
export function saveMachine(step: Step, call: Extract<Call, { do: 'saveCompute' }>): SiteRef {
  const earlier = madeBefore(step, 'image', call.token);
  if (earlier !== undefined) return earlier;
  checkText('name', call.name);
  const machine = findOwn(step, 'compute', call.ref);
  if (call.method !== undefined && !SAVE_METHODS.includes(call.method))
    refuse('invalid', `save knows no method ${excerpt(call.method)}`);
  mustRest(machine);
  if (machine.state === 'error') refuse('conflict', `cannot save ${call.ref} while it is in error`);
  if (machine.diskBytes === 0) refuse('conflict', `${call.ref} has no boot disk to save`);
  checkPool(step, machine.diskBytes);
  const image: Image = {
    ...nextRef(step, 'img'),
    id: call.token,
    token: call.token,
    state: 'inactive',
    name: call.name,
    format: 'qcow2',
    sizeBytes: machine.diskBytes,
    virtualSizeBytes: machine.diskBytes,
    change: underway(step, 'inactive', call.method === 'deferred' ? ['stop', 'save', 'start'] : 'save', 'active'),
  };
  put(step.cloud, 'image', image, step.touched, step.at);
  return image.ref;
}

/** The machine goes, and with it its NICs and attachments; its volumes stay. */
export function deleteMachine(step: Step, machine: Machine): void {
  const { cloud, touched, at } = step;
  const change = underway(step, machine.state, 'delete', GONE);
  put(cloud, 'compute', changed(machine, change), touched, at);
  if (change.to !== GONE) return;
  for (const nic of cloud.things.nic.values()) {
    if (nic.compute === machine.ref) put(cloud, 'nic', changed(nic, { until: change.until, to: GONE }), touched, at);
  }
  for (const attachment of cloud.things.attachment.values()) {
    if (attachment.compute === machine.ref)
      put(cloud, 'attachment', changed(attachment, { until: change.until, to: GONE }), touched, at);
  }
}

/** A machine that something can be plugged into now: one that runs, or is off, or is being prepared. */
export function pluggableMachine(step: Step, ref: SiteRef, hotplug: 'hotplugNic' | 'hotplugDisk'): Machine {
  const machine = findOwn(step, 'compute', ref);
  mustTakePlugs(step, machine, hotplug);
  if (machine.state !== 'active' && machine.state !== 'inactive') refuse('conflict', `${ref} is ${machine.state}`);
  return machine;
}

/** Refuses where nothing can be plugged in or out now. Out is allowed of suspended and failed machines too. */
export function mustTakePlugs(step: Step, machine: Machine, hotplug: 'hotplugNic' | 'hotplugDisk'): void {
  const stillOff = machine.state === 'inactive' && machine.change?.to === 'inactive';
  if (!stillOff) mustRest(machine);
  if (machine.state === 'active' && step.config.lacks.includes(hotplug)) {
    refuse('unsupported', `this site changes only stopped machines (${hotplug})`);
  }
}

/** An image that a disk can be made from now. */
export function readyImage(step: Step, ref: SiteRef): Image {
  const image = find(step, 'image', ref);
  mustRest(image);
  if (image.state !== 'active') refuse('conflict', `image ${ref} is ${image.state}`);
  return image;
}

function place(
  step: Step,
  host: Host,
  size: { readonly name: string } & Claim,
  rest: Pick<Machine, 'diskBytes' | 'apartFrom' | 'togetherWith' | 'guest'> &
    Partial<Pick<Machine, 'id' | 'token' | 'application'>>,
): SiteRef {
  const { name, cores, memoryBytes } = size;
  const machine: Machine = {
    ...nextRef(step, 'vm'),
    state: 'inactive',
    name,
    cores,
    memoryBytes,
    claim: { cores, memoryBytes },
    host: host.config.name,
    ...rest,
    change: underway(step, 'inactive', 'create', rest.id === undefined ? 'active' : 'inactive'),
  };
  put(step.cloud, 'compute', machine, step.touched, step.at);
  return machine.ref;
}

function checkSize(size: Claim): void {
  checkCount('cores', size.cores);
  checkCount('memoryBytes', size.memoryBytes);
}

function checkMachineQuota(step: Step, more: Claim, machines: number): void {
  const { quota } = step.config;
  if (quota.machines === undefined && quota.cores === undefined && quota.memoryBytes === undefined) return;
  const own = [...step.cloud.things.compute.values()].filter((machine) => machine.id !== undefined);
  const sum = (of: (machine: Machine) => number): number => own.reduce((total, machine) => total + of(machine), 0);
  if (machines > 0) checkQuota('machines', own.length + machines, quota.machines);
  if (more.cores > 0) checkQuota('cores', sum(({ claim }) => claim.cores) + more.cores, quota.cores);
  if (more.memoryBytes > 0)
    checkQuota('memory', sum(({ claim }) => claim.memoryBytes) + more.memoryBytes, quota.memoryBytes);
}
