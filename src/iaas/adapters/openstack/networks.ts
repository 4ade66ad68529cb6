/**
 * Networks of their own for each appliance: a network with one subnet, in the project of its owner, led outside by a router
 * where the administrator names one. Ranges of different networks may be the same as long as no router joins them.
 */

import ipaddr from 'ipaddr.js';
import { stringAt, type JsonObject } from '../../../base/json.js';
import { IaasError, type CallOptions, type NetworkSpec, type Observed } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import {
  described,
  describingMarked,
  digestOf,
  elder,
  isDigest,
  itemsOf,
  namedMarks,
  ofKey,
  readRef,
  uniqueName,
  writeRef,
  type Marks,
  type Ref,
} from './marks.js';
import type { OpenStackOptions } from './options.js';
import { missing } from './service.js';
import { StackError } from './stack-error.js';
import type { Tenants } from './tenants.js';
import { TurnsByKey } from './turns-by-key.js';

export interface NetworkServices {
  readonly tenants: Tenants;
  readonly realm: string;
  readonly settings: OpenStackOptions['networks'];
}

export type ObservedNetwork = Extract<Observed, { readonly class: 'network' }>;

export class Networks {
  readonly #services: NetworkServices;
  readonly #turns = new TurnsByKey();

  constructor(services: NetworkServices) {
    this.#services = services;
  }

  /** Every network that a project sees, its own and those of others that are shared with it; an administrator is shown all. */
  async visible(cloud: Cloud, options: CallOptions): Promise<readonly JsonObject[]> {
    const project = await cloud.project(options);
    const all = await cloud.network.list('/networks', 'networks', options);
    return all.filter((body) => isOf(project, body) || body['shared'] === true || body['router:external'] === true);
  }

