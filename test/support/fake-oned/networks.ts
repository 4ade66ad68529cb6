/** Virtual networks: made by an administrator, or cut out of another as a reservation, with the addresses that are given out. */

import { addressOf } from '../../../src/iaas/ranges.js';
import { networkXml } from './bodies.js';
import { find, mustBeNew, newest, number, pool, text, type Handlers, type Stage } from './call.js';
import { Template } from './template.js';
import { Refused } from './wire.js';
import type { Network, User } from './world.js';

export function networkCalls({ world }: Stage): Handlers {
  const netOf = (user: User, id: number): Network => {
    const net = find(world.networks, id, 'virtual network');
    world.mustManage(user, net, 'NET');
    return net;
  };

  return {
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
      const ip = addressOf(Template.parse(text(template)).vectors('LEASES')[0]?.get('IP') ?? '') ?? -1;
      if (net.leases.some((lease) => lease.ip === ip)) throw new Refused(2048, 'Lease is already in use');
      net.leases.push({ ip, by: 'held' });
      return net.id;
    },
    'one.vn.release': (user, [id, template]) => {
      const net = netOf(user, number(id));
      const ip = addressOf(Template.parse(text(template)).vectors('LEASES')[0]?.get('IP') ?? '');
      net.leases = net.leases.filter((lease) => lease.ip !== ip || lease.by !== 'held');
      return net.id;
    },
    'one.vn.delete': (user, [id]) => {
      const net = netOf(user, number(id));
      if (net.leases.length > 0)
        throw new Refused(2048, 'Cannot delete virtual network. Can not remove a virtual network with leases in use');
      world.networks.delete(net.id);
      const parent = net.parent === undefined ? undefined : world.networks.get(net.parent);
      if (parent)
        parent.leases = parent.leases.filter(({ by }) => by === 'held' || !('net' in by) || by.net !== net.id);
      return net.id;
    },
  };
}
