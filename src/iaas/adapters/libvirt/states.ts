/**
 * The states of a domain (virDomainState and its reasons, as `domstats` gives them) in OCCI's words. What the tables do
 * not know is an error with the number as message.
 */

export interface Meaning {
  readonly state: 'active' | 'inactive' | 'suspended' | 'error';
  readonly busy?: true;
  readonly message?: string;
}

export const RUNNING = 1;
export const PAUSED = 3;
export const SHUT_OFF = 5;

const STATES: Readonly<Record<number, Meaning>> = {
  0: { state: 'error', message: 'libvirt does not know its state' },
  1: { state: 'active' },
  2: { state: 'active' },
  3: { state: 'suspended' },
  4: { state: 'active', busy: true },
  5: { state: 'inactive' },
  6: { state: 'error', message: 'its guest has crashed' },
  7: { state: 'suspended' },
};

/** Reasons of PAUSED that are not the wish of somebody. */
const PAUSES: Readonly<Record<number, Meaning>> = {
  2: { state: 'active', busy: true },
  3: { state: 'active', busy: true },
  4: { state: 'active', busy: true },
  5: { state: 'error', message: 'it was paused by an I/O error: the disk of the host may be full' },
  8: { state: 'active', busy: true },
  9: { state: 'active', busy: true },
  10: { state: 'error', message: 'its guest has crashed' },
  11: { state: 'inactive', busy: true },
};

/** Reasons of SHUT_OFF that an administrator would want to know. */
const ENDS: Readonly<Record<number, string>> = {
  3: 'its QEMU process died',
  6: 'it could not be started',
};

export function meaningOf(state: number, reason: number): Meaning {
  const known = STATES[state] ?? { state: 'error', message: `state ${state} of libvirt` };
  if (state === PAUSED) return PAUSES[reason] ?? known;
  const end = state === SHUT_OFF ? ENDS[reason] : undefined;
  return end === undefined ? known : { ...known, message: end };
}
