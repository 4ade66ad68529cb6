/**
 * A trial: one statement put to the server. It speaks for the check, keeps every exchange for the report, makes what the
 * check needs on whatever the server offers, and says by what it throws why a check did not pass ({@link Violation},
 * {@link Inapplicable}, {@link Blocked}).
 */

import type { JsonObject } from '../base/json.js';
import type { Exchange } from './exchange.js';
import { locationsOf } from './made.js';
import { JSON_TYPE, OCCI, PLAIN, URIS, type Attributes, type Message, type MixinDefinition } from './message.js';
import type { Category, Model } from './model.js';
import { COMPUTE, INTERFACE, NETWORK, STORAGE, STORAGE_LINK, actionId } from './names.js';
import { Blocked, Inapplicable, Violation } from './outcome.js';
import type { Peer, Sending } from './peer.js';
import { readMessage, uris, type TextMessage, type Value } from './read/fields.js';
import { jsonObject } from './read/json.js';
import { recipes } from './recipe.js';
import type { Subject } from './subject.js';
import type { Version } from './catalogue/statement.js';

/** A mixin that the check has defined for itself. */
export interface Tag {
  readonly id: string;
  readonly location: string;
}

export class Trial {
  readonly peer: Peer;
  /** The query interface as it was when the run began. */
  readonly model: Model;
  readonly exchanges: Exchange[] = [];
  readonly #subject: Subject | undefined;

  constructor(peer: Peer, model: Model, subject: Subject | undefined) {
    this.peer = peer;
    this.model = model;
    this.#subject = subject;
  }

  get version(): Version {
    return this.peer.version;
  }

  // Asking

  async send(method: string, target: string, sending: Sending = {}): Promise<Exchange> {
    const exchange = await this.peer.send(method, target, sending);
    this.exchanges.push(exchange);
    return exchange;
  }

  get(target: string, accept?: string, sending: Sending = {}): Promise<Exchange> {
    return this.send('GET', target, { ...sending, ...(accept === undefined ? {} : { accept }) });
  }

  post(target: string, sending: Sending): Promise<Exchange> {
    return this.send('POST', target, sending);
  }

  /** The entity in text/plain. @throws Violation unless it is there */
  async entity(path: string, sending: Sending = {}): Promise<TextMessage> {
    const exchange = await this.get(path, PLAIN, sending);
    this.status(exchange, 200);
    return readMessage(exchange);
  }

  /** A GET in JSON. @throws Inapplicable where the server has no JSON */
  async json(path: string): Promise<JsonObject> {
    this.needJson();
    const exchange = await this.get(path, JSON_TYPE);
    this.status(exchange, 200);
    return jsonObject(exchange);
  }

  /** The paths that a collection lists. */
  async list(location: string, sending: Sending = {}): Promise<string[]> {
    const exchange = await this.get(location, URIS, sending);
    this.status(exchange, 200, 204);
    return exchange.status === 204 ? [] : uris(exchange.body).map((uri) => this.peer.resolve(uri));
  }

  /** The categories that the query interface shows now. */
  async discover(): Promise<TextMessage> {
    const exchange = await this.get('/-/', PLAIN);
    this.status(exchange, 200);
    return readMessage(exchange);
  }

  async value(path: string, name: string): Promise<Value | undefined> {
    return (await this.entity(path)).attributes.get(name);
  }

  /** Invokes an action of an infrastructure kind. */
  act(path: string, noun: string, term: string, attributes: Attributes = {}, sending: Sending = {}): Promise<Exchange> {
    return this.post(`${path}?action=${term}`, { ...sending, action: actionId(noun, term), attributes });
  }

  /** Waits until an attribute has one of the values. @throws Violation when the patience of the run is over */
  async until(path: string, name: string, ...values: readonly Value[]): Promise<void> {
    const { clock, patienceMs, signal } = this.peer.options;
    const end = clock.now() + patienceMs;
    for (let pause = 10; ; pause = Math.min(pause * 2, 1000)) {
      // Only the last of many equal looks is worth keeping.
      const exchange = await this.peer.send('GET', path, { accept: PLAIN });
      const value = exchange.status === 200 ? readMessage(exchange).attributes.get(name) : undefined;
      const reached = value !== undefined && values.includes(value);
      if (reached || clock.now() > end || signal?.aborted === true) {
        this.exchanges.push(exchange);
        if (!reached) {
          const waited = `after ${Math.round(patienceMs / 1000)} s`;
          throw new Violation(`${name} is ${shown(value)} ${waited}, not ${values.join(' or ')}`, exchange);
        }
        return;
      }
      await clock.sleep(pause, signal);
    }
  }

  // Judging

  holds(condition: boolean, otherwise: string, exchange: Exchange | undefined = this.exchanges.at(-1)): void {
    if (!condition) throw new Violation(otherwise, exchange);
  }

