/**
 * The rules a descriptor and its package are judged by, as data: O-nnn are semantic rules beyond the schema, Dnn are
 * deviations seen in real files. Each names the section of DSP0243 it rests on and what its author can do.
 */

import { APPLIANCE_RULES } from './rulebook/appliance.js';
import { DEVIATIONS } from './rulebook/deviations.js';
import { HARDWARE_RULES } from './rulebook/hardware.js';
import { PACKAGE_RULES } from './rulebook/package.js';

export type { Rule } from './rulebook/rule.js';

export const RULEBOOK = { ...PACKAGE_RULES, ...HARDWARE_RULES, ...APPLIANCE_RULES, ...DEVIATIONS } as const;

export type RuleCode = keyof typeof RULEBOOK;
