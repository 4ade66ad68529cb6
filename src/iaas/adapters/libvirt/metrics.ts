/**
 * Measurements under the names of `src/sla/vocabulary.ts`, from libvirt's counters: rates are differences of two looks, and
 * a machine that is seen for the first time is looked at twice. Memory is what the guest says of itself where its balloon
 * driver does, else what QEMU occupies. User mode counts no traffic, a bridge does.
 */

import type { Clock } from '../../../base/clock.js';
import type { CallOptions, MetricSample } from '../../adapter.js';
import { RUNNING } from './states.js';
import type { Virsh } from './virsh.js';

interface Look {
  readonly at: number;
  readonly running: boolean;
  readonly values: ReadonlyMap<string, number>;
}

/** Between the two looks at a machine that was not looked at before, in milliseconds. */
const FIRST_MS = 250;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class Metrics {
  readonly #virsh: Virsh;
  readonly #clock: Clock;
  readonly #traffic: boolean;
  readonly #before = new Map<string, Look>();

  constructor(virsh: Virsh, clock: Clock, traffic: boolean) {
    this.#virsh = virsh;
    this.#clock = clock;
    this.#traffic = traffic;
  }

  async samples(refs: readonly string[], options: CallOptions): Promise<readonly MetricSample[]> {
    const asked = refs.filter((ref) => UUID.test(ref));
    if (asked.length === 0) return [];
    let now = await this.#look(asked, options);
    if ([...now].some(([ref, look]) => look.running && !isBefore(this.#before.get(ref), look))) {
      for (const [ref, look] of now) if (!isBefore(this.#before.get(ref), look)) this.#before.set(ref, look);
      await this.#clock.sleep(FIRST_MS, options.signal);
      now = await this.#look(asked, options);
    }
    return [...now].flatMap(([ref, look]) => {
      const before = this.#before.get(ref);
      if (!look.running) this.#before.delete(ref);
      else this.#before.set(ref, look);
      return look.running && isBefore(before, look) ? this.#samples(ref, before, look) : [];
    });
  }

  #samples(ref: string, before: Look, { at, values }: Look): MetricSample[] {
    const seconds = (at - before.at) / 1000;
    const rate = (pattern: RegExp): number =>
      Math.max(0, sumOf(values, pattern) - sumOf(before.values, pattern)) / seconds;
    const sample = (metric: string, value: number): MetricSample => ({ ref, metric, at, value });
    const cores = rate(/^cpu\.time$/) / 1e9;
    return [
      sample('vm.cpu.utilization', Math.min(1, cores / (values.get('vcpu.current') ?? 1))),
      sample('vm.cpu.load', cores),
      sample('vm.memory.utilization', Math.min(1, memoryOf(values))),
      sample('vm.disk.io', rate(/^block\.\d+\.(rd|wr)\.bytes$/)),
      ...(this.#traffic ? [sample('vm.network.io', rate(/^net\.\d+\.(rx|tx)\.bytes$/))] : []),
    ];
  }

  async #look(refs: readonly string[], options: CallOptions): Promise<Map<string, Look>> {
    const sorts = ['state', 'cpu-total', 'balloon', 'vcpu', 'block', ...(this.#traffic ? ['interface'] : [])];
    const flags = sorts.map((sort) => `--${sort}`).join(' ');
    const said = await this.#virsh.readSome(
      refs.flatMap((ref) => [`echo @stats ${ref}`, `domstats ${flags} ${ref}`]),
      options,
    );
    const at = this.#clock.now();
    return new Map(
      said
        .split(/^@stats /m)
        .slice(1)
        .map((part) => {
          const figures = [...part.matchAll(/^ +([\w.-]+)=(\d+)$/gm)];
          const values = new Map(figures.map(([, name = '', value]) => [name, Number(value)]));
          return [part.slice(0, 36), { at, running: values.get('state.state') === RUNNING, values }];
        }),
    );
  }
}

/** Whether it is an earlier look at the same run of a machine: counters begin anew with each. */
function isBefore(before: Look | undefined, now: Look): before is Look {
  return (
    before !== undefined &&
    before.at < now.at &&
    (before.values.get('cpu.time') ?? 0) <= (now.values.get('cpu.time') ?? 0)
  );
}

function memoryOf(values: ReadonlyMap<string, number>): number {
  const [available, usable] = [values.get('balloon.available'), values.get('balloon.usable')];
  if (available !== undefined && usable !== undefined && available > 0) return (available - usable) / available;
  return (values.get('balloon.rss') ?? 0) / (values.get('balloon.maximum') ?? 1);
}

function sumOf(values: ReadonlyMap<string, number>, pattern: RegExp): number {
  return [...values].reduce((sum, [name, value]) => (pattern.test(name) ? sum + value : sum), 0);
}
