import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readOverlaid } from '../../src/base/file-overlay.js';

describe('files that an operator may replace', () => {
  let installed: string;
  let replacement: string;

  beforeAll(() => {
    installed = mkdtempSync(join(tmpdir(), 'vep-installed-'));
    replacement = mkdtempSync(join(tmpdir(), 'vep-replacement-'));
    mkdirSync(join(installed, 'sub'));
    for (const name of ['a', 'sub/b']) writeFileSync(join(installed, name), 'ours');
    writeFileSync(join(replacement, 'a'), 'theirs');
  });
  afterAll(() => {
    for (const folder of [installed, replacement]) rmSync(folder, { recursive: true });
  });

  const read = (names: readonly string[], from: string | undefined): readonly string[] =>
    [...readOverlaid(names, installed, from)].map(([name, bytes]) => `${name}: ${Buffer.from(bytes).toString()}`);

  it('come from the replacement where it has them', () => {
    expect(read(['a', 'sub/b'], undefined)).toEqual(['a: ours', 'sub/b: ours']);
    expect(read(['a', 'sub/b'], replacement)).toEqual(['a: theirs', 'sub/b: ours']);
  });

  it('refuse a replacement that has none of them', () => {
    expect(() => read(['sub/b'], replacement)).toThrow('has none of the files sub/b');
  });
});
