/**
 * OVF 0.9, VMware's format from before DMTF, in the words of OVF 1: there a section is a `Section`, and a system a
 * `Content`, whose `xsi:type` says which one it is; only the root stands in the namespace, or all elements do. Nothing else
 * differs that VEP reads, so that a tree is put into the words of OVF 1 and then read as any other (D10). Drafts of OVF 1.0 have
 * its namespace and are written so all the same.
 */

import type { Attribute, Element } from '../xml/element.js';
import { OVF_09, OVF_1, RASD, SCHEMA_INSTANCE } from './vocabulary.js';

/** Of the format itself. */
const OWN: ReadonlySet<string> = new Set([OVF_09, OVF_1, '']);
const CONTENTS: ReadonlySet<string> = new Set(['VirtualSystem', 'VirtualSystemCollection']);

/** Whether a root in the namespace of OVF 1 is a draft's: its content says by `xsi:type` alone what it is. */
export function isDraft({ namespace, children }: Element): boolean {
  return namespace === OVF_1 && children.some((child) => child.name === 'Content' && nameOf(child) !== 'Content');
}

/** The same tree as OVF 1 has it, places and paths being those of the document. */
export function asOvf1(element: Element): Element {
  const own = OWN.has(element.namespace);
  return {
    ...element,
    name: own ? nameOf(element) : element.name,
    namespace: own ? OVF_1 : element.namespace,
    attributes: element.attributes.map(attributeOf),
    children: (isItem(element) ? withAddress(element.children) : element.children).map(asOvf1),
  };
}

/** `DiskSection` for a `Section` of the type `ovf:DiskSection_Type`. A content that is neither system nor collection stays one. */
function nameOf({ name, attributes }: Element): string {
  if (name !== 'Section' && name !== 'Content') return name;
  const type = attributes.find((attribute) => attribute.namespace === SCHEMA_INSTANCE && attribute.name === 'type');
  const written = /^(?:[^:]*:)?(.+)_Type$/.exec(type?.value.trim() ?? '')?.[1];
  if (written === undefined || (name === 'Content' && !CONTENTS.has(written))) return name;
  return written;
}

function attributeOf(attribute: Attribute): Attribute {
  return attribute.namespace === OVF_09 ? { ...attribute, namespace: OVF_1 } : attribute;
}

function isItem({ name }: Element): boolean {
  return name === 'Item';
}

/** CIM's class had a property for the number of a controller of its own then; later it is its Address. */
function withAddress(children: readonly Element[]): readonly Element[] {
  const has = (name: string): boolean => children.some((child) => child.namespace === RASD && child.name === name);
  const plain = has('Address') ? children.filter(({ name }) => name !== 'BusNumber') : children;
  return plain.map((child) =>
    child.name === 'BusNumber' && child.namespace === RASD ? { ...child, name: 'Address' } : child,
  );
}
