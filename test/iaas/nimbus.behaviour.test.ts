/** Nimbus passes the behaviour suite of all adapters, as far as it goes, before a fake front end and behind a faulty proxy. */

import { describeAdapter } from '../support/adapter-suite.js';
import { nimbusHarness } from './nimbus-harness.js';

describeAdapter('a site of Nimbus', () => nimbusHarness());
