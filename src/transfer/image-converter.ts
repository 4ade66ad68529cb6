/**
 * Images in the format that a site takes, made by `qemu-img convert` in a child that can do nothing else: it is told the
 * format that {@link probeImage} found and guesses none, reads one open file and nothing behind it, writes one folder, has
 * limits on memory, file size and time, an empty environment, and, where `bwrap` works, no network and no file system but
 * system programs and libraries. What it made is probed like everything that comes from outside.
 */

import { execFile, spawn } from 'node:child_process';
import { lstat, mkdtemp, readdir, readFile, rename, rm, stat, writeFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../base/clock.js';
import { messageOf, Problem, problem } from '../base/errors.js';
import type { Blob, BlobStore } from './blob-store.js';
import { Flights, type FlightOptions } from '../base/flights.js';
import type { FetchedImage } from './image-fetcher.js';
import { pointer } from './image-faults.js';
import { probeImage, type ImageProbe } from './image-probe.js';
import { neededBy, programAt, sandboxed } from './sandbox.js';

type Format = ImageProbe['format'];

export interface ConverterOptions {
  readonly blobs: BlobStore;
  /** For what is being written and for the notes of what was; on the disk of the blob store. */
  readonly directory: string;
  /** Largest result, in bytes. */
  readonly maxBytes: number;
  /** `qemu-img` by name or path. */
  readonly command: string;
  /** The sandbox by name or path; default `bwrap`. */
  readonly sandbox?: string;
}

/** Progress in per cent. */
export type ConvertOptions = FlightOptions<number>;

/** How each format is called by qemu-img; ISO 9660 is a disk as it is. */
const DRIVERS: Readonly<Record<Format, string>> = {
  qcow2: 'qcow2',
  raw: 'raw',
  vmdk: 'vmdk',
  vhd: 'vpc',
  iso: 'raw',
};
/** What it writes, first choice first: sparse formats, then what every site understands. */
const TARGETS: readonly Format[] = ['qcow2', 'vmdk', 'vhd', 'raw'];
const WRITE_OPTIONS: Partial<Record<Format, string>> = { vmdk: 'subformat=streamOptimized', vhd: 'subformat=dynamic' };

/**
 * Address space, as `prlimit` counts it: what threads set aside counts, used or not. qemu-img starts up to 64 of them as its
 * disk falls behind, so that each gets a small stack and no heap of its own; without that a busy machine is enough to reach
 * the limit.
 */
const MEMORY_BYTES = 1 << 30;
const STACK_BYTES = 2 << 20;
const HEAPS = { MALLOC_ARENA_MAX: '1' };
/** How the sandbox says that the child in it was killed. */
const KILLED = 128 + 9;
/** No conversion takes longer, in milliseconds. */
const LONGEST_MS = 2 * 3600 * 1000;
/** After which a folder to write to, in which nothing has changed, is nobody's any more. */
const ABANDONED_MS = LONGEST_MS + 3600 * 1000;
const run = promisify(execFile);

export class ImageConverter {
  readonly #options: ConverterOptions;
  /** The program and its limits. */
  readonly #program: readonly string[];
  /** What it sees of the file system; undefined: everything. */
  readonly #seen: readonly string[] | undefined;
  readonly #flights = new Flights<FetchedImage, number>();
  /** Bytes that a conversion of this process is expected to come to, by its folder. */
  readonly #expected = new Map<string, number>();
  /** Folders whose image is about to be taken in, and counted as such. */
  readonly #adopting = new Set<string>();
  /** Conversions wait for one another: each keeps a processor busy. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: ConverterOptions, program: readonly string[], seen: readonly string[] | undefined) {
    this.#options = options;
    this.#program = program;
    this.#seen = seen;
  }

  /** Looks for the programs; undefined where there is no qemu-img that runs. */
  static async find(options: ConverterOptions): Promise<ImageConverter | undefined> {
    const { directory, command } = options;
    const place = await programAt(command);
    if (place === undefined) return undefined;
    const memory = [`--as=${MEMORY_BYTES}`, `--stack=${STACK_BYTES}`];
    const limits = ['prlimit', ...memory, `--fsize=${options.maxBytes}`, '--core=0', '--nofile=64', '--'];
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await sweep(directory);
    for (const seen of [await neededBy(place), undefined]) {
      const converter = new ImageConverter(options, [...limits, place], seen);
      if (await works(converter.#words(directory, '--version'))) return converter;
    }
    return undefined;
  }

  /** Whether the child sees nothing but programs, libraries and the file it reads, or only has limits. */
  get confined(): boolean {
    return this.#seen !== undefined;
  }

  /** The command line of the child; in the sandbox it finds the program, and can write to the folder alone. */
  #words(folder: string, ...words: readonly string[]): string[] {
    const { sandbox = 'bwrap' } = this.#options;
    const around = this.#seen ? sandboxed(sandbox, this.#seen, folder) : [];
    return [...around, ...this.#program, ...words];
  }

  /** The format that an image of `from` is best converted to for a site that takes `taken`. */
  static target(from: Format, taken: readonly string[]): Format | undefined {
    return taken.includes(from) ? undefined : TARGETS.find((each) => taken.includes(each));
  }

  /**
   * The image in another format, made at most once per content.
   *
   * @throws Problem `invalid` (`image.conversion`) where the image cannot be read as what it claims to be, `too-large`,
   *   `unavailable` (`transfer.no-room`, `image.conversion-memory`, `image.conversion-time`,
   *   `image.conversion-start`)
   */
  async convert(image: FetchedImage, to: Format, options: ConvertOptions = {}): Promise<FetchedImage> {
    const key = `${image.sha256}.${to}`;
    const known = await this.#known(key, to);
    if (known) return known;
    return this.#flights.join(
      key,
      (signal, report) => this.#inTurn(() => this.#make(key, image, to, signal, report)),
      options,
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #make(
    key: string,
    image: FetchedImage,
    to: Format,
    signal: AbortSignal,
    report: (percent: number) => void,
  ): Promise<FetchedImage> {
    const { blobs, directory, maxBytes } = this.#options;
    signal.throwIfAborted();
    if (to === 'raw' && image.virtualSizeBytes > maxBytes) throw tooLarge(maxBytes);
    await sweep(directory);
    const folder = await mkdtemp(join(directory, 'work-'));
    // A sparse format comes to about what is in the image, a raw disk to all of it.
    this.#expected.set(folder, to === 'raw' ? image.virtualSizeBytes : image.sizeBytes);
    try {
      const out = join(folder, 'image');
      await blobs.makeRoom();
      await this.#run(image, to, out, signal, report);
      // A link would have been followed to what only VEP may read.
      if (!(await lstat(out)).isFile()) throw failure(image.format, 'what came out is no file', null);
      this.#adopting.add(folder);
      const blob = await blobs.adopt(out, { maxBytes });
      await this.#note(key, blob.sha256);
      return await this.#probed(blob, to);
    } finally {
      await rm(folder, { recursive: true, force: true });
      this.#expected.delete(folder);
      this.#adopting.delete(folder);
    }
  }

  /** Bytes of what is being converted, by whatever process: the blob store must keep room for them. */
  async underWay(): Promise<number> {
    const { directory } = this.#options;
    const folders = (await readdir(directory)).filter(isWork).map((name) => join(directory, name));
    const sizes = folders.map(async (folder) => {
      if (this.#adopting.has(folder)) return 0;
      const size = await stat(join(folder, 'image')).then(
        (file) => file.size,
        () => 0,
      );
      return Math.max(size, this.#expected.get(folder) ?? 0);
    });
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  async #run(
    image: FetchedImage,
    to: Format,
    out: string,
    signal: AbortSignal,
    report: (percent: number) => void,
  ): Promise<void> {
    const subformat = WRITE_OPTIONS[to];
    const [program = '', ...words] = this.#words(
      dirname(out),
      ...['convert', '-p', '-O', DRIVERS[to], ...(subformat === undefined ? [] : ['-o', subformat])],
      ...[sourceOf(image.format), out],
    );
    const source = await this.#options.blobs.handle(image.sha256);
    try {
      const child = spawn(program, words, {
        stdio: ['ignore', 'pipe', 'pipe', source.fd],
        env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', ...HEAPS },
        timeout: LONGEST_MS,
        killSignal: 'SIGKILL',
        signal,
      });
      const said: string[] = [];
      const room = new RoomWatch(this.#options.blobs, () => child.kill('SIGKILL'));
      child.stdout?.on('data', (text: Buffer) => {
        const percent = /\((\d+)\.\d+\/100%\)\s*$/.exec(text.toString('latin1').trimEnd())?.[1];
        if (percent !== undefined) report(Number(percent));
        room.look();
      });
      child.stderr?.on('data', (text: Buffer) => {
        if (said.length < 8) said.push(text.toString('latin1').slice(0, 500));
      });
      const { code, killed } = await new Promise<{ code: number | null; killed: string | null }>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, killed) => resolve({ code, killed }));
      });
      signal.throwIfAborted();
      await room.end();
      if (code !== 0) throw failure(image.format, said.join(''), killed ?? (code === KILLED ? 'SIGKILL' : null));
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof Problem ? error : notBegun(messageOf(error));
    } finally {
      await source.close();
    }
  }

  /** @throws Problem `invalid` (`image.pointer`) where what came out is no image of the format asked for, but holds another */
  async #probed(blob: Blob, to: Format): Promise<FetchedImage> {
    const read = (offset: number, length: number): Promise<Uint8Array> =>
      this.#options.blobs.read(blob.sha256, offset, length);
    const probe = await probeImage({ sizeBytes: blob.sizeBytes, read });
    // ISO 9660 is a disk as it is.
    if (probe.format !== to && DRIVERS[probe.format] !== to)
      throw pointer('disk, which is an image itself', probe.format);
    return { ...blob, ...probe, format: to };
  }

  /** What the image became before, unless that has been evicted. */
  async #known(key: string, to: Format): Promise<FetchedImage | undefined> {
    const sha256 = await readFile(join(this.#options.directory, key), 'utf8').catch(() => '');
    const blob = /^[0-9a-f]{64}$/.test(sha256) ? await this.#options.blobs.find(sha256) : undefined;
    return blob && this.#probed(blob, to);
  }

  async #note(key: string, sha256: string): Promise<void> {
    const path = join(this.#options.directory, key);
    await writeFile(`${path}.new`, sha256, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}

/** Makes room as what is written grows beyond what was expected, one look at a time. */
class RoomWatch {
  readonly #blobs: BlobStore;
  readonly #stop: () => void;
  #looking: Promise<void> | undefined;
  #refusal: Error | undefined;

  constructor(blobs: BlobStore, stop: () => void) {
    this.#blobs = blobs;
    this.#stop = stop;
  }

  look(): void {
    this.#looking ??= this.#blobs
      .makeRoom()
      .catch((error: Error) => {
        this.#refusal = error;
        this.#stop();
      })
      .finally(() => (this.#looking = undefined));
  }

  /** @throws Problem `unavailable` (`transfer.no-room`) where there was none */
  async end(): Promise<void> {
    await this.#looking;
    if (this.#refusal) throw this.#refusal;
  }
}

/** The open file, in the format it has: whatever it says of others, QEMU opens none behind it. */
function sourceOf(format: Format): string {
  const file = { driver: 'file', filename: '/proc/self/fd/3' };
  return `json:${JSON.stringify({ driver: DRIVERS[format], backing: null, file })}`;
}

function isWork(name: string): boolean {
  return name.startsWith('work-');
}

/** Clears away what a process that was killed was making; others may share the directory, and what they make stays. */
async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!isWork(name)) continue;
    const folder = join(directory, name);
    const parts = await Promise.all([folder, join(folder, 'image')].map((path) => stat(path).catch(() => undefined)));
    const changedAt = Math.max(...parts.map((part) => part?.mtimeMs ?? 0));
    if (systemClock.now() - changedAt > ABANDONED_MS) await rm(folder, { recursive: true, force: true });
  }
}

async function works([program = '', ...words]: readonly string[]): Promise<boolean> {
  return run(program, words, { timeout: 20_000, env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' } }).then(
    () => true,
    () => false,
  );
}

function failure(format: string, said: string, killed: string | null): Problem {
  if (/No space left|File too large/i.test(said)) {
    return problem('unavailable', 'transfer.no-room', 'there is no room to convert the image', {
      remedy: 'send a smaller image, or have the operator make room',
    });
  }
  if (/^(bwrap|prlimit): /.test(said)) return notBegun(said);
  if (/allocate memory|failed to allocate/i.test(said)) {
    return problem('unavailable', 'image.conversion-memory', 'the conversion of the image ran out of memory', {
      remedy: 'try again later, or convert the image before sending it',
    });
  }
  if (killed !== null) {
    return problem('unavailable', 'image.conversion-time', 'the conversion of the image was cut short', {
      value: killed,
      remedy: 'try again later, or convert the image before sending it',
    });
  }
  return problem('invalid', 'image.conversion', `the image cannot be read as ${format}`, {
    value: withoutPaths(said),
    remedy: 'check the image, for instance with qemu-img check, or convert it before sending it',
  });
}

function notBegun(said: string): Problem {
  return problem('unavailable', 'image.conversion-start', 'the conversion of the image could not begin', {
    value: withoutPaths(said),
    remedy: 'try again later, or convert the image before sending it',
  });
}

/** Paths of this machine are nobody's business, nor how it names what it opens. */
function withoutPaths(said: string): string {
  return said
    .replace(/'json:[^']*'/g, 'the image')
    .replace(/\/[^\s':]+/g, '…')
    .trim()
    .slice(0, 200);
}

function tooLarge(maxBytes: number): Problem {
  return problem('too-large', 'transfer.too-large', `as a raw disk the image would have more than ${maxBytes} bytes`, {
    remedy: 'choose a site that takes a sparse format, or ask the operator for a higher limit',
  });
}
