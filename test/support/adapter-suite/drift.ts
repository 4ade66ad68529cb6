/**
 * What somebody else does at the site to things that VEP made (`docs/operations.md`): it shows in the next list and description, from
 * which the reconciler tells drift, and in nothing but what was really changed.
 */

import type { Observed, ResourceClass, SiteAdapter, SiteRef } from '../../../src/iaas/adapter.js';
import type { Bench } from './bench.js';

export function describeDrift(bench: Bench): void {
  describe('tells what somebody else does', () => {
    const found = async (what: ResourceClass, ref: SiteRef): Promise<Observed | undefined> =>
      (await bench.listed(what)).find((observed) => observed.ref === ref);
    /** Somebody else with the same rights; noted where the harness has none. */
    const behind = async (work: (other: SiteAdapter) => Promise<void>): Promise<void> => {
      const other = await bench.harness.second?.();
      if (!other) return bench.skip('the harness has no second adapter');
      try {
        await work(other);
      } finally {
        await other.close();
      }
    };
    const takenAway = async (other: SiteAdapter, what: ResourceClass, ref: SiteRef): Promise<void> => {
      expect(await found(what, ref)).toMatchObject({ ref });
      await other.delete(what, ref);
      expect([what, await bench.rest(what, ref), await found(what, ref)]).toEqual([what, undefined, undefined]);
    };

    it('a machine stopped, resized and deleted', () =>
      behind(async (other) => {
        const ref = await bench.running();
        const { id } = await bench.reaches('compute', ref);
        if (bench.stops) {
          await other.actCompute(ref, 'stop', undefined);
          await bench.reaches('compute', ref, 'inactive');
          expect(await found('compute', ref)).toMatchObject({ id, state: 'inactive' });
        } else bench.skip('no stop');
        if (bench.can.compute.has('resize')) {
          const size = { cores: 2, memoryBytes: 1024 * 2 ** 20 };
          await other.resizeCompute(ref, size);
          await bench.rest('compute', ref);
          expect(await found('compute', ref)).toMatchObject({ id, cores: size.cores });
        }
        await takenAway(other, 'compute', ref);
      }));

    it('a machine renamed, by its new name, which it knows by its marks', async () => {
      const { rename } = bench.harness;
      if (!rename) return bench.skip('machines cannot be given another name at the site');
      const ref = await bench.stopped();
      const [described, listed] = [await bench.look('compute', ref), await found('compute', ref)];
      const name = expect.any(String) as string;
      expect(listed).toMatchObject({ ref, id: described?.id, name });
      await rename(ref, 'renamed-by-somebody');
      const renamed = { name: 'renamed-by-somebody' };
      expect([await bench.rest('compute', ref), await found('compute', ref)]).toEqual([
        { ...described, ...renamed },
        { ...listed, ...renamed },
      ]);
      if (bench.can.compute.has('resize')) {
        await bench.adapter.resizeCompute(ref, { cores: 2, memoryBytes: 1024 * 2 ** 20 });
        expect(await bench.rest('compute', ref)).toMatchObject({ ...renamed, cores: 2 });
      }
      await bench.adapter.actCompute(ref, 'start', undefined);
      await bench.reaches('compute', ref, 'active');
      await bench.remove('compute', ref);
    });

    it('a network and a volume deleted', () =>
      behind(async (other) => {
        if (bench.can.network.has('create')) await takenAway(other, 'network', await bench.network('192.168.71.0/24'));
        else bench.skip('no networks');
        if (bench.can.storage.has('create')) await takenAway(other, 'storage', await bench.volume());
        else bench.skip('no volumes');
      }));

    it('an interface and a volume pulled out of a machine, and nothing of what they joined', () =>
      behind(async (other) => {
        const machine = await bench.resting();
        const before = await bench.look('compute', machine);
        if (bench.can.network.has('create')) {
          const network = await bench.network('192.168.72.0/24');
          await takenAway(other, 'nic', (await bench.nic(machine, network)).ref);
          await bench.reaches('network', network);
        }
        if (bench.can.storage.has('create')) {
          const volume = await bench.volume();
          await takenAway(other, 'attachment', (await bench.attachment(machine, volume)).ref);
          await bench.reaches('storage', volume);
        }
        expect(await bench.rest('compute', machine)).toEqual(before);
      }));
  });
}
