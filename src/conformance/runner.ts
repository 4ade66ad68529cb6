/**
 * A run of the suite: finds out what the server offers, puts every statement to it that was asked for, in each version, and
 * takes away what it made: after each check, again at the end, and also when it is interrupted.
 */

import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { CATALOGUE } from './catalogue/index.js';
import { VERSIONS, type Statement, type Version } from './catalogue/statement.js';
import type { Check } from './check.js';
import { CHECKS, UNOBSERVABLE } from './checks/index.js';
import { NOBODY, type Credentials } from './credentials.js';
import type { Exchange } from './exchange.js';
import { Inventory } from './inventory.js';
import { Blocked, Inapplicable, Violation, type Outcome } from './outcome.js';
import { Peer } from './peer.js';
import { findSubject } from './subject.js';
import { Trial } from './trial.js';
import { Wire, WireError, type WireTls } from './wire.js';

export interface RunOptions {
  readonly endpoint: string;
  /** Those that the server names in `Server` when absent. */
  readonly versions?: readonly Version[];
  /** Ids or beginnings of ids: `C-041`, `C-0`, `I`. All when absent. */
  readonly only?: readonly string[];
  readonly credentials?: Credentials;
  /** True when nobody has said who the run is: then nothing is destroyed, even in an empty account (K28). */
  readonly implicit?: boolean;
  /** A second account, for what one must not see of another. */
  readonly other?: Credentials;
  /** Whoever may accept agreements, where that is not the account of the run. */
  readonly provider?: Credentials;
  readonly tls?: WireTls;
  /** Also where the account has entities already (K28). */
  readonly destructive?: boolean;
  /** How long a state may take to be reached. Default a minute. */
  readonly patienceMs?: number;
  /** How long one answer may take. Default half a minute. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly onResult?: (result: Result) => void;
}

export interface Result {
  readonly statement: Statement;
  readonly version: Version;
  readonly outcome: Outcome;
  /** Why it is anything but passed. */
  readonly reason?: string;
  /** How it was looked at. */
  readonly how: string;
  /** Everything that was said, in order. */
  readonly exchanges: readonly Exchange[];
  /** The exchange that decided. */
  readonly decisive?: Exchange;
  readonly ms: number;
}

export interface Run {
  readonly endpoint: string;
  /** What the server says it is. */
  readonly server: string;
  readonly versions: readonly Version[];
  readonly startedAt: number;
  readonly endedAt: number;
  readonly results: readonly Result[];
  /** What could not be removed, with the reason. */
  readonly left: readonly string[];
  readonly interrupted: boolean;
}

/** @throws WireError when the server cannot be reached; Blocked when its query interface cannot be read */
export async function runSuite(options: RunOptions): Promise<Run> {
  const { clock = systemClock, signal } = options;
  const endpoint = new URL(options.endpoint);
  const wire = new Wire(endpoint, options.tls, options.timeoutMs ?? 30_000);
  const mark = `conformance-${randomBytes(4).toString('hex')}`;
  const peerFor = (version: Version): Peer =>
    new Peer({
      wire,
      base: endpoint.pathname.replace(/\/+$/, ''),
      version,
      credentials: options.credentials ?? NOBODY,
      other: options.other,
      provider: options.provider,
      mark,
      clock,
      patienceMs: options.patienceMs ?? 60_000,
      ...(signal ? { signal } : {}),
    });
  const startedAt = clock.now();
  try {
    const server = (await peerFor('1.1').send('GET', '/-/')).header('server') ?? '';
    const versions = options.versions ?? versionsIn(server);
    const results: Result[] = [];
    const left: string[] = [];
    for (const version of versions) {
      if (signal?.aborted === true) break;
      const half = await runVersion(peerFor(version), options, clock);
      results.push(...half.results);
      left.push(...half.left);
    }
    const interrupted = signal?.aborted === true;
    const { href } = endpoint;
    return { endpoint: href, server, versions, startedAt, endedAt: clock.now(), results, left, interrupted };
  } finally {
    wire.close();
  }
}

/** Statements that an `only` list names; all without one. */
export function selected(only: readonly string[] | undefined): Statement[] {
  if (only === undefined) return [...CATALOGUE];
  return CATALOGUE.filter(({ id }) => only.some((each) => id.startsWith(each)));
}

async function runVersion(peer: Peer, options: RunOptions, clock: Clock): Promise<Pick<Run, 'results' | 'left'>> {
  const model = await peer.model();
  const inventory = await Inventory.take(peer, model);
  const forbidden = whyNotDestroy(options, inventory);
  const results: Result[] = [];
  const stopped = (): boolean => options.signal?.aborted === true;
  try {
    const subject = await findSubject(peer, model);
    for (const statement of selected(options.only).filter(({ versions }) => versions.includes(peer.version))) {
      if (stopped()) break;
      const began = clock.now();
      const judged = await judge(statement, new Trial(peer, model, subject), forbidden);
      const result = { statement, version: peer.version, ...judged, ms: clock.now() - began };
      // What an interrupted check says is about the interruption.
      if (stopped()) break;
      results.push(result);
      options.onResult?.(result);
      await peer.made.remove(peer);
    }
  } finally {
    peer.heedless = true;
    await peer.made.remove(peer);
  }
  const left = await inventory
    .settle()
    .catch((error: unknown) => [`the collections cannot be read: ${messageOf(error)}`]);
  return { results, left };
}

/** K28: what is there must be the run's own, or its owner must have said so; and must have said who they are. */
function whyNotDestroy(options: RunOptions, inventory: Inventory): string | undefined {
  if (options.implicit === true)
    return 'it would delete or change whole collections: needs explicit credentials (--auth)';
  if (options.destructive === true || inventory.empty) return undefined;
  return 'it would delete or change entities that the run has not made: needs an account without any, or --destructive';
}

type Judged = Pick<Result, 'outcome' | 'how' | 'exchanges' | 'decisive' | 'reason'>;

async function judge(statement: Statement, trial: Trial, forbidden: string | undefined): Promise<Judged> {
  const check: Check | undefined = CHECKS[statement.id];
  if (check === undefined) {
    const reason = `not seen from outside: ${UNOBSERVABLE[statement.id] ?? 'there is no check'}`;
    return { outcome: 'skipped', reason, how: 'not at all', exchanges: [] };
  }
  const { how } = check;
  if (check.destructive === true && forbidden !== undefined) {
    return { outcome: 'skipped', reason: forbidden, how, exchanges: [] };
  }
  const ended = (outcome: Outcome, reason: string, exchange = trial.exchanges.at(-1)): Judged => ({
    outcome,
    reason,
    how,
    exchanges: trial.exchanges,
    ...(exchange ? { decisive: exchange } : {}),
  });
  try {
    await check.run(trial);
    const decisive = trial.exchanges.at(-1);
    return { outcome: 'passed', how, exchanges: trial.exchanges, ...(decisive ? { decisive } : {}) };
  } catch (error) {
    if (error instanceof Violation) return ended('failed', error.message, error.exchange);
    if (error instanceof Inapplicable) return ended('inapplicable', error.message);
    if (error instanceof Blocked || error instanceof WireError) return ended('blocked', error.message);
    // An answer that nobody foresaw must not end the run.
    return ended('blocked', `the check itself broke off: ${messageOf(error)}`);
  }
}

/** Versions that a `Server` header names; both when it names none, for then there is something to report. */
function versionsIn(server: string): readonly Version[] {
  const named = VERSIONS.filter((version) => server.includes(`OCCI/${version}`));
  return named.length > 0 ? named : VERSIONS;
}
