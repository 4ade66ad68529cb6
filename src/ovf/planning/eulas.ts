/**
 * Licences (DSP0243 §9.6 EulaSection): every one has to be accepted before deployment (O-072), by its id in the package,
 * by the digest of its text, or all at once. The digest is what the acceptance is recorded with.
 */

import { createHash } from 'node:crypto';
import type { Content } from '../envelope/model.js';
import type { PlanInputs, UnresolvedEula } from '../inputs.js';

const EXCERPT_LENGTH = 2_000;

/**
 * The licences of a content element and everything in it that the inputs do not accept. Whoever has accepted a text has
 * accepted it wherever it stands: instances of a collection bring it again.
 */
export function unacceptedEulas(root: Content, accepted: PlanInputs['eulas']): readonly UnresolvedEula[] {
  if (accepted === 'all') return [];
  const known = new Set(accepted);
  const all = collectEulas(root);
  const settled = new Set(
    all.filter(({ id, digest }) => known.has(id) || known.has(digest)).map(({ digest }) => digest),
  );
  return all.filter(({ digest }) => {
    const open = !settled.has(digest);
    settled.add(digest);
    return open;
  });
}

/** Ids are `<content id>#<n>`, counted from 1. */
function collectEulas(content: Content): readonly UnresolvedEula[] {
  const own = content.eulas.map(({ license: { text } }, index) => ({
    id: `${content.id}#${index + 1}`,
    content: content.id,
    text: text.slice(0, EXCERPT_LENGTH),
    digest: `sha256:${createHash('sha256').update(text, 'utf8').digest('hex')}`,
  }));
  return content.kind === 'VirtualSystem' ? own : [...own, ...content.children.flatMap(collectEulas)];
}
