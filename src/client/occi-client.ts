/**
 * A client of any OCCI server, 1.1 or 1.2, found out about through its query interface (GFD.221 §5.3, GFD.223 §5.2): JSON
 * where the server speaks JSON (GFD.226), else the text renderings (GFD.185, GFD.229), which every server of 1.1 knows. What
 * comes back are the same views whatever was spoken. It never repeats a request: who asks knows what may be repeated.
 */

import { createHash } from 'node:crypto';
import type { JsonValue } from '../base/json.js';
import { parseEntityView } from '../occi/json/index.js';
import { INFRASTRUCTURE, isLinkView, type Attributes, type EntityView, type TypeId } from '../occi/model.js';
import { renderEntity, type TextForm } from '../occi/text/index.js';
import { Discovery } from './discovery.js';
import { discoveryOf, locationsIn, viewOf, type OcciAnswer } from './text-answers.js';

export type { OcciAnswer } from './text-answers.js';

export interface OcciRequestSent {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query at the endpoint. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

/** Sends a request and answers whatever the server said; throws where there was no answer. */
export type OcciSend = (request: OcciRequestSent) => Promise<OcciAnswer>;

/** What is spoken with a server. */
export type Rendering = 'application/occi+json' | TextForm;

/** The server said no, or something that is no answer. */
export class OcciRefusal extends Error {
  override readonly name = 'OcciRefusal';
  readonly status: number;
  /** The server's own words, cut. */
  readonly said: string;
  /** Codes of VEP's faults, where the server is one. */
  readonly codes: readonly string[];

  constructor(status: number, said: string, codes: readonly string[] = []) {
    super(`the server answered ${status}${said === '' ? '' : `: ${said}`}`);
    this.status = status;
    this.said = said;
    this.codes = codes;
  }
}

/** The answer has the status of success and is none. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** An entity with where it is: a path at the endpoint. */
export interface Placed {
  readonly path: string;
  readonly view: EntityView;
}

export interface Filter {
  readonly attributes: Readonly<Record<string, string>>;
}

export interface CallSignal {
  readonly signal?: AbortSignal;
}

const ACCEPT_ANY = 'application/occi+json, text/plain;q=0.5, text/occi;q=0.2';
const AGENTS: Readonly<Record<'1.1' | '1.2', string>> = { '1.1': 'vep/0.1.0 OCCI/1.1', '1.2': 'vep/0.1.0 OCCI/1.2' };
const DISCOVERY = ['/-/', '/.well-known/org/ogf/occi/-/'];
/** Entities asked for one by one at a time, where a list holds only their addresses. */
const AT_ONCE = 8;

export interface OcciPeer {
  readonly rendering: Rendering;
  readonly discovery: Discovery;
  /** `Server` of its answer. */
  readonly server: string;
}

export class OcciClient {
  readonly #send: OcciSend;
  /** Path of the endpoint, without a slash at its end. */
  readonly #base: string;
  readonly #wanted: Rendering | undefined;
  #peer: Promise<OcciPeer> | undefined;

  /** @param rendering what to speak whatever the server offers; absent: the best of what it offers */
  constructor(endpoint: string, send: OcciSend, rendering?: Rendering) {
    this.#base = new URL(endpoint).pathname.replace(/\/+$/, '');
    this.#send = send;
    this.#wanted = rendering;
  }

