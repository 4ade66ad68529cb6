/**
 * OpenStack passes the behaviour suite of all adapters before a real cloud (`VEP_TEST_OPENSTACK`), behind a faulty proxy: as an
 * administrator who chooses hosts, as an ordinary member, and as one whose networks lead outside.
 */

import { describeAdapter, describeAddresses, describeTokens } from '../support/adapter-suite.js';
import { realOpenStack } from '../support/real-openstack/keystone.js';
import { realHarness } from './openstack-harness.js';

// A server takes seconds to boot there.

if (realOpenStack) {
  describeAdapter('a real OpenStack of an administrator', () => realHarness('admin'));
  describeAdapter('a real OpenStack of an ordinary member', () => realHarness('member'));
  describeAdapter('a real OpenStack that leads outside', () => realHarness('member', { leadsOut: true }), [
    describeAddresses,
    describeTokens,
  ]);
} else it.skip('VEP_TEST_OPENSTACK names no OpenStack', () => undefined);
