/**
 * The volumes and images of a simulated site, and how volumes are attached. All take their size from one storage pool.
 * A volume comes up `online`; writable it belongs to one machine at a time unless it is made to be shared, read-only to any number.
 */

import type { AttachmentSpec, SiteRef, StorageSpec } from '../../adapter.js';
import { excerpt } from '../../../base/errors.js';
import { GONE, put, type Attachment, type Image, type Volume } from './cloud.js';
import type { Call, ReadImage } from './command.js';
import { mustTakePlugs, pluggableMachine, readyImage } from './machines.js';
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

type StorageActionName = Extract<Call, { do: 'actStorage' }>['action'];

export function createVolume(step: Step, spec: StorageSpec, token: string): SiteRef {
  const earlier = madeBefore(step, 'storage', token);
  if (earlier !== undefined) return earlier;
  checkText('id', spec.id);
  checkText('name', spec.name);
  checkCount('sizeBytes', spec.sizeBytes);
  const image = spec.image === undefined ? undefined : readyImage(step, spec.image);
  if (image && image.virtualSizeBytes > spec.sizeBytes) {
    refuse('invalid', `image ${image.ref} needs ${image.virtualSizeBytes} bytes, the volume has ${spec.sizeBytes}`);
  }
  const own = [...step.cloud.things.storage.values()].filter((volume) => volume.id !== undefined);
  checkQuota('volumes', own.length + 1, step.config.quota.volumes);
  checkPool(step, spec.sizeBytes);
  const volume: Volume = {
    ...nextRef(step, 'vol'),
    id: spec.id,
    token,
    state: 'offline',
    name: spec.name,
    sizeBytes: spec.sizeBytes,
    claimBytes: spec.sizeBytes,
    ...(spec.shared ? { shared: true } : {}),
    change: underway(step, 'offline', 'storage', 'online'),
  };
  put(step.cloud, 'storage', volume, step.touched, step.at);
  return volume.ref;
}

/** GFD.224 §3.3: `backup` and `snapshot` lead back to online. */
export function actOnVolume(step: Step, ref: SiteRef, action: StorageActionName): void {
  const volume = findOwn(step, 'storage', ref);
  const to = action === 'offline' ? 'offline' : 'online';
  const shown = action === 'backup' || action === 'snapshot' ? { shown: action } : {};
  if (volume.change?.to === to && volume.change.shown === shown.shown) return;
  if (!volume.change && volume.state === to && shown.shown === undefined) return;
  mustRest(volume);
  if (volume.state === 'error') refuse('conflict', `volume ${ref} is in error`);
  if (shown.shown !== undefined && volume.state !== 'online')
    refuse('conflict', `cannot take a ${action} of ${ref} while it is ${volume.state}`);
  if (action === 'offline' && isInUse(step, ref))
    refuse('conflict', `volume ${ref} is attached to a machine that is not stopped`);
  put(
    step.cloud,
    'storage',
    changed(volume, underway(step, volume.state, 'storage', to, shown)),
    step.touched,
    step.at,
  );
}

/** Volumes grow; no site was seen to shrink one. */
export function resizeVolume(step: Step, ref: SiteRef, sizeBytes: number): void {
  const volume = findOwn(step, 'storage', ref);
  checkCount('sizeBytes', sizeBytes);
  if (volume.change ? volume.change.set?.['sizeBytes'] === sizeBytes : volume.sizeBytes === sizeBytes) return;
  mustRest(volume);
  if (volume.state === 'error') refuse('conflict', `volume ${ref} is in error`);
  if (sizeBytes < volume.sizeBytes)
    refuse('invalid', `volume ${ref} has ${volume.sizeBytes} bytes and cannot shrink to ${sizeBytes}`);
  if (step.config.lacks.includes('storage.resizeDetached') && attachmentsOf(step, ref).length === 0)
    refuse('conflict', `volume ${ref} grows only while a machine has it`);
  checkPool(step, sizeBytes - volume.sizeBytes);
  const change = underway(step, volume.state, 'storage', volume.state, { shown: 'resize', set: { sizeBytes } });
  put(step.cloud, 'storage', { ...changed(volume, change), claimBytes: sizeBytes }, step.touched, step.at);
}

export function deleteVolume(step: Step, volume: Volume): void {
  const users = attachmentsOf(step, volume.ref);
  if (users.some((attachment) => attachment.change?.to !== GONE))
    refuse('conflict', `volume ${volume.ref} is attached`);
  if (users.length > 0) refuse('transient', `volume ${volume.ref} is still being detached`);
  put(step.cloud, 'storage', changed(volume, underway(step, volume.state, 'storage', GONE)), step.touched, step.at);
}

