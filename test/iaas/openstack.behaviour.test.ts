/** OpenStack passes the behaviour suite of all adapters, before a fake cloud and behind a faulty proxy. */

import { describeAdapter, describeAddresses, describeTokens } from '../support/adapter-suite.js';
import { fakeHarness } from './openstack-harness.js';

describeAdapter('an OpenStack site of an administrator', () => fakeHarness('admin'));
// The way there is the same for both.
describeAdapter('an OpenStack site of an ordinary member', async () => {
  const { wire, ...harness } = await fakeHarness('member');
  return { ...harness, strikes: () => wire?.proxy.strikes() ?? Promise.resolve() };
});
describeAdapter('an OpenStack site that leads outside', () => fakeHarness('member', { leadsOut: true }), [
  describeAddresses,
  describeTokens,
]);
