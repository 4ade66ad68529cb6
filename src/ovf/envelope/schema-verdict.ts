/**
 * What the schema says about a descriptor (DSP8023), in the terms of this reader: sections of other namespaces, which
 * the reader has judged already, are taken out first, since the schema can only know those it declares (D04); each
 * violation is then named by the deviation it is (D01 to D20), and is an error in strict mode and a warning in lenient
 * mode, where the reader has found a meaning for it or has reported an error of its own.
 */

import type { XmlDocument } from 'libxml2-wasm';

import type { OvfSchemas, Violation } from '../schema/schemas.js';
import type { Element } from '../xml/element.js';
import type { Reading } from './reading.js';
import type { RuleCode } from './rulebook.js';
import { OVF_1 } from './vocabulary.js';

/** Reports the violations; true when the document is valid as it stands, nothing taken out. Changes the document. */
export function judgeBySchema(document: XmlDocument, root: Element, reading: Reading, schemas: OvfSchemas): boolean {
  const taken = takeOutForeignSections(root);
  const violations = schemas.envelope(document);
  for (const violation of violations) report(reading, violation);
  return taken === 0 && violations.length === 0;
}

const PARENTS: ReadonlySet<string> = new Set(['Envelope', 'VirtualSystem', 'VirtualSystemCollection']);

function takeOutForeignSections(element: Element): number {
  let taken = 0;
  for (const child of element.children) {
    if (child.namespace === OVF_1) {
      if (PARENTS.has(child.name)) taken += takeOutForeignSections(child);
    } else if (child.namespace !== '') {
      child.node.remove();
      taken++;
    }
  }
  return taken;
}

function report(reading: Reading, violation: Violation): void {
  const rule = deviationOf(violation.message);
  const { findings } = reading;
  if (findings.has(rule, violation.line) || (rule === 'D11' && findings.has('O-015', violation.line))) return;
  findings.deviation(rule, { line: violation.line, path: violation.path ?? '/' }, violation.message, 'tolerated');
}

/** First pattern that fits; the messages are libxml2's. */
const PATTERNS: readonly (readonly [RegExp, RuleCode])[] = [
  [/attribute 'ovf:(size|populatedSize|chunkSize)': .* not a valid value/s, 'D07'],
  [/attribute 'ovf:href': .* not a valid value/s, 'D11'],
  [/OperatingSystemSection', attribute 'ovf:id': .* not a valid value/s, 'D20'],
  [/is required but missing/, 'D08'],
  [/^Element '(rasd|vssd):InstanceId': This element is not expected/, 'D01'],
  [/^Element 'rasd:[^']*': This element is not expected/, 'D02'],
  [/^Element 'vssd:[^']*': This element is not expected/, 'D02'],
  [
    /(not expected|Missing child element\(s\))\. Expected is \( ovf:(Info|License|Annotation|Label|Description) \)/,
    'D06',
  ],
  [/Missing child element\(s\)\. .*(vssd|rasd):ElementName/, 'D16'],
  [/Missing child element\(s\)\. .*(vssd|rasd):InstanceID/, 'D08'],
  [/Missing child element\(s\)\. .*ovf:References/, 'D12'],
  [
    /^Element 'ovf:(Product|Vendor|Version|FullVersion|ProductUrl|VendorUrl|AppUrl|Icon)': This element is not expected/,
    'D17',
  ],
  [/^Element 'ovf:[^']*': This element is not expected/, 'D12'],
  [/^Element '\{[^']*': This element is not expected/, 'D04'],
  [/^Element '[^':{]*': This element is not expected/, 'D09'],
  [/^Element 'rasd:[^']*': '' is not a valid value/, 'D18'],
  [/^Element 'rasd:[^']*': .* not a valid value/s, 'D03'],
];

function deviationOf(message: string): RuleCode {
  return PATTERNS.find(([pattern]) => pattern.test(message))?.[1] ?? 'schema';
}
