/**
 * Accounts of the user's own among the sites of an appliance (K35): wherever a site is named for which the user has brought a
 * credential, by the user or in an agreement, the account stands for it. Pure.
 */

import { isAccount, siteBehind } from '../../src/iaas/account.js';
import type { Agreement } from '../../src/sla/agreement.js';

/** Name of the account by that of its site. */
export type OwnAccounts = ReadonlyMap<string, string>;

export const NO_ACCOUNTS: OwnAccounts = new Map();

/** A list of sites, as users write it, with the accounts in their places. */
export function throughAccounts(own: OwnAccounts, text: string): string {
  return text.replaceAll(/[^\s,]+/g, (name) => own.get(name) ?? name);
}

/** An agreement that promises a site promises it to be paid for by whoever has brought a credential for it. */
export function agreementThrough(own: OwnAccounts, agreement: Agreement): Agreement {
  if (own.size === 0) return agreement;
  const through = <T extends string | readonly string[]>(value: T): T =>
    (typeof value === 'string' ? (own.get(value) ?? value) : value.map((name) => own.get(name) ?? name)) as T;
  return {
    ...agreement,
    terms: agreement.terms.map((term) =>
      term.type === 'placement' && term.rule === 'site' ? { ...term, values: term.values.map(through) } : term,
    ),
  };
}

/** Names of the sites behind the accounts among these, with blanks between. */
export function accountSites(sites: readonly string[]): string {
  return sites.filter(isAccount).map(siteBehind).join(' ');
}
