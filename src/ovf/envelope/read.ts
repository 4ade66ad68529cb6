/**
 * From the bytes of a descriptor to an {@link Envelope} (DSP0243 §6, §7): XML intake, the model built from the very tree
 * that is validated (K36), the rules beyond the schema, then the schema's own verdict. `strict` takes the standard at its
 * word; `lenient` repairs what real files get wrong in ways that have one safe meaning, each with a warning.
 */

import type { XmlDocument } from 'libxml2-wasm';

import { Problem, throwIfFaulty, type Fault } from '../../base/errors.js';
import type { OvfSchemas } from '../schema/schemas.js';
import { elementTree, type Element } from '../xml/element.js';
import { readSourceXml } from '../xml/intake.js';
import { isContent, readContent, sortSections, type SectionsByName } from './content.js';
import { Findings, type Mode } from './findings.js';
import type { Content, DiskSection, Envelope, Item, NetworkSection } from './model.js';
import { asOvf1, isDraft } from './ovf-09.js';
import { Reading } from './reading.js';
import {
  readDeploymentOptions,
  readDiskSection,
  readNetworkSection,
  readPlacementGroup,
  readReferences,
  readStrings,
} from './references.js';
import { checkRules } from './rules.js';
import { judgeBySchema } from './schema-verdict.js';
import { DEFAULT_LANGUAGE, OVF_09, OVF_1, OVF_1_SLASH, OVF_2, SECTIONS, XML_NAMESPACE } from './vocabulary.js';

export type { Mode } from './findings.js';

export interface ReadOptions {
  readonly mode: Mode;
  readonly schemas: OvfSchemas;
}

export interface Inspection {
  /** Absent when the document is no envelope at all, or one without content. */
  readonly envelope?: Envelope;
  /** Errors, warnings and notes in document order. */
  readonly findings: readonly Fault[];
  /** The bare verdict of the schema of OVF 1.1; absent when the document never got that far or the schema was not asked. */
  readonly schemaValid?: boolean;
}

/**
 * Reads a descriptor that has been planned before; `findings` are its warnings and notes.
 * @throws Problem `malformed` or `too-large` from the XML intake; `invalid` with every error that the reader finds
 */
export function readEnvelope(
  bytes: Uint8Array,
  options: ReadOptions,
): { envelope: Envelope; findings: readonly Fault[] } {
  const { envelope, findings } = readDescriptor(bytes, options);
  throwIfFaulty('invalid', findings);
  if (envelope === undefined) throw new Problem('invalid', findings);
  return { envelope, findings };
}

/** Everything there is to say about a descriptor; never throws for what is wrong with it. */
export function inspectEnvelope(bytes: Uint8Array, options: ReadOptions): Inspection {
  try {
    return readDescriptor(bytes, options);
  } catch (error) {
    if (error instanceof Problem) return { findings: error.faults };
    throw error;
  }
}

/** As much of a descriptor as can be read, and what is wrong with it. @throws Problem `malformed` or `too-large` from the XML intake */
export function readDescriptor(bytes: Uint8Array, options: ReadOptions): Inspection {
  const findings = new Findings(options.mode);
  const source = readSourceXml(repairProlog(bytes, findings));
  using document = source.document;
  const root = elementTree(source);
  if (!isEnvelope(root, findings)) return { findings: findings.list() };
  const understood = root.namespace === OVF_09 || isDraft(root) ? asOvf1(root) : root;
  const reading = new Reading(findings, understood.namespace);
  const envelope = readRoot(reading, understood);
  if (envelope !== undefined) checkRules(reading, envelope);
  const schemaValid = verdict(document, source.tags.length, root, reading, options);
  return {
    ...(envelope === undefined ? {} : { envelope }),
    findings: findings.list(),
    ...(schemaValid === undefined ? {} : { schemaValid }),
  };
}

/** Findings after which the schema is not asked any more: it would repeat them, at a price for each. */
const ENOUGH_FINDINGS = 200;
/** Elements up to which the schema is asked in lenient mode, where its verdict is only advice. */
const LENIENT_ELEMENTS = 20_000;

