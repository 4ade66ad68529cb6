/**
 * What the states of OpenStack mean in OCCI's words (Compute API, "Server concepts"). A server's status says where it is,
 * its task where it goes; a value that no table knows shows as an error with OpenStack's own word.
 */

export type MachineState = 'active' | 'inactive' | 'suspended' | 'error';

/** By `status`. Statuses that are underway by themselves are `busy` also without a task. */
export const STATUS: Readonly<Record<string, { readonly state: MachineState; readonly busy?: true }>> = {
  ACTIVE: { state: 'active' },
  BUILD: { state: 'inactive', busy: true },
  REBUILD: { state: 'inactive', busy: true },
  REBOOT: { state: 'active', busy: true },
  HARD_REBOOT: { state: 'active', busy: true },
  PASSWORD: { state: 'active', busy: true },
  MIGRATING: { state: 'active', busy: true },
  RESIZE: { state: 'active', busy: true },
  REVERT_RESIZE: { state: 'active', busy: true },
  VERIFY_RESIZE: { state: 'active' },
  SHUTOFF: { state: 'inactive' },
  RESCUE: { state: 'inactive' },
  SHELVED: { state: 'inactive' },
  SHELVED_OFFLOADED: { state: 'inactive' },
  SUSPENDED: { state: 'suspended' },
  PAUSED: { state: 'suspended' },
  ERROR: { state: 'error' },
};

/** Statuses of servers that are gone, or as good as gone. */
export const GONE: ReadonlySet<string> = new Set(['DELETED', 'SOFT_DELETED']);

/** Where a task leads to, by `task_state`; others lead back to where the server was. */
export const HEADING: Readonly<Record<string, MachineState | 'gone'>> = {
  scheduling: 'active',
  networking: 'active',
  block_device_mapping: 'active',
  spawning: 'active',
  'powering-on': 'active',
  resuming: 'active',
  unpausing: 'active',
  unshelving: 'active',
  'powering-off': 'inactive',
  shelving: 'inactive',
  shelving_image_pending_upload: 'inactive',
  shelving_image_uploading: 'inactive',
  shelving_offloading: 'inactive',
  suspending: 'suspended',
  pausing: 'suspended',
  deleting: 'gone',
  'soft-deleting': 'gone',
};

/** Statuses in which the status says nothing of whether the guest runs. */
export const MOVING: ReadonlySet<string> = new Set(['RESIZE', 'VERIFY_RESIZE', 'REVERT_RESIZE', 'MIGRATING']);

/** `power_state` of a guest that is switched off. */
export const SHUTDOWN = 4;

interface VolumeMeaning {
  readonly state: 'online' | 'offline' | 'backup' | 'snapshot' | 'resize' | 'error';
  readonly busy?: true;
}

/** By `status` of a volume. */
export const VOLUME: Readonly<Record<string, VolumeMeaning>> = {
  creating: { state: 'offline', busy: true },
  downloading: { state: 'offline', busy: true },
  available: { state: 'online' },
  reserved: { state: 'online', busy: true },
  attaching: { state: 'online', busy: true },
  detaching: { state: 'online', busy: true },
  'in-use': { state: 'online' },
  maintenance: { state: 'offline' },
  extending: { state: 'resize', busy: true },
  uploading: { state: 'online', busy: true },
  retyping: { state: 'online', busy: true },
  'backing-up': { state: 'backup', busy: true },
  'restoring-backup': { state: 'backup', busy: true },
  deleting: { state: 'offline', busy: true },
};

/** By `status` of an image. */
export const IMAGE: Readonly<
  Record<string, { readonly state: 'active' | 'inactive' | 'error'; readonly busy?: true }>
> = {
  queued: { state: 'inactive', busy: true },
  saving: { state: 'inactive', busy: true },
  uploading: { state: 'inactive', busy: true },
  importing: { state: 'inactive', busy: true },
  active: { state: 'active' },
  deactivated: { state: 'inactive' },
  killed: { state: 'error' },
};

export const IMAGE_GONE: ReadonlySet<string> = new Set(['deleted', 'pending_delete']);
