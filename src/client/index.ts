/** The face of the client: what the command line, the occi adapter and programs of others use. */

export {
  APPLIANCE,
  APPLIANCE_ACTIONS,
  mergeInputs,
  type DryRunPlan,
  type NewAppliance,
  type PackageFile,
} from './appliance.js';
export { ClientError, ConnectionError } from './client-error.js';
export { Discovery, type CategoryDescription } from './discovery.js';
export type { WatchEvent, WatchOptions } from './event-stream.js';
export { patiently } from './patience.js';
export type { Credentials, Fetch, TlsIdentity } from './transport.js';
export {
  ProviderClient,
  type DeadOperation,
  type SiteCheck,
  type SiteInventory,
  type SiteReport,
  type SiteUsage,
} from './provider-client.js';
export { SESSION, SESSION_ACTIONS, SESSION_PREFIX } from './session.js';
export type { UploadOptions, UploadSource } from './upload.js';
export {
  MEMBER,
  PROVISION,
  QUOTA,
  VO,
  VO_ACTION_SCHEME,
  VO_NAME,
  VO_PREFIX,
  VO_RESOURCES,
  type AuditPage,
  type AuditRecord,
  type VoAmounts,
  type VoResource,
  type VoUsage,
} from './virtual-organization.js';
export {
  VepClient,
  type CreateOptions,
  type Fetched,
  type ListOptions,
  type Located,
  type NewEntity,
  type VepClientOptions,
} from './vep-client.js';