function verdict(
  document: XmlDocument,
  elements: number,
  root: Element,
  reading: Reading,
  { schemas }: ReadOptions,
): boolean | undefined {
  if (reading.findings.errors + reading.findings.warnings > ENOUGH_FINDINGS) return undefined;
  if (reading.lenient && elements > LENIENT_ELEMENTS) return undefined;
  return judgeBySchema(document, root, reading, schemas);
}

/** White space before the XML declaration has one meaning (D00): the declaration is blanked, so that lines stay put. */
function repairProlog(bytes: Uint8Array, findings: Findings): Uint8Array {
  if (findings.mode === 'strict') return bytes;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024)).toString('latin1');
  const match = /^(\xef\xbb\xbf)?[ \t\r\n]+<\?xml\s[^>]*\?>/.exec(head);
  if (match === null) return bytes;
  const repaired = Buffer.from(bytes);
  repaired.fill(0x20, match[0].indexOf('<'), match[0].length);
  findings.warning(
    'D00',
    { line: 1, column: 1, path: '/' },
    'the XML declaration is not the first thing in the file; read as if it were',
  );
  return repaired;
}

function isEnvelope(root: Element, findings: Findings): boolean {
  const place = root.at;
  if (root.name !== 'Envelope') {
    findings.error('O-001', place, `the root element is ${root.name}, not Envelope`, root.namespace);
    return false;
  }
  if (isOvirtDialect(root)) {
    findings.error('D09', place, "the document is in oVirt's own export format, which only resembles OVF");
    return false;
  }
  switch (root.namespace) {
    case OVF_1: {
      if (!isDraft(root)) return true;
      const message = 'the envelope is of a draft of OVF 1.0';
      findings.deviation('D10', place, message, 'read by the types of its sections', root.namespace);
      return findings.mode === 'lenient';
    }
    case OVF_2:
      findings.deviation('D10', place, 'the envelope is of OVF 2', 'read as far as VEP knows it');
      return true;
    case OVF_1_SLASH:
      findings.deviation(
        'D10',
        place,
        'the namespace of the envelope ends in a slash',
        'read as that of OVF 1',
        root.namespace,
      );
      return true;
    case OVF_09:
      findings.deviation(
        'D10',
        place,
        'the envelope is of OVF 0.9, which came before the standard',
        'read by the types of its sections',
        root.namespace,
      );
      return findings.mode === 'lenient';
    case '':
      findings.error('D09', place, 'Envelope is in no namespace');
      return false;
    default:
      findings.error('D10', place, 'the namespace of Envelope is not one of OVF', root.namespace);
      return false;
  }
}

/**
 * virt-v2v for oVirt and oVirt itself: the root is nearly OVF's, the rest is in no namespace; older ones give a Content its
 * xsi:type, newer ones write VirtualSystem.
 */
function isOvirtDialect(root: Element): boolean {
  return (
    root.namespace === OVF_1_SLASH &&
    root.children.some(({ namespace, name }) => namespace === '' && OVIRT_CONTENT.has(name))
  );
}

const OVIRT_CONTENT: ReadonlySet<string> = new Set(['Content', 'VirtualSystem']);

const ENVELOPE_ELEMENTS = ['References', 'VirtualSystem', 'VirtualSystemCollection', 'Strings'];

