/**
 * Takes in the files of a package one after the other, however they come: members of an OVA, parts of a request, files of
 * a folder. Descriptor, manifest and certificate are kept; every other file goes to a sink of the caller as its bytes
 * arrive, digested on the way. Names are safe, each file comes once, and in the end the digests are those of the
 * manifest (DSP0243 §5.1; O-022 to O-026, O-030, O-031).
 */

import { Problem, problem, throwIfFaulty, type Fault } from '../../base/errors.js';
import { Findings, type Mode } from '../envelope/findings.js';
import { normalisePath, unsafePath } from '../envelope/href.js';
import { judgeCertificate, UNSIGNED, type Signature, type Trust } from './certificate.js';
import { Digester, type Digests } from './digests.js';
import { GZIP_RATIO } from './gunzip.js';
import { Members } from './members.js';
import { ALGORITHMS, parseManifest, type DigestAlgorithm, type Manifest, type ManifestEntry } from './manifest.js';

/** Where the bytes of a file go. */
export interface MemberSink {
  /** `name` is a safe relative path, `size` the bytes to come, as far as that is known. */
  open(name: string, size: number | undefined): Promise<MemberWriter>;
  /** Reads a closed file again, for the rare digest that nobody could know it would need. */
  reread?(name: string): Promise<AsyncIterable<Uint8Array>>;
  /** No more files will come. */
  finish?(): Promise<void>;
}

export interface MemberWriter {
  /** Algorithms whose digests it takes itself and tells when it is closed. */
  readonly digests?: readonly DigestAlgorithm[];
  write(bytes: Uint8Array): Promise<void>;
  /** All bytes have been written. */
  close(): Promise<Digests>;
  /** No more bytes will come: the package is refused or the stream broke off. */
  abort(): Promise<void>;
}

export interface PackageMember {
  readonly name: string;
  readonly size: number;
  /** `sha256` always; others as the manifest asks for them. */
  readonly digests: Digests;
}

/** A package that has been read to its end. */
export interface ReadPackage {
  readonly descriptor: { readonly name: string; readonly bytes: Uint8Array };
  readonly manifest?: Manifest;
  readonly signature: Signature;
  /** Every file in the order in which it came, the descriptor included. */
  readonly members: readonly PackageMember[];
  /** Warnings and notes. */
  readonly findings: readonly Fault[];
}

export interface PackageLimits {
  /** Bytes of all files together, unpacked. */
  readonly bytes: number;
  readonly members: number;
  readonly descriptorBytes: number;
  readonly manifestBytes: number;
  /** Unpacked bytes for each byte of a gzipped archive. */
  readonly gzipRatio: number;
}

const MIB = 1024 * 1024;

export const PACKAGE_LIMITS: PackageLimits = {
  bytes: 1024 * 1024 * MIB,
  members: 10_000,
  descriptorBytes: 12 * MIB,
  manifestBytes: MIB,
  gzipRatio: GZIP_RATIO,
};

export interface PackageOptions {
  readonly mode: Mode;
  readonly limits?: PackageLimits;
  /** Absent: nobody is trusted, and no certificate is too old. */
  readonly trust?: Trust;
  /** SHA-256 of the descriptor, where that is known before; a package with another one is refused. */
  readonly descriptorDigest?: string;
  /** Files may come under the last step of their path alone. */
  readonly bareNames?: boolean;
}

/** Until the manifest is known any digest may be asked for; these are cheap, and what others need is read again. */
const LIKELY: readonly DigestAlgorithm[] = ['sha1', 'sha256'];

interface Kept {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export class PackageReader {
  readonly findings: Findings;
  readonly limits: PackageLimits;
  readonly #sink: MemberSink;
  readonly #trust: Trust | undefined;
  readonly #descriptorDigest: string | undefined;
  readonly #bareNames: boolean;
  readonly #members = new Map<string, PackageMember>();
  #files = 0;
  #bytes = 0;
  #descriptor: Kept | undefined;
  #manifest: (Kept & { readonly manifest: Manifest }) | undefined;
  #certificate: Kept | undefined;
  /** What the sink threw, if it did. */
  sinkError: unknown;

