/** `opennebula` as a type of site. */

import type { SiteType } from '../../site-type.js';
import { createOpenNebula } from './opennebula.js';
import { readOpenNebulaOptions } from './options.js';

export const openNebula: SiteType = {
  name: 'opennebula',
  read(options) {
    const parsed = readOpenNebulaOptions(options);
    return (surroundings) => Promise.resolve(createOpenNebula(parsed, surroundings));
  },
};
