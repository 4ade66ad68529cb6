/** `occi` as a type of site. */

import type { SiteType } from '../../site-type.js';
import { openOcciSite } from './occi-site.js';
import { readOcciOptions } from './options.js';

export const occi: SiteType = {
  name: 'occi',
  read(options) {
    const parsed = readOcciOptions(options);
    return (surroundings) => openOcciSite(parsed, surroundings);
  },
};
