/**
 * How an entity of a kind is made on a server that nobody knows: the attributes its definition requires, with values that
 * its types and patterns allow, and templates for servers that make no compute without one.
 */

import type { AttributeDescription, Category, Model } from './model.js';
import type { Attributes, Message } from './message.js';
import { COMPUTE, OS_TEMPLATE, RESOURCE_TEMPLATE } from './names.js';
import type { Value } from './read/fields.js';

/** Names that hold numbers, for servers whose definitions say no types. */
const NUMBERS = /(size|cores|memory|speed|share|vlan|period|count)$/;

/** Ends of a link are its maker's to choose. */
const ENDS = new Set(['occi.core.source', 'occi.core.target']);

/** Attributes without which there is no entity of this kind. */
export function requiredAttributes(category: Category): Attributes {
  return Object.fromEntries(
    category.attributes
      .filter(({ name, required, mutable }) => required && mutable && !ENDS.has(name))
      .map((each) => [each.name, valueFor(each)]),
  );
}

/** A value that the definition allows, as far as one can see. */
export function valueFor({ name, type, pattern, default: preset }: AttributeDescription): Value {
  if (typeof preset === 'string' || typeof preset === 'number' || typeof preset === 'boolean') return preset;
  const [first] = Array.isArray(pattern?.['enum']) ? (pattern['enum'] as readonly unknown[]) : [];
  if (typeof first === 'string' || typeof first === 'number') return first;
  if (type === 'boolean') return true;
  if (type === 'number' || (type === undefined && NUMBERS.test(name))) return 1;
  return 'conformance';
}

/** Ways to make an entity of the kind, the plainest first. */
export function recipes(model: Model, kind: Category): Message[] {
  const attributes = requiredAttributes(kind);
  const plain: Message = { attributes };
  if (!model.isA(kind.id, COMPUTE)) return [plain];
  const [os] = model.dependingOn(OS_TEMPLATE);
  const [size] = model.dependingOn(RESOURCE_TEMPLATE);
  const with_ = (...mixins: readonly (Category | undefined)[]): Message[] =>
    mixins.includes(undefined) ? [] : [{ attributes, mixins: mixins.flatMap((each) => each?.id ?? []) }];
  return [plain, ...with_(os, size), ...with_(os), ...with_(size)];
}
