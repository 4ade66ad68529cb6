/** What the guest finds at its metadata service: cloud-init reads it plain or packed. */

import { gzipSync } from 'node:zlib';
import { IaasError, type ComputeSpec } from '../../adapter.js';
import { isWhole } from '../../kept-text.js';

/** What EC2 takes as user data, before Base64. */
const MOST_USER_DATA = 16_384;

/** @throws IaasError `invalid` for what is too long, or no text */
export function userDataOf({ userData, ovfEnvironment, hostname }: ComputeSpec): { UserData?: string } {
  const named = hostname === undefined ? undefined : `#cloud-config\nhostname: ${hostname}\n`;
  const text = userData ?? ovfEnvironment ?? named;
  if (text === undefined) return {};
  if (!isWhole(text)) throw new IaasError('invalid', 'a document for the guest holds half of a character');
  const plain = Buffer.from(text, 'utf8');
  if (plain.byteLength <= MOST_USER_DATA) return { UserData: plain.toString('base64') };
  const packed = gzipSync(plain, { level: 9 });
  if (packed.byteLength <= MOST_USER_DATA) return { UserData: packed.toString('base64') };
  throw new IaasError(
    'invalid',
    `user data and OVF environment take ${packed.byteLength} bytes packed, and EC2 takes ${MOST_USER_DATA}: shorten them`,
  );
}
