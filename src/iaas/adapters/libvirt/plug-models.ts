/** What VEP remembers of a plug that is new. */

import { IaasError, type AttachmentSpec, type NicSpec } from '../../adapter.js';
import { DISK_LETTERS } from './domain-document.js';
import { digestOf, macOf, type DiskModel, type MachineModel, type NicModel } from './marks.js';

/** @throws IaasError `invalid` for what is no MAC address of one machine */
export function newNic(spec: Omit<NicSpec, 'compute'>, token: string, address: string): NicModel {
  const mac = spec.mac?.toLowerCase() ?? macOf(token);
  if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(mac)) throw new IaasError('invalid', 'the MAC address is none');
  return { token: digestOf(token), id: spec.id, network: spec.network, mac, address };
}

/** The device that is asked for where it is one of this site's and free, else the next. */
export function newDisk(
  spec: Omit<AttachmentSpec, 'compute'>,
  token: string,
  { shared }: Pick<DiskModel, 'shared'>,
  { image, disks }: Pick<MachineModel, 'disks'> & { readonly image: string | undefined },
): DiskModel {
  const taken = new Set([...(image === undefined ? [] : ['sda']), ...disks.map(({ device }) => device)]);
  const free = [...DISK_LETTERS].map((letter) => `sd${letter}`).filter((device) => !taken.has(device));
  const asked = spec.device?.replace(/^\/dev\//, '');
  const device = asked !== undefined && free.includes(asked) ? asked : free[0];
  if (device === undefined) throw new IaasError('capacity', `a machine has ${DISK_LETTERS.length} disks at most`);
  return {
    token: digestOf(token),
    id: spec.id,
    volume: spec.storage,
    device,
    ...(spec.readOnly === true ? { readOnly: true } : {}),
    ...(shared ? { shared } : {}),
  };
}
