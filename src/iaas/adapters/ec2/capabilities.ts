/** What sites of the types `ec2` and `nimbus` can do. */

import type { Capabilities } from '../../adapter.js';
import { EC2_METRICS } from './cloud-watch.js';
import type { NimbusOptions } from './nimbus-options.js';
import type { Ec2Options } from './options.js';
import { MOST_APART } from './placement-groups.js';

type Choices = Pick<Ec2Options, 'zones' | 'hibernation' | 'metrics' | 'placementGroups'> & {
  readonly network: Pick<Ec2Options['network'], 'vpc' | 'addresses'>;
  readonly images: Pick<Ec2Options['images'], 'bucket' | 'known'>;
  readonly volumes: Pick<Ec2Options['volumes'], 'shared'>;
};

/** Formats of images and what EC2 imports them as. */
export const IMPORTED_AS: Readonly<Record<string, 'RAW' | 'VMDK' | 'VHD'>> = { raw: 'RAW', vmdk: 'VMDK', vhd: 'VHD' };

/** An image that is known by the digest of its file may be of any format, as nobody has to read it. */
export function ec2Formats({ images }: Pick<Choices, 'images'>): readonly string[] {
  if (images.bucket !== undefined) return Object.keys(IMPORTED_AS);
  return images.known.length > 0 ? ['qcow2', ...Object.keys(IMPORTED_AS), 'iso'] : [];
}

export function ec2Capabilities(choices: Choices): Capabilities {
  return {
    compute: new Set([
      'start',
      'stop',
      'restart',
      ...(choices.hibernation ? (['suspend'] as const) : []),
      'save',
      'resize',
    ] as const),
    liveResize: false,
    hotplugNic: true,
    hotplugDisk: true,
    // A subnet is always up.
    network: new Set(choices.network.vpc === undefined ? (['up'] as const) : (['create', 'up'] as const)),
    storage: new Set(['create', 'online', 'backup', 'snapshot', 'resize'] as const),
    sharesVolumes: choices.volumes.shared !== undefined,
    imageFormats: ec2Formats(choices),
    // Measurements are CloudWatch's, another service with prices of its own.
    metrics: choices.metrics === undefined ? [] : EC2_METRICS,
    events: false,
    placement: new Set(['zone', 'country'] as const),
    imageless: false,
    transports: ['user-data'],
    plugsAtCreation: true,
    bootsFromImage: true,
    bootsAtCreation: true,
    // A machine that finds its zone full goes to another one.
    volumesFollow: choices.zones.length !== 1,
    securityGroups: choices.network.vpc !== undefined,
    ...(choices.placementGroups ? { within: { apart: MOST_APART, near: true } } : {}),
    addresses: choices.network.vpc !== undefined && choices.network.addresses,
  };
}

/** Nimbus runs machines of images that are there, in networks that are there, until they are terminated. */
export function nimbusCapabilities({
  images,
}: {
  readonly images: Pick<NimbusOptions['images'], 'known'>;
}): Capabilities {
  return {
    compute: new Set(['start', 'restart'] as const),
    liveResize: false,
    hotplugNic: false,
    hotplugDisk: false,
    network: new Set(['up'] as const),
    // The one disk of a machine, which comes with it.
    storage: new Set(['online'] as const),
    imageFormats: images.known.length > 0 ? ['qcow2', 'raw', 'vmdk', 'vhd', 'iso'] : [],
    metrics: [],
    events: false,
    placement: new Set(['zone', 'country'] as const),
    imageless: false,
    transports: ['user-data'],
    plugsAtCreation: true,
    bootsFromImage: true,
    bootsAtCreation: true,
  };
}
