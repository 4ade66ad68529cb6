/** How far a file has come, as the progress of the operation that brings it. */

import type { Progress } from '../../src/transfer/image-fetcher.js';

/** @param what the file in words that may be shown to anybody who sees the appliance */
export function transferProgress(
  what: string,
  { receivedBytes, totalBytes }: Progress,
): { readonly percent: number; readonly message: string } {
  const percent = totalBytes ? Math.floor((100 * receivedBytes) / totalBytes) : 0;
  return { percent, message: `${what}: ${receivedBytes} of ${totalBytes ?? 'unknown'} bytes` };
}
