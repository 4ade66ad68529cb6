/**
 * The bucket that images pass through on their way to EC2. Large files go up in parts, since a request of S3 holds at
 * most five GB and a broken one would have to begin anew.
 */

import { open } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.js';
import { Problem, excerpt, messageOf } from '../../../base/errors.js';
import { JoinedSignal } from '../../../base/signals.js';
import type { DialRequest, GuardedDialler } from '../../../net/dialler.js';
import { IaasError, RefusedCredential, type CallOptions } from '../../adapter.js';
import { DocumentError, readDocument, type Branch } from '../../document.js';
import type { Ec2Api } from './api.js';
import type { BucketOptions } from './options.js';
import { signedV4 } from './signature-v4.js';

export interface BucketServices {
  readonly options: BucketOptions;
  readonly region: string;
  readonly dialler: GuardedDialler;
  readonly clock: Clock;
  readonly account: Pick<Ec2Api, 'credentials' | 'closed' | 'signedIn'>;
}

export interface StoredObject {
  readonly key: string;
  /** Epoch milliseconds; of an object that went up in parts, when that began. */
  readonly modifiedAt: number;
}

const MAX_ANSWER = 2 ** 20;
/** Pauses before a part is sent again, in milliseconds. */
const AGAIN = [100, 1000];

export class Bucket {
  readonly #services: BucketServices;

  constructor(services: BucketServices) {
    this.#services = services;
  }

  get name(): string {
    return this.#services.options.name;
  }

  key(name: string): string {
    return `${this.#services.options.prefix}${name}`;
  }

  /** Whether it is there and may be used. @throws IaasError `denied`, `not-found`, `transient` */
  async check(call: CallOptions): Promise<void> {
    await this.#ask('GET', '', { 'list-type': '2', 'max-keys': '0' }, new Uint8Array(), call);
  }

