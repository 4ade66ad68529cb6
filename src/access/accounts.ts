/**
 * Accounts: the principals that the store knows. Local ones have a name, perhaps a password, and the id
 * `local:<name>`; a certificate's holder has a row only when an administrator gave it roles or groups (K25, S-087).
 */

import { Problem, problem, type Fault } from '../base/errors.js';
import { raiseGeneration } from '../store/generations.js';
import type { SqlReader, Tx } from '../store/sql.js';
import { hashPassword } from './passwords.js';
import { ROLES, type Principal, type Role } from './principal.js';

export interface Account {
  readonly principal: Principal;
  /** Hash of the password; absent: it signs in by token or certificate only. */
  readonly password?: string;
  readonly disabled: boolean;
}

export interface NewAccount {
  readonly name: string;
  readonly roles: readonly Role[];
  /** The first is the one that new entities belong to. */
  readonly groups: readonly [string, ...string[]];
  readonly password?: string;
}

interface PrincipalRow {
  readonly id: string;
  readonly name: string;
  readonly tier: Principal['tier'];
  readonly roles: string;
  readonly primary_group: string;
  readonly password: string | null;
  readonly disabled_at: number | null;
}

const COLUMNS = 'id, name, tier, roles, primary_group, password, disabled_at';
const ACCOUNT_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const GROUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

/** The id of the local account of that name. */
export function localId(name: string): string {
  return `local:${name}`;
}

/**
 * Creates a local account.
 * @throws Problem `invalid` with every fault of name, groups and password; `conflict` (`account.exists`).
 */
export async function createAccount(tx: Tx, account: NewAccount, now: number): Promise<Principal> {
  const faults = [...faultsOfName(account.name), ...faultsOfGroups(account.groups)];
  const password = account.password === undefined ? null : await hashOrFaults(account.password, faults);
  if (faults.length > 0) throw new Problem('invalid', faults);
  const principal: Principal = {
    id: localId(account.name),
    name: account.name,
    tier: 'local',
    roles: new Set(account.roles),
    groups: account.groups,
  };
  await insertPrincipal(tx, principal, password, now);
  return principal;
}

/** Gives roles and groups to the holder of a certificate, before or after it was first seen. */
export async function registerHolder(tx: Tx, principal: Principal, now: number): Promise<void> {
  const faults = faultsOfGroups(principal.groups);
  if (faults.length > 0) throw new Problem('invalid', faults);
  await insertPrincipal(tx, principal, null, now);
}

/** Sets a new password; every cached sign-in of the account ends. */
export async function changePassword(tx: Tx, id: string, password: string): Promise<void> {
  await changeRow(tx, id, 'password = ?', await hashPassword(password));
}

/** Shuts an account out, tokens included, or lets it in again. */
export async function disableAccount(tx: Tx, id: string, now: number): Promise<void> {
  await changeRow(tx, id, 'disabled_at = ?', now);
}

export async function enableAccount(tx: Tx, id: string): Promise<void> {
  await changeRow(tx, id, 'disabled_at = ?', null);
}

/** Replaces roles and groups. */
export async function changeStanding(
  tx: Tx,
  id: string,
  roles: readonly Role[],
  groups: NewAccount['groups'],
): Promise<void> {
  const faults = faultsOfGroups(groups);
  if (faults.length > 0) throw new Problem('invalid', faults);
  await changeRow(tx, id, 'roles = ?', roles.join(' '));
  await tx.run('UPDATE principal SET primary_group = ? WHERE id = ?', [groups[0], id]);
  await tx.run('DELETE FROM principal_group WHERE principal = ?', [id]);
  await insertGroups(tx, id, groups);
}

export async function findAccount(reader: SqlReader, id: string): Promise<Account | undefined> {
  const row = await reader.get<PrincipalRow>(`SELECT ${COLUMNS} FROM principal WHERE id = ?`, [id]);
  if (!row) return undefined;
  const groups = await reader.pluck<string>('SELECT grp FROM principal_group WHERE principal = ? ORDER BY grp', [id]);
  return fromRow(row, groups);
}

/** All accounts in the order of their ids. */
export async function listAccounts(reader: SqlReader): Promise<Account[]> {
  const rows = await reader.all<PrincipalRow>(`SELECT ${COLUMNS} FROM principal ORDER BY id`);
  const memberships = await reader.all<{ principal: string; grp: string }>(
    'SELECT principal, grp FROM principal_group ORDER BY principal, grp',
  );
  const groups = new Map<string, string[]>(rows.map((row) => [row.id, []]));
  for (const { principal, grp } of memberships) groups.get(principal)?.push(grp);
  return rows.map((row) => fromRow(row, groups.get(row.id) ?? []));
}

async function insertPrincipal(tx: Tx, principal: Principal, password: string | null, now: number): Promise<void> {
  const inserted = await tx.run(
    'INSERT INTO principal (id, name, tier, roles, primary_group, password, disabled_at, created_at) ' +
      'VALUES (?, ?, ?, ?, ?, ?, NULL, ?) ON CONFLICT (id) DO NOTHING',
    [principal.id, principal.name, principal.tier, [...principal.roles].join(' '), principal.groups[0], password, now],
  );
  if (inserted === 0) {
    throw problem('conflict', 'account.exists', `there is an account ${principal.name} already`, {
      remedy: 'choose another name, or change the account that is there',
    });
  }
  await insertGroups(tx, principal.id, principal.groups);
  await raiseGeneration(tx, 'access');
}

async function insertGroups(tx: Tx, id: string, groups: readonly string[]): Promise<void> {
  for (const group of new Set(groups)) {
    await tx.run('INSERT INTO principal_group (principal, grp) VALUES (?, ?)', [id, group]);
  }
}

type Assignment = 'password = ?' | 'disabled_at = ?' | 'roles = ?';

async function changeRow(tx: Tx, id: string, assignment: Assignment, value: string | number | null): Promise<void> {
  const changed = await tx.run(`UPDATE principal SET ${assignment} WHERE id = ?`, [value, id]);
  if (changed === 0) throw problem('not-found', 'account.unknown', 'there is no such account');
  await raiseGeneration(tx, 'access');
}

function fromRow(row: PrincipalRow, groups: readonly string[]): Account {
  const others = groups.filter((group) => group !== row.primary_group);
  return {
    principal: {
      id: row.id,
      name: row.name,
      tier: row.tier,
      roles: new Set(row.roles.split(' ').filter((word): word is Role => (ROLES as readonly string[]).includes(word))),
      groups: [row.primary_group, ...others],
    },
    ...(row.password === null ? {} : { password: row.password }),
    disabled: row.disabled_at !== null,
  };
}

function faultsOfName(name: string): Fault[] {
  if (ACCOUNT_NAME.test(name)) return [];
  return [
    {
      code: 'account.name',
      message: 'an account name has 1 to 64 letters, digits and _ . -',
      place: { field: 'name' },
    },
  ];
}

function faultsOfGroups(groups: readonly string[]): Fault[] {
  return groups
    .filter((group) => !GROUP_NAME.test(group))
    .map(() => ({
      code: 'account.group',
      message: 'a group name has 1 to 255 letters, digits and . _ -, the first one a letter or digit',
      place: { field: 'groups' },
    }));
}

async function hashOrFaults(password: string, faults: Fault[]): Promise<string | null> {
  try {
    return await hashPassword(password);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    faults.push(...error.faults);
    return null;
  }
}
