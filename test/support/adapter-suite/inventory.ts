/** What a site has: described in batches, listed where it is VEP's, left alone where it is not. */

import { newUuid } from '../../../src/base/ids.js';
import type { Bench } from './bench.js';

export function describeInventory(bench: Bench): void {
  describe('shows what it has', () => {
    it('with hosts that have room and a place', async () => {
      const { hosts, takenAt } = await bench.adapter.inventory();
      expect(takenAt).toBeGreaterThan(0);
      expect(hosts.length).toBeGreaterThan(0);
      for (const host of hosts) {
        expect(host.country).toMatch(/^[A-Z]{2}$/);
        expect(host.freeCores).toBeGreaterThanOrEqual(0);
        expect(host.freeCores).toBeLessThanOrEqual(host.cores);
        expect(host.freeMemoryBytes).toBeGreaterThanOrEqual(0);
        expect(host.freeMemoryBytes).toBeLessThanOrEqual(host.memoryBytes);
      }
      expect(new Set(hosts.map((host) => host.name)).size).toBe(hosts.length);
    });

    it('with the networks and images made by VEP', async () => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const network = await bench.network('192.168.79.0/24');
      const found = (await bench.adapter.inventory()).networks.find((each) => each.ref === network);
      expect(found).toMatchObject({ cidr: '192.168.79.0/24', shared: false });
    });

    it('of 200 references at once, some of them gone', async () => {
      const refs = [await bench.machine(), await bench.machine(), await bench.machine()];
      await bench.remove('compute', refs[1] ?? '');
      const asked = [...refs, ...Array.from({ length: 196 }, () => newUuid()), refs[0] ?? ''];
      const found = await bench.adapter.describe('compute', asked);
      expect([...found.keys()].sort()).toEqual([refs[0] ?? '', refs[2] ?? ''].sort());
      for (const [ref, observed] of found) expect(observed.ref).toBe(ref);
    });

    it('of no references at all', async () => {
      expect((await bench.adapter.describe('network', [])).size).toBe(0);
    });

    it('only of the class that was asked for', async () => {
      const machine = await bench.machine();
      expect((await bench.adapter.describe('network', [machine])).size).toBe(0);
      await bench.adapter.delete('network', machine);
      expect(await bench.look('compute', machine)).toBeDefined();
    });

    it('in a list of everything that VEP made, once each', async () => {
      const before = new Set((await bench.listed('compute')).map((machine) => machine.ref));
      const refs = await Promise.all(Array.from({ length: 12 }, () => bench.machine()));
      const listed = await bench.listed('compute');
      expect(new Set(listed.map((machine) => machine.ref)).size).toBe(listed.length);
      const fresh = listed.filter((machine) => !before.has(machine.ref));
      expect(fresh.map((machine) => machine.ref).sort()).toEqual([...refs].sort());
      for (const machine of listed) expect(machine.id).toBeDefined();
    });

    it('in a list that can be left early', async () => {
      await Promise.all([bench.machine(), bench.machine()]);
      for await (const machine of bench.adapter.list('compute')) {
        expect(machine.class).toBe('compute');
        break;
      }
    });

    it('and leaves alone what VEP did not make', async () => {
      const { foreign } = bench.harness;
      if (!foreign) return bench.skip('the harness cannot make things for others');
      const ref = await foreign.createMachine();
      const before = await bench.rest('compute', ref);
      expect((await bench.listed('compute')).map((machine) => machine.ref)).not.toContain(ref);
      expect(before?.id).toBeUndefined();
      await bench.adapter
        .delete('compute', ref)
        .catch((error: unknown) => bench.isRefusal(error, 'denied', 'not-found'));
      await bench.refused(
        bench.adapter.actCompute(ref, bench.stops ? 'stop' : bench.move, undefined),
        'denied',
        'not-found',
      );
      if (bench.can.compute.has('resize'))
        await bench.refused(
          bench.adapter.resizeCompute(ref, { cores: 4, memoryBytes: 2 ** 32 }),
          'denied',
          'not-found',
        );
      expect(await bench.rest('compute', ref)).toEqual(before);
    });
  });
}
