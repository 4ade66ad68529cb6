/**
 * What libvirt counts of machines (`domstats`). Memory is what the guest says of itself where its balloon driver does, else
 * what QEMU occupies. User mode counts no traffic, a bridge does.
 */

import type { Clock } from '../../../base/clock.js';
import type { CallOptions, MetricSample } from '../../adapter.js';
import { Rates, type Counters } from '../../counters.js';
import { RUNNING } from './states.js';
import type { Virsh } from './virsh.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class Metrics {
  readonly #virsh: Virsh;
  readonly #clock: Clock;
  readonly #traffic: boolean;
  readonly #rates: Rates;

  constructor(virsh: Virsh, clock: Clock, traffic: boolean) {
    this.#virsh = virsh;
    this.#clock = clock;
    this.#traffic = traffic;
    this.#rates = new Rates((refs, options) => this.#look(refs, options), clock);
  }

  async samples(refs: readonly string[], options: CallOptions): Promise<readonly MetricSample[]> {
    const asked = refs.filter((ref) => UUID.test(ref));
    return asked.length === 0 ? [] : this.#rates.samples(asked, options);
  }

  async #look(refs: readonly string[], options: CallOptions): Promise<Map<string, Counters>> {
    const sorts = ['state', 'cpu-total', 'balloon', 'vcpu', 'block', ...(this.#traffic ? ['interface'] : [])];
    const flags = sorts.map((sort) => `--${sort}`).join(' ');
    const said = await this.#virsh.readSome(
      refs.flatMap((ref) => [`echo @stats ${ref}`, `domstats ${flags} ${ref}`]),
      options,
    );
    const found = new Map<string, Counters>();
    for (const part of said.split(/^@stats /m).slice(1)) {
      const figures = [...part.matchAll(/^ +([\w.-]+)=(\d+)$/gm)];
      const values = new Map(figures.map(([, name = '', value]) => [name, Number(value)]));
      if (values.get('state.state') === RUNNING) found.set(part.slice(0, 36), this.#countersOf(values));
    }
    return found;
  }

  #countersOf(values: ReadonlyMap<string, number>): Counters {
    return {
      at: this.#clock.now(),
      cores: values.get('vcpu.current') ?? 1,
      cpuSeconds: (values.get('cpu.time') ?? 0) / 1e9,
      memoryShare: memoryOf(values),
      diskBytes: sumOf(values, /^block\.\d+\.(rd|wr)\.bytes$/),
      ...(this.#traffic ? { networkBytes: sumOf(values, /^net\.\d+\.(rx|tx)\.bytes$/) } : {}),
    };
  }
}

function memoryOf(values: ReadonlyMap<string, number>): number {
  const [available, usable] = [values.get('balloon.available'), values.get('balloon.usable')];
  if (available !== undefined && usable !== undefined && available > 0) return (available - usable) / available;
  return (values.get('balloon.rss') ?? 0) / (values.get('balloon.maximum') ?? 1);
}

function sumOf(values: ReadonlyMap<string, number>, pattern: RegExp): number {
  return [...values].reduce((sum, [name, value]) => (pattern.test(name) ? sum + value : sum), 0);
}
