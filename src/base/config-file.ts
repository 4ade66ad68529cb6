/**
 * Reads the configuration: one YAML file, overridden by environment variables, checked as a whole at start. Every fault names
 * the key it is about.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ErrorObject } from 'ajv/dist/2020.js';
import { LineCounter, parseDocument } from 'yaml';
import { configSchema } from './config-schema.js';
import type { Config } from './config.js';
import { Problem, excerpt, messageOf, type Fault } from './errors.js';
import type { JsonValue } from './json.js';
import { schemaCheck } from './json-schema.js';

/** Environment variables that override a key of the file. */
const OVERRIDES: readonly {
  readonly variable: string;
  readonly key: readonly [string, string];
  readonly number?: true;
}[] = [
  { variable: 'VEP_HOST', key: ['server', 'host'] },
  { variable: 'VEP_PORT', key: ['server', 'port'], number: true },
  { variable: 'VEP_DATA_DIR', key: ['data', 'directory'] },
  { variable: 'VEP_DATABASE_URL', key: ['data', 'database'] },
  { variable: 'VEP_LOG_LEVEL', key: ['log', 'level'] },
];

const checkConfig = schemaCheck(configSchema);

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the file named by `path` (or `VEP_CONFIG`), applies the environment and checks the result.
 *
 * @throws Problem `invalid` with one fault for every key that is wrong, unknown or missing.
 */
export function loadConfig(environment: Environment, path: string | undefined = environment['VEP_CONFIG']): Config {
  if (path === undefined) return parseConfig('', environment);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem('invalid', {
      code: 'config.unreadable',
      message: `the configuration file ${path} cannot be read: ${messageOf(error)}`,
      remedy: 'name a readable YAML file with --config or VEP_CONFIG',
    });
  }
  return parseConfig(text, environment);
}

/** The same for text that has been read already. An empty text is a file without keys. */
export function parseConfig(text: string, environment: Environment): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const faults: Fault[] = document.errors.map((error) => ({
    code: 'config.syntax',
    message: error.message.split('\n')[0] ?? error.message,
    place: { line: lines.linePos(error.pos[0]).line, column: lines.linePos(error.pos[0]).col },
    remedy: 'write the file as YAML 1.2',
  }));
  if (faults.length > 0) throw new Problem('invalid', faults);

  const raw = (document.toJS() ?? {}) as Record<string, Record<string, JsonValue> | undefined>;
  for (const { variable, key, number } of OVERRIDES) {
    const value = environment[variable];
    if (value === undefined || value === '') continue;
    const section = (raw[key[0]] ??= {});
    section[key[1]] = number && /^\d+$/.test(value) ? Number(value) : value;
  }

  const errors = checkConfig(raw);
  if (errors.length > 0) throw new Problem('invalid', errors.map(asFault));
  const config = withGuestUrl(raw as unknown as Config, environment['VEP_GUEST_URL']);
  const names = config.sites.map((site) => site.name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const unreachable = [...certificateFaults(config), ...imageListFaults(config)];
  if (unreachable.length > 0) throw new Problem('invalid', unreachable);
  if (twice.length > 0) {
    throw new Problem('invalid', {
      code: 'config.site-twice',
      message: `two sites are named ${excerpt(twice[0])}`,
      place: { path: 'sites' },
      remedy: 'give every site a name of its own',
    });
  }
  return { ...config, data: { ...config.data, directory: resolve(config.data.directory) } };
}

/** `VEP_GUEST_URL` stands for the `guestUrl` of every site that has none of its own (K34). */
function withGuestUrl(config: Config, guestUrl: string | undefined): Config {
  if (guestUrl === undefined || guestUrl === '') return config;
  if (!/^https?:\/\//.test(guestUrl) || !URL.canParse(guestUrl)) {
    throw new Problem('invalid', {
      code: 'config.invalid',
      message: 'VEP_GUEST_URL is not an http(s) URL',
      value: excerpt(guestUrl),
      remedy: 'give the URL at which guests reach VEP',
    });
  }
  return { ...config, sites: config.sites.map((site) => ({ guestUrl, ...site })) };
}

/** What each key permits and both together do not. */
/** Lists are signed by certificates, and nobody but the trust directory says which count. */
function imageListFaults({ access, images }: Config): Fault[] {
  if (images.lists.length === 0 || access.certificates) return [];
  const message = 'image lists are signed, and no trust directory says whom to believe';
  const remedy = 'set access.certificates.directory';
  return [{ code: 'config.image-lists', message, place: { path: 'images.lists' }, remedy }];
}

function certificateFaults({ server, access }: Config): Fault[] {
  const { certificates } = access;
  if (!certificates) return [];
  const faults: Fault[] = [];
  const fault = (path: string, message: string, remedy: string): void =>
    void faults.push({ code: 'config.certificates', message, place: { path }, remedy });
  if (server.tls && server.tls.clientCa.length > 0) {
    const message = 'certificates are judged in two ways at once';
    fault('server.tls.clientCa', message, 'leave it out: access.certificates judges plain certificates too');
  }
  if (!server.tls && certificates.header === undefined) {
    const message = 'without TLS there are no certificates to judge';
    fault('access.certificates', message, 'configure server.tls, or access.certificates.header for those of a proxy');
  }
  if (certificates.header !== undefined && server.trustedPeers.length === 0) {
    const message = 'no peer is trusted to pass certificates on';
    fault('access.certificates.header', message, 'name the proxy under server.trustedPeers');
  }
  return faults;
}

function asFault(error: ErrorObject): Fault {
  const key = error.instancePath.slice(1).replaceAll('/', '.');
  const unknown = error.keyword === 'additionalProperties' ? String(error.params['additionalProperty']) : undefined;
  const path = [key, unknown].filter(Boolean).join('.') || '(top level)';
  return {
    code: unknown ? 'config.unknown-key' : 'config.invalid',
    message: unknown ? `${path} is not a configuration key` : `${path} ${error.message ?? 'is not valid'}`,
    place: { path },
    remedy: 'see docs/configuration.md for the keys and their values',
  };
}
