/**
 * `ec2` and `nimbus` as types of site. What stands behind them is loaded when the first such site is opened: the SDK of AWS is
 * large.
 */

import type { SiteAdapter } from '../../adapter.js';
import type { SiteSurroundings, SiteType } from '../../site-type.js';
import { withAccount } from './account.js';
import { readNimbusOptions } from './nimbus-options.js';
import { readEc2Options, type Ec2Options } from './options.js';

export const ec2: SiteType = {
  name: 'ec2',
  isPublic: true,
  read(options) {
    const read = readEc2Options(options);
    return (surroundings) => open(read, surroundings);
  },
  readAccount(options) {
    const read = readEc2Options(options);
    return (credential, mark) => {
      const account = withAccount(read, credential, mark);
      return (surroundings) => open(account, surroundings);
    };
  },
};

async function open(options: Ec2Options, surroundings: SiteSurroundings): Promise<SiteAdapter> {
  return (await import('./ec2.js')).createEc2(options, surroundings);
}

export const nimbus: SiteType = {
  name: 'nimbus',
  read(options) {
    const read = readNimbusOptions(options);
    return async (surroundings) => (await import('./nimbus.js')).createNimbus(read, surroundings);
  },
};
