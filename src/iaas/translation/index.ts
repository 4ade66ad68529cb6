/** The translations of a deployment plan, by the name of their format. The face of this folder. */

import { foldReplicas } from '../../ovf/instances.js';
import type { DeploymentPlan } from '../../ovf/plan.js';
import type { TranslationFormat } from './formats.js';
import { toHeat } from './heat.js';
import { toLibvirt } from './libvirt.js';
import { toOcci } from './occi.js';
import { toOpenNebula } from './opennebula.js';
import { shownGuests, type GuestsOf, type Translation } from './translation.js';

export type { GuestsOf, TranslatedDocument, Translation } from './translation.js';
export { TRANSLATION_FORMATS, type TranslationFormat } from './formats.js';
export { shownGuests };

/** Each takes the machines of the descriptor, with how many instances each has. */
const TRANSLATIONS: Readonly<Record<TranslationFormat, (plan: DeploymentPlan, guestsOf: GuestsOf) => Translation>> = {
  opennebula: toOpenNebula,
  heat: toHeat,
  libvirt: toLibvirt,
  occi: toOcci,
};

/** @throws Problem `invalid` for a value that the format cannot hold */
export function translate(
  plan: DeploymentPlan,
  format: TranslationFormat,
  guestsOf: GuestsOf = shownGuests(plan),
): Translation {
  return TRANSLATIONS[format](foldReplicas(plan), guestsOf);
}
