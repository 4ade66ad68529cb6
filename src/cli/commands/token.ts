/**
 * `vep token` and `vep admin reset`: tokens of local accounts, made and revoked on the server's own machine. Whoever may
 * write the data directory is the administrator (K25); the server need not run.
 */

import {
  createToken,
  findAccount,
  listAccounts,
  listTokens,
  localId,
  resetToken,
  revokeToken,
} from '../../access/index.js';
import { problem } from '../../base/errors.js';
import type { Store } from '../../store/sql.js';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.js';
import { configOf, inStore } from '../local-store.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { table } from '../ui/table.js';

export interface TokenOptions {
  readonly config?: string;
  readonly account?: string;
  readonly name?: string;
  /** Days. */
  readonly expires?: number;
}

const DAY = 24 * 3600 * 1000;

export async function createApiToken(session: Session, _args: readonly string[], options: TokenOptions): Promise<void> {
  const { account = 'user', name = 'made by vep token create', expires } = options;
  const now = session.terminal.clock.now();
  const expiresAt = expires === undefined ? undefined : now + expires * DAY;
  const token = await inStore(session, options, async (store) => {
    await expectAccount(store, account);
    const about = { principal: localId(account), name, createdAt: now };
    return store.write((tx) => createToken(tx, expiresAt === undefined ? about : { ...about, expiresAt }));
  });
  session.note('this token is shown once: keep it');
  session.answer({ account, name, token, expiresAt: expiresAt ?? null }, () => `${token}\n`);
}

export async function listApiTokens(session: Session, _args: readonly string[], options: TokenOptions): Promise<void> {
  const found = await inStore(session, options, async (store) => {
    const accounts = (await listAccounts(store)).filter(
      ({ principal }) => options.account === undefined || principal.name === options.account,
    );
    const tokens = await Promise.all(
      accounts.map(async ({ principal }) =>
        (await listTokens(store, principal.id)).map(({ sha256, name, createdAt, expiresAt, lastUsed }) => ({
          id: sha256.slice(0, 16),
          account: principal.name,
          name,
          createdAt,
          expiresAt,
          lastUsed,
        })),
      ),
    );
    return tokens.flat();
  });
  session.answer(found, () => {
    const rows = found.map(({ id, account, name, createdAt, expiresAt, lastUsed }) => [
      id,
      displayText(account),
      displayText(name),
      day(createdAt),
      expiresAt === null ? 'never' : day(expiresAt),
      lastUsed === null ? 'never' : day(lastUsed),
    ]);
    return table(['ID', 'ACCOUNT', 'NAME', 'MADE', 'EXPIRES', 'LAST USED'], rows, session.style);
  });
}

export async function revokeApiToken(
  session: Session,
  [id = '']: readonly string[],
  options: TokenOptions,
): Promise<ExitCode> {
  if (!/^[0-9a-f]{8,64}$/.test(id))
    throw new UsageError('a token is named by the beginning of its id', 'see `vep token list --admin`');
  const account = await inStore(session, options, async (store) => {
    for (const { principal } of await listAccounts(store)) {
      const token = (await listTokens(store, principal.id)).find(({ sha256 }) => sha256.startsWith(id));
      if (token && (await store.write((tx) => revokeToken(tx, principal.id, token.sha256)))) return principal.name;
    }
    throw problem('not-found', 'cli.no-token', 'there is no token of that id', {
      remedy: 'see `vep token list --admin`',
    });
  });
  session.answer({ id, account, revoked: true }, () => `revoked a token of ${displayText(account)}\n`);
  return EXIT.ok;
}

/** A new token for the local administrator, or for the local user, in its file; the one before is worth nothing. */
export async function reset(
  session: Session,
  [name = 'admin']: readonly string[],
  options: TokenOptions,
): Promise<void> {
  if (name !== 'admin' && name !== 'user') throw new UsageError(`${JSON.stringify(name)} is neither admin nor user`);
  const now = session.terminal.clock.now();
  const config = configOf(session, options);
  const file = await inStore(session, options, (store) => resetToken(store, config.data.directory, name, now));
  session.answer({ account: name, file }, () => `a new token of ${name} is in ${displayText(file)}\n`);
}

async function expectAccount(store: Store, name: string): Promise<void> {
  if (await findAccount(store, localId(name))) return;
  throw problem('not-found', 'cli.no-account', `there is no account called ${JSON.stringify(name)}`, {
    remedy: 'see `vep token list --admin` for accounts',
  });
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ');
}
