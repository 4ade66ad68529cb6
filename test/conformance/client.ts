/**
 * An OCCI client of one version, as small as the statements need: it writes requests in any rendering and reads the
 * text renderings with expressions of its own, so that the server's parsers are never judged by themselves.
 */

import type { JsonBody, Part, Reply, TestServer } from '../support/server.js';

export type Version = '1.1' | '1.2';

export const CORE = 'http://schemas.ogf.org/occi/core#';
export const INFRA = 'http://schemas.ogf.org/occi/infrastructure#';
export const ACTION = (noun: string): string => `http://schemas.ogf.org/occi/infrastructure/${noun}/action#`;
export const CRTP = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#';
export const OS = 'http://schemas.contrail-project.eu/occi/os_tpl#';
export const USER = 'http://example.com/occi/user#';

export const PLAIN = 'text/plain';
export const OCCI = 'text/occi';
export const URIS = 'text/uri-list';
export const JSON_TYPE = 'application/occi+json';

/** `compute; scheme="…"; class="kind"`. */
export const category = (id: string, kind = 'kind', rest = ''): string => {
  const cut = id.indexOf('#') + 1;
  return `${id.slice(cut)}; scheme="${id.slice(0, cut)}"; class="${kind}"${rest}`;
};
export const kindOf = (term: string): string => category(INFRA + term);
export const mixinOf = (id: string): string => category(id, 'mixin');
export const actionOf = (noun: string, term: string): string => category(ACTION(noun) + term, 'action');

/** What a text request says. */
export interface Message {
  readonly categories?: readonly string[];
  readonly attributes?: readonly string[];
  readonly links?: readonly string[];
  readonly locations?: readonly string[];
}

export interface Sending extends Message {
  readonly type?: typeof PLAIN | typeof OCCI | 'text/occi+plain' | typeof URIS;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as it is, under `type` or the Content-Type in `headers`. */
  readonly body?: string;
  readonly json?: unknown;
  readonly as?: Part | null;
}

export class Client {
  readonly server: TestServer;
  readonly version: Version;
  readonly as: Part;

  constructor(server: TestServer, version: Version, as: Part = 'user') {
    this.server = server;
    this.version = version;
    this.as = as;
  }

  /** The same client signed in as somebody else. */
  being(as: Part): Client {
    return new Client(this.server, this.version, as);
  }

  send(method: string, path: string, sending: Sending = {}): Promise<Reply> {
    const { accept, as = this.as } = sending;
    const { headers, body } = encode(sending);
    const all = {
      'user-agent': `tester OCCI/${this.version}`,
      ...(accept ? { accept } : {}),
      ...headers,
      ...sending.headers,
    };
    return this.server.request(method, path, { as, headers: all, ...(body === undefined ? {} : { body }) });
  }

  get(path: string, accept?: string): Promise<Reply> {
    return this.send('GET', path, accept === undefined ? {} : { accept });
  }

  /** Creates an entity and answers its path; fails unless it was created. */
  async create(term: string, message: Message = {}): Promise<string> {
    const id = term.includes('#') ? term : INFRA + term;
    const categories = [category(id), ...(message.categories ?? [])];
    const location = `/${id.slice(id.indexOf('#') + 1)}/`;
    const reply = await this.send('POST', location, { ...message, categories });
    if (reply.status !== 201) throw new Error(`${location} answered ${reply.status}: ${reply.text}`);
    return new URL(reply.headers.location ?? '').pathname;
  }

  /** The entity as text/plain shows it; fails unless it is there. */
  async entity(path: string): Promise<Entity> {
    const reply = await this.get(path, PLAIN);
    if (reply.status !== 200) throw new Error(`${path} answered ${reply.status}: ${reply.text}`);
    return readText(reply.text);
  }

  /** The paths that a collection lists. */
  async list(path: string, sending: Sending = {}): Promise<string[]> {
    const reply = await this.send('GET', path, { accept: URIS, ...sending });
    if (reply.status !== 200) throw new Error(`${path} answered ${reply.status}: ${reply.text}`);
    return lines(reply.text).map((url) => new URL(url).pathname);
  }

  act(path: string, noun: string, term: string, attributes: readonly string[] = []): Promise<Reply> {
    return this.send('POST', `${path}?action=${term}`, { categories: [actionOf(noun, term)], attributes });
  }

  /** Waits until an attribute has a value. */
  async until(path: string, name: string, value: unknown): Promise<void> {
    await this.server.wait(path, (reply) => reply.status === 200 && reply.json.attributes[name] === value, {
      as: this.as,
    });
  }

  /** Waits until every network and storage has come up, which they do by themselves: then nothing changes unasked. */
  async atRest(): Promise<void> {
    const isUp = ({ attributes }: JsonBody): boolean =>
      attributes['occi.network.state'] !== 'inactive' && attributes['occi.storage.state'] !== 'offline';
    await this.server.wait('/', (reply) => (reply.json.resources ?? []).every(isUp), { as: this.as });
  }

  /** A compute that is active. */
  async active(message: Message = {}): Promise<string> {
    const path = await this.create('compute', message);
    await this.act(path, 'compute', 'start');
    await this.until(path, 'occi.compute.state', 'active');
    return path;
  }

