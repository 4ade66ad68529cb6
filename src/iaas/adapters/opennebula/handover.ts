/**
 * How oned gets the bytes of an image: as a file in a directory that both see (which must be among the SAFE_DIRS of the
 * datastore), or over HTTP from VEP itself. oned asks for a URL some ten times, with broken-off requests among them, and
 * checks no certificate; so what it is given is an address of its own for each image, good until the image has arrived, also
 * after VEP has started anew. Bytes are written and measured before oned hears of them: a stream that breaks leaves nothing behind.
 */

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, posix } from 'node:path';
import { messageOf } from '../../../base/errors.js';
import type { ImageSpec, SiteFinding } from '../../adapter.js';
import { sweepImageFiles, writeImageFile } from '../../image-file.js';
import type { HandoverOptions } from './options.js';

export interface Handover {
  /** The keys of the configuration that say how oned gets the bytes. */
  readonly keys: string;
  /** Puts the bytes where oned gets them; answers the PATH of the image in oned's eyes. @throws IaasError as {@link writeImageFile} */
  take(spec: ImageSpec, signal: AbortSignal | undefined): Promise<string>;
  /** Sees to it that oned gets what it has been told of, perhaps by an earlier process. */
  serve(): Promise<void>;
  /** Takes away what is under a PATH; one that is not of this handover is left alone. */
  release(path: string): Promise<void>;
  /**
   * Takes away what has been there since before a time (epoch milliseconds), unless it is under one of the paths that are needed.
   * Answers how many files stay.
   */
  sweep(before: number, needed: () => Promise<readonly string[]>): Promise<number>;
  check(): Promise<readonly SiteFinding[]>;
  close(): Promise<void>;
}

/**
 * @param scratch a directory of VEP's own, for bytes that go out over HTTP
 * @param site what tells this OpenNebula from others whose handover is in the same directory
 */
export function openHandover(options: HandoverOptions, scratch: string, site: string): Handover {
  const names = new Names(createHash('sha256').update(site).digest('hex').slice(0, 8));
  return 'directory' in options
    ? new DirectoryHandover(options.directory, options.seenAs ?? options.directory, names)
    : new HttpHandover(options.listen, options.url, scratch, names);
}

/** Names of files that nobody guesses, and that are known again. */
class Names {
  readonly #pattern: RegExp;
  readonly #site: string;

  constructor(site: string) {
    this.#site = site;
    this.#pattern = new RegExp(`^vep-image-${site}-[0-9a-f]{48}\\.\\w+$`);
  }

  make(format: string): string {
    return `vep-image-${this.#site}-${randomBytes(24).toString('hex')}.${format}`;
  }

  isOne(name: string): boolean {
    return this.#pattern.test(name);
  }

  /** The one that a path or URL ends with. */
  in(path: string): string | undefined {
    const name = posix.basename(path);
    return this.isOne(name) ? name : undefined;
  }

  /** @param needed paths that oned may still read */
  sweep(directory: string, before: number, needed: () => Promise<readonly string[]>): Promise<number> {
    let names: Promise<readonly (string | undefined)[]> | undefined;
    const read = (): Promise<readonly (string | undefined)[]> =>
      needed().then((paths) => paths.map((path) => this.in(path)));
    return sweepImageFiles(
      directory,
      (name) => this.isOne(name),
      before,
      async (name) => (await (names ??= read())).includes(name),
    );
  }
}

class DirectoryHandover implements Handover {
  readonly keys = 'images.handover.directory and .seenAs, and SAFE_DIRS of the datastore';
  readonly #directory: string;
  readonly #seenAs: string;
  readonly #names: Names;

  constructor(directory: string, seenAs: string, names: Names) {
    this.#directory = directory;
    this.#seenAs = seenAs;
    this.#names = names;
  }

