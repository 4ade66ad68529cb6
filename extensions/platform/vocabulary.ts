/** Identifiers and state machines of OCCI Platform (GFD.227 §3); `categories.json` defines the categories. */

import type { StateMachine } from '../infrastructure/states.js';
import type { TypeId } from '../../src/occi/model.js';

const OCCI = 'http://schemas.ogf.org/occi/platform';

export const APPLICATION: TypeId = `${OCCI}#application`;
export const COMPONENT: TypeId = `${OCCI}#component`;
export const COMPONENTLINK: TypeId = `${OCCI}#componentlink`;

export const APP_NAME = 'occi.app.name';
export const APP_CONTEXT = 'occi.app.context';
export const APP_URL = 'occi.app.url';

/** GFD.227 figure 2: what is created is active at once. */
export const APPLICATION_MACHINE: StateMachine = {
  attribute: 'occi.app.state',
  initial: 'active',
  actionScheme: `${OCCI}/application/action#`,
  transitions: startAndStop(),
};

export const COMPONENT_MACHINE: StateMachine = {
  attribute: 'occi.component.state',
  initial: 'active',
  actionScheme: `${OCCI}/component/action#`,
  transitions: startAndStop(),
};

function startAndStop(): StateMachine['transitions'] {
  return [
    { term: 'start', from: ['inactive', 'error'], to: 'active' },
    { term: 'stop', from: ['active'], to: 'inactive' },
  ];
}
