/** Files of an installation that an operator may replace one by one: each is read from the first folder that has it. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The named files, from `replacement` where it has them and from `installed` else.
 * @throws Error when `replacement` is given and has none of them, which is a mistyped folder, or a file cannot be read
 */
export function readOverlaid(
  names: readonly string[],
  installed: string,
  replacement: string | undefined,
): ReadonlyMap<string, Uint8Array> {
  const replaced = new Set(names.filter((name) => replacement !== undefined && existsSync(join(replacement, name))));
  if (replacement !== undefined && replaced.size === 0) {
    throw new Error(`${replacement} has none of the files ${names.join(', ')}`);
  }
  return new Map(
    names.map((name) => [name, readFileSync(join(replaced.has(name) ? (replacement as string) : installed, name))]),
  );
}
