/** Network v2.0: networks, subnets, ports with their addresses, routers and security groups. */

import { documentOf, neutronError, paged, type Answer, type Json, type Request } from './answers.js';
import type { Grant, Thing, World } from './world.js';

const KINDS: Readonly<Record<string, readonly [single: string, type: string]>> = {
  networks: ['network', 'Network'],
  subnets: ['subnet', 'Subnet'],
  ports: ['port', 'Port'],
  routers: ['router', 'Router'],
  'security-groups': ['security_group', 'SecurityGroup'],
};

export class Neutron {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  serve(request: Request, grant: Grant): Answer {
    const [, kind = '', id, action] = /^\/v2\.0\/([a-z-]+)(?:\/([^/]+))?(?:\/([a-z_]+))?$/.exec(request.path) ?? [];
    const [single, type] = KINDS[kind] ?? [];
    if (!single || !type) throw neutronError(404, 'HTTPNotFound', 'The resource could not be found.');
    const things = this.#thingsOf(kind);
    if (id === undefined) {
      if (request.method === 'POST') return this.#create(kind, single, documentOf(request)[single], grant);
      return { status: 200, body: this.#list(request, kind, [...things.values()], grant) };
    }
    const thing = things.get(id);
    if (!thing || (thing.project !== grant.project.id && thing.body.shared !== true))
      throw neutronError(404, `${type}NotFound`, `${type} ${id} could not be found.`);
    switch (request.method) {
      case 'PUT':
        if (action !== undefined) return this.#leg(thing, action, documentOf(request));
        Object.assign(thing.body, documentOf(request)[single]);
        return { status: 200, body: { [single]: thing.body } };
      case 'DELETE':
        return this.#delete(kind, thing);
      default:
        return { status: 200, body: { [single]: thing.body } };
    }
  }

  #thingsOf(kind: string): Map<string, Thing> {
    const { networks, subnets, ports, routers, securityGroups } = this.#world;
    return { networks, subnets, ports, routers, 'security-groups': securityGroups }[kind] ?? networks;
  }

