/**
 * Files beside a descriptor that lies in a folder of this machine (`images.fileRoots`): whether each is there, and leads
 * nowhere else, is seen within the request. What lies on the web is not asked for then (K06).
 */

import { excerpt, Problem, type Fault } from '../../src/base/errors.js';
import { shownUrl } from '../../src/base/shown-url.js';
import { pieceName } from '../../src/ovf/package/pieces.js';
import type { PlannedImage } from '../../src/ovf/plan.js';
import { isFileUrl, type Sources } from '../../src/transfer/sources.js';
import type { ImageOrigins } from './package.js';

/** A fault for each that cannot be opened; of one in pieces the first piece is tried. */
export async function filesNotBeside(
  sources: Sources,
  files: readonly PlannedImage[],
  origins: ImageOrigins,
  signal: AbortSignal,
): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  for (const { id, href, chunkSize } of files) {
    const origin = origins[id];
    if (!origin || !('url' in origin) || !isFileUrl(origin.url)) continue;
    try {
      const url = chunkSize === undefined ? origin.url : pieceName(origin.url, 0);
      (await sources.fetch(url, { maxBytes: Number.POSITIVE_INFINITY, signal })).discard();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Problem)) throw error;
      faults.push({
        code: 'ovf.O-013',
        message: `the file ${excerpt(shownUrl(href))} is not beside the descriptor, or leads out of the folders that are open`,
        place: { field: excerpt(shownUrl(href)) },
        rule: 'O-013',
        remedy: 'put the file itself beside the descriptor, below one of the folders in images.fileRoots',
      });
    }
  }
  return faults;
}
