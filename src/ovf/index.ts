/**
 * OVF (DSP0243): from the bytes of a descriptor and the user's inputs to a deployment plan, and from the plan to what the
 * guest gets. The face of this folder.
 */

export { checkCompleteness, type PackageContents } from './package/completeness.js';
export { bundleFiles, companionFiles, iconFiles, MAX_BUNDLE, readBundles, withBundles } from './envelope/bundles.js';
export { languageFor } from './envelope/language.js';
export { inspectEnvelope, readDescriptor, readEnvelope, type ReadOptions } from './envelope/read.js';
export {
  buildEnvironment,
  ENVIRONMENT_FILE,
  machineProperties,
  PLATFORM,
  type Guest,
  type Platform,
} from './environment/environment.js';
export { combinedUserData, SEEDED_ENVIRONMENT } from './environment/cloud-config.js';
export { environmentCd, environmentFilesOf, seedCd } from './environment/cd.js';
export { ENVIRONMENT_FOLDER, type EnvironmentDocument } from './environment/environment-document.js';
export { buildIso, NO_CLOUD_VOLUME, OVF_VOLUME, type IsoFile } from './environment/iso.js';
export { buildNoCloud, seedFiles, type NoCloudSeed } from './environment/no-cloud.js';
export { NO_INPUTS, parsePlanInputs, type DeploymentInputs, type PlanInputs, type UnresolvedInputs } from './inputs.js';
export { planAppliance, planConfigurations, planEnvelope, type ReadEnvelope } from './plan-envelope.js';
export { planDocument, type PlanDocument, type SiteVerdict } from './plan-document.js';
export { buildPlan, type PlanResult } from './planning/build-plan.js';
export { secretKey } from './properties/visible.js';
export type { Envelope } from './envelope/model.js';
export type * from './plan.js';
export { createOvfSchemas, SCHEMA_FILES, schemaVerdict, type Edition, type OvfSchemas } from './schema/schemas.js';
export { readXml, utf8Text } from './xml/intake.js';
