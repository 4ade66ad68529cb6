/** What an adapter says it can do, as the Markdown table of its page in `docs/adapters/`. */

import type { Capabilities } from './adapter.js';

export function capabilityTable(can: Capabilities): string {
  const yes = (value: boolean): string => (value ? 'yes' : 'no');
  const names = (values: Iterable<string>): string => [...values].map((value) => `\`${value}\``).join(', ') || 'none';
  const rows: readonly (readonly [string, string])[] = [
    ['Actions on machines', names(can.compute)],
    ['Resize of a running machine', yes(can.liveResize)],
    ['Network interfaces on a running machine', yes(can.hotplugNic)],
    ['Volumes on a running machine', yes(can.hotplugDisk)],
    ['Networks', names(can.network)],
    ['Volumes', names(can.storage)],
    ...(can.resizesAttached === true ? [['Resize of volumes', 'while a machine has them'] as const] : []),
    ...(can.sharesVolumes === true ? [['Volumes of several machines at a time', 'yes'] as const] : []),
    ...(can.sharedImageFormats ? [['Images of such volumes', names(can.sharedImageFormats)] as const] : []),
    ...(can.plugsReadOnly === true ? [['Volumes for reading only', 'yes'] as const] : []),
    ['Image formats', names(can.imageFormats)],
    ['Images for other sites', yes(can.exportsImages === true)],
    ['Metrics', names(can.metrics)],
    ['Addresses that outsiders reach', yes(can.addresses === true)],
    ['Security groups', yes(can.securityGroups === true)],
    ['Events', yes(can.events)],
    ['Placement', names(can.placement)],
    ...(can.within
      ? [['Placement within a zone', `apart (at most ${can.within.apart})${can.within.near ? ', near' : ''}`] as const]
      : []),
    ['Machines without an image', yes(can.imageless)],
    ['Machines run as soon as they are made', yes(can.bootsAtCreation === true)],
    ['Ways of the OVF environment', names(can.transports)],
    ...(can.appliances === true ? [['Appliances whole, as OVF', 'yes'] as const] : []),
    ...(can.bootsFromImage === true ? [['Boot disks', 'made with the machine, and go with it'] as const] : []),
    ...(can.volumesFollow === true ? [['Further disks', 'made after their machine, where it is'] as const] : []),
    ...(can.accounting === true ? [['Account of what ran', '`vep sites usage`'] as const] : []),
    ...(can.limits ? [['Limits of a Virtual Organization', names(can.limits)] as const] : []),
  ];
  return ['| | |', '|---|---|', ...rows.map(([what, value]) => `| ${what} | ${value} |`)].join('\n');
}
