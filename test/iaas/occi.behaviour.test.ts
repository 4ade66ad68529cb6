/**
 * Other OCCI servers as sites pass the behaviour suite of all adapters, behind a faulty proxy: a whole VEP over a simulated
 * cloud, and a server of OCCI 1.1 that speaks text alone.
 */

import { describeAdapter } from '../support/adapter-suite.js';
import { textHarness, vepHarness } from './occi-harness.js';

describeAdapter('a VEP as a site', () => vepHarness());
describeAdapter('an OCCI 1.1 server of text/plain alone as a site', () => textHarness('text/plain'));
