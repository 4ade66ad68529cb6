/** `vep start`, `stop`, `suspend`, `restart`, `undeploy`, `scale` and `delete`: actions on an appliance or another entity. */

import { APPLIANCE, APPLIANCE_ACTIONS, type Fetched, type VepClient } from '../../client/index.js';
import { actionOf, findNamed, idOf } from '../entities.js';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.js';
import { entitiesOf, follow, type FollowOptions } from '../follow.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';

export interface ActOptions {
  readonly watch?: boolean;
  readonly timeout?: number;
}

/** State of the appliance that an action leads to. */
const LEADS_TO: Readonly<Record<string, string>> = {
  start: 'active',
  stop: 'inactive',
  suspend: 'suspended',
  restart: 'active',
  undeploy: 'inactive',
  scale: 'active',
};

export async function act(
  term: string,
  session: Session,
  [name = '']: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  const { client } = session;
  const found = await findNamed(client, name);
  // An appliance knows no restart of its own; its operations follow one another in the order of asking.
  const terms = term === 'restart' && found.view.kind === APPLIANCE ? ['stop', 'start'] : [term];
  const known = await beforehand(client, found, options);
  for (const each of terms) await client.act(found.path, actionOf(found.view, each));
  return ending(session, found, term, options, { operations: terms.length, known });
}

export async function scale(
  session: Session,
  [name = '', role = '', text = '']: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  const { client } = session;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) {
    throw new UsageError(`${JSON.stringify(text)} is no number of instances`, 'give 1 or more');
  }
  const found = await findNamed(client, name);
  const known = await beforehand(client, found, options);
  await client.act(found.path, `${APPLIANCE_ACTIONS}scale`, { role, count });
  return ending(session, found, 'scale', options, { operations: 1, known });
}

export async function remove(session: Session, [name = '']: readonly string[]): Promise<void> {
  const { path, view } = await findNamed(session.client, name);
  await session.client.delete(path);
  session.answer({ path, id: idOf(view), deleted: true }, () => `${displayText(view.title ?? path)}: deleted\n`);
}

/** What is to be followed is named before it may go. Only appliances have an event stream with an end. */
async function beforehand(
  client: VepClient,
  { path, view }: Fetched,
  { watch }: ActOptions,
): Promise<FollowOptions['known']> {
  if (watch !== true) return [];
  if (view.kind !== APPLIANCE) throw new UsageError('only an appliance can be watched', 'leave --watch out');
  return entitiesOf(client, path);
}

async function ending(
  session: Session,
  { path, view, serverTime }: Fetched,
  term: string,
  { watch, timeout }: ActOptions,
  followed: Pick<FollowOptions, 'operations' | 'known'>,
): Promise<ExitCode> {
  const title = displayText(view.title ?? path);
  if (watch !== true) {
    session.answer({ path, id: idOf(view), action: term, accepted: true }, () => `${title}: ${term} accepted\n`);
    return EXIT.ok;
  }
  const until = LEADS_TO[term] ?? '';
  const limit = timeout === undefined ? {} : { timeout };
  const { exit, state, message } = await follow(session, { path, since: serverTime, until, ...followed, ...limit });
  session.answer({ path, id: idOf(view), action: term, state, message: message ?? null }, () => {
    return `${title}: ${state}${message === undefined ? '' : `, ${displayText(message)}`}\n`;
  });
  return exit;
}
