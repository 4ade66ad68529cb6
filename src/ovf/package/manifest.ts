/**
 * The manifest of a package (DSP0243 §5.1): one line for each file with its digest, in all the spellings seen in the
 * field: `SHA1(f)= h` and `SHA1 (f) = h`, either case, any line ends, blank lines.
 */

import type { Findings } from '../envelope/findings.js';

export type DigestAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export interface Manifest {
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
const ALGORITHMS: ReadonlyMap<string, DigestAlgorithm> = new Map([
  ['sha1', 'sha1'],
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha512', 'sha512'],
]);

/** Reads a manifest; `field` names its file in findings. What cannot be read is reported as O-025 and left out. */
export function parseManifest(bytes: Uint8Array, field: string, findings: Findings): Manifest {
  const entries = new Map<string, ManifestEntry>();
  const text = new TextDecoder().decode(bytes);
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (line.trim() === '') continue;
    const entry = parseLine(line, { line: index + 1, field }, findings);
    if (entry === undefined) continue;
    const other = entries.get(entry.file);
    if (other !== undefined && other.digest !== entry.digest) {
      findings.error(
        'O-025',
        { line: entry.line, field },
        'the file is listed twice with different digests',
        entry.file,
      );
    }
    entries.set(entry.file, entry);
  }
  if (entries.size > 0 && [...entries.values()].every((entry) => entry.algorithm === 'sha1')) {
    findings.warning('O-029', { field }, 'all digests are SHA-1, which does not protect against forgery');
  }
  return { entries };
}

interface LinePlace {
  readonly line: number;
  readonly field: string;
}

function parseLine(line: string, place: LinePlace, findings: Findings): ManifestEntry | undefined {
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  const digest = /^\s*=\s*([0-9a-f]+)\s*$/i.exec(line.slice(close + 1))?.[1]?.toLowerCase();
  if (open < 1 || close < open + 2 || digest === undefined) {
    findings.error('O-025', place, 'the line is no digest of a file', line);
    return undefined;
  }
  const token = line.slice(0, open).trim();
  const algorithm = algorithmOf(token, place, findings);
  if (algorithm === undefined) return undefined;
  if (digest.length !== HEX_LENGTH[algorithm]) {
    findings.error(
      'O-025',
      place,
      `the digest has ${digest.length} digits, but ${token} has ${HEX_LENGTH[algorithm]}`,
      line,
    );
    return undefined;
  }
  return { file: line.slice(open + 1, close), algorithm, digest, line: place.line };
}

function algorithmOf(token: string, place: LinePlace, findings: Findings): DigestAlgorithm | undefined {
  const name = token.toLowerCase();
  const algorithm = ALGORITHMS.get(name);
  if (algorithm !== undefined) return algorithm;
  // Other names of the same algorithms (SHA-256, SHA2-256): some tools write them and many refuse them.
  const alias = ALGORITHMS.get(name.replace(/^sha2?-/, 'sha'));
  if (alias === undefined) findings.error('O-025', place, 'the digest algorithm is not known', token);
  else
    findings.deviation(
      'O-025',
      place,
      `${token} is not a name that OVF has for an algorithm`,
      `read as ${alias}`,
      token,
    );
  return alias;
}
