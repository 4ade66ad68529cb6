/** `npm run bench`: every measurement in turn, each with the arguments that were given; ends at the first that fails. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

for (const script of [
  'ovf.mjs',
  'package.mjs',
  'run.mjs',
  'certificates.mjs',
  'comparisons.mjs',
  'reconcile.mjs',
  'revocation.mjs',
]) {
  const argv = [join(import.meta.dirname, script), ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
