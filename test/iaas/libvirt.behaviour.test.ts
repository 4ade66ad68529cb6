/**
 * libvirt through the behaviour suite of all adapters, with a real libvirt and machines whose disks are empty. It starts
 * some thousand programs: `npm run test:nightly` runs it, and `libvirt.test.ts` what is libvirt's own every time.
 */

import { describeAdapter } from '../support/adapter-suite.js';
import { describeWith } from '../support/counterparts.js';
import { libvirtHarness, PROGRAMS } from './libvirt-harness.js';

if (process.env['VEP_TEST_NIGHTLY'] === '1') {
  describeWith(...PROGRAMS)('with a session daemon of its own', () => {
    describeAdapter('libvirt', libvirtHarness);
  });
} else it.skip('libvirt as an adapter: only in npm run test:nightly', () => undefined);
