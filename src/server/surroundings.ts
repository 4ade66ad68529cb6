/** What of a server's surroundings its administrators should see to, beside its sites: told in the log at start, and by `vep doctor`. */

import type { Config } from '../base/config.js';
import type { Fault } from '../base/errors.js';
import { clashInConfiguration } from '../iaas/network-pools.js';
import { unusableRoots } from '../transfer/sources.js';
import { clashesOf } from './configured-sites.js';

export async function surroundingsOf({ images, sites }: Pick<Config, 'images' | 'sites'>): Promise<readonly Fault[]> {
  const roots = await unusableRoots(images.fileRoots);
  return [
    ...roots.map(({ root, why }): Fault => ({
      code: 'images.file-root',
      severity: 'warning',
      message: `the folder ${root}, which images may come from, ${why}`,
      place: { path: 'images.fileRoots' },
      remedy: 'mount it or let the account of VEP into it, or take it out of images.fileRoots',
    })),
    ...clashesOf(sites).map(clashInConfiguration),
  ];
}
