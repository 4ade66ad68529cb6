/**
 * Message bundles in files of their own (DSP0243 §10, `Strings ovf:fileRef`): which files a reader needs, and the
 * envelope with what they say. A bundle is a document of its own, so it goes through the same intake as a descriptor.
 */

import { isUtf8 } from 'node:buffer';
import { gunzipSync } from 'node:zlib';
import { messageOf, Problem, type Fault } from '../../base/errors.js';
import { shownUrl } from '../../base/shown-url.js';
import { elementTree } from '../xml/element.js';
import { DESCRIPTOR_LIMITS, readSourceXml } from '../xml/intake.js';
import { Findings, type Mode } from './findings.js';
import { fitness, MOST_CHARACTERS } from './language.js';
import type { Content, Envelope, File, Strings } from './model.js';
import { Reading } from './reading.js';
import { readStrings } from './references.js';
import { OVF_1, OVF_1_SLASH, OVF_2 } from './vocabulary.js';

/** Bytes of one bundle, unpacked: far above the longest licence in the longest list of labels. */
export const MAX_BUNDLE = 1024 * 1024;
/** Bundles that are read of one package, and icons that are kept of one. */
const MOST_BUNDLES = 64;
const MOST_ICONS = 64;

/**
 * Files that hold the bundles, or single messages, that one of the languages needs, or of all of them; a bundle that says no
 * language may be any. Which files a bundle in a file names is known once it has been read.
 */
export function bundleFiles(envelope: Envelope, languages?: readonly string[]): readonly File[] {
  const needed = envelope.strings.filter(
    ({ lang }) => lang === '' || languages?.some((each) => fitness(lang, each) < 3) !== false,
  );
  return filesNamed(
    envelope,
    needed.flatMap(({ fileRef = '', texts }) => [fileRef, ...(texts?.values() ?? [])]),
  ).slice(0, MOST_BUNDLES);
}

/** Files that say something to people: bundles, messages, and the icons of products. */
export function companionFiles(envelope: Envelope): readonly File[] {
  return [...new Set([...bundleFiles(envelope), ...iconFiles(envelope)])];
}

export function iconFiles(envelope: Envelope): readonly File[] {
  const ids: string[] = [];
  const visit = (content: Content): void => {
    ids.push(...content.products.flatMap(({ icons }) => icons.map(({ fileRef }) => fileRef)));
    if (content.kind === 'VirtualSystemCollection') for (const child of content.children) visit(child);
  };
  visit(envelope.content);
  return filesNamed(envelope, ids).slice(0, MOST_ICONS);
}

function filesNamed({ references }: Envelope, ids: readonly string[]): readonly File[] {
  const files = new Map(references.map((file) => [file.id, file]));
  return [...new Set(ids.flatMap((id) => files.get(id) ?? []))];
}

/**
 * The envelope with all the messages that `read` can give, those of files that a bundle in a file names among them.
 * @param read the bytes of a file as they lie in the package; undefined for one that cannot be had
 */
export async function readBundles(
  envelope: Envelope,
  mode: Mode,
  read: (file: File) => Promise<Uint8Array | undefined> | Uint8Array | undefined,
  languages?: readonly string[],
): Promise<{ envelope: Envelope; findings: readonly Fault[] }> {
  const contents = new Map<string, Uint8Array>();
  const tried = new Set<string>();
  let told: { envelope: Envelope; findings: readonly Fault[] } = { envelope, findings: [] };
  for (;;) {
    const wanted = bundleFiles(told.envelope, languages)
      .filter(({ id }) => !tried.has(id))
      .slice(0, MOST_BUNDLES - tried.size);
    if (wanted.length === 0) return told;
    for (const file of wanted) {
      tried.add(file.id);
      const bytes = await read(file);
      if (bytes) contents.set(file.id, bytes);
    }
    told = withBundles(envelope, contents, mode);
  }
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
  const bytesOf = (id: string): { file: File; bytes: Uint8Array | Fault } | undefined => {
    const file = files.get(id);
    const bytes = file && contents.get(id);
    return file && bytes && { file, bytes: unwrapped(bytes, file) };
  };
  const strings = envelope.strings.map((bundle) => {
    const there = bytesOf(bundle.fileRef ?? '');
    if (there === undefined) return bundle;
    const read = readBundle(there.bytes, mode, bundle.lang);
    found.push(...read.findings.map((fault) => of(there.file, fault)));
    return read.strings === undefined ? bundle : joined(bundle, read.strings);
  });
  const whole = withTexts(strings, (id) => {
    const there = bytesOf(id);
    if (there === undefined) return undefined;
    const text = plainText(there.bytes);
    if (typeof text === 'string') return text;
    found.push(...softened([text], mode).map((fault) => of(there.file, fault)));
    return undefined;
  });
  if (whole.tooMuch) found.push(...softened([TOO_MUCH], mode));
  return { envelope: { ...envelope, strings: whole.strings }, findings: found };
}

/** The bundles with the messages that lie in files of their own: each file is read once, and no more of them than anybody reads. */
function withTexts(
  bundles: readonly Strings[],
  read: (id: string) => string | undefined,
): { readonly strings: readonly Strings[]; readonly tooMuch: boolean } {
  const texts = new Map<string, string | undefined>();
  let left = MOST_CHARACTERS;
  const strings = bundles.map((bundle) => {
    if (bundle.texts === undefined) return bundle;
    const messages = new Map(bundle.messages);
    for (const [msgid, id] of bundle.texts) {
      if (!texts.has(id)) texts.set(id, read(id));
      const text = texts.get(id);
      left -= text?.length ?? 0;
      if (text !== undefined && left >= 0) messages.set(msgid, text);
    }
    return { ...bundle, messages };
  });
  return { strings, tooMuch: left < 0 };
}

const TOO_MUCH: Fault = {
  code: 'ovf.O-078',
  message: `the messages in files of their own have more than ${MOST_CHARACTERS} characters together, as often as they are named`,
  rule: 'O-078',
  remedy: 'let each message have a file of its own',
};

/** A message in a file of its own is plain text in UTF-8. */
function plainText(bytes: Uint8Array | Fault): string | Fault {
  if (!(bytes instanceof Uint8Array)) return bytes;
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  // eslint-disable-next-line no-control-regex -- characters that no XML document can hold are what is looked for
  const plain = isUtf8(bytes) && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text);
  if (plain) return text;
  return {
    code: 'ovf.O-074',
    message: 'the message is no plain text in UTF-8',
    rule: 'O-074, DSP0243 §10',
    remedy: 'save it as UTF-8',
  };
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
      findings.deviation('O-074', root.at, `the root of the bundle is ${root.name}, not Strings of OVF`, 'left out');
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
  const { messages, texts } = read;
  return { ...bundle, lang: bundle.lang === '' ? read.lang : bundle.lang, messages, ...(texts && { texts }) };
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
  return { ...fault, place: { ...fault.place, field: shownUrl(href) } };
}
