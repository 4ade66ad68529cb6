/**
 * `vep user`: local accounts, and what the provider itself gives to holders of certificates and tokens, on the server's own
 * machine (K25). Whoever is shut out, or has other roles, is so with the next request.
 */

import {
  changePassword,
  changeStanding,
  createAccount,
  disableAccount,
  enableAccount,
  findAccount,
  listAccounts,
  localId,
  registerHolder,
  ROLES,
  type Account,
  type Role,
} from '../../access/index.js';
import { problem } from '../../base/errors.js';
import type { SqlReader } from '../../store/sql.js';
import { UsageError } from '../exit-codes.js';
import { inStore } from '../local-store.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { table } from '../ui/table.js';

export interface UserOptions {
  readonly config?: string;
  readonly role?: readonly string[];
  readonly group?: readonly string[];
  readonly password?: boolean;
}

export async function listUsers(session: Session, _args: readonly string[], options: UserOptions): Promise<void> {
  const found = (await inStore(session, options, listAccounts)).map(shown);
  session.answer(found, () => {
    const rows = found.map((each) => [
      displayText(each.name),
      each.disabled ? 'shut out' : each.password ? 'password' : 'tokens',
      each.roles.join(' '),
      displayText(each.groups.join(' ')),
      displayText(each.id),
    ]);
    return table(['NAME', 'SIGN-IN', 'ROLES', 'GROUPS', 'ID'], rows, session.style);
  });
}

export async function addUser(session: Session, [name = '']: readonly string[], options: UserOptions): Promise<void> {
  const roles = rolesOf(options.role, ['user']);
  const [first = name, ...others] = options.group ?? [];
  const password = options.password === true ? await askPassword(session, name) : undefined;
  const account = { name, roles, groups: [first, ...others] as const, ...(password === undefined ? {} : { password }) };
  const now = session.terminal.clock.now();
  await inStore(session, options, (store) =>
    store.write((tx) => createAccount(tx, { ...account, groups: [first, ...others] }, now)),
  );
  await answer(session, options, name, 'made');
  if (password === undefined) session.note(`sign-in needs a token: vep token create --admin --account ${name}`);
}

/** Gives roles and groups to a principal of a federation, seen before or not. */
export async function registerUser(
  session: Session,
  [id = '']: readonly string[],
  options: UserOptions,
): Promise<void> {
  if (!HOLDER.test(id))
    throw new UsageError(
      `${JSON.stringify(id)} is no principal of a federation`,
      'write the id as `vep session list` or the audit trail has it: x509:<subject> issued by <issuer>, oidc:<issuer> <subject>',
    );
  const roles = new Set(rolesOf(options.role, ['user']));
  const [first, ...others] = options.group ?? [];
  if (first === undefined) throw new UsageError('new things need a group that they belong to', 'add --group');
  const principal = { id, name: id, tier: 'federation', roles, groups: [first, ...others] } as const;
  const now = session.terminal.clock.now();
  await inStore(session, options, (store) => store.write((tx) => registerHolder(tx, principal, now)));
  await answer(session, options, id, 'registered');
}

export async function setUser(session: Session, [name = '']: readonly string[], options: UserOptions): Promise<void> {
  await inStore(session, options, async (store) => {
    const { principal } = await expectAccount(store, name);
    const roles = rolesOf(options.role, [...principal.roles]);
    const [first = principal.groups[0], ...others] = options.group?.length ? options.group : principal.groups;
    await store.write((tx) => changeStanding(tx, principal.id, roles, [first, ...others]));
  });
  await answer(session, options, name, 'changed');
}

export async function setPassword(
  session: Session,
  [name = '']: readonly string[],
  options: UserOptions,
): Promise<void> {
  const password = await askPassword(session, name);
  await inStore(session, options, async (store) => {
    await expectAccount(store, name);
    await store.write((tx) => changePassword(tx, localId(name), password));
  });
  await answer(session, options, name, 'changed');
}

export async function moveUser(
  term: 'disable' | 'enable',
  session: Session,
  [name = '']: readonly string[],
  options: UserOptions,
): Promise<void> {
  const now = session.terminal.clock.now();
  await inStore(session, options, async (store) => {
    await expectAccount(store, name);
    await store.write((tx) =>
      term === 'disable' ? disableAccount(tx, idOf(name), now) : enableAccount(tx, idOf(name)),
    );
  });
  await answer(session, options, name, term === 'disable' ? 'shut out' : 'let in');
}

async function answer(session: Session, options: UserOptions, name: string, done: string): Promise<void> {
  const account = await inStore(session, options, (store) => expectAccount(store, name));
  session.answer(shown(account), () => `${displayText(name)} is ${done}\n`);
}

/** Ids of holders of certificates and tokens; no name of an account is like them. */
const HOLDER = /^(?:x509|oidc):\S/;

function idOf(name: string): string {
  return HOLDER.test(name) ? name : localId(name);
}

async function expectAccount(reader: SqlReader, name: string): Promise<Account> {
  const account = await findAccount(reader, idOf(name));
  if (account) return account;
  throw problem('not-found', 'cli.no-account', `there is no account called ${JSON.stringify(name)}`, {
    remedy: 'see `vep user list --admin`',
  });
}

function shown({ principal, password, disabled }: Account) {
  const { id, name, roles, groups } = principal;
  return { id, name, roles: [...roles], groups, password: password !== undefined, disabled };
}

function rolesOf(given: readonly string[] | undefined, absent: readonly Role[]): readonly Role[] {
  if (given === undefined || given.length === 0) return absent;
  return given.map((role) => {
    const known = ROLES.find((each) => each === role);
    if (known === undefined)
      throw new UsageError(`${JSON.stringify(role)} is no role`, `choose of ${ROLES.join(', ')}`);
    return known;
  });
}

function askPassword(session: Session, name: string): Promise<string> {
  return session.secret(`Password of ${name}: `, 'password', 'type it, or send it on standard input');
}
