/**
 * The tree of a parsed document as plain values, taken over from libxml2 in one pass: element and attribute names with
 * their namespaces, text, line and path. Reading a value from libxml2 crosses into WebAssembly each time, so the
 * readers above walk this copy; `node` leads back to the original for whoever must change it before validation.
 */

import { XmlElement, type XmlDocument } from 'libxml2-wasm';

export interface Attribute {
  /** `''` when the attribute has no prefix. */
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
}

export interface Element {
  /** `''` when it is in no namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly children: readonly Element[];
  /** Text of an element without child elements, else `''`. */
  readonly text: string;
  readonly line: number;
  /** XPath-like path of local names; the n-th sibling of one name, from the second on, has `[n]`. */
  readonly path: string;
  readonly node: XmlElement;
}

/** Elements in the tree. */
export function countElements(element: Element): number {
  return element.children.reduce((count, child) => count + countElements(child), 1);
}

/** A path is for people: longer names are cut in it. */
const LONGEST_STEP = 80;

/** Copies the tree below the root. Comments and processing instructions are left out (O-080). */
export function elementTree(document: XmlDocument): Element {
  return copy(document.root, '', 1);
}

function copy(node: XmlElement, parentPath: string, position: number): Element {
  const name = node.name;
  const path = `${parentPath}/${name.length > LONGEST_STEP ? `${name.slice(0, LONGEST_STEP)}…` : name}${position > 1 ? `[${position}]` : ''}`;
  const children: Element[] = [];
  const positions = new Map<string, number>();
  for (let child = node.firstChild; child !== null; child = child.next) {
    if (!(child instanceof XmlElement)) continue;
    const place = (positions.get(child.name) ?? 0) + 1;
    positions.set(child.name, place);
    children.push(copy(child, path, place));
  }
  return {
    namespace: node.namespaceUri,
    name,
    attributes: node.attrs.map((attr) => ({ namespace: attr.namespaceUri, name: attr.name, value: attr.value })),
    children,
    text: children.length === 0 ? node.content : '',
    line: node.line,
    path,
    node,
  };
}
