/** The simulated site passes the behaviour suite of all adapters: whole, and without what a site may lack. */

import { LACKABLE } from '../../src/iaas/adapters/simulator/config.js';
import { describeAdapter } from '../support/adapter-suite.js';
import { HOMES, simulatorHarness } from './simulator-harness.js';

if (HOMES.length === 1) console.info('simulated sites on PostgreSQL are skipped: VEP_TEST_POSTGRES is not set');

for (const [name, home] of HOMES) describeAdapter(`a simulated site on ${name}`, () => simulatorHarness(home));

// Without stop or start the suite could not bring a machine into the state that a test begins with.
const kept = ['compute.start', 'compute.stop', 'network.create', 'storage.create'];
describeAdapter('a simulated site that lacks what it may', () =>
  simulatorHarness(HOMES[0]![1], { lacks: LACKABLE.filter((name) => !kept.includes(name)) }),
);

describeAdapter('a simulated site with a quota and without networks and volumes', async () => {
  const harness = await simulatorHarness(HOMES[0]![1], {
    lacks: ['network.create', 'storage.create', 'compute.save'],
    quota: { cores: 20 },
  });
  return { ...harness, quota: { cores: 20 } };
});
