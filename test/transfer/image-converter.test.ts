/** Conversion of images with the real qemu-img: what comes out, what is refused, what a child can reach, who waits for whom. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlobStore } from '../../src/transfer/blob-store.js';
import { ImageConverter } from '../../src/transfer/image-converter.js';
import type { FetchedImage } from '../../src/transfer/image-fetcher.js';
import { probeImage } from '../../src/transfer/image-probe.js';
import { FakeClock } from '../net/fake-clock.js';
import { describeWith } from '../support/counterparts.js';
import { refusal, removeTemporaryFolders, stream, temporaryFolder } from './support.js';

afterEach(removeTemporaryFolders);

interface Bench {
  readonly converter: ImageConverter;
  readonly blobs: BlobStore;
  readonly folder: string;
  put(bytes: Uint8Array): Promise<FetchedImage>;
}

interface BenchOptions {
  readonly command?: string;
  readonly sandbox?: string;
  readonly maxBytes?: number;
  readonly quotaBytes?: number;
  readonly folder?: string;
}

async function bench(options: BenchOptions = {}): Promise<Bench> {
  const {
    command = 'qemu-img',
    maxBytes = 64 << 20,
    folder = temporaryFolder(),
    quotaBytes = 256 << 20,
    ...rest
  } = options;
  const blobs = await BlobStore.open({
    directory: join(folder, 'blobs'),
    quotaBytes,
    clock: new FakeClock(),
    referenced: async () => Promise.resolve(new Set()),
    promised: async () => converter?.underWay() ?? 0,
  });
  const directory = join(folder, 'converted');
  const converter = await ImageConverter.find({ blobs, directory, maxBytes, command, ...rest });
  if (!converter) throw new Error('no qemu-img');
  const put = async (bytes: Uint8Array): Promise<FetchedImage> => {
    const blob = await blobs.put(stream(bytes), { maxBytes: 256 << 20 });
    const read = (offset: number, length: number): Promise<Uint8Array> => blobs.read(blob.sha256, offset, length);
    return { ...blob, ...(await probeImage({ sizeBytes: blob.sizeBytes, read })) };
  };
  return { converter, blobs, folder, put };
}

const SIZE = 4 << 20;
const DISK = Buffer.concat([randomBytes(1 << 20), Buffer.alloc(SIZE - (1 << 20))]);

/** The disk in another format, as qemu-img writes it. */
function made(driver: string, ...options: string[]): Buffer {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'disk.raw'), DISK);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', driver, ...options, 'disk.raw', 'disk.out'], { cwd: folder });
  return readFileSync(join(folder, 'disk.out'));
}

