/** NICs and volumes on machines that run and machines that do not: addresses are unique and come back, devices are really there. */

import type { SiteRef } from '../../../src/iaas/adapter.js';
import type { Bench } from './bench.js';

export const WAYS = [
  ['running', 'hot'],
  ['stopped', 'cold'],
] as const;

export function describePlugs(bench: Bench): void {
  describe('plugs networks in', () => {
    it.each(WAYS)('to a %s machine and out again (%s)', async (way) => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const machine = await bench[way]();
      const network = await bench.network('192.168.74.0/24');
      const id = bench.id();
      if (way === 'running' && !bench.can.hotplugNic) {
        return void (await bench.refused(
          bench.adapter.attachNic({ id, compute: machine, network }, id),
          'unsupported',
        ));
      }
      const nic = await bench.nic(machine, network);
      expect(nic).toMatchObject({ state: way === 'running' ? 'active' : 'inactive' });
      expect(nic.mac).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
      expect(nic.interface).not.toBe('');
      expect(nic.address).toMatch(/^192\.168\.74\.\d+$/);
      await bench.remove('nic', nic.ref);
    });

    it('with an address and a MAC of its own each', async () => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const network = await bench.network('192.168.75.0/24');
      const machines = await Promise.all([bench.stopped(), bench.stopped(), bench.stopped()]);
      const nics = await Promise.all([...machines, ...machines].map((machine) => bench.nic(machine, network)));
      expect(new Set(nics.map((nic) => nic.address)).size).toBe(6);
      expect(new Set(nics.map((nic) => nic.mac)).size).toBe(6);
      for (const machine of machines) {
        const own = nics.filter((_, index) => machines[index % 3] === machine);
        expect(new Set(own.map((nic) => nic.interface)).size).toBe(2);
      }
    });

    it('with the address that was asked for, once', async () => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const network = await bench.network('192.168.76.0/24');
      const machine = await bench.stopped();
      expect(await bench.nic(machine, network, '192.168.76.77')).toMatchObject({ address: '192.168.76.77' });
      const again = { id: bench.id(), compute: machine, network, address: '192.168.76.77' };
      if (!bench.isBroken('own-address'))
        await bench.refused(bench.adapter.attachNic(again, again.id), 'conflict', 'invalid');
      const outside = { id: bench.id(), compute: machine, network, address: '10.99.0.1' };
      await bench.refused(bench.adapter.attachNic(outside, outside.id), 'invalid');
    });

    it('until the range is used up, and again when an address came back', async () => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      if (bench.isBroken('end-of-range')) return;
      const range = bench.harness.addressing?.smallest ?? '192.168.77.0/29';
      const addresses = 2 ** (32 - Number(range.split('/')[1]));
      const network = await bench.network(range);
      const machine = await bench.stopped();
      const refs: SiteRef[] = [];
      let refusal: unknown;
      for (let index = 0; index < addresses && refusal === undefined; index++) {
        await bench.nic(machine, network).then(
          (nic) => void refs.push(nic.ref),
          (error: unknown) => void (refusal = error),
        );
      }
      bench.isRefusal(refusal, 'capacity', 'quota', 'conflict');
      expect(refs.length).toBeGreaterThanOrEqual(3);
      await bench.remove('nic', refs[0] ?? '');
      await bench.nic(machine, network);
    });

    it('and gives their addresses back with the machine', async () => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const network = await bench.network('192.168.78.0/24');
      const machine = await bench.stopped();
      const nic = await bench.nic(machine, network, '192.168.78.78');
      await bench.remove('compute', machine);
      expect(await bench.look('nic', nic.ref)).toBeUndefined();
      await bench.nic(await bench.stopped(), network, '192.168.78.78');
    });

    it('with the machine itself, where the site wants to know by then, and finds it there', async () => {
      if (bench.can.plugsAtCreation !== true) return bench.skip('plugs nothing in at creation');
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const [network, storage] = [await bench.network('192.168.83.0/24'), await bench.volume()];
      const [nic, disk] = [
        { id: bench.id(), network, address: '192.168.83.83' },
        { id: bench.id(), storage },
      ];
      const machine = await bench.machine({ nics: [nic], volumes: [disk] });
      const before = [(await bench.listed('nic')).length, (await bench.listed('attachment')).length];
      const plugged = await bench.adapter.attachNic({ ...nic, compute: machine }, nic.id);
      const attached = await bench.adapter.attachStorage({ ...disk, compute: machine }, disk.id);
      bench.own('nic', plugged);
      bench.own('attachment', attached);
      expect(await bench.reaches('nic', plugged)).toMatchObject({ id: nic.id, address: '192.168.83.83' });
      expect(await bench.reaches('attachment', attached)).toMatchObject({ id: disk.id });
      expect([(await bench.listed('nic')).length, (await bench.listed('attachment')).length]).toEqual(before);
      await bench.adapter.actCompute(machine, 'start', undefined);
      await bench.reaches('compute', machine, 'active');
      expect(await bench.reaches('nic', plugged, 'active')).toBeDefined();
    });

    it('but not into a network or a machine that is not there', async () => {
      const machine = await bench.resting();
      const id = bench.id();
      await bench.refused(
        bench.adapter.attachNic({ id, compute: machine, network: 'no-such' }, id),
        'not-found',
        'invalid',
      );
      if (!bench.can.network.has('create')) return;
      const network = await bench.network();
      await bench.refused(bench.adapter.attachNic({ id, compute: 'no-such', network }, id), 'not-found', 'invalid');
    });

    it('and keeps a network that is in use', async () => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const network = await bench.network();
      const nic = await bench.nic(await bench.stopped(), network);
      if (bench.isBroken('used-networks-stay')) return;
      await bench.refused(bench.adapter.delete('network', network), 'conflict');
      await bench.reaches('nic', nic.ref);
      await bench.remove('nic', nic.ref);
      await bench.remove('network', network);
    });
  });

  describe('attaches volumes', () => {
    it.each(WAYS)('to a %s machine and off again (%s)', async (way) => {
      if (!bench.can.storage.has('create')) return bench.skip('no volumes');
      const machine = await bench[way]();
      const volume = await bench.volume();
      const id = bench.id();
      if (way === 'running' && !bench.can.hotplugDisk) {
        return void (await bench.refused(
          bench.adapter.attachStorage({ id, compute: machine, storage: volume }, id),
          'unsupported',
        ));
      }
      const attached = await bench.attachment(machine, volume);
      expect(attached).toMatchObject({ state: way === 'running' ? 'active' : 'inactive' });
      expect(attached.device).not.toBe('');
      await bench.remove('attachment', attached.ref);
      await bench.reaches('storage', volume, 'online');
    });

    it('each as a device of its own', async () => {
      if (!bench.can.storage.has('create')) return bench.skip('no volumes');
      const machine = await bench.stopped();
      const volumes = await Promise.all([bench.volume(), bench.volume(), bench.volume()]);
      const devices = [];
      for (const volume of volumes) devices.push((await bench.attachment(machine, volume)).device);
      expect(new Set(devices).size).toBe(3);
    });

    it('to one machine at a time', async () => {
      if (!bench.can.storage.has('create')) return bench.skip('no volumes');
      const volume = await bench.volume();
      const attached = await bench.attachment(await bench.stopped(), volume);
      const other = { id: bench.id(), compute: await bench.stopped(), storage: volume };
      await bench.refused(bench.adapter.attachStorage(other, other.id), 'conflict', 'invalid');
      await bench.refused(bench.adapter.delete('storage', volume), 'conflict');
      await bench.remove('attachment', attached.ref);
      // What is still on its way in cannot be taken off again by whoever clears up.
      await bench.reaches('attachment', bench.own('attachment', await bench.adapter.attachStorage(other, other.id)));
    });

    it('to several machines at a time, if the volume is shared, and to each once', async () => {
      if (bench.can.sharesVolumes !== true) return bench.skip('no shared volumes');
      const volume = await bench.volume(undefined, { shared: true });
      const [one, other] = [await bench.stopped(), await bench.stopped()];
      const first = await bench.attachment(one, volume);
      const second = await bench.attachment(other, volume);
      expect(first.ref).not.toBe(second.ref);
      const again = { id: bench.id(), compute: one, storage: volume };
      await bench.refused(bench.adapter.attachStorage(again, again.id), 'conflict', 'invalid');
      await bench.refused(bench.adapter.delete('storage', volume), 'conflict');
      await bench.remove('attachment', first.ref);
      expect(await bench.reaches('attachment', second.ref, 'inactive')).toMatchObject({ id: second.id });
      await bench.refused(bench.adapter.delete('storage', volume), 'conflict');
      await bench.attachment(one, volume);
      await bench.adapter.actCompute(other, 'start', undefined);
      await bench.reaches('compute', other, 'active');
      await bench.reaches('attachment', second.ref, 'active');
    });

    it('to several machines as they are made, if the volume is shared, and keeps it for those that stay', async () => {
      if (bench.can.sharesVolumes !== true) return bench.skip('no shared volumes');
      if (bench.can.plugsAtCreation !== true) return bench.skip('plugs nothing in at creation');
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const storage = await bench.volume(undefined, { shared: true });
      const attached = async (): Promise<{
        readonly machine: SiteRef;
        readonly link: SiteRef;
        readonly id: string;
      }> => {
        const plug = { id: bench.id(), storage };
        const machine = await bench.machine({ volumes: [plug] });
        const link = bench.own('attachment', await bench.adapter.attachStorage({ ...plug, compute: machine }, plug.id));
        expect(await bench.reaches('attachment', link)).toMatchObject({ id: plug.id });
        return { machine, link, id: plug.id };
      };
      const [one, other] = [await attached(), await attached()];
      const listed = (await bench.listed('attachment')).map(({ ref }) => ref);
      expect(listed).toEqual(expect.arrayContaining([one.link, other.link]));
      await bench.remove('compute', one.machine);
      expect(await bench.look('attachment', one.link)).toBeUndefined();
      expect(await bench.reaches('attachment', other.link)).toMatchObject({ id: other.id });
      await bench.reaches('storage', storage, 'online');
      await bench.refused(bench.adapter.delete('storage', storage), 'conflict');
    });

    it('for reading only, and to several machines so, if it can', async () => {
      if (bench.can.plugsReadOnly !== true) return bench.skip('attaches nothing for reading only');
      const shares = bench.can.sharesVolumes === true;
      const storage = await bench.volume(undefined, shares ? { shared: true } : {});
      const machines = await Promise.all(Array.from({ length: shares ? 2 : 1 }, () => bench.stopped()));
      for (const compute of machines) {
        const id = bench.id();
        const ref = await bench.adapter.attachStorage({ id, compute, storage, readOnly: true }, id);
        bench.own('attachment', ref);
        expect(await bench.reaches('attachment', ref)).toMatchObject({ id });
        await bench.adapter.actCompute(compute, 'start', undefined);
        await bench.reaches('compute', compute, 'active');
        await bench.reaches('attachment', ref, 'active');
      }
    });

    it('and keeps them when the machine goes', async () => {
      if (!bench.can.storage.has('create')) return bench.skip('no volumes');
      const machine = await bench.stopped();
      const volume = await bench.volume();
      const attached = await bench.attachment(machine, volume);
      await bench.remove('compute', machine);
      expect(await bench.look('attachment', attached.ref)).toBeUndefined();
      await bench.reaches('storage', volume, 'online');
    });
  });
}
