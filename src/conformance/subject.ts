/**
 * What statements about any entity are tried on: the kind of resource that is cheapest to make among those that the server under
 * test really makes, and how. A server may offer kinds that it, or this account, cannot make.
 */

import type { Message } from './message.js';
import type { Model } from './model.js';
import { COMPUTE, CORE, NETWORK, STORAGE } from './names.js';
import type { Peer } from './peer.js';
import { recipes } from './recipe.js';

export interface Subject {
  readonly kind: string;
  /** How it is made; absent: nothing tells, for nothing could be made. */
  readonly recipe?: Message;
}

/** Makes one to see; nothing of it stays. Undefined where no kind of resource is offered. */
export async function findSubject(peer: Peer, model: Model): Promise<Subject | undefined> {
  const candidates = candidatesIn(model);
  for (const kind of candidates) {
    const category = model.get(kind);
    for (const recipe of category ? recipes(model, category) : []) {
      const attributes = { 'occi.core.title': peer.mark, ...recipe.attributes };
      const exchange = await peer.send('POST', category?.location ?? '/', { ...recipe, kind, attributes });
      await peer.made.remove(peer);
      if (exchange.succeeded) return { kind, recipe };
    }
  }
  return candidates[0] === undefined ? undefined : { kind: candidates[0] };
}

function candidatesIn(model: Model): string[] {
  const resource = `${CORE}resource`;
  const standard = [NETWORK, STORAGE, COMPUTE].filter((id) => model.get(id)?.location !== undefined);
  if (standard.length > 0) return standard;
  return model.kinds.flatMap(({ id }) => (id !== resource && model.isA(id, resource) ? [id] : [])).slice(0, 1);
}
