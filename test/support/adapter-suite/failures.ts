/** A site that fails: silence ends with the caller's patience, "later" is `transient`, and what failed after it was accepted shows as it is. */

import type { Bench } from './bench.js';

export function describeFailures(bench: Bench): void {
  describe('fails in ways that can be told apart', () => {
    it.each(['createCompute', 'describe', 'inventory', 'actCompute', 'delete'])(
      'and gives up a %s that is not answered',
      async (operation) => {
        const faults = bench.faults();
        if (!faults) return;
        const ref = await bench.resting();
        await faults.hang(operation);
        const { wire, strikes } = bench.harness;
        const [stop, struck] = [new AbortController(), strikes ? strikes() : wire?.proxy.strikes()];
        const call = invoke(bench, operation, ref, stop.signal);
        const refusal = bench.refused(call, 'transient');
        await bench.harness.advance(bench.harness.pace.stepMs);
        // What has not reached the proxy yet would be done after all, once nothing hangs any more.
        await struck;
        stop.abort();
        await refusal;
        await faults.clear();
        expect(await bench.look('compute', ref)).toMatchObject({ state: bench.atRest });
      },
    );

    it('and does nothing for a caller who has already given up', async () => {
      const ref = await bench.resting();
      const before = (await bench.listed('compute')).length;
      for (const operation of ['createCompute', 'actCompute', 'delete', 'describe', 'inventory']) {
        await bench.refused(invoke(bench, operation, ref, AbortSignal.abort()), 'transient');
      }
      expect(await bench.reaches('compute', ref, bench.atRest)).toBeDefined();
      expect((await bench.listed('compute')).length).toBe(before);
    });

    it.each(['createCompute', 'actCompute', 'delete', 'describe'])(
      'and says "transient" when a %s should be asked again',
      async (operation) => {
        const faults = bench.faults();
        if (!faults) return;
        const ref = await bench.resting();
        await faults.transient(operation);
        await bench.refused(invoke(bench, operation, ref), 'transient');
        await invoke(bench, operation, ref);
      },
    );

    it('and repeats an action whose answer was lost without harm', async () => {
      const faults = bench.faults();
      if (!faults) return;
      const ref = await bench.resting();
      await faults.loseAnswer('actCompute');
      await bench.refused(bench.adapter.actCompute(ref, bench.move, undefined), 'transient');
      await bench.adapter.actCompute(ref, bench.move, undefined);
      await bench.reaches('compute', ref, 'active');
      await faults.loseAnswer('delete');
      await bench.refused(bench.adapter.delete('compute', ref), 'transient');
      await bench.adapter.delete('compute', ref);
      expect(await bench.rest('compute', ref)).toBeUndefined();
    });

    it('and shows a machine that was accepted and failed as an error with words', async () => {
      const faults = bench.faults();
      if (!faults) return;
      if (!faults.failLater) return bench.skip('the harness lets no machine fail after it was accepted');
      await faults.failLater('createCompute');
      const spec = bench.spec();
      const ref = bench.own('compute', await bench.adapter.createCompute(spec, spec.id));
      // Where machines wait until they are started, that is when they fail.
      if ((await bench.rest('compute', ref))?.state === 'inactive')
        await bench.adapter.actCompute(ref, 'start', undefined);
      const failed = await bench.reaches('compute', ref, 'error');
      expect(failed.message ?? '').not.toBe('');
      await faults.clear();
      await bench.refused(bench.adapter.actCompute(ref, 'start', undefined), 'conflict', 'fatal', 'invalid');
      await bench.remove('compute', ref);
    });

    it('and shows the old state when an accepted action came to nothing', async () => {
      const faults = bench.faults();
      if (!faults) return;
      if (!faults.doNothing) return bench.skip('the harness lets no action come to nothing');
      const ref = await bench.running();
      await faults.doNothing('actCompute');
      await bench.adapter.actCompute(ref, 'stop', undefined);
      await bench.reaches('compute', ref, 'active');
      await bench.adapter.actCompute(ref, 'stop', undefined);
      await bench.reaches('compute', ref, 'inactive');
    });

    it.each([
      [
        'a machine that is not there',
        'not-found',
        (bench: Bench) => bench.adapter.actCompute('no-such', 'start', undefined),
      ],
      [
        'a volume that is not there',
        'not-found',
        (bench: Bench) => (bench.can.storage.has('online') ? bench.adapter.actStorage('no-such', 'online') : undefined),
      ],
      [
        'a network that is not there',
        'not-found',
        (bench: Bench) => (bench.can.network.has('up') ? bench.adapter.actNetwork('no-such', 'up') : undefined),
      ],
      [
        'a range that is none',
        'invalid',
        (bench: Bench) =>
          bench.can.network.has('create')
            ? bench.adapter.createNetwork({ id: bench.id(), name: 'n', cidr: '300.0.0.0/8' }, bench.id())
            : undefined,
      ],
      [
        'a gateway outside its range',
        'invalid',
        (bench: Bench) =>
          bench.can.network.has('create')
            ? bench.adapter.createNetwork(
                { id: bench.id(), name: 'n', cidr: '10.9.0.0/24', gateway: '10.8.0.1' },
                bench.id(),
              )
            : undefined,
      ],
      ['an empty name', 'invalid', (bench: Bench) => bench.adapter.createCompute(bench.spec({ name: '' }), bench.id())],
    ] as const)('and calls %s "%s"', async (_what, errorClass, call) => {
      const asked = call(bench);
      if (!asked) return bench.skip('not offered');
      await bench.refused(asked, errorClass);
    });
  });
}

function invoke(bench: Bench, operation: string, ref: string, signal?: AbortSignal): Promise<unknown> {
  const options = signal ? { signal } : {};
  switch (operation) {
    case 'createCompute': {
      const spec = bench.spec();
      return bench.adapter.createCompute(spec, spec.id, options).then((made) => bench.own('compute', made));
    }
    case 'actCompute':
      return bench.adapter.actCompute(ref, bench.move, undefined, options);
    case 'delete':
      return bench.adapter.delete('compute', ref, options);
    case 'inventory':
      return bench.adapter.inventory(options);
    default:
      return bench.adapter.describe('compute', [ref], options);
  }
}
