/**
 * What is in the collections of the account before a run and after it. Whether a run may delete collections hangs on the
 * first (K28); the second finds what a check has made without the server saying so.
 */

import type { Model } from './model.js';
import { URIS } from './message.js';
import { CORE } from './names.js';
import type { Peer } from './peer.js';
import { readMessage, uris } from './read/fields.js';

export class Inventory {
  readonly #peer: Peer;
  readonly #model: Model;
  readonly #before: ReadonlySet<string>;

  private constructor(peer: Peer, model: Model, before: ReadonlySet<string>) {
    this.#peer = peer;
    this.#model = model;
    this.#before = before;
  }

  static async take(peer: Peer, model: Model): Promise<Inventory> {
    const before = await list(
      peer,
      model.kinds.flatMap(({ location = '' }) => [location]),
    );
    peer.made.spare(before);
    return new Inventory(peer, model, before);
  }

  /** True when nothing was there. */
  get empty(): boolean {
    return this.#before.size === 0;
  }

  /** Removes what the run has left, however it came to be; answers what would not go. */
  async settle(): Promise<string[]> {
    const peer = this.#peer;
    const now = await list(peer, this.#suspect());
    for (const path of now) if (!this.#before.has(path) && (await this.#isOwn(path))) peer.made.own(path);
    for (const { id, term } of (await peer.discover()).mixins) if (term.startsWith(peer.mark)) peer.made.ownMixin(id);
    return peer.made.remove(peer);
  }

  /** Locations of kinds that may hold something of the run: those it has asked for something, and links, which come along. */
  #suspect(): string[] {
    const { asked } = this.#peer.made;
    const root = this.#peer.resolve('/');
    return this.#model.kinds.flatMap(({ id, location = '' }) =>
      asked.has(root) || asked.has(this.#peer.resolve(location)) || this.#model.isA(id, `${CORE}link`)
        ? [location]
        : [],
    );
  }

  /** By the mark in its title, or as a link between what the run has made. */
  async #isOwn(path: string): Promise<boolean> {
    if (this.#peer.made.ever.has(path)) return true;
    const exchange = await this.#peer.send('GET', path, { accept: 'text/plain' });
    if (exchange.status !== 200) return false;
    const { attributes } = readMessage(exchange);
    const text = (name: string): string => String(attributes.get(name) ?? '');
    if (text('occi.core.title').includes(this.#peer.mark)) return true;
    return ['occi.core.source', 'occi.core.target'].some((end) =>
      this.#peer.made.ever.has(this.#peer.resolve(text(end))),
    );
  }
}

async function list(peer: Peer, locations: readonly string[]): Promise<Set<string>> {
  const paths = new Set<string>();
  for (const location of locations) {
    const exchange = await peer.send('GET', location, { accept: URIS });
    if (exchange.status === 200) for (const uri of uris(exchange.body)) paths.add(peer.resolve(uri));
  }
  return paths;
}