  constructor(sink: MemberSink, options: PackageOptions) {
    const { mode, limits = PACKAGE_LIMITS, trust, descriptorDigest, bareNames = false } = options;
    this.#sink = sink;
    this.findings = new Findings(mode);
    this.limits = limits;
    this.#trust = trust;
    this.#descriptorDigest = descriptorDigest;
    this.#bareNames = bareNames;
  }

  /** Files that have been offered. */
  get files(): number {
    return this.#files;
  }

  /** Files that have been taken in. */
  get size(): number {
    return this.#members.size;
  }

  /**
   * The name under which a file can be taken in; undefined when it is refused, which the findings say.
   * @throws Problem `too-large` for one file too many
   */
  accept(written: string): string | undefined {
    if (++this.#files > this.limits.members) throw tooLarge(`the package has more than ${this.limits.members} members`);
    const name = normalisePath(written);
    const unsafe = unsafePath(written) ?? unsafePath(name) ?? (name === '' ? 'it is empty' : undefined);
    const place = { field: written };
    if (unsafe !== undefined) {
      this.findings.error('O-023', place, `the name of the member cannot be used: ${unsafe}`, written);
    } else if (this.#members.has(name)) {
      this.findings.error('O-023', place, 'the package has two members of this name', written);
    } else {
      return name;
    }
    return undefined;
  }

  /**
   * Takes in a file under an accepted name. Once the package is refused, nothing is handed on any more.
   * @throws Problem `too-large` past a limit; errors of the source and of the sink as they are
   */
  async take(name: string, size: number | undefined, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    if (size !== undefined && this.#bytes + size > this.limits.bytes) throw this.#tooManyBytes();
    const extension = /\.(ovf|mf|cert)$/i.exec(name)?.[1]?.toLowerCase();
    if (extension === undefined) await this.#hand(name, size, bytes);
    else await this.#keep(extension, name, size, bytes);
  }

  /** @throws Problem `malformed` with every fault of the package */
  async result(): Promise<ReadPackage> {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) this.findings.error('O-022', {}, 'the package has no descriptor');
    const signature = this.#signature();
    await this.#sink.finish?.();
    await this.#verify();
    const findings = this.findings.list();
    throwIfFaulty('malformed', findings);
    if (descriptor === undefined) throw new Problem('malformed', findings);
    return {
      descriptor,
      ...(this.#manifest === undefined ? {} : { manifest: this.#manifest.manifest }),
      signature,
      members: [...this.#members.values()],
      findings,
    };
  }

  #count({ byteLength }: Uint8Array): void {
    this.#bytes += byteLength;
    if (this.#bytes > this.limits.bytes) throw this.#tooManyBytes();
  }

  #tooManyBytes(): Problem {
    return tooLarge(`the package has more than ${this.limits.bytes} bytes`);
  }

  async #keep(
    extension: string,
    name: string,
    size: number | undefined,
    source: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const limit = extension === 'ovf' ? this.limits.descriptorBytes : this.limits.manifestBytes;
    const refuse = (): Problem => tooLarge(`${name} has more than the ${limit} bytes allowed`, name);
    if ((size ?? 0) > limit) throw refuse();
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of source) {
      this.#count(chunk);
      length += chunk.byteLength;
      if (length > limit) throw refuse();
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    this.#members.set(name, { name, size: length, digests: digestsOf(bytes, ALGORITHMS) });
    if (extension === 'ovf') this.#takeDescriptor({ name, bytes });
    else if (extension === 'mf') this.#takeManifest({ name, bytes });
    else this.#takeCertificate({ name, bytes });
  }

  #takeDescriptor(kept: Kept): void {
    const { sha256 } = this.#members.get(kept.name)?.digests ?? {};
    if (this.#descriptorDigest !== undefined && sha256 !== this.#descriptorDigest)
      this.findings.error(
        'O-026',
        { field: kept.name },
        'the descriptor is no longer the one that was sent',
        kept.name,
      );
    if (this.#descriptor === undefined) this.#descriptor = kept;
    else this.findings.error('O-022', { field: kept.name }, 'the package has more than one descriptor', kept.name);
  }

  #takeManifest(kept: Kept): void {
    if (this.#manifest === undefined)
      this.#manifest = { ...kept, manifest: parseManifest(kept.bytes, kept.name, this.findings) };
    else this.findings.error('O-025', { field: kept.name }, 'the package has more than one manifest', kept.name);
  }

  #takeCertificate(kept: Kept): void {
    if (this.#certificate === undefined) this.#certificate = kept;
    else this.findings.error('O-030', { field: kept.name }, 'the package has more than one certificate', kept.name);
  }

  async #hand(name: string, size: number | undefined, source: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.findings.errors > 0) return;
    const writer = await this.#guarded(this.#sink.open(name, size));
    const digester = new Digester(this.#algorithms().filter((each) => writer.digests?.includes(each) !== true));
    let length = 0;
    let closed = false;
    try {
      for await (const chunk of source) {
        this.#count(chunk);
        length += chunk.byteLength;
        const written = writer.write(chunk);
        // While the sink is at it: most sinks write in another thread.
        digester.update(chunk);
        await this.#guarded(written);
      }
      const digests = await this.#guarded(writer.close());
      closed = true;
      this.#members.set(name, { name, size: length, digests: { ...digester.digests(), ...digests } });
    } finally {
      if (!closed) await writer.abort();
    }
  }

  #algorithms(): readonly DigestAlgorithm[] {
    if (this.#manifest === undefined) return this.#sink.reread ? LIKELY : ALGORITHMS;
    const used = new Set([...this.#manifest.manifest.entries.values()].map(({ algorithm }) => algorithm));
    return ['sha256', ...[...used].filter((algorithm) => algorithm !== 'sha256')];
  }

  async #guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.sinkError = error;
      throw error;
    }
  }

  #signature(): Signature {
    if (this.#certificate === undefined) return UNSIGNED;
    if (this.#manifest === undefined) {
      this.findings.error('O-031', { field: this.#certificate.name }, 'the package has a certificate but no manifest');
      return UNSIGNED;
    }
    return judgeCertificate(this.#certificate, this.#manifest, this.#trust ?? { anchors: [], now: 0 }, this.findings);
  }

  /** O-026: digests of files that are there; whether every file is listed is for who knows the References. */
  async #verify(): Promise<void> {
    if (this.#manifest === undefined || this.findings.errors > 0) return;
    const { name: field, manifest } = this.#manifest;
    const members = new Members(this.#descriptor?.name ?? '', this.#members, this.#bareNames);
    for (const [path, entry] of manifest.entries) {
      const member = members.get(path);
      const actual = member && (member.digests[entry.algorithm] ?? (await this.#again(member, entry)));
      if (actual !== undefined && actual !== entry.digest) {
        const message = `the ${entry.algorithm.toUpperCase()} digest of the file is ${actual}`;
        this.findings.error('O-026', { line: entry.line, field }, message, entry.file);
      }
    }
  }

  async #again({ name }: PackageMember, { algorithm }: ManifestEntry): Promise<string | undefined> {
    const bytes = await this.#sink.reread?.(name);
    if (bytes === undefined) return undefined;
    const digester = new Digester([algorithm]);
    for await (const chunk of bytes) digester.update(chunk);
    return digester.digests()[algorithm];
  }
}

function digestsOf(bytes: Uint8Array, algorithms: readonly DigestAlgorithm[]): Digests {
  const digester = new Digester(algorithms);
  digester.update(bytes);
  return digester.digests();
}

export function tooLarge(message: string, field?: string): Problem {
  return problem('too-large', 'ovf.O-024', message, {
    rule: 'O-024',
    remedy: 'send a smaller package, or refer to the images by URL',
    ...(field === undefined ? {} : { place: { field } }),
  });
}
