/**
 * The secret part of what the user filled in (K26): values of secret properties, and credentials for the servers that
 * images lie on. Sealed in one row from the deployment to the deletion of the appliance, since machines are started and
 * images fetched again in between.
 */

import type { JsonObject } from '../../src/base/json.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { secretKey as secretKeyOf } from '../../src/ovf/properties/visible.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import { openSecret, sealSecret } from '../../src/store/secrets.js';
import type { SourceCredentials } from '../../src/transfer/source-credentials.js';

export interface SealedInputs {
  /** By id of the property. */
  readonly properties: ReadonlyMap<string, string>;
  readonly credentials: SourceCredentials;
  /** All inputs as they were sent, for a site that deploys the appliance by itself. */
  readonly sent?: JsonObject;
  /** Id of the secret that holds the URLs which may not be shown (`hidden-urls.ts`). */
  readonly urls?: string;
}

const NOTHING: SealedInputs = { properties: new Map(), credentials: {} };

/** Answers the id of the secret, or null where there is nothing to keep secret. */
export async function sealInputs(
  tx: Tx,
  secretKey: Uint8Array,
  { appliance, now, ...inputs }: SealedInputs & { readonly appliance: string; readonly now: number },
): Promise<string | null> {
  const { properties, credentials, sent, urls } = inputs;
  if (properties.size === 0 && Object.keys(credentials).length === 0 && (sent ?? urls) === undefined) return null;
  const plaintext = JSON.stringify({ ...inputs, properties: [...properties] });
  return sealSecret(tx, secretKey, { purpose: 'ovf.inputs', ownerRef: appliance, plaintext, createdAt: now });
}

export async function openInputs(store: SqlReader, secretKey: Uint8Array, id: string | null): Promise<SealedInputs> {
  const sealed = id === null ? undefined : await openSecret(store, secretKey, id);
  if (sealed === undefined) return NOTHING;
  const { properties, ...inputs } = JSON.parse(sealed) as Omit<SealedInputs, 'properties'> & {
    properties: [string, string][];
  };
  return { ...inputs, properties: new Map(properties) };
}

/** What is secret in a machine is so in all its instances; only the machine was there when the inputs were sealed. */
export function withInstanceSecrets(
  plan: DeploymentPlan,
  secrets: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const all = new Map(secrets);
  for (const { id, instanceOf, environment } of plan.machines) {
    if (instanceOf === undefined) continue;
    for (const { key, secret } of environment.properties) {
      const value = secret ? secrets.get(secretKeyOf(instanceOf, key)) : undefined;
      if (value !== undefined && !all.has(secretKeyOf(id, key))) all.set(secretKeyOf(id, key), value);
    }
  }
  return all;
}
