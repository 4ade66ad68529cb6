/** A site of EC2 that spans several zones passes the behaviour suite of all adapters too, in the nightly run. */

import { describeAdapter } from '../support/adapter-suite.js';
import { ZONES } from '../support/fake-ec2/world.js';
import { ec2Harness } from './ec2-harness.js';

if (process.env['VEP_TEST_NIGHTLY'] === '1')
  describeAdapter('a site of EC2 in three zones', () => ec2Harness({ zones: ZONES }, { zones: [] }));
else it.skip('the behaviour suite in three zones: only in npm run test:nightly', () => undefined);
