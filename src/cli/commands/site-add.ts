/**
 * `vep sites add`: writes a site into the configuration file, once its options are right and the site itself has been
 * asked. What stands in the file stays as it is, comments and order among it. A running server reads it when it starts again.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isSeq, parse, parseDocument, YAMLSeq, type Document } from 'yaml';
import { parseConfig } from '../../base/config-file.js';
import type { Config } from '../../base/config.js';
import { messageOf, problem } from '../../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json.js';
import { silentLog } from '../../base/log.js';
import type { SiteFinding } from '../../iaas/adapter.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { checkSiteOptions, openConfiguredSites } from '../server-module.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';

export interface SiteAddOptions {
  readonly type: string;
  readonly set?: readonly string[];
  readonly options?: string;
  readonly guestUrl?: string;
  readonly config?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export async function addSite(
  session: Session,
  [name = '']: readonly string[],
  options: SiteAddOptions,
): Promise<ExitCode> {
  const { environment, directory } = session.terminal;
  const file = resolve(directory, options.config ?? environment['VEP_CONFIG'] ?? 'vep.yaml');
  const before = readIfThere(file);
  const kept = keptSites(before, environment);
  const text = withSite(before, kept, { name, ...siteOf(session, options) });
  const config = parseConfig(text, environmentOf(session));
  await checkSiteOptions(config);
  const findings = await findingsOf(config, name);
  const written = options.dryRun !== true && (findings.length === 0 || options.force === true);
  if (written) replace(file, text);
  session.answer({ site: name, type: options.type, file, written, findings }, () =>
    [
      ...findings.map(
        ({ code, message, remedy }) =>
          `${session.style.red('missing')}: ${displayText(message)} [${displayText(code)}]\n  remedy: ${displayText(remedy)}\n`,
      ),
      conclusion(session, { name, file, written, findings, dryRun: options.dryRun === true, first: kept.length > 0 }),
    ].join(''),
  );
  return findings.length > 0 ? EXIT.refused : EXIT.ok;
}

interface Outcome {
  readonly name: string;
  readonly file: string;
  readonly written: boolean;
  readonly findings: readonly SiteFinding[];
  readonly dryRun: boolean;
  /** The site that there was without being written down has been written down. */
  readonly first: boolean;
}

function conclusion({ style }: Session, { name, file, written, findings, dryRun, first }: Outcome): string {
  const site = `site ${style.bold(displayText(name))}`;
  if (!written && dryRun) return `${site} would be written to ${displayText(file)}\n`;
  if (!written) return `${site} is not written: mend what is missing, or write it all the same with --force\n`;
  const state = findings.length === 0 ? style.green('nothing is missing') : style.red('something is missing');
  const simulator = first ? 'The simulator sim, which is there while no site is named, is kept beside it.\n' : '';
  return `${site} is in ${displayText(file)}: ${state}. A running server takes it up when it is started again.\n${simulator}`;
}

/** @throws Problem where the file is there and cannot be read */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw problem('invalid', 'config.unreadable', `${file} cannot be read: ${messageOf(error)}`, {
      remedy: 'name a readable YAML file with --config or VEP_CONFIG',
    });
  }
}

/** Sites that are there because none is named: naming one must not take them away. */
function keptSites(before: string, environment: Session['terminal']['environment']): readonly JsonObject[] {
  const named = parse(before) as unknown;
  if (isJsonObject(named) && named['sites'] !== undefined) return [];
  return parseConfig(before, environment).sites.map(({ name, type }) => ({ name, type }));
}

function siteOf({ terminal }: Session, { type, set = [], options, guestUrl }: SiteAddOptions): JsonObject {
  const file =
    options === undefined ? {} : (parse(readFileSync(resolve(terminal.directory, options), 'utf8')) as unknown);
  if (!isJsonObject(file)) {
    throw problem('invalid', 'sites.options', `${options ?? ''} holds no options`, {
      remedy: 'write them as a YAML map',
    });
  }
  const all = set.reduce<JsonObject>((sum, pair) => assigned(sum, pair), file);
  return { type, ...(guestUrl === undefined ? {} : { guestUrl }), options: all };
}

/** `capacity.cores=8` sets a member of a member; the value is read as YAML. */
function assigned(options: JsonObject, pair: string): JsonObject {
  const cut = pair.indexOf('=');
  const path = pair.slice(0, cut).split('.');
  if (cut < 1 || path.some((part) => part === '' || part === '__proto__')) {
    throw problem('invalid', 'sites.set', `${pair.slice(0, 80)} sets nothing`, {
      remedy: 'write --set key=value, or key.below=value',
    });
  }
  const value = parse(pair.slice(cut + 1)) as JsonValue;
  const put = (into: JsonObject, [first = '', ...rest]: readonly string[]): JsonObject => {
    const below = into[first];
    return { ...into, [first]: rest.length === 0 ? value : put(isJsonObject(below) ? below : {}, rest) };
  };
  return put(options, path);
}

/** The text of the file with the site at the end of its sites. @throws Problem `invalid` for a name that is taken */
function withSite(before: string, kept: readonly JsonObject[], site: JsonObject): string {
  const document: Document = parseDocument(before);
  const sites = document.get('sites');
  if (isSeq(sites)) sites.add(document.createNode(site));
  else {
    const list = new YAMLSeq();
    for (const each of [...kept, site]) list.add(document.createNode(each));
    document.set('sites', list);
  }
  return document.toString();
}

async function findingsOf(config: Config, name: string): Promise<readonly SiteFinding[]> {
  const sites = await openConfiguredSites(
    { ...config, sites: config.sites.filter((site) => site.name === name) },
    silentLog,
  );
  try {
    return await sites.check(name);
  } finally {
    await sites.close();
  }
}

function environmentOf({ terminal, options }: Session): Session['terminal']['environment'] {
  return options.dataDir === undefined
    ? terminal.environment
    : { ...terminal.environment, VEP_DATA_DIR: options.dataDir };
}

/** Whole or not at all. */
function replace(file: string, text: string): void {
  const beside = `${file}.${process.pid}.new`;
  try {
    writeFileSync(beside, text, { mode: 0o600 });
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw problem('invalid', 'config.unwritable', `${file} cannot be written: ${messageOf(error)}`, {
      remedy: 'name a file that you may write with --config',
    });
  }
}
