/** What VEP makes of a descriptor: strict verdict, lenient verdict, and the plan in a few numbers. */

import { readFileSync } from 'node:fs';
import { buildPlan, createOvfSchemas, inspectEnvelope, NO_INPUTS, SCHEMA_FILES } from '../../dist/src/ovf/index.js';

const grammar = (name) => readFileSync(new URL(`../../ovf-schema/${name}`, import.meta.url));
const schemas = createOvfSchemas(new Map(SCHEMA_FILES.map((name) => [name, grammar(name)])));

const errorsOf = (findings) => findings.filter(({ severity = 'error' }) => severity === 'error');

/**
 * `strict`: valid by the standard. `outcome`: `deploys`, `asks` (it deploys once what it asks for is filled in), `refused`
 * (with `faults`) or `other` (no envelope at all). `machines`: what the plan holds, `repairs`: codes of what was repaired.
 */
export function readByVep(bytes) {
  const strict = errorsOf(inspectEnvelope(bytes, { mode: 'strict', schemas }).findings).length === 0;
  const { envelope, findings } = inspectEnvelope(bytes, { mode: 'lenient', schemas });
  const unreadable = errorsOf(findings);
  if (unreadable.length > 0 || !envelope) return { strict, ...refusal(unreadable) };
  const { draft, plan, findings: planned } = buildPlan(envelope, { ...NO_INPUTS, eulas: 'all' });
  if (!draft) return { strict, ...refusal(errorsOf(planned)) };
  const repairs = [...findings, ...planned].filter(({ severity }) => severity === 'warning').map(({ rule }) => rule);
  return { strict, outcome: plan ? 'deploys' : 'asks', ...summaryOf(draft), repairs: [...new Set(repairs)] };
}

function refusal(faults) {
  return { outcome: isNoEnvelope(faults) ? 'other' : 'refused', faults, machines: [], repairs: [] };
}

function isNoEnvelope(faults) {
  return faults.some(({ message }) => /the root element is \w+, not Envelope/.test(message));
}

function summaryOf(plan) {
  const capacity = new Map(
    plan.disks.map(({ id, capacityBytes, assumed }) => [id, assumed ? undefined : capacityBytes]),
  );
  const machines = plan.machines.map(({ cores, memoryBytes, drives, interfaces }) => ({
    cores: cores.assumed ? undefined : cores.normal,
    memoryBytes: memoryBytes.assumed ? undefined : memoryBytes.normal,
    disks: drives.filter(({ kind }) => kind === 'disk').map(({ disk }) => capacity.get(disk)),
    adapters: interfaces.length,
  }));
  return { machines, configuration: plan.configuration };
}
