/**
 * Images in the format that a site takes, made by `qemu-img convert` in a child that can do nothing else: it is told the
 * format that {@link probeImage} found and guesses none, reads one open file, writes one folder, has limits on memory,
 * file size and time, an empty environment, and, where `bwrap` works, no network and no file system but the program's
 * own libraries. What it made is probed like everything that comes from outside.
 */

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, Problem, problem } from '../base/errors.js';
import type { BlobStore } from './blob-store.js';
import { Flights, type FlightOptions } from './flights.js';
import type { FetchedImage } from './image-fetcher.js';
import { probeImage, type ImageProbe } from './image-probe.js';

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

const MEMORY_BYTES = 1 << 30;
/** No conversion takes longer, in milliseconds. */
const LONGEST_MS = 2 * 3600 * 1000;
const run = promisify(execFile);

export class ImageConverter {
  readonly #options: ConverterOptions;
  readonly #confinement: readonly string[];
  readonly #flights = new Flights<FetchedImage, number>();
  /** Conversions wait for one another: each keeps a processor busy. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: ConverterOptions, confinement: readonly string[]) {
    this.#options = options;
    this.#confinement = confinement;
  }

  /** Looks for the programs; undefined where there is no qemu-img that runs. */
  static async find(options: ConverterOptions): Promise<ImageConverter | undefined> {
    const { command, sandbox = 'bwrap', directory } = options;
    const limits = ['prlimit', `--as=${MEMORY_BYTES}`, `--fsize=${options.maxBytes}`, '--core=0', '--nofile=64', '--'];
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const confinement of [[...confined(sandbox, directory), ...limits], limits]) {
      if (await works([...confinement, command, '--version'])) return new ImageConverter(options, confinement);
    }
    return undefined;
  }

  /** Whether the child sees nothing but its own libraries and the file it reads, or only has limits. */
  get confined(): boolean {
    return this.#confinement[0] !== 'prlimit';
  }

  /** The format that an image of `from` is best converted to for a site that takes `taken`. */
  static target(from: Format, taken: readonly string[]): Format | undefined {
    return taken.includes(from) ? undefined : TARGETS.find((each) => taken.includes(each));
  }

  /**
   * The image in another format, made at most once per content.
   *
   * @throws Problem `invalid` (`image.conversion`) where the image cannot be read as what it claims to be, `too-large`,
   *   `unavailable` (`transfer.no-room`, `image.conversion-time`)
   */
  async convert(image: FetchedImage, to: Format, options: ConvertOptions = {}): Promise<FetchedImage> {
    const key = `${image.sha256}.${to}`;
    const known = await this.#known(key);
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
    const folder = await mkdtemp(join(directory, 'work-'));
    try {
      const out = join(folder, 'image');
      await this.#run(image, to, out, signal, report);
      const blob = await blobs.adopt(out, { maxBytes });
      await this.#note(key, blob.sha256);
      return await this.#probed(blob);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #run(
    image: FetchedImage,
    to: Format,
    out: string,
    signal: AbortSignal,
    report: (percent: number) => void,
  ): Promise<void> {
    const subformat = WRITE_OPTIONS[to];
    const [program = '', ...words] = [
      ...this.#confinement,
      this.#options.command,
      ...['convert', '-p', '-f', DRIVERS[image.format], '-O', DRIVERS[to]],
      ...(subformat === undefined ? [] : ['-o', subformat]),
      '/proc/self/fd/3',
      out,
    ];
    const source = await this.#options.blobs.handle(image.sha256);
    try {
      const child = spawn(program, words, {
        stdio: ['ignore', 'pipe', 'pipe', source.fd],
        env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
        timeout: LONGEST_MS,
        killSignal: 'SIGKILL',
        signal,
      });
      const said: string[] = [];
      child.stdout?.on('data', (text: Buffer) => {
        const percent = /\((\d+)\.\d+\/100%\)\s*$/.exec(text.toString('latin1').trimEnd())?.[1];
        if (percent !== undefined) report(Number(percent));
      });
      child.stderr?.on('data', (text: Buffer) => {
        if (said.length < 8) said.push(text.toString('latin1').slice(0, 500));
      });
      const { code, killed } = await new Promise<{ code: number | null; killed: string | null }>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, killed) => resolve({ code, killed }));
      });
      signal.throwIfAborted();
      if (code !== 0) throw failure(image.format, said.join(''), killed);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof Problem ? error : failure(image.format, messageOf(error), null);
    } finally {
      await source.close();
    }
  }

  async #probed(blob: { readonly sha256: string; readonly sizeBytes: number }): Promise<FetchedImage> {
    const read = (offset: number, length: number): Promise<Uint8Array> =>
      this.#options.blobs.read(blob.sha256, offset, length);
    return { ...blob, ...(await probeImage({ sizeBytes: blob.sizeBytes, read })) };
  }

  /** What the image became before, unless that has been evicted. */
  async #known(key: string): Promise<FetchedImage | undefined> {
    const sha256 = await readFile(join(this.#options.directory, key), 'utf8').catch(() => '');
    const blob = /^[0-9a-f]{64}$/.test(sha256) ? await this.#options.blobs.find(sha256) : undefined;
    return blob && this.#probed(blob);
  }

  async #note(key: string, sha256: string): Promise<void> {
    const path = join(this.#options.directory, key);
    await writeFile(`${path}.new`, sha256, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}

/** A file system of libraries and the folder to write to, no network, no other process, nobody's environment. */
function confined(sandbox: string, directory: string): string[] {
  const system = ['/usr', '/lib', '/lib64', '/bin', '/sbin', '/etc/ld.so.cache', '/etc/alternatives', '/opt', '/nix'];
  return [
    ...[sandbox, '--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...system.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev', '--bind', directory, directory, '--chdir', directory],
  ];
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
  if (killed !== null) {
    return problem('unavailable', 'image.conversion-time', 'the conversion of the image was cut short', {
      value: killed,
      remedy: 'try again later, or convert the image before sending it',
    });
  }
  return problem('invalid', 'image.conversion', `the image cannot be read as ${format}`, {
    // Paths of this machine are nobody's business.
    value: said
      .replace(/\/[^\s':]+/g, '…')
      .trim()
      .slice(0, 200),
    remedy: 'check the image, for instance with qemu-img check, or convert it before sending it',
  });
}

function tooLarge(maxBytes: number): Problem {
  return problem('too-large', 'transfer.too-large', `as a raw disk the image would have more than ${maxBytes} bytes`, {
    remedy: 'choose a site that takes a sparse format, or ask the operator for a higher limit',
  });
}
