/**
 * Resumable uploads over HTTP (K05): `POST /upload/` announces a file, `PUT` with `Content-Range` sends a piece of it,
 * `GET` says how much has arrived, `DELETE` gives it up. The finished file is named `upload:<id>` in `.ovf.url`.
 */

import { problem } from '../base/errors.js';
import { isJsonObject } from '../base/json.js';
import { bytesOf } from '../extension/body-bytes.js';
import { parseContentRange, type Upload, type Uploads } from '../transfer/uploads.js';
import type { Digest } from '../transfer/verified.js';
import { decodeUtf8, readBody } from './body.js';
import type { Endpoint } from './express-app.js';

const MAX_ANNOUNCEMENT = 4096;
/** Hexadecimal digits of each digest. */
const DIGITS = { sha1: 40, sha256: 64, sha384: 96, sha512: 128 } as const;

export function uploadEndpoints(uploads: Uploads): Endpoint[] {
  return [
    {
      method: 'post',
      path: '/upload/',
      handle: async (request, response, principal) => {
        const { name, size, digest } = announcement(decodeUtf8(await readBody(request, MAX_ANNOUNCEMENT)));
        const upload = await uploads.create({
          owner: principal?.id ?? '',
          name,
          sizeBytes: size,
          ...(digest ? { digest } : {}),
        });
        const url = `${request.vep?.base ?? ''}/upload/${upload.id}`;
        response.status(201).setHeader('Location', url).json(shown(upload));
      },
    },
    {
      method: 'get',
      path: '/upload/:id',
      handle: async (request, response, principal) => {
        const upload = await uploads.status(String(request.params['id']), principal?.id ?? '');
        response.setHeader('Cache-Control', 'no-store').json(shown(upload));
      },
    },
    {
      method: 'put',
      path: '/upload/:id',
      handle: async (request, response, principal) => {
        const id = String(request.params['id']);
        const field = request.headers['content-range'];
        const whole = await uploads.status(id, principal?.id ?? '');
        const range =
          field === undefined
            ? { first: 0, last: whole.sizeBytes - 1, total: whole.sizeBytes }
            : parseContentRange(field);
        const upload = await uploads.append(id, principal?.id ?? '', range, bytesOf(request));
        response.json(shown(upload));
      },
    },
    {
      method: 'delete',
      path: '/upload/:id',
      handle: async (request, response, principal) => {
        await uploads.remove(String(request.params['id']), principal?.id ?? '');
        response.json({});
      },
    },
  ];
}

interface AnnouncedUpload {
  readonly name: string;
  readonly size: number;
  readonly digest?: Digest;
}

function announcement(text: string): AnnouncedUpload {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const { name, size, digest } = isJsonObject(body) ? body : {};
  const checked = announcedDigest(digest);
  const named = typeof name === 'string' && name.length > 0 && name.length <= 255;
  if (!named || typeof size !== 'number' || (digest !== undefined && !checked)) {
    throw problem(
      'malformed',
      'upload.announcement',
      'an upload is announced as JSON {name, size} with an optional digest {algorithm, hex}',
      {
        remedy: 'send {"name": "disk.vmdk", "size": 1048576, "digest": {"algorithm": "sha256", "hex": "…"}}',
      },
    );
  }
  return { name, size, ...(checked && { digest: checked }) };
}

function announcedDigest(digest: unknown): Digest | undefined {
  const { algorithm, hex } = isJsonObject(digest) ? digest : {};
  const known = Object.keys(DIGITS).find((each) => each === algorithm) as Digest['algorithm'] | undefined;
  if (!known || typeof hex !== 'string' || hex.length !== DIGITS[known] || !/^[0-9a-f]+$/i.test(hex)) return undefined;
  return { algorithm: known, hex: hex.toLowerCase() };
}

function shown({ id, name, sizeBytes, receivedBytes, expiresAt, blob }: Upload): object {
  return {
    id,
    name,
    size: sizeBytes,
    received: receivedBytes,
    complete: blob !== undefined,
    reference: `upload:${id}`,
    expiresAt: new Date(expiresAt).toISOString(),
    ...(blob ? { sha256: blob.sha256 } : {}),
  };
}
