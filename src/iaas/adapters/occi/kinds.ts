/** Which kind of OCCI each class of thing at a site is, and the actions that the infrastructure document gives them (GFD.224 §3, GFD.184 §3). */

import {
  COMPUTE,
  INFRASTRUCTURE,
  NETWORK,
  NETWORKINTERFACE,
  STORAGE,
  STORAGELINK,
  type TypeId,
} from '../../../occi/model.js';
import type { ResourceClass } from '../../adapter.js';

/** Kinds of the field in OGF's scheme (`spec/occi.md` §4). */
export const IPRESERVATION: TypeId = `${INFRASTRUCTURE}ipreservation`;
export const SECURITYGROUP: TypeId = `${INFRASTRUCTURE}securitygroup`;
export const SECURITYGROUPLINK: TypeId = `${INFRASTRUCTURE}securitygrouplink`;

/** The address of a reservation. */
export const RESERVED_ADDRESS = 'occi.ipreservation.address';

export type ThingClass = Exclude<ResourceClass, 'image'>;

/** A reservation of an address is a network too. */
export const KINDS_OF: Readonly<Record<ThingClass, readonly TypeId[]>> = {
  compute: [COMPUTE],
  network: [NETWORK, IPRESERVATION],
  storage: [STORAGE],
  nic: [NETWORKINTERFACE],
  attachment: [STORAGELINK],
  securitygroup: [SECURITYGROUP],
};

const ACTIONS = 'http://schemas.ogf.org/occi/infrastructure';

export function actionOf(what: 'compute' | 'network' | 'storage', term: string): TypeId {
  return `${ACTIONS}/${what}/action#${term}`;
}

/** Methods of the actions of a compute (GFD.224 §3.1.1); a server is not trusted to refuse others. */
export const METHODS: Readonly<Record<string, readonly string[]>> = {
  start: [],
  stop: ['graceful', 'acpioff', 'poweroff'],
  restart: ['graceful', 'warm', 'cold'],
  suspend: ['hibernate', 'suspend'],
  save: ['hot', 'deferred'],
};

/** The state that each action leads to, and those it can be asked for in. */
export const LEADS_TO = { start: 'active', stop: 'inactive', restart: 'active', suspend: 'suspended' } as const;
