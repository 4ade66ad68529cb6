/** EC2 passes the behaviour suite of all adapters, before a fake EC2 and behind a faulty proxy. */

import { describeAdapter } from '../support/adapter-suite.js';
import { ec2Harness } from './ec2-harness.js';

describeAdapter('a site of EC2', () => ec2Harness());
