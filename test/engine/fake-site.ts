/**
 * A site whose things are kept by token, with failures on demand, and operation types whose steps make and remove such
 * things. What a step did is on the site whatever becomes of the worker that ran it.
 */

import { IaasError, type IaasErrorClass } from '../../src/iaas/adapter.js';
import type { OperationType, Step, StepContext } from '../../src/engine/operation.js';

/** What happens the next time a step is run or undone: before or after its work was done. */
export type Mishap = 'transient-before' | 'transient-after' | 'crash-before' | 'crash-after' | 'again' | IaasErrorClass;

export class FakeSite {
  /** Tokens of the things that exist. */
  readonly things = new Set<string>();
  /** Every beginning and end of a run, in order: `begin name/step/direction`; names are given by the input. */
  readonly log: string[] = [];
  /** Steps running at this moment. */
  readonly running = new Map<string, number>();
  readonly overlaps: string[] = [];
  /** Mishaps to come, by `name/step/direction`. */
  readonly mishaps = new Map<string, Mishap[]>();
  /** Called when a run begins: a test lets something happen meanwhile. */
  during: (key: string) => Promise<void> | void = () => undefined;
  #generation = 0;
  /** Called when a step crashes its worker. */
  crash: () => void = () => undefined;

  plan(key: string, ...mishaps: Mishap[]): void {
    this.mishaps.set(key, mishaps);
  }

  /** The worker that crashed is gone: its steps are not running any more. */
  bury(): void {
    this.running.clear();
    this.#generation += 1;
  }

  type(name: string, steps: readonly string[], undo = true): OperationType {
    return { name, steps: steps.map((step) => this.#step(step, undo)) };
  }

  #step(name: string, undo: boolean): Step {
    const make = (context: StepContext): void => void this.things.add(context.token);
    const remove = (context: StepContext): void => void this.things.delete(context.token);
    return {
      name,
      run: (context) => this.#perform(context, name, 'forward', make),
      ...(undo ? { undo: (context: StepContext) => this.#perform(context, name, 'undo', remove) } : {}),
    };
  }

  async #perform(
    context: StepContext,
    name: string,
    direction: 'forward' | 'undo',
    work: (context: StepContext) => void,
  ): Promise<{ done: true; memory: Record<string, string> } | { done: false; again: number }> {
    const { entity } = context.operation;
    const key = `${context.input['name'] as string}/${name}/${direction}`;
    const others = this.running.get(entity) ?? 0;
    if (others > 0) this.overlaps.push(key);
    this.running.set(entity, others + 1);
    this.log.push(`begin ${key}`);
    const over = (): void => {
      this.running.set(entity, (this.running.get(entity) ?? 1) - 1);
      this.log.push(`end ${key}`);
    };
    const generation = this.#generation;
    await this.during(key);
    // Its process has been killed meanwhile.
    if (generation !== this.#generation) return new Promise(() => undefined);
    const mishap = this.mishaps.get(key)?.shift();
    if (mishap === 'crash-before') return this.#crash();
    if (mishap === undefined || mishap.endsWith('-after') || mishap === 'again') work(context);
    if (mishap === 'crash-after') return this.#crash();
    over();
    if (mishap === 'again') return { done: false, again: 500 };
    if (mishap === undefined) return { done: true, memory: { [name]: context.token } };
    throw new IaasError(
      mishap.startsWith('transient') ? 'transient' : (mishap as IaasErrorClass),
      `${mishap} at ${key}`,
      'no',
    );
  }

  #crash(): Promise<never> {
    this.crash();
    return new Promise(() => undefined);
  }
}
