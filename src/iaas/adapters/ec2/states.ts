/**
 * The states of EC2 (API 2016-11-15) in OCCI's words. What ended by itself, before anybody asked, is an error with EC2's
 * reason; what was terminated is gone, although EC2 shows it for an hour. A state that no table has is an error.
 */

import type { Instance } from '@aws-sdk/client-ec2';

export type MachineState = 'active' | 'inactive' | 'suspended' | 'error';

export interface Meaning {
  readonly state: MachineState;
  readonly busy?: true;
  /** What it will be when nothing goes wrong, where `busy`. */
  readonly heading?: MachineState | 'gone';
  readonly message?: string;
}

const INSTANCE: Readonly<Record<string, Meaning>> = {
  pending: { state: 'inactive', busy: true, heading: 'active' },
  running: { state: 'active' },
  stopping: { state: 'active', busy: true, heading: 'inactive' },
  stopped: { state: 'inactive' },
  'shutting-down': { state: 'active', busy: true, heading: 'gone' },
};

/** An instance that was put to sleep is `stopped` like any other; only the reason says so. */
const HIBERNATED = /^Client\.UserInitiatedHibernate$/;
/** Reasons with which an instance ends because somebody wished it: the user, or the guest itself. */
const WISHED = /^(Client\.(UserInitiatedShutdown|InstanceInitiatedShutdown|UserInitiatedHibernate)|)$/;

/** Nothing for an instance that is gone. */
export function meaningOf({ State, StateReason }: Instance): Meaning | undefined {
  const name = State?.Name ?? 'none';
  const reason = StateReason?.Code ?? '';
  if (name === 'terminated') {
    if (WISHED.test(reason)) return undefined;
    return { state: 'error', message: StateReason?.Message ?? reason };
  }
  const asleep = HIBERNATED.test(reason);
  if (name === 'stopped' && asleep) return { state: 'suspended' };
  if (name === 'stopping' && asleep) return { state: 'active', busy: true, heading: 'suspended' };
  return INSTANCE[name] ?? { state: 'error', message: `EC2 reports the state ${name}` };
}

export const VOLUME: Readonly<Record<string, { readonly state: 'online' | 'error'; readonly busy?: true }>> = {
  creating: { state: 'online', busy: true },
  available: { state: 'online' },
  'in-use': { state: 'online' },
  deleting: { state: 'online', busy: true },
  error: { state: 'error' },
};

export const IMAGE: Readonly<
  Record<string, { readonly state: 'active' | 'inactive' | 'error'; readonly busy?: true }>
> = {
  pending: { state: 'inactive', busy: true },
  transient: { state: 'inactive', busy: true },
  available: { state: 'active' },
  disabled: { state: 'inactive' },
  invalid: { state: 'error' },
  failed: { state: 'error' },
  error: { state: 'error' },
};
