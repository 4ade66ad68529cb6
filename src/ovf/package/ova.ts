/**
 * Reads an OVA: an OVF package as one tar stream (DSP0243 §5.3), possibly gzipped. The stream is read once and nothing but
 * descriptor, manifest and certificate is kept: the bytes of every other member go to a sink of the caller as they
 * arrive, digested on the way. Members are plain files with safe names, the descriptor comes first (O-021 to O-026, O-031).
 */

import { Readable, type Writable } from 'node:stream';

import { extract, type Extract } from 'tar-stream';

import { messageOf, Problem, problem, throwIfFaulty, type Fault } from '../../base/errors.js';
import { Findings, type Mode } from '../envelope/findings.js';
import { Digester, type Digests } from './digests.js';
import { gunzipped } from './gunzip.js';
import { normalisePath, unsafePath } from '../envelope/href.js';
import { parseManifest, type DigestAlgorithm, type Manifest } from './manifest.js';

type Entry = Extract extends AsyncIterable<infer T> ? T : never;

/** Where the bytes of a member go. */
export interface MemberSink {
  /** `name` is a safe relative path, `size` the bytes to come. */
  open(name: string, size: number): Promise<MemberWriter>;
}

export interface MemberWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** All bytes have been written. */
  close(): Promise<void>;
  /** No more bytes will come: the package is refused or the stream broke off. */
  abort(): Promise<void>;
}

export interface OvaMember {
  readonly name: string;
  readonly size: number;
  /** `sha256` always; others as the manifest asks for them. */
  readonly digests: Digests;
}

export interface Ova {
  readonly descriptor: { readonly name: string; readonly bytes: Uint8Array };
  readonly manifest?: Manifest;
  /** PEM text with the signature of the manifest, as it came. */
  readonly certificate?: Uint8Array;
  /** Every member in the order of the archive, the descriptor included. */
  readonly members: readonly OvaMember[];
  /** Warnings and notes. */
  readonly findings: readonly Fault[];
}

export interface OvaLimits {
  /** Bytes of the whole archive, unpacked. */
  readonly bytes: number;
  readonly members: number;
  readonly descriptorBytes: number;
  readonly manifestBytes: number;
  /** Unpacked bytes for each byte of a gzipped archive. */
  readonly gzipRatio: number;
}

const MIB = 1024 * 1024;

export const OVA_LIMITS: OvaLimits = {
  bytes: 1024 * 1024 * MIB,
  members: 10_000,
  descriptorBytes: 12 * MIB,
  manifestBytes: MIB,
  gzipRatio: 100,
};

export interface OvaOptions {
  readonly mode: Mode;
  readonly limits?: OvaLimits;
}

/**
 * Reads the archive to its end. When it throws, whatever the sink has received is worthless.
 * @throws Problem `malformed` with every fault of the archive, `too-large` at the first limit that is passed; errors of
 *   the source and of the sink as they are
 */
export async function readOva(source: AsyncIterable<Uint8Array>, sink: MemberSink, options: OvaOptions): Promise<Ova> {
  const limits = options.limits ?? OVA_LIMITS;
  const reader = new ArchiveReader(sink, new Findings(options.mode), limits);
  const origin = new Origin();
  const tar = extract();
  const input = Readable.from(bounded(gunzipped(origin.watch(source), limits.gzipRatio), limits), {
    objectMode: false,
  });
  input.on('error', (error) => tar.destroy(error));
  try {
    // tar-stream's streams are those of streamx, which follow the protocol of Node's but do not share its types.
    input.pipe(tar as unknown as Writable);
    for await (const entry of tar) await reader.member(entry);
    return reader.result();
  } catch (error) {
    if (error instanceof Problem || error === origin.error || error === reader.sinkError) throw error;
    throw new Problem('malformed', [
      ...reader.errors(),
      {
        code: 'ovf.O-023',
        message: `the archive cannot be read: ${messageOf(error)}`,
        rule: 'O-023',
        remedy: 'send a whole tar file',
      },
    ]);
  } finally {
    input.destroy();
    tar.destroy();
  }
}

/** Tells an error of the source from one of the archive's format. */
class Origin {
  error: unknown;

  async *watch(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      this.error = error;
      throw error;
    }
  }
}

async function* bounded(source: AsyncIterable<Uint8Array>, limits: OvaLimits): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.byteLength;
    if (bytes > limits.bytes) throw tooLarge(`the package has more than ${limits.bytes} bytes`);
    yield chunk;
  }
}

const EVERY_ALGORITHM: readonly DigestAlgorithm[] = ['sha1', 'sha256', 'sha384', 'sha512'];

class ArchiveReader {
  readonly #sink: MemberSink;
  readonly #findings: Findings;
  readonly #limits: OvaLimits;
  readonly #members = new Map<string, OvaMember>();
  #entries = 0;
  #descriptor: Ova['descriptor'] | undefined;
  #manifest: { readonly name: string; readonly manifest: Manifest } | undefined;
  #certificate: { readonly name: string; readonly bytes: Uint8Array } | undefined;
  /** What the sink threw, if it did. */
  sinkError: unknown;

  constructor(sink: MemberSink, findings: Findings, limits: OvaLimits) {
    this.#sink = sink;
    this.#findings = findings;
    this.#limits = limits;
  }

  errors(): readonly Fault[] {
    return this.#findings.list().filter((fault) => fault.severity === 'error');
  }

