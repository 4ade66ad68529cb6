/**
 * Formats of disk images by their first bytes, as QEMU and others guess them. Two things hang on it: what a file is, and that
 * the disk inside an image is no image again, for whoever converts the outer one makes a file that begins with the inner one.
 */

import { pointer } from './image-faults.js';

/** How much of a disk's beginning QEMU looks at when it guesses a format. */
export const GUESS_BYTES = 512;

/** A VMDK without an extent of its own: text that names the files to read. */
export const DESCRIPTOR = 'VMDK descriptor';

const MAGIC: readonly (readonly [magic: string, name: string])[] = [
  ['QFI\xfb', 'qcow2'],
  ['KDMV', 'vmdk'],
  ['conectix', 'vhd'],
  ['vhdxfile', 'VHDX'],
  ['QED\0', 'QED'],
  ['COWD', 'VMware COW'],
  ['WithoutFreeSpace', 'Parallels'],
  ['WithouFreSpacExt', 'Parallels'],
  ['<<< ', 'VirtualBox VDI'],
  ['Bochs Virtual HD Image', 'Bochs'],
  ['#!/bin/sh\n#V2.0 Format\n', 'cloop'],
];
/** QEMU knows VDI by this number at byte 64 alone, whatever the text before it says. */
const VDI = { at: 64, magic: '\x7f\x10\xda\xbe' };

/** What the bytes say that a file or disk is; undefined for no image, such as a raw disk. */
export function imageFormat(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  const known = MAGIC.find(([magic]) => text.startsWith(magic));
  if (known) return known[1];
  if (text.startsWith(VDI.magic, VDI.at)) return 'VirtualBox VDI';
  return isDescriptor(text) ? DESCRIPTOR : undefined;
}

/** @throws Problem `invalid` (`image.pointer`) where the guest's disk that begins so is an image itself */
export function checkContent(first: Uint8Array): void {
  const inner = imageFormat(first);
  if (inner !== undefined) throw pointer('disk, which is an image itself', inner);
}

/** QEMU takes `version=` after any comments and blanks for a descriptor; VMware's own begin with a comment that says so. */
function isDescriptor(text: string): boolean {
  const comments = /^(?:\s|#[^\n]*\n)*/.exec(text)?.[0] ?? '';
  return /^\s*#\s*Disk DescriptorFile/i.test(text) || /^version\s*=/i.test(text.slice(comments.length));
}
