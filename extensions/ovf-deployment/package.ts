/**
 * The package an appliance comes in, whichever way it was sent (K05, K06): its descriptor, and where each of its files
 * is. Descriptors are fetched within the request; images never are.
 */

import { problem, type Fault, type Problem } from '../../src/base/errors.js';
import type { TypeId } from '../../src/occi/model.js';
import { safeHref } from '../../src/ovf/envelope/href.js';
import type { PackageContents } from '../../src/ovf/index.js';
import type { Signature } from '../../src/ovf/package/certificate.js';
import type { Members } from '../../src/ovf/package/members.js';
import type { PlannedImage } from '../../src/ovf/plan.js';
import type { Blob } from '../../src/transfer/blob-store.js';
import type { PieceDigests } from '../../src/transfer/image-fetcher.js';
import type { Sources } from '../../src/transfer/sources.js';
import type { Uploads } from '../../src/transfer/uploads.js';
import type { Digest } from '../../src/transfer/verified.js';
import type { IntakeServices } from './unpack.js';

/** Largest descriptor, in bytes (K06). */
export const MAX_DESCRIPTOR = 12 * 1024 * 1024;

/**
 * Where one file of the package comes from: the blob store; the web, where the work looks for a manifest that lists `path`,
 * unless it has done so; an archive on the web that the work has not unpacked yet; or a template.
 */
export type FileOrigin =
  /** `href` for a file that says something to people, which the plan does not know. */
  | { readonly sha256: string; readonly href?: string }
  | {
      readonly url: string;
      readonly path?: string;
      readonly digest?: Digest;
      readonly pieceDigests?: PieceDigests;
    }
  | { readonly member: string }
  /** A file that says something to people and cannot be had: its bare name, and why. */
  | { readonly name: string; readonly unavailable: string }
  /** The image behind an OS template. */
  | { readonly template: TypeId };
/** By file id of the plan; a file nobody sent is missing. */
export type ImageOrigins = Readonly<Record<string, FileOrigin>>;

/** File ids are what a stranger wrote, `constructor` and `__proto__` among them: nothing is found that was not put there. */
export function imageOrigins(...all: readonly ImageOrigins[]): ImageOrigins {
  const origins = Object.create(null) as Record<string, FileOrigin>;
  for (const each of all) for (const id of Object.keys(each)) origins[id] = each[id] as FileOrigin;
  return origins;
}

/** Whether the work has to look at the package before its images can be brought. */
export function isOpen(images: ImageOrigins): boolean {
  return Object.values(images).some((origin) => 'member' in origin || 'path' in origin);
}

export interface Package {
  readonly descriptor: Uint8Array;
  /** Files that came along. */
  readonly files?: Members<Blob>;
  /** Those that came in pieces, by the name that their pieces share. */
  readonly joined?: Members<Blob>;
  /** URL against which relative references resolve. */
  readonly base?: string;
  /** The files are members of an archive that the work fetches. */
  readonly archived?: true;
  /** Small files that were met beside the descriptor of such an archive. */
  readonly documents?: Members<Uint8Array>;
  /** What an archive held, to be compared with what its descriptor refers to. */
  readonly contents?: PackageContents;
  /** Absent while nobody has looked for one: the work does. */
  readonly signature?: Signature;
  readonly findings: readonly Fault[];
}

export interface PackageServices extends IntakeServices {
  readonly sources: Sources;
  readonly uploads: Uploads;
}

/**
 * Where each image of a plan comes from. Absolute URLs stand for themselves, relative references are files that came
 * along, lie beside a descriptor that was fetched, or are members of the archive it was read from.
 */
export function originsOf(
  images: readonly PlannedImage[],
  received: Whereabouts,
): { origins: ImageOrigins; missing: PlannedImage[] } {
  const origins = imageOrigins() as Record<string, FileOrigin>;
  const missing: PlannedImage[] = [];
  for (const image of images) {
    const origin = originOf(image, received);
    if (origin) origins[image.id] = origin;
    else missing.push(image);
  }
  return { origins, missing };
}

type Whereabouts = Pick<Package, 'files' | 'joined' | 'base' | 'archived'>;

/** What the References say of where a file is. */
export interface Reference {
  readonly href: string;
  /** Present where it lies in pieces. */
  readonly chunkSize?: number | bigint | undefined;
}

/** Where the file of one reference comes from; undefined for one that nobody sent. */
export function originOf(reference: Reference, received: Whereabouts): FileOrigin | undefined {
  const sent = sentAs(reference, received);
  if (sent) return { sha256: sent.sha256 };
  const { base, archived } = received;
  const href = safeHref(reference.href);
  if (href.kind === 'url') return { url: reference.href };
  if (href.kind !== 'member') return undefined;
  if (archived) return { member: href.path };
  return base === undefined ? undefined : { url: new URL(reference.href, base).href, path: href.path };
}

/** The file that came along for a reference. */
export function sentAs(
  { href: written, chunkSize }: Reference,
  { files, joined }: Pick<Package, 'files' | 'joined'>,
): Blob | undefined {
  const href = safeHref(written);
  const path = href.kind === 'member' ? href.path : written;
  return (chunkSize === undefined ? undefined : joined?.get(path)) ?? files?.get(path);
}

/** The first bytes of XML in any encoding: white space, a byte order mark, `<`. A tar begins with a file name. */
export function looksLikeXml(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.subarray(0, 64))
    .toString('latin1')
    .replace(/^(?:\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)/, '');
  return text.replaceAll('\0', '').trimStart().startsWith('<');
}

export function tooLarge(): Problem {
  return problem('too-large', 'ovf.descriptor-too-large', `a descriptor has at most ${MAX_DESCRIPTOR} bytes`, {
    rule: 'O-078',
    remedy: 'send large files beside it',
  });
}
