/**
 * Following the work on an appliance (`--watch`): its events become rows of progress, one for each machine, image and
 * network, and the outcome of the operation that the user asked for becomes the exit code.
 */

import type { VepClient, WatchEvent } from '../client/index.js';
import { COMPUTE, NETWORK, isLinkView, type EntityView } from '../occi/model.js';
import { idOf, stateOf, textOf } from './entities.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { ProgressDisplay } from './progress-display.js';
import type { Session } from './session.js';
import { WorkProgress } from './work-progress.js';

export interface FollowOptions {
  readonly path: string;
  /** Only operations filed at or after this instant count, by the server's clock; 0: all. */
  readonly since: number;
  /** State of the appliance to which it shall lead. */
  readonly until: string;
  /** Seconds; absent: as long as it takes. */
  readonly timeout?: number;
}

export interface Outcome {
  readonly exit: ExitCode;
  readonly state: string;
  readonly message: string | undefined;
}

/** Follows until the operation has ended and says how. */
export async function follow(session: Session, options: FollowOptions): Promise<Outcome> {
  const { client, terminal } = session;
  const stop = new AbortController();
  if (options.timeout !== undefined)
    void terminal.clock.sleep(options.timeout * 1000, stop.signal).then(() => stop.abort());
  const work = new WorkProgress(options.since);
  const display = new ProgressDisplay(session);
  await nameEntities(client, options.path, work);
  try {
    for await (const event of client.watch(options.path, { signal: stop.signal })) {
      if (event.type !== 'operation') continue;
      const change = work.take(event);
      if (change) display.show(work.rows(), change);
      if (work.ending !== undefined) return await outcome(client, options, work.ending);
    }
    return stop.signal.aborted ? await late(client, options) : { exit: EXIT.ok, state: 'gone', message: undefined };
  } finally {
    stop.abort();
    display.end();
  }
}

/** What the entities of the appliance are called; a link belongs to the machine it starts from. */
async function nameEntities(client: VepClient, path: string, work: WorkProgress): Promise<void> {
  const filter = { attributes: { 'eu.contrail-project.ovf.appliance': path } };
  const [machines, networks] = await Promise.all([client.list(COMPUTE, { filter }), client.list(NETWORK, { filter })]);
  for (const { view } of networks) work.name(idOf(view), { id: idOf(view), label: `network ${titleOf(view)}` });
  for (const { view } of machines) {
    const row = { id: idOf(view), label: `machine ${titleOf(view)}` };
    work.name(row.id, row);
    for (const link of isLinkView(view) ? [] : view.links) {
      work.name(idOf(link), row);
      const target = link.target.location;
      if (target.startsWith('/storage/')) work.name(target.slice('/storage/'.length), row);
    }
  }
}

function titleOf(view: EntityView): string {
  return textOf(view, 'eu.contrail-project.ovf.id') ?? view.title ?? idOf(view);
}

async function outcome(
  client: VepClient,
  options: FollowOptions,
  ending: NonNullable<WatchEvent['state']>,
): Promise<Outcome> {
  const { view } = await client.get(options.path);
  const state = stateOf(view);
  const message = textOf(view, 'eu.contrail-project.appliance.state.message');
  const arrived = ending === 'done' && state === options.until;
  return { exit: arrived ? EXIT.ok : EXIT.failed, state, message };
}

async function late(client: VepClient, options: FollowOptions): Promise<Outcome> {
  const { view } = await client.get(options.path);
  return {
    exit: EXIT.failed,
    state: stateOf(view),
    message: `not ${options.until} after ${options.timeout} seconds; the work goes on`,
  };
}
