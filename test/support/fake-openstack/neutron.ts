/** Network v2.0: networks, subnets, ports with their addresses, routers and security groups. */

import { documentOf, neutronError, paged, type Answer, type Json, type Request } from './answers.js';
import { serveQuotas } from './quotas.js';
import type { Grant, Project, Thing, World } from './world.js';
import { FloatingIps, LEGS } from './floating-ips.js';
import { SecurityGroupRules, firstRules } from './security-group-rules.js';

const KINDS: Readonly<Record<string, readonly [single: string, type: string]>> = {
  networks: ['network', 'Network'],
  subnets: ['subnet', 'Subnet'],
  ports: ['port', 'Port'],
  routers: ['router', 'Router'],
  'security-groups': ['security_group', 'SecurityGroup'],
  'rbac-policies': ['rbac_policy', 'RbacPolicy'],
  floatingips: ['floatingip', 'FloatingIP'],
  'security-group-rules': ['security_group_rule', 'SecurityGroupRule'],
};

export class Neutron {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  serve(request: Request, grant: Grant, admin: boolean): Answer {
    const [, kind = '', id, action] = /^\/v2\.0\/([a-z-]+)(?:\/([^/]+))?(?:\/([a-z_]+))?$/.exec(request.path) ?? [];
    if (kind === 'quotas')
      return serveQuotas(
        this.#world,
        request,
        { project: id ?? '', what: action, own: id === grant.project.id, admin },
        {
          object: 'quota',
          names: ['network', 'floatingip'],
          others: { subnet: 100, port: 500, router: 10, security_group: 10, security_group_rule: 100, rbac_policy: 10 },
          mayNot: (verb) => neutronError(403, 'PolicyNotAuthorized', `rule:${verb}_quota is disallowed by policy`),
          refuse: (message) => neutronError(400, 'InvalidInput', message),
        },
      );
    const [single, type] = KINDS[kind] ?? [];
    if (!single || !type) throw neutronError(404, 'HTTPNotFound', 'The resource could not be found.');
    if (kind === 'security-group-rules') return new SecurityGroupRules(this.#world).serve(request, id, grant);
    const things = this.#thingsOf(kind);
    const seen = (each: Thing): boolean => admin || this.#sees(each, grant);
    if (id === undefined) {
      if (request.method === 'POST') return this.#create(kind, single, documentOf(request)[single], grant);
      return { status: 200, body: this.#list(request, kind, [...things.values()].filter(seen)) };
    }
    const thing = things.get(id);
    if (!thing || !seen(thing)) throw neutronError(404, `${type}NotFound`, `${type} ${id} could not be found.`);
    switch (request.method) {
      case 'PUT':
        if (kind === 'floatingips') return new FloatingIps(this.#world).join(thing, documentOf(request).floatingip);
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
    const { networks, subnets, ports, routers, securityGroups, rbacPolicies, floatingIps } = this.#world;
    const others = { floatingips: floatingIps, 'security-groups': securityGroups, 'rbac-policies': rbacPolicies };
    return { networks, subnets, ports, routers, ...others }[kind] ?? networks;
  }

  /** What is the project's own, everybody's, or shared with it by a policy; a subnet is as its network. */
  #sees({ id, project: owner, body }: Thing, { project }: Pick<Grant, 'project'>): boolean {
    const open = [...this.#world.rbacPolicies.values()].some(
      ({ body: policy }) =>
        policy.target_tenant === project.id &&
        [id, body.network_id].includes(policy.object_id) &&
        body.device_id === undefined,
    );
    return owner === project.id || body.shared === true || open;
  }

  #list(request: Request, kind: string, seen: readonly Thing[]): Json {
    const name = kind.replaceAll('-', '_');
    const filters = [...request.query].filter(([key]) => !['limit', 'marker'].includes(key));
    const wanted = seen.filter((thing) => filters.every(([key, value]) => String(thing.body[key] ?? '') === value));
    return paged(
      request,
      name,
      wanted,
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
    if (kind === 'networks') this.#withinQuota(project);
    if (kind === 'rbac-policies') this.#mayShare(wanted, project);
    const made = {
      network: this.#network,
      subnet: this.#subnet,
      port: this.#port,
      security_group: this.#securityGroup,
      floatingip: (each: Json) => new FloatingIps(this.#world).make(each),
    }[single as 'network'];
    const body = made ? made.call(this, { ...base, ...wanted }) : { ...base, ...wanted };
    this.#thingsOf(kind).set(body.id, { id: body.id, project: project.id, body });
    return { status: 201, body: { [single]: body } };
  }

  #withinQuota({ id, quota }: Project): void {
    const mine = [...this.#world.networks.values()].filter(({ project }) => project === id);
    if (quota.network < 0 || mine.length < quota.network) return;
    throw neutronError(409, 'OverQuota', "Quota exceeded for resources: ['network'].");
  }

  #mayShare({ object_id, target_tenant }: Json, { id }: Project): void {
    const network = this.#world.networks.get(object_id);
    if (network?.project !== id) throw neutronError(404, 'NetworkNotFound', `Network ${object_id} could not be found.`);
    const known = [...this.#world.rbacPolicies.values()].some(
      ({ body }) => body.object_id === object_id && body.target_tenant === target_tenant,
    );
    if (known) throw neutronError(409, 'DuplicateRBACPolicy', 'An RBAC policy already exists with those values.');
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
    if (!network || !this.#sees(network, { project: { id: body.project_id } as Project }))
      throw neutronError(404, 'NetworkNotFound', `Network ${body.network_id} could not be found.`);
    const fixed = this.#address(network, body.fixed_ips?.[0]?.ip_address);
    const hex = this.#world.hex();
    return {
      mac_address: `fa:16:3e:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`,
      admin_state_up: true,
      status: 'DOWN',
      device_id: '',
      device_owner: '',
      port_security_enabled: true,
      security_groups: this.#usualGroups(body.project_id),
      'binding:vnic_type': 'normal',
      ...body,
      fixed_ips: fixed ? [fixed] : [],
    };
  }

  #usualGroups(project: string): readonly string[] {
    const groups = [...this.#world.securityGroups.values()];
    return groups.filter((each) => each.project === project && each.body.name === 'default').map(({ id }) => id);
  }

  #securityGroup(body: Json): Json {
    return { stateful: true, shared: false, ...body, security_group_rules: firstRules(this.#world, body.id) };
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
      device_owner: router.body.ha === true ? LEGS.highlyAvailable : LEGS.plain,
      fixed_ips: [{ subnet_id, ip_address: subnet?.body.gateway_ip }],
      project_id: router.project,
    };
    ports.set(id, { id, project: router.project, body });
    return { status: 200, body: { id: router.id, port_id: id, subnet_id } };
  }

  #delete(kind: string, { id, body }: Thing): Answer {
    const { networks, subnets, ports } = this.#world;
    if (kind === 'rbac-policies') {
      const used = [...ports.values()].some(
        (port) => port.body.network_id === body.object_id && port.project === body.target_tenant,
      );
      if (used) {
        const message = `RBAC policy on object ${body.object_id} cannot be removed because other objects depend on it.`;
        throw neutronError(409, 'RbacPolicyInUse', message);
      }
    }
    if (kind === 'networks') {
      const held = [...ports.values()].filter(({ body }) => body.network_id === id).map((port) => port.id);
      if (held.length > 0) {
        const message = `Unable to complete operation on network ${id}. There are one or more ports still in use on the network, id for these ports is: ${held.join(',')}.`;
        throw neutronError(409, 'NetworkInUse', message);
      }
      for (const subnet of networks.get(id)?.body.subnets ?? []) subnets.delete(subnet);
    }
    if (kind === 'security-groups' && [...ports.values()].some(({ body }) => body.security_groups?.includes(id)))
      throw neutronError(409, 'SecurityGroupInUse', `Security Group ${id} in use.`);
    if (kind === 'ports') new FloatingIps(this.#world).portGone(id);
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
