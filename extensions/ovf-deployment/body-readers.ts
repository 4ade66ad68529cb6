/**
 * The ways an appliance can be sent beside an OCCI entity that names a URL (K05): a descriptor or an archive as the body
 * with the entity in the headers, and multipart with entity, agreement, descriptor and files. Large parts go to the blob
 * store as they arrive; nothing is held but small documents.
 */

import busboy from 'busboy';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Problem, messageOf, problem } from '../../src/base/errors.js';
import { bytesOf } from '../../src/extension/body-bytes.js';
import type { Attachment, BodyRead, BodyReader, RequestContext } from '../../src/extension/extension.js';
import { parseJson } from '../../src/occi/json/index.js';
import { parseContentType } from '../../src/occi/media-type.js';
import type { CategoryRef, EntityInput, OcciRequest } from '../../src/occi/request.js';
import { parseTextPlain } from '../../src/occi/text/index.js';
import { safeHref } from '../../src/ovf/envelope/href.js';
import { PackageReader } from '../../src/ovf/package/reader.js';
import { BlobSink } from './blob-sink.js';
import { MAX_DESCRIPTOR } from './package.js';
import { intakeOptions, unpackOva, UnpackedPackage, type IntakeServices } from './unpack.js';
import { APPLIANCE, DESCRIPTOR_TYPES, PACKAGE_TYPES } from './vocabulary.js';

const MAX_SMALL = 1024 * 1024;
const MAX_FILES = 1000;
const MULTIPART = 'multipart/form-data';

export function applianceBodyReaders(services: IntakeServices): BodyReader[] {
  return [
    { mediaTypes: DESCRIPTOR_TYPES, kind: APPLIANCE, read: (message, headers) => readDescriptor(message, headers) },
    { mediaTypes: PACKAGE_TYPES, kind: APPLIANCE, read: (message, headers) => readPackage(services, message, headers) },
    {
      mediaTypes: [MULTIPART],
      kind: APPLIANCE,
      read: (message, headers, context) => new Multipart(services, context).read(message, headers),
    },
  ];
}

async function readDescriptor(message: IncomingMessage, headers: OcciRequest): Promise<BodyRead> {
  const bytes = await collect(bytesOf(message), MAX_DESCRIPTOR, 'the descriptor');
  return {
    request: withKind(headers),
    attachments: [{ name: 'descriptor.ovf', mediaType: DESCRIPTOR_TYPES[0], bytes }],
  };
}

async function readPackage(
  services: IntakeServices,
  message: IncomingMessage,
  headers: OcciRequest,
): Promise<BodyRead> {
  return { request: withKind(headers), attachments: packageAttachments(await unpackOva(services, bytesOf(message))) };
}

/** Descriptor and files: wherever two requests are compared (K12), they stand for the package. */
function packageAttachments(value: UnpackedPackage): Attachment[] {
  const mediaType = 'application/octet-stream';
  return [
    { name: 'package.ovf', mediaType: DESCRIPTOR_TYPES[0], bytes: value.descriptor, value },
    ...[...value.files.byName, ...value.joined.byName].map(([name, blob]) => ({ name, mediaType, blob })),
  ];
}

/** At the kind's own location the `Category` may be left out (K05). */
function withKind(request: OcciRequest): OcciRequest {
  const [entity = { categories: [], attributes: new Map(), links: [], actionLinks: [] }] = request.entities;
  const cut = APPLIANCE.indexOf('#') + 1;
  const kind: CategoryRef = { scheme: APPLIANCE.slice(0, cut), term: APPLIANCE.slice(cut), class: 'kind' };
  const named = entity.categories.some((category) => category.scheme + category.term === APPLIANCE);
  const complete: EntityInput = named ? entity : { ...entity, categories: [kind, ...entity.categories] };
  return { ...request, entities: [complete], empty: false };
}

/** One multipart request, part after part in the order of K05. */
class Multipart {
  readonly #services: IntakeServices;
  readonly #context: RequestContext;
  readonly #attachments: Attachment[] = [];
  /** The files of a package that comes unpacked: descriptor, manifest, certificate and images. */
  readonly #sink: BlobSink;
  readonly #package: PackageReader;
  #archived = false;
  #request: OcciRequest | undefined;

  constructor(services: IntakeServices, context: RequestContext) {
    this.#services = services;
    this.#context = context;
    this.#sink = new BlobSink(services.blobs);
    this.#package = new PackageReader(this.#sink, { ...intakeOptions(services), bareNames: true });
  }

