/**
 * What a run has made on the server under test and must take away again: entities and mixins, noticed in the answers to its
 * own requests. Nothing that was there before is ever taken for one of its own.
 */

import type { Exchange } from './exchange.js';
import { cut, type Message } from './message.js';
import { OS_TEMPLATE } from './names.js';
import type { Peer } from './peer.js';
import { readMessage } from './read/fields.js';

export class Made {
  /** Paths, the latest last. */
  readonly #entities = new Set<string>();
  /** Type identifiers. */
  readonly #mixins = new Set<string>();
  /** Collections that the run has asked to take something: where it may have left something unsaid. */
  readonly asked = new Set<string>();
  /** Everything that the run has ever made here. */
  readonly ever = new Set<string>();
  /** Paths that were there before the run. */
  #before: ReadonlySet<string> = new Set();

  /** Entities that the run found there: they are not its own, whatever an answer says. */
  spare(paths: Iterable<string>): void {
    this.#before = new Set([...this.#before, ...paths]);
  }

  /** Something is about to be asked of this URL. */
  expect(path: string): void {
    this.asked.add((path.split('?')[0] ?? '').replace(/[^/]*$/, ''));
  }

  /** Reads from one exchange what it made or removed. */
  notice(exchange: Exchange, message: Message, peer: Peer): void {
    const { method } = exchange.request;
    const [path = '', query = ''] = exchange.path.split('?');
    if (!exchange.succeeded) return;
    if (path.endsWith('/-/')) {
      for (const { id } of message.define ?? []) {
        if (method === 'POST') this.#mixins.add(id);
        else if (method === 'DELETE') this.#mixins.delete(id);
      }
      return;
    }
    if (method === 'DELETE') this.#entities.delete(path);
    if (query.startsWith('action=')) this.#saved(exchange);
    else if ((method === 'POST' && message.kind !== undefined && path.endsWith('/')) || exchange.status === 201) {
      for (const location of locationsOf(exchange)) this.#entity(peer.resolve(location));
    }
  }

  /** Something that the run finds to be its own. */
  own(path: string): void {
    this.#entity(path);
  }

  ownMixin(id: string): void {
    this.#mixins.add(id);
  }

  /** Removes everything; answers what would not go, with the reason. */
  async remove(peer: Peer): Promise<string[]> {
    const left: string[] = [];
    for (const path of [...this.#entities].reverse()) {
      const reason = await attempt(() => peer.send('DELETE', path));
      if (reason === undefined) this.#entities.delete(path);
      else left.push(`${path}: ${reason}`);
    }
    for (const id of [...this.#mixins].reverse()) {
      const reason = await attempt(() =>
        peer.send('DELETE', '/-/', { define: [{ id, location: `/${cut(id).term}/` }] }),
      );
      if (reason === undefined) this.#mixins.delete(id);
      else left.push(`${id}: ${reason}`);
    }
    return left;
  }

  #entity(path: string): void {
    if (this.#before.has(path) || path.endsWith('/')) return;
    this.#entities.add(path);
    this.ever.add(path);
  }

  /** `save` makes an OS template (GFD.224 §3.1) and answers with it. */
  #saved(exchange: Exchange): void {
    for (const { id, class: className, rel } of readMessage(exchange).categories) {
      if (className === 'mixin' && rel.includes(OS_TEMPLATE)) this.#mixins.add(id);
    }
  }
}

/** Where an answer says that something new is. */
export function locationsOf(exchange: Exchange): string[] {
  const location = exchange.header('location');
  // A JSON answer holds none of these lines, so reading it as text finds nothing.
  return [...new Set([...(location === undefined ? [] : [location]), ...readMessage(exchange).locations])];
}

async function attempt(send: () => Promise<Exchange>): Promise<string | undefined> {
  try {
    const exchange = await send();
    return exchange.succeeded || [404, 410].includes(exchange.status) ? undefined : exchange.summary;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
