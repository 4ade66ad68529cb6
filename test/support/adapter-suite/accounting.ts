/** A site's own account of machines that ran: every time that one was on, with its size, until it was switched off. */

import type { AccountingSite, MachineRun } from '../../../src/iaas/accounting.js';
import type { Bench } from './bench.js';

const HOUR_MS = 3_600_000;

export function describeAccounting(bench: Bench): void {
  describe('keeps account of what ran, or says that it does not', () => {
    const accounting = (): AccountingSite | undefined => {
      const { accounting: site } = bench.adapter;
      expect(site !== undefined).toBe(bench.can.accounting === true);
      if (!site) bench.skip('no account of its own');
      return site;
    };
    const runsOf = async (site: AccountingSite, ref: string): Promise<readonly MachineRun[]> => {
      const now = Date.now();
      const all = await site.runs({ from: now - HOUR_MS, until: now + HOUR_MS });
      return all.filter((run) => run.ref === ref);
    };

    it('from its start to its stop, as one run whatever is done to it meanwhile', async () => {
      const site = accounting();
      if (!site) return;
      const spec = bench.spec({ cores: 2 });
      const ref = bench.own('compute', await bench.adapter.createCompute(spec, spec.id));
      await bench.rest('compute', ref);
      expect(await runsOf(site, ref)).toEqual([]);
      await bench.adapter.actCompute(ref, 'start', undefined);
      await bench.reaches('compute', ref, 'active');
      if (bench.can.hotplugDisk && bench.can.storage.has('create')) await bench.attachment(ref, await bench.volume());
      const [open, ...others] = await runsOf(site, ref);
      expect([open, others]).toMatchObject([{ id: spec.id, cores: 2, memoryBytes: spec.memoryBytes }, []]);
      expect(open?.until).toBeUndefined();
      await bench.adapter.actCompute(ref, 'stop', undefined);
      await bench.reaches('compute', ref, 'inactive');
      const [closed] = await runsOf(site, ref);
      expect(closed?.from).toBe(open?.from);
      expect(closed?.until).toBeGreaterThanOrEqual(closed?.from ?? Infinity);
    });

    it('and of nothing else', async () => {
      const site = accounting();
      if (!site) return;
      if (!bench.harness.foreign) return bench.skip('no things of others');
      expect(await runsOf(site, await bench.harness.foreign.createMachine())).toEqual([]);
      const long = Date.now() - 1000 * HOUR_MS;
      expect(await site.runs({ from: long - HOUR_MS, until: long })).toEqual([]);
    });
  });
}
