/** The two refusals of an image that all formats share. */

import { excerpt, problem, type Problem } from '../base/errors.js';

/** The image names a file outside itself. */
export function pointer(what: string, name: string): Problem {
  return problem('invalid', 'image.pointer', `the image depends on another file: its ${what}`, {
    value: excerpt(name),
    remedy: 'flatten the image, for instance with qemu-img convert, and send it again',
  });
}

export function brokenImage(format: string, why: string): Problem {
  return problem('invalid', 'image.broken', `this is not a sound ${format} image: ${why}`, {
    remedy: 'check the image, for instance with qemu-img check, and send it again',
  });
}

/** A size from an image's header, in bytes; past 2^53 it is nonsense. */
export function size(format: string, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw brokenImage(format, 'its size is beyond all measure');
  return Number(value);
}