function readRoot(reading: Reading, root: Element): Envelope | undefined {
  const adopted: Element[] = [];
  const [top, ...more] = root.children.filter((child) => isContent(reading, child));
  const sections = sortSections(reading, root, 'Envelope', ENVELOPE_ELEMENTS, (section) => {
    if (top === undefined || SECTIONS.get(section.name)?.parents.includes(top.name as Content['kind']) !== true)
      return false;
    adopted.push(section);
    return true;
  });
  for (const extra of more) reading.findings.error('O-002', extra.at, 'the Envelope has more than one content');
  if (top === undefined) {
    reading.findings.error('O-002', root.at, 'the Envelope has neither a VirtualSystem nor a VirtualSystemCollection');
    return undefined;
  }
  const strays: Element[] = [];
  const content = readContent({ reading, ids: new Set(), strays }, top, adopted);
  const all = withStrays(reading, sections, strays);
  const [options] = all.get('DeploymentOptionSection') ?? [];
  const networks = readNetworkSection(reading, all.get('NetworkSection') ?? []);
  return {
    namespace: root.namespace,
    version: reading.version,
    lang:
      root.attributes.find((attr) => attr.name === 'lang' && attr.namespace === XML_NAMESPACE)?.value ??
      DEFAULT_LANGUAGE,
    references: referencesOf(reading, root),
    diskSection: diskSection(reading, all, root),
    networkSection: networkSection(reading, networks, content, root),
    deploymentOptionSection: options && readDeploymentOptions(reading, options),
    placementGroups: (all.get('PlacementGroupSection') ?? []).map((section) => readPlacementGroup(reading, section)),
    content,
    strings: reading.children(root, 'Strings').map((strings) => readStrings(reading, strings)),
    ignored: reading.ignored,
    conformanceLevel: reading.conformanceLevel,
    at: root.at,
  };
}

function withStrays(reading: Reading, sections: SectionsByName, strays: readonly Element[]): SectionsByName {
  const all = new Map(sections);
  for (const stray of strays) {
    const known = all.get(stray.name) ?? [];
    if (known.length > 0 && stray.name === 'DeploymentOptionSection') {
      reading.findings.error('O-003', stray.at, 'DeploymentOptionSection stands more than once');
    }
    all.set(stray.name, [...known, stray]);
  }
  return all;
}

function referencesOf(reading: Reading, root: Element): Envelope['references'] {
  const [first, ...more] = reading.children(root, 'References');
  if (first === undefined) {
    reading.findings.deviation('D12', root.at, 'the Envelope lacks its References', 'read as if they were empty');
    return [];
  }
  for (const extra of more)
    reading.findings.deviation('O-003', extra.at, 'References stand more than once', 'all were read');
  return [first, ...more].flatMap((references) => readReferences(reading, references));
}

/** The disks of both disk sections and those that only a vCloud host resource declares (D21). */
function diskSection(reading: Reading, sections: SectionsByName, root: Element): DiskSection | undefined {
  const found = readDiskSection(reading, [
    ...(sections.get('DiskSection') ?? []),
    ...(sections.get('SharedDiskSection') ?? []),
  ]);
  if (reading.declaredDisks.length === 0) return found;
  const section = found ?? { info: { text: '', at: root.at }, disks: [], at: root.at };
  return { ...section, disks: [...section.disks, ...reading.declaredDisks] };
}

/** In lenient mode a network that only a Connection names is declared here (§15 of the field notes, O-043). */
function networkSection(
  reading: Reading,
  found: NetworkSection | undefined,
  content: Content,
  root: Element,
): NetworkSection | undefined {
  const declared = new Set(found?.networks.map((network) => network.name));
  const implicit = new Map<string, NetworkSection['networks'][number]>();
  eachItem(content, (item) => {
    for (const name of item.connections) {
      if (declared.has(name) || implicit.has(name)) continue;
      reading.findings.deviation(
        'O-043',
        item.at,
        'the network of the adapter is not declared',
        'declared by VEP',
        name,
      );
      implicit.set(name, { name, implicit: true, at: item.at });
    }
  });
  if (!reading.lenient || implicit.size === 0) return found;
  const section = found ?? { info: { text: '', at: root.at }, networks: [], at: root.at };
  return { ...section, networks: [...section.networks, ...implicit.values()] };
}

function eachItem(content: Content, visit: (item: Item) => void): void {
  if (content.kind === 'VirtualSystem') for (const { items } of content.hardware) items.forEach(visit);
  else for (const child of content.children) eachItem(child, visit);
}
