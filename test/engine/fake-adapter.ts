/** An adapter of which only what the reconciler uses works: a list of machines that a test lays out. */

import { IaasError, PartUnasked, type Observed, type SiteAdapter } from '../../src/iaas/adapter.js';

export type Machine = Extract<Observed, { class: 'compute' }>;

export function machine(ref: string, id: string | undefined, state: Machine['state'] = 'active'): Machine {
  return { class: 'compute', ref, ...(id === undefined ? {} : { id }), state, busy: false, cores: 1, memoryBytes: 1 };
}

export class FakeAdapter {
  readonly site: string;
  machines: Machine[] = [];
  /** Left out of lists, yet there when asked for by name. */
  unlisted: Machine[] = [];
  /** What reading the site comes to instead. */
  trouble: 'refuses' | 'hangs' | undefined;

  /** References of a part that cannot be asked. */
  unasked: RegExp | undefined;

  constructor(site: string) {
    this.site = site;
  }

  async *list(what: string): AsyncGenerator<Observed> {
    if (what !== 'compute') throw new IaasError('unsupported', `no ${what} here`);
    if (this.trouble === 'refuses') throw new IaasError('transient', 'connection refused');
    if (this.trouble === 'hangs') await new Promise(() => undefined);
    yield* this.machines.filter(({ ref }) => !this.#hides(ref));
    if (this.unasked !== undefined) throw this.#part();
  }

  async describe(_what: string, refs: readonly string[]): Promise<ReadonlyMap<string, Observed>> {
    if (refs.some((ref) => this.#hides(ref))) throw this.#part();
    const all = [...this.machines, ...this.unlisted];
    return new Map(all.filter(({ ref }) => refs.includes(ref)).map((each) => [each.ref, each]));
  }

  #hides(ref: string): boolean {
    return this.unasked?.test(ref) === true;
  }

  #part(): PartUnasked {
    return new PartUnasked('a project is shut', 'shut', (ref) => this.#hides(ref));
  }

  /** Asked for after each look, and in vain. */
  tidied = 0;
  async tidy(): Promise<number> {
    this.tidied += 1;
    throw new IaasError('denied', 'may not remove');
  }

  asAdapter(): SiteAdapter {
    return this as unknown as SiteAdapter;
  }
}
