/**
 * A VEP spoken to in text, as a site: what it can do and how it fails in headers every time, the whole behaviour suite of all
 * adapters in the nightly run.
 */

import { describeAdapter } from '../support/adapter-suite.js';
import { describeCapabilities } from '../support/adapter-suite/capabilities.js';
import { describeFailures } from '../support/adapter-suite/failures.js';
import { vepHarness } from './occi-harness.js';

const NIGHTLY = process.env['VEP_TEST_NIGHTLY'] === '1';

describeAdapter(
  'a VEP in text/occi as a site',
  () => vepHarness('text/occi'),
  NIGHTLY ? undefined : [describeCapabilities, describeFailures],
);
if (NIGHTLY) describeAdapter('a VEP in text/plain as a site', () => vepHarness('text/plain'));
