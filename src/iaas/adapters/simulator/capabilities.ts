/** What a simulated site can do: everything, less what its configuration says it lacks. */

import type { Capabilities, ComputeAction, NetworkAction, StorageAction } from '../../adapter.js';
import type { SimulatorConfig } from './config.js';
import { SIMULATED_METRICS } from './load.js';

const COMPUTE: readonly ComputeAction[] = ['start', 'stop', 'restart', 'suspend', 'save', 'resize'];
const NETWORK: readonly (NetworkAction | 'create')[] = ['create', 'up', 'down'];
const STORAGE: readonly (StorageAction | 'create')[] = ['create', 'online', 'offline', 'backup', 'snapshot', 'resize'];

export function capabilitiesOf(config: Pick<SimulatorConfig, 'lacks'>): Capabilities {
  const has = (name: string): boolean => !config.lacks.includes(name);
  return {
    compute: new Set(COMPUTE.filter((action) => has(`compute.${action}`))),
    liveResize: has('compute.liveResize') && has('compute.resize'),
    hotplugNic: has('hotplugNic'),
    hotplugDisk: has('hotplugDisk'),
    network: new Set(NETWORK.filter((action) => has(`network.${action}`))),
    storage: new Set(STORAGE.filter((action) => has(`storage.${action}`))),
    ...(has('storage.resize') && !has('storage.resizeDetached') ? { resizesAttached: true } : {}),
    sharesVolumes: has('sharesVolumes') && has('storage.create'),
    plugsReadOnly: has('plugsReadOnly') && has('storage.create'),
    imageFormats: ['qcow2', 'vmdk', 'raw', 'iso'],
    exportsImages: has('exportsImages'),
    metrics: has('metrics') ? SIMULATED_METRICS : [],
    events: has('events'),
    // Racks, zones and countries are chosen by naming the host.
    placement: new Set(['host', 'rack', 'zone', 'country'] as const),
    imageless: has('imageless'),
    transports: ['iso', 'user-data'],
    securityGroups: has('securityGroups'),
    ...(has('firmware.efi') ? { firmwares: new Set(['efi'] as const) } : {}),
  };
}
