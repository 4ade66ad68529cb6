/**
 * Whether this machine has EFI for its guests: libvirt chooses one among the descriptions that lie where QEMU's firmware
 * interoperability specification has them, and Debian's package `ovmf` puts some there.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDERS = ['/etc/qemu/firmware', '/usr/share/qemu/firmware', '/usr/local/share/qemu/firmware'];

/** `folders`: where descriptions lie. */
export function hasEfi(folders: readonly string[] = FOLDERS): boolean {
  return folders.some((folder) => descriptionsIn(folder).some((path) => describesEfi(path)));
}

function descriptionsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function describesEfi(path: string): boolean {
  try {
    const text = readFileSync(path, 'utf8');
    return /"uefi"/.test(text) && /"x86_64"/.test(text);
  } catch {
    return false;
  }
}