  /** What the server is and offers; asked for once, and again after {@link forget} or a failure. */
  peer(call: CallSignal = {}): Promise<OcciPeer> {
    const asked = (this.#peer ??= this.#discover(call));
    asked.catch(() => {
      if (this.#peer === asked) this.#peer = undefined;
    });
    return asked;
  }

  forget(): void {
    this.#peer = undefined;
  }

  async #discover(call: CallSignal): Promise<OcciPeer> {
    let refusal: unknown;
    for (const path of DISCOVERY) {
      try {
        const headers = { Accept: this.#wanted ?? ACCEPT_ANY, 'User-Agent': AGENTS[versionOf(this.#wanted)] };
        const answer = await this.#ask({ method: 'GET', path, headers, ...call });
        const rendering = renderingOf(answer);
        const discovery = categoriesIn(answer);
        if (discovery.kinds.length === 0) throw new NoAnswer('the query interface names no kinds');
        return { rendering, discovery, server: answer.headers['server'] ?? '' };
      } catch (error) {
        refusal ??= error;
        if (!(error instanceof OcciRefusal && error.status === 404)) throw error;
      }
    }
    throw refusal;
  }

  /** Entities of a kind; `filter` where the server filters by attributes (GFD.223 §7.2), which others may overlook. */
  async list(kind: TypeId, call: CallSignal = {}, filter?: Filter): Promise<Placed[]> {
    const { rendering, discovery } = await this.peer(call);
    const path = locationOf(discovery, kind);
    if (rendering === 'application/occi+json') {
      const answer = await this.#request('GET', path, rendering, call, filterHeaders(filter));
      const { resources = [], links = [] } = json<{ resources?: object[]; links?: object[] }>(answer);
      if (!Array.isArray(resources) || !Array.isArray(links)) throw new NoAnswer('the collection is none');
      return [...resources, ...links].map((entity) => {
        const view = parseEntityView(JSON.stringify(entity));
        return { path: path + idOf(view), view };
      });
    }
    const paths = await this.locations(kind, call);
    const found: Placed[] = [];
    for (let at = 0; at < paths.length; at += AT_ONCE) {
      const some = await Promise.all(paths.slice(at, at + AT_ONCE).map((each) => this.find(each, call)));
      found.push(...some.flatMap((each) => each ?? []));
    }
    return found;
  }

  /** Paths of the entities of a kind, as a server of 1.1 lists them. */
  async locations(kind: TypeId, call: CallSignal = {}): Promise<string[]> {
    const { rendering, discovery } = await this.peer(call);
    const path = locationOf(discovery, kind);
    const accept = rendering === 'text/occi' ? rendering : 'text/uri-list, text/plain;q=0.5';
    const answer = await this.#request('GET', path, rendering, call, { Accept: accept });
    return locationsIn(answer).map((location) => this.#within(location));
  }

  /** @throws OcciRefusal 404 for what is not there */
  async get(path: string, call: CallSignal = {}): Promise<Placed> {
    const { rendering } = await this.peer(call);
    const answer = await this.#request('GET', path, rendering, call);
    const spoken = renderingOf(answer);
    const view = spoken === 'application/occi+json' ? entity(answer) : viewOf(answer, spoken);
    return { path, view };
  }

  /** Nothing where it is not there. */
  async find(path: string, call: CallSignal = {}): Promise<Placed | undefined> {
    try {
      return await this.get(path, call);
    } catch (error) {
      if (error instanceof OcciRefusal && (error.status === 404 || error.status === 410)) return undefined;
      throw error;
    }
  }

  /** Creates an entity at the location of its kind; answers its path. `key` makes a repetition recognizable, where the server does (K12). */
  async create(view: EntityView, key: string, call: CallSignal = {}): Promise<string> {
    const { rendering, discovery } = await this.peer(call);
    const location = locationOf(discovery, view.kind);
    const answer = await this.#request('POST', location, rendering, call, { 'Idempotency-Key': key }, view);
    const at = answer.headers['location'] ?? locationsIn(answer)[0];
    if (at !== undefined) return this.#within(at);
    if (renderingOf(answer) === 'application/occi+json') return location + idOf(entity(answer));
    throw new NoAnswer('the server does not say where the new entity is');
  }

  /**
   * Creates an entity unless somebody was first: what is refused as a conflict is looked for with `find`. A key that stood for
   * something else, which is gone by now, gives way to one of this very request.
   */
  async createOnce(
    view: EntityView,
    key: string,
    find: () => Promise<string | undefined>,
    call: CallSignal = {},
  ): Promise<string> {
    try {
      return await this.create(view, key, call);
    } catch (error) {
      if (!(error instanceof OcciRefusal && error.status === 409)) throw error;
      const earlier = await find();
      if (earlier !== undefined) return earlier;
      if (!error.codes.includes('entity.replay-differs')) throw error;
      const digest = createHash('sha256').update(JSON.stringify(view)).digest('hex');
      return this.create(view, `${key}-${digest.slice(0, 16)}`, call);
    }
  }

  /** Changes attributes of an entity and leaves the rest. */
  async update(path: string, attributes: Attributes, call: CallSignal = {}): Promise<void> {
    const { rendering } = await this.peer(call);
    const text = asText(undefined, attributes, rendering);
    const body = rendering === 'application/occi+json' ? JSON.stringify({ attributes }) : text.body;
    await this.#post(path, rendering, text.headers, body, call);
  }

  /** Answers what the server said: `save` is answered with a mixin. */
  async act(path: string, action: TypeId, parameters: Attributes, call: CallSignal = {}): Promise<OcciAnswer> {
    const { rendering } = await this.peer(call);
    const text = asText(categoryOf(action, 'action'), parameters, rendering);
    const body = rendering === 'application/occi+json' ? JSON.stringify({ action, attributes: parameters }) : text.body;
    const term = encodeURIComponent(action.slice(action.indexOf('#') + 1));
    return this.#post(`${path}?action=${term}`, rendering, text.headers, body, call);
  }

  /** Takes away a mixin that the account has brought in (GFD.223 §9.4). */
  async removeMixin(mixin: TypeId, call: CallSignal = {}): Promise<void> {
    const { rendering } = await this.peer(call);
    const [path = ''] = DISCOVERY;
    const named = { 'Content-Type': 'text/occi', Category: categoryOf(mixin, 'mixin') };
    await this.#request('DELETE', path, rendering, call, named);
  }

  async #post(
    path: string,
    rendering: Rendering,
    fields: Readonly<Record<string, string>>,
    body: string,
    call: CallSignal,
  ): Promise<OcciAnswer> {
    const headers = {
      Accept: rendering,
      'Content-Type': rendering,
      'User-Agent': AGENTS[versionOf(rendering)],
      ...fields,
    };
    const answer = await this.#ask({ method: 'POST', path, headers, body, ...call });
    if (answer.text !== '') renderingOf(answer);
    return answer;
  }

  async delete(path: string, call: CallSignal = {}): Promise<void> {
    const { rendering } = await this.peer(call);
    await this.#request('DELETE', path, rendering, call);
  }

  /** What stands beside OCCI at a VEP, in JSON. */
  async beside<T>(
    request: Omit<OcciRequestSent, 'headers'>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const answer = await this.#ask({
      ...request,
      headers: { Accept: 'application/json', 'User-Agent': AGENTS['1.2'], ...headers },
    });
    return json<T>(answer);
  }

