/** A site's own record of what ran: summed up within a span, and held against what VEP shows. */

import { differencesOf, secondsOf, usageOf, type MachineRun, type ShownMachine } from '../../src/iaas/accounting.js';

const [MINUTE, HOUR, GIB] = [60_000, 3_600_000, 2 ** 30];
const NOW = Date.parse('2026-11-30T12:00:00Z');

const run = (id: string, fromHoursAgo: number, more: Partial<MachineRun> = {}): MachineRun => ({
  ...{ ref: `ref-${id}`, id, user: 'alice', group: 'climate', cores: 2, memoryBytes: 4 * GIB },
  ...{ from: NOW - fromHoursAgo * HOUR, ...more },
});
const shown = (id: string, state: string, since = NOW - HOUR): ShownMachine => ({ id, state, since });
const codes = (runs: readonly MachineRun[], machines: readonly ShownMachine[]): readonly string[] =>
  differencesOf(runs, machines, NOW).map(({ id, code }) => `${id} ${code}`);

describe('a span of time', () => {
  const span = { from: NOW - 10 * HOUR, until: NOW - 2 * HOUR };

  it.each<[string, MachineRun, number]>([
    ['a run within it whole', run('a', 8, { until: NOW - 7 * HOUR }), 1],
    ['the part of one that began before', run('a', 20, { until: NOW - 9 * HOUR }), 1],
    ['one that still runs up to its end', run('a', 4), 2],
    ['nothing of one that ended before', run('a', 20, { until: NOW - 15 * HOUR }), 0],
    ['nothing of one that began after', run('a', 1), 0],
  ])('holds %s', (_what, each, hours) => expect(secondsOf(each, span, NOW)).toBe(hours * 3600));

  it('is summed up by group, machines counted once', () => {
    const runs = [run('a', 8, { until: NOW - 7 * HOUR }), run('a', 5, { until: NOW - 4 * HOUR })];
    const other = run('b', 3, { group: 'atlas', cores: 8, memoryBytes: GIB });
    expect(usageOf([...runs, other], span, NOW)).toEqual([
      { group: 'atlas', machines: 1, seconds: 3600, coreSeconds: 28_800, memoryGibSeconds: 3600 },
      { group: 'climate', machines: 1, seconds: 7200, coreSeconds: 14_400, memoryGibSeconds: 28_800 },
    ]);
  });
});

describe('what VEP shows', () => {
  it('agrees with a record of what runs, of what is off, and of what has just changed', () => {
    const runs = [run('runs', 3), run('off', 3, { until: NOW - HOUR }), run('new', 0.01), run('stopped-now', 3)];
    const machines = [
      shown('runs', 'active'),
      shown('off', 'inactive'),
      shown('stopped-now', 'inactive', NOW - MINUTE),
      shown('started-now', 'active', NOW - MINUTE),
    ];
    expect(codes(runs, machines)).toEqual([]);
  });

  it('differs for machines that run and it does not know, or shows otherwise, or that do not run', () => {
    const machines = [shown('idle', 'suspended'), shown('ghost', 'active'), shown('ended', 'active')];
    const runs = [run('stray', 3), run('idle', 3), run('ended', 3, { until: NOW - HOUR })];
    expect(codes(runs, machines)).toEqual([
      'stray unknown-runs',
      'idle shown-otherwise',
      'ghost not-recorded',
      'ended not-recorded',
    ]);
  });
});
