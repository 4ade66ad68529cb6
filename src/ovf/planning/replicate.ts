/**
 * Collections that stand several times (OVF 2 ScaleOutSection of a VirtualSystemCollection): each instance is a collection
 * of its own, with all that is in it. The first keeps its ids; the others are called `<id>-2`, `<id>-3`, …, and what is in
 * them `<id>-2/<ovf:id>`. They stand in the start-up order where the first stands. Where the top collection itself stands
 * several times, an appliance still is one thing: its instances stand in a collection without anything else of its own.
 */

import type { Content, StartupSection, VirtualSystemCollection } from '../envelope/model.js';
import type { QuantityRange } from '../plan.js';
import type { Findings } from './findings.js';
import { bulkOf, MOST_COPIED } from './bulk.js';
import { planInstances } from './placement.js';
import { titleOf } from './title.js';

/** Systems and collections that a plan may come to; far beyond what anybody deploys at once. */
export const MAX_CONTENTS = 10_000;

/** The content with its replicas, those of inner collections first. */
export function withReplicas(root: Content, configuration: string | undefined, findings: Findings): Content {
  const total = { contents: 0, copied: 0, ids: idsOf(root) };
  const { kind, scaleOut } = root;
  if (kind === 'VirtualSystem' || scaleOut === undefined) return replicate(root, configuration, total, findings);
  const round = replicate(roundOf(root), configuration, total, findings);
  return round.kind === 'VirtualSystemCollection' && round.children.length > 1 ? round : firstOf(round);
}

/** A collection that holds the whole appliance and stands for it. */
function roundOf(root: VirtualSystemCollection): VirtualSystemCollection {
  const { name, ovfId, info, at } = root;
  return {
    kind: 'VirtualSystemCollection',
    id: roundId(root),
    ovfId,
    info,
    ...(name && { name }),
    at,
    annotations: [],
    products: [],
    eulas: [],
    environmentFiles: [],
    children: [root],
  };
}

function roundId(root: Content): string {
  const taken = idsOf(root);
  let id = `${root.id}-all`;
  while (taken.has(id)) id += '-';
  return id;
}

function firstOf(round: Content): Content {
  return round.kind === 'VirtualSystem' ? round : (round.children[0] ?? round);
}

interface Total {
  contents: number;
  /** Characters of all copies. */
  copied: number;
  /** Ids that contents of the descriptor have. */
  readonly ids: ReadonlySet<string>;
}

function replicate(content: Content, configuration: string | undefined, total: Total, findings: Findings): Content {
  if (content.kind === 'VirtualSystem') return content;
  const copies = new Map<string, readonly string[]>();
  const children = content.children.flatMap((child): readonly Content[] => {
    const whole = replicate(child, configuration, total, findings);
    const { normal } = whole.kind === 'VirtualSystem' ? { normal: 1 } : instancesOf(whole, configuration, findings);
    total.contents += sizeOf(whole) * normal;
    if (normal > 1) total.copied += bulkOf(whole) * (normal - 1);
    const tooMuch = total.contents > MAX_CONTENTS || total.copied > MOST_COPIED;
    if (tooMuch) tooMany(whole, findings);
    if (normal === 1 || tooMuch) return [whole];
    const instances = [whole, ...copiesOf(whole, normal - 1, total.ids)];
    copies.set(
      whole.id,
      instances.map(({ id }) => id),
    );
    return instances;
  });
  return { ...content, children, ...(content.startup && { startup: startedAlike(content.startup, copies) }) };
}

/** O-084: `scale` is for machines, so that a collection stands as often as it was deployed, whatever its bounds. */
function instancesOf(
  collection: VirtualSystemCollection,
  configuration: string | undefined,
  findings: Findings,
): QuantityRange {
  const range = planInstances(collection, configuration, findings);
  if (range.max !== undefined || (range.min ?? 1) > 1) {
    findings.info('O-084', 'between how many instances a collection may have is not used: their number stays', {
      place: collection.scaleOut?.at ?? collection.at,
      remedy: 'give bounds to its machines, which can be scaled',
      value: collection.id,
    });
  }
  return range;
}

function sizeOf(content: Content): number {
  if (content.kind === 'VirtualSystem') return 1;
  return content.children.reduce((sum, child) => sum + sizeOf(child), 1);
}

/** O-078: the plan would have more of them than that. */
export function tooMany({ at, id }: Content, findings: Findings): void {
  const limits = `${MAX_CONTENTS} systems and collections, or ${MOST_COPIED} characters of them`;
  findings.error('O-078', `with its instances the appliance has more than ${limits}`, {
    place: at,
    remedy: 'ask for fewer instances',
    value: id,
  });
}

function idsOf(root: Content): ReadonlySet<string> {
  const ids = new Set<string>();
  const visit = (content: Content): void => {
    ids.add(content.id);
    if (content.kind === 'VirtualSystemCollection') content.children.forEach(visit);
  };
  visit(root);
  return ids;
}

/** So many copies; a number whose name the descriptor has given to something else is passed over. */
function copiesOf(content: Content, count: number, taken: ReadonlySet<string>): readonly Content[] {
  const copies: Content[] = [];
  for (let number = 2; copies.length < count; number += 1)
    if (!taken.has(`${content.id}-${number}`)) copies.push(copyOf(content, number));
  return copies;
}

function copyOf(content: Content, number: number): Content {
  const text = `${titleOf(content)} ${number}`;
  return renamed({ ...content, name: { at: (content.name ?? content).at, text } }, `${content.id}-${number}`);
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
