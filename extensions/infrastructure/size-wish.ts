/**
 * A wish for another size, as the operation carries it that tells it to the site. What is wanted is the user's (K10), but a wish
 * that comes to nothing is over: the entity wants again what it wanted before, and the same can be asked for once more.
 */

import { jsonEqual, type JsonObject } from '../../src/base/json.js';
import type { Operation } from '../../src/engine/operation.js';
import { RESOURCE_TPL, type AttributeValue, type Attributes, type TypeId } from '../../src/occi/model.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { EntityRecord } from '../../src/store/entity-record.js';

/** What says a size: attributes, and a resource template. */
interface Size {
  readonly wanted: Attributes;
  readonly templates: readonly TypeId[];
}

/** From one size to the other, as far as the attributes `names` say it; undefined: the same size. */
export function sizeWish(
  registry: CategoryRegistry,
  before: EntityRecord,
  after: EntityRecord,
  names: readonly string[],
): Attributes | undefined {
  const size = ({ wanted, mixins }: EntityRecord): Attributes => ({
    wanted: Object.fromEntries(Object.entries(wanted).filter(([name]) => names.includes(name))),
    templates: mixins.filter((id) => registry.dependsOn(id, RESOURCE_TPL)),
  });
  const [from, to] = [size(before), size(after)];
  return jsonEqual(from['wanted'], to['wanted']) ? undefined : { before: from, after: to };
}

/** Whether a wish was still under way when the next one was made, and has come to nothing. */
export function isOverWith(earlier: Operation, next: Operation): boolean {
  return earlier.state !== 'done' && earlier.finishedAt !== null && earlier.finishedAt >= next.createdAt;
}

/** The entity without the wishes from `first` to `last`; undefined where something else is wanted by now. */
export function withoutWishes(entity: EntityRecord, first: Operation, last: Operation): EntityRecord | undefined {
  const [before, after] = [sizeIn(first.input, 'before'), sizeIn(last.input, 'after')];
  if (!before || !after) return undefined;
  const names = Object.keys(after.wanted);
  if (names.some((name) => !jsonEqual(entity.wanted[name], after.wanted[name]))) return undefined;
  const others = Object.entries(entity.wanted).filter(([name]) => !names.includes(name));
  const wanted: Record<string, AttributeValue> = { ...Object.fromEntries(others), ...before.wanted };
  const kept = entity.mixins.filter((id) => before.templates.includes(id) || !after.templates.includes(id));
  return { ...entity, wanted, mixins: [...kept, ...before.templates.filter((id) => !kept.includes(id))] };
}

const sizeIn = (input: JsonObject, which: 'before' | 'after'): Size | undefined =>
  input[which] as unknown as Size | undefined;
