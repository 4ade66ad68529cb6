/** Plans written as OVF 1.1 and read again: valid by the schema, and the same plan. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { exportEnvelope } from '../../src/ovf/export/envelope.js';
import {
  buildPlan,
  inspectEnvelope,
  NO_INPUTS,
  readXml,
  type DeploymentPlan,
  type PlanInputs,
} from '../../src/ovf/index.js';
import { officialSchemas, schemas, sharedFolder } from './schema-support.js';

const xsd = sharedFolder('ovf-xsd');
const official = xsd === undefined ? undefined : officialSchemas(xsd);
const corpus = sharedFolder('ovf-corpus');

/** What export and import are to keep: all but findings and marks of what was assumed, or mapped to a site's network. */
function essence(plan: DeploymentPlan): object {
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

/** Values for the secrets that an export does not hold. */
function secretsOf(plan: DeploymentPlan): Record<string, string> {
  const holders = [
    ...plan.machines.map(({ id, environment }) => ({ id, properties: environment.properties })),
    ...plan.collections,
  ];
  return Object.fromEntries(
    holders.flatMap(({ id, properties }) =>
      properties
        .filter(({ secret, declared, from }) => secret && declared === undefined && from === 'own')
        .map(({ key }) => [`${id}:${key}`, 'filled in']),
    ),
  );
}

/** Strictly valid, by the schema too; its OVF 2 sections are optional extensions, which only lenient reading follows. */
function reread(text: string, inputs: Partial<PlanInputs> = {}): DeploymentPlan {
  const strict = inspectEnvelope(Buffer.from(text), { mode: 'strict', schemas });
  const errors = strict.findings.filter(({ severity }) => (severity ?? 'error') === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors, undefined, 1));
  if (!text.includes('<ovf2:')) {
    using document = readXml(Buffer.from(text));
    for (const each of [schemas, ...(official ? [official] : [])])
      expect(each.envelope(document, '1.1').map(({ message }) => message)).toEqual([]);
  }
  const { envelope } = inspectEnvelope(Buffer.from(text), { mode: 'lenient', schemas });
  if (!envelope) throw new Error('no envelope');
  const { plan, findings } = buildPlan(envelope, { ...NO_INPUTS, ...inputs });
  if (!plan) throw new Error(JSON.stringify(findings, undefined, 1));
  return plan;
}

function planOfFile(path: string): DeploymentPlan | undefined {
  const { envelope, findings } = inspectEnvelope(readFileSync(path), { mode: 'lenient', schemas });
  if (!envelope || findings.some(({ severity }) => severity === 'error')) return undefined;
  return buildPlan(envelope, { ...NO_INPUTS, eulas: 'all' }).draft;
}

describe('an exported plan', () => {
  it.each(['single-vm', 'web-shop', 'options'])('of the example %s reads as the same plan', (name) => {
    const plan = planOfFile(join(packageRoot, 'examples', name, `${name}.ovf`)) as DeploymentPlan;
    expect(essence(reread(exportEnvelope(plan), { properties: secretsOf(plan) }))).toEqual(essence(plan));
  });

  (corpus === undefined ? it.skip : it)('of every real descriptor that can be planned reads as the same plan', () => {
    const folder = join(corpus ?? '', 'files');
    let exported = 0;
    for (const name of readdirSync(folder)) {
      const plan = planOfFile(join(folder, name));
      if (!plan) continue;
      const text = exportEnvelope(plan);
      let again: DeploymentPlan;
      try {
        again = reread(text, { properties: secretsOf(plan) });
      } catch (error) {
        throw new Error(`${name}: ${String(error)}`);
      }
      expect([name, essence(again)]).toEqual([name, essence(plan)]);
      exported += 1;
    }
    console.log(`exported and read again: ${exported} real descriptors`);
    expect(exported).toBeGreaterThan(100);
  });
});
