/** OVF files on disk: the grammars of the installation, and telling a descriptor from an archive. */

import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.js';
import { readOverlaid } from '../base/file-overlay.js';
import { packageRoot } from '../base/package-root.js';
import { createOvfSchemas, SCHEMA_FILES, type OvfSchemas } from '../ovf/index.js';
import { UsageError } from './exit-codes.js';

/** `folder`: where the operator put DMTF's own files in the place of ours (VEP_OVF_SCHEMA_DIR). */
export function loadSchemas(folder: string | undefined): OvfSchemas {
  try {
    return createOvfSchemas(readOverlaid(SCHEMA_FILES, join(packageRoot, 'ovf-schema'), folder));
  } catch (error) {
    throw new UsageError(`the OVF schemas cannot be read: ${messageOf(error)}`);
  }
}

/** A descriptor begins with `<`, after a byte order mark or white space; an archive with a file name. */
export async function isDescriptor(path: string): Promise<boolean> {
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const head = buffer.subarray(0, bytesRead).toString('latin1').replaceAll('\0', '');
    return head
      .replace(/^[\u00ef\u00bb\u00bf\u00ff\u00fe]+/, '')
      .trimStart()
      .startsWith('<');
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await file.close();
  }
}

/** @throws UsageError */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): UsageError {
  return new UsageError(`${path} cannot be read: ${messageOf(error)}`);
}
