/**
 * A client of any OCCI server, 1.1 or 1.2, found out about through its query interface (GFD.221 §5.3, GFD.223 §5.2): JSON
 * where the server speaks JSON (GFD.226), else the text renderings (GFD.185, GFD.229), which every server of 1.1 knows. What
 * comes back are the same views whatever was spoken. It never repeats a request: who asks knows what may be repeated.
 */

import { createHash } from 'node:crypto';
import { parseEntityView } from '../occi/json/index.js';
import type { Attributes, EntityView, OcciVersion, TypeId } from '../occi/model.js';
import { speaksOcci12 } from '../occi/protocol-version.js';
import type { Discovery } from './discovery.js';
import {
  categoriesIn,
  Deferred,
  entityIn,
  jsonIn,
  madeAt,
  NoAnswer,
  OcciRefusal,
  refusalOf,
  renderingOf,
} from './occi-answers.js';
import {
  agentFor,
  filterHeaders,
  idOf,
  JSON_RENDERING,
  namedMixin,
  renderedAttributes,
  renderedView,
  type Filter,
  type Rendered,
  type Rendering,
} from './occi-requests.js';
import { locationsIn, type OcciAnswer } from './text-answers.js';

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

/** An entity with where it is: a path at the endpoint. */
export interface Placed {
  readonly path: string;
  readonly view: EntityView;
}

export interface CallSignal {
  readonly signal?: AbortSignal;
}

const ACCEPT_ANY = 'application/occi+json, text/plain;q=0.5, text/occi;q=0.2';
const DISCOVERY = ['/-/', '/.well-known/org/ogf/occi/-/'];
/** Entities asked for one by one at a time, where a list holds only their addresses. */
const AT_ONCE = 8;

export interface OcciPeer {
  readonly rendering: Rendering;
  /** What it is asked in: 1.1 has no word for some states (`error`), actions and attributes that a server of 1.2 has. */
  readonly version: OcciVersion;
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

