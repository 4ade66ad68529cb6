/**
 * What an administrator has had forgotten of an appliance, because its site is down: the images registered there, and, where the
 * site took it whole, the appliance there itself.
 */

import type { Observations } from '../../src/extension/observations.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Tx } from '../../src/store/sql.js';
import { forgetImage, imagesOf } from './tables.js';
import { APPLIANCE } from './vocabulary.js';

/** Set on an appliance that is not looked for at its site any more. No category defines it: it is never shown. */
const FORGOTTEN = 'eu.contrail-project.appliance.forgotten';

export async function forgottenAt(
  observations: Observations,
  tx: Tx,
  { id, kind }: EntityRecord,
  isDown: (site: string) => boolean,
): Promise<void> {
  if (observations.rootKind(kind) !== APPLIANCE) return;
  for (const image of await imagesOf(tx, id)) if (isDown(image.site)) await forgetImage(tx, image);
  await observations.noted(tx, id, { [FORGOTTEN]: true });
}

export function isForgotten({ observed }: EntityRecord): boolean {
  return observed[FORGOTTEN] === true;
}
