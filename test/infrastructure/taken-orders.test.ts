/** Orders that a site took and did not carry out end their operations, and are not given for ever. */

import { IaasError, type ComputeSize, type Observed } from '../../src/iaas/adapter.js';
import type { StepContext, StepOutcome } from '../../src/engine/operation.js';
import { actSteps } from '../../extensions/infrastructure/acting.js';
import type { AtSite } from '../../extensions/infrastructure/at-site.js';
import { resizeStep } from '../../extensions/infrastructure/resizing.js';
import { siteClassOf } from '../../extensions/infrastructure/site-class.js';
import { fallen } from '../../extensions/infrastructure/steps.js';

type Machine = Extract<Observed, { readonly class: 'compute' }>;

const GIB = 2 ** 30;
const seen: Machine = { class: 'compute', ref: 'm', state: 'inactive', busy: false, cores: 1, memoryBytes: GIB };
const wanted = { 'occi.compute.cores': 2, 'occi.compute.memory': 2 };

/** A machine at a site that answers with these reports in turn, the last one for good. */
function at(...reports: readonly Machine[]): { readonly atSite: AtSite; readonly ordered: ComputeSize[] } {
  const ordered: ComputeSize[] = [];
  const left = [...reports];
  const adapter = {
    capabilities: () => ({ liveResize: false }),
    describe: () => Promise.resolve(new Map([['m', left.length > 1 ? left.shift() : left[0]]])),
    resizeCompute: (_ref: string, size: ComputeSize) => Promise.resolve(void ordered.push(size)),
  };
  const kind = 'http://schemas.ogf.org/occi/infrastructure#compute';
  const subject = { entity: { siteRef: 'm', wanted }, siteClass: siteClassOf(kind), adapter };
  const atSite = {
    subject: () => Promise.resolve(subject),
    storing: () => () => Promise.resolve(),
    linkReports: () => Promise.resolve([]),
  };
  return { atSite: atSite as unknown as AtSite, ordered };
}

function contextWith(memory: StepContext['memory'], input: StepContext['input'] = {}): StepContext {
  const { signal } = new AbortController();
  return { operation: { fence: 0 }, memory, input, signal } as unknown as StepContext;
}

async function resized(atSite: AtSite): Promise<StepOutcome> {
  let memory: StepContext['memory'] = {};
  for (;;) {
    const outcome = await resizeStep(atSite).run(contextWith(memory));
    if (outcome.done) return outcome;
    memory = { ...memory, ...outcome.memory };
  }
}

const failed = { failed: 'resize', message: 'taken, and not done' } as const;

it('a size that the site says it has not given is not asked for again', async () => {
  const { atSite, ordered } = at(seen, { ...seen, ...failed });
  await expect(resized(atSite)).rejects.toMatchObject({ class: 'fatal', message: failed.message });
  expect(ordered).toEqual([{ cores: 2, memoryBytes: 2 * GIB }]);
});

it('a size that failed before is asked for', async () => {
  const { atSite, ordered } = at({ ...seen, ...failed }, { ...seen, cores: 2, memoryBytes: 2 * GIB });
  expect(await resized(atSite)).toMatchObject({ done: true });
  expect(ordered).toHaveLength(1);
});

it('a size that the site takes and never shows is not asked for without end', async () => {
  const { atSite, ordered } = at(seen);
  await expect(resized(atSite)).rejects.toBeInstanceOf(IaasError);
  expect(ordered).toHaveLength(10);
});

it.each([
  ['restart', 'restart', true],
  ['restart', 'stop', false],
  ['restart', undefined, false],
] as const)('a %s ends, where %s has failed', async (term, failure, fails) => {
  const report = { ...seen, state: 'active', ...(failure ? { failed: failure, message: 'not done' } : {}) } as const;
  const reach = actSteps(at(report).atSite, {} as never)[1];
  const outcome = reach?.run(contextWith({}, { term, to: 'active' }));
  if (fails) await expect(outcome).rejects.toMatchObject({ class: 'fatal', message: 'not done' });
  else expect(await outcome).toMatchObject({ done: true });
});

it.each(['quota', 'capacity', undefined] as const)('a machine in error for want of %s fails so', (cause) => {
  const error = fallen({ ...seen, state: 'error', ...(cause ? { cause } : {}), message: 'why' });
  expect(error).toMatchObject({ class: cause ?? 'fatal', message: 'why' });
});
