/**
 * What an image is, by its own bytes: QEMU's qcow2 header, VMware's sparse extent and descriptor, ISO 9660 (ECMA-119
 * §8.1), else raw. A name or a header from outside proves nothing; a qcow2 that refers to another file is refused, for
 * whoever opens it would read that file.
 */

import { createHash } from 'node:crypto';
import { IaasError, type ImageSpec } from '../../adapter.js';

/** How much of the beginning tells what an image is: the ISO 9660 volume descriptor is the farthest mark. */
const HEAD_BYTES = 34 * 1024;

/** What reading an image to its end found. */
export interface ImageFindings {
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
}

/**
 * Reads all of an image and holds it against its description.
 *
 * @throws IaasError `invalid` when format, size or digest are not as described, `transient` when the stream breaks off.
 */
export async function readImage(spec: ImageSpec, signal: AbortSignal | undefined): Promise<ImageFindings> {
  const digest = createHash('sha256');
  const head: Uint8Array[] = [];
  let headBytes = 0;
  let sizeBytes = 0;
  try {
    for await (const chunk of await spec.open()) {
      signal?.throwIfAborted();
      sizeBytes += chunk.byteLength;
      if (sizeBytes > spec.sizeBytes) break;
      digest.update(chunk);
      if (headBytes < HEAD_BYTES) {
        head.push(chunk);
        headBytes += chunk.byteLength;
      }
    }
  } catch (error) {
    throw new IaasError('transient', 'the image could not be read to its end', undefined, error);
  }
  if (sizeBytes !== spec.sizeBytes)
    throw new IaasError(
      'invalid',
      `the image should have ${spec.sizeBytes} bytes, it has ${sizeBytes > spec.sizeBytes ? 'more' : sizeBytes}`,
    );
  if (spec.sha256 !== undefined && digest.digest('hex') !== spec.sha256.toLowerCase())
    throw new IaasError('invalid', 'the SHA-256 of the image is not the one given');
  const bytes = Buffer.concat(head);
  const found = formatOf(bytes);
  if (found !== spec.format) throw new IaasError('invalid', `the image is ${found}, not ${spec.format}`);
  return { sizeBytes, virtualSizeBytes: virtualSize(bytes, found) ?? spec.virtualSizeBytes ?? sizeBytes };
}

type Format = 'qcow2' | 'vmdk' | 'iso' | 'raw';

function formatOf(head: Buffer): Format {
  if (head.subarray(0, 4).equals(Buffer.from('QFI\u00fb', 'latin1'))) return 'qcow2';
  if (head.subarray(0, 4).toString('latin1') === 'KDMV') return 'vmdk';
  if (head.subarray(0, 21).toString('latin1') === '# Disk DescriptorFile') return 'vmdk';
  if (head.subarray(32769, 32774).toString('latin1') === 'CD001') return 'iso';
  return 'raw';
}

/** The size of the disk that an image makes; nothing when its header does not say. */
function virtualSize(head: Buffer, format: Format): number | undefined {
  if (format === 'qcow2') {
    if (head.length < 72) throw new IaasError('invalid', 'the qcow2 header is cut off');
    const externalData = head.readUInt32BE(4) >= 3 && head.length >= 80 && (head.readBigUInt64BE(72) & 4n) !== 0n;
    if (head.readBigUInt64BE(8) !== 0n || externalData)
      throw new IaasError('invalid', 'the qcow2 image refers to another file');
    return Number(head.readBigUInt64BE(24));
  }
  if (format === 'vmdk' && head.length >= 20 && head.toString('latin1', 0, 4) === 'KDMV')
    return Number(head.readBigUInt64LE(12)) * 512;
  return undefined;
}
