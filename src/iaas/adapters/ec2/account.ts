/** A user's own account of EC2 (K35): the options of the site with the user's credential, and with what of the account they name. */

import { readAccountCredential } from '../../account-credential.js';
import { PART_MIB, PREFIX, type Ec2Options } from './options.js';

const FORM = {
  type: 'ec2',
  parts: ['access key id', 'secret access key', 'session token'],
  least: 2,
  settings: { vpc: /^vpc-[0-9a-f]+$/, subnet: /^subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*$/, bucket: /^[a-z0-9.-]{3,63}$/ },
};

/** More than any account has. */
const ENDLESS = 1e9;

/**
 * Whatever lies in the account of the site is not there: its VPC, subnets, groups and bucket. How much is left of the quotas
 * of the account EC2 alone knows.
 *
 * @throws Problem `invalid` for a credential that is written otherwise
 */
export function withAccount(options: Ec2Options, credential: string, mark: string): Ec2Options {
  const { parts, settings } = readAccountCredential(credential, FORM);
  const [accessKeyId = '', secretAccessKey = '', sessionToken] = parts;
  const { vpc, subnet, bucket } = settings;
  const { vpc: _vpc, ...network } = options.network;
  const { bucket: place, ...images } = options.images;
  return {
    ...options,
    credentials: {
      accessKeyId: { text: accessKeyId },
      secretAccessKey: { text: secretAccessKey },
      ...(sessionToken === undefined ? {} : { sessionToken: { text: sessionToken } }),
    },
    realm: `${options.realm}.${mark}`,
    capacity: { cores: ENDLESS, memoryGib: ENDLESS, storageGib: ENDLESS },
    network: {
      ...network,
      ...(vpc === undefined ? {} : { vpc }),
      subnets: subnet?.split(',') ?? [],
      securityGroups: [],
    },
    images: {
      ...images,
      ...(bucket === undefined ? {} : { bucket: { prefix: PREFIX, partMib: PART_MIB, ...place, name: bucket } }),
    },
  };
}
