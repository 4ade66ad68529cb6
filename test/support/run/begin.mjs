/** Before all tests: the directory in which they keep what their servers say, and the secrets that these must not say. */

import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function begin() {
  const directory = mkdtempSync(join(tmpdir(), 'vep-run-'));
  for (const part of ['secrets', 'said']) mkdirSync(join(directory, part), { mode: 0o700 });
  process.env['VEP_TEST_RUN'] = directory;
}