  #list(request: Request, kind: string, all: readonly Thing[], { project }: Grant): Json {
    const name = kind.replaceAll('-', '_');
    const filters = [...request.query].filter(([key]) => !['limit', 'marker'].includes(key));
    const mine = all.filter(
      ({ project: owner, body }) =>
        (owner === project.id || body.shared === true) &&
        filters.every(([key, value]) => String(body[key] ?? '') === value),
    );
    return paged(
      request,
      name,
      mine,
      ({ body }) => body,
      (marker) => neutronError(404, 'NetworkNotFound', `Network ${marker} could not be found.`),
    );
  }

  #create(kind: string, single: string, wanted: Json, { project }: Grant): Answer {
    const now = this.#world.now();
    const base = {
      id: this.#world.uuid(),
      name: '',
      description: '',
      tenant_id: project.id,
      project_id: project.id,
      tags: [],
      created_at: now,
      updated_at: now,
      revision_number: 1,
    };
    const made = { network: this.#network, subnet: this.#subnet, port: this.#port }[single as 'network'];
    const body = made ? made.call(this, { ...base, ...wanted }) : { ...base, ...wanted };
    this.#thingsOf(kind).set(body.id, { id: body.id, project: project.id, body });
    return { status: 201, body: { [single]: body } };
  }

  #network(body: Json): Json {
    return {
      admin_state_up: true,
      mtu: 1450,
      status: 'ACTIVE',
      subnets: [],
      shared: false,
      'router:external': false,
      ...body,
    };
  }

  #subnet(body: Json): Json {
    const network = this.#world.networks.get(body.network_id);
    if (!network) throw neutronError(404, 'NetworkNotFound', `Network ${body.network_id} could not be found.`);
    const overlapping = network.body.subnets.some((id: string) => this.#world.subnets.get(id)?.body.cidr === body.cidr);
    if (overlapping) {
      const message = `Invalid input for operation: Requested subnet with cidr: ${body.cidr} for network: ${body.network_id} overlaps with another subnet.`;
      throw neutronError(400, 'InvalidInput', message);
    }
    network.body.subnets.push(body.id);
    const [first] = rangeOf(body.cidr);
    return { ...body, gateway_ip: body.gateway_ip === undefined ? textOf(first) : body.gateway_ip };
  }

  #port(body: Json): Json {
    const network = this.#world.networks.get(body.network_id);
    if (!network) throw neutronError(404, 'NetworkNotFound', `Network ${body.network_id} could not be found.`);
    const fixed = this.#address(network, body.fixed_ips?.[0]?.ip_address);
    const hex = this.#world.hex();
    return {
      mac_address: `fa:16:3e:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`,
      admin_state_up: true,
      status: 'DOWN',
      device_id: '',
      device_owner: '',
      port_security_enabled: true,
      security_groups: [],
      'binding:vnic_type': 'normal',
      ...body,
      fixed_ips: fixed ? [fixed] : [],
    };
  }

  #address(network: Thing, wanted: string | undefined): Json {
    const [id] = network.body.subnets as string[];
    const subnet = this.#world.subnets.get(id ?? '');
    if (!subnet) return undefined;
    const used = new Set<string>([subnet.body.gateway_ip]);
    for (const { body } of this.#world.ports.values())
      if (body.network_id === network.id) for (const { ip_address } of body.fixed_ips) used.add(ip_address);
    const [first, last] = rangeOf(subnet.body.cidr);
    if (wanted === undefined) {
      for (let at = first; at <= last; at++)
        if (!used.has(textOf(at))) return { subnet_id: id, ip_address: textOf(at) };
      throw neutronError(409, 'IpAddressGenerationFailure', `No more IP addresses available on network ${network.id}.`);
    }
    const at = numberOf(wanted);
    if (at < first || at > last) {
      const message = `IP address ${wanted} is not a valid IP for any of the subnets on the specified network.`;
      throw neutronError(400, 'InvalidIpForNetwork', message);
    }
    if (used.has(wanted)) {
      const message = `IP address ${wanted} already allocated in subnet ${id}`;
      throw neutronError(409, 'IpAddressAlreadyAllocated', message);
    }
    return { subnet_id: id, ip_address: wanted };
  }

  #leg(router: Thing, action: string, { subnet_id, port_id }: Json): Answer {
    const { ports, subnets } = this.#world;
    if (action === 'remove_router_interface') {
      ports.delete(port_id);
      return { status: 200, body: { id: router.id, port_id } };
    }
    const subnet = subnets.get(subnet_id);
    const known = [...ports.values()].find(
      ({ body }) => body.device_id === router.id && body.fixed_ips[0]?.subnet_id === subnet_id,
    );
    if (known) {
      const message = `Bad router request: Router already has a port on subnet ${subnet_id}.`;
      throw neutronError(400, 'BadRequest', message);
    }
    const id = this.#world.uuid();
    const body = {
      id,
      network_id: subnet?.body.network_id,
      device_id: router.id,
      device_owner: 'network:router_interface',
      fixed_ips: [{ subnet_id, ip_address: subnet?.body.gateway_ip }],
      project_id: router.project,
    };
    ports.set(id, { id, project: router.project, body });
    return { status: 200, body: { id: router.id, port_id: id, subnet_id } };
  }

  #delete(kind: string, { id }: Thing): Answer {
    const { networks, subnets, ports } = this.#world;
    if (kind === 'networks') {
      const held = [...ports.values()].filter(({ body }) => body.network_id === id).map((port) => port.id);
      if (held.length > 0) {
        const message = `Unable to complete operation on network ${id}. There are one or more ports still in use on the network, id for these ports is: ${held.join(',')}.`;
        throw neutronError(409, 'NetworkInUse', message);
      }
      for (const subnet of networks.get(id)?.body.subnets ?? []) subnets.delete(subnet);
    }
    this.#thingsOf(kind).delete(id);
    return { status: 204 };
  }
}

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const textOf = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');

/** Addresses that a range gives out. */
function rangeOf(cidr: string): readonly [number, number] {
  const [address = '', prefix = '24'] = cidr.split('/');
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(numberOf(address) / size) * size;
  return [first + 1, first + size - 2];
}
