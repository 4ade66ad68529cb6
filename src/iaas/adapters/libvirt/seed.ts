/**
 * The CD of a guest: its OVF environment (DSP0243 §11.2) and the seed of cloud-init's NoCloud beside it, which is why the
 * volume has NoCloud's name: whoever looks for `ovf-env.xml` goes by the file. It is written anew before each cold start, as
 * machines may have other interfaces by then.
 */

import type { JsonObject } from '../../../base/json.js';
import { buildIso, environmentFilesOf, NO_CLOUD_VOLUME, seedFiles } from '../../../ovf/index.js';
import type { GuestRecord } from './home.js';
import type { MachineModel } from './marks.js';

export interface SeedNetwork {
  readonly cidr: string;
  readonly gateway?: string;
}

export function seedCd(
  guest: GuestRecord,
  model: MachineModel,
  networkOf: (ref: string) => SeedNetwork | undefined,
): Uint8Array {
  const metaData = {
    'instance-id': guest.instanceId,
    ...(guest.hostname === undefined ? {} : { 'local-hostname': guest.hostname }),
    ...(guest.sshKeys === undefined ? {} : { 'public-keys': [...guest.sshKeys] }),
  };
  const files = seedFiles({
    configuration: {},
    metaData: `${yaml(metaData)}\n`,
    userData: guest.userData ?? '#cloud-config\n{}\n',
    networkConfig: `${yaml(networkConfig(model, networkOf))}\n`,
  });
  const environment =
    guest.ovfEnvironment === undefined ? [] : environmentFilesOf(guest.ovfEnvironment, guest.environmentFiles);
  return buildIso([...files, ...environment], NO_CLOUD_VOLUME);
}

/** Version 2 of cloud-init's network configuration: what VEP has leased is fixed, the way out is found by DHCP. */
function networkConfig(
  { access, nics }: MachineModel,
  networkOf: (ref: string) => SeedNetwork | undefined,
): JsonObject {
  const ethernets: Record<string, JsonObject> = {};
  if (access) ethernets['access'] = { match: { macaddress: access.mac }, dhcp4: true };
  nics.forEach((nic, index) => {
    const network = networkOf(nic.network);
    const prefix = network?.cidr.split('/')[1] ?? '24';
    const leads = access === undefined && index === 0 ? network?.gateway : undefined;
    ethernets[`net${index}`] = {
      match: { macaddress: nic.mac },
      dhcp4: false,
      addresses: [`${nic.address}/${prefix}`],
      ...(leads === undefined ? {} : { routes: [{ to: '0.0.0.0/0', via: leads }] }),
    };
  });
  return { version: 2, ethernets };
}

/** JSON is YAML but for a few characters that YAML wants escaped. */
function yaml(value: JsonObject): string {
  return JSON.stringify(value, undefined, 2).replace(
    /[^\x20-\x7e\n]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
