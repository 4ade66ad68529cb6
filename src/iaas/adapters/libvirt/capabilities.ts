/** What a libvirt site can do. */

import type { Capabilities } from '../../adapter.js';

export const LIBVIRT_FORMATS: readonly string[] = ['qcow2', 'raw'];

export interface CapabilityChoices {
  /** Networks are on a bridge: only there does libvirt count what passes. */
  readonly bridge: string | undefined;
  /** The machine has EFI for its guests. */
  readonly efi: boolean;
}

export function libvirtCapabilities({ bridge, efi }: CapabilityChoices): Capabilities {
  return {
    compute: new Set(['start', 'stop', 'restart', 'suspend', 'save', 'resize'] as const),
    liveResize: false,
    hotplugNic: true,
    hotplugDisk: true,
    // A network is always up.
    network: new Set(['create', 'up'] as const),
    storage: new Set(['create', 'online', 'offline', 'backup', 'snapshot', 'resize'] as const),
    sharesVolumes: true,
    plugsReadOnly: true,
    imageFormats: LIBVIRT_FORMATS,
    exportsImages: true,
    metrics: [
      'vm.cpu.utilization',
      'vm.cpu.load',
      'vm.memory.utilization',
      'vm.disk.io',
      ...(bridge === undefined ? [] : ['vm.network.io']),
    ],
    events: true,
    // There is one host.
    placement: new Set(),
    imageless: false,
    transports: ['iso', 'user-data'],
    plugsAtCreation: true,
    ...(efi ? { firmwares: new Set(['efi'] as const) } : {}),
  };
}
