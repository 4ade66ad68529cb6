/**
 * Addresses that outsiders reach: floating IPs of an external network that the administrator names. One is lent to a machine by
 * joining it with the machine's first port, and counts as an interface of its own. Neutron gives floating IPs no names: marks
 * stand in their description, those of the machine that has one too.
 */

import { stringAt, type JsonObject } from '../../../base/json.js';
import {
  IaasError,
  type CallOptions,
  type NetworkSpec,
  type NicSpec,
  type Observed,
  type SiteRef,
} from '../../adapter.js';
import { rangeOfAddress } from '../../ranges.js';
import type { Cloud } from './cloud.js';
import { described, describing, digestOf, elder, kept, readRef, unkept, writeRef } from './marks.js';
import type { OpenStackOptions } from './options.js';
import type { Server } from './server.js';
import { missing } from './service.js';
import type { Servers } from './servers.js';
import type { Tenants } from './tenants.js';
import { TurnsByKey } from './turns-by-key.js';

export interface AddressServices {
  readonly tenants: Tenants;
  readonly servers: Servers;
  readonly realm: string;
  readonly settings: OpenStackOptions['networks'];
}

interface Address {
  readonly id: string;
  readonly created: string;
  readonly key: string;
  readonly entity: string;
  readonly address: string;
  readonly port: string | undefined;
  /** The interface that it is lent as: digest of its token, and its id. */
  readonly plug: string | undefined;
  readonly nic: string;
}

const FLOATING_IPS = '/floatingips';

export class Addresses {
  readonly #services: AddressServices;
  readonly #turns = new TurnsByKey();

  constructor(services: AddressServices) {
    this.#services = services;
  }

  /** Whether the administrator has named where addresses come from. */
  get offered(): boolean {
    return this.#services.settings.external !== undefined;
  }

  async reserve(spec: NetworkSpec, token: string, options: CallOptions): Promise<SiteRef> {
    const { realm, tenants } = this.#services;
    const [key, cloud] = [digestOf(realm, token), await tenants.of(spec.owner, options)];
    const description = describing(spec.id, { realm, key }, '');
    const wanted = spec.cidr?.replace(/\/\d+$/, '');
    return this.#turns.run(key, async () => {
      if ((await this.#ofKey(cloud, key, options)).length === 0) {
        const floatingip = {
          floating_network_id: await this.#external(cloud, options),
          description,
          ...(wanted === undefined ? {} : { floating_ip_address: wanted }),
        };
        const ask = { ...options, body: { floatingip }, expect: [201] };
        await cloud.network.one('POST', FLOATING_IPS, 'floatingip', ask);
      }
      const [first, surplus] = elder(await this.#ofKey(cloud, key, options));
      if (!first) throw new IaasError('transient', 'the address is gone again', 'gone');
      for (const other of surplus) await this.#delete(cloud, other, options);
      return writeRef(await cloud.project(options), key);
    });
  }

