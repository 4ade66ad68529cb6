/** The OVF schemas of this project, loaded once for all tests of a file. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageRoot } from '../../src/base/package-root.js';
import { OVF_1, OVF_2 } from '../../src/ovf/envelope/vocabulary.js';
import { createOvfSchemas, SCHEMA_FILES, type OvfSchemas } from '../../src/ovf/schema/schemas.js';

export const schemas: OvfSchemas = createOvfSchemas(
  new Map(SCHEMA_FILES.map((name) => [name, readFileSync(join(packageRoot, 'ovf-schema', name))])),
);

/** Folder of shared data below VEP_TEST_SHARED; `describeShared` skips with a printed reason when it is unset. */
export function sharedFolder(name: string): string | undefined {
  const shared = process.env['VEP_TEST_SHARED'];
  if (shared === undefined || shared === '') {
    console.log(`skipped: VEP_TEST_SHARED is not set, so there is no ${name}`);
    return undefined;
  }
  return join(shared, 'data', name);
}

/** The published files under the names that ours have. */
export function officialSchemas(folder: string): OvfSchemas {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const place = (name: string): string => {
    if (name === '1.0/dsp8023_1.0.0.xsd') return read('1.0/ovf-envelope.xsd');
    if (name === '2.0/dsp8023_2.0.0.xsd') return finalOf(read('2.0-draft/dsp8023_2.0.0c.xsd'));
    if (name.startsWith('2.0/')) return read(name.replace('2.0/', '2.0-draft/'));
    return read(name.includes('/') ? name : `1.1/${name}`);
  };
  return createOvfSchemas(new Map(SCHEMA_FILES.map((name) => [name, Buffer.from(place(name))])));
}

/** Only a draft of 2.0 is at hand: brought to the final namespace, without what it takes from XML encryption. */
function finalOf(draft: string): string {
  return draft
    .replaceAll(OVF_1, OVF_2)
    .replace(/<xs:import[^>]*(xmldsig|xenc|xmlenc|BootSourceSetting)[^>]*\/>/g, '')
    .replace(/<xs:element ref="xenc11:DerivedKey"[^>]*\/>/, '<xs:any namespace="urn:none" processContents="skip"/>')
    .replace(/<xs:element ref="xenc:EncryptedKey"[^>]*\/>/, '<xs:any namespace="urn:nil" processContents="skip"/>');
}
