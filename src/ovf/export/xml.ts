/** An OVF document put together as a tree (K36): elements and attributes in their namespaces, so that no value can break out. */

import { DOMImplementation, XMLSerializer, type Document, type Element } from '@xmldom/xmldom';
import { languageTag } from '../envelope/language.js';
import { OVF_1, OVF_2, RASD, VMW, VSSD, XML_NAMESPACE } from '../envelope/vocabulary.js';
import type { Element as ReadElement } from '../xml/element.js';

/** Attributes by name with prefix; what is undefined is left out. */
export type AttributeTexts = Readonly<Record<string, string | number | boolean | undefined>>;
export type Child = Element | string | undefined | false;

const NAMESPACES: ReadonlyMap<string, string> = new Map([
  ['ovf', OVF_1],
  ['ovf2', OVF_2],
  ['rasd', RASD],
  ['vssd', VSSD],
  ['vmw', VMW],
]);
const XMLNS = 'http://www.w3.org/2000/xmlns/';

export class OvfDocument {
  readonly #document: Document;
  /** Prefixes of the namespaces that copied elements are in. */
  readonly #copied = new Map([...NAMESPACES].map(([prefix, namespace]) => [namespace, prefix]));

  constructor() {
    this.#document = new DOMImplementation().createDocument(OVF_1, 'ovf:Envelope');
  }

  /** An element; of OVF 1 unless its name has another prefix. */
  element(name: string, attributes: AttributeTexts = {}, ...children: readonly Child[]): Element {
    const qualified = name.includes(':') ? name : `ovf:${name}`;
    const element = this.#document.createElementNS(namespaceOf(qualified), qualified);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === undefined) continue;
      const attribute = key.includes(':') ? key : `ovf:${key}`;
      element.setAttributeNS(namespaceOf(attribute), attribute, String(value));
    }
    for (const child of children) {
      if (child === undefined || child === false) continue;
      element.appendChild(typeof child === 'string' ? this.#document.createTextNode(child) : child);
    }
    return element;
  }

  /** An element as it was read, with all that is in it. */
  copy({ namespace, name, attributes, children, text }: ReadElement): Element {
    const copy = this.#document.createElementNS(namespace || null, this.#qualified(namespace, name));
    for (const attribute of attributes.filter(hasMeaning))
      copy.setAttributeNS(
        attribute.namespace || null,
        this.#qualified(attribute.namespace, attribute.name),
        attribute.value,
      );
    for (const child of children) copy.appendChild(this.copy(child));
    if (text !== '') copy.appendChild(this.#document.createTextNode(text));
    return copy;
  }

  #qualified(namespace: string, name: string): string {
    if (namespace === '') return name;
    if (namespace === XML_NAMESPACE) return `xml:${name}`;
    const prefix = this.#copied.get(namespace) ?? `ext${this.#copied.size}`;
    this.#copied.set(namespace, prefix);
    return `${prefix}:${name}`;
  }

  /** The whole as text. The document is used up by that. */
  serialize(children: readonly Child[], lang: string): string {
    const root = this.#document.documentElement as Element;
    for (const [namespace, prefix] of this.#copied) root.setAttributeNS(XMLNS, `xmlns:${prefix}`, namespace);
    root.setAttributeNS(XML_NAMESPACE, 'xml:lang', lang);
    for (const child of children) if (child && typeof child !== 'string') root.appendChild(child);
    const text = new XMLSerializer().serializeToString(this.#document, { requireWellFormed: true });
    // A carriage return that is not written as a reference is read as a line feed (XML 1.0 §2.11).
    return `<?xml version="1.0" encoding="UTF-8"?>\n${text.replaceAll('\r', '&#13;')}\n`;
  }
}

/** Of XML's own attributes the language alone says something where the element stands now. */
function hasMeaning({ namespace, name, value }: ReadElement['attributes'][number]): boolean {
  return namespace !== XML_NAMESPACE || (name === 'lang' && languageTag(value) === value);
}

function namespaceOf(qualified: string): string {
  return NAMESPACES.get(qualified.slice(0, qualified.indexOf(':'))) ?? OVF_1;
}
