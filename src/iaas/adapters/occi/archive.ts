/**
 * A package as one file: an OVA (POSIX.1-2017 ustar), or a descriptor that came alone. It can be read at any place without being
 * put together first: what a resumable upload wants.
 */

import { TAR_END, tarHeader, tarPadding } from '../../../ovf/package/tar-header.js';
import { IaasError } from '../../adapter.js';
import type { ApplianceFile } from '../../appliance-site.js';

interface Stretch {
  readonly sizeBytes: number;
  read(first: number, length: number): Promise<Uint8Array>;
}

export interface Archive extends Stretch {
  readonly name: string;
}

/** @throws IaasError `invalid` for a file whose name no archive can hold */
export function archiveOf(descriptor: string, files: readonly ApplianceFile[]): Archive {
  const text = Buffer.from(descriptor, 'utf8');
  // An archive would have to hold every file that the descriptor names; alone it may have come without them.
  if (files.length === 0) return { name: 'appliance.ovf', ...held(text) };
  const members: readonly ApplianceFile[] = [{ href: 'appliance.ovf', ...held(text) }, ...files];
  const stretches = members.flatMap((file) => [held(headerOf(file)), file, held(tarPadding(file.sizeBytes))]);
  return { name: 'appliance.ova', ...joined([...stretches, held(TAR_END)]) };
}

function headerOf({ href, sizeBytes }: ApplianceFile): Uint8Array {
  const header = tarHeader(href, sizeBytes);
  if (header) return header;
  throw new IaasError('invalid', `the name of the file ${href.slice(0, 80)} is too long for an OVA`);
}

function held(bytes: Uint8Array): Stretch {
  return {
    sizeBytes: bytes.byteLength,
    read: (first, length) => Promise.resolve(bytes.subarray(first, first + length)),
  };
}

function joined(stretches: readonly Stretch[]): Stretch {
  const sizeBytes = stretches.reduce((sum, stretch) => sum + stretch.sizeBytes, 0);
  return {
    sizeBytes,
    read: async (first, length) => {
      const pieces: Uint8Array[] = [];
      let begin = 0;
      for (const stretch of stretches) {
        const from = Math.max(first - begin, 0);
        const to = Math.min(first + length - begin, stretch.sizeBytes);
        if (from < to) pieces.push(await stretch.read(from, to - from));
        begin += stretch.sizeBytes;
      }
      return Buffer.concat(pieces);
    },
  };
}