  #discover(call: CallSignal): Promise<OcciPeer> {
    return this.#discoverIn('1.2', call).catch((error: unknown) => {
      // A server of 1.1 serves nobody who says more (GFD.185 §3.6.5).
      if (error instanceof OcciRefusal && error.status === 501) return this.#discoverIn('1.1', call);
      throw error;
    });
  }

  async #discoverIn(asked: OcciVersion, call: CallSignal): Promise<OcciPeer> {
    let refusal: unknown;
    for (const path of DISCOVERY) {
      try {
        const headers = { Accept: this.#wanted ?? ACCEPT_ANY, 'User-Agent': agentFor(asked) };
        const answer = await this.#ask({ method: 'GET', path, headers, ...call });
        const rendering = renderingOf(answer);
        const discovery = categoriesIn(answer);
        if (discovery.kinds.length === 0) throw new NoAnswer('the query interface names no kinds');
        const server = answer.headers['server'] ?? '';
        const version = rendering === JSON_RENDERING || speaksOcci12(server) ? asked : '1.1';
        return { rendering, version, discovery, server };
      } catch (error) {
        refusal ??= error;
        if (!(error instanceof OcciRefusal && error.status === 404)) throw error;
      }
    }
    throw refusal;
  }

  /** Entities of a kind; `filter` where the server filters by attributes (GFD.223 §7.2), which others may overlook. */
  async list(kind: TypeId, call: CallSignal = {}, filter?: Filter): Promise<Placed[]> {
    const peer = await this.peer(call);
    const path = locationOf(peer.discovery, kind);
    if (peer.rendering === JSON_RENDERING) {
      const answer = await this.#request('GET', path, peer, call, filterHeaders(filter));
      const { resources = [], links = [] } = jsonIn<{ resources?: object[]; links?: object[] }>(answer);
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
    const peer = await this.peer(call);
    const path = locationOf(peer.discovery, kind);
    const accept = peer.rendering === 'text/occi' ? peer.rendering : 'text/uri-list, text/plain;q=0.5';
    const answer = await this.#request('GET', path, peer, call, { Accept: accept });
    return locationsIn(answer).map((location) => this.#within(location));
  }

  /** @throws OcciRefusal 404 for what is not there */
  async get(path: string, call: CallSignal = {}): Promise<Placed> {
    const answer = await this.#request('GET', path, await this.peer(call), call);
    return { path, view: entityIn(answer) };
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

  /**
   * Creates an entity at the location of its kind; answers its path. `key` makes a repetition recognizable, where the server does (K12).
   *
   * @throws Deferred where the server answers with a task, and the entity is to come
   */
  async create(view: EntityView, key: string, call: CallSignal = {}): Promise<string> {
    const peer = await this.peer(call);
    const location = locationOf(peer.discovery, view.kind);
    const body = renderedView(view, peer.rendering);
    const answer = await this.#request('POST', location, peer, call, { 'Idempotency-Key': key }, body);
    const path = this.#within(madeAt(answer, location));
    if (answer.status === 202 && !path.startsWith(location)) throw new Deferred(path);
    return path;
  }

  /** The path of the entity that a task has led to; nothing while it goes on (GFD.185 §3.6.3). */
  async madeBy(task: string, call: CallSignal = {}): Promise<string | undefined> {
    return (await this.#request('GET', task, await this.peer(call), call)).from;
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
    const peer = await this.peer(call);
    await this.#post(path, peer, renderedAttributes(attributes, peer.rendering), call);
  }

  /** Answers what the server said: `save` is answered with a mixin. */
  async act(path: string, action: TypeId, parameters: Attributes, call: CallSignal = {}): Promise<OcciAnswer> {
    const peer = await this.peer(call);
    const term = encodeURIComponent(action.slice(action.indexOf('#') + 1));
    return this.#post(`${path}?action=${term}`, peer, renderedAttributes(parameters, peer.rendering, action), call);
  }

  /** Takes away a mixin that the account has brought in (GFD.223 §9.4). */
  async removeMixin(mixin: TypeId, call: CallSignal = {}): Promise<void> {
    const [path = ''] = DISCOVERY;
    await this.#request('DELETE', path, await this.peer(call), call, namedMixin(mixin));
  }

  async #post(path: string, peer: OcciPeer, body: Rendered, call: CallSignal): Promise<OcciAnswer> {
    const answer = await this.#request('POST', path, peer, call, {}, body);
    if (answer.text !== '') renderingOf(answer);
    return answer;
  }

  async delete(path: string, call: CallSignal = {}): Promise<void> {
    await this.#request('DELETE', path, await this.peer(call), call);
  }

  /** What stands beside OCCI at a VEP, in JSON. */
  async beside<T>(
    request: Omit<OcciRequestSent, 'headers'>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const answer = await this.#ask({
      ...request,
      headers: { Accept: 'application/json', 'User-Agent': agentFor('1.2'), ...headers },
    });
    return jsonIn<T>(answer);
  }

  #request(
    method: OcciRequestSent['method'],
    path: string,
    { rendering, version }: OcciPeer,
    call: CallSignal,
    more: Readonly<Record<string, string>> = {},
    body?: Rendered,
  ): Promise<OcciAnswer> {
    return this.#ask({
      method,
      path,
      headers: { Accept: rendering, 'User-Agent': agentFor(version), ...body?.headers, ...more },
      ...(body === undefined ? {} : { body: body.text }),
      ...call,
    });
  }

  async #ask(request: OcciRequestSent): Promise<OcciAnswer> {
    const path = request.path.startsWith(`${this.#base}/`) ? request.path : this.#base + request.path;
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

/** Location of a kind. @throws OcciRefusal 404 where the server has no such kind */
function locationOf(discovery: Discovery, kind: TypeId): string {
  const location = discovery.locationOf(kind);
  if (location === undefined) throw new OcciRefusal(404, `it has no kind ${kind}`);
  return new URL(location, 'http://endpoint').pathname;
}
