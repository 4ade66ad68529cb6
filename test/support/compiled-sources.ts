/** The sources of sites as JavaScript, for processes that a test starts and kills. */

import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { transformFile } from '@swc/core';
import { packageRoot } from '../../src/base/package-root.js';

/** In a folder of their own, beside the installed packages and `child.mjs`, which imports them. Whoever asked removes it. */
export async function compiledSources(child: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vep-child-'));
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'child.mjs'), child);
  const files = ['src/base', 'src/ovf', 'src/iaas'].flatMap((root) =>
    readdirSync(join(packageRoot, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(root, file)),
  );
  for (const file of files) {
    const { code } = await transformFile(join(packageRoot, file), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  return folder;
}
