/** `vep doctor`: looks at the server and its surroundings and says what needs somebody, and what to do about it. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, type Fault } from '../../base/errors.js';
import { ClientError, ConnectionError, type SiteReport, type VepClient } from '../../client/index.js';
import { dataDirectory, findConnection, connect } from '../connection.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import type { Style } from '../ui/style.js';

export interface Check {
  readonly name: string;
  readonly result: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly message: string;
  readonly remedy?: string;
}

/** Below this share of free space, and below this many bytes, the disk is worth a word. */
const LOW_SHARE = 0.05;
const LOW_BYTES = 2 * 2 ** 30;

export async function doctor(session: Session): Promise<ExitCode> {
  const local = [nodeVersion(), ...dataFolder(session), ...(await disk(session))];
  const server = await reachable(session);
  const remote = server.result === 'failed' ? [] : await asAdministrator(session);
  const checks = [...local, server, ...remote];
  session.answer({ healthy: checks.every(({ result }) => result !== 'failed'), checks }, () =>
    render(checks, session.style),
  );
  if (server.result === 'failed') return EXIT.unreachable;
  return checks.some(({ result }) => result === 'failed') ? EXIT.refused : EXIT.ok;
}

function render(checks: readonly Check[], style: Style): string {
  const signs = {
    ok: style.green('ok'),
    warning: style.yellow('warning'),
    failed: style.red('failed'),
    skipped: style.dim('skipped'),
  };
  return checks
    .map(({ name, result, message, remedy }) => {
      const head = `${signs[result]}: ${style.bold(name)}: ${displayText(message)}\n`;
      return head + (remedy === undefined ? '' : `  remedy: ${displayText(remedy)}\n`);
    })
    .join('');
}

function nodeVersion(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > 20 || (major === 20 && minor >= 19);
  const message = `Node ${process.versions.node}`;
  return fits
    ? { name: 'versions', result: 'ok', message }
    : { name: 'versions', result: 'failed', message, remedy: 'use Node 20.19 or later' };
}

/** Present on the server's own machine only. */
function dataFolder(session: Session): Check[] {
  const folder = dataDirectory(session.options, session.terminal);
  const name = 'data directory';
  if (!existsSync(folder)) {
    return [
      { name, result: 'skipped', message: `${folder} is not here: the server is elsewhere, or was never started` },
    ];
  }
  const open = ['admin.token', 'user.token', 'endpoint.json'].filter((file) => {
    const path = join(folder, file);
    return existsSync(path) && (statSync(path).mode & 0o077) !== 0;
  });
  if (open.length > 0) {
    const remedy = `chmod 600 ${open.map((file) => join(folder, file)).join(' ')}`;
    return [{ name, result: 'failed', message: `others can read ${open.join(' and ')}`, remedy }];
  }
  return [{ name, result: 'ok', message: folder }, ...stale(folder)];
}

/** What a killed server leaves behind. */
function stale(folder: string): Check[] {
  const file = join(folder, 'endpoint.json');
  if (!existsSync(file)) return [];
  try {
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid?: number };
    if (typeof pid === 'number') process.kill(pid, 0);
    return [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return [];
    const message = 'endpoint.json names a process that is gone';
    return [{ name: 'process', result: 'warning', message, remedy: 'start the server again: it takes up its work' }];
  }
}

