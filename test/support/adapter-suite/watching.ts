/** Events, measurements and the end: told at least once, only what was asked for, and closed as often as one likes. */

import type { SiteEvent, SiteRef } from '../../../src/iaas/adapter.js';
import type { Bench } from './bench.js';

export function describeWatching(bench: Bench): void {
  describe('can be watched', () => {
    it('for every change of a machine, at least once and in order', async () => {
      const stop = new AbortController();
      if (!bench.can.events) {
        expect(() => bench.adapter.events(stop.signal)).toThrow(/cannot/);
        return;
      }
      const seen: SiteEvent[] = [];
      const following = follow(bench, stop.signal, seen);
      await listening(bench, seen);
      const ref = await bench.stopped();
      const toldOf = (of: SiteRef): number =>
        seen.filter((event) => event.ref === of && event.class === 'compute').length;
      const told = (): number => toldOf(ref);
      await bench.until(() => told() > 0, 'its making is told');
      // A site that is watched by looking is told of what it was between two looks only when it differs. Who has heard of
      // a later machine has been told of this one's stop.
      const later = await bench.machine();
      await bench.until(() => toldOf(later) > 0, 'the making of a later one is told');
      const made = told();
      await bench.adapter.actCompute(ref, 'start', undefined);
      await bench.reaches('compute', ref, 'active');
      await bench.until(() => told() > made, 'its start is told');
      const started = told();
      await bench.remove('compute', ref);
      await bench.until(() => told() > started, 'its end is told');
      stop.abort();
      await following;
      const times = seen.filter((event) => event.ref === ref).map((event) => event.at);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    });

    it('and stops telling when nobody listens any more', async () => {
      if (!bench.can.events) return bench.skip('no events');
      const stop = new AbortController();
      const following = follow(bench, stop.signal, []);
      await bench.harness.advance(bench.harness.pace.stepMs);
      stop.abort();
      await following;
    });

    it('by measurements of the running machines that were asked for, and no others', async () => {
      if (bench.can.metrics.length === 0) return bench.skip('no metrics');
      const [one, other, off] = [await bench.running(), await bench.running(), await bench.stopped()];
      const samples = await bench.measured(one, [one, off, 'no-such']);
      expect(new Set(samples.map((sample) => sample.ref))).toEqual(new Set([one]));
      expect(samples.map((sample) => sample.ref)).not.toContain(other);
      for (const { value, at, metric } of samples) {
        expect(Number.isFinite(value)).toBe(true);
        expect(at).toBeGreaterThan(0);
        expect(bench.can.metrics).toContain(metric);
      }
      expect(await bench.adapter.metrics([])).toEqual([]);
    });

    it('and closed twice', async () => {
      const second = await bench.harness.second?.();
      if (!second) return bench.skip('the harness has no second adapter');
      await second.close();
      await second.close();
      await bench.refused(second.inventory(), 'fatal', 'transient');
      expect(await bench.adapter.check()).toEqual([]);
    });
  });
}

/**
 * Waits until somebody listens: what changes before that is told to nobody, and when that is the adapter does not say. So
 * machines are made until one of them is told of.
 */
async function listening(bench: Bench, seen: readonly SiteEvent[]): Promise<void> {
  const { stepMs, patienceMs } = bench.harness.pace;
  for (let waited = 0; seen.length === 0; waited += 10 * stepMs) {
    if (waited > patienceMs) throw new Error(`no change is told within ${patienceMs} ms`);
    await bench.machine();
    await bench.harness.advance(10 * stepMs);
  }
}

async function follow(bench: Bench, signal: AbortSignal, seen: SiteEvent[]): Promise<void> {
  for await (const event of bench.adapter.events(signal)) seen.push(event);
}