  async read(message: IncomingMessage, headers: OcciRequest): Promise<BodyRead> {
    try {
      await this.#parts(message);
      if (this.#package.files > 0) {
        const read = await this.#package.result();
        this.#attachments.push(...packageAttachments(new UnpackedPackage(read, this.#sink, true)));
      }
    } catch (error) {
      await this.#sink.abort();
      throw error;
    }
    return { request: withKind(this.#request ?? headers), attachments: this.#attachments };
  }

  #parts(message: IncomingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      const parser = this.#parser(message, reject);
      if (!parser) return;
      let work: Promise<void> = Promise.resolve();
      const fail = (error: unknown): void => {
        message.unpipe(parser);
        parser.destroy();
        reject(error instanceof Problem ? error : malformed(messageOf(error)));
      };
      const take = (task: () => Promise<void>): void => {
        work = work.then(task);
        work.catch(fail);
      };
      parser.on('file', (name, stream, { filename, mimeType }) =>
        take(() => this.#file(name, stream, filename ?? '', mimeType)),
      );
      parser.on('field', (name, value) => take(() => this.#small(name, 'text/plain', Buffer.from(value))));
      parser.on('filesLimit', () => fail(malformed(`more than ${MAX_FILES} files`)));
      parser.on('error', fail);
      parser.on('close', () => void work.then(resolve, () => undefined));
      message.on('aborted', () => fail(malformed('the body ended before it was complete')));
      this.#context.signal.addEventListener('abort', () => fail(malformed('the body ended before it was complete')), {
        once: true,
      });
      message.pipe(parser);
    });
  }

  #parser(message: IncomingMessage, reject: (error: unknown) => void): busboy.Busboy | undefined {
    try {
      const limits = { fieldSize: MAX_SMALL, fields: 8, files: MAX_FILES, headerPairs: 100 };
      // Paths are kept: a file is known by the href that the descriptor gives it.
      return busboy({ headers: message.headers, preservePath: true, defParamCharset: 'utf8', limits });
    } catch (error) {
      reject(malformed(messageOf(error)));
      return undefined;
    }
  }

  async #file(name: string, stream: Readable, filename: string, mediaType: string): Promise<void> {
    const archive = (PACKAGE_TYPES as readonly string[]).includes(mediaType) || /\.ova$/i.test(filename);
    if (name === 'ovf' && archive) return this.#archive(stream);
    if (name === 'ovf') return this.#member(/\.ovf$/i.test(filename) ? filename : 'descriptor.ovf', stream);
    if (name === 'file') return this.#member(memberName(filename), stream);
    await this.#small(name, mediaType, await collect(stream, MAX_SMALL, `the part ${name.slice(0, 40)}`));
  }

  async #archive(stream: Readable): Promise<void> {
    if (this.#archived || this.#package.files > 0) throw malformed('an archive comes alone: it holds its files');
    this.#archived = true;
    this.#attachments.push(...packageAttachments(await unpackOva(this.#services, stream)));
  }

  /** What is refused is read past: the faults of all parts are told at once. */
  async #member(filename: string, stream: Readable): Promise<void> {
    if (this.#archived) throw malformed('an archive comes alone: it holds its files');
    const name = this.#package.accept(filename);
    if (name !== undefined) await this.#package.take(name, undefined, stream);
    stream.resume();
  }

  #small(name: string, mediaType: string, bytes: Uint8Array): Promise<void> {
    if (name === 'entity') this.#request = entityOf(mediaType, Buffer.from(bytes).toString('utf8'));
    else if (name === 'sla') this.#attachments.push({ name: 'sla', mediaType, bytes });
    else
      return Promise.reject(
        NAMED.has(name) ? nameless(name) : malformed(`there is no part called ${JSON.stringify(name.slice(0, 40))}`),
      );
    return Promise.resolve();
  }
}

/** Parts that are files (RFC 7578 §4.2). */
const NAMED: ReadonlySet<string> = new Set(['ovf', 'file']);

function nameless(part: string): Problem {
  const remedy = 'give it one in its Content-Disposition: filename="app.ovf" for the descriptor, the href for a file';
  return malformed(`the part "${part}" has no file name`, remedy);
}

/** A file is known by the href that the descriptor gives it, which may be escaped. */
function memberName(filename: string): string {
  const href = safeHref(filename);
  return href.kind === 'member' ? href.path : filename;
}

function entityOf(mediaType: string, text: string): OcciRequest {
  const type = parseContentType(mediaType)?.type ?? '';
  const json = type.includes('json') || text.trimStart().startsWith('{');
  return json ? parseJson(text) : parseTextPlain(text);
}

async function collect(stream: AsyncIterable<Uint8Array>, limit: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit)
      throw problem('too-large', 'http.part-too-large', `${what} is larger than ${limit} bytes`, {
        rule: 'O-078',
        remedy: 'send large files as parts of their own',
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function malformed(
  message: string,
  remedy = 'send the parts entity, sla, ovf and file in this order, the first two if wanted',
): Problem {
  return problem('malformed', 'http.multipart', message, {
    place: { field: 'Content-Type' },
    rule: 'K05',
    remedy,
  });
}
