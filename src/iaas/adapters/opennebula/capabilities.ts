/** What an OpenNebula site can do. */

import type { Capabilities } from '../../adapter.js';
import { OPENNEBULA_METRICS } from './metrics.js';
import type { NetworkOptions } from './options.js';
import { OPENNEBULA_LIMITS } from './shares.js';

export const OPENNEBULA_FORMATS: readonly string[] = ['qcow2', 'raw'];
/** The only format of which QEMU lets several machines have a disk. */
export const SHARED_FORMAT = 'raw';

export interface CapabilityChoices {
  readonly liveResize: boolean;
  readonly networks: Omit<NetworkOptions, 'prefix'>;
  /** Limits of Virtual Organizations are written into the quotas of their groups. */
  readonly limits: boolean;
  /** It is told what EFI is called. */
  readonly efi: boolean;
  /** Several machines can have a volume at a time. */
  readonly shares: boolean;
}

export function openNebulaCapabilities({
  liveResize,
  networks: { reserveFrom, isolated, publicFrom },
  limits,
  efi,
  shares,
}: CapabilityChoices): Capabilities {
  const makesNetworks = reserveFrom.length > 0 || isolated !== undefined;
  return {
    compute: new Set(['start', 'stop', 'restart', 'suspend', 'save', 'resize'] as const),
    liveResize,
    hotplugNic: true,
    hotplugDisk: true,
    // A virtual network is always up.
    network: new Set(makesNetworks ? (['create', 'up'] as const) : (['up'] as const)),
    storage: new Set(['create', 'online', 'offline', 'backup', 'snapshot', 'resize'] as const),
    // oned grows disks of machines, and no image by itself.
    resizesAttached: true,
    ...(shares ? { sharesVolumes: true, sharedImageFormats: [SHARED_FORMAT] } : {}),
    plugsReadOnly: true,
    imageFormats: OPENNEBULA_FORMATS,
    metrics: OPENNEBULA_METRICS,
    events: true,
    placement: new Set(['host', 'rack', 'zone', 'country'] as const),
    imageless: false,
    transports: ['context', 'user-data'],
    plugsAtCreation: true,
    ...(efi ? { firmwares: new Set(['efi'] as const) } : {}),
    ...(limits ? { limits: new Set(OPENNEBULA_LIMITS) } : {}),
    securityGroups: true,
    accounting: true,
    addresses: makesNetworks && publicFrom.length > 0,
  };
}
