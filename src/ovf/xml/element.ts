/**
 * The tree of a parsed document as plain values, taken over from libxml2 in one pass: element and attribute names with
 * their namespaces, text, line and path. Reading a value from libxml2 crosses into WebAssembly each time, so the
 * readers above walk this copy; `node` leads back to the original for whoever must change it before validation.
 */

import { XmlElement } from 'libxml2-wasm';

import type { SourceXml } from './intake.js';
import { Positions } from './position.js';

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
  /** Where its start tag begins, counted in characters from 1. */
  readonly line: number;
  readonly column: number;
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
export function elementTree({ document, utf8, tags }: SourceXml): Element {
  const positions = new Positions(utf8);
  let seen = 0;
  const copy = (node: XmlElement, parentPath: string, position: number): Element => {
    const { name } = node;
    const { line, column } = positions.at(tags[seen++] ?? 0);
    const path = `${parentPath}/${name.length > LONGEST_STEP ? `${name.slice(0, LONGEST_STEP)}…` : name}${position > 1 ? `[${position}]` : ''}`;
    const children: Element[] = [];
    const siblings = new Map<string, number>();
    for (let child = node.firstChild; child !== null; child = child.next) {
      if (!(child instanceof XmlElement)) continue;
      const place = (siblings.get(child.name) ?? 0) + 1;
      siblings.set(child.name, place);
      children.push(copy(child, path, place));
    }
    return {
      namespace: node.namespaceUri,
      name,
      attributes: node.attrs.map((attr) => ({ namespace: attr.namespaceUri, name: attr.name, value: attr.value })),
      children,
      text: children.length === 0 ? node.content : '',
      line,
      column,
      path,
      node,
    };
  };
  return copy(document.root, '', 1);
}

/**
 * The element that a node path of libxml2 names (`/*\/*[2]/rasd:Caption`: the prefix as written, `*` for a default
 * namespace, the n-th of those that match). `counts` says whether an element is still in libxml2's tree.
 */
export function elementAt(root: Element, nodePath: string, counts: (element: Element) => boolean): Element | undefined {
  const [, ...steps] = nodePath.split('/').slice(1);
  let found: Element | undefined = root;
  for (const step of steps) {
    const [, name, index = '1'] = /^([^[@]+)(?:\[(\d+)\])?$/.exec(step) ?? [];
    if (name === undefined) break;
    const matching: readonly Element[] = found.children.filter((child) => counts(child) && isNamed(child, name));
    found = matching[Number(index) - 1];
    if (found === undefined) return undefined;
  }
  return found;
}

function isNamed({ node, name, namespace }: Element, written: string): boolean {
  if (written === '*') return true;
  if (!written.endsWith(name)) return false;
  const { prefix } = node;
  return written === (prefix === '' && namespace === '' ? name : `${prefix}:${name}`);
}
