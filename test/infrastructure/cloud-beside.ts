/** What the simulated site of a test's server holds, read off its log by the test beside it. */

import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.js';
import type { Cloud } from '../../src/iaas/adapters/simulator/cloud.js';
import { SharedCloud } from '../../src/iaas/adapters/simulator/shared-cloud.js';
import { SqliteCommandLog } from '../../src/iaas/adapters/simulator/sqlite-command-log.js';
import type { TestServer } from '../support/server.js';

/** Opened for the present describe block; its server must be up by then, and keep its data in SQLite. */
export function cloudBeside(server: () => TestServer, name = 'sim'): () => Promise<Cloud> {
  let shared: SharedCloud | undefined;
  beforeAll(() => {
    const log = new SqliteCommandLog(join(server().config.data.directory, 'sites', `sim-${name}.sqlite`));
    shared = new SharedCloud(log, systemClock);
  });
  afterAll(() => shared?.close());
  return () => (shared as SharedCloud).read();
}
