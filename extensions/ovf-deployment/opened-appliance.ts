/** An appliance as the work needs it: what the store keeps of it, with what is sealed there (K26). */

import type { SqlReader } from '../../src/store/sql.js';
import { openUrls, revealUrls } from './hidden-urls.js';
import { openInputs, type SealedInputs } from './sealed-inputs.js';
import { loadAppliance, type ApplianceRow } from './tables.js';

export interface OpenedAppliance {
  /** With whole URLs: never to be stored or shown as it is. */
  readonly row: ApplianceRow;
  readonly inputs: SealedInputs;
  /** Where the package is, where the attribute does not tell all of it. */
  readonly packageUrl?: string;
}

export async function openAppliance(
  { store, secretKey }: { readonly store: SqlReader; readonly secretKey: Uint8Array },
  appliance: string,
): Promise<OpenedAppliance | undefined> {
  const row = await loadAppliance(store, appliance);
  if (!row) return undefined;
  const inputs = await openInputs(store, secretKey, row.secrets);
  const hidden = await openUrls(store, secretKey, inputs.urls);
  if (!hidden) return { row, inputs };
  const { packageUrl } = hidden;
  return { row: revealUrls(row, hidden), inputs, ...(packageUrl !== undefined && { packageUrl }) };
}
