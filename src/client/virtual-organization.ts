/** What a client needs to know of the kinds of Virtual Organizations: identifiers, attributes and the report of their use. */

import { CONTRAIL, type TypeId } from '../occi/model.js';

export const VO: TypeId = `${CONTRAIL}/vo#vo`;
export const MEMBER: TypeId = `${CONTRAIL}/vo#member`;
export const QUOTA: TypeId = `${CONTRAIL}/vo#quota`;
export const PROVISION: TypeId = `${CONTRAIL}/vo#provision`;
export const VO_ACTION_SCHEME = `${CONTRAIL}/vo/action#`;
/** In front of every attribute of these kinds. */
export const VO_PREFIX = 'eu.contrail-project.vo';
/** Which VO an entity of these kinds is of. */
export const VO_NAME = `${VO_PREFIX}.name`;
export const VO_USAGE_TYPE = 'application/vnd.vep.vo-usage+json';

/** What is counted; memory and storage in GiB. */
export const VO_RESOURCES = [
  'appliances',
  'machines',
  'cores',
  'memory',
  'volumes',
  'storage',
  'networks',
  'addresses',
] as const;
export type VoResource = (typeof VO_RESOURCES)[number];
export type VoAmounts = Readonly<Partial<Record<VoResource, number>>>;

/** How a VO stands. Members see in `by` and `charged` what is their own. */
export interface VoUsage {
  readonly vo: string;
  readonly state: 'active' | 'suspended';
  readonly limits: VoAmounts;
  /** What is set aside. */
  readonly provisioned: VoAmounts;
  readonly used: VoAmounts;
  /** The larger of the two: what is held against the limits. */
  readonly counted: VoAmounts;
  readonly by: readonly (VoAmounts & { readonly principal: string; readonly group: string | null })[];
  /** For administrators: what is written of it at sites that hold limits by themselves. */
  readonly sites?: readonly VoAtSite[];
  /** The first thousand entities that the VO pays for. */
  readonly charged: readonly { readonly entity: string; readonly principal: string; readonly group: string | null }[];
}

export interface VoAtSite {
  readonly site: string;
  /** What stands for the VO there, in the site's words. */
  readonly as?: string;
  /** Limits that the site holds, by its own names; memory and storage in bytes. */
  readonly held: Readonly<Record<string, number>>;
  /** When it was last tried, ISO 8601; null: not yet. */
  readonly at: string | null;
  readonly findings: readonly { readonly code: string; readonly message: string; readonly remedy: string }[];
}

/** One entry of the audit trail. */
export interface AuditRecord {
  /** Rises by the order in which entries were made. */
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
  /** Id of a principal, or the address of somebody unknown. */
  readonly actor: string;
  readonly group: string;
  readonly verb: string;
  readonly entity?: string;
  readonly kind?: string;
  readonly outcome: 'granted' | 'denied' | 'failed';
  readonly reason?: string;
  readonly requestId: string;
  readonly details: object;
}

export interface AuditPage {
  readonly entries: readonly AuditRecord[];
  /** Where the next page begins; null: this was the last. */
  readonly next: number | null;
}
