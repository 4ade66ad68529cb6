/**
 * Reads the tree of VirtualSystems and VirtualSystemCollections (DSP0243 §7.2) and sorts the sections of each by name. A
 * section that stands where it has no place (D12) is handed to the one who can use it, in lenient mode: those of the
 * package to the envelope, those of a system from the envelope to the top content.
 */

import type { Element } from '../xml/element.js';
import { isBootOrderOfVMware, readBootOrder } from './boot-order.js';
import { readHardware } from './hardware.js';
import type { Content, ScaleOutSection, VirtualSystem, VirtualSystemCollection } from './model.js';
import { readProduct } from './product.js';
import type { Reading } from './reading.js';
import {
  readAnnotation,
  readEnvironmentFiles,
  readEula,
  readInstall,
  readOperatingSystem,
  readPlacement,
  readResourceAllocation,
  readScaleOut,
  readStartup,
} from './sections.js';
import { SECTIONS, VBOX, type Parent } from './vocabulary.js';

/** Collections nested in one another (O-007). */
const DEPTH = 16;

/** Characters of a name that stands for an id. */
const LONGEST_NAME = 80;

/** Sections of one parent by name, in document order. */
export type SectionsByName = ReadonlyMap<string, readonly Element[]>;

/** What reading the content needs beyond the document itself. */
export interface ContentContext {
  readonly reading: Reading;
  /** Ids given so far. */
  readonly ids: Set<string>;
  /** Sections of the package found inside a content. */
  readonly strays: Element[];
}

export function readContent(context: ContentContext, element: Element, adopted: readonly Element[]): Content {
  const ovfId = idOfTop(context.reading, element);
  context.ids.add(ovfId);
  return readNode(context, element, { id: ovfId, ovfId, depth: 1, adopted });
}

/** Nothing can refer to the outermost content, so that in lenient mode one without `ovf:id` goes by its name (D08). */
function idOfTop(reading: Reading, element: Element): string {
  const name = reading.textOf(element, 'Name')?.slice(0, LONGEST_NAME) || element.name;
  if (!reading.lenient || reading.attribute(element, 'id') !== undefined) return reading.required(element, 'id');
  reading.findings.warning('D08', element.at, `${element.name} lacks the attribute ovf:id; read as "${name}"`);
  return name;
}

export function isContent(reading: Reading, element: Element): boolean {
  return reading.isOvf(element) && (element.name === 'VirtualSystem' || element.name === 'VirtualSystemCollection');
}

/** The children of `element` that are sections and may stand there; every other child is judged. */
export function sortSections(
  reading: Reading,
  element: Element,
  parent: Parent,
  others: readonly string[],
  adopt: (section: Element) => boolean,
): SectionsByName {
  const sections = new Map<string, Element[]>();
  for (const child of element.children) {
    if (reading.isOvf(child) && others.includes(child.name)) continue;
    if (parent === 'VirtualSystem' && isBootOrderOfVMware(child)) {
      reading.understood(child);
      continue;
    }
    const rule = reading.isOvf(child) ? SECTIONS.get(child.name) : undefined;
    const newer = rule?.since === 2 && reading.version === 1;
    if (rule === undefined || (newer && !isReadInOvf1(reading, child))) {
      reading.unforeseen(child, element);
    } else if (rule.parents.includes(parent)) {
      if (newer) newerSection(reading, child);
      const same = sections.get(child.name);
      if (same === undefined) sections.set(child.name, [child]);
      else same.push(child);
    } else {
      misplaced(reading, child, element, adopt);
    }
  }
  countSections(reading, sections);
  return sections;
}

/**
 * Sections of OVF 2 are extensions of OVF 1, which strict mode leaves alone; but the disks of one that is optional are the only
 * ones that host resources can name there (O-033).
 */
function isReadInOvf1(reading: Reading, section: Element): boolean {
  if (reading.lenient) return true;
  return section.name === 'SharedDiskSection' && !reading.boolean(section, 'required', true);
}

function newerSection(reading: Reading, section: Element): void {
  reading.understood(section);
  reading.findings.warning('D05', section.at, `${section.name} belongs to OVF 2; it was read all the same`);
}

