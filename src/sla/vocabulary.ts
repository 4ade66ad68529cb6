/**
 * The metrics that terms speak of (`spec/sla.md` §3) as data: type, unit, what they can be said of, and whether they are
 * checked at admission, while running, or both.
 */

import type { ItemKind } from './agreement.js';
import type { Quantity } from './units.js';

export interface Metric {
  readonly name: string;
  /** `country`: ISO 3166-1 alpha-2. */
  readonly type: 'integer' | 'number' | 'ratio' | 'country' | 'boolean';
  readonly quantity: Quantity;
  /** What a value without a unit is in. */
  readonly unit: string;
  readonly scopes: readonly ItemKind[];
  /** Checked at admission: can stand in a resource term. */
  readonly static: boolean;
  /** Checked while running: can stand in an objective, given a source that measures it. */
  readonly dynamic: boolean;
  /** Only counted: stands in quota terms alone. */
  readonly quotaOnly?: true;
}

const SYSTEMS = ['VirtualSystem', 'VirtualSystemCollection', 'Application'] as const;
const APPLICATION = ['Application'] as const;
const ANY = ['VirtualSystem', 'VirtualSystemCollection', 'Disk', 'Network', 'Application'] as const;

type Row = readonly [
  name: string,
  type: Metric['type'],
  quantity: Quantity,
  unit: string,
  scopes: readonly ItemKind[],
  checked: 'S' | 'D' | 'SD' | 'Q',
];

const ROWS: readonly Row[] = [
  ['vm.cores', 'integer', 'number', '1', SYSTEMS, 'SD'],
  ['vm.cpu.speed', 'number', 'frequency', 'MHz', SYSTEMS, 'S'],
  ['vm.memory', 'number', 'bytes', 'MiB', SYSTEMS, 'SD'],
  ['vm.disk.size', 'number', 'bytes', 'MiB', ['Disk', ...SYSTEMS], 'S'],
  ['vm.count', 'integer', 'number', '1', SYSTEMS, 'SD'],
  ['vm.location', 'country', 'number', '1', SYSTEMS, 'SD'],
  ['storage.location', 'country', 'number', '1', ['Disk', 'Application'], 'SD'],
  ['placement.sameRack', 'boolean', 'number', '1', SYSTEMS, 'SD'],
  ['placement.differentHost', 'boolean', 'number', '1', SYSTEMS, 'SD'],
  ['vm.cpu.load', 'number', 'number', '1', SYSTEMS, 'D'],
  ['vm.cpu.utilization', 'ratio', 'number', '1', SYSTEMS, 'D'],
  ['vm.memory.utilization', 'ratio', 'number', '1', SYSTEMS, 'D'],
  ['vm.network.io', 'number', 'rate', 'By/s', ['Network', ...SYSTEMS], 'D'],
  ['vm.disk.io', 'number', 'rate', 'By/s', ['Disk', 'Application'], 'D'],
  ['service.availability', 'ratio', 'number', '1', ANY, 'D'],
  ['storage.reliability', 'integer', 'number', '1', ['Disk', 'Application'], 'S'],
  ['protection.loa', 'integer', 'number', '1', APPLICATION, 'SD'],
  ['app.power', 'number', 'power', 'W', APPLICATION, 'D'],
  ['app.energy', 'number', 'energy', 'Wh', APPLICATION, 'D'],
  ['vm.power', 'number', 'power', 'W', SYSTEMS, 'D'],
  ['vm.energy', 'number', 'energy', 'Wh', SYSTEMS, 'D'],
  ['provision.time', 'number', 'time', 's', SYSTEMS, 'D'],
  ['network.publicIp', 'integer', 'number', '1', APPLICATION, 'Q'],
  ['cpu.hours', 'number', 'time', 'h', APPLICATION, 'Q'],
];

export const METRICS: ReadonlyMap<string, Metric> = new Map(
  ROWS.map(([name, type, quantity, unit, scopes, checked]) => [
    name,
    {
      name,
      type,
      quantity,
      unit,
      scopes,
      static: checked.includes('S'),
      dynamic: checked.includes('D'),
      ...(checked === 'Q' ? { quotaOnly: true as const } : {}),
    },
  ]),
);

/** The metric of that name. `app.<anything>` is what applications report of themselves: a number without a unit. */
export function metricOf(name: string): Metric | undefined {
  const known = METRICS.get(name);
  if (known || !/^app\.[A-Za-z0-9_.-]{1,120}$/.test(name)) return known;
  return { name, type: 'number', quantity: 'number', unit: '1', scopes: APPLICATION, static: false, dynamic: true };
}
