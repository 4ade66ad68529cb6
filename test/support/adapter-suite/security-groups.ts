/** Security groups: the site holds the rules that were asked for, lets them guard the machines that they shall guard, and no others. */

import type { SecurityRule } from '../../../src/iaas/security-groups.js';
import { normalRules } from '../../../src/iaas/security-groups.js';
import type { Bench } from './bench.js';
import { WAYS } from './plugs.js';

export const WEB: readonly SecurityRule[] = [
  { direction: 'inbound', protocol: 'tcp', ports: [80, 443], range: '10.0.0.0/8' },
  { direction: 'inbound', protocol: 'icmp' },
  { direction: 'outbound', version: 'ipv4' },
];
const OTHERS: readonly SecurityRule[] = [
  { direction: 'inbound', protocol: 'tcp', ports: [80, 443], range: '10.0.0.0/8' },
  { direction: 'inbound', protocol: 'udp', ports: [53, 53], version: 'ipv4' },
  { direction: 'outbound', protocol: 'tcp', ports: [443, 443], range: '192.0.2.7/24' },
];
const OUTBOUND = OTHERS.filter(({ direction }) => direction === 'outbound');
const NO_GROUPS = 'no security groups';

export function describeSecurityGroups(bench: Bench): void {
  describe('guards machines by security groups', () => {
    it('that hold the rules asked for, or has none', async () => {
      if (bench.can.securityGroups !== true) {
        expect(bench.adapter.securityGroups).toBeUndefined();
        return bench.skip(NO_GROUPS);
      }
      const { ref, id } = await bench.securityGroup(WEB);
      expect(await bench.reaches('securitygroup', ref)).toMatchObject({ id, state: 'active', rules: normalRules(WEB) });
      expect((await bench.listed('securitygroup')).map((each) => each.ref)).toContain(ref);
    });

    it('whose rules are replaced, once or twice', async () => {
      if (bench.can.securityGroups !== true) return bench.skip(NO_GROUPS);
      const { ref } = await bench.securityGroup(WEB);
      for (const rules of [OTHERS, OTHERS, OUTBOUND]) {
        await bench.groups.update(ref, rules);
        expect(await bench.reaches('securitygroup', ref)).toMatchObject({ rules: normalRules(rules) });
      }
      await bench.refused(bench.groups.update(`${ref}-never-was`, WEB), 'not-found', 'invalid');
    });

    it.each(WAYS)('on every interface of a %s machine (%s), and then not', async (way) => {
      if (bench.can.securityGroups !== true || !bench.can.network.has('create')) return bench.skip(NO_GROUPS);
      if (way === 'running' && !bench.can.hotplugNic) return bench.skip('no interfaces on running machines');
      const [machine, network, web, other] = [
        await bench[way](),
        await bench.network('192.168.79.0/24'),
        (await bench.securityGroup(WEB)).ref,
        (await bench.securityGroup(OTHERS)).ref,
      ];
      const nics = [await bench.nic(machine, network), await bench.nic(machine, network)];
      const guards = async (): Promise<unknown[]> => {
        const seen = await Promise.all(nics.map(({ ref }) => bench.reaches('nic', ref)));
        return seen.map(({ securityGroups }) => [...(securityGroups ?? ['nothing told'])].sort());
      };
      expect(await guards()).toEqual([[], []]);
      for (const groups of [[web], [web], [other, web], [other], []]) {
        await bench.groups.guard(machine, groups);
        const sorted = [...groups].sort();
        expect(await guards()).toEqual([sorted, sorted]);
      }
    });

    it('from the moment on in which a network is plugged in', async () => {
      if (bench.can.securityGroups !== true || !bench.can.network.has('create')) return bench.skip(NO_GROUPS);
      const [machine, network] = [await bench.stopped(), await bench.network('192.168.79.0/24')];
      const securityGroups = [(await bench.securityGroup(WEB)).ref];
      const id = bench.id();
      const ref = bench.own(
        'nic',
        await bench.adapter.attachNic({ id, compute: machine, network, securityGroups }, id),
      );
      expect(await bench.reaches('nic', ref)).toMatchObject({ securityGroups });
    });

    it('or with the machine itself, where the site wants to know by then', async () => {
      if (bench.can.securityGroups !== true || bench.can.plugsAtCreation !== true) return bench.skip(NO_GROUPS);
      const securityGroups = [(await bench.securityGroup(WEB)).ref];
      const nic = { id: bench.id(), network: await bench.network('192.168.79.0/24'), securityGroups };
      const machine = await bench.machine({ nics: [nic] });
      const ref = bench.own('nic', await bench.adapter.attachNic({ ...nic, compute: machine }, nic.id));
      expect(await bench.reaches('nic', ref)).toMatchObject({ securityGroups });
    });

    it('keeps a group that guards something, and only what VEP has made', async () => {
      if (bench.can.securityGroups !== true || !bench.can.network.has('create')) return bench.skip(NO_GROUPS);
      const [machine, network] = [await bench.stopped(), await bench.network('192.168.79.0/24')];
      const { ref } = await bench.securityGroup(WEB);
      const nic = await bench.nic(machine, network);
      await bench.groups.guard(machine, [ref]);
      if (!bench.isBroken('used-groups-stay'))
        await bench.refused(bench.adapter.delete('securitygroup', ref), 'conflict');
      await bench.refused(bench.groups.guard(machine, [`${ref}-never-was`]), 'not-found', 'invalid');
      await bench.refused(bench.groups.guard('no-such-machine', []), 'not-found', 'invalid');
      expect(await bench.reaches('nic', nic.ref)).toMatchObject({ securityGroups: [ref] });
      await bench.groups.guard(machine, []);
      await bench.remove('securitygroup', ref);
    });
  });
}
