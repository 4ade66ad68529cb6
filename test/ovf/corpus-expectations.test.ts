/**
 * The aim of issue 4, part 9: what is planned is what the descriptor says, by an independent reading of it, for every
 * descriptor of the corpus that is not refused; and what is refused has a fault that can be named.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPlan, inspectEnvelope, NO_INPUTS, type DeploymentPlan } from '../../src/ovf/index.js';
import { expectationOf, type Expectation } from './corpus-expectations.js';
import { schemas, sharedFolder } from './schema-support.js';

const corpus = sharedFolder('ovf-corpus');
const onCorpus = corpus === undefined ? describe.skip : describe;

onCorpus('plans of the corpus, against a plain reading of the XML', () => {
  const folder = join(corpus ?? '', 'files');

  it('have the machines, cores, memory, disks, adapters and networks that are written', () => {
    let compared = 0;
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name));
      const { envelope, findings } = inspectEnvelope(bytes, { mode: 'lenient', schemas });
      if (!envelope || findings.some(({ severity }) => severity === 'error')) continue;
      const { draft } = buildPlan(envelope, { ...NO_INPUTS, eulas: 'all' });
      if (!draft) continue;
      const expected = expectationOf(bytes);
      expect([name, summaryOf(draft, expected)]).toEqual([name, expected]);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(120);
  });
});

/** The plan in the words of the expectation, in which ids that occur twice are not qualified with the path to them. */
function summaryOf({ configuration, machines, networks, disks }: DeploymentPlan, expected: Expectation): Expectation {
  const capacities = new Map(disks.map(({ id, capacityBytes, assumed }) => [id, assumed ? undefined : capacityBytes]));
  return {
    ...(configuration !== undefined && { configuration }),
    machines: machines.map(({ id, cores, memoryBytes, drives, interfaces }) => ({
      id: expected.machines.find((machine) => id === machine.id || id.endsWith(`/${machine.id}`))?.id ?? id,
      ...(!cores.assumed && { cores: cores.normal }),
      ...(!memoryBytes.assumed && { memoryBytes: memoryBytes.normal }),
      disks: drives
        .filter(({ kind }) => kind === 'disk')
        .map(({ disk = '' }) => capacities.get(disk))
        .sort((a, b) => (a ?? 0) - (b ?? 0)),
      adapters: interfaces.map(({ network }) => network ?? '').sort(),
    })),
    networks: networks.map(({ name }) => name).sort(),
  };
}
