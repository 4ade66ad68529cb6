/** Where the installed package lies: the folder that holds occi-kinds/, ovf-schema/ and package.json. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'occi-kinds')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
})();
