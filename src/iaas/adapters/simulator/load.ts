/**
 * The load that the machines of a simulated site carry, as a function of time written down as data, and the
 * measurements that follow from it. A shared load belongs to a group of machines: every active one takes its part, so
 * scaling out relieves each of them, and a bigger machine is less busy under the same load.
 */

import type { JsonObject } from '../../../base/json.js';
import { chance } from './chance.js';

/** Cores kept busy, bytes of memory in use, bytes per second. */
export type LoadMetric = 'cpu' | 'memory' | 'network' | 'disk';

export interface LoadRule {
  /** Machine names it is about; `*` stands for any run of characters. The last rule that matches counts. */
  readonly machines: string;
  readonly metric: LoadMetric;
  /** One load for all machines of an application that match, in place of one for each. */
  readonly shared?: boolean;
  readonly shape: LoadShape;
}

/** Time is in seconds of the site's own life since the script was set. */
export type LoadShape =
  | { readonly kind: 'constant'; readonly value: number }
  | {
      readonly kind: 'ramp';
      readonly from: number;
      readonly to: number;
      readonly startSeconds: number;
      readonly endSeconds: number;
    }
  | { readonly kind: 'sine'; readonly mean: number; readonly amplitude: number; readonly periodSeconds: number }
  | { readonly kind: 'steps'; readonly steps: readonly { readonly atSeconds: number; readonly value: number }[] };

/** The names under which a simulated site reports, as `spec/sla.md` §3 has them. */
export const SIMULATED_METRICS = [
  'vm.cpu.utilization',
  'vm.cpu.load',
  'vm.memory.utilization',
  'vm.network.io',
  'vm.disk.io',
] as const;

export interface LoadedMachine {
  readonly ref: string;
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly application?: string;
}

export interface LoadScript {
  readonly rules: readonly LoadRule[];
  /** Seconds since the script was set. */
  readonly seconds: number;
  readonly seed: number;
}

/** What is measured on one machine now. `active` is every machine of the site that runs, itself included. */
export function measure(
  machine: LoadedMachine,
  active: readonly LoadedMachine[],
  script: LoadScript,
): ReadonlyMap<string, number> {
  const busy = loadOf(machine, active, 'cpu', script) ?? machine.cores * 0.05 * noise(machine, 'cpu', script);
  const used =
    loadOf(machine, active, 'memory', script) ?? machine.memoryBytes * 0.3 * noise(machine, 'memory', script);
  return new Map<string, number>([
    ['vm.cpu.utilization', Math.min(1, busy / machine.cores)],
    ['vm.cpu.load', busy],
    ['vm.memory.utilization', Math.min(1, used / machine.memoryBytes)],
    ['vm.network.io', loadOf(machine, active, 'network', script) ?? 2048 * noise(machine, 'network', script)],
    ['vm.disk.io', loadOf(machine, active, 'disk', script) ?? 4096 * noise(machine, 'disk', script)],
  ]);
}

/** The shape's value at a time; never negative. */
export function shapeAt(shape: LoadShape, seconds: number): number {
  switch (shape.kind) {
    case 'constant':
      return Math.max(0, shape.value);
    case 'ramp': {
      const length = shape.endSeconds - shape.startSeconds;
      const part = length <= 0 ? Number(seconds >= shape.endSeconds) : (seconds - shape.startSeconds) / length;
      return Math.max(0, shape.from + (shape.to - shape.from) * Math.min(1, Math.max(0, part)));
    }
    case 'sine':
      return Math.max(0, shape.mean + shape.amplitude * Math.sin((2 * Math.PI * seconds) / shape.periodSeconds));
    case 'steps':
      return Math.max(
        0,
        shape.steps.reduce((value, step) => (step.atSeconds <= seconds ? step.value : value), 0),
      );
  }
}

/** Whether a name matches a pattern with `*`; linear in the name for each star, without backtracking over stars. */
export function matchesName(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return name === pattern;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = parts.at(-1) ?? '';
  return name.length - at >= last.length && name.endsWith(last);
}

function loadOf(
  machine: LoadedMachine,
  active: readonly LoadedMachine[],
  metric: LoadMetric,
  script: LoadScript,
): number | undefined {
  const rule = script.rules.findLast((each) => each.metric === metric && matchesName(each.machines, machine.name));
  if (!rule) return undefined;
  const load = shapeAt(rule.shape, script.seconds);
  if (!rule.shared) return load;
  const group = active.filter(
    (other) => other.application === machine.application && matchesName(rule.machines, other.name),
  );
  return load / Math.max(1, group.length);
}

/** An idle machine is never quite still: between 0.8 and 1.2, another value every ten seconds. */
function noise(machine: LoadedMachine, metric: LoadMetric, script: LoadScript): number {
  return 0.8 + 0.4 * chance(script.seed, machine.ref, metric, Math.floor(script.seconds / 10));
}

const quantity = { type: 'number', minimum: -1e18, maximum: 1e18 };
const shape = (kind: string, properties: JsonObject): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: ['kind', ...Object.keys(properties)],
  properties: { kind: { const: kind }, ...properties },
});

/** JSON Schema of a rule, as it stands in the configuration. */
export const loadRuleSchema: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['machines', 'metric', 'shape'],
  properties: {
    machines: { type: 'string', minLength: 1, maxLength: 256 },
    metric: { enum: ['cpu', 'memory', 'network', 'disk'] },
    shared: { type: 'boolean' },
    shape: {
      oneOf: [
        shape('constant', { value: quantity }),
        shape('ramp', { from: quantity, to: quantity, startSeconds: quantity, endSeconds: quantity }),
        shape('sine', { mean: quantity, amplitude: quantity, periodSeconds: { type: 'number', exclusiveMinimum: 0 } }),
        shape('steps', {
          steps: {
            type: 'array',
            maxItems: 10_000,
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['atSeconds', 'value'],
              properties: { atSeconds: quantity, value: quantity },
            },
          },
        }),
      ],
    },
  },
};
