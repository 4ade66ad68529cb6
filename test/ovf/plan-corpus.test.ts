/**
 * The planner over descriptors written by others (`ovf-corpus` of the shared test data): every one that can be read gets
 * a plan, or findings that say why not, and a machine is never of a size that nobody wrote.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildEnvironment, buildNoCloud, buildPlan, inspectEnvelope, NO_INPUTS } from '../../src/ovf/index.js';
import { schemas } from './plan-support.js';

const shared = process.env['VEP_TEST_SHARED'];
const folder = join(shared ?? '', 'data', 'ovf-corpus', 'files');
const there = shared !== undefined && existsSync(folder);

describe('the planner over real descriptors', () => {
  (there ? it : it.skip)(
    there ? 'answers every one' : 'answers every one (VEP_TEST_SHARED names no ovf-corpus)',
    () => {
      const counts = { read: 0, planned: 0, blocked: 0, refused: 0, machines: 0, assumed: 0 };
      const codes = new Map<string, number>();
      for (const name of readdirSync(folder)) {
        const { envelope, findings } = inspectEnvelope(readFileSync(join(folder, name)), { mode: 'lenient', schemas });
        if (!envelope || findings.some(({ severity }) => severity === 'error')) continue;
        counts.read += 1;
        const { plan, draft, secrets, unresolved, findings: own } = buildPlan(envelope, { ...NO_INPUTS, eulas: 'all' });
        const errors = own.filter(({ severity }) => severity === 'error');
        for (const { code } of errors) codes.set(code, (codes.get(code) ?? 0) + 1);
        if (plan) counts.planned += 1;
        else if (unresolved.blocked && errors.length === 0) counts.blocked += 1;
        else counts.refused += 1;
        expect(draft === undefined).toBe(errors.length > 0);
        if (!draft) continue;
        for (const machine of draft.machines) {
          counts.machines += 1;
          counts.assumed += machine.memoryBytes.assumed ? 1 : 0;
          expect(machine.cores.normal).toBeLessThanOrEqual(64);
          expect(machine.memoryBytes.normal).toBeLessThanOrEqual(512 * 2 ** 30);
          const text = buildEnvironment(draft, machine.id, secrets, { kind: 'VEP', version: '1', vendor: 'VEP' });
          expect(text).toContain('</Environment>');
          buildNoCloud(draft, machine.id, secrets, { instanceId: 'i' });
        }
        const started2 = new Set(draft.startup.flatMap(({ machines }) => machines.map(({ id }) => id)));
        if (draft) expect(started2.size).toBe(draft.machines.length);
      }
      console.log('ovf-corpus, planned leniently:', counts, Object.fromEntries(codes));
      expect(counts.planned + counts.blocked).toBeGreaterThan(counts.refused * 10);
    },
  );
});
