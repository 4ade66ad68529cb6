/** `simulator` as a type of site: its state lies beside VEP's own, in a file or in a schema (K33). */

import { join } from 'node:path';
import type { SiteType } from '../../site-type.js';
import { parseSimulatorConfig } from './config.js';
import { createSimulator } from './simulator.js';

export const simulator: SiteType = {
  name: 'simulator',
  read(options) {
    const config = parseSimulatorConfig(options);
    return ({ site, clock, log, data }) => {
      const home =
        data.database === undefined ? { directory: join(data.directory, 'sites') } : { postgresUrl: data.database };
      return createSimulator(config, { site, clock, log, home });
    };
  },
  networkPool: (options) => ({ option: 'networkPool.cidr', cidr: parseSimulatorConfig(options).networkPool.cidr }),
};
