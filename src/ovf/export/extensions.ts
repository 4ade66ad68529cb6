/**
 * What the descriptor of an appliance holds for the platforms of vendors (DSP0243 §7.3), and VEP passed over: it goes out
 * again where it stood, marked as optional, for those who understand it. Left out is what would mislead them or tell a secret.
 */

import type { Element } from '@xmldom/xmldom';
import type { At, Envelope, IgnoredElement } from '../envelope/model.js';
import { CIM_SCHEMA, OVF_1, OVF_2, SCHEMA_INSTANCE, VBOX } from '../envelope/vocabulary.js';
import type { Element as ReadElement } from '../xml/element.js';
import type { OvfDocument } from './xml.js';

/** Characters of all of them together, copies for the instances of a collection included. */
const MOST_CHARACTERS = 256 * 1024;

const OWN: ReadonlySet<string> = new Set([OVF_1, OVF_2, '']);
/** Names that a secret may stand under, and the variables of a guest, which hold whatever one likes. */
const SECRET = /passw|passphrase|secret|credential|token|private|licen[cs]ekey|^guestinfo\./i;

export class OriginalExtensions {
  readonly #document: OvfDocument;
  readonly #byParent = new Map<string, IgnoredElement[]>();
  #left = MOST_CHARACTERS;

  constructor(document: OvfDocument, original: Envelope) {
    this.#document = document;
    for (const ignored of original.ignored) {
      if (OWN.has(ignored.namespace) || isMisleading(ignored) || isSecret(ignored.element)) continue;
      const key = placeKey(ignored.parent);
      this.#byParent.set(key, [...(this.#byParent.get(key) ?? []), ignored]);
    }
  }

  /** Those that stood in the element at that place. */
  of(parent: At | undefined): readonly Element[] {
    const standing = parent ? (this.#byParent.get(placeKey(parent)) ?? []) : [];
    return standing.flatMap(({ element }) => {
      const length = lengthOf(element);
      if (length > this.#left) return [];
      this.#left -= length;
      const copy = this.#document.copy(element);
      copy.setAttributeNS(OVF_1, 'ovf:required', 'false');
      return [copy];
    });
  }
}

function placeKey({ line, column }: At): string {
  return `${line}:${column}`;
}

/**
 * VirtualBox has the machine a second time, as it was, and goes by that; items are numbered anew, and types are names with
 * prefixes. The firmware is the plan's to tell. What is of the standard means something only where the standard has it, and is
 * judged by its schema wherever it stands.
 */
function isMisleading({ element, namespace }: IgnoredElement): boolean {
  const isFirmware = element.attributes.some(({ name, value }) => name === 'key' && value === 'firmware');
  return namespace === VBOX || isFirmware || some(element, (each) => refersToItems(each) || isOfTheStandard(each));
}

function isOfTheStandard({ namespace, name }: ReadElement): boolean {
  return (OWN.has(namespace) && namespace !== '' && name !== 'Info') || namespace.startsWith(CIM_SCHEMA);
}

function refersToItems({ attributes }: ReadElement): boolean {
  return attributes.some(({ namespace, name }) => namespace === SCHEMA_INSTANCE || /^instanceid$/i.test(name));
}

function isSecret(element: ReadElement): boolean {
  return some(
    element,
    ({ name, attributes }) =>
      SECRET.test(name) ||
      attributes.some((attribute) => SECRET.test(attribute.name) || SECRET.test(attribute.value.slice(0, 200))),
  );
}

function some(element: ReadElement, holds: (each: ReadElement) => boolean): boolean {
  return holds(element) || element.children.some((child) => some(child, holds));
}

function lengthOf({ name, text, attributes, children }: ReadElement): number {
  const own = attributes.reduce((sum, attribute) => sum + attribute.name.length + attribute.value.length + 8, 0);
  return children.reduce((sum, child) => sum + lengthOf(child), own + text.length + 2 * name.length + 16);
}