  equal(actual: unknown, wanted: unknown, what: string, exchange?: Exchange): void {
    const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)];
    this.holds(is === should, `${what} is ${is ?? 'absent'}, not ${should ?? 'absent'}`, exchange);
  }

  status(exchange: Exchange, ...allowed: readonly number[]): void {
    this.holds(allowed.includes(exchange.status), `${exchange.summary}, not ${allowed.join(' or ')}`, exchange);
  }

  /** A 4xx (or 501): refused, in whatever words. */
  refused(exchange: Exchange): void {
    const refusal = (exchange.status >= 400 && exchange.status < 500) || exchange.status === 501;
    this.holds(refusal, `${exchange.summary}: it is not refused`, exchange);
  }

  // What the server offers

  need(id: string): Category {
    const category = this.model.get(id);
    if (category === undefined) throw new Inapplicable(`the server does not offer ${id}`);
    return category;
  }

  needJson(): JsonObject {
    if (this.model.json === undefined) throw new Inapplicable('the server has no JSON rendering');
    return this.model.json;
  }

  location(id: string): string {
    const { location } = this.need(id);
    if (location === undefined) throw new Inapplicable(`${id} has no location`);
    return location;
  }

  /** The kind of resource that is cheapest to make: what statements about any entity are tried on. */
  get subject(): string {
    if (this.#subject === undefined) throw new Inapplicable('the server offers no kind of resource');
    return this.#subject.kind;
  }

  /** Ways to make an entity of the kind: the one that is known to work, or the plainest first. */
  #recipes(kind: string): Message[] {
    const known = this.#subject?.kind === kind ? this.#subject.recipe : undefined;
    return known ? [known] : recipes(this.model, this.need(kind));
  }

  // Making

  /** Makes an entity, by the first recipe that the server takes. @throws Blocked when it takes none */
  async make(kind: string = this.subject, message: Message = {}): Promise<string> {
    const category = this.need(kind);
    const location = this.location(kind);
    let exchange: Exchange | undefined;
    for (const recipe of this.#recipes(kind)) {
      exchange = await this.post(location, this.filled(kind, message, recipe));
      if (exchange.succeeded) break;
    }
    if (!exchange?.succeeded) throw new Blocked(`no ${category.term} can be made: ${exchange?.summary ?? ''}`);
    return this.made(exchange, location);
  }

  /** Makes an entity that the statement says can be made. @throws Violation when only a plainer one can */
  async creates(kind: string, message: Message): Promise<string> {
    try {
      return await this.make(kind, message);
    } catch (error) {
      if (!(error instanceof Blocked)) throw error;
      const refused = this.exchanges.at(-1);
      await this.make(kind);
      throw new Violation(error.message, refused);
    }
  }

  /** Where the entity is that an answer says was made. @throws Blocked when it does not say */
  made(exchange: Exchange, location: string): string {
    const [first] = locationsOf(exchange);
    if (first !== undefined) return this.peer.resolve(first);
    const id = readMessage(exchange).attributes.get('occi.core.id');
    if (typeof id === 'string') return this.peer.resolve(location + id.replace(/^urn:uuid:/, ''));
    throw new Blocked(`${exchange.summary}: the answer does not say where the entity is`);
  }

  /** The message completed to one that makes an entity. */
  filled(kind: string, message: Message = {}, recipe = this.#recipes(kind)[0] ?? {}): Message {
    const title = { 'occi.core.title': this.peer.mark };
    return {
      ...message,
      kind,
      mixins: [...new Set([...(recipe.mixins ?? []), ...(message.mixins ?? [])])],
      attributes: { ...title, ...recipe.attributes, ...message.attributes },
    };
  }

  async makeLink(kind: string, source: string, target: string, message: Message = {}): Promise<string> {
    const ends = { 'occi.core.source': source, 'occi.core.target': target };
    return this.make(kind, { ...message, attributes: { ...ends, ...message.attributes } });
  }

  /** A link of a kind that the server offers, with both its ends. */
  async linked(
    message: Message = {},
  ): Promise<{ kind: string; targetKind: string } & Record<'source' | 'target' | 'link', string>> {
    const kind = [INTERFACE, STORAGE_LINK].find((id) => this.model.get(id)?.location !== undefined);
    if (kind === undefined) throw new Inapplicable('the server offers no kind of link');
    const targetKind = kind === INTERFACE ? NETWORK : STORAGE;
    const source = await this.make(COMPUTE);
    const target = await this.make(targetKind);
    return { kind, targetKind, source, target, link: await this.makeLink(kind, source, target, message) };
  }

  /** A mixin of the user's own. @throws Inapplicable where the server allows none (C-103) */
  async tag(): Promise<Tag> {
    const word = this.peer.word();
    const definition = this.definition(word);
    const exchange = await this.post('/-/', { define: [definition] });
    if ([403, 405, 501].includes(exchange.status)) throw new Inapplicable('the server allows no mixins of users');
    if (!exchange.succeeded) throw new Blocked(`no mixin can be defined: ${exchange.summary}`);
    return definition;
  }

  definition(word: string): MixinDefinition & Tag {
    return { id: `http://example.org/occi/conformance#${word}`, location: `/${word}/` };
  }

  /** An own mixin with these entities in it. */
  async tagged(paths: readonly string[]): Promise<Tag> {
    const tag = await this.tag();
    const exchange = await this.post(tag.location, { locations: paths.map((path) => this.absolute(path)) });
    if (!exchange.succeeded) throw new Blocked(`nothing can be associated: ${exchange.summary}`);
    return tag;
  }

  /** A compute that runs. */
  async active(message: Message = {}): Promise<string> {
    const path = await this.make(COMPUTE, message);
    await this.started(path);
    return path;
  }

  /** Starts a compute unless it runs, and waits for it. */
  async started(path: string): Promise<void> {
    if ((await this.value(path, STATE)) === 'active') return;
    const exchange = await this.act(path, 'compute', 'start');
    // Refused, it may have been started by the server since it was looked at.
    if (!exchange.succeeded && (await this.value(path, STATE)) !== 'active')
      throw new Blocked(`the compute cannot be started: ${exchange.summary}`);
    await this.until(path, STATE, 'active');
  }

  /** The whole URL of a path. */
  absolute(path: string): string {
    return this.peer.options.wire.origin + path;
  }

  /** Ids in headers, whatever the rendering asked for (GFD.185 §3.4.1). */
  filter(message: Message, accept: string): Sending {
    return { ...message, type: OCCI, accept };
  }
}

export const STATE = 'occi.compute.state';

function shown(value: Value | undefined): string {
  return value === undefined ? 'absent' : String(value);
}
