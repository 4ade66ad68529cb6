/**
 * The seed of cloud-init's NoCloud data source, made from the properties under the keys that cloud-init's own OVF data
 * source reads: `hostname`, `public-keys`, `password`, `user-data`, `network-config`. It reaches Linux
 * images that know cloud-init but not OVF. Documents are YAML in its JSON form, in which no value can break out.
 */

import type { JsonObject } from '../../base/json.js';
import type { DeploymentPlan } from '../plan.js';
import { cloudConfig, phoneHome, yaml } from './cloud-config.js';
import { machineProperties, type Guest } from './environment.js';
import type { IsoFile } from './iso.js';

/** Contents of the files of the same names on the seed CD; `userData` is also what sites without a CD take. */
export interface NoCloudSeed {
  /** VEP's own part of the configuration: keys, password, the address to report to. */
  readonly configuration: JsonObject;
  /** The appliance's part, as its author wrote it. */
  readonly own?: string;
  readonly metaData: string;
  readonly userData: string;
  /** VEP's own configuration, when `userData` is the appliance's. */
  readonly vendorData?: string;
  readonly networkConfig?: string;
}

/**
 * @param secrets values of the secret properties, by `secretKey`
 * @throws Problem `internal` when the plan has no such machine or a secret is missing
 */
export function buildNoCloud(
  plan: DeploymentPlan,
  machineId: string,
  secrets: ReadonlyMap<string, string>,
  guest: Guest & { readonly instanceId: string },
): NoCloudSeed {
  const properties = machineProperties(plan, machineId, secrets);
  /** Empty is the default of a property without one, and means nothing here. */
  const given = (key: string): string | undefined => properties.get(key) || undefined;
  const hostname =
    guest.hostname ??
    given('local-hostname') ??
    given('hostname') ??
    plan.machines.find(({ id }) => id === machineId)?.hostname ??
    machineId;
  const keys = splitKeys(given('public-keys') ?? '');
  const metaData = {
    'instance-id': guest.instanceId,
    'local-hostname': hostname,
    ...(keys.length > 0 && { 'public-keys': keys }),
  };
  const configuration = configurationOf(given('password'), keys, guest.guestUrl);
  const own = given('user-data');
  const networkConfig = given('network-config');
  const text = cloudConfig(configuration);
  return {
    configuration,
    metaData: `${yaml(metaData)}\n`,
    ...(own === undefined
      ? { userData: text }
      : { own: decodeBase64(own), userData: decodeBase64(own), vendorData: text }),
    ...(networkConfig !== undefined && { networkConfig: decodeBase64(networkConfig) }),
  };
}

/** The files of the seed CD, whose volume must be called `NO_CLOUD_VOLUME`. */
export function seedFiles({ metaData, userData, vendorData, networkConfig }: NoCloudSeed): readonly IsoFile[] {
  const texts = {
    'meta-data': metaData,
    'user-data': userData,
    'vendor-data': vendorData,
    'network-config': networkConfig,
  };
  return Object.entries(texts).flatMap(([name, text]) =>
    text === undefined ? [] : [{ name, bytes: Buffer.from(text, 'utf8') }],
  );
}

function configurationOf(
  password: string | undefined,
  keys: readonly string[],
  guestUrl: string | undefined,
): JsonObject {
  return {
    ...(keys.length > 0 && { ssh_authorized_keys: keys }),
    ...(password !== undefined && { password, chpasswd: { expire: false }, ssh_pwauth: true }),
    ...(guestUrl !== undefined && phoneHome(guestUrl)),
  };
}

/** One key a line, as cloud-init's OVF data source has it; some tools separate them by commas. */
function splitKeys(text: string): readonly string[] {
  return text
    .split(/[\r\n,]+/)
    .map((key) => key.trim())
    .filter((key) => key !== '');
}

/** Base64 by custom; what is not is taken as it stands. */
function decodeBase64(text: string): string {
  const compact = text.replace(/\s/g, '');
  const isBase64 = compact.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(compact);
  return isBase64 ? Buffer.from(compact, 'base64').toString('utf8') : text;
}