  async member(entry: Entry): Promise<void> {
    if (++this.#entries > this.#limits.members)
      throw tooLarge(`the package has more than ${this.#limits.members} members`);
    const name = this.#acceptedName(entry);
    if (name === undefined) return drain(entry);
    const size = entry.header.size ?? 0;
    const extension = /\.(ovf|mf|cert)$/i.exec(name)?.[1]?.toLowerCase();
    const digester = new Digester(this.#algorithmsFor(name));
    if (extension === 'ovf')
      this.#takeDescriptor(name, await this.#kept(entry, name, this.#limits.descriptorBytes, digester));
    else if (extension === 'mf')
      this.#takeManifest(name, await this.#kept(entry, name, this.#limits.manifestBytes, digester));
    else if (extension === 'cert')
      this.#certificate = { name, bytes: await this.#kept(entry, name, this.#limits.manifestBytes, digester) };
    else await this.#sunk(entry, name, size, digester);
    this.#members.set(name, { name, size, digests: digester.digests() });
  }

  result(): Ova {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) this.#findings.error('O-022', {}, 'the package has no descriptor');
    if (this.#certificate !== undefined && this.#manifest === undefined) {
      this.#findings.error('O-031', { field: this.#certificate.name }, 'the package has a certificate but no manifest');
    }
    this.#verify();
    const findings = this.#findings.list();
    throwIfFaulty('malformed', findings);
    if (descriptor === undefined) throw new Problem('malformed', findings);
    return {
      descriptor,
      ...(this.#manifest === undefined ? {} : { manifest: this.#manifest.manifest }),
      ...(this.#certificate === undefined ? {} : { certificate: this.#certificate.bytes }),
      members: [...this.#members.values()],
      findings,
    };
  }

  /** The name under which the member is taken in, or undefined when it is refused or skipped. */
  #acceptedName({ header }: Entry): string | undefined {
    const name = normalisePath(header.name);
    const place = { field: header.name };
    const unsafe = unsafePath(header.name) ?? unsafePath(name);
    if (unsafe !== undefined || (name === '' && header.type !== 'directory')) {
      this.#findings.error(
        'O-023',
        place,
        `the name of the member cannot be used: ${unsafe ?? 'it is empty'}`,
        header.name,
      );
    } else if (header.type === 'directory') {
      this.#findings.deviation('O-023', place, 'the member is a directory', 'skipped', header.name);
    } else if (header.type !== 'file' && header.type !== 'contiguous-file') {
      this.#findings.error(
        'O-023',
        place,
        `the member is no plain file but a ${header.type ?? 'nameless type'}`,
        header.name,
      );
    } else if (this.#members.has(name)) {
      this.#findings.error('O-023', place, 'the archive has two members of this name', header.name);
    } else {
      if (this.#members.size === 0 && !/\.ovf$/i.test(name)) {
        this.#findings.deviation(
          'O-021',
          place,
          'the descriptor is not the first member',
          'read all the same',
          header.name,
        );
      }
      return name;
    }
    return undefined;
  }

  /** Before the manifest is known, any algorithm may be asked for. */
  #algorithmsFor(name: string): readonly DigestAlgorithm[] {
    if (this.#manifest === undefined) return EVERY_ALGORITHM;
    const wanted = this.#manifest.manifest.entries.get(name)?.algorithm;
    return wanted === undefined || wanted === 'sha256' ? ['sha256'] : ['sha256', wanted];
  }

  async #kept(entry: Entry, name: string, limit: number, digester: Digester): Promise<Uint8Array> {
    const size = entry.header.size ?? 0;
    if (size > limit) throw tooLarge(`${name} has ${size} bytes, more than the ${limit} allowed`, name);
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytesOf(entry)) {
      digester.update(chunk);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #takeDescriptor(name: string, bytes: Uint8Array): void {
    if (this.#descriptor === undefined) this.#descriptor = { name, bytes };
    else this.#findings.error('O-022', { field: name }, 'the package has more than one descriptor', name);
  }

  #takeManifest(name: string, bytes: Uint8Array): void {
    if (this.#manifest !== undefined) {
      this.#findings.error('O-025', { field: name }, 'the package has more than one manifest', name);
      return;
    }
    this.#manifest = { name, manifest: parseManifest(bytes, name, this.#findings) };
  }

  /** Once the package is refused, the rest of it is only looked at. */
  async #sunk(entry: Entry, name: string, size: number, digester: Digester): Promise<void> {
    if (this.#findings.errors > 0) return drain(entry);
    const writer = await this.#guarded(this.#sink.open(name, size));
    let closed = false;
    try {
      for await (const chunk of bytesOf(entry)) {
        digester.update(chunk);
        await this.#guarded(writer.write(chunk));
      }
      await this.#guarded(writer.close());
      closed = true;
    } finally {
      if (!closed) await writer.abort();
    }
  }

  async #guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.sinkError = error;
      throw error;
    }
  }

  /** O-026: digests of members that are there; whether every file is listed is for who knows the References. */
  #verify(): void {
    if (this.#manifest === undefined || this.#findings.errors > 0) return;
    const { name: field, manifest } = this.#manifest;
    for (const entry of manifest.entries.values()) {
      const actual = this.#members.get(entry.file)?.digests[entry.algorithm];
      if (actual !== undefined && actual !== entry.digest) {
        const message = `the ${entry.algorithm.toUpperCase()} digest of the file is ${actual}`;
        this.#findings.error('O-026', { line: entry.line, field }, message, entry.file);
      }
    }
  }
}

function bytesOf(entry: Entry): AsyncIterable<Uint8Array> {
  return entry as AsyncIterable<Uint8Array>;
}

async function drain(entry: Entry): Promise<void> {
  for await (const chunk of entry) void chunk;
}

function tooLarge(message: string, field?: string): Problem {
  return problem('too-large', 'ovf.O-024', message, {
    rule: 'O-024',
    remedy: 'send a smaller package, or refer to the images by URL',
    ...(field === undefined ? {} : { place: { field } }),
  });
}
