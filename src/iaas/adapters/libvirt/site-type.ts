/** `libvirt` as a type of site. */

import type { SiteType } from '../../site-type.js';
import { createLibvirt } from './libvirt.js';
import { readLibvirtOptions } from './options.js';

export const libvirt: SiteType = {
  name: 'libvirt',
  read(options) {
    const parsed = readLibvirtOptions(options);
    return (surroundings) => Promise.resolve(createLibvirt(parsed, surroundings));
  },
  networkPool: (options) => ({ option: 'networks.pool', cidr: readLibvirtOptions(options).networks.pool }),
};
