/** One server at a time on a SQLite file (K29), and none shut out by one that was killed. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { lockStore } from '../../src/store/store-lock.js';

const LOCKED = { kind: 'conflict', faults: [expect.objectContaining({ code: 'store.locked' })] };

/** Holds the lock in a process of its own, the way `lockStore` does, until it is killed. */
const HOLDER = `
  const Database = require(process.argv[1]);
  const lock = new Database(process.argv[2] + '.lock', { timeout: 0 });
  lock.exec('BEGIN EXCLUSIVE');
  process.stdout.write('held');
  setInterval(() => {}, 1000);
`;

describe('the lock of a SQLite file', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vep-lock-'));
    file = join(folder, 'data', 'vep.db');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function refusal(): unknown {
    try {
      lockStore(file).release();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  it('refuses a second holder in the same process and lets it in after a release', () => {
    const lock = lockStore(file);
    expect(refusal()).toMatchObject(LOCKED);
    lock.release();
    lockStore(file).release();
  });

  it('refuses while another process holds it, and is free once that one was killed', async () => {
    lockStore(file).release();
    const driver = createRequire(import.meta.url).resolve('better-sqlite3');
    const holder = spawn(process.execPath, ['-e', HOLDER, driver, file], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      expect(refusal()).toMatchObject(LOCKED);
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    expect(refusal()).toBeUndefined();
  });
});
