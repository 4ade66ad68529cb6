/** Floating IPs: addresses of an external network, joined with ports that a router leads there from. */

import { neutronError, type Answer, type Json } from './answers.js';
import type { Thing, World } from './world.js';

/** `device_owner` of a router's ports, by how the router is made. */
export const LEGS: Readonly<Record<'plain' | 'highlyAvailable', string>> = {
  plain: 'network:router_interface',
  highlyAvailable: 'network:ha_router_replicated_interface',
};

export class FloatingIps {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  make(body: Json): Json {
    const network = this.#world.networks.get(body.floating_network_id);
    if (network?.body['router:external'] !== true) {
      const message = `Bad floatingip request: Network ${body.floating_network_id} is not a valid external network.`;
      throw neutronError(400, 'BadRequest', message);
    }
    const used = new Set([...this.#world.floatingIps.values()].map((each) => each.body.floating_ip_address));
    const wanted = body.floating_ip_address;
    if (wanted !== undefined && used.has(wanted))
      throw neutronError(409, 'IpAddressAlreadyAllocated', `IP address ${wanted} already allocated in subnet`);
    const free = Array.from({ length: 250 }, (_, index) => `203.0.113.${index + 2}`).find((each) => !used.has(each));
    if (wanted === undefined && free === undefined)
      throw neutronError(409, 'IpAddressGenerationFailure', `No more IP addresses available on network ${network.id}.`);
    return { floating_ip_address: wanted ?? free, port_id: null, fixed_ip_address: null, status: 'DOWN', ...body };
  }

  join(floating: Thing, change: Json): Answer {
    if (change.port_id !== undefined && change.port_id !== null) this.#reachable(floating, change.port_id);
    Object.assign(floating.body, change);
    return { status: 200, body: { floatingip: floating.body } };
  }

  /** A port has to be in a subnet with a router to the external network, and can have one floating IP. */
  #reachable(floating: Thing, id: string): void {
    const { ports, routers, floatingIps } = this.#world;
    const port = ports.get(id);
    if (!port) throw neutronError(404, 'PortNotFound', `Port ${id} could not be found.`);
    const subnet = port.body.fixed_ips[0]?.subnet_id;
    const external = floating.body.floating_network_id;
    const led = [...ports.values()].some(
      ({ body }) =>
        Object.values(LEGS).includes(body.device_owner) &&
        body.fixed_ips[0]?.subnet_id === subnet &&
        routers.get(body.device_id)?.body.external_gateway_info?.network_id === external,
    );
    if (!led) {
      const message = `External network ${external} is not reachable from subnet ${subnet}.  Therefore, cannot associate Port ${id} with a Floating IP.`;
      throw neutronError(404, 'ExternalGatewayForFloatingIPNotFound', message);
    }
    const other = [...floatingIps.values()].find((each) => each !== floating && each.body.port_id === id);
    if (!other) return;
    const message = `Cannot associate floating IP ${floating.body.floating_ip_address} (${floating.id}) with port ${id}: it already has a floating IP on external network ${external}.`;
    throw neutronError(409, 'FloatingIPPortAlreadyAssociated', message);
  }

  portGone(id: string): void {
    for (const { body } of this.#world.floatingIps.values()) if (body.port_id === id) body.port_id = null;
  }
}
