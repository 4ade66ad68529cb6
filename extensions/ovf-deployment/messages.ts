/**
 * The message bundles of a package (DSP0243 §10) for whoever asks in another language. They say what a licence means to
 * the user who is to accept it, so they are needed within the request: those that came along are read from where they were
 * put, those beside a descriptor at a URL are fetched in what is left of its time (decision 0015).
 */

import { messageOf, Problem, type Fault } from '../../src/base/errors.js';
import { companionFiles, MAX_BUNDLE, readBundles, type ReadEnvelope } from '../../src/ovf/index.js';
import type { File } from '../../src/ovf/envelope/model.js';
import { companionOrigin, leftOut } from './companions.js';
import { collect, fetchDocument, type Fetching } from './package-by-url.js';
import type { FileOrigin, Package, PackageServices } from './package.js';

/** Bundles that one request fetches. */
const MOST_FETCHED = 8;

/** The envelope with the bundles that speak one of the languages, as far as they can be had. */
export async function withMessages(
  services: PackageServices,
  received: Package,
  read: ReadEnvelope,
  languages: readonly string[],
  fetching: Fetching,
): Promise<ReadEnvelope> {
  if (languages.length === 0) return read;
  const missing: Fault[] = [];
  const named = new Set(companionFiles(read.envelope));
  let fetched = 0;
  const bytesOrWhy = async (file: File): Promise<Uint8Array | undefined> => {
    fetched += 1;
    if (fetched > MOST_FETCHED) return undefined;
    const origin = companionOrigin(file, received);
    // Told with the icons, whether or not somebody asks for its language.
    if ('unavailable' in origin && named.has(file)) return undefined;
    const bytes = await bytesOf(services, received, origin, fetching).catch((error: unknown) => {
      if (error instanceof Problem && error.kind !== 'internal') return error.faults[0]?.message ?? error.message;
      return messageOf(error);
    });
    if (bytes instanceof Uint8Array) return bytes;
    missing.push(leftOut(read.envelope, file, bytes));
    return undefined;
  };
  const { envelope, findings } = await readBundles(read.envelope, 'lenient', bytesOrWhy, languages);
  return { envelope, findings: [...read.findings, ...missing, ...findings] };
}

/** The bundle, or why it cannot be had. */
async function bytesOf(
  services: PackageServices,
  received: Package,
  origin: FileOrigin,
  fetching: Fetching,
): Promise<Uint8Array | string> {
  if ('unavailable' in origin) return origin.unavailable;
  if ('template' in origin) return 'it is an image';
  if ('sha256' in origin) {
    const blob = await services.blobs.find(origin.sha256);
    return blob ? services.blobs.read(blob.sha256, 0, blob.sizeBytes) : 'it is no longer here';
  }
  if ('member' in origin)
    return received.documents?.get(origin.member) ?? 'it does not stand among the first files of the archive';
  const answer = await fetchDocument(services, origin.url, MAX_BUNDLE, fetching);
  try {
    return answer.status === 200 ? await collect(answer.body, MAX_BUNDLE) : `the server answered ${answer.status}`;
  } finally {
    answer.discard();
  }
}
