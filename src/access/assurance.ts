/**
 * How well whoever vouches for a principal knows them, as a level that agreements can ask for (`protection.loa`, 1 to 4).
 * Of the REFEDS Assurance Framework it is the identity proofing that counts; of the IGTF, the profile of the authority. Where
 * nobody says, and of the provider's own accounts, there is no level: an agreement that asks for one is refused. None of these
 * reaches 4.
 */

import type { Principal } from './principal.js';

const LEVELS: Readonly<Record<string, number>> = {
  'refeds:low': 1,
  'refeds:medium': 2,
  'refeds:high': 3,
  // Identifiers alone are vetted (DOGWOOD).
  'igtf:iota': 1,
  // People are: by the home organization (ASPEN, BIRCH) or by the authority itself (CEDAR).
  'igtf:slcs': 2,
  'igtf:mics': 2,
  'igtf:classic': 2,
};

export function levelOfAssurance({ credential }: Principal): number | null {
  return (credential && LEVELS[credential.assurance]) ?? null;
}
