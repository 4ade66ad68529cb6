/**
 * How VEP knows its own things again at a server whose only labels are title and summary (GFD.221 §5.3): a mark of realm,
 * digest of the token and id of the entity. A link has no summary: its title holds the mark.
 */

import { createHash } from 'node:crypto';
import { isLinkView, type EntityView } from '../../../occi/model.js';
import { IaasError } from '../../adapter.js';

export interface Mark {
  readonly id: string;
  /** Digest of the token. */
  readonly token: string;
}

export type MarkPlace = 'summary' | 'title';

export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 40);
}

/** @throws IaasError `invalid` for an id that no server could give back as it is */
export function markOf(realm: string, id: string, token: string): string {
  if (!isWellFormed(id)) throw new IaasError('invalid', 'an id with half a character cannot be written down');
  return `vep:${realm}:${digestOf(token)}:${encodeURIComponent(id)}`;
}

/** The mark that an entity carries, if it is one of this realm. */
export function markIn(view: EntityView, realm: string): Mark | undefined {
  const texts = isLinkView(view) ? [view.title] : [view.summary, view.title];
  for (const text of texts) {
    const [, of, token = '', id = ''] = /^vep:([A-Za-z0-9._-]+):([0-9a-f]{40}):(\S+)$/.exec(text ?? '') ?? [];
    if (of !== realm) continue;
    try {
      return { id: decodeURIComponent(id), token };
    } catch {
      // Somebody else's words, which only look like a mark.
    }
  }
  return undefined;
}

/** `String.prototype.isWellFormed`, which the language level of this project does not have yet. */
function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text;
}
