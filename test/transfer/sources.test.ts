/** Files in folders that the operator opened: what is inside counts, and not what the path once led to. */

import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FilesAndWeb, unusableRoots } from '../../src/transfer/sources.js';
import { refusal, removeTemporaryFolders, temporaryFolder, textOf } from './support.js';

afterEach(removeTemporaryFolders);

const NO_WEB = {
  check: () => undefined,
  fetch: () => Promise.reject(new Error('no file')),
};

function ground() {
  const parent = temporaryFolder();
  const [open, outside] = [join(parent, 'open'), join(parent, 'outside')];
  for (const folder of [join(open, 'vo'), outside]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'image'), folder === outside ? 'secret' : 'public');
  }
  return { open, outside, url: pathToFileURL(join(open, 'vo', 'image')).href };
}

const read = async (roots: readonly string[], url: string): Promise<string> =>
  textOf((await new FilesAndWeb(NO_WEB, roots).fetch(url, { maxBytes: 100 })).body);

describe('files in open folders', () => {
  it('are read, whatever other folder is not there', async () => {
    const { open, outside, url } = ground();
    const missing = join(outside, 'not-mounted');
    expect(await read([open], url)).toBe('public');
    expect(await read([missing, open], url)).toBe('public');
    const file = join(outside, 'image');
    expect(await unusableRoots([missing, open, file])).toEqual([
      { root: missing, why: 'is not there' },
      { root: file, why: 'is no folder' },
    ]);
    expect(await refusal(read([missing], url))).toBe('transfer.file');
  });

  it('are not read where a folder becomes a link to another while they are opened', async () => {
    const { open, outside, url } = ground();
    // The folders are asked for once the path is known, and before the file is opened.
    const roots = Object.defineProperty([''], 0, {
      get: () => {
        renameSync(join(open, 'vo'), join(open, 'moved'));
        symlinkSync(outside, join(open, 'vo'));
        return open;
      },
    });
    expect(await refusal(read(roots, url))).toBe('transfer.file');
  });
});
