/** The actions of an appliance (K03): in which state each is legal, and to which it leads. */

import { stringAt } from '../../src/base/json.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { ACTION_SCHEME, DEPLOYED, STATE } from './vocabulary.js';

export const TRANSITIONS: Readonly<Record<string, { readonly from: readonly string[]; readonly to: string }>> = {
  start: { from: ['inactive', 'suspended', 'error'], to: 'active' },
  stop: { from: ['active'], to: 'inactive' },
  suspend: { from: ['active'], to: 'suspended' },
  scale: { from: ['active'], to: 'active' },
  undeploy: { from: ['inactive', 'active', 'suspended', 'error'], to: 'inactive' },
};

/** Ids of the actions that are legal in the state to which pending operations lead (K10). */
export function applicableActions({
  observed,
  heading,
}: Pick<EntityRecord, 'observed' | 'heading'>): readonly string[] {
  const state = heading ?? stringAt(observed, STATE) ?? 'inactive';
  const deployed = observed[DEPLOYED] === true;
  return Object.entries(TRANSITIONS)
    .filter(([term, { from }]) => from.includes(state) && (deployed || term === 'start'))
    .map(([term]) => ACTION_SCHEME + term);
}