export function attachVolume(step: Step, spec: AttachmentSpec, token: string): SiteRef {
  const earlier = madeBefore(step, 'attachment', token);
  if (earlier !== undefined) return earlier;
  checkText('id', spec.id);
  const machine = pluggableMachine(step, spec.compute, 'hotplugDisk');
  const volume = findOwn(step, 'storage', spec.storage);
  mustRest(volume);
  if (volume.state === 'error') refuse('conflict', `volume ${volume.ref} is in error`);
  const readOnly = spec.readOnly ?? false;
  if (readOnly && step.config.lacks.includes('plugsReadOnly'))
    refuse('unsupported', 'this site attaches volumes for reading and writing alone');
  const others = attachmentsOf(step, volume.ref);
  if (others.some((other) => other.compute === machine.ref))
    refuse('conflict', `volume ${volume.ref} is attached to ${machine.ref} already`);
  if (!volume.shared && others.some((other) => !readOnly || !other.readOnly))
    refuse('conflict', `volume ${volume.ref} is attached to another machine`);

  const taken = new Set(
    [...step.cloud.things.attachment.values()]
      .filter((other) => other.compute === machine.ref)
      .map((other) => other.device),
  );
  if (machine.diskBytes > 0) taken.add('vda');
  const device = spec.device === undefined ? freeDevice(taken) : askedDevice(spec.device, taken);
  const attachment: Attachment = {
    ...nextRef(step, 'att'),
    id: spec.id,
    token,
    state: 'active',
    compute: machine.ref,
    storage: volume.ref,
    device,
    readOnly,
    change: underway(step, 'active', 'attach', 'active'),
  };
  put(step.cloud, 'attachment', attachment, step.touched, step.at);
  return attachment.ref;
}

export function detachVolume(step: Step, attachment: Attachment): void {
  mustTakePlugs(step, find(step, 'compute', attachment.compute), 'hotplugDisk');
  put(
    step.cloud,
    'attachment',
    changed(attachment, underway(step, attachment.state, 'attach', GONE)),
    step.touched,
    step.at,
  );
}

export function registerImage(step: Step, spec: ReadImage, token: string): SiteRef {
  const earlier = madeBefore(step, 'image', token);
  if (earlier !== undefined) return earlier;
  checkText('id', spec.id);
  checkText('name', spec.name);
  checkPool(step, spec.sizeBytes);
  const image: Image = {
    ...nextRef(step, 'img'),
    id: spec.id,
    token,
    state: 'inactive',
    name: spec.name,
    format: spec.format,
    sizeBytes: spec.sizeBytes,
    virtualSizeBytes: spec.virtualSizeBytes,
    change: underway(step, 'inactive', 'storage', 'active'),
  };
  put(step.cloud, 'image', image, step.touched, step.at);
  return image.ref;
}

/** Machines and volumes have copies of their own, so an image can go at any time. */
export function deleteImage(step: Step, image: Image): void {
  put(step.cloud, 'image', changed(image, underway(step, image.state, 'storage', GONE)), step.touched, step.at);
}

const attachmentsOf = (step: Step, storage: SiteRef): Attachment[] =>
  [...step.cloud.things.attachment.values()].filter((attachment) => attachment.storage === storage);

function isInUse(step: Step, storage: SiteRef): boolean {
  return attachmentsOf(step, storage).some(({ compute }) => {
    const machine = step.cloud.things.compute.get(compute);
    return machine !== undefined && (machine.state !== 'inactive' || machine.change !== undefined);
  });
}

function freeDevice(taken: ReadonlySet<string>): string {
  for (let index = 0; ; index++) {
    const device = `vd${letters(index)}`;
    if (device !== 'vda' && !taken.has(device)) return device;
  }
}

function askedDevice(asked: string, taken: ReadonlySet<string>): string {
  const device = asked.replace(/^\/dev\//, '');
  if (!/^[a-z0-9]{1,16}$/.test(device)) refuse('invalid', `${excerpt(asked)} is not a device name`);
  if (taken.has(device)) refuse('conflict', `device ${device} is taken`);
  return device;
}

/** a … z, aa … zz, …: how Linux names disks. */
function letters(index: number): string {
  return (index >= 26 ? letters(Math.floor(index / 26) - 1) : '') + String.fromCharCode(97 + (index % 26));
}
