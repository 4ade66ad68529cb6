/**
 * Following the work on an appliance (`--watch`): its events become rows of progress, one for each machine, image and
 * network, and the outcome of what the user asked for becomes the exit code.
 */

import { patiently, type VepClient } from '../client/index.js';
import { COMPUTE, NETWORK, isLinkView, type EntityView } from '../occi/model.js';
import { idOf, stateOf, textOf } from './entities.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { ProgressDisplay } from './progress-display.js';
import type { Session } from './session.js';
import { WorkProgress, type NamedEntity } from './work-progress.js';

export interface FollowOptions {
  readonly path: string;
  /** Only operations filed at or after this instant count, by the server's clock; 0: all. */
  readonly since: number;
  /** How many operations were asked for. */
  readonly operations: number;
  /** State of the appliance to which they shall lead. */
  readonly until: string;
  /** Seconds; absent: as long as it takes. */
  readonly timeout?: number;
  /** Entities as they were before the operations were asked for: what is being released is not listed any more. */
  readonly known: readonly NamedEntity[];
}

export interface Outcome {
  readonly exit: ExitCode;
  readonly state: string;
  readonly message: string | undefined;
}

/** Follows until the operations have ended and says how. */
export async function follow(session: Session, options: FollowOptions): Promise<Outcome> {
  const { client, terminal } = session;
  const { path, since, operations, timeout, known } = options;
  const stop = new AbortController();
  if (timeout !== undefined) void terminal.clock.sleep(timeout * 1000, stop.signal).then(() => stop.abort());
  const work = new WorkProgress(since, operations);
  const display = new ProgressDisplay(session);
  try {
    const present = await patiently(terminal.clock, () => entitiesOf(client, path));
    for (const entity of [...known, ...present]) work.know(entity);
    for await (const event of client.watch(path, { signal: stop.signal })) {
      if (event.type !== 'operation') continue;
      const change = work.take(event);
      if (change) display.show(work.rows(), change);
      if (work.ending !== undefined) return await outcome(session, options, work.ending === 'done');
    }
    return await outcome(session, options, false, `not ${options.until} after ${timeout} seconds; the work goes on`);
  } finally {
    stop.abort();
    display.end();
  }
}

/** The entities of an appliance whose operations can be told apart; links and disks count for their machine. */
export async function entitiesOf(client: VepClient, path: string): Promise<NamedEntity[]> {
  const filter = { attributes: { 'eu.contrail-project.ovf.appliance': path } };
  const [machines, networks] = await Promise.all([client.list(COMPUTE, { filter }), client.list(NETWORK, { filter })]);
  return [
    ...networks.map(({ view }): NamedEntity => ({
      id: idOf(view),
      what: 'resource',
      row: idOf(view),
      label: `network ${nameOf(view)}`,
    })),
    ...machines.flatMap(({ view }) => machineEntities(view)),
  ];
}

function machineEntities(view: EntityView): NamedEntity[] {
  const belonging = { row: idOf(view), label: `machine ${nameOf(view)}` };
  const links = isLinkView(view) ? [] : view.links;
  const disks = links.map((link) => link.target.location).filter((location) => location.startsWith('/storage/'));
  return [
    { id: idOf(view), what: 'machine', ...belonging },
    ...links.map((link): NamedEntity => ({ id: idOf(link), what: 'link', ...belonging })),
    ...disks.map((location): NamedEntity => ({
      id: location.slice('/storage/'.length),
      what: 'resource',
      ...belonging,
    })),
  ];
}

function nameOf(view: EntityView): string {
  return textOf(view, 'eu.contrail-project.ovf.id') ?? view.title ?? idOf(view);
}

async function outcome(
  { client, terminal }: Session,
  options: FollowOptions,
  done: boolean,
  late?: string,
): Promise<Outcome> {
  const { view } = await patiently(terminal.clock, () => client.get(options.path));
  const state = stateOf(view);
  const message = late ?? textOf(view, 'eu.contrail-project.appliance.state.message');
  return { exit: done && state === options.until ? EXIT.ok : EXIT.failed, state, message };
}
