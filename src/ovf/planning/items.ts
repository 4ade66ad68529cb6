/**
 * The hardware items that hold in one configuration (DSP0243 §8.3, §8.4): items of that
 * configuration replace the general ones of the same InstanceID, and `ovf:bound` markers join the item they bound.
 */

import { excerpt } from '../../base/errors.js';
import { isAdapter } from '../envelope/devices.js';
import type { Bound, Item } from '../envelope/model.js';
import { mostSpecific, placeOf } from '../envelope/hardware.js';
import type { Findings } from './findings.js';

export interface EffectiveItem {
  /** The item itself: `ovf:bound` normal, else the only bound there is. */
  readonly item: Item;
  readonly min?: Item;
  readonly max?: Item;
}

/** The items of a section in the given configuration, in document order. */
export function effectiveItems(
  items: readonly Item[],
  configuration: string | undefined,
  findings: Findings,
): readonly EffectiveItem[] {
  const instances = new Map<string, Item[]>();
  for (const [index, item] of items.entries()) {
    if (!holdsIn(item, configuration)) continue;
    const instance = item.instanceId === '' ? `#${index}` : `=${item.instanceId}`;
    const same = instances.get(instance);
    if (same === undefined) instances.set(instance, [item]);
    else same.push(item);
  }
  return [...instances.values()].flatMap((same) => joinBounds(same, findings));
}

function holdsIn(item: Item, configuration: string | undefined): boolean {
  return (
    item.configurations.length === 0 || (configuration !== undefined && item.configurations.includes(configuration))
  );
}

/** Most items stand alone, under an InstanceID that is theirs. */
function joinBounds(same: readonly Item[], findings: Findings): EffectiveItem | readonly EffectiveItem[] {
  const [only, ...more] = same;
  if (only?.bound === 'normal' && more.length === 0) return { item: only };
  const chosen = (bound: Bound): readonly Item[] =>
    chooseItems(
      same.filter((item) => item.bound === bound),
      findings,
    );
  const [min] = chosen('min');
  const [max] = chosen('max');
  const normal = chosen('normal');
  const [first = min ?? max, ...others] = normal;
  if (!first) return [];
  return [{ item: first, ...(min && { min }), ...(max && { max }) }, ...others.map((item) => ({ item }))];
}

/** Items that name the configuration win; among them the one naming the fewest, then the later one. */
function chooseItems(items: readonly Item[], findings: Findings): readonly Item[] {
  const specific = items.filter((item) => item.configurations.length > 0);
  const winner = mostSpecific(specific);
  if (!winner) return distinctDevices(items);
  if (specific.length > 1) {
    findings.warning(
      'O-047',
      `${specific.length} items with InstanceID "${excerpt(winner.instanceId)}" hold in this configuration`,
      {
        place: winner.at,
        remedy: 'let each configuration have one; the one naming the fewest configurations is taken, then the last',
      },
    );
  }
  return [winner];
}

/** Repeats of an InstanceID that are other devices (ASCETiC's `cpuspeed` beside the processor, vCloud's adapters) are kept. */
function distinctDevices(items: readonly Item[]): readonly Item[] {
  const devices = new Map<string, Item>();
  for (const item of items) {
    const place = isAdapter(item) ? placeOf(item) : '';
    const device = `${item.resourceType}/${item.resourceSubType?.toLowerCase()}/${place}`;
    if (!devices.has(device)) devices.set(device, item);
  }
  return [...devices.values()];
}
