/**
 * What an administrator has had forgotten of an appliance, because its site is down: the images registered there, and, where the
 * site took it whole, the appliance there itself.
 */

import { stringAt } from '../../src/base/json.js';
import type { Observations } from '../../src/extension/observations.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Tx } from '../../src/store/sql.js';
import { siteNames } from './layout.js';
import { forgetImage, imagesOf } from './tables.js';
import { APPLIANCE, SITES } from './vocabulary.js';

/** Names of the sites at which an appliance is not looked for any more. No category defines it: it is never shown. */
export const FORGOTTEN = 'eu.contrail-project.appliance.forgotten';

export async function forgottenAt(
  observations: Observations,
  tx: Tx,
  { id, kind, site, observed }: EntityRecord,
  isDown: (site: string) => boolean,
): Promise<void> {
  if (observations.rootKind(kind) !== APPLIANCE) return;
  for (const image of await imagesOf(tx, id)) if (isDown(image.site)) await forgetImage(tx, image);
  const away = siteNames(stringAt(observed, SITES) ?? site ?? '').filter(isDown);
  await observations.noted(tx, id, { [FORGOTTEN]: away.join(' ') });
}

export function isForgotten({ observed }: EntityRecord, site: string): boolean {
  return siteNames(stringAt(observed, FORGOTTEN) ?? '').includes(site);
}