  async take(spec: ImageSpec, signal: AbortSignal | undefined): Promise<string> {
    const name = this.#names.make(spec.format);
    await write(join(this.#directory, name), spec, signal);
    return posix.join(this.#seenAs, name);
  }

  serve(): Promise<void> {
    return Promise.resolve();
  }

  async release(path: string): Promise<void> {
    const file = this.#names.in(path);
    if (file !== undefined) await rm(join(this.#directory, file), { force: true });
  }

  sweep(before: number, needed: () => Promise<readonly string[]>): Promise<number> {
    return this.#names.sweep(this.#directory, before, needed);
  }

  async check(): Promise<readonly SiteFinding[]> {
    try {
      await mkdir(this.#directory, { recursive: true });
      const probe = join(this.#directory, `.vep-${randomBytes(6).toString('hex')}`);
      await (await open(probe, 'wx')).close();
      await rm(probe);
      return [];
    } catch (error) {
      return [
        {
          code: 'opennebula.handover',
          message: `images.handover.directory cannot be written to: ${messageOf(error)}`,
          remedy:
            'make it a directory that the server may write to and oned may read, listed in SAFE_DIRS of the datastore',
        },
      ];
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class HttpHandover implements Handover {
  readonly keys = 'images.handover.listen and .url, and the way from oned to there';
  readonly #listen: string;
  readonly #url: string | undefined;
  readonly #scratch: string;
  readonly #names: Names;
  #server: Promise<http.Server> | undefined;

  constructor(listen: string, url: string | undefined, scratch: string, names: Names) {
    this.#names = names;
    this.#listen = listen;
    this.#url = url;
    this.#scratch = scratch;
  }

  /** The name of the file is the secret part of its URL: whoever opens this handover the next time knows it again. */
  async take(spec: ImageSpec, signal: AbortSignal | undefined): Promise<string> {
    const server = await this.#listening();
    const name = this.#names.make(spec.format);
    await write(join(this.#scratch, name), spec, signal);
    const { port } = server.address() as AddressInfo;
    const base = this.#url ?? `http://${this.#listen.replace(/:\d+$/, '')}:${port}`;
    return `${base.replace(/\/$/, '')}/${name}`;
  }

  async serve(): Promise<void> {
    await this.#listening();
  }

  async release(path: string): Promise<void> {
    const file = this.#names.in(path);
    if (file !== undefined) await rm(join(this.#scratch, file), { force: true });
  }

  sweep(before: number, needed: () => Promise<readonly string[]>): Promise<number> {
    return this.#names.sweep(this.#scratch, before, needed);
  }

  async check(): Promise<readonly SiteFinding[]> {
    try {
      await this.#listening();
      return [];
    } catch (error) {
      const remedy = 'name a free port of this machine that oned can reach, as host:port';
      return [{ code: 'opennebula.handover', message: `images.handover.listen: ${messageOf(error)}`, remedy }];
    }
  }

  async close(): Promise<void> {
    const server = await this.#server?.catch(() => undefined);
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  #listening(): Promise<http.Server> {
    this.#server ??= new Promise<http.Server>((resolve, reject) => {
      const server = http.createServer((request, response) => void this.#serve(request, response));
      const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(this.#listen) ?? [];
      server.once('error', reject);
      server.listen(Number(port), host.replace(/^\[(.*)\]$/, '$1'), () => resolve(server));
    }).catch((error: unknown) => {
      this.#server = undefined;
      throw error;
    });
    return this.#server;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const name = this.#names.in(request.url ?? '');
    const file = join(this.#scratch, name ?? '');
    const size = name === undefined ? undefined : (await stat(file).catch(() => undefined))?.size;
    if (size === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end();
      return;
    }
    try {
      const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
      const start = from === undefined ? 0 : Math.min(Number(from), size);
      response.writeHead(from === undefined ? 200 : 206, {
        'content-type': 'application/octet-stream',
        'content-length': size - start,
        'accept-ranges': 'bytes',
        ...(from === undefined ? {} : { 'content-range': `bytes ${start}-${size - 1}/${size}` }),
      });
      if (request.method === 'HEAD' || start >= size) response.end();
      else
        createReadStream(file, { start })
          .on('error', () => response.destroy())
          .pipe(response);
    } catch {
      response.destroy();
    }
  }
}

/** oned runs as another user. @throws IaasError as {@link writeImageFile} */
const write = (path: string, spec: ImageSpec, signal: AbortSignal | undefined): Promise<void> =>
  writeImageFile(path, spec, { signal, readable: true });
