/**
 * Collections that stand several times (OVF 2 ScaleOutSection of a VirtualSystemCollection): each instance is a collection
 * of its own, with all that is in it. The first keeps its ids; the others are called `<id>-2`, `<id>-3`, …, and what is in
 * them `<id>-2/<ovf:id>`. They stand in the start-up order where the first stands.
 */

import type { Content, StartupSection, VirtualSystemCollection } from '../envelope/model.js';
import type { Findings } from './findings.js';
import { planInstances } from './placement.js';

/** Systems and collections that a plan may come to; far beyond what anybody deploys at once. */
export const MAX_CONTENTS = 10_000;

/** The content with its replicas, those of inner collections first. */
export function withReplicas(root: Content, configuration: string | undefined, findings: Findings): Content {
  const total = { contents: 0 };
  return replicate(root, configuration, total, findings);
}

interface Total {
  contents: number;
}

function replicate(content: Content, configuration: string | undefined, total: Total, findings: Findings): Content {
  if (content.kind === 'VirtualSystem') return content;
  const copies = new Map<string, readonly string[]>();
  const children = content.children.flatMap((child): readonly Content[] => {
    const whole = replicate(child, configuration, total, findings);
    const { normal } = whole.kind === 'VirtualSystem' ? { normal: 1 } : planInstances(whole, configuration, findings);
    total.contents += sizeOf(whole) * normal;
    if (normal === 1 || total.contents > MAX_CONTENTS) {
      if (total.contents > MAX_CONTENTS) tooMany(whole, findings);
      return [whole];
    }
    const instances = Array.from({ length: normal }, (_, index) => (index === 0 ? whole : copyOf(whole, index + 1)));
    copies.set(
      whole.id,
      instances.map(({ id }) => id),
    );
    return instances;
  });
  return { ...content, children, ...(content.startup && { startup: startedAlike(content.startup, copies) }) };
}

function sizeOf(content: Content): number {
  if (content.kind === 'VirtualSystem') return 1;
  return content.children.reduce((sum, child) => sum + sizeOf(child), 1);
}

/** O-078: the plan would have more of them than that. */
export function tooMany({ at, id }: Content, findings: Findings): void {
  findings.error('O-078', `with its instances the appliance has more than ${MAX_CONTENTS} systems and collections`, {
    place: at,
    remedy: 'ask for fewer instances',
    value: id,
  });
}

function copyOf(content: Content, number: number): Content {
  const text = `${content.name?.text ?? content.ovfId} ${number}`;
  return renamed({ ...content, name: { ...(content.name ?? { at: content.at }), text } }, `${content.id}-${number}`);
}

function renamed(content: Content, id: string): Content {
  if (content.kind === 'VirtualSystem') return { ...content, id };
  const ids = new Map<string, readonly string[]>();
  const children = content.children.map((child) => {
    const path = `${id}/${child.id.slice(child.id.lastIndexOf('/') + 1)}`;
    ids.set(child.id, [path]);
    return renamed(child, path);
  });
  const startup = content.startup && { startup: startedAlike(content.startup, ids) };
  return { ...content, id, children, ...startup } satisfies VirtualSystemCollection;
}

/** The section with an item for each of the ids that stand for the one it names. */
function startedAlike(section: StartupSection, ids: ReadonlyMap<string, readonly string[]>): StartupSection {
  return {
    ...section,
    items: section.items.flatMap((item) => (ids.get(item.id) ?? [item.id]).map((id) => ({ ...item, id }))),
  };
}
