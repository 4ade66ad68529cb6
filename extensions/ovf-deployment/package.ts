/**
 * The package an appliance comes in, whichever way it was sent (K05, K06): its descriptor, and where each of its files
 * is. Descriptors are fetched here, within the request; images never are.
 */

import { Problem, messageOf, problem, type Fault } from '../../src/base/errors.js';
import type { Attachment, RequestContext } from '../../src/extension/extension.js';
import type { GuardedDialler } from '../../src/net/dialler.js';
import { safeHref } from '../../src/ovf/envelope/href.js';
import type { PackageContents } from '../../src/ovf/index.js';
import type { PlannedImage } from '../../src/ovf/plan.js';
import type { BlobStore } from '../../src/transfer/blob-store.js';
import type { Uploads } from '../../src/transfer/uploads.js';
import { unpackOva, UnpackedPackage } from './unpack.js';
import { DESCRIPTOR_TYPES } from './vocabulary.js';

/** Largest descriptor, in bytes, and how long fetching one may take (K06). */
export const MAX_DESCRIPTOR = 12 * 1024 * 1024;
const FETCH_MS = 15_000;

/** Where one file of the package comes from. */
export type FileOrigin = { readonly sha256: string } | { readonly url: string };
/** By file id of the plan; a file nobody sent is missing. */
export type ImageOrigins = Readonly<Record<string, FileOrigin>>;

export interface Package {
  readonly descriptor: Uint8Array;
  /** Files that came along, by name. */
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly sizeBytes: number }>;
  /** URL against which relative references resolve. */
  readonly base?: string;
  /** What an archive held, to be compared with what its descriptor refers to. */
  readonly contents?: PackageContents;
  readonly findings: readonly Fault[];
}

export interface PackageServices {
  readonly dialler: GuardedDialler;
  readonly blobs: BlobStore;
  readonly uploads: Uploads;
  readonly maxBytes: number;
}

/** The package that came with the request, or the one that `.ovf.url` names. */
export async function receivePackage(
  services: PackageServices,
  context: RequestContext,
  attachments: readonly Attachment[],
  url: string | undefined,
): Promise<Package> {
  const descriptor = attachments.find((attachment) => attachment.name.endsWith('.ovf') && attachment.bytes)?.bytes;
  if (descriptor && url !== undefined) {
    throw problem('invalid', 'ovf.sent-twice', 'the request brings a descriptor and names another by URL', {
      place: { field: 'eu.contrail-project.ovf.url' },
      rule: 'K05',
      remedy: 'send the one or name the other',
    });
  }
  const unpacked = attachments.map(({ value }) => value).find((value) => value instanceof UnpackedPackage);
  if (unpacked) return unpacked;
  if (descriptor) {
    const files = attachments.flatMap(({ name, blob }) => (blob ? [[name, blob] as const] : []));
    return { descriptor, files: new Map(files), findings: [] };
  }
  if (url === undefined) {
    throw problem('invalid', 'ovf.missing', 'the request neither brings an OVF nor says where it is', {
      place: { field: 'eu.contrail-project.ovf.url' },
      rule: 'K05',
      remedy: `give eu.contrail-project.ovf.url, or send the descriptor as ${DESCRIPTOR_TYPES[0]} or multipart/form-data`,
    });
  }
  return url.startsWith('upload:')
    ? fromUpload(services, context, url.slice('upload:'.length))
    : fromUrl(services, context, url);
}

/** An uploaded file: a descriptor, or an archive that is unpacked into the blob store. */
async function fromUpload(services: PackageServices, context: RequestContext, id: string): Promise<Package> {
  const blob = await services.uploads.resolve(id, context.principal.id);
  const head = await services.blobs.read(blob.sha256, 0, Math.min(512, blob.sizeBytes));
  if (looksLikeXml(head)) {
    if (blob.sizeBytes > MAX_DESCRIPTOR) throw tooLarge();
    return { descriptor: await services.blobs.read(blob.sha256, 0, blob.sizeBytes), files: new Map(), findings: [] };
  }
  return unpackOva(services.blobs, await services.blobs.open(blob.sha256), services.maxBytes);
}

async function fromUrl(services: PackageServices, context: RequestContext, url: string): Promise<Package> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(FETCH_MS)]);
  try {
    const answer = await services.dialler.fetch(url, { maxBytes: MAX_DESCRIPTOR, timeoutMs: FETCH_MS, signal });
    if (answer.status !== 200) {
      answer.discard();
      throw problem('invalid', 'ovf.url-status', `the server of the descriptor answered ${answer.status}`, urlRemedy);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      if (chunks.length === 1 && !looksLikeXml(chunk)) {
        answer.discard();
        throw problem('invalid', 'ovf.url-not-descriptor', 'what the URL names is not an OVF descriptor', {
          ...urlRemedy,
          remedy: 'name the .ovf; send an .ova through /upload/ or as application/x-tar',
        });
      }
    }
    return { descriptor: Buffer.concat(chunks), files: new Map(), base: answer.url, findings: [] };
  } catch (error) {
    throw error instanceof Problem && error.kind !== 'internal'
      ? asInvalid(error)
      : problem('invalid', 'ovf.url-unreachable', messageOf(error), urlRemedy);
  }
}

const urlRemedy = {
  place: { field: 'eu.contrail-project.ovf.url' },
  rule: 'K06',
  remedy: 'check the URL, or send the descriptor itself',
} as const;

/** Whatever the dialler found wrong is a fault of the request that named the URL. */
function asInvalid(found: Problem): Problem {
  const place = { field: 'eu.contrail-project.ovf.url' };
  return new Problem(
    'invalid',
    found.faults.map((fault) => ({ place, ...fault })),
    { cause: found },
  );
}

/**
 * Where each image of a plan comes from. Absolute URLs stand for themselves, relative references are files that came
 * along or lie beside a descriptor that was fetched.
 */
export function originsOf(
  images: readonly PlannedImage[],
  { files, base }: Package,
): { origins: ImageOrigins; missing: PlannedImage[] } {
  const origins: Record<string, FileOrigin> = {};
  const missing: PlannedImage[] = [];
  for (const image of images) {
    const sent = sentAs(image.href, files);
    if (sent) origins[image.id] = { sha256: sent.sha256 };
    else if (/^https?:/i.test(image.href)) origins[image.id] = { url: image.href };
    else if (base !== undefined) origins[image.id] = { url: new URL(image.href, base).href };
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
