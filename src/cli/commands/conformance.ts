/**
 * `vep conformance`: runs the conformance suite against any OCCI server. Progress and what failed go to standard error, the
 * report to standard output or a file. Exit codes: 0 no MUST violated; 1 some are, or could not be looked at; 5 the run was
 * interrupted, or could not remove what it made; 2, 3 and 4 as everywhere.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  Blocked,
  OUTCOMES,
  WireError,
  conforms,
  countByLevel,
  exchangeText,
  htmlReport,
  jsonReport,
  junitReport,
  readCredentials,
  runSuite,
  selected,
  type Credentials,
  type Result,
  type Run,
  type RunOptions,
  type Version,
} from '../../conformance/index.js';
import { problem } from '../../base/errors.js';
import { ConnectionError } from '../../client/index.js';
import { findConnection, tlsOf } from '../connection.js';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import type { Style } from '../ui/style.js';
import { table } from '../ui/table.js';

export interface ConformanceOptions {
  /** `1.1` or `1.2`, as the command line has made sure. */
  readonly version?: Version;
  readonly only?: readonly string[];
  readonly auth?: string;
  readonly otherAuth?: string;
  readonly providerAuth?: string;
  readonly report?: 'html' | 'junit' | 'json';
  readonly output?: string;
  readonly destructive?: boolean;
  /** Seconds. */
  readonly timeout?: number;
}

export async function conformance(
  session: Session,
  [endpoint = '']: readonly string[],
  options: ConformanceOptions,
): Promise<ExitCode> {
  if (selected(options.only).length === 0) throw new UsageError(`no statement is called ${options.only?.join(', ')}`);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    const run = await runSuite({
      ...runOptions(session, endpoint, options),
      signal: stop.signal,
      onResult: (result) => tell(session, result),
    });
    write(session, run, options);
    return verdict(run);
  } catch (error) {
    if (error instanceof WireError) throw new ConnectionError(endpoint, error);
    if (error instanceof Blocked) throw problem('invalid', 'conformance.no-occi', error.message, { remedy: NO_OCCI });
    throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const NO_OCCI = 'name the endpoint whose /-/ is the query interface, and give credentials with --auth';

function runOptions(session: Session, endpoint: string, options: ConformanceOptions): RunOptions {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw new UsageError('the endpoint is not an http or https URL', 'write it as http://127.0.0.1:8787');
  const { directory, clock } = session.terminal;
  const read = (file: string): string => {
    try {
      return readFileSync(resolve(directory, file), 'utf8');
    } catch {
      throw new UsageError(`the file ${file} cannot be read`);
    }
  };
  const explicit =
    options.auth ?? (session.options.token === undefined ? undefined : `bearer:${session.options.token}`);
  const credentials = explicit === undefined ? implicitCredentials(session, endpoint) : readCredentials(explicit, read);
  // K28: whoever has not said who they are has not said that anything may be destroyed.
  if (options.destructive === true && explicit === undefined && session.options.cert === undefined)
    throw new UsageError(
      '--destructive needs credentials on the command line',
      'say whose entities they are with --auth',
    );
  const tls = tlsOf(session.options, directory);
  return {
    endpoint,
    clock,
    credentials,
    implicit: explicit === undefined,
    ...(options.version === undefined ? {} : { versions: [options.version] }),
    ...(options.only === undefined ? {} : { only: options.only }),
    ...(options.otherAuth === undefined ? {} : { other: readCredentials(options.otherAuth, read) }),
    ...(options.providerAuth === undefined ? {} : { provider: readCredentials(options.providerAuth, read) }),
    ...(options.destructive === undefined ? {} : { destructive: options.destructive }),
    ...(options.timeout === undefined ? {} : { patienceMs: options.timeout * 1000 }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** What `vep` would use for this server anyway; nothing for a server it does not know. */
function implicitCredentials(session: Session, endpoint: string): Credentials {
  const { token } = findConnection({ ...session.options, endpoint }, session.terminal);
  return token === undefined ? { scheme: 'none' } : { scheme: 'bearer', token };
}

function tell(session: Session, { statement, version, outcome, reason = '', decisive }: Result): void {
  if (outcome === 'passed' || outcome === 'inapplicable' || outcome === 'skipped') return;
  const { errorStyle: style } = session;
  const { id, level, says, source } = statement;
  session.note(`${style.red(outcome)}: ${style.bold(`${id} [${version}] ${level}`)} ${says} (${source})`);
  session.note(`  ${displayText(reason)}`);
  if (decisive !== undefined && session.options.debug === true)
    session.note(exchangeText(decisive).replace(/^/gm, '  '));
}

const REPORTS = { html: htmlReport, junit: junitReport, json: jsonReport } as const;

function write(session: Session, run: Run, { report, output }: ConformanceOptions): void {
  const form = report ?? (session.options.json === true ? 'json' : undefined);
  const text = form === undefined ? textReport(run, session.style) : REPORTS[form](run);
  if (output === undefined) session.terminal.out.write(text);
  else writeFileSync(resolve(session.terminal.directory, output), text);
  if (output !== undefined || form !== undefined) session.note(textReport(run, session.errorStyle).trimEnd());
}

function textReport(run: Run, style: Style): string {
  const rows = countByLevel(run).map(({ version, level, counts }) => [
    `${version} ${level}`,
    ...OUTCOMES.map((outcome) => String(counts[outcome])),
  ]);
  const head = `${displayText(run.server)} at ${displayText(run.endpoint)}\n`;
  const left = run.left.map((each) => `${style.red('not removed')}: ${displayText(each)}\n`).join('');
  const end = run.interrupted ? 'interrupted' : conforms(run) ? 'no MUST is violated' : 'at least one MUST is violated';
  return `${head}${table(['', ...OUTCOMES], rows, style)}${left}${style.bold(end)}\n`;
}

function verdict(run: Run): ExitCode {
  if (run.interrupted || run.left.length > 0) return EXIT.failed;
  return conforms(run) ? EXIT.ok : EXIT.refused;
}
