/** The life of machines, networks and volumes as GFD.224 §3 draws it, and the rule that a state is observed, never hoped. */

import type { ResourceClass } from '../../../src/iaas/adapter.js';
import type { Bench } from './bench.js';

const METHODS = [
  ['stop', 'graceful', 'inactive'],
  ['stop', 'acpioff', 'inactive'],
  ['stop', 'poweroff', 'inactive'],
  ['restart', 'graceful', 'active'],
  ['restart', 'warm', 'active'],
  ['restart', 'cold', 'active'],
  ['suspend', 'hibernate', 'suspended'],
  ['suspend', 'suspend', 'suspended'],
] as const;

export function describeLifeCycle(bench: Bench): void {
  describe('leads things through their life', () => {
    it('makes a machine as it was asked for', async () => {
      const spec = bench.spec({ cores: 2, memoryBytes: 2 ** 30 });
      const ref = bench.own('compute', await bench.adapter.createCompute(spec, spec.id));
      const made = await bench.reaches('compute', ref);
      expect(made).toMatchObject({ class: 'compute', ref, id: spec.id, cores: 2, memoryBytes: 2 ** 30, busy: false });
      expect(['inactive', 'active']).toContain(made.state);
    });

    it('makes a network as it was asked for', async () => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const id = bench.id();
      const cidr = '192.168.71.0/24';
      const gateway = bench.harness.addressing?.gatewayOf(cidr) ?? '192.168.71.254';
      const spec = { id, name: 'net', cidr, gateway };
      const ref = bench.own('network', await bench.adapter.createNetwork(spec, id));
      expect(await bench.reaches('network', ref, 'active')).toMatchObject({
        ref,
        id,
        cidr: spec.cidr,
        gateway: spec.gateway,
      });
    });

    it('makes a volume at least as large as asked for', async () => {
      if (!bench.can.storage.has('create')) return bench.skip('no volumes');
      const id = bench.id();
      const ref = bench.own(
        'storage',
        await bench.adapter.createStorage({ id, name: 'vol', sizeBytes: 3 * 2 ** 30 }, id),
      );
      const made = await bench.reaches('storage', ref, 'online');
      expect(made.id).toBe(id);
      expect(made.sizeBytes).toBeGreaterThanOrEqual(3 * 2 ** 30);
    });

    it('reports the old state and busy, or the new state, but never the wish', async () => {
      if (!bench.stops) return bench.skip('no stop');
      const ref = await bench.stopped();
      await bench.adapter.actCompute(ref, 'start', undefined);
      const during = await bench.look('compute', ref);
      expect(during && (during.busy ? ['inactive', 'active'] : ['active'])).toContain(during?.state);
      await bench.reaches('compute', ref, 'active');
    });

    it.each(METHODS)('knows %s by method %s', async (action, method, state) => {
      if (!bench.can.compute.has(action)) return bench.skip(`no ${action}`);
      const ref = await bench.running();
      // A machine that was not restarted looks like one that was.
      const bootsAgain = action === 'restart' ? await bench.boots(ref) : undefined;
      await bench.adapter.actCompute(ref, action, method);
      await bench.reaches('compute', ref, state);
      await bootsAgain?.();
    });

    it.each(['stop', 'restart', 'suspend'] as const)('refuses %s by a method nobody knows', async (action) => {
      if (!bench.can.compute.has(action)) return bench.skip(`no ${action}`);
      const ref = await bench.running();
      await bench.refused(bench.adapter.actCompute(ref, action, 'by-magic'), 'invalid');
      await bench.reaches('compute', ref, 'active');
    });

    it('starts a suspended machine again', async () => {
      if (!bench.can.compute.has('suspend')) return bench.skip('no suspend');
      const ref = await bench.running();
      await bench.adapter.actCompute(ref, 'suspend', undefined);
      await bench.reaches('compute', ref, 'suspended');
      await bench.adapter.actCompute(ref, 'start', undefined);
      await bench.reaches('compute', ref, 'active');
    });

    it('grants a state that a machine already has', async () => {
      if (!bench.stops) return bench.skip('no stop');
      const ref = await bench.running();
      await bench.adapter.actCompute(ref, 'start', undefined);
      await bench.reaches('compute', ref, 'active');
      await bench.adapter.actCompute(ref, 'stop', undefined);
      await bench.reaches('compute', ref, 'inactive');
      await bench.adapter.actCompute(ref, 'stop', undefined);
      await bench.reaches('compute', ref, 'inactive');
    });

    it.each(['suspend', 'restart'] as const)(
      'refuses to %s a machine that is off, and leaves it so',
      async (action) => {
        if (!bench.can.compute.has(action)) return bench.skip(`no ${action}`);
        if (!bench.stops) return bench.skip('no stop');
        const ref = await bench.stopped();
        await bench.refused(bench.adapter.actCompute(ref, action, undefined), 'conflict');
        await bench.reaches('compute', ref, 'inactive');
      },
    );

    it('takes another wish while busy as "later", or carries both out', async () => {
      if (!bench.stops) return bench.skip('no stop');
      const ref = await bench.running();
      await bench.adapter.actCompute(ref, 'stop', undefined);
      const other = bench.adapter.actCompute(ref, 'start', undefined);
      const refused = await other.then(
        () => false,
        () => true,
      );
      if (refused) await bench.refused(other, 'transient');
      await bench.reaches('compute', ref, refused ? 'inactive' : 'active');
    });

    it('deletes a machine in any state', async () => {
      const off = await bench.resting();
      const on = await bench.running();
      await Promise.all([off, on].map((ref) => bench.adapter.delete('compute', ref)));
      for (const ref of [off, on]) expect(await bench.rest('compute', ref)).toBeUndefined();

      const starting = await bench.resting();
      await bench.adapter.actCompute(starting, bench.move, undefined);
      await bench.remove('compute', starting);
      if (!bench.can.compute.has('suspend')) return;
      const suspended = await bench.running();
      await bench.adapter.actCompute(suspended, 'suspend', undefined);
      await bench.reaches('compute', suspended, 'suspended');
      await bench.remove('compute', suspended);
    });

    it('deletes a machine that has just been asked for', async () => {
      const spec = bench.spec();
      await bench.remove('compute', await bench.adapter.createCompute(spec, spec.id));
    });

    it.each<ResourceClass>(['compute', 'network', 'storage', 'nic', 'attachment', 'image', 'securitygroup'])(
      'deletes a %s twice, and one that never was',
      async (what) => {
        const ref = await makeOne(bench, what);
        if (ref === undefined) return bench.skip(`no ${what}`);
        await bench.adapter.delete(what, ref);
        await bench.adapter.delete(what, ref);
        expect(await bench.rest(what, ref)).toBeUndefined();
        await bench.adapter.delete(what, ref);
        await bench.adapter.delete(what, `${ref}-never-was`);
        expect((await bench.adapter.describe(what, [ref])).size).toBe(0);
      },
    );

    it('does not find what is gone', async () => {
      const ref = await bench.machine();
      await bench.remove('compute', ref);
      await bench.refused(bench.adapter.actCompute(ref, 'start', undefined), 'not-found');
      if (bench.can.compute.has('resize'))
        await bench.refused(bench.adapter.resizeCompute(ref, { cores: 1, memoryBytes: 2 ** 30 }), 'not-found');
      if (bench.can.compute.has('save'))
        await bench.refused(bench.adapter.saveCompute(ref, 'x', undefined, bench.id()), 'not-found');
    });
  });
}

/** One thing of a class, with whatever it needs. */
export async function makeOne(bench: Bench, what: ResourceClass): Promise<string | undefined> {
  switch (what) {
    case 'compute':
      return bench.machine();
    case 'network':
      return bench.can.network.has('create') ? bench.network() : undefined;
    case 'storage':
      return bench.can.storage.has('create') ? bench.volume() : undefined;
    case 'nic':
      return bench.can.network.has('create')
        ? (await bench.nic(await bench.stopped(), await bench.network())).ref
        : undefined;
    case 'attachment':
      return bench.can.storage.has('create')
        ? (await bench.attachment(await bench.stopped(), await bench.volume())).ref
        : undefined;
    case 'image':
      return bench.takesImages ? bench.image() : undefined;
    case 'securitygroup':
      return bench.can.securityGroups === true
        ? (await bench.securityGroup([{ direction: 'outbound', protocol: 'tcp', version: 'ipv4' }])).ref
        : undefined;
  }
}
