/**
 * The states of oned as numbers, which is all that its documents have (include/VirtualMachine.h, include/Image.h and
 * their kin), and what each means in OCCI's words. A number that is not in a table is an error with that number as
 * message: a later oned may know more states than these.
 */

type MachineState = 'active' | 'inactive' | 'suspended' | 'error';

interface Meaning {
  readonly name: string;
  readonly state: MachineState;
  /** On its way to another state. */
  readonly busy?: true;
  /** What it will be when nothing goes wrong, where `busy`. */
  readonly heading?: MachineState | 'gone';
}

export const VM = {
  init: 0,
  pending: 1,
  hold: 2,
  active: 3,
  stopped: 4,
  suspended: 5,
  done: 6,
  poweroff: 8,
  undeployed: 9,
  cloning: 10,
  cloningFailure: 11,
} as const;

export const RUNNING = 3;

/** STATE where it is not ACTIVE. */
const MACHINE: Readonly<Record<number, Meaning>> = {
  0: { name: 'INIT', state: 'inactive', busy: true, heading: 'inactive' },
  1: { name: 'PENDING', state: 'inactive', busy: true, heading: 'active' },
  2: { name: 'HOLD', state: 'inactive' },
  // Its memory is kept on disk, as that of a suspended machine is: only the host is free.
  4: { name: 'STOPPED', state: 'suspended' },
  5: { name: 'SUSPENDED', state: 'suspended' },
  7: { name: 'FAILED', state: 'error' },
  8: { name: 'POWEROFF', state: 'inactive' },
  9: { name: 'UNDEPLOYED', state: 'inactive' },
  10: { name: 'CLONING', state: 'inactive', busy: true, heading: 'inactive' },
  11: { name: 'CLONING_FAILURE', state: 'error' },
};

const toActive = (name: string): Meaning => ({ name, state: 'inactive', busy: true, heading: 'active' });
const awake = (name: string): Meaning => ({ name, state: 'suspended', busy: true, heading: 'active' });
const working = (name: string): Meaning => ({ name, state: 'active', busy: true, heading: 'active' });
const from = (name: string, state: MachineState, heading: MachineState | 'gone'): Meaning => ({
  name,
  state,
  busy: true,
  heading,
});
const off = (name: string): Meaning => from(name, 'inactive', 'inactive');
const asleep = (name: string): Meaning => from(name, 'suspended', 'suspended');
const failed = (name: string): Meaning => ({ name, state: 'error' });

/** LCM_STATE where STATE is ACTIVE. */
const LIFE_CYCLE: Readonly<Record<number, Meaning>> = {
  0: toActive('LCM_INIT'),
  1: toActive('PROLOG'),
  2: toActive('BOOT'),
  3: { name: 'RUNNING', state: 'active' },
  4: working('MIGRATE'),
  5: from('SAVE_STOP', 'active', 'suspended'),
  6: from('SAVE_SUSPEND', 'active', 'suspended'),
  7: working('SAVE_MIGRATE'),
  8: working('PROLOG_MIGRATE'),
  9: awake('PROLOG_RESUME'),
  10: from('EPILOG_STOP', 'active', 'suspended'),
  11: from('EPILOG', 'active', 'gone'),
  12: from('SHUTDOWN', 'active', 'gone'),
  13: from('CANCEL', 'active', 'gone'),
  14: failed('FAILURE'),
  15: from('CLEANUP_RESUBMIT', 'inactive', 'inactive'),
  16: failed('UNKNOWN'),
  17: working('HOTPLUG'),
  18: from('SHUTDOWN_POWEROFF', 'active', 'inactive'),
  19: awake('BOOT_UNKNOWN'),
  20: toActive('BOOT_POWEROFF'),
  21: awake('BOOT_SUSPENDED'),
  22: awake('BOOT_STOPPED'),
  23: from('CLEANUP_DELETE', 'inactive', 'gone'),
  24: working('HOTPLUG_SNAPSHOT'),
  25: working('HOTPLUG_NIC'),
  26: working('HOTPLUG_SAVEAS'),
  27: off('HOTPLUG_SAVEAS_POWEROFF'),
  28: asleep('HOTPLUG_SAVEAS_SUSPENDED'),
  29: from('SHUTDOWN_UNDEPLOY', 'active', 'inactive'),
  30: from('EPILOG_UNDEPLOY', 'inactive', 'inactive'),
  31: toActive('PROLOG_UNDEPLOY'),
  32: toActive('BOOT_UNDEPLOY'),
  33: off('HOTPLUG_PROLOG_POWEROFF'),
  34: off('HOTPLUG_EPILOG_POWEROFF'),
  35: working('BOOT_MIGRATE'),
  36: failed('BOOT_FAILURE'),
  37: failed('BOOT_MIGRATE_FAILURE'),
  38: failed('PROLOG_MIGRATE_FAILURE'),
  39: failed('PROLOG_FAILURE'),
  40: failed('EPILOG_FAILURE'),
  41: failed('EPILOG_STOP_FAILURE'),
  42: failed('EPILOG_UNDEPLOY_FAILURE'),
  43: off('PROLOG_MIGRATE_POWEROFF'),
  44: failed('PROLOG_MIGRATE_POWEROFF_FAILURE'),
  45: asleep('PROLOG_MIGRATE_SUSPEND'),
  46: failed('PROLOG_MIGRATE_SUSPEND_FAILURE'),
  47: failed('BOOT_UNDEPLOY_FAILURE'),
  48: failed('BOOT_STOPPED_FAILURE'),
  49: failed('PROLOG_RESUME_FAILURE'),
  50: failed('PROLOG_UNDEPLOY_FAILURE'),
  51: off('DISK_SNAPSHOT_POWEROFF'),
  52: off('DISK_SNAPSHOT_REVERT_POWEROFF'),
  53: off('DISK_SNAPSHOT_DELETE_POWEROFF'),
  54: asleep('DISK_SNAPSHOT_SUSPENDED'),
  56: asleep('DISK_SNAPSHOT_DELETE_SUSPENDED'),
  57: working('DISK_SNAPSHOT'),
  59: working('DISK_SNAPSHOT_DELETE'),
  60: working('PROLOG_MIGRATE_UNKNOWN'),
  61: failed('PROLOG_MIGRATE_UNKNOWN_FAILURE'),
  62: working('DISK_RESIZE'),
  63: off('DISK_RESIZE_POWEROFF'),
  64: off('DISK_RESIZE_UNDEPLOYED'),
  65: off('HOTPLUG_NIC_POWEROFF'),
  66: working('HOTPLUG_RESIZE'),
  67: off('HOTPLUG_SAVEAS_UNDEPLOYED'),
  68: asleep('HOTPLUG_SAVEAS_STOPPED'),
  69: working('BACKUP'),
  70: off('BACKUP_POWEROFF'),
  71: off('RESTORE'),
};

