/** Identifiers of the vo extension, and the resources that a VO's limits are counted in. */

import { VO_PREFIX, VO_RESOURCES, type VoResource } from '../../src/client/virtual-organization.js';

export {
  MEMBER,
  PROVISION,
  QUOTA,
  VO,
  VO_ACTION_SCHEME as ACTION_SCHEME,
  VO_NAME as NAME,
  VO_USAGE_TYPE,
} from '../../src/client/virtual-organization.js';

export const STATE = `${VO_PREFIX}.state`;

export const MEMBER_SUBJECT = `${VO_PREFIX}.member.subject`;
export const MEMBER_ATTRIBUTE = `${VO_PREFIX}.member.attribute`;
export const MEMBER_GROUP = `${VO_PREFIX}.member.group`;
export const MEMBER_ROLE = `${VO_PREFIX}.member.role`;

export const QUOTA_GROUP = `${VO_PREFIX}.quota.group`;
export const QUOTA_SUBJECT = `${VO_PREFIX}.quota.subject`;

export const PROVISION_TYPE = `${VO_PREFIX}.provision.type`;
export const PROVISION_SITE = `${VO_PREFIX}.provision.site`;
export const PROVISION_REFERENCE = `${VO_PREFIX}.provision.reference`;

/** What is counted. Memory and storage are in GiB towards clients, in bytes inside. */
export const RESOURCES = VO_RESOURCES;
export type Resource = VoResource;

export const limitOf = (resource: Resource): string => `${VO_PREFIX}.limit.${resource}`;
export const provisioned = (resource: Resource): string => `${VO_PREFIX}.provision.${resource}`;

/** Groups that every VEP has for accounts of its own: no VOs. */
export const NO_VOS: readonly string[] = ['admin', 'user'];