  async #external(cloud: Cloud, options: CallOptions): Promise<string> {
    const { external } = this.#services.settings;
    const query = { 'router:external': 'true' };
    const networks = await cloud.network.list('/networks', 'networks', { ...options, query });
    const found = networks.find((each) => stringAt(each, 'id') === external || stringAt(each, 'name') === external);
    if (found) return stringAt(found, 'id') ?? '';
    throw new IaasError('fatal', `this project sees no external network ${external}, which networks.external names`);
  }

  /** The address of a reference; nothing for references of networks. */
  async look(
    ref: SiteRef,
    options: CallOptions,
  ): Promise<{ readonly cloud: Cloud; readonly found: Address } | undefined> {
    const read = this.offered ? readRef(ref) : undefined;
    const cloud = read && (await this.#services.tenants.cloud(read.project, options));
    const [found] = read && cloud ? await this.#ofKey(cloud, read.key, options) : [];
    return cloud && found && { cloud, found };
  }

  async giveBack(ref: SiteRef, options: CallOptions): Promise<void> {
    const address = await this.look(ref, options);
    if (!address) return;
    if (isLent(address.found)) throw new IaasError('conflict', 'a machine has this address');
    for (const each of await this.#ofKey(address.cloud, address.found.key, options))
      await this.#delete(address.cloud, each, options);
  }

  /** Joins an address with the first port of a machine. */
  async lend(
    spec: NicSpec,
    { cloud, found }: { cloud: Cloud; found: Address },
    token: string,
    options: CallOptions,
  ): Promise<SiteRef> {
    const { realm, servers } = this.#services;
    const plug = digestOf(realm, token);
    const ref = writeRef(await cloud.project(options), found.key, plug);
    const { server } = await servers.own(spec.compute, options);
    return this.#turns.run(found.key, async () => {
      const [now] = await this.#ofKey(cloud, found.key, options);
      if (!now) throw new IaasError('not-found', 'OpenStack has no such address');
      if (isLent(now) && now.plug === plug) return ref;
      if (isLent(now)) throw new IaasError('conflict', 'another machine has this address');
      const port_id = await this.#firstPort(cloud, server, options);
      const description = describing(now.entity, { realm, key: now.key, plug, nic: kept(spec.id) }, '');
      await this.#put(cloud, now, { port_id, description }, options);
      return ref;
    });
  }

  async #firstPort(cloud: Cloud, { id }: Server, options: CallOptions): Promise<string> {
    const ports = await cloud.network.list('/ports', 'ports', { ...options, query: { device_id: id } });
    const [first] = elder(
      ports.map((port) => ({ id: stringAt(port, 'id') ?? '', created: stringAt(port, 'created_at') ?? '' })),
    );
    if (first) return first.id;
    throw new IaasError('conflict', 'a machine needs an interface in a network before it can be lent an address');
  }

  /** Takes an address from the machine that has it. */
  async takeBack(ref: SiteRef, options: CallOptions): Promise<void> {
    const read = readRef(ref);
    const address = await this.look(ref, options);
    if (!read || !address || address.found.plug !== read.plug || !isLent(address.found)) return;
    const { cloud, found } = address;
    const description = describing(found.entity, { realm: this.#services.realm, key: found.key }, '');
    await this.#put(cloud, found, { port_id: null, description }, options);
  }

  async #put(cloud: Cloud, { id }: Address, floatingip: JsonObject, options: CallOptions): Promise<void> {
    await cloud.network.call('PUT', `${FLOATING_IPS}/${id}`, { ...options, body: { floatingip } });
  }

  async #delete(cloud: Cloud, { id }: Address, options: CallOptions): Promise<void> {
    await cloud.network.call('DELETE', `${FLOATING_IPS}/${id}`, { ...options, expect: [204] }).catch(missing);
  }

  /** Addresses as networks of one address each. */
  async observe(cloud: Cloud, options: CallOptions): Promise<readonly Observed[]> {
    const project = await cloud.project(options);
    return (await this.#all(cloud, options)).map((each) => ({
      class: 'network',
      ref: writeRef(project, each.key),
      id: each.entity,
      state: 'active',
      busy: false,
      cidr: rangeOfAddress(each.address),
    }));
  }

  /** Those that are lent as interfaces. */
  async observeLent(
    cloud: Cloud,
    byId: ReadonlyMap<string, Server>,
    options: CallOptions,
  ): Promise<readonly Observed[]> {
    const lent = (await this.#all(cloud, options)).filter(isLent);
    if (lent.length === 0) return [];
    const project = await cloud.project(options);
    const ports = await cloud.network.list('/ports', 'ports', { ...options, query: { project_id: project } });
    const portOf = new Map(ports.map((port) => [stringAt(port, 'id') ?? '', port]));
    return lent.map(({ key, plug, nic, address, port }): Observed => {
      const body = portOf.get(port ?? '') ?? {};
      const server = byId.get(stringAt(body, 'device_id') ?? '');
      return {
        class: 'nic',
        ref: writeRef(project, key, plug),
        id: nic,
        state: server?.state === 'active' ? 'active' : 'inactive',
        busy: server?.busy === true,
        interface: 'eth0',
        mac: stringAt(body, 'mac_address') ?? '',
        address,
      };
    });
  }

  async #ofKey(cloud: Cloud, key: string, options: CallOptions): Promise<readonly Address[]> {
    const [first, others] = elder((await this.#all(cloud, options)).filter((each) => each.key === key));
    return first ? [first, ...others] : [];
  }

  async #all(cloud: Cloud, options: CallOptions): Promise<readonly Address[]> {
    if (!this.offered) return [];
    const query = { project_id: await cloud.project(options) };
    const found = await cloud.network.list(FLOATING_IPS, 'floatingips', { ...options, query });
    return found.flatMap((body) => this.#read(body) ?? []);
  }

  #read(body: JsonObject): Address | undefined {
    const words = described(stringAt(body, 'description') ?? '');
    const { id, key, plug, nic } = words;
    if (words['realm'] !== this.#services.realm || id === undefined || key === undefined) return undefined;
    return {
      id: stringAt(body, 'id') ?? '',
      created: stringAt(body, 'created_at') ?? '',
      key,
      entity: unkept(id),
      address: stringAt(body, 'floating_ip_address') ?? '',
      port: stringAt(body, 'port_id'),
      plug,
      nic: unkept(nic ?? ''),
    };
  }
}

/** A machine that is gone has taken its port along, and has no address any more. */
const isLent = ({ port, plug }: Address): boolean => port !== undefined && plug !== undefined;