  #request(
    method: OcciRequestSent['method'],
    path: string,
    rendering: Rendering,
    call: CallSignal,
    more: Readonly<Record<string, string>> = {},
    view?: EntityView,
  ): Promise<OcciAnswer> {
    const body = view === undefined ? undefined : this.#rendered(view, rendering);
    return this.#ask({
      method,
      path,
      headers: { Accept: rendering, 'User-Agent': AGENTS[versionOf(rendering)], ...body?.headers, ...more },
      ...(body === undefined ? {} : { body: body.text }),
      ...call,
    });
  }

  #rendered(view: EntityView, rendering: Rendering): { headers: Record<string, string>; text: string } {
    if (rendering === 'application/occi+json') {
      const { id, ...rest } = view;
      const named = id === '' ? rest : view;
      const written = isLinkView(view) ? named : { ...named, links: view.links.length === 0 ? undefined : view.links };
      const { actions: _actions, ...sent } = written as { actions: unknown };
      return { headers: { 'Content-Type': rendering }, text: JSON.stringify(sent) };
    }
    // A bare id, as clients of 1.1 write it.
    const { headers, body } = renderEntity({ ...view, id: idOf(view) }, rendering, (kind) => kindPath(kind), '1.1');
    const lines = Object.fromEntries(headers);
    return { headers: { 'Content-Type': rendering, ...lines }, text: rendering === 'text/occi' ? '' : body };
  }

  async #ask(request: OcciRequestSent): Promise<OcciAnswer> {
    const path = request.path.startsWith(this.#base) ? request.path : this.#base + request.path;
    const answer = await this.#send({ ...request, path });
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer);
    return answer;
  }

  /** Entities are told apart by path, whatever host a URL names (`spec/occi.md` §6.3). */
  #within(location: string): string {
    const { pathname } = new URL(location, 'http://endpoint');
    return pathname;
  }
}

