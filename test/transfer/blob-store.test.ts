/** Files by content: all or nothing, verified while they come, and gone when room is needed (S-095, S-102). */

import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { BlobStore, type BlobStoreOptions } from '../../src/transfer/blob-store.js';
import { gunzip } from '../../src/transfer/gunzip.js';
import { gzipSync } from 'node:zlib';
import { FakeClock } from '../net/fake-clock.js';
import { broken, refusal, removeTemporaryFolders, sha256, stream, temporaryFolder, textOf } from './support.js';

afterEach(removeTemporaryFolders);

interface Opened {
  readonly store: BlobStore;
  readonly clock: FakeClock;
  readonly directory: string;
  readonly referenced: Set<string>;
}

async function opened(
  quotaBytes = 1 << 20,
  directory = temporaryFolder(),
  more: Partial<BlobStoreOptions> = {},
): Promise<Opened> {
  const clock = new FakeClock();
  const referenced = new Set<string>();
  const store = await BlobStore.open({ directory, quotaBytes, clock, referenced: async () => referenced, ...more });
  return { store, clock, directory, referenced };
}

const any = { maxBytes: 1000 };

describe('BlobStore', () => {
  it('gives back what was put, under its digest', async () => {
    const { store, directory } = await opened();
    const blob = await store.put(stream('hello ', 'world'), any);
    expect(blob).toEqual({ sha256: sha256('hello world'), sizeBytes: 11 });
    expect(await textOf(await store.open(blob.sha256))).toBe('hello world');
    expect(Buffer.from(await store.read(blob.sha256, 6, 100)).toString()).toBe('world');
    expect(await store.find(blob.sha256)).toEqual(blob);
    const again = await opened(1 << 20, directory);
    expect(await again.store.find(blob.sha256)).toEqual(blob);
    expect(await store.put(stream('hello world'), any)).toEqual(blob);
  });

  it.each<[string, Parameters<BlobStore['put']>, string]>([
    ['too many bytes', [stream('12345', '678901'), { maxBytes: 10 }], 'transfer.too-large'],
    ['fewer bytes than announced', [stream('123'), { maxBytes: 10, sizeBytes: 4 }], 'transfer.size'],
    ['more bytes than announced', [stream('12345'), { maxBytes: 10, sizeBytes: 4 }], 'transfer.size'],
    ['another digest', [stream('a'), { ...any, digest: { algorithm: 'sha1', hex: '00' } }], 'transfer.digest'],
    ['more than the quota', [stream('x'.repeat(200)), any], 'transfer.no-room'],
    ['an announced size over the quota', [stream('a'), { ...any, sizeBytes: 500 }], 'transfer.no-room'],
  ])('S-095 refuses %s and leaves nothing behind', async (_what, [bytes, expectation], code) => {
    const { store, directory } = await opened(100);
    expect(await refusal(store.put(bytes, expectation))).toBe(code);
    expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
    expect(readdirSync(directory)).toEqual(['tmp']);
    expect((await store.put(stream('x'.repeat(100)), any)).sizeBytes).toBe(100);
  });

  it('leaves nothing behind when the source breaks off', async () => {
    const { store, directory } = await opened();
    await expect(store.put(broken('half'), any)).rejects.toThrow('the line broke');
    expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
  });

  it.each(['md5', 'SHA256', '../../etc/passwd', '', 'A'.repeat(64)])('has nothing under the name %j', async (name) => {
    const { store } = await opened();
    expect(await refusal(store.open(name))).toBe('not-found');
    expect(await refusal(store.read(name, 0, 1))).toBe('not-found');
  });

  it('accepts each digest of OVF manifests, in either case', async () => {
    const { store } = await opened();
    const hex = 'A9993E364706816ABA3E25717850C26C9CD0D89D';
    expect((await store.put(stream('abc'), { ...any, digest: { algorithm: 'sha1', hex } })).sizeBytes).toBe(3);
  });

  it('evicts the least recently used that nobody refers to, and nothing fresh', async () => {
    const { store, clock, referenced } = await opened(100);
    const put = async (letter: string): Promise<string> => {
      clock.advance(1000);
      return (await store.put(stream(letter.repeat(30)), any)).sha256;
    };
    const [a, b, c] = [await put('a'), await put('b'), await put('c')];
    expect(await refusal(put('d'))).toBe('transfer.no-room');
    clock.advance(700_000);
    referenced.add(a);
    await store.find(b);
    await put('d');
    expect(await Promise.all([a, b, c].map(async (each) => (await store.find(each)) !== undefined))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('evicts nothing for what will not fit all the same', async () => {
    const { store, clock, referenced } = await opened(100);
    const old = await store.put(stream('a'.repeat(30)), any);
    referenced.add((await store.put(stream('b'.repeat(30)), any)).sha256);
    clock.advance(700_000);
    expect(await refusal(store.put(stream('c'), { ...any, sizeBytes: 71 }))).toBe('transfer.no-room');
    expect(await store.find(old.sha256)).toEqual(old);
  });

  it.each<[string, (store: BlobStore, name: string) => Promise<unknown>]>([
    ['found', (store, name) => store.find(name)],
    ['sent again', (store) => store.put(stream('a'.repeat(60)), any)],
    ['opened', async (store, name) => (await store.handle(name)).close()],
  ])('keeps what is %s by whatever process while room is made', async (_what, use) => {
    const directory = temporaryFolder();
    const { store: other, clock } = await opened(1000, directory);
    const old = await other.put(stream('a'.repeat(60)), any);
    clock.advance(700_000);
    const referenced = async (): Promise<ReadonlySet<string>> => {
      await use(other, old.sha256);
      return new Set();
    };
    const { store } = await opened(100, directory, { clock, referenced });
    expect(await refusal(store.put(stream('b'.repeat(60)), any))).toBe('transfer.no-room');
    expect(await textOf(await store.open(old.sha256))).toBe('a'.repeat(60));
  });

  it('counts what other processes have stored and are writing, and what was promised', async () => {
    const directory = temporaryFolder();
    let promised = 0;
    const { store, clock } = await opened(100, directory, { promised: async () => promised });
    const { store: other } = await opened(100, directory, { clock });
    await store.put(stream('a'.repeat(10)), any);
    await other.put(stream('b'.repeat(20)), any);
    const writing = join(directory, 'tmp', 'of-another');
    writeFileSync(writing, 'c'.repeat(30));
    utimesSync(writing, clock.now() / 1000, clock.now() / 1000);
    clock.advance(11_000);
    expect(await refusal(store.put(stream('d'), { ...any, sizeBytes: 41 }))).toBe('transfer.no-room');
    promised = 5;
    await store.makeRoom();
    expect(await refusal(store.put(stream('d'), { ...any, sizeBytes: 36 }))).toBe('transfer.no-room');
    expect((await store.put(stream('d'.repeat(35)), { ...any, sizeBytes: 35 })).sizeBytes).toBe(35);
    expect(await refusal(store.makeRoom(1))).toBe('transfer.no-room');
  });

  it('lets a reader finish what is evicted meanwhile', async () => {
    const { store, clock } = await opened(100);
    const { sha256: name } = await store.put(stream('a'.repeat(60)), any);
    const bytes = await store.open(name);
    clock.advance(700_000);
    await store.put(stream('b'.repeat(60)), any);
    expect(await store.find(name)).toBeUndefined();
    expect(await textOf(bytes)).toBe('a'.repeat(60));
  });

  it('clears away at the start what a dead process was writing, and nothing else', async () => {
    const directory = temporaryFolder();
    mkdirSync(join(directory, 'tmp'));
    for (const [name, seconds] of [
      ['dead', 1_800_000_000 - 3601],
      ['alive', 1_800_000_000 - 60],
    ] as const) {
      writeFileSync(join(directory, 'tmp', name), 'x');
      utimesSync(join(directory, 'tmp', name), seconds, seconds);
    }
    await opened(1000, directory);
    expect(readdirSync(join(directory, 'tmp'))).toEqual(['alive']);
  });

  it('never holds more than its quota, and never forgets what is referred to', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(9), fc.boolean(), fc.nat(900_000)), { maxLength: 12 }),
        async (steps) => {
          const { store, clock, referenced, directory } = await opened(100);
          for (const [letter, keep, pause] of steps) {
            clock.advance(pause);
            const text = String(letter).repeat(10 + letter * 4);
            const blob = await store.put(stream(text), any).catch(() => undefined);
            if (blob && keep) referenced.add(blob.sha256);
            const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
              (each) => each.name.length === 64,
            );
            const kept = await Promise.all(names.map(async (each) => (await store.read(each.name, 0, 1000)).length));
            expect(kept.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(100);
            for (const name of referenced) expect(names.map((each) => each.name)).toContain(name);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('gunzip', () => {
  it('decompresses', async () => {
    const packed = gzipSync('hello world');
    expect(await textOf(gunzip(stream(packed.subarray(0, 5), packed.subarray(5)), 100))).toBe('hello world');
  });

  it.each([
    ['a stream that is not gzip', stream('hello world, this is no gzip'), 'transfer.gzip'],
    ['a truncated stream', stream(gzipSync('hello').subarray(0, -4)), 'transfer.gzip'],
    ['more than the limit', stream(gzipSync('x'.repeat(101))), 'transfer.too-large'],
  ])('S-096 refuses %s', async (_what, bytes, code) => {
    expect(await refusal(textOf(gunzip(bytes, 100)))).toBe(code);
  });

  it('S-096 stops a bomb long before its end', async () => {
    const megabyte = gzipSync(Buffer.alloc(16 << 20));
    let taken = 0;
    async function* bomb(): AsyncGenerator<Uint8Array> {
      for (; taken < 640; taken += 1) yield megabyte;
    }
    const drained = (async () => {
      for await (const _chunk of gunzip(bomb(), 2 ** 40));
    })();
    expect(await refusal(drained)).toBe('transfer.gzip');
    expect(taken).toBeLessThan(32);
  });

  it('passes on the failure of its source', async () => {
    await expect(textOf(gunzip(broken(''), 100))).rejects.toThrow('the line broke');
  });
});
