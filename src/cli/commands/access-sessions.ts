/**
 * `vep access sessions`, `delegate`, `redeem`, `end`, `revoke` and `restore`: temporary access to applications
 * (`docs/access/sessions.md`).
 */

import { createHash, randomBytes } from 'node:crypto';
import { isUuid } from '../../base/ids.js';
import { SESSION, SESSION_ACTIONS, SESSION_PREFIX, type Located } from '../../client/index.js';
import { entityJson, findNamed, idOf, textOf } from '../entities.js';
import { UsageError } from '../exit-codes.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { stateIn } from '../ui/style.js';
import { table } from '../ui/table.js';

export interface DelegateOptions {
  readonly to?: string;
  readonly verbs?: string;
  readonly for?: string;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

export async function listSessions(session: Session, [appliance]: readonly string[]): Promise<void> {
  const application = appliance === undefined ? undefined : (await findNamed(session.client, appliance)).path;
  const all = await session.client.list(SESSION);
  const found = all.filter((each) => application === undefined || said(each, 'application') === application);
  session.answer(found.map(entityJson), () => {
    if (found.length === 0) return 'no sessions\n';
    const rows = found.map((each) => [
      stateIn(session.style, said(each, 'state')),
      ...['source', 'application', 'subject', 'vo', 'verbs', 'expires', 'state.message'].map((name) =>
        displayText(said(each, name)),
      ),
      idOf(each.view),
    ]);
    const columns = ['STATE', 'SOURCE', 'APPLICATION', 'SUBJECT', 'VO', 'VERBS', 'EXPIRES', 'WHY', 'ID'];
    return table(columns, rows, session.style);
  });
}

/** To a subject that is named; without one, to whoever redeems the one-time token, which is shown once. */
export async function delegate(
  session: Session,
  [appliance = '']: readonly string[],
  { to, verbs = 'read,act', for: duration = '1h' }: DelegateOptions,
): Promise<void> {
  const { client } = session;
  const found = await findNamed(client, appliance);
  const token = to === undefined ? `vepd_${randomBytes(32).toString('base64url')}` : undefined;
  const whom = token === undefined ? { subject: to } : { offer: createHash('sha256').update(token).digest('hex') };
  const wanted = { application: found.path, verbs: verbs.replaceAll(',', ' '), until: isoDuration(duration), ...whom };
  const attributes = Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => [SESSION_PREFIX + name, value ?? '']),
  );
  const made = await client.create({ kind: SESSION, attributes });
  if (token !== undefined) session.note('whoever redeems this token first has the access; it is shown once');
  session.answer({ ...entityJson(made), ...(token === undefined ? {} : { token }) }, () =>
    token === undefined ? `delegated until ${displayText(said(made, 'expires'))}: ${idOf(made.view)}\n` : `${token}\n`,
  );
}

/** The token is an argument, typed unseen, or the first line of standard input. */
export async function redeem(session: Session, [given]: readonly string[]): Promise<void> {
  const remedy = 'type it, or send it: vep access redeem < token-file';
  const token = (given ?? (await session.secret('One-time token: ', 'token', remedy))).trim();
  const made = await session.client.create({ kind: SESSION, attributes: { [`${SESSION_PREFIX}token`]: token } });
  session.answer(entityJson(made), () => {
    const [application, verbs, expires] = ['application', 'verbs', 'expires'].map((name) => said(made, name));
    return `${displayText(application ?? '')}: ${displayText(verbs ?? '')} until ${displayText(expires ?? '')}\n`;
  });
}

export async function actOnSession(
  term: 'end' | 'revoke' | 'restore',
  session: Session,
  [id = '']: readonly string[],
  { reason }: { readonly reason?: string },
): Promise<void> {
  const path = isUuid(id) ? `/session/${id}` : id;
  if (!path.includes('/')) throw new UsageError('a session is named by its id', 'see `vep access sessions`');
  await session.client.act(path, SESSION_ACTIONS + term, reason === undefined ? {} : { reason });
  session.answer({ path, action: term, accepted: true }, () => `${DONE[term]}\n`);
}

const DONE = { end: 'ended', revoke: 'revoked', restore: 'restored' } as const;

function said({ view }: Located, name: string): string {
  return textOf(view, SESSION_PREFIX + name) ?? '';
}

/** A duration, not a time: this machine's clock may differ from the server's. */
function isoDuration(duration: string): string {
  const [, count = '', unit = 's'] = /^([1-9]\d{0,6})([smhd])?$/.exec(duration) ?? [];
  if (count === '') throw new UsageError(`${JSON.stringify(duration)} is no duration`, 'write 30m, 1h or 2d');
  return `PT${Number(count) * (SECONDS[unit] ?? 1)}S`;
}
