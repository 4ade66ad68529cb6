/**
 * Which server `vep` speaks to and as whom (K25). On the server's own machine both are found in its data directory;
 * elsewhere they come from options, the environment or `vep login`. A token goes only to the server it belongs to.
 */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { problem } from '../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.js';
import { VepClient, type TlsIdentity } from '../client/index.js';
import { UsageError } from './exit-codes.js';
import type { Terminal } from './terminal.js';

export interface ConnectionOptions {
  readonly endpoint?: string;
  readonly token?: string;
  /** The VO to act for. */
  readonly vo?: string;
  readonly admin?: boolean;
  readonly dataDir?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly cacert?: string;
}

export interface Connection {
  readonly endpoint: string;
  /** Where the endpoint was found, for messages. */
  readonly foundIn: string;
  readonly token: string | undefined;
}

/** Where the server of this machine keeps its data. */
export function dataDirectory(options: ConnectionOptions, { environment, directory }: Terminal): string {
  return resolve(directory, options.dataDir ?? environment['VEP_DATA_DIR'] ?? 'vep-data');
}

/** @throws Problem `unavailable` when no server is known, `unauthenticated` when a token is needed and missing */
export function findConnection(options: ConnectionOptions, terminal: Terminal): Connection {
  const { environment } = terminal;
  const folder = dataDirectory(options, terminal);
  const local = localEndpoint(folder);
  const stored = readLogins(terminal);
  const [endpoint, foundIn] = firstOf([
    [options.endpoint, '--endpoint'],
    [environment['VEP_ENDPOINT'], 'VEP_ENDPOINT'],
    [local, join(folder, 'endpoint.json')],
    [stored.endpoint, loginFile(terminal)],
  ]);
  const origin = originOf(endpoint, foundIn);
  const given = options.token ?? (environment['VEP_TOKEN'] || undefined);
  const own =
    local !== undefined && originOf(local, folder) === origin ? localToken(folder, options.admin === true) : undefined;
  return { endpoint: origin, foundIn, token: given ?? own ?? stored.tokens[origin] };
}

export function connect(options: ConnectionOptions, terminal: Terminal): VepClient {
  const { endpoint, token } = findConnection(options, terminal);
  const tls = tlsOf(options, terminal.directory);
  if (options.admin === true && token === undefined && tls?.certificate === undefined) throw noAdministrator();
  const vo = options.vo ?? (terminal.environment['VEP_VO'] || undefined);
  return new VepClient({
    endpoint,
    ...(vo === undefined ? {} : { vo }),
    clock: terminal.clock,
    ...(token === undefined ? {} : { credentials: { token } }),
    ...(tls ? { tls } : {}),
  });
}

/** What `vep login` has written. */
export interface Logins {
  /** The one used when nothing else says. */
  readonly endpoint?: string;
  /** Token by endpoint. */
  readonly tokens: Readonly<Record<string, string>>;
}

export function loginFile({ environment }: Terminal): string {
  const folder = environment['XDG_CONFIG_HOME'] || join(environment['HOME'] ?? homedir(), '.config');
  return join(folder, 'vep', 'credentials.json');
}

export function readLogins(terminal: Terminal): Logins {
  const stored = readJson(loginFile(terminal));
  const tokens = isJsonObject(stored?.['tokens']) ? stored['tokens'] : {};
  const endpoint = stored?.['endpoint'];
  return {
    ...(typeof endpoint === 'string' ? { endpoint } : {}),
    tokens: Object.fromEntries(
      Object.entries(tokens).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
  };
}

/** @throws UsageError for what is no http(s) URL */
export function originOf(endpoint: string, from: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin;
  throw new UsageError(`the endpoint from ${from} is not an http or https URL`, 'write it as http://127.0.0.1:8787');
}

function firstOf(candidates: readonly (readonly [string | undefined, string])[]): readonly [string, string] {
  for (const [value, from] of candidates) if (value !== undefined && value !== '') return [value, from];
  throw problem('unavailable', 'cli.no-server', 'no server is known', {
    remedy: 'start one with `vep serve`, name its data directory with --data-dir, or name its URL with --endpoint',
  });
}

/** A server that listens everywhere is reached at the loopback address. */
function localEndpoint(folder: string): string | undefined {
  const url = readJson(join(folder, 'endpoint.json'))?.['url'];
  if (typeof url !== 'string') return undefined;
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

function localToken(folder: string, admin: boolean): string | undefined {
  const file = join(folder, admin ? 'admin.token' : 'user.token');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

export function tlsOf({ cert, key, cacert }: ConnectionOptions, directory: string): TlsIdentity | undefined {
  if (cert === undefined && key === undefined && cacert === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key go together');
  const read = (file: string): string => {
    try {
      return readFileSync(resolve(directory, file), 'utf8');
    } catch {
      throw new UsageError(`the file ${file} cannot be read`);
    }
  };
  return {
    ...(cert === undefined ? {} : { certificate: read(cert) }),
    ...(key === undefined ? {} : { key: read(key) }),
    ...(cacert === undefined ? {} : { ca: read(cacert) }),
  };
}

function readJson(file: string): JsonObject | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function noAdministrator(): Error {
  return problem('unauthenticated', 'cli.no-administrator', 'there is no administrator token here', {
    remedy: 'name the data directory of the server with --data-dir, or give the token with --token or VEP_TOKEN',
  });
}
