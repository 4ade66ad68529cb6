/** XML documents for people to read: a tree of literals, written by a serializer (K36) with one element a line. */

import { DOMImplementation, XMLSerializer, type Document, type Element } from '@xmldom/xmldom';

export interface XmlLiteral {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly content: string | readonly XmlLiteral[];
}

/** An element; attributes that are undefined are left out, and so are children that are. */
export function xml(
  name: string,
  attributes: XmlLiteral['attributes'] = {},
  content: string | readonly (XmlLiteral | undefined)[] = [],
): XmlLiteral {
  return {
    name,
    attributes,
    content: typeof content === 'string' ? content : content.filter((child) => child !== undefined),
  };
}

/** @throws Error when a text holds characters that XML cannot */
export function xmlText(root: XmlLiteral): string {
  const document = new DOMImplementation().createDocument(null, root.name);
  fill(document, document.documentElement as Element, root, 0);
  return `${new XMLSerializer().serializeToString(document, { requireWellFormed: true })}\n`;
}

function fill(document: Document, element: Element, { attributes, content }: XmlLiteral, depth: number): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, String(value));
  }
  const text = (data: string): void => void element.appendChild(document.createTextNode(data));
  if (typeof content === 'string') return text(content);
  for (const child of content) {
    text(`\n${'  '.repeat(depth + 1)}`);
    const made = document.createElement(child.name);
    fill(document, made, child, depth + 1);
    element.appendChild(made);
  }
  if (content.length > 0) text(`\n${'  '.repeat(depth)}`);
}
