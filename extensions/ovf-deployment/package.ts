/**
 * The package an appliance comes in, whichever way it was sent (K05, K06): its descriptor, and where each of its files
 * is. Descriptors are fetched here, within the request; images never are.
 */

import { Problem, messageOf, problem, type Fault } from '../../src/base/errors.js';
import type { Attachment, RequestContext } from '../../src/extension/extension.js';
import type { DialResponse, GuardedDialler } from '../../src/net/dialler.js';
import { safeHref } from '../../src/ovf/envelope/href.js';
import type { PackageContents } from '../../src/ovf/index.js';
import { UNSIGNED, type Signature } from '../../src/ovf/package/certificate.js';
import { readOvaHead } from '../../src/ovf/package/ova.js';
import type { PlannedImage } from '../../src/ovf/plan.js';
import { accessTo, type SourceCredentials } from '../../src/transfer/source-credentials.js';
import type { Uploads } from '../../src/transfer/uploads.js';
import type { Digest } from '../../src/transfer/verified.js';
import { intakeOptions, unpackOva, UnpackedPackage, type IntakeServices } from './unpack.js';
import { DESCRIPTOR_TYPES, OVF_URL } from './vocabulary.js';

/** Largest descriptor, in bytes, and how long fetching one may take (K06). */
export const MAX_DESCRIPTOR = 12 * 1024 * 1024;
const FETCH_MS = 15_000;

/**
 * Where one file of the package comes from: the blob store; the web, where the work looks for a manifest that lists `path`,
 * unless it has done so; or an archive on the web that the work has not unpacked yet.
 */
export type FileOrigin =
  | { readonly sha256: string }
  | {
      readonly url: string;
      readonly path?: string;
      readonly digest?: Digest;
      readonly pieceDigests?: readonly Digest[];
    }
  | { readonly member: string };
/** By file id of the plan; a file nobody sent is missing. */
export type ImageOrigins = Readonly<Record<string, FileOrigin>>;

/** Whether the work has to look at the package before its images can be brought. */
export function isOpen(images: ImageOrigins): boolean {
  return Object.values(images).some((origin) => 'member' in origin || 'path' in origin);
}

export interface Package {
  readonly descriptor: Uint8Array;
  /** Files that came along, by name. */
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly sizeBytes: number }>;
  /** URL against which relative references resolve. */
  readonly base?: string;
  /** The files are members of an archive that the work fetches. */
  readonly archived?: true;
  /** What an archive held, to be compared with what its descriptor refers to. */
  readonly contents?: PackageContents;
  /** Absent while nobody has looked for one: the work does. */
  readonly signature?: Signature;
  readonly findings: readonly Fault[];
}

export interface PackageServices extends IntakeServices {
  readonly dialler: GuardedDialler;
  readonly uploads: Uploads;
}

/** The package that came with the request, or the one that `.ovf.url` names. */
export async function receivePackage(
  services: PackageServices,
  context: RequestContext,
  attachments: readonly Attachment[],
  url: string | undefined,
  credentials: SourceCredentials,
): Promise<Package> {
  const unpacked = attachments.map(({ value }) => value).find((value) => value instanceof UnpackedPackage);
  const descriptor = attachments.find((attachment) => attachment.name.endsWith('.ovf') && attachment.bytes)?.bytes;
  if ((unpacked ?? descriptor) && url !== undefined) {
    throw problem('invalid', 'ovf.sent-twice', 'the request brings a descriptor and names another by URL', {
      place: { field: OVF_URL },
      rule: 'K05',
      remedy: 'send the one or name the other',
    });
  }
  if (unpacked) return unpacked;
  if (descriptor) return { descriptor, files: new Map(), signature: UNSIGNED, findings: [] };
  if (url === undefined) {
    throw problem('invalid', 'ovf.missing', 'the request neither brings an OVF nor says where it is', {
      place: { field: OVF_URL },
      rule: 'K05',
      remedy: `give ${OVF_URL}, or send the descriptor as ${DESCRIPTOR_TYPES[0]} or multipart/form-data`,
    });
  }
  return url.startsWith('upload:')
    ? fromUpload(services, context, url.slice('upload:'.length))
    : fromUrl(services, context, url, credentials);
}

/** An uploaded file: a descriptor, or an archive that is unpacked into the blob store. */
async function fromUpload(services: PackageServices, context: RequestContext, id: string): Promise<Package> {
  const blob = await services.uploads.resolve(id, context.principal.id);
  const head = await services.blobs.read(blob.sha256, 0, Math.min(512, blob.sizeBytes));
  if (looksLikeXml(head)) {
    if (blob.sizeBytes > MAX_DESCRIPTOR) throw tooLarge();
    const descriptor = await services.blobs.read(blob.sha256, 0, blob.sizeBytes);
    return { descriptor, files: new Map(), signature: UNSIGNED, findings: [] };
  }
  return unpackOva(services, await services.blobs.open(blob.sha256));
}

