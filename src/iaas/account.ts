/**
 * Accounts of users at sites (K35). What an appliance makes with the credential that its user brought for a site lies in an
 * account that is not VEP's: it has a state, an inventory and a way of failing of its own. So it counts as a site of its own,
 * called after the site with a mark behind it, `frankfurt-a~9c1f03ab77e2`; no site of a configuration can be called so.
 */

import { randomBytes } from 'node:crypto';

const MARK = '~';

/** A new name for an account at a site. */
export function newAccountName(site: string): string {
  return `${site}${MARK}${randomBytes(6).toString('hex')}`;
}

export function isAccount(name: string | null): boolean {
  return name?.includes(MARK) === true;
}

/** Name of the site in the configuration: of an account the one that it is at. */
export function siteBehind(name: string): string {
  return name.split(MARK, 1)[0] ?? name;
}

/** What tells an account apart from others at its site. */
export function markOf(account: string): string {
  return account.slice(siteBehind(account).length + MARK.length);
}
