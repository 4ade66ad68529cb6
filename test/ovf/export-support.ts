/** Exported plans as tests judge them: strictly valid, and read again as the same plan. */

import {
  buildPlan,
  inspectEnvelope,
  NO_INPUTS,
  planEnvelope,
  type DeploymentPlan,
  type Envelope,
  type PlanInputs,
} from '../../src/ovf/index.js';
import { officialSchemas, schemas, sharedFolder } from './schema-support.js';

const xsd = sharedFolder('ovf-xsd');
const official = xsd === undefined ? undefined : officialSchemas(xsd);

/** What export and import are to keep: all but findings and marks of what was assumed, or mapped to a site's network. */
export function essence(plan: DeploymentPlan): object {
  const range = ({ normal, min, max }: DeploymentPlan['machines'][number]['cores']): object => ({ normal, min, max });
  const { findings: _findings, conformanceLevel: _level, ...rest } = plan;
  return JSON.parse(
    JSON.stringify({
      ...rest,
      constraints: plan.constraints.filter(({ origin }) => origin.startsWith('PlacementGroupSection')),
      networks: plan.networks.map(({ name, description }) => ({ name, description })),
      disks: plan.disks.map(({ formatUri: _uri, assumed: _assumed, ...disk }) => disk),
      machines: plan.machines.map((machine) => ({
        ...machine,
        // The name of a system that repeats its collection's id is made of what was written; the export has it by its path.
        hostname: machine.id.includes('/') ? undefined : machine.hostname,
        cores: range(machine.cores),
        memoryBytes: range(machine.memoryBytes),
      })),
    }),
  ) as object;
}

/** Values that an export does not hold: of secrets any, of the others their own. */
export function secretsOf(plan: DeploymentPlan): Record<string, string> {
  const holders = [
    ...plan.machines.map(({ id, environment }) => ({ id, properties: environment.properties })),
    ...plan.collections,
  ];
  return Object.fromEntries(
    holders.flatMap(({ id, properties }) =>
      properties
        .filter(
          ({ secret, literal, declared, from }) => (secret || literal) && declared === undefined && from === 'own',
        )
        .map(({ key, value = 'filled in and legal' }) => [`${id}:${key}`, value]),
    ),
  );
}

const AS_DEPLOYED: ReadonlySet<string> = new Set(['ovf.O-054', 'ovf.O-061', 'ovf.O-063']);

/**
 * Throws where it is not valid strictly, by our schemas and the published ones, or cannot be planned strictly. Values of
 * properties (O-061, O-063) and the system types of other platforms (O-054) are what was deployed, whatever that is.
 */
export function expectStrictlyValid(text: string): void {
  for (const each of [schemas, ...(official ? [official] : [])]) {
    const read = inspectEnvelope(Buffer.from(text), { mode: 'strict', schemas: each });
    const { envelope } = read;
    const planned = envelope && planEnvelope({ envelope, findings: [] }, { ...NO_INPUTS, eulas: 'all' }, 'strict');
    const findings = [...read.findings, ...(planned?.findings ?? [])];
    const errors = findings.filter(({ severity = 'error', code }) => severity === 'error' && !AS_DEPLOYED.has(code));
    if (errors.length > 0) throw new Error(JSON.stringify(errors, undefined, 1));
  }
}

/** The plan of an export, which is valid strictly. */
export function reread(text: string, inputs: Partial<PlanInputs> = {}): DeploymentPlan {
  expectStrictlyValid(text);
  const { envelope } = inspectEnvelope(Buffer.from(text), { mode: 'lenient', schemas });
  if (!envelope) throw new Error('no envelope');
  const { draft, findings } = buildPlan(envelope, { ...NO_INPUTS, eulas: 'all', ...inputs });
  if (!draft) throw new Error(JSON.stringify(findings, undefined, 1));
  return draft;
}

export interface Planned {
  readonly plan: DeploymentPlan;
  readonly envelope: Envelope;
}

export function planOfText(bytes: Uint8Array, inputs: Partial<PlanInputs> = {}): Planned | undefined {
  const { envelope, findings } = inspectEnvelope(bytes, { mode: 'lenient', schemas });
  if (!envelope || findings.some(({ severity }) => severity === 'error')) return undefined;
  const { draft } = buildPlan(envelope, { ...NO_INPUTS, eulas: 'all', ...inputs });
  return draft && { plan: draft, envelope };
}
