/** `vep login`: keeps a token for a server, readable by its owner alone, after having tried it. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { VepClient } from '../../client/index.js';
import { findConnection, loginFile, originOf, readLogins, type Logins } from '../connection.js';
import type { Session } from '../session.js';

export interface LoginOptions {
  readonly logout?: boolean;
}

export async function login(session: Session, [server]: readonly string[], { logout }: LoginOptions): Promise<void> {
  const { terminal, options } = session;
  const endpoint =
    server === undefined ? findConnection(options, terminal).endpoint : originOf(server, 'the command line');
  const logins = readLogins(terminal);
  const { [endpoint]: _old, ...others } = logins.tokens;
  if (logout === true) {
    save(loginFile(terminal), { ...(logins.endpoint === endpoint ? {} : logins), tokens: others });
    session.answer({ endpoint, signedIn: false }, () => `signed out of ${endpoint}\n`);
    return;
  }
  const remedy = 'type it, or send it: vep login <url> < token-file';
  const token = options.token ?? (await session.secret(`Token for ${endpoint}: `, 'token', remedy)).trim();
  await new VepClient({ endpoint, credentials: { token }, clock: terminal.clock }).discover();
  save(loginFile(terminal), { endpoint, tokens: { ...others, [endpoint]: token } });
  session.answer({ endpoint, signedIn: true }, () => `signed in to ${endpoint}\n`);
}

function save(file: string, logins: Logins): void {
  if (Object.keys(logins.tokens).length === 0) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}
