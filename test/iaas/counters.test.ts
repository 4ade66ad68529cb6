/** Rates of counters: differences of two looks at one run of a machine, and nothing where there are not two. */

import type { MetricSample } from '../../src/iaas/adapter.js';
import { Rates, type Counters } from '../../src/iaas/counters.js';

type Told = Omit<Counters, 'at'>;

let at = 0;
let told: Record<string, Told> = {};
let looks: (readonly string[])[] = [];
/** What becomes of what is told while somebody sleeps. */
let meanwhile = (): void => undefined;

const rates = (): Rates => {
  const look = (refs: readonly string[]): Promise<Map<string, Counters>> => {
    looks.push(refs);
    const known = refs.flatMap((ref) => (told[ref] ? [[ref, { at, ...told[ref] }] as const] : []));
    return Promise.resolve(new Map(known));
  };
  const sleep = (ms: number): Promise<void> => {
    at += ms;
    return Promise.resolve(meanwhile());
  };
  return new Rates(look, { now: () => at, sleep });
};
const valuesOf = (samples: readonly MetricSample[]): Record<string, number> =>
  Object.fromEntries(samples.map(({ ref, metric, value }) => [`${ref} ${metric}`, value]));

beforeEach(() => {
  at = 0;
  looks = [];
  meanwhile = () => undefined;
});

it('looks twice at machines that it has not seen, and once at the others', async () => {
  const site = rates();
  told = { one: { cores: 2, cpuSeconds: 10 } };
  await site.samples(['one'], {});
  told = { one: { cores: 2, cpuSeconds: 11 }, other: { cores: 1, diskBytes: 0 } };
  at += 750;
  meanwhile = () => (told['other'] = { cores: 1, diskBytes: 1000 });
  const values = valuesOf(await site.samples(['one', 'other', 'gone'], {}));
  expect(looks).toEqual([['one'], ['one'], ['one', 'other', 'gone'], ['other']]);
  expect(values).toEqual({
    'one vm.cpu.utilization': 1 / 0.75 / 2,
    'one vm.cpu.load': 1 / 0.75,
    'other vm.disk.io': 4000,
  });
});

it('begins anew with a machine that was off, or started again', async () => {
  const site = rates();
  told = { one: { cores: 1, cpuSeconds: 100 } };
  await site.samples(['one'], {});
  for (const next of [{ cores: 1, cpuSeconds: 1 }, undefined]) {
    told = next ? { one: next } : {};
    at += 1000;
    const samples = await site.samples(['one'], {});
    expect(valuesOf(samples)).toEqual(next ? { 'one vm.cpu.utilization': 0, 'one vm.cpu.load': 0 } : {});
  }
});

it('tells nothing of a machine that stops between the two looks', async () => {
  told = { one: { cores: 1, cpuSeconds: 1 } };
  meanwhile = () => (told = {});
  expect(await rates().samples(['one'], {})).toEqual([]);
});

it('has no share above one, and memory as it is told', async () => {
  told = { one: { cores: 1, cpuSeconds: 0, networkBytes: 5, memoryShare: 1.5 } };
  meanwhile = () => (told = { one: { cores: 1, cpuSeconds: 1, networkBytes: 5, memoryShare: 1.5 } });
  expect(valuesOf(await rates().samples(['one'], {}))).toEqual({
    'one vm.cpu.utilization': 1,
    'one vm.cpu.load': 4,
    'one vm.memory.utilization': 1,
    'one vm.network.io': 0,
  });
});