  async categories(accept: string = PLAIN): Promise<Category[]> {
    return readText((await this.get('/-/', accept)).text).categories;
  }
}

function encode({ type = PLAIN, body, json, ...message }: Sending): {
  headers: Record<string, string>;
  body?: string;
} {
  if (json !== undefined) return { headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(json) };
  if (body !== undefined) return { headers: { 'content-type': type }, body };
  const { categories = [], attributes = [], links = [], locations = [] } = message;
  const fields: readonly [string, readonly string[]][] = [
    ['Category', categories],
    ['X-OCCI-Attribute', attributes],
    ['Link', links],
    ['X-OCCI-Location', locations],
  ];
  const present = fields.filter(([, values]) => values.length > 0);
  if (present.length === 0) return { headers: {} };
  if (type === OCCI)
    return { headers: { 'content-type': type, ...Object.fromEntries(present.map(([n, v]) => [n, v.join(', ')])) } };
  if (type === URIS) return { headers: { 'content-type': type }, body: locations.join('\r\n') };
  const text = present.flatMap(([name, values]) => values.map((value) => `${name}: ${value}`)).join('\r\n');
  return { headers: { 'content-type': type }, body: text };
}

export interface Category {
  readonly line: string;
  readonly id: string;
  readonly term: string;
  readonly scheme: string;
  readonly class: string;
  readonly title?: string;
  readonly rel?: string;
  readonly location?: string;
  /** Names with their properties in braces. */
  readonly attributes?: string;
  readonly actions?: string;
}

export interface Link {
  readonly target: string;
  readonly rel: string;
  readonly self?: string;
  readonly category?: string;
  readonly attributes: Readonly<Record<string, Value>>;
}

export type Value = string | number | boolean;

export interface Entity {
  readonly categories: readonly Category[] & Category[];
  readonly attributes: Readonly<Record<string, Value>>;
  readonly links: readonly Link[];
  readonly locations: readonly string[];
}

export const lines = (text: string): string[] => text.split('\r\n').filter((line) => line !== '');

/** Reads a text/plain answer, line by line; throws at a line that is none of the four fields. */
export function readText(text: string): Entity {
  const entity = {
    categories: [] as Category[],
    attributes: {} as Record<string, Value>,
    links: [] as Link[],
    locations: [] as string[],
  };
  for (const line of lines(text)) {
    const [, name, value] = /^(Category|X-OCCI-Attribute|Link|X-OCCI-Location): (.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not a line of the rendering: ${line}`);
    if (name === 'Category') entity.categories.push(readCategory(value));
    else if (name === 'Link') entity.links.push(readLink(value));
    else if (name === 'X-OCCI-Location') entity.locations.push(value);
    else Object.assign(entity.attributes, Object.fromEntries([readAttribute(value)]));
  }
  return entity;
}

/** The grammar of GFD.229 §4.1, parameters in its order and a blank after each `;` (I-009). */
const CATEGORY =
  /^([A-Za-z0-9][A-Za-z0-9._-]*); scheme="([^"]+)"; class="(kind|mixin|action)"(?:; title="((?:[^"\\]|\\.)*)")?(?:; rel="([^"]+)")?(?:; location="([^"]+)")?(?:; attributes="([^"]+)")?(?:; actions="([^"]+)")?$/;

function readCategory(value: string): Category {
  const match = CATEGORY.exec(value);
  if (!match) throw new Error(`not a category: ${value}`);
  const [, term = '', scheme = '', className = '', title, rel, location, attributes, actions] = match;
  return {
    line: value,
    id: scheme + term,
    term,
    scheme,
    class: className,
    ...(title === undefined ? {} : { title }),
    ...(rel === undefined ? {} : { rel }),
    ...(location === undefined ? {} : { location }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(actions === undefined ? {} : { actions }),
  };
}

function readAttribute(text: string): [string, Value] {
  const equals = text.indexOf('=');
  const raw = text.slice(equals + 1);
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(raw)?.[1];
  if (quoted !== undefined) return [text.slice(0, equals), quoted.replace(/\\(.)/gs, '$1')];
  if (raw === 'true' || raw === 'false') return [text.slice(0, equals), raw === 'true'];
  if (!/^\d+(\.\d+)?$/.test(raw)) throw new Error(`not a value: ${text}`);
  return [text.slice(0, equals), Number(raw)];
}

function readLink(value: string): Link {
  const [, target = '', rest = ''] = /^<([^>]+)>(.*)$/.exec(value) ?? [];
  const parameters = [...rest.matchAll(/; ([^=]+)=("(?:[^"\\]|\\.)*"|[^";]+)/g)].map(([, name, raw]) =>
    readAttribute(`${name}=${raw}`),
  );
  const { rel, self, category: categories, ...attributes } = Object.fromEntries(parameters);
  return {
    target,
    rel: String(rel),
    ...(self === undefined ? {} : { self: String(self) }),
    ...(categories === undefined ? {} : { category: String(categories) }),
    attributes,
  };
}
