/** Images from the web, from files, uploads and packages: verified, shared, and refused where they may not come from. */

import { jest } from '@jest/globals';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { GuardedDialler } from '../../src/net/dialler.js';
import { BlobStore } from '../../src/transfer/blob-store.js';
import { ImageFetcher, type HeldImage, type ImageSource, type Progress } from '../../src/transfer/image-fetcher.js';
import { FilesAndWeb } from '../../src/transfer/sources.js';
import { Uploads } from '../../src/transfer/uploads.js';
import { FakeClock } from '../net/fake-clock.js';
import { refusal, removeTemporaryFolders, sha256, stream, temporaryFolder } from './support.js';

const image = 'a boot sector and what follows';
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  removeTemporaryFolders();
});

/** A web server on loopback with these answers; the URL of its root and the paths it was asked for. */
async function serve(listener: RequestListener): Promise<{ root: string; asked: string[] }> {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { root: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

interface Opened {
  readonly fetcher: ImageFetcher;
  readonly blobs: BlobStore;
  readonly uploads: Uploads;
  readonly files: string;
}

/** @param pauses keeps the pauses of the fetcher */
async function opened(pauses: Clock = systemClock): Promise<Opened> {
  const folder = temporaryFolder();
  const files = join(folder, 'files');
  mkdirSync(files);
  const clock = new FakeClock();
  const blobs = await BlobStore.open({
    directory: join(folder, 'blobs'),
    quotaBytes: 100_000,
    clock,
    referenced: async () => new Set(),
  });
  const uploads = await Uploads.open({
    directory: join(folder, 'uploads'),
    blobs,
    clock,
    maxBytes: 5000,
    ownerBytes: 50_000,
    lifetimeMs: 60_000,
  });
  const dialler = new GuardedDialler({ allow: ['127.0.0.0/8'] });
  closers.push(() => dialler.close());
  return {
    fetcher: new ImageFetcher({
      sources: new FilesAndWeb(dialler, [files]),
      blobs,
      uploads,
      siteImages,
      maxBytes: 5000,
      clock: pauses,
    }),
    blobs,
    uploads,
    files,
  };
}

/** Images that a site holds, by name, and how often one was opened. */
const held = new Map<string, HeldImage>();
let openings = 0;

function siteImages(site: string, name: string): Promise<HeldImage> {
  const image = site === 'east' ? held.get(name) : undefined;
  return image ? Promise.resolve(image) : Promise.reject(new Error('the site has no such image'));
}

function hold(name: string, bytes: () => AsyncIterable<Uint8Array>, more: Partial<HeldImage> = {}): ImageSource {
  const open: HeldImage['open'] = () => {
    openings += 1;
    return Promise.resolve(bytes());
  };
  held.set(name, { sizeBytes: image.length, open, ...more });
  return { from: { site: 'east', image: name }, owner: 'alice' };
}

function from(url: string, more: Omit<Partial<ImageSource>, 'from'> = {}): ImageSource {
  return { from: { url }, owner: 'alice', ...more };
}

const stored = { sha256: sha256(image), sizeBytes: image.length, format: 'raw', virtualSizeBytes: image.length };

describe('from the web', () => {
  it('fetches, verifies, probes and reports progress', async () => {
    const { fetcher } = await opened();
    const { root } = await serve((_request, response) => response.end(image));
    const seen: Progress[] = [];
    const source = from(`${root}/disk`, {
      sizeBytes: image.length,
      digest: { algorithm: 'sha256', hex: sha256(image) },
    });
    expect(await fetcher.fetch(source, { onProgress: (progress) => seen.push(progress) })).toEqual(stored);
    expect(seen.at(-1)).toEqual({ receivedBytes: image.length, totalBytes: image.length });
  });

  it('decompresses, with size and digest of the compressed file', async () => {
    const { fetcher } = await opened();
    const packed = gzipSync(image);
    const { root } = await serve((_request, response) => response.end(packed));
    const announced = {
      compression: 'gzip',
      sizeBytes: packed.length,
      digest: { algorithm: 'sha256', hex: sha256(packed) },
    } as const;
    expect(await fetcher.fetch(from(root, announced))).toEqual(stored);
    expect(
      await refusal(fetcher.fetch(from(`${root}/2`, { ...announced, digest: { algorithm: 'sha256', hex: '00' } }))),
    ).toBe('transfer.digest');
    expect(await refusal(fetcher.fetch(from(root, { compression: 'bzip2' })))).toBe('transfer.compression');
  });

  it('joins the pieces of a file in chunks', async () => {
    const { fetcher } = await opened();
    const { root, asked } = await serve((request, response) => {
      const piece = Number(request.url?.slice(-9));
      response.end(image.slice(piece * 10, piece * 10 + 10));
    });
    expect(await fetcher.fetch(from(`${root}/disk`, { chunkSize: 10, sizeBytes: image.length }))).toEqual(stored);
    expect(asked).toEqual(['/disk.000000000', '/disk.000000001', '/disk.000000002']);
    expect(await refusal(fetcher.fetch(from(`${root}/disk`, { chunkSize: 10 })))).toBe('transfer.chunks');
  });

  it('makes one transfer for all who ask at once, and none for who asks again', async () => {
    const { fetcher } = await opened();
    const { root, asked } = await serve((_request, response) => response.end(image));
    const source = (owner: string): ImageSource =>
      from(root, { owner, digest: { algorithm: 'sha256', hex: sha256(image) } });
    const all = await Promise.all(['alice', 'bob', 'carol'].map((owner) => fetcher.fetch(source(owner))));
    expect(all).toEqual([stored, stored, stored]);
    await fetcher.fetch(source('dave'));
    expect(asked).toHaveLength(1);
  });

  it('asks whether a version that it has is still the one, and takes the answer for a transfer only if it is not', async () => {
    const { fetcher } = await opened();
    let etag = '"1"';
    const conditions: unknown[] = [];
    let sent = 0;
    const { root } = await serve((request, response) => {
      const { 'if-none-match': condition } = request.headers;
      conditions.push(condition);
      if (request.url === '/knows' && condition === etag) return void response.writeHead(304).end();
      sent += 1;
      response.writeHead(200, { etag }).end(`${image} ${etag}`);
    });
    const first = await fetcher.fetch(from(`${root}/knows`));
    expect(await fetcher.fetch(from(`${root}/knows`))).toEqual(first);
    expect(sent).toBe(1);
    etag = '"2"';
    const second = await fetcher.fetch(from(`${root}/knows`));
    expect(second.sha256).toBe(sha256(`${image} "2"`));
    expect(await fetcher.fetch(from(`${root}/knows`))).toEqual(second);
    expect([sent, conditions]).toEqual([2, [undefined, '"1"', '"1"', '"2"']]);
    // One that knows no conditions tells by its tag.
    await fetcher.fetch(from(`${root}/tells`));
    expect(await fetcher.fetch(from(`${root}/tells`))).toEqual(second);
  });

  it('asks by the time of the last change where there is no tag', async () => {
    const { fetcher } = await opened();
    const time = 'Tue, 01 Dec 2026 11:00:00 GMT';
    const { root, asked } = await serve((request, response) => {
      if (request.headers['if-modified-since'] === time) return void response.writeHead(304).end();
      response.writeHead(200, { 'last-modified': time }).end(image);
    });
    for (let round = 0; round < 3; round += 1) expect(await fetcher.fetch(from(root))).toEqual(stored);
    expect(asked).toHaveLength(3);
  });

  it.each([
    ['for half a minute what has nothing to tell it by', {}, 30_000, 1],
    ['no longer than that', {}, 30_001, 2],
    ['not what the server wants nobody else to have', { 'cache-control': 'private, no-store' }, 0, 2],
  ])('shares %s', async (_what, headers, later, times) => {
    const clock = new FakeClock();
    const { fetcher } = await opened(clock);
    const { root, asked } = await serve((_request, response) => response.writeHead(200, headers).end(image));
    await fetcher.fetch(from(root));
    clock.advance(later - 1);
    expect(await fetcher.fetch(from(root, { owner: 'bob' }))).toEqual(stored);
    expect(asked).toHaveLength(times);
  });

  it('shares with nobody who has other credentials, nor what has gone from the store', async () => {
    const { fetcher, blobs } = await opened();
    const { root } = await serve((request, response) => {
      const open = request.headers.authorization === 'Bearer good';
      response.writeHead(open ? 200 : 403, { etag: '"1"' }).end(image);
    });
    const as = (token: string): ImageSource => ({
      from: { url: root, credentials: { [new URL(root).host]: `bearer ${token}` } },
      owner: 'alice',
    });
    await fetcher.fetch(as('good'));
    expect(await refusal(fetcher.fetch(as('bad')))).toBe('transfer.denied');
    expect(await refusal(fetcher.fetch(from(root)))).toBe('transfer.denied');
    jest.spyOn(blobs, 'find').mockResolvedValueOnce(undefined);
    expect(await fetcher.fetch(as('good'))).toEqual(stored);
  });

  it('does not let a known digest stand for the right to read', async () => {
    const { fetcher } = await opened();
    const { root } = await serve((request, response) =>
      response.end(request.url === '/private' ? image : 'something else'),
    );
    await fetcher.fetch(from(`${root}/private`));
    const guess = from(`${root}/guess`, { digest: { algorithm: 'sha256', hex: sha256(image) } });
    expect(await refusal(fetcher.fetch(guess))).toBe('transfer.digest');
  });

  it('shares no transfer between different credentials', async () => {
    const { fetcher } = await opened();
    const { root } = await serve((request, response) => {
      response.statusCode = request.headers.authorization === 'Bearer good' ? 200 : 403;
      response.end(image);
    });
    const digest = { algorithm: 'sha256', hex: sha256(image) } as const;
    const as = (token: string): ImageSource => ({
      from: { url: root, credentials: { [new URL(root).host]: `bearer ${token}` } },
      owner: 'alice',
      digest,
    });
    expect(await fetcher.fetch(as('good'))).toEqual(stored);
    expect(await refusal(fetcher.fetch(as('bad')))).toBe('transfer.denied');
  });

  it.each<[number, string]>([
    [204, 'transfer.not-found'],
    [401, 'transfer.denied'],
    [404, 'transfer.not-found'],
    [429, 'transfer.server'],
    [500, 'transfer.server'],
  ])('refuses status %d as %s', async (status, code) => {
    const { fetcher } = await opened();
    const { root } = await serve((_request, response) => {
      response.writeHead(status, { 'retry-after': '7' }).end();
    });
    expect(await refusal(fetcher.fetch(from(root)))).toBe(code);
  });

  it('refuses an encoding, a wrong size, a wrong digest, a broken line and a private address', async () => {
    const { fetcher } = await opened();
    const { root } = await serve((request, response) => {
      if (request.url === '/encoded') response.setHeader('content-encoding', 'gzip');
      if (request.url === '/broken')
        response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy());
      else response.end(image);
    });
    expect(await refusal(fetcher.fetch(from(`${root}/encoded`)))).toBe('transfer.encoding');
    expect(await refusal(fetcher.fetch(from(root, { sizeBytes: 1 })))).toBe('transfer.size');
    expect(await refusal(fetcher.fetch(from(root, { digest: { algorithm: 'sha512', hex: '00' } })))).toBe(
      'transfer.digest',
    );
    expect(await refusal(fetcher.fetch(from(`${root}/broken`)))).toBe('net.unreachable');
    expect(await refusal(fetcher.fetch(from('http://169.254.169.254/')))).toBe('net.address');
  });

  it('stops the transfer when the last who asked for it has gone, and not before', async () => {
    const { fetcher } = await opened();
    let closed = (): void => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const { root, asked } = await serve((request, response) => {
      request.socket.on('close', closed);
      response.write('beginning');
    });
    const [first, second] = [new AbortController(), new AbortController()];
    let begun = (): void => undefined;
    const underway = new Promise<void>((resolve) => (begun = resolve));
    const results = [
      fetcher.fetch(from(root), { signal: first.signal, onProgress: begun }),
      fetcher.fetch(from(root), { signal: second.signal }),
    ].map((each) => each.catch((error: unknown) => (error as Error).message));
    await underway;
    first.abort(new Error('first left'));
    expect(await results[0]).toBe('first left');
    second.abort(new Error('second left'));
    expect(await results[1]).toBe('second left');
    await gone;
    expect(asked).toHaveLength(1);
  });
});

describe('from files', () => {
  it('takes a file inside an open folder, also through a link within', async () => {
    const { fetcher, files } = await opened();
    writeFileSync(join(files, 'disk'), image);
    symlinkSync(join(files, 'disk'), join(files, 'link'));
    for (const name of ['disk', 'link'])
      expect(await fetcher.fetch(from(pathToFileURL(join(files, name)).href))).toEqual(stored);
  });

  it('refuses all others in the same words', async () => {
    const { fetcher, files } = await opened();
    writeFileSync(join(files, '..', 'outside'), 'secret');
    symlinkSync(join(files, '..', 'outside'), join(files, 'way-out'));
    mkdirSync(join(files, 'folder'));
    const root = pathToFileURL(files).href;
    for (const url of [
      'file:///etc/passwd',
      'file://host/etc/passwd',
      'file:',
      `${root}/../outside`,
      `${root}/%2e%2e/outside`,
      `${root}/..%2foutside`,
      `${root}/way-out`,
      `${root}/folder`,
      `${root}/missing`,
      `${root}-sibling/disk`,
      root,
    ]) {
      expect([url, await refusal(fetcher.fetch(from(url)))]).toEqual([url, 'transfer.file']);
    }
  });
});

describe('from a site', () => {
  beforeEach(() => {
    held.clear();
    openings = 0;
  });

  it('fetches and probes what the site holds, for all who ask at a time', async () => {
    const { fetcher } = await opened();
    const source = hold('golden', () => stream(image));
    const seen: Progress[] = [];
    const both = [
      fetcher.fetch(source, { onProgress: (progress) => seen.push(progress) }),
      fetcher.fetch({ ...source, owner: 'bob' }),
    ];
    expect(await Promise.all(both)).toEqual([stored, stored]);
    expect(openings).toBe(1);
    expect(seen.at(-1)).toEqual({ receivedBytes: image.length, totalBytes: image.length });
  });

  it('asks for the bytes again only where the site tells no digest', async () => {
    const { fetcher } = await opened();
    const digest = { algorithm: 'sha256', hex: sha256(image) } as const;
    for (const [name, more, times] of [
      ['told', { digest }, 1],
      ['untold', {}, 2],
    ] as const) {
      openings = 0;
      const source = hold(name, () => stream(image), more);
      await fetcher.fetch(source);
      expect(await fetcher.fetch(source)).toEqual(stored);
      expect([name, openings]).toEqual([name, times]);
    }
  });

  it.each([
    ['fewer bytes than the site announces', 'a boot', 'transfer.size'],
    ['other bytes than the site announces', image.toUpperCase(), 'transfer.digest'],
  ])('refuses %s', async (_what, bytes, code) => {
    const { fetcher } = await opened();
    const source = hold('bad', () => stream(bytes), { digest: { algorithm: 'sha256', hex: sha256(image) } });
    expect(await refusal(fetcher.fetch(source))).toBe(code);
  });

  it('S-097 refuses one that points elsewhere', async () => {
    const { fetcher } = await opened();
    const bytes = '# Disk DescriptorFile\nRW 1 FLAT "/etc/shadow" 0\n';
    const source = hold('pointing', () => stream(bytes), { sizeBytes: bytes.length });
    expect(await refusal(fetcher.fetch(source))).toBe('image.pointer');
  });

  it('holds it to what whoever asks knows of it', async () => {
    const { fetcher } = await opened();
    expect(await refusal(fetcher.fetch({ ...hold('golden', () => stream(image)), sizeBytes: 3 }))).toBe(
      'transfer.size',
    );
  });

  it('says what the site says', async () => {
    const { fetcher } = await opened();
    await expect(fetcher.fetch({ from: { site: 'east', image: 'gone' }, owner: 'alice' })).rejects.toThrow(
      'the site has no such image',
    );
  });
});

describe('from here', () => {
  it("takes the owner's finished upload, and nobody else's", async () => {
    const { fetcher, uploads } = await opened();
    const { id } = await uploads.create({ owner: 'alice', name: 'disk', sizeBytes: image.length });
    expect(await refusal(fetcher.fetch(from(`upload:${id}`)))).toBe('upload.unfinished');
    await uploads.append(id, 'alice', { first: 0, last: image.length - 1 }, stream(image));
    expect(await fetcher.fetch(from(`upload:${id}`))).toEqual(stored);
    expect(await fetcher.fetch(from(`upload:${id}`, { digest: { algorithm: 'sha256', hex: sha256(image) } }))).toEqual(
      stored,
    );
    expect(await refusal(fetcher.fetch(from(`upload:${id}`, { owner: 'bob' })))).toBe('not-found');
    expect(await refusal(fetcher.fetch(from(`upload:${id}`, { sizeBytes: 3 })))).toBe('transfer.size');
  });

  it('decompresses a file of an unpacked package', async () => {
    const { fetcher, blobs } = await opened();
    const member = await blobs.put(stream(gzipSync(image)), { maxBytes: 1000 });
    expect(await fetcher.fetch({ from: { sha256: member.sha256 }, owner: 'alice', compression: 'gzip' })).toEqual(
      stored,
    );
    expect(await refusal(fetcher.fetch({ from: { sha256: sha256('never put') }, owner: 'alice' }))).toBe(
      'transfer.gone',
    );
  });

  it('S-097 refuses an image that points elsewhere', async () => {
    const { fetcher, files } = await opened();
    writeFileSync(join(files, 'disk'), '# Disk DescriptorFile\nRW 1 FLAT "/etc/shadow" 0\n');
    expect(await refusal(fetcher.fetch(from(pathToFileURL(join(files, 'disk')).href)))).toBe('image.pointer');
  });
});
