/** A site gives what it has and not more: hosts, quotas, placement, resizing within them. */

import { IaasError, type Inventory, type SiteRef } from '../../../src/iaas/adapter.js';
import { together } from '../../../src/scheduling/offer.js';
import type { Bench } from './bench.js';

export function describeCapacity(bench: Bench): void {
  describe('gives what it has', () => {
    it('and refuses a machine larger than any host', async () => {
      const before = (await bench.listed('compute')).length;
      const cores = Math.max(...(await bench.adapter.inventory()).hosts.map((host) => host.cores)) + 1;
      await bench.refused(late(bench, bench.spec({ cores })), 'capacity', 'quota', 'invalid');
      expect((await bench.listed('compute')).length).toBe(before);
    });

    it('and counts a machine for as long as it exists', async () => {
      const before = await bench.adapter.inventory();
      const ref = await bench.machine({ cores: 2, memoryBytes: 2 ** 30 });
      const during = await bench.adapter.inventory();
      expect(free(before) - free(during)).toBe(2);
      await bench.remove('compute', ref);
      expect(free(await bench.adapter.inventory())).toBe(free(before));
    });

    it.each([
      ['no cores', { cores: 0 }],
      ['less than no memory', { memoryBytes: -1 }],
      ['part of a core', { cores: 1.5 }],
      ['no number', { cores: Number.NaN }],
    ])('but not %s', async (_what, size) => {
      const spec = bench.spec(size);
      await bench.refused(bench.adapter.createCompute(spec, spec.id), 'invalid');
    });

    it('on the host that was asked for, or not at all', async () => {
      if (!bench.can.placement.has('host')) return bench.skip('no placement by host');
      const inventory = await bench.adapter.inventory();
      const host = inventory.hosts.find((each) => each.up && each.freeCores >= 1);
      if (!host) return bench.skip('no host has room');
      expect(await bench.look('compute', await bench.machine({ host: host.name }))).toMatchObject({ host: host.name });
      const nowhere = bench.spec({ host: 'no-such-host' });
      await bench.refused(bench.adapter.createCompute(nowhere, nowhere.id), 'invalid', 'not-found', 'capacity');
    });

    it('apart from the machines it must not share a host with', async () => {
      if (!bench.can.placement.has('host')) return bench.skip('no placement by host');
      const first = bench.spec();
      const one = bench.own('compute', await bench.adapter.createCompute(first, first.id));
      const host = (await bench.reaches('compute', one)).host;
      const other = await bench.machine({ apartFrom: [first.id] });
      expect((await bench.look('compute', other))?.host).not.toBe(host);
      if (host === undefined) return;
      const forced = bench.spec({ apartFrom: [first.id], host });
      await bench.refused(bench.adapter.createCompute(forced, forced.id), 'capacity');
    });

    it('together with the machines it must share a host with', async () => {
      if (!bench.can.placement.has('host')) return bench.skip('no placement by host');
      const first = bench.spec();
      const one = bench.own('compute', await bench.adapter.createCompute(first, first.id));
      const { host } = await bench.reaches('compute', one);
      const other = await bench.machine({ togetherWith: [first.id] });
      expect((await bench.look('compute', other))?.host).toBe(host);
      const both = bench.spec({ togetherWith: [first.id], apartFrom: [first.id] });
      await bench.refused(bench.adapter.createCompute(both, both.id), 'capacity', 'invalid');
    });

    it('up and down in size, shown once it is so', async () => {
      if (!bench.can.compute.has('resize')) return bench.skip('no resize');
      const ref = await bench.stopped({ cores: 2, memoryBytes: 2 ** 31 });
      for (const size of [
        { cores: 3, memoryBytes: 2 ** 32 },
        { cores: 1, memoryBytes: 2 ** 30 },
      ]) {
        const before = await bench.reaches('compute', ref);
        await bench.adapter.resizeCompute(ref, size);
        const during = await bench.look('compute', ref);
        if (during?.busy) expect([before.cores, size.cores]).toContain(during.cores);
        expect(await bench.reaches('compute', ref, 'inactive')).toMatchObject(size);
        await bench.adapter.resizeCompute(ref, size);
        expect(await bench.reaches('compute', ref, 'inactive')).toMatchObject(size);
      }
    });

    it('but no growth beyond it', async () => {
      if (!bench.can.compute.has('resize')) return bench.skip('no resize');
      const ref = await bench.stopped();
      const cores = Math.max(...(await bench.adapter.inventory()).hosts.map((host) => host.cores)) + 1;
      await bench.refused(
        bench.adapter.resizeCompute(ref, { cores, memoryBytes: 2 ** 30 }),
        'capacity',
        'quota',
        'invalid',
      );
      expect(await bench.reaches('compute', ref, 'inactive')).toMatchObject({ cores: 1 });
    });

    it('and tells a quota from a lack of room', async () => {
      const { quota } = bench.harness;
      if (!quota) return bench.skip('the harness sets no quota');
      let refusal: unknown;
      for (let cores = 0; cores <= quota.cores && refusal === undefined; cores += 4) {
        await late(bench, bench.spec({ cores: 4 })).catch((error: unknown) => void (refusal = error));
      }
      bench.isRefusal(refusal, 'quota');
    });

    it('and refuses a volume larger than the pool', async () => {
      if (!bench.can.storage.has('create')) return bench.skip('no volumes');
      const { storageFreeBytes } = await bench.adapter.inventory();
      const id = bench.id();
      const spec = { id, name: 'too-large', sizeBytes: storageFreeBytes + 2 ** 30 };
      await bench.refused(bench.adapter.createStorage(spec, id), 'capacity', 'quota');
      const zero = { ...spec, id: bench.id(), sizeBytes: 0 };
      await bench.refused(bench.adapter.createStorage(zero, zero.id), 'invalid');
    });
  });
}

const free = ({ hosts, ...inventory }: Inventory): number => together(hosts, (host) => host.freeCores, inventory);

/** A creation whose refusal may come late, as an accepted machine that ends in error: that counts as refused for capacity. */
async function late(bench: Bench, spec: ReturnType<Bench['spec']>): Promise<SiteRef> {
  const ref = bench.own('compute', await bench.adapter.createCompute(spec, spec.id));
  const seen = await bench.reaches('compute', ref);
  if (seen.state !== 'error') return ref;
  await bench.remove('compute', ref);
  throw new IaasError(/quota/i.test(seen.message ?? '') ? 'quota' : 'capacity', seen.message ?? 'ended in error');
}
