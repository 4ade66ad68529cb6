/**
 * From a descriptor to a plan and to everything there is to say about it. Findings of reader and planner come as one list,
 * and what both find is told once. They come together also where the reader alone refuses the descriptor: whoever mends it
 * is not told of the next fault only then.
 */

import { excerpt, hasErrors, Problem, type Fault, type Severity } from '../base/errors.js';
import type { Mode } from './envelope/findings.js';
import { inLanguage } from './envelope/language.js';
import type { Envelope } from './envelope/model.js';
import { readDescriptor, type ReadOptions } from './envelope/read.js';
import { NOTHING_UNRESOLVED, type PlanInputs } from './inputs.js';
import { buildPlan, type PlanResult } from './planning/build-plan.js';

/** A descriptor that has been read, and what was found while it was. */
export interface ReadEnvelope {
  readonly envelope: Envelope;
  readonly findings: readonly Fault[];
}

export type PlannedEnvelope = PlanResult & { readonly envelope: Envelope };

/**
 * Reads a descriptor and plans it, with the bundles that it holds itself.
 * @throws Problem `malformed`, `too-large` or `invalid` when there is no envelope to be read; whatever is wrong with what is
 *   in it, or with the inputs, is in the result instead
 */
export function planAppliance(bytes: Uint8Array, inputs: PlanInputs, options: ReadOptions): PlannedEnvelope {
  const { envelope, findings } = readDescriptor(bytes, options);
  if (envelope === undefined) throw new Problem('invalid', findings);
  return planEnvelope({ envelope, findings }, inputs, options.mode);
}

/** Plans what has been read, in the language that the inputs name. Of what the reader refuses there are findings alone. */
export function planEnvelope(read: ReadEnvelope, inputs: PlanInputs, mode: Mode): PlannedEnvelope {
  if (hasErrors(read.findings)) return refused(read, inputs, mode);
  const envelope = inputs.language === undefined ? read.envelope : inLanguage(read.envelope, inputs.language);
  const result = buildPlan(envelope, inputs, mode);
  const findings = [...read.findings, ...newTo(read.findings, result.findings)];
  return {
    ...result,
    envelope,
    ...(result.draft && { draft: { ...result.draft, findings } }),
    ...(result.plan && { plan: { ...result.plan, findings } }),
    findings,
  };
}

function refused(read: ReadEnvelope, inputs: PlanInputs, mode: Mode): PlannedEnvelope {
  const findings = [...read.findings, ...plannerFindings(read, inputs, mode)];
  return { envelope: read.envelope, findings, secrets: new Map(), unresolved: NOTHING_UNRESOLVED };
}

/** What the planner finds beyond the reader; nothing where a bound is passed that it relies on (O-078). */
function plannerFindings({ envelope, findings }: ReadEnvelope, inputs: PlanInputs, mode: Mode): readonly Fault[] {
  if (hasErrors(findings.filter(({ code }) => code === 'ovf.O-078'))) return [];
  return newTo(findings, buildPlan(envelope, inputs, mode).findings);
}

/** What the planner says that the reader has not said of the same place, or less gravely, each thing once. */
function newTo(read: readonly Fault[], planned: readonly Fault[]): readonly Fault[] {
  const place = ({ code, place: at }: Fault): string => `${code} ${at?.line}:${at?.column}`;
  const told = new Map<string, number>();
  for (const fault of read) told.set(place(fault), Math.max(gravity(fault), told.get(place(fault)) ?? 0));
  const distinct = new Map(planned.map((fault) => [identityOf(fault), fault]));
  return [...distinct.values()].filter(
    (fault) => fault.place?.line === undefined || gravity(fault) > (told.get(place(fault)) ?? 0),
  );
}

const GRAVITY: Readonly<Record<Severity, number>> = { info: 1, warning: 2, error: 3 };

function gravity({ severity = 'error' }: Fault): number {
  return GRAVITY[severity];
}

function identityOf({ code, message, place }: Fault): string {
  return JSON.stringify([code, message, place]);
}

/** Configurations that are tried; the largest descriptor seen has 31. */
const MOST_CONFIGURATIONS = 32;
/** Findings that the other configurations add to those of the chosen one. */
const MOST_ADDED = 1_000;

/** The same as {@link planEnvelope}, with what is found in none but the configurations that are not chosen. */
export function planConfigurations(read: ReadEnvelope, inputs: PlanInputs, mode: Mode): PlannedEnvelope {
  const chosen = planEnvelope(read, inputs, mode);
  const ids = [...new Set(read.envelope.deploymentOptionSection?.configurations.map(({ id }) => id))];
  const known = new Set(chosen.findings.map(identityOf));
  const added: Fault[] = [];
  for (const configuration of ids.slice(0, MOST_CONFIGURATIONS)) {
    if (added.length > MOST_ADDED) break;
    const found = plannerFindings(read, { ...inputs, configuration }, mode);
    for (const fault of found.filter((each) => !known.has(identityOf(each)))) {
      known.add(identityOf(fault));
      added.push({ ...fault, message: `${fault.message} (in the configuration "${excerpt(configuration)}")` });
    }
  }
  const untried = ids.length - MOST_CONFIGURATIONS;
  return { ...chosen, findings: [...chosen.findings, ...added, ...(untried > 0 ? [notTried(untried)] : [])] };
}

function notTried(count: number): Fault {
  return {
    code: 'ovf.O-058',
    severity: 'info',
    message: `${count} more configurations have not been tried`,
    rule: 'O-058, DSP0243 §9.8',
    remedy: 'try them one by one with `vep plan --configuration`',
  };
}
