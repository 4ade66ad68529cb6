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
export const SECURITYGROUP: TypeId = `${INFRASTRUCTURE}securitygroup`;
export const SECURITYGROUPLINK: TypeId = `${INFRASTRUCTURE}securitygrouplink`;

export type ThingClass = Exclude<ResourceClass, 'image'>;

export const KIND_OF: Readonly<Record<ThingClass, TypeId>> = {
  compute: COMPUTE,
  network: NETWORK,
  storage: STORAGE,
  nic: NETWORKINTERFACE,
  attachment: STORAGELINK,
  securitygroup: SECURITYGROUP,
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
};

/** The state that each action leads to, and those it can be asked for in. */
export const LEADS_TO = { start: 'active', stop: 'inactive', restart: 'active', suspend: 'suspended' } as const;
