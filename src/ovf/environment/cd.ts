/** The CDs that bring a guest its environment: DSP0243's own (§11.2), and the seed of cloud-init's NoCloud. */

import { ENVIRONMENT_FILE } from './environment.js';
import { buildIso, NO_CLOUD_VOLUME, OVF_VOLUME } from './iso.js';
import { seedFiles, type NoCloudSeed } from './no-cloud.js';

/** `ovf-env.xml` in the root of a volume. */
export function environmentCd(ovfEnvironment: string): Uint8Array {
  return buildIso([{ name: ENVIRONMENT_FILE, bytes: Buffer.from(ovfEnvironment, 'utf8') }], OVF_VOLUME);
}

export function seedCd(seed: NoCloudSeed): Uint8Array {
  return buildIso(seedFiles(seed), NO_CLOUD_VOLUME);
}