/** K06: of an archive only what stands before the images is read here, then the line is dropped. */
async function fromUrl(
  services: PackageServices,
  context: RequestContext,
  url: string,
  credentials: SourceCredentials,
): Promise<Package> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(FETCH_MS)]);
  let answer: DialResponse | undefined;
  try {
    const access = await accessTo(url, credentials);
    const limits = { maxBytes: services.maxBytes, timeoutMs: FETCH_MS, signal };
    answer = await services.dialler.fetch(url, { ...access, ...limits });
    if (answer.status !== 200) {
      const denied = [401, 403].includes(answer.status) && {
        remedy: 'give or correct inputs.credentials for the server',
      };
      const message = `the server of the descriptor answered ${answer.status}`;
      throw problem('invalid', 'ovf.url-status', message, { ...urlRemedy, ...denied });
    }
    return await readRemote(services, answer);
  } catch (error) {
    throw error instanceof Problem && error.kind !== 'internal'
      ? asInvalid(error)
      : problem('invalid', 'ovf.url-unreachable', messageOf(error), urlRemedy);
  } finally {
    answer?.discard();
  }
}

async function readRemote(services: PackageServices, { url, body }: DialResponse): Promise<Package> {
  const chunks = body[Symbol.asyncIterator]();
  const first = await chunks.next();
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    for (let next = first; next.done !== true; next = await chunks.next()) yield next.value;
  };
  if (first.done !== true && looksLikeXml(first.value)) {
    const descriptor = await collect(rest(), MAX_DESCRIPTOR);
    return { descriptor, files: new Map(), base: url, findings: [] };
  }
  const head = await readOvaHead(rest(), intakeOptions(services)).catch((error: unknown) => {
    throw error instanceof Problem && error.kind === 'malformed' ? noPackage(error) : error;
  });
  return { descriptor: head.descriptor.bytes, files: new Map(), archived: true, findings: head.findings };
}

async function collect(bytes: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const urlRemedy = {
  place: { field: OVF_URL },
  rule: 'K06',
  remedy: 'check the URL, or send the descriptor itself',
} as const;

/** What the archive is refused for, and what can be done if it is one whose descriptor comes late. */
function noPackage(found: Problem): Problem {
  const fault = {
    code: 'ovf.url-no-package',
    message: 'what the URL names is neither an OVF descriptor nor an archive that begins with one',
    ...urlRemedy,
    remedy: 'name the .ovf or an .ova, or send an archive that begins otherwise through /upload/',
  };
  return new Problem('invalid', [fault, ...found.faults], { cause: found });
}

/** Whatever the dialler found wrong is a fault of the request that named the URL. */
function asInvalid(found: Problem): Problem {
  const place = { field: OVF_URL };
  return new Problem(
    'invalid',
    found.faults.map((fault) => ({ place, ...fault })),
    { cause: found },
  );
}

/**
 * Where each image of a plan comes from. Absolute URLs stand for themselves, relative references are files that came
 * along, lie beside a descriptor that was fetched, or are members of the archive it was read from.
 */
export function originsOf(
  images: readonly PlannedImage[],
  { files, base, archived }: Pick<Package, 'files' | 'base' | 'archived'>,
): { origins: ImageOrigins; missing: PlannedImage[] } {
  const origins: Record<string, FileOrigin> = {};
  const missing: PlannedImage[] = [];
  for (const image of images) {
    const sent = sentAs(image.href, files);
    const href = safeHref(image.href);
    if (sent) origins[image.id] = { sha256: sent.sha256 };
    else if (href.kind === 'url') origins[image.id] = { url: image.href };
    else if (href.kind === 'member' && archived) origins[image.id] = { member: href.path };
    else if (href.kind === 'member' && base !== undefined)
      origins[image.id] = { url: new URL(image.href, base).href, path: href.path };
    else missing.push(image);
  }
  return { origins, missing };
}

/** A file is known by the path its reference leads to, or, from clients that keep no folders, by its bare name. */
function sentAs(reference: string, files: Package['files']): { readonly sha256: string } | undefined {
  const href = safeHref(reference);
  const path = href.kind === 'member' ? href.path : reference;
  return files.get(reference) ?? files.get(path) ?? files.get(path.slice(path.lastIndexOf('/') + 1));
}

/** The first bytes of XML in any encoding: white space, a byte order mark, `<`. A tar begins with a file name. */
export function looksLikeXml(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.subarray(0, 64))
    .toString('latin1')
    .replace(/^(?:\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)/, '');
  return text.replaceAll('\0', '').trimStart().startsWith('<');
}

function tooLarge(): Problem {
  return problem('too-large', 'ovf.descriptor-too-large', `a descriptor has at most ${MAX_DESCRIPTOR} bytes`, {
    rule: 'O-078',
    remedy: 'send large files beside it',
  });
}
