/** OpenNebula passes the behaviour suite of all adapters before a real oned (`VEP_TEST_OPENNEBULA`), behind a faulty proxy. */

import { jest } from '@jest/globals';
import { describeAdapter } from '../support/adapter-suite.js';
import { realOned } from '../support/real-oned/oned.js';
import { realOnedHarness } from './opennebula-harness.js';

// The dummy drivers are programs of their own, and take their tenths of a second.
jest.setTimeout(300_000);

const folder = realOned;
if (folder !== undefined) describeAdapter('a real oned', () => realOnedHarness(folder));
else it.skip('VEP_TEST_OPENNEBULA names no folder of a real oned', () => undefined);