  /** Reference of a network that a project sees. */
  refOf(body: JsonObject, project: string): string {
    return writeRef(project, this.#marks(body, project)?.key ?? stringAt(body, 'id') ?? '');
  }

  /** Of what VEP made in this project: what it made in another one is here somebody else's. */
  #marks(body: JsonObject, project: string): Marks | undefined {
    return isOf(project, body) ? namedMarks(this.#services.realm, body) : undefined;
  }

  /** The network that a reference means. */
  async look(
    ref: string,
    options: CallOptions,
  ): Promise<{ readonly cloud: Cloud; readonly body: JsonObject } | undefined> {
    const read = readRef(ref);
    const cloud = read && (await this.#services.tenants.cloud(read.project, options));
    const body = read && cloud && (await this.#lookIn(cloud, read, options));
    return body && cloud && { cloud, body };
  }

  async #lookIn(cloud: Cloud, { key }: Ref, options: CallOptions): Promise<JsonObject | undefined> {
    if (isDigest(key)) return (await this.#ofKey(cloud, key, options))[0];
    return cloud.network.one('GET', `/networks/${key}`, 'network', options).catch(missing);
  }

  /** Networks of one token, the one that counts first. */
  async #ofKey(cloud: Cloud, key: string, options: CallOptions): Promise<readonly JsonObject[]> {
    const project_id = await cloud.project(options);
    const found = await ofKey(this.#services.realm, key, (query) =>
      cloud.network.list('/networks', 'networks', { ...options, query: { ...query, project_id } }),
    );
    const [first, others] = elder(
      found.map((body) => ({ body, id: stringAt(body, 'id') ?? '', created: stringAt(body, 'created_at') ?? '' })),
    );
    return first ? [first.body, ...others.map(({ body }) => body)] : [];
  }

  async create(spec: NetworkSpec, token: string, options: CallOptions): Promise<string> {
    checkSpec(spec);
    const { realm, tenants } = this.#services;
    const key = digestOf(realm, token);
    const description = describingMarked(realm, { id: spec.id, key }, spec.name);
    const cloud = await tenants.of(spec.owner, options);
    return this.#turns.run(key, async () => {
      if ((await this.#ofKey(cloud, key, options)).length === 0) {
        const network = { name: uniqueName(realm, key), description };
        await cloud.network.one('POST', '/networks', 'network', { ...options, body: { network }, expect: [201] });
      }
      const [first, ...surplus] = await this.#ofKey(cloud, key, options);
      const id = stringAt(first ?? {}, 'id');
      if (!first || id === undefined) throw new IaasError('transient', 'the network is gone again', 'gone');
      for (const other of surplus) await this.#delete(cloud, other, options).catch(unlessInUse);
      await this.#subnet(cloud, id, spec, options).catch(async (error: unknown) => {
        // A network without a subnet is nothing that anybody asked for.
        if (error instanceof IaasError && error.class !== 'transient')
          await this.#delete(cloud, first, options).catch(() => undefined);
        throw error;
      });
      return writeRef(await cloud.project(options), key);
    });
  }

  /** Sees to it that a network has its subnet, and the router its leg in it. */
  async #subnet(cloud: Cloud, network: string, spec: NetworkSpec, options: CallOptions): Promise<void> {
    const { settings } = this.#services;
    const router = await this.#router(cloud, options);
    const [known] = await this.#subnetsOf(cloud, network, options);
    let id = stringAt(known ?? {}, 'id');
    if (id === undefined) {
      const subnet = {
        network_id: network,
        ip_version: versionOf(spec.cidr) === 'ipv6' ? 6 : 4,
        cidr: spec.cidr ?? (await this.#freeRange(cloud, options)),
        enable_dhcp: true,
        ...(spec.gateway === undefined
          ? router === undefined
            ? { gateway_ip: null }
            : {}
          : { gateway_ip: spec.gateway }),
        ...(settings.nameservers.length > 0 ? { dns_nameservers: settings.nameservers } : {}),
      };
      const ask = { ...options, body: { subnet }, expect: [201] };
      id = await cloud.network.one('POST', '/subnets', 'subnet', ask).then(
        (made) => stringAt(made, 'id'),
        async (error: unknown) => {
          // Somebody with the same token was faster.
          const [other] = await this.#subnetsOf(cloud, network, options);
          if (!other) throw error;
          return stringAt(other, 'id');
        },
      );
    }
    if (router === undefined || id === undefined) return;
    const ask = { ...options, body: { subnet_id: id } };
    await cloud.network.call('PUT', `/routers/${router}/add_router_interface`, ask).catch(async (error: unknown) => {
      // It has its leg there already, or somebody with the same token was faster and has taken the gateway's address.
      const legs = { device_id: router, network_id: network };
      if (!(error instanceof StackError)) throw error;
      if ((await cloud.network.list('/ports', 'ports', { ...options, query: legs })).length === 0) throw error;
    });
  }

  async #router(cloud: Cloud, options: CallOptions): Promise<string | undefined> {
    const { router } = this.#services.settings;
    if (router === undefined) return undefined;
    const routers = await cloud.network.list('/routers', 'routers', options);
    const found = routers.find((each) => stringAt(each, 'id') === router || stringAt(each, 'name') === router);
    if (found) return stringAt(found, 'id');
    throw new IaasError('fatal', `this project has no router ${router}, which networks.router names`);
  }

  /** The first range of the pool that no network of the project has. */
  async #freeRange(cloud: Cloud, options: CallOptions): Promise<string> {
    const { pool, prefix } = this.#services.settings;
    const query = { project_id: await cloud.project(options) };
    const subnets = await cloud.network.list('/subnets', 'subnets', { ...options, query });
    const taken = subnets.flatMap((subnet) => rangeOf(stringAt(subnet, 'cidr') ?? '') ?? []);
    const within = rangeOf(pool);
    const size = 2 ** (32 - prefix);
    for (let first = within?.first ?? 0; within && first + size - 1 <= within.last; first += size)
      if (!taken.some((range) => range.first < first + size && range.last >= first))
        return `${textOf(first)}/${prefix}`;
    throw new IaasError('capacity', `networks.pool has no range of /${prefix} that is free`);
  }

  async #subnetsOf(cloud: Cloud, network: string, options: CallOptions): Promise<readonly JsonObject[]> {
    return cloud.network.list('/subnets', 'subnets', { ...options, query: { network_id: network } });
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const read = readRef(ref);
    const found = await this.look(ref, options);
    if (!read || !found) return;
    if (!namedMarks(this.#services.realm, found.body))
      throw new IaasError('denied', 'this network was not made by VEP, which leaves it alone');
    for (const body of await this.#ofKey(found.cloud, read.key, options))
      await this.#delete(found.cloud, body, options);
  }

  async #delete(cloud: Cloud, body: JsonObject, options: CallOptions): Promise<void> {
    const id = stringAt(body, 'id') ?? '';
    const legs = await cloud.network.list('/ports', 'ports', { ...options, query: { network_id: id } });
    const owners = legs.map((port) => stringAt(port, 'device_owner') ?? '');
    if (owners.some((owner) => owner === '' || owner.startsWith('compute:')))
      throw new IaasError('conflict', 'machines still have addresses of this network');
    for (const leg of legs.filter((port) => ROUTER.test(stringAt(port, 'device_owner') ?? ''))) {
      const ask = { ...options, body: { port_id: stringAt(leg, 'id') ?? '' } };
      await cloud.network
        .call('PUT', `/routers/${stringAt(leg, 'device_id')}/remove_router_interface`, ask)
        .catch(missing);
    }
    await cloud.network.call('DELETE', `/networks/${id}`, { ...options, expect: [204] }).catch(missing);
  }

  /** Takes a network up or down: its ports pass nothing on while it is down. */
  async act(ref: string, action: 'up' | 'down', options: CallOptions): Promise<void> {
    const found = await this.look(ref, options);
    if (!found) throw new IaasError('not-found', 'OpenStack has no such network');
    const up = action === 'up';
    if (found.body['admin_state_up'] === up) return;
    if (!namedMarks(this.#services.realm, found.body))
      throw new IaasError('denied', 'this network was not made by VEP, which leaves it alone');
    const ask = { ...options, body: { network: { admin_state_up: up } } };
    await found.cloud.network.call('PUT', `/networks/${stringAt(found.body, 'id')}`, ask);
  }

  /** Networks of a project in OCCI's words: all that it sees. */
  async observe(cloud: Cloud, options: CallOptions): Promise<readonly ObservedNetwork[]> {
    const [networks, subnets, project] = await Promise.all([
      this.visible(cloud, options),
      cloud.network.list('/subnets', 'subnets', options),
      cloud.project(options),
    ]);
    const byNetwork = new Map(subnets.map((subnet) => [stringAt(subnet, 'network_id') ?? '', subnet]));
    const seen = new Map<string, ObservedNetwork>();
    const oldestFirst = [...networks].sort((one, other) => agesOf(one).localeCompare(agesOf(other)));
    for (const body of oldestFirst) {
      const observed = this.#observed(body, byNetwork.get(stringAt(body, 'id') ?? ''), project);
      if (!seen.has(observed.ref)) seen.set(observed.ref, observed);
    }
    return [...seen.values()];
  }

  #observed(body: JsonObject, subnet: JsonObject | undefined, project: string): ObservedNetwork {
    const marks = this.#marks(body, project);
    const [cidr, gateway] = [stringAt(subnet ?? {}, 'cidr'), stringAt(subnet ?? {}, 'gateway_ip')];
    const vlan = body['provider:network_type'] === 'vlan' ? body['provider:segmentation_id'] : undefined;
    const failed = stringAt(body, 'status') === 'ERROR';
    return {
      class: 'network',
      ref: this.refOf(body, project),
      name: stringAt(body, 'name') ?? '',
      ...(marks === undefined ? {} : { id: marks.id }),
      state: failed ? 'error' : body['admin_state_up'] === true ? 'active' : 'inactive',
      // Whoever makes it has not come to its subnet yet.
      busy: marks !== undefined && itemsOf(body['subnets']).length === 0,
      ...(cidr === undefined ? {} : { cidr }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(typeof vlan === 'number' ? { vlan } : {}),
      ...(failed ? { message: 'Neutron reports an error' } : {}),
    };
  }
}

/** How people call a network: VEP's by what it was asked for. */
export function titleOf(body: JsonObject): string {
  return described(stringAt(body, 'description') ?? '')['title'] ?? stringAt(body, 'name') ?? '';
}

/** `device_owner` of a port by which a router is joined to a network: a plain one, a distributed or a highly available one. */
const ROUTER = /^network:(router_interface(_distributed)?|ha_router_replicated_interface)$/;

const isOf = (project: string, body: JsonObject): boolean => stringAt(body, 'project_id') === project;

const agesOf = (body: JsonObject): string => `${stringAt(body, 'created_at')} ${stringAt(body, 'id')}`;

/** @throws IaasError `invalid` where range and gateway are none, or do not go together */
function checkSpec({ name, cidr, gateway, vlan }: NetworkSpec): void {
  if (name === '') throw new IaasError('invalid', 'a network needs a name');
  if (vlan !== undefined) throw new IaasError('invalid', 'OpenStack gives its networks their VLAN by itself');
  if (cidr !== undefined && !ipaddr.isValidCIDR(cidr))
    throw new IaasError('invalid', 'the range of the network is none');
  if (gateway === undefined) return;
  const within = cidr === undefined ? undefined : ipaddr.parseCIDR(cidr);
  const address = ipaddr.isValid(gateway) ? ipaddr.parse(gateway) : undefined;
  if (within?.[0].kind() !== address?.kind() || !within || address?.match(within) !== true)
    throw new IaasError('invalid', 'the gateway is no address of the range of its network');
}

const versionOf = (cidr = '0.0.0.0/0'): string => ipaddr.parseCIDR(cidr)[0].kind();

interface Range {
  readonly first: number;
  readonly last: number;
}

function rangeOf(cidr: string): Range | undefined {
  if (!ipaddr.IPv4.isValidCIDR(cidr)) return undefined;
  const [address, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  const size = 2 ** (32 - prefix);
  const first = Math.floor(address.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0) / size) * size;
  return { first, last: first + size - 1 };
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

function unlessInUse(error: unknown): void {
  if (!(error instanceof IaasError) || error.class !== 'conflict') throw error;
}
