/** A simulated site for tests: a clock that tests move, a directory or a schema of its own, small images made here. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { newUuid } from '../../src/base/ids.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import type { FaultKind } from '../../src/iaas/adapters/simulator/faults.js';
import {
  createSimulator,
  type SimulatorControls,
  type SimulatorSurroundings,
} from '../../src/iaas/adapters/simulator/simulator.js';
import type { Harness } from '../support/adapter-suite.js';
import { SiteClock } from './site-clock.js';
import { runLog } from '../support/run.js';

export type Simulator = SiteAdapter & SimulatorControls;
export type Home = SimulatorSurroundings['home'];

/** Where test sites live: always SQLite, and PostgreSQL where `VEP_TEST_POSTGRES` names one. */
export const HOMES: readonly (readonly [
  string,
  () => Promise<{ home: Home; site: string; remove: () => Promise<void> }>,
])[] = [['SQLite', sqliteHome], ...(process.env['VEP_TEST_POSTGRES'] ? [['PostgreSQL', postgresHome] as const] : [])];

/** Every test site has a name of its own, so that those on PostgreSQL do not meet. */
const siteName = (): string => `s${newUuid().replaceAll('-', '').slice(-24)}`;

function sqliteHome(): Promise<{ home: Home; site: string; remove: () => Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-sim-'));
  return Promise.resolve({
    home: { directory },
    site: siteName(),
    remove: () => Promise.resolve(rmSync(directory, { recursive: true })),
  });
}

function postgresHome(): Promise<{ home: Home; site: string; remove: () => Promise<void> }> {
  const postgresUrl = process.env['VEP_TEST_POSTGRES'] ?? '';
  const site = siteName();
  const remove = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: postgresUrl });
    await client.connect();
    await client.query(`DROP SCHEMA IF EXISTS ${pg.escapeIdentifier(`sim_${site}`)} CASCADE`);
    await client.end();
  };
  return Promise.resolve({ home: { postgresUrl }, site, remove });
}

/** A harness round a simulated site with these options. */
export async function simulatorHarness(
  makeHome: (typeof HOMES)[number][1],
  options: object = {},
): Promise<Harness & { readonly adapter: Simulator; readonly clock: SiteClock }> {
  const { home, site, remove } = await makeHome();
  const clock = new SiteClock();
  const open = (): Promise<Simulator> =>
    createSimulator(parseSimulatorConfig(options), { site, clock, log: runLog(), home });
  const adapter = await open();
  const inject = (kind: FaultKind) => (operation: string) => adapter.injectFault({ operation, kind, nth: 1 });
  return {
    adapter,
    clock,
    advance: (ms) => clock.advance(ms),
    pace: { stepMs: 100, patienceMs: 180_000 },
    image: { format: 'qcow2', bytes: qcow2(64 * 2 ** 20), virtualSizeBytes: 64 * 2 ** 20 },
    second: open,
    faults: {
      loseAnswer: inject('lose-answer'),
      hang: inject('time-out'),
      transient: inject('transient'),
      failLater: inject('error-state'),
      doNothing: inject('silent'),
      clear: () => adapter.clearFaults(),
    },
    rename: (ref, name) => adapter.rename('compute', ref, name),
    foreign: { createMachine: () => adapter.createForeign('somebody-else') },
    close: async () => {
      await adapter.close();
      await remove();
    },
  };
}

/** A qcow2 (version 2) header that says how large its disk is, and nothing on it. */
export function qcow2(virtualSizeBytes: number, change: (header: Buffer) => void = () => undefined): Buffer {
  const header = Buffer.alloc(4096);
  header.write('QFI\u00fb', 0, 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(BigInt(virtualSizeBytes), 24);
  change(header);
  return header;
}
