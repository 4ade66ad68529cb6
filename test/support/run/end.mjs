/** After all tests: nothing that a server logged, put on the bus or into the audit trail holds a secret of the run. */

import { rmSync } from 'node:fs';
import { scan } from './scan.mjs';

export default async function end() {
  const directory = process.env['VEP_TEST_RUN'];
  if (directory === undefined) return;
  const { secrets, files, bytes, hits } = await scan(directory);
  const scanned = `${secrets} secrets sought in ${files} logs and trails of ${(bytes / 1e6).toFixed(1)} MB`;
  if (hits.length > 0) {
    const told = hits.slice(0, 20).map(({ what, how, file, near }) => `  ${what} (${how}) in ${file}: …${near}…`);
    throw new Error(`${scanned}, ${hits.length} found; kept in ${directory}\n${told.join('\n')}`);
  }
  process.stderr.write(`${scanned}: none found\n`);
  rmSync(directory, { recursive: true, force: true });
}
