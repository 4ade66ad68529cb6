/**
 * Resumable uploads (K05): a file is announced, sent in pieces, and named `upload:<id>` afterwards. When the connection is
 * lost, the server is asked how much has arrived and the rest follows.
 */

import type { Clock } from '../base/clock.js';
import { ClientError, ConnectionError } from './client-error.js';
import type { Transport } from './transport.js';

/** A file of known size that can be read anywhere. */
export interface UploadSource {
  readonly name: string;
  readonly sizeBytes: number;
  /** Bytes from `first` on: `length` of them, or as many as there are. */
  read(first: number, length: number): Promise<Uint8Array>;
}

export interface UploadOptions {
  /** Called after every piece. */
  readonly progress?: (sentBytes: number, sizeBytes: number) => void;
  /** Bytes sent in one request. */
  readonly pieceBytes?: number;
}

/** Small enough that little is sent again when the line breaks. */
const PIECE = 8 * 2 ** 20;
/** Failures in a row after which the upload is given up. */
const PATIENCE = 5;

interface UploadStatus {
  readonly id: string;
  readonly received: number;
  readonly complete: boolean;
  readonly reference: string;
}

/** Sends the file and answers the reference under which a request can name it. */
export async function uploadFile(
  transport: Transport,
  clock: Clock,
  source: UploadSource,
  { progress, pieceBytes = PIECE }: UploadOptions = {},
): Promise<string> {
  const announced = await transport.json<UploadStatus>({
    method: 'POST',
    url: '/upload/',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: () => JSON.stringify({ name: source.name, size: source.sizeBytes }),
  });
  const url = `/upload/${announced.body.id}`;
  let status = announced.body;
  for (let failures = 0; !status.complete;) {
    const first = status.received;
    const piece = await source.read(first, pieceBytes);
    try {
      status = await sendPiece(transport, url, piece, first, source.sizeBytes);
      failures = status.received > first ? 0 : failures + 1;
    } catch (error) {
      const lost =
        error instanceof ConnectionError || (error instanceof ClientError && [408, 409].includes(error.status));
      failures += 1;
      if (!lost || failures > PATIENCE) throw error;
      await clock.sleep(250 * 2 ** failures);
      status = (await transport.json<UploadStatus>({ method: 'GET', url, headers: JSON_ONLY })).body;
    }
    if (failures > PATIENCE) throw new Error(`the upload of ${source.name} does not get on`);
    progress?.(status.received, source.sizeBytes);
  }
  return status.reference;
}

const JSON_ONLY = { Accept: 'application/json' };

async function sendPiece(
  transport: Transport,
  url: string,
  piece: Uint8Array,
  first: number,
  total: number,
): Promise<UploadStatus> {
  const range = piece.length === 0 ? {} : { 'Content-Range': `bytes ${first}-${first + piece.length - 1}/${total}` };
  const { body } = await transport.json<UploadStatus>({
    method: 'PUT',
    url,
    headers: { ...JSON_ONLY, 'Content-Type': 'application/octet-stream', ...range },
    body: () => Buffer.from(piece),
  });
  return body;
}
