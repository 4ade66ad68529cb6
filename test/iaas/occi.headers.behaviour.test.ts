/** A server of OCCI 1.1 that has everything in headers passes the behaviour suite of all adapters, behind a faulty proxy. */

import { describeAdapter } from '../support/adapter-suite.js';
import { textHarness } from './occi-harness.js';

describeAdapter('an OCCI 1.1 server of text/occi alone as a site', () => textHarness('text/occi'));
