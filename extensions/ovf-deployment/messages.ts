/**
 * The message bundles of a package (DSP0243 §10) for whoever asks in another language. They say what a licence means to
 * the user who is to accept it, so they are needed within the request: those that came along are read from where they were
 * put, those beside a descriptor at a URL are fetched in what is left of its time (decision 0015).
 */

import { excerpt, messageOf, Problem, type Fault } from '../../src/base/errors.js';
import { safeHref } from '../../src/ovf/envelope/href.js';
import { MAX_BUNDLE, readBundles, type ReadEnvelope } from '../../src/ovf/index.js';
import type { File } from '../../src/ovf/envelope/model.js';
import { collect, fetchDocument, type Fetching } from './package-by-url.js';
import { originOf, sentAs, type Package, type PackageServices } from './package.js';

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
  let fetched = 0;
  const bytesOrWhy = async (file: File): Promise<Uint8Array | undefined> => {
    fetched += 1;
    if (fetched > MOST_FETCHED) return undefined;
    const bytes = await bytesOf(services, received, file, fetching).catch((error: unknown) => {
      if (error instanceof Problem && error.kind !== 'internal') return error.faults[0]?.message ?? error.message;
      return messageOf(error);
    });
    if (bytes instanceof Uint8Array) return bytes;
    missing.push(left(file, bytes));
    return undefined;
  };
  const { envelope, findings } = await readBundles(read.envelope, 'lenient', bytesOrWhy, languages);
  return { envelope, findings: [...read.findings, ...missing, ...findings] };
}

/** The bundle, or why it cannot be had. */
async function bytesOf(
  services: PackageServices,
  received: Package,
  file: File,
  fetching: Fetching,
): Promise<Uint8Array | string> {
  const sent = sentAs(file.href, received.files);
  if (sent) {
    if (sent.sizeBytes > MAX_BUNDLE) return TOO_LARGE;
    return services.blobs.read(sent.sha256, 0, sent.sizeBytes);
  }
  const href = safeHref(file.href);
  if (received.archived === true && href.kind === 'member')
    return received.documents?.get(href.path) ?? 'it does not stand among the first files of the archive';
  const origin = originOf(file.href, received);
  if (origin === undefined || !('url' in origin)) return 'it was not sent';
  if (file.chunkSize !== undefined) return 'it lies there in pieces';
  const answer = await fetchDocument(services, origin.url, MAX_BUNDLE, fetching);
  try {
    return answer.status === 200 ? await collect(answer.body, MAX_BUNDLE) : `the server answered ${answer.status}`;
  } finally {
    answer.discard();
  }
}

const TOO_LARGE = `it has more than ${MAX_BUNDLE} bytes`;

function left({ href, at }: File, why: string): Fault {
  return {
    code: 'ovf.O-073',
    severity: 'warning',
    message: `the message file ${excerpt(href)} is left out: ${why}`,
    place: at,
    rule: 'O-073, DSP0243 §10',
    remedy: 'send the bundle with the descriptor, in an archive right behind it',
  };
}
