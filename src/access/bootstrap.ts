/**
 * The first start (K25): a local administrator and a local user come about, and the token of each is put into a file
 * of the data directory that only the server's own user can read. `vep` on the same machine signs in with them.
 */

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Store, Tx } from '../store/sql.js';
import { createAccount, findAccount, localId, type NewAccount } from './accounts.js';
import { newToken, revokeTokensNamed, storeToken } from './tokens.js';

export type BootstrapName = 'admin' | 'user';

const ACCOUNTS: Readonly<Record<BootstrapName, NewAccount>> = {
  admin: { name: 'admin', roles: ['administrator', 'provider', 'user'], groups: ['admin'] },
  user: { name: 'user', roles: ['user'], groups: ['user'] },
};

/** Where the token of a bootstrap account lies. */
export function tokenFile(dataDirectory: string, name: BootstrapName): string {
  return join(dataDirectory, `${name}.token`);
}

/**
 * Makes the accounts and token files that have never been made; answers whose. A file that somebody took away stays
 * away: {@link resetToken} makes a new one.
 */
export async function bootstrap(store: Store, dataDirectory: string, now: number): Promise<BootstrapName[]> {
  const made: BootstrapName[] = [];
  for (const name of ['admin', 'user'] as const) {
    if (await findAccount(store, localId(name))) continue;
    await resetToken(store, dataDirectory, name, now);
    made.push(name);
  }
  return made;
}

/**
 * Makes a new token for the account, which is made too if it is missing, and revokes the one from the file. Answers the
 * path of the file. The file is written before the commit: a crash in between leaves a token that is good for nothing,
 * and the next start makes another.
 */
export async function resetToken(
  store: Store,
  dataDirectory: string,
  name: BootstrapName,
  now: number,
): Promise<string> {
  const token = newToken();
  const file = tokenFile(dataDirectory, name);
  writePrivately(dataDirectory, file, token);
  await store.write(async (tx) => {
    await ensureAccount(tx, name, now);
    await revokeTokensNamed(tx, localId(name), fileName(name));
    await storeToken(tx, token, { principal: localId(name), name: fileName(name), createdAt: now });
  });
  return file;
}

async function ensureAccount(tx: Tx, name: BootstrapName, now: number): Promise<void> {
  if (!(await findAccount(tx, localId(name)))) await createAccount(tx, ACCOUNTS[name], now);
}

function fileName(name: BootstrapName): string {
  return `${name}.token`;
}

/** Whole or not at all, and readable by its owner alone from the first byte on. */
function writePrivately(folder: string, file: string, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    writeSync(handle, `${text}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}
