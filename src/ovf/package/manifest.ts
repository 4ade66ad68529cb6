/**
 * The manifest of a package (DSP0243 §5.1): one line for each file with its digest, in all the spellings seen in the
 * field: `SHA1(f)= h` and `SHA1 (f) = h`, either case, any line ends, blank lines.
 */

import type { Findings } from '../envelope/findings.js';
import { safeHref } from '../envelope/href.js';

export type DigestAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export interface Manifest {
  /** By the name that the file has in the package. */
  readonly entries: ReadonlyMap<string, ManifestEntry>;
}

export interface ManifestEntry {
  /** As written: the `ovf:href` of the file, or the name of the descriptor. */
  readonly file: string;
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hexadecimal. */
  readonly digest: string;
  readonly line: number;
}

const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha1: 40, sha256: 64, sha384: 96, sha512: 128 };
export const ALGORITHMS: readonly DigestAlgorithm[] = ['sha1', 'sha256', 'sha384', 'sha512'];

/** Reads a manifest; `field` names its file in findings. What cannot be read is reported as O-025 and left out. */
export function parseManifest(bytes: Uint8Array, field: string, findings: Findings): Manifest {
  const entries = new Map<string, ManifestEntry>();
  const text = new TextDecoder().decode(bytes);
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (line.trim() === '') continue;
    const entry = parseLine(line, { line: index + 1, field }, findings);
    if (entry === undefined) continue;
    const name = nameOf(entry.file);
    const other = entries.get(name);
    if (other !== undefined && other.digest !== entry.digest) {
      findings.error(
        'O-025',
        { line: entry.line, field },
        'the file is listed twice with different digests',
        entry.file,
      );
    }
    entries.set(name, entry);
  }
  if (entries.size > 0 && [...entries.values()].every((entry) => entry.algorithm === 'sha1')) {
    findings.warning('O-029', { field }, 'all digests are SHA-1, which does not protect against forgery');
  }
  return { entries };
}

/** Manifests list what hrefs say: escaped, with a `./` before it, or plain. */
function nameOf(file: string): string {
  const href = safeHref(file);
  return href.kind === 'member' ? href.path : file;
}

interface LinePlace {
  readonly line: number;
  readonly field: string;
}

function parseLine(line: string, place: LinePlace, findings: Findings): ManifestEntry | undefined {
  const read = parseDigestLine(line);
  if (read === undefined) {
    findings.error('O-025', place, 'the line is no digest of a file', line);
    return undefined;
  }
  const { token, file, hex } = read;
  const algorithm = algorithmOf(token, place, findings);
  if (algorithm === undefined) return undefined;
  const length = HEX_LENGTH[algorithm];
  if (hex.length !== length) {
    findings.error('O-025', place, `the digest has ${hex.length} digits, but ${token} has ${length}`, line);
    return undefined;
  }
  return { file, algorithm, digest: hex, line: place.line };
}

/** One line of the form `token(file)= hex`. */
export interface DigestLine {
  /** As written. */
  readonly token: string;
  /** Absent when the token names no algorithm that OVF knows, under any of its names. */
  readonly algorithm?: DigestAlgorithm;
  readonly file: string;
  /** Lower-case hexadecimal. */
  readonly hex: string;
}

/** Reads a line of a manifest, or the first one of a certificate, which has the same form. */
export function parseDigestLine(line: string): DigestLine | undefined {
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  const hex = /^\s*=\s*([0-9a-f]+)\s*$/i.exec(line.slice(close + 1))?.[1]?.toLowerCase();
  if (open < 1 || close < open + 2 || hex === undefined) return undefined;
  const token = line.slice(0, open).trim();
  const algorithm = algorithmNamed(token);
  return { token, ...(algorithm === undefined ? {} : { algorithm }), file: line.slice(open + 1, close), hex };
}

function algorithmOf(token: string, place: LinePlace, findings: Findings): DigestAlgorithm | undefined {
  const algorithm = algorithmNamed(token);
  if (algorithm === undefined) findings.error('O-025', place, 'the digest algorithm is not known', token);
  else if (token.toLowerCase() !== algorithm) {
    const message = `${token} is not a name that OVF has for an algorithm`;
    findings.deviation('O-025', place, message, `read as ${algorithm}`, token);
  }
  return algorithm;
}

/** Other names of the same algorithms (SHA-256, SHA2-256): some tools write them and many refuse them. */
function algorithmNamed(token: string): DigestAlgorithm | undefined {
  return ALGORITHMS.find((algorithm) => algorithm === token.toLowerCase().replace(/^sha2?-/, 'sha'));
}
