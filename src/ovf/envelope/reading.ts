/**
 * One reading of one descriptor: what every section reader shares. It knows which namespaces count as OVF's, reads
 * attributes and texts into values (DSP0243 §7.3; D03, D08, D14), and judges elements that the content model does not
 * foresee (O-009, O-010, D15).
 */

import type { Element } from '../xml/element.js';
import type { Findings } from './findings.js';
import type { Disk, ForeignElement, IgnoredElement, Message, Quantity } from './model.js';
import {
  ALLOCATION_NAMESPACES,
  KNOWN_EXTENSIONS,
  OVF_1,
  OVF_1_SLASH,
  OVF_2,
  OVF_ELEMENTS,
  VSSD,
} from './vocabulary.js';

/** What an element's namespace makes of it: `bare` is no namespace at all, `ovf2` is OVF 2 inside an OVF 1 envelope. */
export type Vocabulary = 'ovf' | 'ovf2' | 'rasd' | 'vssd' | 'bare' | 'foreign';

const OVF_NAMESPACES: ReadonlySet<string> = new Set([OVF_1, OVF_2, OVF_1_SLASH]);
/** What is left of a template that nobody has rendered. */
export const PLACEHOLDER = /[$@%#]?\{|@@|<%|%[A-Za-z_]+%|^(@|\+|__)[A-Za-z_]+\1$/;
/** Characters of ids, names and references: they are repeated wherever something is referred to. */
const LONGEST_ATTRIBUTE = 4_096;
/** Configurations that all elements together name: rules and planner go through them item by item. */
const MOST_CONFIGURATIONS = 100_000;
/** A section of OVF 2 without which the package is of no use: it holds the keys of what is encrypted (DSP0243 2.1 §9.16). */
const ENCRYPTION = 'EncryptionSection';
/** Elements that each stand for a thing of the appliance: to skip one that is in the wrong place loses it. */
const DESCRIBING: ReadonlySet<string> = new Set([
  ...['VirtualSystem', 'VirtualSystemCollection', 'Item', 'StorageItem', 'EthernetPortItem'],
  ...['Disk', 'SharedDisk', 'Network', 'File', 'Property'],
]);
const UNSIGNED_LONG_MAX = 2n ** 64n - 1n;

export class Reading {
  readonly findings: Findings;
  readonly namespace: string;
  /** Messages with a msgid, to be looked up in the bundles at the end. */
  readonly messages: Message[] = [];
  readonly ignored: IgnoredElement[] = [];
  /** Disks that no disk section declares but a host resource describes (D21). */
  readonly declaredDisks: Disk[] = [];
  /** By namespace. */
  readonly #vocabularies = new Map<string, Vocabulary>();
  #level: 1 | 2 | 3 = 1;
  #configurationsLeft = MOST_CONFIGURATIONS;

  constructor(findings: Findings, namespace: string) {
    this.findings = findings;
    this.namespace = namespace;
  }

  get version(): 1 | 2 {
    return this.namespace === OVF_2 ? 2 : 1;
  }

  get lenient(): boolean {
    return this.findings.mode === 'lenient';
  }

  get conformanceLevel(): 1 | 2 | 3 {
    return this.#level;
  }

  vocabulary({ namespace }: Element): Vocabulary {
    let vocabulary = this.#vocabularies.get(namespace);
    if (vocabulary === undefined) this.#vocabularies.set(namespace, (vocabulary = this.#vocabularyOf(namespace)));
    return vocabulary;
  }

  #vocabularyOf(namespace: string): Vocabulary {
    if (namespace === this.namespace) return 'ovf';
    if (namespace === OVF_2) return 'ovf2';
    if (namespace === '') return 'bare';
    if (ALLOCATION_NAMESPACES.has(namespace)) return 'rasd';
    return namespace === VSSD ? 'vssd' : 'foreign';
  }

  /** The OVF attribute of that name. One without prefix counts too in lenient mode (D14). */
  attribute(element: Element, name: string): string | undefined {
    let bare: string | undefined;
    for (const attr of element.attributes) {
      if (attr.name !== name) continue;
      if (attr.namespace === this.namespace || OVF_NAMESPACES.has(attr.namespace)) return attr.value;
      if (attr.namespace === '') bare = attr.value;
    }
    if (bare === undefined) return undefined;
    const message = `the attribute ${name} of ${element.name} has no prefix and is therefore not OVF's`;
    if (!this.lenient) this.findings.warning('D14', element.at, `${message}: it has no effect`, bare);
    else this.findings.warning('D14', element.at, `${message}; read as ovf:${name}`, bare);
    return this.lenient ? bare : undefined;
  }

  /** An attribute the element cannot do without; `''` after an error when it is missing (D08). */
  required(element: Element, name: string): string {
    const value = this.attribute(element, name);
    if (value === undefined) this.findings.error('D08', element.at, `${element.name} lacks the attribute ovf:${name}`);
    else if (value.length > LONGEST_ATTRIBUTE && name !== 'value')
      this.findings.error('O-078', element.at, `ovf:${name} is longer than ${LONGEST_ATTRIBUTE} characters`, value);
    return value ?? '';
  }

  boolean<Fallback extends boolean | undefined>(
    element: Element,
    name: string,
    fallback: Fallback,
  ): boolean | Fallback {
    const text = this.attribute(element, name)?.trim();
    if (text === undefined) return fallback;
    if (text === 'true' || text === '1') return true;
    if (text !== 'false' && text !== '0') {
      this.findings.error('schema', element.at, `ovf:${name} of ${element.name} is neither true nor false`, text);
    }
    return false;
  }

  /** A number of seconds or an order: xs:unsignedShort, or xs:unsignedInt where `max` says so (O-070). */
  short(element: Element, name: string, fallback: number, max = 65_535): number {
    const text = this.attribute(element, name)?.trim();
    if (text === undefined) return fallback;
    const value = numberUpTo(max, text);
    if (value !== undefined) return value;
    this.findings.error(
      'O-070',
      element.at,
      `ovf:${name} of ${element.name} is not a whole number from 0 to ${max}`,
      text,
    );
    return fallback;
  }

  /** A size in bytes that is only a hint: what is no number is left out in lenient mode (D07). */
  size(element: Element, name: string): bigint | undefined {
    const text = this.attribute(element, name)?.trim();
    if (text === undefined) return undefined;
    const value = unsigned(text);
    if (value === undefined) {
      this.findings.deviation(
        'D07',
        element.at,
        `ovf:${name} of ${element.name} is not a number of bytes`,
        'ignored',
        text,
      );
    }
    return value;
  }

  /** The configurations that an element is for, each once; none of them once there are too many (O-078). */
  configurations(element: Element): readonly string[] {
    const text = this.attribute(element, 'configuration');
    if (text === undefined || this.#configurationsLeft < 0) return [];
    const ids = words(text);
    this.#configurationsLeft -= ids.length;
    if (this.#configurationsLeft >= 0) return [...new Set(ids)];
    const message = `more than ${MOST_CONFIGURATIONS} configurations are named, all elements taken together`;
    this.findings.error('O-078', element.at, message);
    return [];
  }

  /** The quantity an element holds; empty: none (D18), no number: an error (D03). */
  quantity(element: Element): Quantity | undefined {
    const text = element.text.trim();
    const place = element.at;
    if (text === '') {
      this.findings.deviation('D18', place, `${element.name} is empty`, 'taken as absent');
      return undefined;
    }
    const value = unsigned(text);
    if (value !== undefined) return { text, value, at: place };
    if (PLACEHOLDER.test(text)) {
      this.findings.error('D03', place, `${element.name} still holds a template's placeholder`, text);
    } else {
      this.findings.error('O-051', place, `${element.name} is not a whole number from 0 to 2^64-1`, text);
    }
    return { text, at: place };
  }

  message(element: Element): Message {
    const msgid = this.attribute(element, 'msgid');
    const plain = { text: element.text.trim(), at: element.at };
    if (msgid === undefined || msgid === '') return plain;
    const message = { ...plain, msgid };
    this.messages.push(message);
    return message;
  }

  /** The Info of a section, or an empty one in its place (D06). */
  info(section: Element): Message {
    const element = this.child(section, 'Info');
    if (element !== undefined) return this.message(element);
    this.findings.deviation('D06', section.at, `${section.name} lacks its Info`, 'read with an empty one');
    return { text: '', at: section.at };
  }

  /** The first child of that name in OVF's namespaces. */
  child(parent: Element, name: string): Element | undefined {
    for (const child of parent.children) if (child.name === name && this.isOvf(child)) return child;
    return undefined;
  }

  children(parent: Element, name: string): readonly Element[] {
    return parent.children.filter((child) => child.name === name && this.isOvf(child));
  }

  messageOf(parent: Element, name: string): Message | undefined {
    const element = this.child(parent, name);
    return element === undefined ? undefined : this.message(element);
  }

  textOf(parent: Element, name: string): string | undefined {
    return this.child(parent, name)?.text.trim();
  }

  isOvf(element: Element): boolean {
    return element.namespace === this.namespace || element.namespace === OVF_2;
  }

  /**
   * Judges every child that is not among `names` of OVF's namespaces.
   *
   * @param isUnderstood true for extensions that VEP goes by
   */
  rest(parent: Element, names: readonly string[], isUnderstood: (element: Element) => boolean = () => false): void {
    for (const child of parent.children) {
      if (this.isOvf(child) && names.includes(child.name)) continue;
      if (isUnderstood(child)) this.understood(child);
      else this.unforeseen(child, parent);
    }
  }

  /** Judges an element that the content model of its parent does not foresee. */
  unforeseen(element: Element, parent: Element): void {
    const vocabulary = this.vocabulary(element);
    if (vocabulary === 'bare') this.#bare(element);
    else if (vocabulary === 'ovf' && (element.name === 'Section' || element.name === 'Content')) {
      // The heads of the substitution groups: drafts of OVF 1.0 wrote them with xsi:type, and to skip one loses a machine.
      this.findings.error('O-080', element.at, `${element.name} stands under the name of its group`);
    } else if (vocabulary !== 'foreign' && DESCRIBING.has(element.name)) {
      this.findings.error(
        'D12',
        element.at,
        `${element.name} has no place in ${parent.name}: what it describes is lost`,
      );
    } else if (vocabulary === 'ovf' && OVF_ELEMENTS.has(element.name)) {
      this.findings.deviation('D12', element.at, `${element.name} has no place in ${parent.name}`, 'ignored');
    } else this.#extension(element, parent, vocabulary);
  }

  /** An element that is not of this edition, but that VEP goes by: nothing is said of it. */
  understood(element: Element): void {
    this.extended(this.boolean(element, 'required', true));
  }

  /** Marks the package as one with extensions (O-008). */
  extended(required: boolean): void {
    this.#level = required || this.#level === 3 ? 3 : 2;
  }

  #bare(element: Element): void {
    const hint = OVF_ELEMENTS.has(element.name) ? ', though OVF has an element of this name' : '';
    this.findings.error('D09', element.at, `${element.name} is in no namespace${hint}`);
  }

  #extension(element: Element, parent: Element, vocabulary: Vocabulary): void {
    const flag = this.attribute(element, 'required')?.trim();
    const required = flag !== 'false' && flag !== '0';
    this.extended(required);
    this.ignored.push({ ...foreignElement(element), element, parent: parent.at, required });
    const info = element.children.find((child) => child.name === 'Info')?.text.trim() ?? '';
    const what = `${vocabulary === 'ovf' ? 'the unknown element' : 'the extension'} ${element.name}`;
    const why = info === '' ? '' : ` ("${info.slice(0, 60)}")`;
    if (!required) {
      this.findings.note('O-010', element.at, `${what} is optional and was ignored${why}`, element.namespace);
    } else if (this.lenient && KNOWN_EXTENSIONS.has(element.namespace)) {
      this.findings.warning(
        'D15',
        element.at,
        `${what} is not marked as optional, but can be done without; ignored`,
        element.namespace,
      );
    } else if (this.lenient && flag === undefined && vocabulary !== 'foreign' && element.name !== ENCRYPTION) {
      this.findings.warning('O-009', element.at, `${what} is not known; ignored${why}`, element.namespace);
    } else {
      this.findings.error('O-009', element.at, `${what} is required but not understood here${why}`, element.namespace);
    }
  }
}

/** The words of a space-separated list. */
export function words(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(/\s+/).filter((word) => word !== '');
}

const DIGITS = /^\+?\d{1,40}$/;

/** Value of an xs:unsignedLong, undefined when the text is none. */
export function unsigned(text: string): bigint | undefined {
  if (!DIGITS.test(text)) return undefined;
  const value = BigInt(text);
  return value <= UNSIGNED_LONG_MAX ? value : undefined;
}

/** Value of a whole number from 0 to `max`, undefined when the text is none. */
export function numberUpTo(max: number, text: string): number | undefined {
  const value = DIGITS.test(text) ? Number(text) : Infinity;
  return value <= max ? value : undefined;
}

export function foreignElement(element: Element): ForeignElement {
  return {
    namespace: element.namespace,
    name: element.name,
    attributes: new Map(
      element.attributes.map((attr) => [
        attr.namespace === '' ? attr.name : `{${attr.namespace}}${attr.name}`,
        attr.value,
      ]),
    ),
    text: element.text.trim(),
    at: element.at,
  };
}
