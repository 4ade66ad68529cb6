/** The command line beside a server that answers as it is told, in a folder of its own; anew for each test. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeVep } from './fake-vep.js';
import { vep, type FakeTerminalOptions, type Ran } from './fake-terminal.js';

export interface BesideFake {
  readonly fake: FakeVep;
  readonly folder: string;
  /** Runs `vep` with the words of the line. */
  run(line: string, options?: FakeTerminalOptions): Promise<Ran>;
}

export function besideFake(): BesideFake {
  let fake: FakeVep;
  let folder: string;
  beforeEach(async () => {
    fake = await FakeVep.start();
    folder = mkdtempSync(join(tmpdir(), 'vep-cli-'));
  });
  afterEach(async () => {
    await fake.server.close();
    rmSync(folder, { recursive: true });
  });
  return {
    get fake() {
      return fake;
    },
    get folder() {
      return folder;
    },
    run: (line, { environment, ...rest } = {}) =>
      vep(line.split(' '), { directory: folder, environment: { ...fake.environment, ...environment }, ...rest }),
  };
}
