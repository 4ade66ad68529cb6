/**
 * Whether a package is complete: its descriptor's References against the files that are there and against the manifest
 * (O-017, O-019, O-020, O-027, O-028; DSP0243 §5.1, §7.1).
 */

import type { Fault } from '../../base/errors.js';
import { Findings, type Mode } from '../envelope/findings.js';
import type { Envelope, File } from '../envelope/model.js';
import { safeHref } from '../envelope/href.js';
import type { Manifest } from './manifest.js';

/** What a package holds, from wherever it was read. */
export interface PackageContents {
  /** Name of the descriptor in the package. */
  readonly descriptor: string;
  readonly members: readonly { readonly name: string; readonly size: number }[];
  readonly manifest?: Manifest;
  /** Files may lie elsewhere: what is missing here is for whoever knows where. */
  readonly partial?: true;
}

/** Everything wrong between descriptor, members and manifest; files at http(s) URLs are not of the package. */
export function checkCompleteness(envelope: Envelope, contents: PackageContents, mode: Mode): readonly Fault[] {
  const findings = new Findings(mode);
  const sizes = new Map(contents.members.map((member) => [member.name, member.size]));
  const referenced = new Set<string>();
  const elsewhere = new Set([contents.descriptor]);
  for (const file of envelope.references) {
    const href = safeHref(file.href);
    if (href.kind !== 'member') continue;
    const names = file.chunkSize === undefined ? [href.path] : chunkNames(file, href.path, sizes);
    if (contents.partial && !names.some((name) => sizes.has(name))) {
      for (const name of names) elsewhere.add(name);
      continue;
    }
    for (const name of names) referenced.add(name);
    if (file.chunkSize === undefined) checkWhole(findings, file, sizes.get(href.path));
    else checkChunks(findings, file, names, sizes);
  }
  for (const name of sizes.keys()) {
    if (!referenced.has(name) && name !== contents.descriptor && !/\.(mf|cert)$/i.test(name)) {
      findings.warning('O-020', { field: name }, 'the descriptor does not refer to this file', name);
    }
  }
  if (contents.manifest !== undefined)
    checkManifest(findings, contents.manifest, contents.descriptor, referenced, elsewhere);
  return findings.list();
}

/** Names of the chunks of a file: `<href>.000000000` and on (DSP0243 §7.1). */
function chunkNames(file: File, path: string, sizes: ReadonlyMap<string, number>): readonly string[] {
  const name = (index: number): string => `${path}.${String(index).padStart(9, '0')}`;
  const chunkSize = file.chunkSize ?? 1n;
  const expected = file.size === undefined ? undefined : Number((file.size + chunkSize - 1n) / chunkSize);
  const names: string[] = [];
  for (let index = 0; sizes.has(name(index)); index++) names.push(name(index));
  // One missing chunk is named; that more may be missing is said in the finding.
  if (names.length === 0 || (expected !== undefined && names.length < expected)) names.push(name(names.length));
  return names;
}

function checkWhole(findings: Findings, file: File, size: number | undefined): void {
  if (size === undefined) {
    findings.error('O-013', file.at, 'the file is not in the package', file.href);
  } else if (file.size !== undefined && file.size !== BigInt(size)) {
    findings.deviation(
      'O-017',
      file.at,
      `the file has ${size} bytes, not ovf:size ${file.size}`,
      'the real size counts',
      file.href,
    );
  }
}

function checkChunks(
  findings: Findings,
  file: File,
  names: readonly string[],
  sizes: ReadonlyMap<string, number>,
): void {
  let total = 0n;
  for (const [index, name] of names.entries()) {
    const size = sizes.get(name);
    if (size === undefined) {
      findings.error('O-019', file.at, 'a chunk of the file, or more of them, is not in the package', name);
      return;
    }
    total += BigInt(size);
    const last = index === names.length - 1;
    if (last ? BigInt(size) > (file.chunkSize ?? 0n) : BigInt(size) !== file.chunkSize) {
      findings.error('O-019', file.at, `the chunk has ${size} bytes, against ovf:chunkSize ${file.chunkSize}`, name);
    }
  }
  if (file.size !== undefined && file.size !== total) {
    findings.error('O-019', file.at, `the chunks have ${total} bytes together, not ovf:size ${file.size}`, file.href);
  }
}

function checkManifest(
  findings: Findings,
  manifest: Manifest,
  descriptor: string,
  referenced: ReadonlySet<string>,
  elsewhere: ReadonlySet<string>,
): void {
  if (!manifest.entries.has(descriptor)) {
    findings.warning('O-027', { field: descriptor }, 'the manifest does not list the descriptor', descriptor);
  }
  for (const name of referenced) {
    if (!manifest.entries.has(name)) {
      findings.deviation(
        'O-027',
        { field: name },
        'the manifest does not list the file',
        'its digest was not checked',
        name,
      );
    }
  }
  for (const [file, { line }] of manifest.entries) {
    if (!elsewhere.has(file) && !referenced.has(file)) {
      findings.deviation(
        'O-028',
        { line, field: file },
        'the manifest lists a file that the descriptor does not',
        'ignored',
        file,
      );
    }
  }
}
