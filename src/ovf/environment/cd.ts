/** The CDs that bring a guest its environment: DSP0243's own (§11.2), and the seed of cloud-init's NoCloud. */

import { ENVIRONMENT_FILE } from './environment.js';
import { ENVIRONMENT_FOLDER, type EnvironmentDocument } from './environment-document.js';
import { buildIso, NO_CLOUD_VOLUME, OVF_VOLUME, type IsoFile } from './iso.js';
import { seedFiles, type NoCloudSeed } from './no-cloud.js';

/** `ovf-env.xml` in the root of a volume. */
export function environmentCd(ovfEnvironment: string): Uint8Array {
  return buildIso(environmentFilesOf(ovfEnvironment), OVF_VOLUME);
}

/** What an environment puts on a volume: its document, and the files that belong to it. */
export function environmentFilesOf(
  ovfEnvironment: string,
  files: readonly EnvironmentDocument[] = [],
): readonly IsoFile[] {
  return [
    { name: ENVIRONMENT_FILE, bytes: Buffer.from(ovfEnvironment, 'utf8') },
    ...files.map(({ path, base64 }) => ({
      name: `${ENVIRONMENT_FOLDER}/${path}`,
      bytes: Buffer.from(base64, 'base64'),
    })),
  ];
}

export function seedCd(seed: NoCloudSeed): Uint8Array {
  return buildIso(seedFiles(seed), NO_CLOUD_VOLUME);
}