async function disk(session: Session): Promise<Check[]> {
  const folder = dataDirectory(session.options, session.terminal);
  if (!existsSync(folder)) return [];
  const { bavail, blocks, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const message = `${Math.round(free / 2 ** 30)} GiB free`;
  if (free > LOW_BYTES && bavail / blocks > LOW_SHARE) return [{ name: 'disk', result: 'ok', message }];
  const remedy = 'make room, or lower limits.imageCacheBytes';
  return [{ name: 'disk', result: 'warning', message, remedy }];
}

async function reachable(session: Session): Promise<Check> {
  const name = 'server';
  try {
    const { endpoint } = findConnection(session.options, session.terminal);
    const { ready, server } = await session.client.health();
    if (!ready)
      return { name, result: 'warning', message: `${endpoint} is not ready`, remedy: 'it starts or stops: try again' };
    await session.client.discover();
    return { name, result: 'ok', message: `${endpoint} (${server})` };
  } catch (error) {
    return { name, result: 'failed', message: messageOf(error), remedy: remedyOf(error) };
  }
}

function remedyOf(error: unknown): string {
  if (error instanceof ConnectionError) return 'start it with `vep serve`, or name another with --endpoint';
  if (error instanceof ClientError && error.status === 401)
    return 'sign in with `vep login`, or `vep admin reset user --admin`';
  return 'see the log of the server';
}

/** What only an administrator may see; without a token it is left out, and said so. */
async function asAdministrator(session: Session): Promise<Check[]> {
  try {
    const client = connect({ ...session.options, admin: true }, session.terminal);
    const [sites, dead] = [await client.provider.sites(), await client.provider.deadOperations()];
    return [
      ...(await Promise.all(sites.map((site) => siteChecks(client, site)))).flat(),
      ...(await surroundings(client)),
      ...(await trustChecks(client)),
      ...(dead.length === 0 ? [{ name: 'operations', result: 'ok', message: 'none has given up' } as const] : []),
      ...dead.map(({ id, type, entity, site, step, message }): Check => ({
        name: 'operations',
        result: 'failed',
        message: `${type} of ${entity}${site === null ? '' : ` on ${site}`} gave up${step === null ? '' : ` at ${step}`}: ${message ?? 'no reason given'}`,
        remedy: `see to the cause, then: vep retry ${id} --admin`,
      })),
    ];
  } catch (error) {
    const unknown = error instanceof ClientError && error.status < 500;
    const message = `sites and operations are for administrators: ${messageOf(error)}`;
    return [
      {
        name: 'sites',
        result: unknown || !(error instanceof ClientError) ? 'skipped' : 'failed',
        message,
        remedy: 'add --admin or an administrator token',
      },
    ];
  }
}

/** A site that is up is asked what it lacks, and whether another VEP is at work in its account. */
async function siteChecks(client: VepClient, { name: site, up, lastError }: SiteReport): Promise<Check[]> {
  const name = `site ${site}`;
  if (!up) {
    const message = lastError ? `is down: ${lastError.class}: ${lastError.message}` : 'is down';
    return [{ name, result: 'failed', message, remedy: 'see to the site, its address and its credentials' }];
  }
  const { findings } = await client.provider.checkSite(site);
  if (findings.length === 0) return [{ name, result: 'ok', message: 'answers, and nothing is missing' }];
  return findings.map(({ code, message, remedy }): Check => ({
    name,
    result: 'warning',
    message: `${message} [${code}]`,
    remedy,
  }));
}

/** What of the configuration does not go with what is round the server: folders of images, ranges of networks. */
async function surroundings(client: VepClient): Promise<Check[]> {
  const findings = await client.provider.surroundings();
  if (findings.length === 0) return [{ name: 'surroundings', result: 'ok', message: 'as the configuration has them' }];
  return findings.map((fault) => checkOf('surroundings', fault));
}

function checkOf(name: string, { code, severity, message, place, remedy }: Fault): Check {
  const where = place?.field ?? place?.path;
  return {
    name,
    result: severity === 'warning' ? 'warning' : 'failed',
    message: `${where === undefined ? '' : `${where}: `}${message} [${code}]`,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** Authorities that end and lists that are missing, where the server has a trust directory. */
async function trustChecks(client: VepClient): Promise<Check[]> {
  let found: Awaited<ReturnType<VepClient['provider']['trust']>>;
  try {
    found = await client.provider.trust();
  } catch (error) {
    if (error instanceof ClientError && error.status === 404) return [];
    throw error;
  }
  const { authorities, findings } = found;
  if (findings.length === 0) return [{ name: 'trust', result: 'ok', message: `${authorities.length} authorities` }];
  return findings.map((fault) => checkOf('trust', fault));
}

/** `vep retry`: lets an operation that gave up try again. */
export async function retry(session: Session, [id = '']: readonly string[]): Promise<void> {
  await session.client.provider.retryOperation(id);
  session.answer({ retried: id }, () => `${displayText(id)} tries again\n`);
}

/** `vep forget`: stops waiting for a site that is down to release something. */
export async function forget(session: Session, [id = '']: readonly string[]): Promise<void> {
  const forgotten = await session.client.provider.forgetEntity(id);
  const { sites, entities } = forgotten;
  session.answer(
    forgotten,
    () => `${entities.length} things on ${displayText(sites.join(', '))} are no longer waited for\n`,
  );
}
