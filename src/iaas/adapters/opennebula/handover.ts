/**
 * How oned gets the bytes of an image: as a file in a directory that both see (which must be among the SAFE_DIRS of the
 * datastore), or over HTTP from VEP itself. oned asks for a URL some ten times, with broken-off requests among them, and
 * checks no certificate; so what it is given is an address of its own for each image, good until the image has arrived.
 * Bytes are written and measured before oned hears of them: a stream that breaks leaves nothing behind.
 */

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, posix } from 'node:path';
import { messageOf } from '../../../base/errors.js';
import { IaasError, type ImageSpec, type SiteFinding } from '../../adapter.js';
import type { HandoverOptions } from './options.js';

export interface Handed {
  /** PATH of the image in oned's eyes. */
  readonly path: string;
  release(): Promise<void>;
}

export interface Handover {
  /** @throws IaasError `transient` where the bytes cannot be had, `invalid` where they are not those that were announced */
  take(spec: ImageSpec, signal: AbortSignal | undefined): Promise<Handed>;
  check(): Promise<readonly SiteFinding[]>;
  close(): Promise<void>;
}

/** `scratch`: a directory of VEP's own, for bytes that go out over HTTP. */
export function openHandover(options: HandoverOptions, scratch: string): Handover {
  return 'directory' in options
    ? new DirectoryHandover(options.directory, options.seenAs ?? options.directory)
    : new HttpHandover(options.listen, options.url, scratch);
}

class DirectoryHandover implements Handover {
  readonly #directory: string;
  readonly #seenAs: string;

  constructor(directory: string, seenAs: string) {
    this.#directory = directory;
    this.#seenAs = seenAs;
  }

  async take(spec: ImageSpec, signal: AbortSignal | undefined): Promise<Handed> {
    const file = await write(this.#directory, spec, signal);
    return {
      path: posix.join(this.#seenAs, file),
      release: () => rm(join(this.#directory, file), { force: true }),
    };
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
  readonly #listen: string;
  readonly #url: string | undefined;
  readonly #scratch: string;
  /** Files by the secret part of their URL. */
  readonly #offered = new Map<string, string>();
  #server: Promise<http.Server> | undefined;

  constructor(listen: string, url: string | undefined, scratch: string) {
    this.#listen = listen;
    this.#url = url;
    this.#scratch = scratch;
  }

  async take(spec: ImageSpec, signal: AbortSignal | undefined): Promise<Handed> {
    const server = await this.#listening();
    const file = join(this.#scratch, await write(this.#scratch, spec, signal));
    const secret = randomBytes(24).toString('base64url');
    this.#offered.set(secret, file);
    const { port } = server.address() as AddressInfo;
    const base = this.#url ?? `http://${this.#listen.replace(/:\d+$/, '')}:${port}`;
    return {
      path: `${base.replace(/\/$/, '')}/${secret}/image.${spec.format}`,
      release: async () => {
        this.#offered.delete(secret);
        await rm(file, { force: true });
      },
    };
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
    const file = this.#offered.get(request.url?.split('/')[1] ?? '');
    if (file === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end();
      return;
    }
    try {
      const { size } = await stat(file);
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

/** Writes the bytes into a file of their own and answers its name; nothing stays of bytes that are not as announced. */
async function write(directory: string, spec: ImageSpec, signal: AbortSignal | undefined): Promise<string> {
  const name = `vep-image-${randomBytes(12).toString('hex')}.${spec.format}`;
  const path = join(directory, name);
  try {
    await mkdir(directory, { recursive: true });
    // oned runs as another user.
    const file = await open(path, 'wx', 0o644);
    try {
      const digest = createHash('sha256');
      let written = 0;
      for await (const piece of await spec.open()) {
        signal?.throwIfAborted();
        written += piece.byteLength;
        if (written > spec.sizeBytes) break;
        digest.update(piece);
        await file.writeFile(piece);
      }
      signal?.throwIfAborted();
      if (written !== spec.sizeBytes)
        throw new IaasError('invalid', `the image is not of the ${spec.sizeBytes} bytes that were announced`);
      if (spec.sha256 !== undefined && digest.digest('hex') !== spec.sha256)
        throw new IaasError('invalid', 'the image is not the one whose digest was announced');
    } finally {
      await file.close();
    }
    return name;
  } catch (error) {
    await rm(path, { force: true });
    if (error instanceof IaasError) throw error;
    throw new IaasError(
      'transient',
      `the bytes of the image cannot be handed over: ${messageOf(error)}`,
      undefined,
      error,
    );
  }
}