function misplaced(reading: Reading, section: Element, parent: Element, adopt: (section: Element) => boolean): void {
  const message = `${section.name} has no place in ${parent.name}`;
  if (reading.lenient && adopt(section)) {
    reading.findings.warning('D12', section.at, `${message}; read as if it stood where it belongs`);
  } else if (section.name === 'VirtualHardwareSection') {
    reading.findings.error('O-003', section.at, message);
  } else {
    reading.findings.deviation('O-003', section.at, message, 'ignored');
  }
}

/** Sections whose repetition has one meaning: their contents are joined. */
const JOINABLE: ReadonlySet<string> = new Set([
  'DiskSection',
  'NetworkSection',
  'SharedDiskSection',
  'AnnotationSection',
  'EnvironmentFilesSection',
]);

function countSections(reading: Reading, sections: SectionsByName): void {
  for (const [name, [, second]] of sections) {
    if (second === undefined || SECTIONS.get(name)?.many === true) continue;
    const message = `${name} stands more than once`;
    if (JOINABLE.has(name)) reading.findings.deviation('O-003', second.at, message, 'both were read');
    else reading.findings.error('O-003', second.at, message);
  }
}

interface Node {
  readonly id: string;
  readonly ovfId: string;
  readonly depth: number;
  readonly adopted: readonly Element[];
  readonly scaleOut?: ScaleOutSection | undefined;
}

function readNode(context: ContentContext, element: Element, node: Node): Content {
  const { reading } = context;
  if (node.ovfId === '' && !reading.findings.has('D08', element.at))
    reading.findings.error('O-005', element.at, `the ovf:id of ${element.name} is empty`);
  const kind = element.name as Content['kind'];
  const sections = sectionsOf(context, element, kind, node.adopted);
  const base = {
    id: node.id,
    ovfId: node.ovfId,
    info: reading.info(element),
    name: reading.messageOf(element, 'Name'),
    annotations: (sections.get('AnnotationSection') ?? []).map((section) => readAnnotation(reading, section)),
    products: (sections.get('ProductSection') ?? []).map((section) => readProduct(reading, section)),
    eulas: (sections.get('EulaSection') ?? []).map((section) => readEula(reading, section)),
    placement: first(sections, 'PlacementSection', readPlacement, reading),
    scaleOut: node.scaleOut,
    environmentFiles: (sections.get('EnvironmentFilesSection') ?? []).flatMap((section) =>
      readEnvironmentFiles(reading, section),
    ),
    at: element.at,
  };
  return kind === 'VirtualSystem'
    ? readSystem(context, element, sections, base)
    : readCollection(context, element, sections, node.depth, base);
}

function sectionsOf(
  context: ContentContext,
  element: Element,
  kind: Content['kind'],
  adopted: readonly Element[],
): SectionsByName {
  const others = [
    'Info',
    'Name',
    ...(kind === 'VirtualSystemCollection' ? ['VirtualSystem', 'VirtualSystemCollection'] : []),
  ];
  const own = sortSections(context.reading, element, kind, others, (section) => {
    if (SECTIONS.get(section.name)?.parents.includes('Envelope') !== true) return false;
    context.strays.push(section);
    return true;
  });
  if (adopted.length === 0) return own;
  const all = new Map(own);
  for (const section of adopted) all.set(section.name, [...(all.get(section.name) ?? []), section]);
  return all;
}

/** What the first section of that name says. */
function first<T>(
  sections: SectionsByName,
  name: string,
  read: (reading: Reading, section: Element) => T,
  reading: Reading,
): T | undefined {
  const section = sections.get(name)?.[0];
  return section && read(reading, section);
}

type Base = Omit<VirtualSystem, 'kind' | 'hardware' | 'operatingSystem' | 'install' | 'firmware' | 'bootOrder'>;

function readSystem(
  { reading }: ContentContext,
  element: Element,
  sections: SectionsByName,
  base: Base,
): VirtualSystem {
  return {
    kind: 'VirtualSystem',
    ...base,
    hardware: (sections.get('VirtualHardwareSection') ?? []).map((section) =>
      readHardware(reading, section, base.ovfId),
    ),
    operatingSystem: first(sections, 'OperatingSystemSection', readOperatingSystem, reading),
    install: first(sections, 'InstallSection', readInstall, reading),
    firmware: isEfiOfVirtualBox(element) ? 'efi' : undefined,
    bootOrder: readBootOrder(reading, element, sections.get('BootDeviceSection') ?? []),
    scaleOut: first(sections, 'ScaleOutSection', readScaleOut, reading) ?? base.scaleOut,
  };
}

