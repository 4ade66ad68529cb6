/** What belongs to a user of OpenNebula is changed in that user's name: then it is their rights and quotas that count. */

import { IaasError, type CallOptions } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { OneError } from './one-error.js';
import type { Call, Oned } from './oned.js';
import type { Caller } from './session.js';

export interface Owned {
  readonly owner: Caller;
  /** Number of its user: another one may be given the name of a user that is gone. */
  readonly ownerId: number;
  /** Nobody may manage it (`one.*.lock`). */
  readonly locked: boolean;
}

/** Levels of a lock that keep from managing: all, and managing. The third one keeps administrators from moving it. */
const LOCKS_MANAGING = [1, 2];

export function ownedBy(body: Branch): Owned {
  return {
    owner: { user: body.value('UNAME') ?? '', group: body.number(-1, 'GID') },
    ownerId: body.number(-1, 'UID'),
    locked: LOCKS_MANAGING.includes(body.number(0, 'LOCK', 'LOCKED')),
  };
}

/**
 * Does something in the owner's name, or in VEP's own where OpenNebula no longer has the owner.
 * @throws IaasError `conflict` for what is locked, of which oned says only that there is no right
 */
export async function asOwner<T>(
  oned: Oned,
  thing: Owned,
  options: CallOptions,
  work: (call: Call) => Promise<T>,
): Promise<T> {
  if (!oned.delegates) return work(options);
  try {
    return await work({ ...options, as: thing.owner });
  } catch (error) {
    if (!(error instanceof OneError) || error.class !== 'denied') throw error;
    if (thing.locked) throw new IaasError('conflict', 'it is locked by somebody in OpenNebula', error.said, error);
    if (await hasUser(oned, thing.ownerId, options)) throw error;
    return work(options);
  }
}

async function hasUser(oned: Oned, id: number, options: CallOptions): Promise<boolean> {
  try {
    await oned.document('one.user.info', [id], options);
    return true;
  } catch (error) {
    if (error instanceof IaasError && error.class === 'not-found') return false;
    throw error;
  }
}