/** Attributes, behind a category if there is one, as lines of text/plain or fields of text/occi. */
function asText(
  category: string | undefined,
  attributes: Attributes,
  rendering: Rendering,
): { headers: Readonly<Record<string, string>>; body: string } {
  const values = Object.entries(attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  if (rendering === 'text/occi') {
    const fields = {
      ...(category === undefined ? {} : { Category: category }),
      ...(values.length === 0 ? {} : { 'X-OCCI-Attribute': values.join(', ') }),
    };
    return { headers: fields, body: '' };
  }
  const lines = [...(category === undefined ? [] : [`Category: ${category}`])];
  return { headers: {}, body: [...lines, ...values.map((value) => `X-OCCI-Attribute: ${value}`)].join('\r\n') };
}

function categoryOf(id: TypeId, ofClass: 'action' | 'mixin'): string {
  const cut = id.indexOf('#') + 1;
  return `${id.slice(cut)}; scheme="${id.slice(0, cut)}"; class="${ofClass}"`;
}

/** The categories that an answer holds. */
export function categoriesIn(answer: OcciAnswer): Discovery {
  const rendering = renderingOf(answer);
  if (rendering !== 'application/occi+json') return discoveryOf(answer, rendering);
  return new Discovery(json<ConstructorParameters<typeof Discovery>[0]>(answer));
}

function versionOf(rendering: Rendering | undefined): '1.1' | '1.2' {
  return rendering === 'text/plain' || rendering === 'text/occi' ? '1.1' : '1.2';
}

/** Location of a kind. @throws OcciRefusal 404 where the server has no such kind */
function locationOf(discovery: Discovery, kind: TypeId): string {
  const location = discovery.locationOf(kind);
  if (location === undefined) throw new OcciRefusal(404, `it has no kind ${kind}`);
  return new URL(location, 'http://endpoint').pathname;
}

/** Only read by servers that want to know where a kind is; they know better. */
function kindPath(kind: TypeId): string {
  return kind.startsWith(INFRASTRUCTURE) ? `/${kind.slice(INFRASTRUCTURE.length)}/` : '/';
}

export function idOf(view: EntityView): string {
  return view.id.replace(/^urn:uuid:/, '');
}

function renderingOf({ headers }: OcciAnswer): Rendering {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/occi+json' || type === 'application/json') return 'application/occi+json';
  if (type === 'text/occi') return 'text/occi';
  if (type === 'text/plain' || type === 'text/occi+plain' || type === 'text/uri-list') return 'text/plain';
  throw new NoAnswer(`the server answered in ${type === '' ? 'no media type' : type.slice(0, 60)}, which is not OCCI`);
}

function json<T>(answer: OcciAnswer): T {
  try {
    const value = JSON.parse(answer.text) as JsonValue;
    if (typeof value === 'object' && value !== null) return value as T;
  } catch {
    // Told below.
  }
  throw new NoAnswer('the server answered with something that is not the JSON asked for');
}

function entity(answer: OcciAnswer): EntityView {
  const value = json<{ kind?: unknown; id?: unknown }>(answer);
  if (typeof value.kind !== 'string' || typeof value.id !== 'string') throw new NoAnswer('the answer is no entity');
  return parseEntityView(answer.text);
}

/** Beyond ASCII, header values are UTF-8 (`spec/occi.md` §6.4). */
function filterHeaders(filter: Filter | undefined): Record<string, string> {
  if (filter === undefined) return {};
  const values = Object.entries(filter.attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return {
    'Content-Type': 'text/occi',
    'X-OCCI-Attribute': Buffer.from(values.join(', '), 'utf8').toString('latin1'),
  };
}

function refusalOf({ status, text }: OcciAnswer): OcciRefusal {
  try {
    const { faults } = JSON.parse(text) as { faults: { code: string; message: string }[] };
    if (faults.length > 0) {
      const said = faults.map(({ message }) => message).join('; ');
      return new OcciRefusal(
        status,
        said.slice(0, 500),
        faults.map(({ code }) => code),
      );
    }
  } catch {
    // Not VEP's form.
  }
  const plain = text.trim().startsWith('<') ? '' : (text.trim().split('\n')[0] ?? '');
  return new OcciRefusal(status, plain.slice(0, 300));
}
