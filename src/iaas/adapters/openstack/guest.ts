/** What the guest is told: cloud-init's user data, from the metadata service or the config drive. */

import { gzipSync } from 'node:zlib';
import { combinedUserData } from '../../../ovf/index.js';
import { IaasError, type ComputeSpec } from '../../adapter.js';
import { isWhole } from './marks.js';

/** Nova's limit of user data, in characters of Base64. */
const LONGEST = 65_535;

/**
 * User data in Base64; nothing where there is nothing to tell. Documents that are too long go compressed, as cloud-init
 * reads them too.
 *
 * @throws IaasError `invalid` for documents that are too long all the same, or no whole text
 */
export function userDataOf({ userData, ovfEnvironment, sshKeys = [] }: ComputeSpec): string | undefined {
  if (userData !== undefined && !isWhole(userData))
    throw new IaasError('invalid', 'the user data holds half of a character');
  // Whoever gives both has put the environment into the user data already: it is the one way there is.
  const environment = userData === undefined ? ovfEnvironment : undefined;
  const configuration = sshKeys.length > 0 ? { ssh_authorized_keys: [...sshKeys] } : {};
  if (userData === undefined && environment === undefined && sshKeys.length === 0) return undefined;
  const seed = { configuration, metaData: '', userData: '', ...(userData === undefined ? {} : { own: userData }) };
  const document = Buffer.from(combinedUserData(seed, environment), 'utf8');
  const plain = document.toString('base64');
  if (plain.length <= LONGEST) return plain;
  const compressed = gzipSync(document).toString('base64');
  if (compressed.length <= LONGEST) return compressed;
  throw new IaasError('invalid', `the user data is longer than Nova takes: ${LONGEST} characters of Base64`);
}
