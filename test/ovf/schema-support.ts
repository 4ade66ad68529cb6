/** The OVF schemas of this project, loaded once for all tests of a file. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageRoot } from '../../src/base/package-root.js';
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