/** `vbox:Machine/Hardware/Firmware` with a type that begins with `EFI`; what is in there has whatever namespace stands round it. */
function isEfiOfVirtualBox(system: Element): boolean {
  const machine = system.children.find(({ namespace, name }) => namespace === VBOX && name === 'Machine');
  const hardware = machine?.children.find(({ name }) => name === 'Hardware');
  const firmware = hardware?.children.find(({ name }) => name === 'Firmware');
  return firmware?.attributes.some(({ name, value }) => name === 'type' && /^EFI/i.test(value)) === true;
}

function readCollection(
  context: ContentContext,
  element: Element,
  sections: SectionsByName,
  depth: number,
  base: Base,
): VirtualSystemCollection {
  const { reading } = context;
  const elements = element.children.filter((child) => isContent(reading, child));
  const scaleOuts = readScaleOuts(reading, sections.get('ScaleOutSection') ?? [], elements, base.ovfId);
  const children: Content[] = [];
  const siblings = new Set<string>();
  if (depth >= DEPTH && elements.length > 0) {
    reading.findings.error('O-007', element.at, `collections are nested deeper than ${DEPTH}`);
  } else {
    for (const child of elements) {
      const ovfId = reading.required(child, 'id');
      const id = uniqueId(context, child, ovfId, siblings, base.id);
      children.push(
        readNode(context, child, {
          id,
          ovfId,
          depth: depth + 1,
          adopted: [],
          scaleOut: scaleOuts.get(ovfId),
        }),
      );
    }
  }
  const childIds = new Map(children.map((child) => [child.ovfId, child.id]));
  const [startup] = sections.get('StartupSection') ?? [];
  return {
    kind: 'VirtualSystemCollection',
    ...base,
    scaleOut: scaleOuts.get(base.ovfId) ?? base.scaleOut,
    children,
    resourceAllocation: first(sections, 'ResourceAllocationSection', readResourceAllocation, reading),
    startup: startup && readStartup(reading, startup, childIds),
  };
}

/** ScaleOutSections by the id of their prototype: an immediate child, or the collection itself. */
function readScaleOuts(
  reading: Reading,
  sections: readonly Element[],
  children: readonly Element[],
  ownId: string,
): ReadonlyMap<string, ScaleOutSection> {
  const known = new Set([ownId, ...children.map((child) => reading.attribute(child, 'id'))]);
  const scaleOuts = new Map<string, ScaleOutSection>();
  for (const section of sections) {
    const scaleOut = readScaleOut(reading, section);
    if (!known.has(scaleOut.id)) {
      reading.findings.deviation(
        'O-013',
        section.at,
        'ScaleOutSection names no child of its collection',
        'ignored',
        scaleOut.id,
      );
    } else if (scaleOuts.has(scaleOut.id)) {
      reading.findings.error('O-003', section.at, 'ScaleOutSection stands twice for one child', scaleOut.id);
    } else scaleOuts.set(scaleOut.id, scaleOut);
  }
  return scaleOuts;
}

/**
 * The id of a child in the model. vCloud repeats the id of a collection at its system: such a repetition has one meaning
 * and is qualified by the path; two siblings of one id have none (§15 of the field notes, O-005).
 */
function uniqueId(
  context: ContentContext,
  element: Element,
  ovfId: string,
  siblings: Set<string>,
  parentId: string,
): string {
  const { ids, reading } = context;
  const twin = siblings.has(ovfId);
  siblings.add(ovfId);
  if (!ids.has(ovfId)) {
    ids.add(ovfId);
    return ovfId;
  }
  const path = `${parentId}/${ovfId}`;
  const id = ids.has(path) ? `${path}#${ids.size}` : path;
  ids.add(id);
  if (twin) reading.findings.error('O-005', element.at, 'two children of one collection have the same ovf:id', ovfId);
  else
    reading.findings.deviation(
      'O-005',
      element.at,
      'the ovf:id is used twice in the package',
      `read as "${id}"`,
      ovfId,
    );
  return id;
}
