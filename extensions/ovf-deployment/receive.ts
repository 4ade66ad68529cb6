/** Takes in the package of a request: the one that came with it, one that was uploaded before, or one at a URL (K05). */

import { problem } from '../../src/base/errors.js';
import type { Attachment, RequestContext } from '../../src/extension/extension.js';
import { UNSIGNED } from '../../src/ovf/package/certificate.js';
import { looksLikeXml, MAX_DESCRIPTOR, tooLarge, type Package, type PackageServices } from './package.js';
import { packageAtUrl, type Fetching } from './package-by-url.js';
import { unpackOva, UnpackedPackage } from './unpack.js';
import { DESCRIPTOR_TYPES, OVF_URL } from './vocabulary.js';

/** The package that came with the request, or the one that `.ovf.url` names. */
export async function receivePackage(
  services: PackageServices,
  context: RequestContext,
  attachments: readonly Attachment[],
  url: string | undefined,
  fetching: Fetching,
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
  if (descriptor) return { descriptor, signature: UNSIGNED, findings: [] };
  if (url === undefined) {
    throw problem('invalid', 'ovf.missing', 'the request neither brings an OVF nor says where it is', {
      place: { field: OVF_URL },
      rule: 'K05',
      remedy: `give ${OVF_URL}, or send the descriptor as ${DESCRIPTOR_TYPES[0]} or multipart/form-data`,
    });
  }
  return url.startsWith('upload:')
    ? fromUpload(services, context, url.slice('upload:'.length))
    : packageAtUrl(services, url, fetching);
}

/** An uploaded file: a descriptor, or an archive that is unpacked into the blob store. */
async function fromUpload(services: PackageServices, context: RequestContext, id: string): Promise<Package> {
  const blob = await services.uploads.resolve(id, context.principal.id);
  const head = await services.blobs.read(blob.sha256, 0, Math.min(512, blob.sizeBytes));
  if (looksLikeXml(head)) {
    if (blob.sizeBytes > MAX_DESCRIPTOR) throw tooLarge();
    const descriptor = await services.blobs.read(blob.sha256, 0, blob.sizeBytes);
    return { descriptor, signature: UNSIGNED, findings: [] };
  }
  return unpackOva(services, await services.blobs.open(blob.sha256));
}
