/** Packages as tests put them together (DSP0243 §5), and how they are sent to a VEP and become appliances. */

import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { packed } from '../ovf/tar-support.js';
import { serverFor, type Reply, type TestServer } from '../support/server.js';
import { APPLIANCE, descriptor, OVF, pathOf, STATE } from './appliance-wire.js';

export const SIGNATURE = `${OVF}.signature`;
const pki = (name: string): string => join(packageRoot, 'test/support/pki-fixtures', name);

/** A raw disk that does not compress, so that an archive of it is far larger than what a request may read. */
export const DISK = Buffer.alloc(3 << 20);
for (let at = 0, seed = 1; at < DISK.length; at += 4) {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  DISK.writeUInt32LE(seed, at);
}
/** An appliance of one machine, whose disk is in a file beside it. */
export const ONE = descriptor({ machines: ['m1'], image: 'disk.img' });
/** The same with more said of that file. */
export const file = (attributes: string): string =>
  ONE.replace('ovf:href="disk.img"', `ovf:href="disk.img" ${attributes}`);

type Files = Readonly<Record<string, string | Buffer>>;

export const archive = (files: Files): Promise<Buffer> =>
  packed(Object.entries(files).map(([name, content]) => [{ name }, content as string]));
/** What a manifest says of files. */
export const lines = (files: Files, algorithm = 'sha256'): string =>
  Object.entries(files)
    .map(
      ([name, bytes]) => `${algorithm.toUpperCase()}(${name})= ${createHash(algorithm).update(bytes).digest('hex')}\n`,
    )
    .join('');
/** The certificate file of a manifest. */
export const signed = (manifest: string, signer = 'alice'): string => {
  const key = createPrivateKey(readFileSync(pki(`eec/${signer}.key`)));
  const signature = sign('sha256', Buffer.from(manifest), key).toString('hex');
  return `SHA256(app.mf)= ${signature}\n${readFileSync(pki(`eec/${signer}.pem`), 'utf8')}`;
};

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export function multipart(parts: readonly (readonly [name: string, filename: string, content: string | Buffer])[]): {
  body: Buffer;
  type: string;
} {
  const boundary = '----vep-packages';
  const chunks = parts.flatMap(([name, filename, content]) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${name === 'ovf' ? 'application/ovf+xml' : 'application/octet-stream'}\r\n\r\n`,
    content,
    '\r\n',
  ]);
  const body = Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk)));
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

export interface PackageWire {
  readonly server: () => TestServer;
  readonly client: () => Client;
  /** Deploys the package at a URL. */
  readonly named: (url: string, query?: string) => Promise<Reply>;
  readonly sent: (type: string, body: Buffer, query?: string) => Promise<Reply>;
  /** Waits for the state and answers the attributes. */
  readonly becomes: (reply: Reply, state: string) => Promise<Record<string, unknown>>;
  /** Waits until the appliance runs, and answers the digests of the files that the store keeps for it. */
  readonly keptFiles: (reply: Reply) => Promise<string[]>;
}

/** A server for the tests of the file; what a test has deployed goes when it ends. */
export function packageWire(images: JsonObject = { allow: ['127.0.0.1'] }): PackageWire {
  const server = serverFor({
    config: { images, ovf: { trustedSigners: [pki('ca/root.pem')] } },
  });
  const client = (): Client => new Client(server(), '1.2');
  afterEach(() => client().send('DELETE', '/appliance/'));

  async function becomes(reply: Reply, state: string): Promise<Record<string, unknown>> {
    const path = pathOf(reply);
    await client().until(path, STATE, state);
    return (await client().get(path, JSON_TYPE)).json.attributes;
  }

  async function keptFiles(reply: Reply): Promise<string[]> {
    await becomes(reply, 'active');
    const id = pathOf(reply).split('/').at(-1);
    const rows = await server().rows(`SELECT images FROM appliance WHERE appliance = '${id}'`);
    return rows.flatMap(({ images }) =>
      Object.values(JSON.parse(String(images)) as Record<string, { sha256?: string }>).flatMap(
        (image) => image.sha256 ?? [],
      ),
    );
  }

  return {
    server,
    client,
    named: (url, query = '') =>
      client().send('POST', `/appliance/${query}`, {
        json: { kind: APPLIANCE, attributes: { [`${OVF}.url`]: url } },
        accept: JSON_TYPE,
      }),
    sent: (type, body, query = '') =>
      server().request('POST', `/appliance/${query}`, { headers: { 'content-type': type, accept: JSON_TYPE }, body }),
    becomes,
    keptFiles,
  };
}