/** What STATE and LCM_STATE mean together; nothing for DONE, which is gone. */
export function machineMeaning(state: number, lifeCycle: number): Meaning | undefined {
  if (state === VM.done) return undefined;
  const found = state === VM.active ? LIFE_CYCLE[lifeCycle] : MACHINE[state];
  return found ?? { name: `STATE ${state}, LCM_STATE ${lifeCycle}`, state: 'error' };
}

interface ImageMeaning {
  readonly name: string;
  readonly state: 'ready' | 'disabled' | 'error' | 'gone';
  readonly busy?: true;
}

export const IMAGE: Readonly<Record<number, ImageMeaning>> = {
  0: { name: 'INIT', state: 'ready', busy: true },
  1: { name: 'READY', state: 'ready' },
  2: { name: 'USED', state: 'ready' },
  3: { name: 'DISABLED', state: 'disabled' },
  4: { name: 'LOCKED', state: 'ready', busy: true },
  5: { name: 'ERROR', state: 'error' },
  6: { name: 'CLONE', state: 'ready', busy: true },
  7: { name: 'DELETE', state: 'ready', busy: true },
  8: { name: 'USED_PERS', state: 'ready' },
  9: { name: 'LOCKED_USED', state: 'ready', busy: true },
  10: { name: 'LOCKED_USED_PERS', state: 'ready', busy: true },
};

/** Types of images that hold what a volume holds. */
export const DATABLOCK = 2;

interface NetworkMeaning {
  readonly name: string;
  readonly state: 'active' | 'error';
  readonly busy?: true;
}

/** Since 6.4; older versions have no state and are always ready. */
export const NETWORK: Readonly<Record<number, NetworkMeaning>> = {
  0: { name: 'INIT', state: 'active', busy: true },
  1: { name: 'READY', state: 'active' },
  2: { name: 'LOCK_CREATE', state: 'active', busy: true },
  3: { name: 'LOCK_DELETE', state: 'active', busy: true },
  5: { name: 'ERROR', state: 'error' },
  6: { name: 'UPDATE_FAILURE', state: 'error' },
};

/** LOCK_CREATE: its addresses cannot be spoken of yet. */
export const NETWORK_BEING_MADE = 2;
export const NETWORK_DONE = 4;
/** LOCK_DELETE and DONE: oned has been asked to let go of it, and does. */
export const NETWORK_GOING: ReadonlySet<number> = new Set([3, NETWORK_DONE]);

/** HOST/STATE of hosts that take machines: MONITORED, and MONITORING_MONITORED of older versions. */
export const HOST_UP: ReadonlySet<number> = new Set([1, 2]);
