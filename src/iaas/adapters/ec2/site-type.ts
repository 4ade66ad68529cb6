/**
 * `ec2` and `nimbus` as types of site. What stands behind them is loaded when the first such site is opened: the SDK of AWS is
 * large.
 */

import type { SiteType } from '../../site-type.js';
import { readNimbusOptions } from './nimbus-options.js';
import { readEc2Options } from './options.js';

export const ec2: SiteType = {
  name: 'ec2',
  isPublic: true,
  read(options) {
    const read = readEc2Options(options);
    return async (surroundings) => (await import('./ec2.js')).createEc2(read, surroundings);
  },
};

export const nimbus: SiteType = {
  name: 'nimbus',
  read(options) {
    const read = readNimbusOptions(options);
    return async (surroundings) => (await import('./nimbus.js')).createNimbus(read, surroundings);
  },
};
