/**
 * Virtual Organizations as a site knows them by itself: projects, groups, data centres. VEP holds a VO's limits on every
 * site alike; where the site has a notion of its own, they are written there too, so that they hold for whoever works
 * beside VEP and bind VEP itself should it err (`spec/federation-auth.md` §11).
 */

import { IaasError, type CallOptions, type SiteFinding, type SiteRef } from './adapter.js';

/** What sites can limit; memory and storage in bytes. */
export const LIMITED = [
  'machines',
  'cores',
  'memoryBytes',
  'volumes',
  'storageBytes',
  'networks',
  'addresses',
] as const;
export type Limited = (typeof LIMITED)[number];

/** What a group may have at a site, and what of others it may use there. */
export interface TenantShare {
  /** What is not named has no limit of VEP's, and is left as the site has it. */
  readonly limits: Readonly<Partial<Record<Limited, number>>>;
  /** Hosts that are set aside for the group, by their names in the inventory. */
  readonly hosts: readonly string[];
  /** Networks and volumes of others that are opened to the group. */
  readonly networks: readonly SiteRef[];
  readonly volumes: readonly SiteRef[];
}

export const NO_SHARE: TenantShare = { limits: {}, hosts: [], networks: [], volumes: [] };

export interface TenantReport {
  /** What stands for the group at the site, in the site's words; absent where nothing does and VEP alone holds the limits. */
  readonly name?: string;
  /** What could not be written, and what is to be done about it. */
  readonly findings: readonly SiteFinding[];
}

/** Given by sites with {@link Capabilities.limits}. */
export interface TenantSite {
  /**
   * Brings what the site knows of a group into line with its share; what `before` has and `share` has not is taken back,
   * to what the site gives to anybody. Idempotent: only what differs is written.
   *
   * @param before all that an earlier call may have written
   * @throws IaasError where the site does not answer; what it refuses is a finding
   */
  settle(group: string, share: TenantShare, before: TenantShare, options?: CallOptions): Promise<TenantReport>;
}

/** Limits that were written and are no more. */
export function lifted(share: TenantShare, before: TenantShare): readonly Limited[] {
  return LIMITED.filter((each) => before.limits[each] !== undefined && share.limits[each] === undefined);
}

/** Things that were opened and are no more. */
export function closed(share: readonly string[], before: readonly string[]): readonly string[] {
  return before.filter((each) => !share.includes(each));
}

/** Does the work; what the site refuses for good becomes a finding, what it may grant later is thrown, to be tried again. */
export async function refusedAs(
  code: string,
  remedies: { readonly denied: string; readonly otherwise: string },
  work: () => Promise<void>,
): Promise<readonly SiteFinding[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (!(error instanceof IaasError) || error.class === 'transient' || error.class === 'fatal') throw error;
    return [{ code, message: error.message, remedy: error.class === 'denied' ? remedies.denied : remedies.otherwise }];
  }
}
