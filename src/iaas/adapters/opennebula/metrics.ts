/**
 * Measurements under the names of `src/sla/vocabulary.ts`, from what oned's probes told. CPU is in hundredths of a core,
 * memory in KiB, traffic in bytes since the machine started: a rate is the difference of the last two tellings. A machine
 * that does not run keeps its last figures; they are not told again.
 */

import type { MetricSample } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { isRunning, type Machine } from './machine.js';

/** How far back tellings are asked for, in seconds: probes come every 30 s, or as seldom as a provider likes. */
export const METRIC_WINDOW_S = 600;

export const OPENNEBULA_METRICS: readonly string[] = [
  'vm.cpu.utilization',
  'vm.memory.utilization',
  'vm.network.io',
  'vm.disk.io',
];

const KIB = 1024;

/** The tellings of `one.vmpool.monitoring` by machine, in the order of their time. */
export function tellings(data: Branch): ReadonlyMap<number, readonly Branch[]> {
  const found = new Map<number, Branch[]>();
  for (const telling of data.all('MONITORING')) {
    const id = telling.number(-1, 'ID');
    found.set(id, [...(found.get(id) ?? []), telling]);
  }
  for (const each of found.values()) each.sort((one, other) => timeOf(one) - timeOf(other));
  return found;
}

export function samplesOf(machine: Machine, told: readonly Branch[]): readonly MetricSample[] {
  const [before, last] = told.slice(-2);
  const figures = last ?? before;
  if (!figures || !isRunning(machine) || machine.priming) return [];
  const sample = (metric: string, value: number | undefined): MetricSample[] =>
    value === undefined || !Number.isFinite(value)
      ? []
      : [{ ref: String(machine.id), metric, at: timeOf(figures) * 1000, value }];
  const rate = (...names: readonly string[]): number | undefined =>
    before && last && timeOf(last) > timeOf(before)
      ? Math.max(0, sum(last, names) - sum(before, names)) / (timeOf(last) - timeOf(before))
      : undefined;
  const share = (name: string, whole: number): number | undefined => {
    const value = figures.number(Number.NaN, name);
    return Number.isNaN(value) ? undefined : Math.min(1, Math.max(0, value / whole));
  };
  return [
    ...sample('vm.cpu.utilization', share('CPU', machine.cores * 100)),
    ...sample('vm.memory.utilization', share('MEMORY', machine.memoryBytes / KIB)),
    ...sample('vm.network.io', rate('NETRX', 'NETTX')),
    ...sample('vm.disk.io', rate('DISKRDBYTES', 'DISKWRBYTES')),
  ];
}

function timeOf(telling: Branch): number {
  return telling.number(0, 'TIMESTAMP');
}

function sum(telling: Branch, names: readonly string[]): number {
  return names.reduce((total, name) => total + telling.number(0, name), 0);
}
