/** `openstack` as a type of site. */

import type { SiteType } from '../../site-type.js';
import { withAccount } from './account.js';
import { createOpenStack } from './openstack.js';
import { readOpenStackOptions } from './options.js';

export const openStack: SiteType = {
  name: 'openstack',
  read(options) {
    const parsed = readOpenStackOptions(options);
    return (surroundings) => Promise.resolve(createOpenStack(parsed, surroundings));
  },
  readAccount(options) {
    const read = readOpenStackOptions(options);
    return (credential, mark) => {
      const account = withAccount(read, credential, mark);
      return (surroundings) => Promise.resolve(createOpenStack(account, surroundings));
    };
  },
  networkPool: (options) => ({ option: 'networks.pool', cidr: readOpenStackOptions(options).networks.pool }),
};
