/**
 * One service of the cloud, spoken to as one project: its address from the catalog, the token on every call and renewed
 * once where it is refused, the microversion that VEP was written for, and lists page by page.
 */

import { isJsonObject, stringAt, type JsonObject, type JsonValue } from '../../../base/json.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import { jsonOf, unreadable, type Answer, type Line, type Request } from './line.js';
import type { OpenStackOptions, ServiceName } from './options.js';
import type { Session } from './session.js';
import { NAMES, StackError } from './stack-error.js';

export interface Ask extends CallOptions {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: JsonValue;
  /** Of a body of JSON that wants another name than `application/json`. */
  readonly type?: string;
  /** In the place of JSON. */
  readonly raw?: { readonly type: string; readonly bytes: AsyncIterable<Uint8Array> };
  readonly expect?: readonly number[];
  /** Another microversion than the usual one, as `2.90`. */
  readonly version?: string;
  readonly timeoutMs?: number;
}

export interface ServiceContext {
  readonly line: Line;
  readonly session: Session;
  readonly options: Pick<OpenStackOptions, 'endpoints' | 'region' | 'interface'>;
}

/** Microversions that are asked for: those of Train (2019), the oldest release that is spoken to. */
export const MICROVERSIONS: Partial<Readonly<Record<ServiceName, string>>> = {
  compute: '2.79',
  volume: '3.59',
  placement: '1.36',
};
/** Things on a page. */
const PAGE = 500;

export class Service {
  readonly name: ServiceName;
  readonly #context: ServiceContext;

  constructor(name: ServiceName, context: ServiceContext) {
    this.name = name;
    this.#context = context;
  }

  /** @throws IaasError `unsupported` where the catalog has no such service */
  async url(options: CallOptions = {}): Promise<string> {
    const { session, options: wanted } = this.#context;
    const { catalog, project } = await session.token(options);
    const url = catalog.url(this.name, project, wanted);
    if (url !== undefined) return url;
    const where = wanted.region === undefined ? '' : ` in region ${wanted.region}`;
    throw new IaasError('unsupported', `the catalog of this OpenStack has no ${NAMES[this.name]}${where}`);
  }

  call(method: Request['method'], path: string, ask: Ask = {}): Promise<Answer> {
    const { session, line } = this.#context;
    return session.admitted(ask, async ({ value }) =>
      line.send(this.name, await this.#request(method, path, ask, value)),
    );
  }

  /** The bytes that are answered, at most so many, as they come. */
  stream(path: string, maxBytes: number, ask: Ask = {}): Promise<AsyncIterable<Uint8Array>> {
    const { session, line } = this.#context;
    return session.admitted(ask, async ({ value }) => {
      const request = await this.#request('GET', path, ask, value);
      const headers = { ...request.headers, accept: 'application/octet-stream' };
      return line.stream(this.name, { ...request, headers, maxBytes });
    });
  }

  /** The document that a call answers with. */
  async json(method: Request['method'], path: string, ask: Ask = {}): Promise<JsonObject> {
    const answer = await this.call(method, path, ask);
    const value = jsonOf(this.name, answer);
    if (isJsonObject(value)) return value;
    throw unreadable(this.name, answer.text);
  }

  /** The object that a call answers with under this name. */
  async one(method: Request['method'], path: string, name: string, ask: Ask = {}): Promise<JsonObject> {
    const value = await this.json(method, path, ask);
    const found = value[name];
    if (isJsonObject(found)) return found;
    throw unreadable(this.name, JSON.stringify(value));
  }

  /** What the service says of its own version at its root (`version`, or the last of `versions`). */
  async version(options: CallOptions = {}): Promise<JsonObject> {
    const root = /^.*?\/v\d+(\.\d+)?(?=\/|$)/.exec(await this.url(options))?.[0] ?? (await this.url(options));
    const { session, line } = this.#context;
    const { value } = await session.token(options);
    const request = { ...options, method: 'GET' as const, url: `${root}/`, headers: { 'x-auth-token': value } };
    const answer = await line.send(this.name, { ...request, expect: [200, 300] });
    const said = jsonOf(this.name, answer);
    const all = isJsonObject(said) ? said['versions'] : undefined;
    const found = isJsonObject(said)
      ? (said['version'] ?? (Array.isArray(all) ? (all as JsonValue[]).at(-1) : undefined))
      : undefined;
    if (isJsonObject(found)) return found;
    throw unreadable(this.name, answer.text);
  }

  /** Everything in a list, page by page: a service cuts what is asked for without a limit, and says so by a link alone. */
  async *all(path: string, name: string, ask: Ask = {}): AsyncIterable<JsonObject> {
    let marker: string | undefined;
    for (;;) {
      const query = { ...ask.query, limit: PAGE, marker };
      const page = await this.json('GET', path, { ...ask, query }).catch((error: unknown) => {
        throw marker === undefined ? error : whereItGoesOn(error);
      });
      const found = page[name];
      if (!Array.isArray(found)) throw unreadable(this.name, JSON.stringify(page));
      const items = (found as readonly JsonValue[]).filter(isJsonObject);
      yield* items;
      const last = items.at(-1);
      // The link's host is what the service believes itself to be: its marker is all that is taken.
      if (!hasNext(page, name) || !last) return;
      marker = stringAt(last, 'id');
    }
  }

  async list(path: string, name: string, ask: Ask = {}): Promise<readonly JsonObject[]> {
    const found: JsonObject[] = [];
    for await (const item of this.all(path, name, ask)) found.push(item);
    return found;
  }

  async #request(method: Request['method'], path: string, ask: Ask, token: string): Promise<Request> {
    const { body, type = 'application/json', raw, signal, timeoutMs } = ask;
    const version = ask.version ?? MICROVERSIONS[this.name];
    return {
      method,
      url: `${await this.url(ask)}${path}${queryOf(ask.query)}`,
      headers: {
        'x-auth-token': token,
        ...(version === undefined ? {} : { 'openstack-api-version': `${this.name} ${version}` }),
        ...(body === undefined ? {} : { 'content-type': type }),
        ...(raw === undefined ? {} : { 'content-type': raw.type }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(raw === undefined ? {} : { body: raw.bytes }),
      expect: ask.expect ?? [200],
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
  }
}

/** What the page before ended with may be gone by now: whoever asks again is told a whole list. */
function whereItGoesOn(error: unknown): unknown {
  if (!(error instanceof StackError) || (error.status !== 400 && error.status !== 404)) return error;
  return new IaasError('transient', `a list changed while it was read (${error.message})`, error.said, error);
}

function hasNext(page: JsonObject, name: string): boolean {
  const links = page[`${name}_links`];
  if (typeof page['next'] === 'string') return true;
  return (
    Array.isArray(links) && (links as readonly JsonValue[]).some((link) => isJsonObject(link) && link['rel'] === 'next')
  );
}

function queryOf(query: Ask['query'] = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  if (given.length === 0) return '';
  const pairs = given.map(([name, value]): [string, string] => [name, String(value)]);
  return `?${new URLSearchParams(pairs).toString()}`;
}

/** Nothing in the place of something that is not there. */
export function missing(error: unknown): undefined {
  if (error instanceof IaasError && error.class === 'not-found') return undefined;
  throw error;
}
