/** Faults that servers have had, or could have, each with the statement that must catch it. */

import { CATEGORY_FAULTS } from './categories.js';
import type { Fault } from './fault.js';
import { MESSAGE_FAULTS } from './messages.js';
import { RESOURCE_FAULTS } from './resources.js';

export const FAULTS: readonly Fault[] = [...CATEGORY_FAULTS, ...RESOURCE_FAULTS, ...MESSAGE_FAULTS];
