/** Addresses that outsiders reach: reserved one by one, lent to one machine at a time, and kept when it goes. */

import { addressOfRange } from '../../../extensions/infrastructure/reserved-address.js';
import type { SiteRef } from '../../../src/iaas/adapter.js';
import type { Bench } from './bench.js';

const NO_ADDRESSES = 'no addresses to lend';

export function describeAddresses(bench: Bench): void {
  describe('lends addresses that outsiders reach', () => {
    const reserve = async (): Promise<{ readonly ref: SiteRef; readonly address: string }> => {
      const id = bench.id();
      const spec = { id, name: `ip-${id.slice(-6)}`, reservation: true } as const;
      const ref = bench.own('network', await bench.adapter.createNetwork(spec, id));
      expect(await bench.adapter.createNetwork(spec, id)).toBe(ref);
      const seen = await bench.reaches('network', ref, 'active');
      expect(seen).toMatchObject({ id, cidr: expect.stringMatching(/\/32$/) });
      return { ref, address: addressOfRange(seen.cidr ?? '', undefined) ?? '' };
    };
    const lend = async (compute: SiteRef, { ref, address }: { ref: SiteRef; address: string }): Promise<SiteRef> => {
      const id = bench.id();
      const spec = { id, compute, network: ref, address };
      const lent = bench.own('nic', await bench.adapter.attachNic(spec, id));
      expect(await bench.adapter.attachNic(spec, id)).toBe(lent);
      expect(await bench.reaches('nic', lent)).toMatchObject({
        id,
        address,
        mac: expect.stringMatching(/^[0-9a-f:]{17}$/),
      });
      return lent;
    };
    const machine = async (): Promise<SiteRef> => {
      const compute = await bench.stopped();
      await bench.nic(compute, await bench.network('192.168.84.0/24'));
      return compute;
    };

    it('each another, to one machine and then to the next', async () => {
      if (bench.can.addresses !== true) return bench.skip(NO_ADDRESSES);
      const [one, other] = [await reserve(), await reserve()];
      expect(one.address).not.toBe(other.address);
      const [first, second] = [await machine(), await bench.stopped()];
      const lent = await lend(first, one);
      expect((await bench.listed('nic')).map(({ ref }) => ref)).toContain(lent);
      await bench.nic(second, await bench.network('192.168.85.0/24'));
      const id = bench.id();
      const again = bench.adapter.attachNic({ id, compute: second, network: one.ref, address: one.address }, id);
      await bench.refused(again, 'conflict');
      await bench.remove('nic', lent);
      await lend(second, one);
    });

    it('not to a machine that is in no network', async () => {
      if (bench.can.addresses !== true) return bench.skip(NO_ADDRESSES);
      const { ref: network, address } = await reserve();
      const [id, compute] = [bench.id(), await bench.stopped()];
      // Where machines are always in one, it is lent.
      await bench.adapter.attachNic({ id, compute, network, address }, id).then(
        (ref) => void bench.own('nic', ref),
        (error: unknown) => void bench.isRefusal(error, 'conflict'),
      );
    });

    it('and has it still when the machine is gone, but never gives back what is lent', async () => {
      if (bench.can.addresses !== true) return bench.skip(NO_ADDRESSES);
      const address = await reserve();
      const compute = await machine();
      const lent = await lend(compute, address);
      await bench.refused(bench.adapter.delete('network', address.ref), 'conflict');
      await bench.remove('compute', compute);
      expect(await bench.rest('nic', lent)).toBeUndefined();
      expect(await bench.look('network', address.ref)).toMatchObject({ cidr: `${address.address}/32` });
      await bench.remove('network', address.ref);
    });

    it('along with a machine that is made with them', async () => {
      if (bench.can.addresses !== true || bench.can.plugsAtCreation !== true) return bench.skip(NO_ADDRESSES);
      const { ref, address } = await reserve();
      const nics = [
        { id: bench.id(), network: await bench.network('192.168.86.0/24') },
        { id: bench.id(), network: ref, address },
      ];
      const compute = await bench.machine({ nics });
      for (const nic of nics) {
        const plugged = bench.own('nic', await bench.adapter.attachNic({ ...nic, compute }, nic.id));
        expect(await bench.reaches('nic', plugged)).toMatchObject({ id: nic.id });
      }
    });
  });
}
