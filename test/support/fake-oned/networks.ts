/** Virtual networks: made by an administrator, or cut out of another as a reservation, with the addresses that are given out. */

import { addressOf } from '../../../src/iaas/ranges.js';
import { networkXml } from './bodies.js';
import { find, mustBeNew, newest, number, pool, text, type Handlers, type Stage } from './call.js';
import { cdata, Template } from './template.js';
import { Refused } from './wire.js';
import type { Network, User } from './world.js';

/** Drivers that oned.conf has; those of `TAGGED` put each network into a VLAN or VXLAN of an interface. */
const DRIVERS = ['dummy', '802.1Q', 'vxlan', 'bridge'];
const TAGGED = ['802.1Q', 'vxlan'];

export function networkCalls({ world, lives, imageMs }: Stage): Handlers {
  const netOf = (user: User, id: number): Network => {
    const net = find(world.networks, id, 'virtual network');
    world.mustManage(user, net, 'NET');
    return net;
  };

  const makeNetwork = (user: User, template: Template, cluster: number): number => {
    world.mustAdmin(user, `CREATE NET; Not authorized to perform ADMIN CLUSTER [${Math.max(0, cluster)}]`);
    const [name, driver] = [template.get('NAME') ?? '', template.get('VN_MAD')];
    if (cluster !== -1) find(world.clusters, cluster, 'cluster');
    mustBeNew(world.networks, user, name, 'NET', 8192);
    if (driver === undefined) throw new Refused(8192, 'No VN_MAD in template for Virtual Network.');
    if (!DRIVERS.includes(driver)) throw new Refused(8192, `VN_MAD named "${driver}" is not defined in oned.conf`);
    if (TAGGED.includes(driver) && template.get('PHYDEV') === undefined)
      throw new Refused(8192, `PHYDEV is mandatory for driver ${driver}`);
    if (driver === 'dummy' && template.get('BRIDGE') === undefined)
      throw new Refused(8192, `BRIDGE is mandatory for driver ${driver}`);
    const thing = world.thing(
      world.networks,
      user,
      name,
      template.only((each) => !['NAME', 'AR', 'AUTOMATIC_VLAN_ID'].includes(each)),
    );
    if (template.get('BRIDGE') === undefined) thing.template.set('BRIDGE', `onebr${thing.id}`);
    thing.template.set('SECURITY_GROUPS', '0');
    const net: Network = {
      ...thing,
      state: 2,
      parent: undefined,
      ...(template.get('AUTOMATIC_VLAN_ID') === 'YES' ? { vlan: thing.id + 2 } : {}),
      clusters: new Set([cluster === -1 ? 0 : cluster]),
      ranges: template.vectors('AR').map((ar, id) => ({
        id,
        first: addressOf(ar.get('IP') ?? '') ?? 0,
        size: Number(ar.get('SIZE')),
      })),
      leases: [],
    };
    world.networks.set(net.id, net);
    const arrive = (): void => {
      if (world.wiring) lives.after(imageMs, arrive);
      else net.state = 1;
    };
    lives.after(imageMs, arrive);
    return net.id;
  };

  return {
    'one.vn.allocate': (user, [template, cluster]) =>
      makeNetwork(user, Template.parse(text(template)), number(cluster)),
    'one.vn.chown': (user, [id, owner, group]) => {
      const net = netOf(user, number(id));
      world.mustAdmin(user, `MANAGE NET [${net.id}]`);
      find(world.users, number(owner), 'user');
      if (number(group) !== -1) find(world.groups, number(group), 'group');
      const other = [...world.networks.values()].find(
        (each) => each !== net && each.uid === number(owner) && each.name === net.name,
      );
      if (other)
        throw new Refused(
          8192,
          `user [${number(owner)}] already owns virtual network [${other.id}] with NAME ${net.name}`,
        );
      net.uid = number(owner);
      if (number(group) !== -1) net.gid = number(group);
      return net.id;
    },
    'one.cluster.addvnet': (user, [cluster, id]) => {
      world.mustAdmin(user, `ADMIN CLUSTER [${number(cluster)}]`);
      find(world.clusters, number(cluster), 'cluster');
      find(world.networks, number(id), 'virtual network').clusters.add(number(cluster));
      return number(cluster);
    },
    'one.system.config': (user) => {
      world.mustAdmin(user, 'ADMIN ZONE');
      const drivers = DRIVERS.map(
        (name) => `<VN_MAD_CONF>${cdata('BRIDGE_TYPE', 'linux')}${cdata('NAME', name)}</VN_MAD_CONF>`,
      );
      const hypervisor = `${cdata('NAME', 'dummy')}${cdata('SUPPORT_SHAREABLE', world.sharesDisks ? 'yes' : 'no')}`;
      return pool('OPENNEBULA_CONFIGURATION', [...drivers, `<VM_MAD>${hypervisor}</VM_MAD>`]);
    },
    'one.vnpool.info': () =>
      pool(
        'VNET_POOL',
        newest(world.networks).map((net) => networkXml(world, net, false)),
      ),
    'one.vn.info': (_user, [id]) => networkXml(world, find(world.networks, number(id), 'virtual network'), true),
    'one.vn.reserve': (user, [id, templateText]) => {
      const template = Template.parse(text(templateText));
      const parent = find(world.networks, number(id), 'virtual network');
      if (parent.parent !== undefined) throw new Refused(2048, 'Cannot reserve addresses from a reserved VNET');
      const size = Number(template.get('SIZE'));
      if (!(size > 0)) throw new Refused(2048, 'Reservation SIZE must be a greater than 0');
      const name = template.get('NAME');
      if (name === undefined) throw new Refused(2048, 'NAME for reservation has to be set');
      if (template.get('IP') !== undefined && template.get('AR_ID') === undefined)
        throw new Refused(2048, 'AR_ID must be specified for IP/MAC based reservations');
      mustBeNew(world.networks, user, name, 'NET', 8192);
      const range = parent.ranges.find(
        (each) => template.get('AR_ID') === undefined || each.id === Number(template.get('AR_ID')),
      );
      const used = new Set(parent.leases.map((lease) => lease.ip));
      const free = (first: number): boolean =>
        first >= (range?.first ?? Infinity) &&
        first + size <= (range?.first ?? 0) + (range?.size ?? 0) &&
        Array.from({ length: size }, (_, index) => first + index).every((ip) => !used.has(ip));
      const wanted = template.get('IP');
      const first = wanted === undefined ? range?.first : addressOf(wanted);
      if (!range || first === undefined || !free(first))
        throw new Refused(2048, 'Not enough free addresses in an address range');
      const net: Network = {
        ...world.thing(
          world.networks,
          user,
          name,
          parent.template.only(() => true),
        ),
        state: 1,
        parent: parent.id,
        clusters: new Set(parent.clusters),
        ranges: [{ id: 0, first, size, parentRange: range.id }],
        leases: [],
      };
      world.networks.set(net.id, net);
      for (let ip = first; ip < first + size; ip++) parent.leases.push({ ip, by: { net: net.id } });
      return net.id;
    },
    'one.vn.update': (user, [id, template]) => {
      netOf(user, number(id)).template.merge(Template.parse(text(template)));
      return number(id);
    },
    'one.vn.hold': (user, [id, template]) => {
      const net = netOf(user, number(id));
      mustBeMade(net, 'one.vn.hold');
      const ip = addressOf(Template.parse(text(template)).vectors('LEASES')[0]?.get('IP') ?? '') ?? -1;
      const isOne = net.ranges.some(({ first, size }) => ip >= first && ip < first + size);
      if (!isOne || net.leases.some((lease) => lease.ip === ip))
        throw new Refused(8192, 'Address is not part of the address range or in use.');
      net.leases.push({ ip, by: 'held' });
      return net.id;
    },
    'one.vn.release': (user, [id, template]) => {
      const net = netOf(user, number(id));
      mustBeMade(net, 'one.vn.release');
      const ip = addressOf(Template.parse(text(template)).vectors('LEASES')[0]?.get('IP') ?? '');
      net.leases = net.leases.filter((lease) => lease.ip !== ip || lease.by !== 'held');
      return net.id;
    },
    'one.vn.delete': (user, [id]) => {
      const net = netOf(user, number(id));
      if (net.leases.length > 0)
        throw new Refused(2048, 'Cannot delete virtual network. Can not remove a virtual network with leases in use');
      if (net.state === 2)
        throw new Refused(
          2048,
          'Cannot delete virtual network. Can not remove a Virtual Network, wrong state LOCK_CREATE',
        );
      world.networks.delete(net.id);
      const parent = net.parent === undefined ? undefined : world.networks.get(net.parent);
      if (parent)
        parent.leases = parent.leases.filter(({ by }) => by === 'held' || !('net' in by) || by.net !== net.id);
      return net.id;
    },
  };
}

/** Addresses of a network that is being made cannot be spoken of. */
function mustBeMade({ state }: Network, method: string): void {
  if (state === 2) throw new Refused(2048, `Could not execute ${method}Virtual Network is in wrong state: LOCK_CREATE`);
}
