/** OpenNebula passes the behaviour suite of all adapters, before a fake oned and behind a faulty proxy. */

import { describeAdapter } from '../support/adapter-suite.js';
import { openNebulaHarness } from './opennebula-harness.js';

describeAdapter('an OpenNebula site', () => openNebulaHarness());
