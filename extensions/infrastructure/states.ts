/**
 * The state machines of the infrastructure kinds as data: which action leads from where to where (GFD.224 §3 and its
 * figures, GFD.184 §3 for the storage actions that 1.2 took away; rOCCI for the kinds that only the field has). States are OCCI's own words; what a site reports is
 * always one of these.
 */

import {
  COMPUTE,
  INFRASTRUCTURE,
  NETWORK,
  NETWORKINTERFACE,
  STORAGE,
  STORAGELINK,
  type TypeId,
} from '../../src/occi/model.js';

/** Kinds of the field that lie in the OGF's scheme (K01; `occi-kinds/interop-egi.json`). */
export const SECURITYGROUP: TypeId = `${INFRASTRUCTURE}securitygroup`;
export const SECURITYGROUPLINK: TypeId = `${INFRASTRUCTURE}securitygrouplink`;
export const IPRESERVATION: TypeId = `${INFRASTRUCTURE}ipreservation`;

export interface Transition {
  readonly term: string;
  readonly from: readonly string[];
  /** The state it leads to; absent for a composite action, which ends where it began. */
  readonly to?: string;
}

export interface StateMachine {
  /** The attribute that shows the state. */
  readonly attribute: string;
  /** The attribute in which the parent kind shows the same state, where the parent has one of its own. */
  readonly parentAttribute?: string;
  readonly initial: string;
  readonly actionScheme: string;
  readonly transitions: readonly Transition[];
}

const S = 'http://schemas.ogf.org/occi/infrastructure';

export const STATE_MACHINES: Readonly<Record<TypeId, StateMachine>> = {
  [COMPUTE]: {
    attribute: 'occi.compute.state',
    initial: 'inactive',
    actionScheme: `${S}/compute/action#`,
    transitions: [
      // From `error` no transition is drawn; trying to start again is the one way out besides deletion.
      { term: 'start', from: ['inactive', 'suspended', 'error'], to: 'active' },
      { term: 'stop', from: ['active'], to: 'inactive' },
      { term: 'restart', from: ['active'], to: 'active' },
      { term: 'suspend', from: ['active'], to: 'suspended' },
      { term: 'save', from: ['active', 'inactive'] },
    ],
  },
  [NETWORK]: {
    attribute: 'occi.network.state',
    initial: 'inactive',
    actionScheme: `${S}/network/action#`,
    transitions: [
      { term: 'up', from: ['inactive', 'error'], to: 'active' },
      { term: 'down', from: ['active'], to: 'inactive' },
    ],
  },
  [STORAGE]: {
    attribute: 'occi.storage.state',
    initial: 'offline',
    actionScheme: `${S}/storage/action#`,
    transitions: [
      { term: 'online', from: ['offline', 'error'], to: 'online' },
      { term: 'offline', from: ['online', 'degraded'], to: 'offline' },
      { term: 'backup', from: ['online'], to: 'online' },
      { term: 'snapshot', from: ['online'], to: 'online' },
      { term: 'resize', from: ['online'], to: 'online' },
    ],
  },
  [NETWORKINTERFACE]: {
    attribute: 'occi.networkinterface.state',
    initial: 'inactive',
    actionScheme: `${S}/networkinterface/action#`,
    transitions: [],
  },
  [STORAGELINK]: {
    attribute: 'occi.storagelink.state',
    initial: 'inactive',
    actionScheme: `${S}/storagelink/action#`,
    transitions: [],
  },
  [SECURITYGROUP]: {
    attribute: 'occi.securitygroup.state',
    initial: 'inactive',
    actionScheme: `${S}/securitygroup/action#`,
    transitions: [],
  },
  [SECURITYGROUPLINK]: {
    attribute: 'occi.securitygrouplink.state',
    initial: 'inactive',
    actionScheme: `${S}/securitygrouplink/action#`,
    transitions: [],
  },
  [IPRESERVATION]: {
    attribute: 'occi.ipreservation.state',
    parentAttribute: 'occi.network.state',
    initial: 'inactive',
    actionScheme: `${S}/ipreservation/action#`,
    transitions: [
      { term: 'up', from: ['inactive', 'error'], to: 'active' },
      { term: 'down', from: ['active'], to: 'inactive' },
    ],
  },
};

/** A state in every attribute that shows it. */
export function stateAttributes(machine: StateMachine, state: string): Readonly<Record<string, string>> {
  const { attribute, parentAttribute } = machine;
  return { [attribute]: state, ...(parentAttribute === undefined ? {} : { [parentAttribute]: state }) };
}

/** The state machine of a kind that has one. */
export function stateMachineOf(kind: TypeId): StateMachine {
  const machine = STATE_MACHINES[kind];
  if (!machine) throw new Error(`no state machine for ${kind}`);
  return machine;
}

/** The transition that an action makes from a state, if it is legal there. */
export function transition(machine: StateMachine, term: string, state: string): Transition | undefined {
  return machine.transitions.find((candidate) => candidate.term === term && candidate.from.includes(state));
}

/** The actions that are legal in a state, as type identifiers. */
export function legalActions(machine: StateMachine, state: string): TypeId[] {
  return machine.transitions
    .filter((candidate) => candidate.from.includes(state))
    .map((candidate) => machine.actionScheme + candidate.term);
}
