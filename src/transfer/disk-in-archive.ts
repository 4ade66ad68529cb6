/**
 * The disk that an OVA brings, for those who use archives as a wrapping of one image, as image lists do (`hv:format: OVA`).
 * Nothing of its descriptor is acted upon: size and memory are the user's to choose.
 */

import { excerpt, problem, type Problem } from '../base/errors.js';
import { readTar } from '../ovf/package/tar.js';
import type { Blob, BlobStore } from './blob-store.js';

const DOCUMENTS = /\.(ovf|mf|cert|xml|txt|nvram|sig)$/i;
const MOST_MEMBERS = 100;

/** @throws Problem `invalid` (`image.archive`) unless there is exactly one disk; `malformed` for what is no archive */
export async function diskInArchive(blobs: BlobStore, archive: Blob, maxBytes: number): Promise<Blob> {
  let disk: Blob | undefined;
  let members = 0;
  for await (const { name, type, size, bytes } of readTar(await blobs.open(archive.sha256))) {
    members += 1;
    if (members > MOST_MEMBERS) throw refused(`it has more than ${MOST_MEMBERS} members`);
    if (type === 'directory' || (type === 'file' && DOCUMENTS.test(name))) continue;
    if (type !== 'file') throw refused(`a member is no plain file but a ${type}`, name);
    if (disk) throw refused('there is a second disk', name);
    disk = await blobs.put(bytes, { maxBytes, sizeBytes: size });
  }
  if (!disk) throw refused('there is no disk in it');
  return disk;
}

function refused(why: string, name = ''): Problem {
  return problem('invalid', 'image.archive', `the archive is not the wrapping of one disk: ${why}`, {
    value: excerpt(name),
    remedy: 'deploy it as an appliance, or offer the disk by itself',
  });
}
