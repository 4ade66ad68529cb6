/** A simulated site of a test's server, opened by the test beside it: to look at it and to make it fail. */

import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import { createSimulator, type SimulatorControls } from '../../src/iaas/adapters/simulator/simulator.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import type { TestServer } from '../support/server.js';

/** The site that is open while the tests of the present describe block run; its server must be up by then. */
export function siteBeside(server: () => TestServer, name = 'sim'): () => SiteAdapter & SimulatorControls {
  let site: (SiteAdapter & SimulatorControls) | undefined;
  beforeAll(async () => {
    const { data, sites } = server().config;
    const home =
      data.database === undefined ? { directory: join(data.directory, 'sites') } : { postgresUrl: data.database };
    const config = parseSimulatorConfig(sites.find((each) => each.name === name)?.options ?? {});
    site = await createSimulator(config, { site: name, clock: systemClock, log: silentLog, home });
  });
  afterAll(() => site?.close());
  return () => site as SiteAdapter & SimulatorControls;
}
