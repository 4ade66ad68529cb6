/** The bootable guest of `examples/images/build`: kept until its parts change; nothing, with the reason said, where it cannot be made. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';

const PARTS = ['build', 'guest-init'].map((name) => join(packageRoot, 'examples/images', name));

export function guestImage(): Uint8Array | undefined {
  const folder = join(packageRoot, '.cache');
  const file = join(folder, 'guest.qcow2');
  if (existsSync(file) && PARTS.every((part) => statSync(part).mtimeMs < statSync(file).mtimeMs))
    return readFileSync(file);
  mkdirSync(folder, { recursive: true });
  // Two tests may make it at the same time.
  const draft = join(folder, `guest-${process.pid}.qcow2`);
  try {
    execFileSync(PARTS[0] ?? '', [draft], { stdio: 'pipe', timeout: 240_000 });
  } catch (error) {
    console.info(`skipped: the guest cannot be built: ${String((error as { stderr?: Buffer }).stderr ?? error)}`);
    return undefined;
  }
  renameSync(draft, file);
  return readFileSync(file);
}