  async put(key: string, path: string, sizeBytes: number, call: CallOptions): Promise<void> {
    const file = await open(path);
    const most = this.#services.options.partMib * 2 ** 20;
    try {
      const part = async (at: number): Promise<Buffer> => {
        const bytes = Buffer.alloc(Math.min(most, sizeBytes - at));
        await file.read(bytes, 0, bytes.length, at);
        return bytes;
      };
      if (sizeBytes <= most) {
        await this.#ask('PUT', key, {}, await part(0), call);
        return;
      }
      const begun = await this.#ask('POST', key, { uploads: '' }, new Uint8Array(), call);
      const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(begun.text)?.[1];
      if (uploadId === undefined) throw new IaasError('transient', 'S3 begins no upload', excerpt(begun.text));
      try {
        const tags: string[] = [];
        for (let at = 0, partNumber = 1; at < sizeBytes; at += most, partNumber++)
          tags.push((await this.#ask('PUT', key, { partNumber: `${partNumber}`, uploadId }, await part(at), call)).tag);
        const list = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
        const whole = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`;
        const done = await this.#ask('POST', key, { uploadId }, Buffer.from(whole), call);
        // Completing may fail with status 200.
        if (done.text.includes('<Error>')) throw new IaasError('transient', 'S3 lost the upload', excerpt(done.text));
      } catch (error) {
        await this.#ask('DELETE', key, { uploadId }, new Uint8Array(), {}).catch(() => undefined);
        throw error;
      }
    } finally {
      await file.close();
    }
  }

  /** The objects whose keys begin so; no more than a thousand of them. */
  async list(prefix: string, call: CallOptions): Promise<readonly StoredObject[]> {
    const answer = await this.#ask('GET', '', { 'list-type': '2', prefix }, new Uint8Array(), call);
    return entriesOf(answer.text, 'Contents').map((entry) => ({
      key: entry.value('Key') ?? '',
      modifiedAt: timeIn(entry, 'LastModified'),
    }));
  }

  /** Lets go of the parts of uploads that were begun before a time (epoch milliseconds) and never completed. */
  async abandonUploads(prefix: string, before: number, call: CallOptions): Promise<void> {
    const { text } = await this.#ask('GET', '', { uploads: '', prefix }, new Uint8Array(), call);
    for (const entry of entriesOf(text, 'Upload')) {
      const [key, uploadId] = [entry.value('Key') ?? '', entry.value('UploadId') ?? ''];
      if (timeIn(entry, 'Initiated') < before) await this.#ask('DELETE', key, { uploadId }, new Uint8Array(), call);
    }
  }

  async remove(key: string, call: CallOptions): Promise<void> {
    await this.#ask('DELETE', key, {}, new Uint8Array(), call).catch((error: unknown) => {
      if (!(error instanceof IaasError) || error.class !== 'not-found') throw error;
    });
  }

  async #ask(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    key: string,
    query: Readonly<Record<string, string>>,
    body: Uint8Array,
    call: CallOptions,
  ): Promise<{ readonly text: string; readonly tag: string }> {
    for (const pause of [...AGAIN, undefined]) {
      try {
        return await this.#services.account.signedIn(() => this.#once(method, key, query, body, call));
      } catch (error) {
        const again = error instanceof IaasError && error.class === 'transient' && method !== 'POST';
        if (!again || pause === undefined || call.signal?.aborted === true) throw error;
        await this.#services.clock.sleep(pause, call.signal);
      }
    }
    throw new IaasError('transient', 'S3 does not answer');
  }

  async #once(
    method: NonNullable<DialRequest['method']>,
    key: string,
    query: Readonly<Record<string, string>>,
    body: Uint8Array,
    { signal }: CallOptions,
  ): Promise<{ readonly text: string; readonly tag: string }> {
    const { options, region, dialler, clock, account } = this.#services;
    const base = options.endpoint ?? `https://s3.${region}.amazonaws.com/`;
    const url = new URL(`${base.replace(/\/$/, '')}/${options.name}/${key}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const headers = signedV4(
      { method, url, headers: {}, body },
      { ...account.credentials, region, service: 's3' },
      clock.now(),
    );
    const { host: _host, ...sent } = headers;
    using joined = new JoinedSignal([signal, account.closed]);
    try {
      const answer = await dialler.fetch(url.href, {
        method,
        headers: sent,
        ...(body.byteLength > 0 ? { body } : {}),
        signal: joined.signal,
        maxBytes: MAX_ANSWER,
        timeoutMs: 300_000,
      });
      const pieces: Uint8Array[] = [];
      for await (const piece of answer.body) pieces.push(piece);
      const text = Buffer.concat(pieces).toString('utf8');
      if (answer.status < 300) return { text, tag: answer.headers['etag'] ?? '' };
      throw refusal(answer.status, text);
    } catch (error) {
      if (error instanceof IaasError) throw error;
      if (joined.signal.aborted || (error instanceof Problem && error.kind === 'unavailable'))
        throw new IaasError('transient', `S3 does not answer: ${messageOf(error)}`, undefined, error);
      throw new IaasError('fatal', `S3 cannot be asked: ${messageOf(error)}`, undefined, error);
    }
  }
}

/** @throws IaasError `transient` for an answer that is no list */
function entriesOf(text: string, name: string): readonly Branch[] {
  try {
    return readDocument(text).all(name);
  } catch (error) {
    if (error instanceof DocumentError)
      throw new IaasError('transient', 'S3 answers with no list', excerpt(text), error);
    throw error;
  }
}

/** What tells no time is as new as can be. */
function timeIn(entry: Branch, name: string): number {
  const time = Date.parse(entry.value(name) ?? '');
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
}

function refusal(status: number, text: string): IaasError {
  const code = /<Code>([\w.]+)<\/Code>/.exec(text)?.[1] ?? `HTTP ${status}`;
  const words = /<Message>([^<]*)<\/Message>/.exec(text)?.[1]?.slice(0, 300) ?? '';
  const errorClass =
    status === 403 || status === 401
      ? 'denied'
      : status === 404
        ? 'not-found'
        : status >= 500 || status === 429 || status === 408
          ? 'transient'
          : 'fatal';
  if (/^(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken)$/.test(code))
    return new RefusedCredential(`S3 refuses (${code}): ${words}`, `${code}: ${words}`);
  return new IaasError(errorClass, `S3 refuses (${code}): ${words}`, `${code}: ${words}`);
}
