/** What an OpenStack site can do. */

import type { Capabilities } from '../../adapter.js';
import { OPENSTACK_METRICS } from './metrics.js';
import { OPENSTACK_LIMITS } from './shares.js';

/** Formats of disks that Nova boots on its usual hypervisors. */
const FORMATS: readonly string[] = ['qcow2', 'raw', 'vmdk', 'vdi', 'vhd'];

export interface CapabilityChoices {
  /** An external network is named, see {@link OpenStackOptions.networks}. */
  readonly addresses: boolean;
  /** The account may choose hosts; see {@link HostOptions}. */
  readonly choose: boolean;
  /** Limits of Virtual Organizations are written into the quotas of their projects. */
  readonly limits: boolean;
  /** The account may read Nova's diagnostics. */
  readonly measures: boolean;
  /** A volume type is named for volumes that several machines have at a time. */
  readonly shares: boolean;
}

export function openStackCapabilities({
  addresses,
  choose,
  limits,
  measures,
  shares,
}: CapabilityChoices): Capabilities {
  return {
    compute: new Set(['start', 'stop', 'restart', 'suspend', 'save', 'resize'] as const),
    // Nova switches the guest off and on again.
    liveResize: false,
    hotplugNic: true,
    hotplugDisk: true,
    network: new Set(['create', 'up', 'down'] as const),
    // A volume is always online; one whose data is copied elsewhere needs a service that few clouds have.
    storage: new Set(['create', 'online', 'snapshot', 'resize'] as const),
    sharesVolumes: shares,
    imageFormats: FORMATS,
    exportsImages: true,
    metrics: measures ? OPENSTACK_METRICS : [],
    events: true,
    placement: new Set(choose ? (['host', 'zone', 'country'] as const) : (['zone', 'country'] as const)),
    imageless: false,
    transports: ['user-data'],
    plugsAtCreation: true,
    bootsAtCreation: true,
    ...(limits ? { limits: new Set(OPENSTACK_LIMITS) } : {}),
    securityGroups: true,
    addresses,
  };
}
