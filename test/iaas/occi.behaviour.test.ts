/**
 * Other OCCI servers as sites pass the behaviour suite of all adapters, behind a faulty proxy: a whole VEP over a simulated
 * cloud, and a server of OCCI 1.1 that speaks text alone.
 */

import { describeAdapter } from '../support/adapter-suite.js';
import { textHarness, vepHarness } from './occi-harness.js';

// A whole server behind every case takes minutes; VEP to VEP is tried in every build by occi.federation, occi.tls and occi.web-shop.
if (process.env['VEP_TEST_NIGHTLY'] === '1') describeAdapter('a VEP as a site', () => vepHarness());
else console.info('left to the nightly run: the behaviour suite from VEP to VEP');
describeAdapter('a text-only OCCI 1.1 server as a site', () => textHarness());
