/**
 * Whether a package is complete: its descriptor's References against the files that are there and against the manifest
 * (O-017, O-019, O-020, O-027, O-028; DSP0243 §5.1, §7.1).
 */

import type { Fault } from '../../base/errors.js';
import { Findings, type Mode } from '../envelope/findings.js';
import type { Envelope, File } from '../envelope/model.js';
import { safeHref } from '../envelope/href.js';
import type { Manifest } from './manifest.js';
import { Members } from './members.js';
import { pieceName, pieceOf } from './pieces.js';

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
  const { descriptor, manifest, partial = false } = contents;
  const findings = new Findings(mode);
  const sizes = new Map(contents.members.map((member) => [member.name, member.size]));
  const named = new Map(contents.members.map((member) => [member.name, member]));
  const members = new Members(descriptor, named, partial);
  const pieces = new Members(descriptor, piecesByFile(sizes.keys()), partial);
  const listed = piecesByFile(manifest?.entries.keys() ?? []);
  const referenced = new Set<string>();
  const elsewhere = new Set([descriptor]);
  for (const file of envelope.references) {
    const href = safeHref(file.href);
    if (href.kind !== 'member') continue;
    const { path } = href;
    const { whole = path, numbers = [] } = (file.chunkSize === undefined ? undefined : pieces.get(path)) ?? {};
    const { numbers: told = [] } = listed.get(path) ?? {};
    const names =
      file.chunkSize === undefined
        ? [members.get(path)?.name ?? path]
        : numbers.map((number) => pieceName(whole, number));
    if (partial && !names.some((name) => sizes.has(name))) {
      for (const name of [path, ...told.map((number) => pieceName(path, number))]) elsewhere.add(name);
      continue;
    }
    for (const name of names) referenced.add(name);
    if (file.chunkSize === undefined) checkWhole(findings, file, members.get(path)?.size);
    else checkChunks(findings, file, { whole, numbers, listed: told, sizes });
  }
  for (const name of sizes.keys()) {
    if (!referenced.has(name) && name !== descriptor && !/\.(mf|cert)$/i.test(name)) {
      findings.warning('O-020', { field: name }, 'the descriptor does not refer to this file', name);
    }
  }
  if (manifest !== undefined) checkManifest(findings, manifest, { descriptor, members, referenced, elsewhere });
  return findings.list();
}

interface Pieces {
  readonly whole: string;
  /** In rising order. */
  readonly numbers: number[];
}

/** The pieces that there are names of, by the file they belong to. */
function piecesByFile(names: Iterable<string>): ReadonlyMap<string, Pieces> {
  const files = new Map<string, Pieces>();
  for (const name of names) {
    const piece = pieceOf(name);
    if (!piece) continue;
    const { whole, number } = piece;
    const file = files.get(whole) ?? { whole, numbers: [] };
    file.numbers.push(number);
    files.set(whole, file);
  }
  for (const { numbers } of files.values()) numbers.sort((one, other) => one - other);
  return files;
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

/** The chunks of a file that are there. */
interface Chunks extends Readonly<Pieces> {
  /** Those that the manifest lists, in rising order. */
  readonly listed: readonly number[];
  readonly sizes: ReadonlyMap<string, number>;
}

/** How many there must be `ovf:size` tells; without it, the last one that is there or that the manifest lists. */
function checkChunks(findings: Findings, file: File, { whole, numbers, listed, sizes }: Chunks): void {
  const { size, chunkSize = 1n } = file;
  const expected = size === undefined ? undefined : Math.max(1, Number((size + chunkSize - 1n) / chunkSize));
  const gap = numbers.findIndex((number, index) => number !== index);
  const missing = gap < 0 ? numbers.length : gap;
  if (gap >= 0 || missing < (expected ?? (listed.at(-1) ?? 0) + 1)) {
    const name = pieceName(whole, missing);
    findings.error('O-019', file.at, 'a chunk of the file, or more of them, is not in the package', name);
    return;
  }
  if (expected !== undefined && numbers.length > expected) {
    const message = `there are ${numbers.length} chunks, but ovf:size and ovf:chunkSize make ${expected}`;
    findings.error('O-019', file.at, message, pieceName(whole, expected));
    return;
  }
  let total = 0n;
  for (const number of numbers) {
    const name = pieceName(whole, number);
    const bytes = BigInt(sizes.get(name) ?? 0);
    total += bytes;
    const last = number === numbers.length - 1;
    if (last ? bytes > chunkSize : bytes !== chunkSize) {
      findings.error('O-019', file.at, `the chunk has ${bytes} bytes, against ovf:chunkSize ${chunkSize}`, name);
    }
  }
  if (size !== undefined && size !== total) {
    findings.error('O-019', file.at, `the chunks have ${total} bytes together, not ovf:size ${size}`, file.href);
  }
}

interface Listing {
  readonly descriptor: string;
  readonly members: Members<{ readonly name: string }>;
  /** Names of members. */
  readonly referenced: ReadonlySet<string>;
  readonly elsewhere: ReadonlySet<string>;
}

function checkManifest(findings: Findings, manifest: Manifest, listing: Listing): void {
  const { descriptor, members, referenced, elsewhere } = listing;
  const nameOf = (path: string): string => members.get(path)?.name ?? path;
  const listed = new Set([...manifest.entries.keys()].map(nameOf));
  if (!listed.has(descriptor)) {
    findings.warning('O-027', { field: descriptor }, 'the manifest does not list the descriptor', descriptor);
  }
  for (const name of referenced) {
    if (!listed.has(name)) {
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
    const name = nameOf(file);
    if (!elsewhere.has(name) && !referenced.has(name)) {
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
