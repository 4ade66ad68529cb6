/**
 * What the schema says about a descriptor (DSP8023), in the terms of this reader: sections of other namespaces, which
 * the reader has judged already, are taken out first, since the schema can only know those it declares (D04); each
 * violation is then named by the deviation it is (D01 to D20), and is an error in strict mode and a warning in lenient
 * mode, where the reader has found a meaning for it or has reported an error of its own.
 */

import { XmlElement, type XmlDocument } from 'libxml2-wasm';

import type { Edition, OvfSchemas, Violation } from '../schema/schemas.js';
import { elementAt, type Element } from '../xml/element.js';
import { MOST_ERRORS } from './findings.js';
import type { Reading } from './reading.js';
import type { RuleCode } from './rulebook.js';
import { OVF_1, OVF_2 } from './vocabulary.js';

const EDITION_OF: ReadonlyMap<string, Edition> = new Map([
  [OVF_1, '1.1'],
  [OVF_2, '2.0'],
]);

/** Reports the violations; true when the document is valid as it stands, nothing taken out. Changes the document. */
export function judgeBySchema(document: XmlDocument, root: Element, reading: Reading, schemas: OvfSchemas): boolean {
  const edition = EDITION_OF.get(root.namespace);
  if (edition === undefined) return false;
  const taken = new Set<Element>();
  if (hasForeignSections(root)) takeOutForeignSections(root, document.root, taken);
  const violations = schemas.envelope(document, edition);
  if (
    violations.length > 0 &&
    edition === '1.1' &&
    !reading.lenient &&
    schemas.envelope(document, '1.0').length === 0
  ) {
    const what = 'the descriptor keeps to OVF 1.0, but not to the schema of 1.1';
    reading.findings.note('schema', root.at, what, violations[0]?.message);
  } else {
    for (const [index, violation] of violations.entries()) report(reading, violation, root, index < MOST_ERRORS, taken);
  }
  return taken.size === 0 && violations.length === 0;
}

const PARENTS: ReadonlySet<string> = new Set(['Envelope', 'VirtualSystem', 'VirtualSystemCollection']);

function takeOutForeignSections(element: Element, node: XmlElement, taken: Set<Element>): void {
  // By XPath: going from node to node would end at the first processing instruction, which the library has no class for.
  const nodes = node.find('*');
  for (const [index, plain] of element.children.entries()) {
    const child = nodes[index];
    if (!(child instanceof XmlElement)) return;
    if (isForeign(plain, element)) {
      child.remove();
      taken.add(plain);
    } else if (PARENTS.has(plain.name) && hasForeignSections(plain)) takeOutForeignSections(plain, child, taken);
  }
}

/** Asked of the copy, so that most documents need not be walked in libxml2 at all. */
function hasForeignSections(element: Element): boolean {
  return element.children.some(
    (child) => isForeign(child, element) || (PARENTS.has(child.name) && hasForeignSections(child)),
  );
}

function isForeign({ namespace }: Element, parent: Element): boolean {
  return namespace !== parent.namespace && namespace !== '';
}

function report(
  reading: Reading,
  { message, line, path = '/' }: Violation,
  root: Element,
  located: boolean,
  taken: ReadonlySet<Element>,
): void {
  const { findings } = reading;
  const rule = deviationOf(message);
  const element = located ? elementAt(root, path, (child) => !taken.has(child)) : undefined;
  const place = element === undefined ? { line, path } : element.at;
  const alike = TOLD_BY_READER.filter(([pattern]) => pattern.test(message)).flatMap(([, rules]) => rules);
  if (findings.has(rule, place) || alike.some((each) => findings.covers(each, place))) return;
  findings.deviation(rule, place, message, 'tolerated');
}

/** What the schema says in words of its own where the reader has given one of these rules. */
const TOLD_BY_READER: readonly (readonly [RegExp, readonly RuleCode[]])[] = [
  [/ is not a valid value/, ['O-015', 'O-046', 'O-051', 'O-070', 'D03', 'D07', 'D18', 'D20']],
  [/This element is not expected/, ['O-002', 'O-003', 'O-009', 'O-080', 'D12', 'D15', 'D19']],
  [/is required but missing|Missing child element/, ['D08', 'D14', 'D16']],
];

/** First pattern that fits; the messages are libxml2's. */
const PATTERNS: readonly (readonly [RegExp, RuleCode])[] = [
  [/attribute 'ovf:(size|populatedSize|chunkSize)': .* not a valid value/s, 'D07'],
  [/attribute 'ovf:href': .* not a valid value/s, 'D11'],
  [/OperatingSystemSection', attribute 'ovf:id': .* not a valid value/s, 'D20'],
  [/is required but missing/, 'D08'],
  [/^Element '(rasd|vssd):InstanceId': This element is not expected/, 'D01'],
  [/^Element '(rasd|vssd):Generation': This element is not expected/, 'D19'],
  [/^Element '(rasd|vssd|sasd|epasd):[^']*': This element is not expected/, 'D02'],
  [/^Element '\{[^']*': This element is not expected/, 'D04'],
  [
    /(not expected|Missing child element\(s\))\. Expected is \( ovf:(Info|License|Annotation|Label|Description) \)/,
    'D06',
  ],
  [/Missing child element\(s\)\. .*(vssd|rasd|sasd|epasd):ElementName/, 'D16'],
  [/Missing child element\(s\)\. .*(vssd|rasd|sasd|epasd):InstanceID/, 'D08'],
  [/Missing child element\(s\)\. .*ovf:References/, 'D12'],
  [
    /^Element 'ovf:(Product|Vendor|Version|FullVersion|ProductUrl|VendorUrl|AppUrl|Icon)': This element is not expected/,
    'D17',
  ],
  [/^Element 'ovf:[^']*': This element is not expected/, 'D12'],
  [/^Element '[^':{]*': This element is not expected/, 'D09'],
  [/^Element 'rasd:[^']*': '' is not a valid value/, 'D18'],
  [/^Element 'rasd:[^']*': .* not a valid value/s, 'D03'],
];

function deviationOf(message: string): RuleCode {
  return PATTERNS.find(([pattern]) => pattern.test(message))?.[1] ?? 'schema';
}