/** A program in the place of qemu-img. */
function program(folder: string, script: string): string {
  const path = join(folder, 'qemu-img');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

describe('which format an image becomes', () => {
  it.each([
    ['qcow2', ['qcow2', 'raw'], undefined],
    ['vmdk', ['raw', 'qcow2'], 'qcow2'],
    ['qcow2', ['raw'], 'raw'],
    ['vhd', ['vmdk', 'raw'], 'vmdk'],
    ['iso', ['qcow2'], 'qcow2'],
    ['qcow2', ['ova'], undefined],
    ['qcow2', [], undefined],
  ] as const)('%s for a site that takes %j: %s', (from, taken, to) => {
    expect(ImageConverter.target(from, taken)).toBe(to);
  });
});

describeWith('qemu-img')('converted by qemu-img', () => {
  it.each([
    ['vmdk', 'qcow2', () => made('vmdk', '-o', 'subformat=streamOptimized')],
    ['vmdk', 'raw', () => made('vmdk')],
    ['qcow2', 'vmdk', () => made('qcow2', '-c')],
    ['raw', 'vhd', () => DISK],
    ['vhd', 'qcow2', () => made('vpc', '-o', 'force_size=on')],
  ] as const)('%s to %s holds the same disk', async (from, to, bytes) => {
    const { converter, blobs, put, folder } = await bench();
    const image = await put(bytes());
    expect(image.format).toBe(from);
    const seen: number[] = [];
    const converted = await converter.convert(image, to, { onProgress: (percent) => seen.push(percent) });
    expect(converted.format).toBe(to);
    expect(converted.virtualSizeBytes).toBeGreaterThanOrEqual(SIZE);
    const back = converted.format === 'raw' ? converted : await converter.convert(converted, 'raw');
    expect(Buffer.from(await blobs.read(back.sha256, 0, SIZE)).equals(DISK)).toBe(true);
    expect(seen.at(-1)).toBe(100);
    expect(readdirSync(join(folder, 'converted')).filter((name) => name.startsWith('work-'))).toEqual([]);
  });

  it('is done once for all who ask, and once per content', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'calls');
    const counting = program(folder, `case $1 in convert) echo x >>${log};; esac\nexec qemu-img "$@"`);
    const { converter, put } = await bench({ command: counting, sandbox: 'no-such-sandbox' });
    expect(converter.confined).toBe(false);
    const image = await put(made('qcow2'));
    const all = await Promise.all([1, 2, 3].map(() => converter.convert(image, 'vmdk')));
    expect(new Set(all.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(await converter.convert(image, 'vmdk')).toEqual(all[0]);
    expect(readFileSync(log, 'utf8')).toBe('x\n');
  });

  it('refuses what is not what it claims to be, and what would be too large, and leaves nothing behind', async () => {
    const { converter, put, folder } = await bench({ maxBytes: 2 << 20 });
    const image = await put(made('qcow2'));
    expect(await refusal(converter.convert(image, 'raw'))).toBe('transfer.too-large');
    const broken = made('vmdk', '-o', 'subformat=streamOptimized').fill(0xff, 200_000, 400_000);
    expect(await refusal(converter.convert(await put(broken), 'qcow2'))).toBe('image.conversion');
    const full = await put(Buffer.concat([randomBytes(3 << 20)]));
    expect(await refusal(converter.convert(full, 'qcow2'))).toBe('transfer.no-room');
    expect(readdirSync(join(folder, 'converted'))).toEqual([]);
  });

  it.each([
    [
      'runs out of memory',
      'echo "qemu_memalign: failed to allocate 2097152 bytes" >&2; kill -6 $$',
      'conversion-memory',
    ],
    ['is killed', 'kill -9 $$', 'conversion-time'],
    ['cannot be confined', 'echo "bwrap: Creating new namespace failed" >&2; exit 1', 'conversion-start'],
    ['is gone', '', 'conversion-start'],
  ])('does not blame the image where the program %s', async (what, script, code) => {
    const folder = temporaryFolder();
    const failing = program(folder, `case $1 in convert) ${script};; esac\nexec qemu-img "$@"`);
    const { converter, put } = await bench({ command: failing, sandbox: 'no-such-sandbox' });
    const image = await put(made('qcow2'));
    if (what === 'is gone') rmSync(failing);
    const refused = await converter.convert(image, 'raw').catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: 'unavailable', faults: [{ code: `image.${code}` }] });
  });

  it('has memory for all the threads that a slow disk makes it start', async () => {
    const folder = temporaryFolder();
    const script = 'for out; do :; done\n{ ulimit -s; ulimit -v; echo $MALLOC_ARENA_MAX; } >$out';
    const looking = program(folder, `case $1 in convert) ${script}; exit;; esac\nexec qemu-img "$@"`);
    const { converter, blobs, put } = await bench({ command: looking, sandbox: 'no-such-sandbox' });
    const seen = await converter.convert(await put(made('qcow2')), 'raw');
    const [stack, memory, heaps] = Buffer.from(await blobs.read(seen.sha256, 0, 99))
      .toString()
      .split('\n')
      .map(Number);
    expect(heaps).toBe(1);
    expect(64 * (stack ?? NaN)).toBeLessThan((memory ?? NaN) / 2);
  });

  it('clears away what a killed process left, at the start and later, and nothing that is being made', async () => {
    const folder = temporaryFolder();
    const leave = (name: string, hoursAgo: number): void => {
      const work = join(folder, 'converted', name);
      mkdirSync(work, { recursive: true });
      writeFileSync(join(work, 'image'), 'half');
      const time = Date.now() / 1000 - hoursAgo * 3600;
      for (const path of [join(work, 'image'), work]) utimesSync(path, time, time);
    };
    const left = (): string[] => readdirSync(join(folder, 'converted')).filter((name) => name.startsWith('work-'));
    leave('work-old', 4);
    leave('work-young', 2);
    const { converter, put } = await bench({ folder });
    expect(left()).toEqual(['work-young']);
    leave('work-older', 5);
    await converter.convert(await put(made('qcow2')), 'raw');
    expect(left()).toEqual(['work-young']);
  });

  it('counts in the quota of the store: what it will come to at first, then what it has become', async () => {
    const raw = { command: 'qemu-img', quotaBytes: SIZE + (SIZE >> 1), sandbox: 'no-such-sandbox' };
    const small = await bench(raw);
    const image = await small.put(made('qcow2'));
    expect(image.sizeBytes).toBeLessThan(SIZE / 2);
    expect(await refusal(small.converter.convert({ ...image, virtualSizeBytes: 2 * SIZE }, 'raw'))).toBe(
      'transfer.no-room',
    );
    expect(await small.converter.convert(image, 'raw')).toMatchObject({ sizeBytes: SIZE });
    expect(await small.converter.underWay()).toBe(0);

    // Says how far it is once it has written more than anybody expected, and would go on writing.
    const growing = `case " $* " in *" convert "*) for out; do :; done; head -c ${2 * SIZE} /dev/zero > "$out"; while :; do echo "(50.00/100%)"; sleep 0.1; done;; esac`;
    const command = program(temporaryFolder(), growing);
    const large = await bench({ ...raw, command });
    const other = await large.put(made('qcow2'));
    expect(await refusal(large.converter.convert(other, 'vmdk'))).toBe('transfer.no-room');
    expect(await large.converter.underWay()).toBe(0);
  });

  it('stops when the last of those who wait has gone', async () => {
    const folder = temporaryFolder();
    const hanging = program(folder, 'case $1 in convert) exec sleep 600;; esac\nexec qemu-img "$@"');
    const { converter, put, folder: own } = await bench({ command: hanging, sandbox: 'no-such-sandbox' });
    const image = await put(made('qcow2'));
    const stop = new AbortController();
    const work = converter.convert(image, 'vmdk', { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
    await expect(converter.convert(image, 'raw', { signal: AbortSignal.timeout(500) })).rejects.toThrow();
    expect(readdirSync(join(own, 'blobs', 'tmp'))).toEqual([]);
  });
});

describeWith('qemu-img', 'bwrap')('the sandbox', () => {
  it('shows the image, and neither other files nor the environment nor the network', async () => {
    const outside = join(temporaryFolder(), 'secret');
    writeFileSync(outside, 'sesame');
    const folder = temporaryFolder();
    const spying = [
      'case $1 in convert) ;; *) exit 0;; esac',
      'for out; do :; done',
      `{ env; cat ${outside} /etc/passwd; ls /tmp /root /home; cat /proc/net/dev; head -c 3 /proc/self/fd/3; } >$out 2>&1`,
      'for folder in /opt /nix /srv /var /usr/local /usr/share /usr/src; do [ -e $folder ] && echo shown $folder; done >>$out',
      'true',
    ];
    const command = program(folder, spying.join('\n'));
    process.env['VEP_TEST_SESAME'] = 'sesame';
    const { converter, blobs, put } = await bench({ command, folder });
    const image = await put(made('qcow2'));
    const spied = await converter.convert(image, 'raw');
    delete process.env['VEP_TEST_SESAME'];
    expect(converter.confined).toBe(true);
    const said = Buffer.from(await blobs.read(spied.sha256, 0, 1 << 20)).toString('latin1');
    expect(said).toContain('PATH=');
    expect(said).toContain('QFI');
    expect(said).toContain('lo:');
    expect(said).not.toMatch(/sesame|root:|eth\d|ens\d|shown/);
  });

  it('shows a program that was installed elsewhere the libraries beside it, and nothing else there', async () => {
    const prefix = temporaryFolder();
    for (const name of ['lib', 'share']) mkdirSync(join(prefix, name));
    writeFileSync(join(prefix, 'lib', 'needed'), 'a library');
    writeFileSync(join(prefix, 'share', 'secret'), 'sesame');
    const reading = `cat ${prefix}/lib/needed ${prefix}/share/secret >$out 2>&1; ls ${prefix} >>$out`;
    const begin = 'case $1 in convert) ;; *) exit 0;; esac\nfor out; do :; done';
    const { converter, blobs, put } = await bench({ command: program(join(prefix, 'bin'), `${begin}\n${reading}`) });
    expect(converter.confined).toBe(true);
    const { sha256 } = await converter.convert(await put(made('qcow2')), 'raw');
    const said = Buffer.from(await blobs.read(sha256, 0, 1000)).toString('latin1');
    expect(said).toContain('a library');
    expect(said).toMatch(/\nbin\nlib\n$/);
    expect(said).not.toContain('sesame');
  });

  it('lets it write nothing but its result, which is a file', async () => {
    const folder = temporaryFolder();
    const notes = join(folder, 'converted');
    const forging = `echo forged >${notes}/forged || echo refused >$out; ls ${notes} >>$out`;
    const linking = `ln -s ${join(folder, 'qemu-img')} $out`;
    const begin = 'case $1 in convert) ;; *) exit 0;; esac\nfor out; do :; done';
    const forger = await bench({ command: program(folder, `${begin}\n${forging}`), folder });
    const image = await forger.put(made('qcow2'));
    const { sha256 } = await forger.converter.convert(image, 'raw');
    const said = Buffer.from(await forger.blobs.read(sha256, 0, 1000)).toString('latin1');
    expect(said).toMatch(/^(refused\n)?(forged\n)?work-\w+\n$/);
    expect(readdirSync(notes)).toEqual([`${image.sha256}.raw`]);
    const linker = await bench({ command: program(folder, `${begin}\n${linking}`), folder });
    expect(await refusal(linker.converter.convert(image, 'vmdk'))).toBe('image.conversion');
  });
});
