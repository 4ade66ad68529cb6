/**
 * Message bundles in files of their own (DSP0243 §10, `Strings ovf:fileRef`): which files a reader needs, and the
 * envelope with what they say. A bundle is a document of its own, so it goes through the same intake as a descriptor.
 */

import { gunzipSync } from 'node:zlib';
import { messageOf, Problem, type Fault } from '../../base/errors.js';
import { elementTree } from '../xml/element.js';
import { DESCRIPTOR_LIMITS, readSourceXml } from '../xml/intake.js';
import { Findings, type Mode } from './findings.js';
import { fitness } from './language.js';
import type { Envelope, File, Strings } from './model.js';
import { at, Reading } from './reading.js';
import { readStrings } from './references.js';
import { OVF_1, OVF_1_SLASH, OVF_2 } from './vocabulary.js';

/** Bytes of one bundle, unpacked: far above the longest licence in the longest list of labels. */
export const MAX_BUNDLE = 1024 * 1024;
/** Bundles that are read of one package. */
const MOST_BUNDLES = 64;

/** Files of the bundles that one of the languages needs, or of all of them; one that says no language may be any. */
export function bundleFiles(envelope: Envelope, languages?: readonly string[]): readonly File[] {
  const files = new Map(envelope.references.map((file) => [file.id, file]));
  const needed = envelope.strings.filter(
    ({ fileRef, lang }) =>
      fileRef !== undefined && (lang === '' || languages?.some((each) => fitness(lang, each) < 3) !== false),
  );
  const found = needed.flatMap(({ fileRef = '' }) => files.get(fileRef) ?? []);
  return [...new Set(found)].slice(0, MOST_BUNDLES);
}

/**
 * The envelope with the messages of its bundles. A bundle that cannot be read is left out, which strict mode does not
 * take: the text of the elements stands in for it.
 * @param contents bytes of bundle files by file id, as they lie in the package; what is not among them stays empty
 */
export function withBundles(
  envelope: Envelope,
  contents: ReadonlyMap<string, Uint8Array>,
  mode: Mode,
): { envelope: Envelope; findings: readonly Fault[] } {
  const files = new Map(envelope.references.map((file) => [file.id, file]));
  const found: Fault[] = [];
  const strings = envelope.strings.map((bundle) => {
    const file = files.get(bundle.fileRef ?? '');
    const bytes = file && contents.get(file.id);
    if (file === undefined || bytes === undefined) return bundle;
    const read = readBundle(unwrapped(bytes, file), mode, bundle.lang);
    found.push(...read.findings.map((fault) => of(file, fault)));
    return read.strings === undefined ? bundle : joined(bundle, read.strings);
  });
  return { envelope: { ...envelope, strings }, findings: found };
}

interface BundleRead {
  readonly strings?: Strings;
  readonly findings: readonly Fault[];
}

/** `lang` is the language that the descriptor gives it, if it does. */
function readBundle(bytes: Uint8Array | Fault, mode: Mode, lang: string): BundleRead {
  if (!(bytes instanceof Uint8Array)) return { findings: softened([bytes], mode) };
  try {
    const source = readSourceXml(bytes, { ...DESCRIPTOR_LIMITS, bytes: MAX_BUNDLE });
    using _document = source.document;
    const root = elementTree(source);
    const findings = new Findings(mode);
    if (root.name !== 'Strings' || !BUNDLE_NAMESPACES.has(root.namespace)) {
      findings.deviation('O-074', at(root), `the root of the bundle is ${root.name}, not Strings of OVF`, 'left out');
      return { findings: findings.list() };
    }
    const strings = readStrings(new Reading(findings, root.namespace), root);
    const told = findings.list().filter(({ code }) => lang === '' || code !== 'ovf.O-074');
    return { strings, findings: told };
  } catch (error) {
    if (error instanceof Problem) return { findings: softened(error.faults, mode) };
    throw error;
  }
}

const BUNDLE_NAMESPACES: ReadonlySet<string> = new Set([OVF_1, OVF_1_SLASH, OVF_2]);

/** The descriptor's word on the language goes before that of the file; a bundle that nobody gives one is of no use. */
function joined(bundle: Strings, read: Strings): Strings {
  return { ...bundle, lang: bundle.lang === '' ? read.lang : bundle.lang, messages: read.messages };
}

function unwrapped(bytes: Uint8Array, { compression }: File): Uint8Array | Fault {
  if (compression === 'identity') return bytes;
  try {
    if (compression === 'gzip') return gunzipSync(bytes, { maxOutputLength: MAX_BUNDLE });
    return unreadable('bundles compressed with bzip2 are not read');
  } catch (error) {
    return unreadable(`the gzip data cannot be read: ${messageOf(error)}`);
  }
}

function unreadable(message: string): Fault {
  return { code: 'ovf.O-018', message, rule: 'O-018', remedy: 'send the bundle plain, or compressed with gzip' };
}

function softened(faults: readonly Fault[], mode: Mode): readonly Fault[] {
  if (mode === 'strict') return faults;
  return faults.map((fault) => ({
    ...fault,
    severity: 'warning',
    message: `${fault.message}; the bundle is left out`,
  }));
}

function of({ href }: File, fault: Fault): Fault {
  return { ...fault, place: { ...fault.place, field: href } };
}
