/** Membership in Virtual Organizations beside what a credential says: whoever keeps it tells the authenticator. */

import type { Principal } from './principal.js';

export interface MembershipSource {
  /**
   * The principal with the groups and roles that local administration has given it.
   * @param generation where access stands; what is remembered holds as long as it does not move
   */
  join(principal: Principal, generation: number): Promise<Principal>;
}
