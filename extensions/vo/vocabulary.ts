/** Identifiers of the vo extension, and the resources that a VO's limits are counted in. */

import { CONTRAIL, type TypeId } from '../../src/occi/model.js';

export const VO: TypeId = `${CONTRAIL}/vo#vo`;
export const MEMBER: TypeId = `${CONTRAIL}/vo#member`;
export const QUOTA: TypeId = `${CONTRAIL}/vo#quota`;
export const PROVISION: TypeId = `${CONTRAIL}/vo#provision`;
export const ACTION_SCHEME = `${CONTRAIL}/vo/action#`;

const PREFIX = 'eu.contrail-project.vo';
/** Which VO an entity of this extension is of. */
export const NAME = `${PREFIX}.name`;
export const STATE = `${PREFIX}.state`;

export const MEMBER_SUBJECT = `${PREFIX}.member.subject`;
export const MEMBER_ATTRIBUTE = `${PREFIX}.member.attribute`;
export const MEMBER_GROUP = `${PREFIX}.member.group`;
export const MEMBER_ROLE = `${PREFIX}.member.role`;

export const QUOTA_GROUP = `${PREFIX}.quota.group`;
export const QUOTA_SUBJECT = `${PREFIX}.quota.subject`;

export const PROVISION_TYPE = `${PREFIX}.provision.type`;
export const PROVISION_SITE = `${PREFIX}.provision.site`;
export const PROVISION_REFERENCE = `${PREFIX}.provision.reference`;

/** What is counted. Memory and storage are in GiB towards clients, in bytes inside. */
export const RESOURCES = [
  'appliances',
  'machines',
  'cores',
  'memory',
  'volumes',
  'storage',
  'networks',
  'addresses',
] as const;
export type Resource = (typeof RESOURCES)[number];

export const limitOf = (resource: Resource): string => `${PREFIX}.limit.${resource}`;
export const provisioned = (resource: Resource): string => `${PREFIX}.provision.${resource}`;

/** Groups that every VEP has for accounts of its own: no VOs. */
export const NO_VOS: readonly string[] = ['admin', 'user'];
