/** An adapter is honest: what it says it can do it does, and the rest it refuses as `unsupported` before anything happens. */

import type { ComputeAction, StorageAction } from '../../../src/iaas/adapter.js';
import type { Bench } from './bench.js';

const COMPUTE = ['start', 'stop', 'restart', 'suspend'] as const;
const STORAGE = ['online', 'offline', 'backup', 'snapshot'] as const;

export function describeCapabilities(bench: Bench): void {
  describe('says what it can do', () => {
    it('names its site and its type', () => {
      expect(bench.adapter.site).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(bench.adapter.type).toMatch(/^[a-z][a-z0-9-]*$/);
    });

    it('finds nothing missing on a working site', async () => {
      expect(await bench.adapter.check()).toEqual([]);
    });

    it('answers the same each time it is asked', () => {
      expect(bench.adapter.capabilities()).toEqual(bench.adapter.capabilities());
    });

    it.each(COMPUTE)('does or refuses compute %s', async (action) => {
      const ref = action === 'start' ? await bench.machine() : await bench.running();
      const asked = bench.adapter.actCompute(ref, action, undefined);
      if (!bench.can.compute.has(action)) return void (await bench.refused(asked, 'unsupported'));
      await asked;
      await bench.reaches(
        'compute',
        ref,
        { start: 'active', stop: 'inactive', restart: 'active', suspend: 'suspended' }[action],
      );
    });

    it('does or refuses compute resize', async () => {
      const ref = await bench.resting();
      const asked = bench.adapter.resizeCompute(ref, { cores: 2, memoryBytes: 2 ** 30 });
      if (!bench.can.compute.has('resize' satisfies ComputeAction))
        return void (await bench.refused(asked, 'unsupported'));
      await asked;
      expect(await bench.reaches('compute', ref)).toMatchObject({ cores: 2, memoryBytes: 2 ** 30 });
    });

    it('does or refuses a resize of a running machine', async () => {
      if (!bench.can.compute.has('resize')) return bench.skip('no resize at all');
      const ref = await bench.running();
      const asked = bench.adapter.resizeCompute(ref, { cores: 2, memoryBytes: 2 ** 30 });
      if (!bench.can.liveResize) return void (await bench.refused(asked, 'unsupported', 'conflict'));
      await asked;
      expect(await bench.reaches('compute', ref, 'active')).toMatchObject({ cores: 2, memoryBytes: 2 ** 30 });
    });

    it('does or refuses compute save', async () => {
      if (bench.harness.savesNothing !== undefined) return bench.skip(bench.harness.savesNothing);
      const asked = bench.can.compute.has('save')
        ? bench
            .running(await bench.imaged())
            .then((ref) => bench.adapter.saveCompute(ref, 'saved', undefined, bench.id()))
        : bench.adapter.saveCompute('anything', 'saved', undefined, bench.id());
      if (!bench.can.compute.has('save')) return void (await bench.refused(asked, 'unsupported'));
      await bench.reaches('image', bench.own('image', await asked), 'active');
    });

    it('does or refuses creating networks and taking them up and down', async () => {
      const id = bench.id();
      if (!bench.can.network.has('create')) {
        return void (await bench.refused(bench.adapter.createNetwork({ id, name: 'n' }, id), 'unsupported'));
      }
      const ref = await bench.network();
      for (const [action, state] of [
        ['down', 'inactive'],
        ['up', 'active'],
      ] as const) {
        const asked = bench.adapter.actNetwork(ref, action);
        if (!bench.can.network.has(action)) {
          await bench.refused(asked, 'unsupported');
          continue;
        }
        await asked;
        await bench.reaches('network', ref, state);
        await bench.adapter.actNetwork(ref, action);
        await bench.reaches('network', ref, state);
      }
    });

    it('does or refuses creating volumes', async () => {
      const id = bench.id();
      if (bench.can.storage.has('create')) return void (await bench.volume());
      await bench.refused(bench.adapter.createStorage({ id, name: 'v', sizeBytes: 2 ** 30 }, id), 'unsupported');
    });

    it.each(STORAGE)('does or refuses storage %s', async (action) => {
      const possible = bench.can.storage.has(action satisfies StorageAction);
      if (!bench.can.storage.has('create')) {
        return void (await bench.refused(bench.adapter.actStorage('anything', action), 'unsupported', 'not-found'));
      }
      const ref = await bench.volume();
      if (!possible) return void (await bench.refused(bench.adapter.actStorage(ref, action), 'unsupported'));
      await bench.adapter.actStorage(ref, action);
      await bench.reaches('storage', ref, action === 'offline' ? 'offline' : 'online');
    });

    it('does or refuses storage resize, and never shrinks', async () => {
      if (!bench.can.storage.has('create')) return bench.skip('no volumes');
      const ref = await bench.volume(2 ** 30);
      if (!bench.can.storage.has('resize'))
        return void (await bench.refused(bench.adapter.resizeStorage(ref, 2 ** 31), 'unsupported'));
      if (bench.can.resizesAttached === true) {
        await bench.refused(bench.adapter.resizeStorage(ref, 2 ** 31), 'conflict');
        await bench.attachment(await bench.stopped(), ref);
      }
      await bench.adapter.resizeStorage(ref, 2 ** 31);
      expect(await bench.reaches('storage', ref)).toMatchObject({ sizeBytes: 2 ** 31 });
      await bench.refused(bench.adapter.resizeStorage(ref, 2 ** 30), 'invalid', 'unsupported', 'conflict');
      expect(await bench.reaches('storage', ref)).toMatchObject({ sizeBytes: 2 ** 31 });
    });

    it('boots without an image, or refuses to', async () => {
      const { image: _boot, ...spec } = bench.spec();
      const asked = bench.adapter.createCompute(spec, spec.id);
      if (!bench.can.imageless) return void (await bench.refused(asked, 'invalid'));
      const ref = bench.own('compute', await asked);
      await bench.rest('compute', ref);
      await bench.adapter.actCompute(ref, 'start', undefined);
      await bench.reaches('compute', ref, 'active');
    });

    it('refuses image formats it does not name', async () => {
      const spec = bench.imageSpec({ format: 'no-such-format' });
      await bench.refused(bench.adapter.importImage(spec, spec.id), 'unsupported');
    });

    it('measures what it names, or refuses to measure', async () => {
      const ref = await bench.running();
      if (bench.can.metrics.length === 0)
        return void (await bench.refused(bench.adapter.metrics([ref]), 'unsupported'));
      const samples = await bench.measured(ref);
      expect(new Set(samples.map((sample) => sample.metric))).toEqual(new Set(bench.can.metrics));
    });
  });
}
