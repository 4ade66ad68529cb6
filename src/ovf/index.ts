/**
 * OVF (DSP0243): from the bytes of a descriptor and the user's inputs to a deployment plan, and from the plan to what the
 * guest gets. The face of this folder.
 */

import type { Fault } from '../base/errors.js';
import { inLanguage } from './envelope/language.js';
import type { Mode } from './envelope/findings.js';
import type { Envelope } from './envelope/model.js';
import { readEnvelope, type ReadOptions } from './envelope/read.js';
import type { PlanInputs } from './inputs.js';
import { buildPlan, type PlanResult } from './planning/build-plan.js';

export { checkCompleteness, type PackageContents } from './package/completeness.js';
export { bundleFiles, companionFiles, iconFiles, MAX_BUNDLE, readBundles, withBundles } from './envelope/bundles.js';
export { languageFor } from './envelope/language.js';
export { inspectEnvelope, readEnvelope, type ReadOptions } from './envelope/read.js';
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
export { planDocument, type PlanDocument, type SiteVerdict } from './plan-document.js';
export { buildPlan, type PlanResult } from './planning/build-plan.js';
export { secretKey } from './properties/visible.js';
export type { Envelope } from './envelope/model.js';
export type * from './plan.js';
export { createOvfSchemas, SCHEMA_FILES, schemaVerdict, type Edition, type OvfSchemas } from './schema/schemas.js';
export { readXml, utf8Text } from './xml/intake.js';

/** A descriptor that has been read, and what was found while it was. */
export interface ReadEnvelope {
  readonly envelope: Envelope;
  readonly findings: readonly Fault[];
}

/**
 * Reads a descriptor and plans it, with the bundles that it holds itself. Findings of reader and planner come as one list;
 * what both found is told once.
 * @throws Problem `malformed`, `too-large` or `invalid` when the descriptor cannot be read; whatever is wrong with the
 *   inputs, or with values in the descriptor, is in the result instead
 */
export function planAppliance(
  bytes: Uint8Array,
  inputs: PlanInputs,
  options: ReadOptions,
): PlanResult & { readonly envelope: Envelope } {
  return planEnvelope(readEnvelope(bytes, options), inputs, options.mode);
}

/** Plans what has been read, in the language that the inputs name. */
export function planEnvelope(
  read: ReadEnvelope,
  inputs: PlanInputs,
  mode: Mode,
): PlanResult & { readonly envelope: Envelope } {
  const envelope = inputs.language === undefined ? read.envelope : inLanguage(read.envelope, inputs.language);
  const result = buildPlan(envelope, inputs, mode);
  const findings = mergeFindings(read.findings, result.findings);
  return {
    ...result,
    envelope,
    ...(result.draft && { draft: { ...result.draft, findings } }),
    ...(result.plan && { plan: { ...result.plan, findings } }),
    findings,
  };
}

/** Findings of the reader, then of the planner; what both found is told once. */
function mergeFindings(first: readonly Fault[], second: readonly Fault[]): readonly Fault[] {
  const place = ({ code, place: at }: Fault): string => `${code} ${at?.line ?? at?.path ?? ''}:${at?.column ?? ''}`;
  const known = new Set(first.map(place));
  return [...first, ...second.filter((fault) => fault.place?.line === undefined || !known.has(place(fault)))];
}
