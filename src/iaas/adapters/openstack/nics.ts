/**
 * Network interfaces as ports of VEP's own, made before the server is told of them: the token is in their name, the
 * server's in their description. A port of one's own outlives its server, so VEP removes it with the server.
 */

import { stringAt, type JsonObject } from '../../../base/json.js';
import { IaasError, type CallOptions, type NicSpec, type Observed, type SiteRef } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import {
  describing,
  described,
  digestOf,
  elder,
  itemsOf,
  keyIn,
  membersOf,
  namedMarks,
  readRef,
  uniqueName,
  writeRef,
} from './marks.js';
import type { Networks } from './networks.js';
import type { SecurityGroups } from './security-groups.js';
import type { Server } from './server.js';
import { missing } from './service.js';
import type { Servers } from './servers.js';
import { StackError } from './stack-error.js';
import type { Tenants } from './tenants.js';
import { TurnsByKey } from './turns-by-key.js';

export interface NicServices {
  readonly tenants: Tenants;
  readonly servers: Servers;
  readonly networks: Networks;
  readonly realm: string;
  readonly securityGroups: SecurityGroups;
}

export type ObservedNic = Extract<Observed, { readonly class: 'nic' }>;

interface Port {
  readonly id: string;
  readonly created: string;
  /** Id of the server it is plugged into; empty where it is in none. */
  readonly device: string;
  /** Digest of the server it is meant for. */
  readonly compute: string;
  readonly key: string;
  readonly entity: string;
  readonly mac: string;
  readonly address: string | undefined;
  readonly subnet: string | undefined;
  /** Ids. */
  readonly groups: readonly string[];
}

export class Nics {
  readonly #services: NicServices;
  readonly #turns = new TurnsByKey();

  constructor(services: NicServices) {
    this.#services = services;
  }

  /** Plugs a network into a server; answers when both know it. */
  async attach(spec: NicSpec, token: string, options: CallOptions): Promise<string> {
    const { realm, servers } = this.#services;
    const key = digestOf(realm, token);
    return this.#turns.run(key, async () => {
      const { cloud, server } = await servers.own(spec.compute, options);
      const compute = server.marks?.key ?? '';
      const known = await this.#ofKey(cloud, key, options);
      const port = this.#first(known, server) ?? (await this.make(cloud, compute, spec, token, options));
      if (port.device !== server.id)
        await this.#plug(cloud, server, port, options).catch(async (error: unknown) => {
          // What was made for nothing is not left behind.
          if (error instanceof IaasError && error.class !== 'transient') await this.#delete(cloud, port.id, options);
          throw error;
        });
      const all = await this.#ofKey(cloud, key, options);
      const first = this.#first(all, server);
      for (const other of all) if (first && other.id !== first.id) await this.#delete(cloud, other.id, options);
      return writeRef(await cloud.project(options), key);
    });
  }

  /** A port for a server that may not be there yet; the one that an earlier try left is taken. */
  async make(
    cloud: Cloud,
    compute: string,
    spec: Omit<NicSpec, 'compute'>,
    token: string,
    options: CallOptions,
  ): Promise<Port> {
    const { realm, networks, securityGroups } = this.#services;
    const key = digestOf(realm, token);
    const [known] = elder((await this.#ofKey(cloud, key, options)).filter((port) => port.device === ''));
    if (known) return known;
    const network = await networks.look(spec.network, options);
    if (!network) throw new IaasError('not-found', 'OpenStack has no such network');
    const guards = spec.securityGroups ?? [];
    const groups = await (guards.length > 0
      ? securityGroups.idsOf(guards, options)
      : securityGroups.named(cloud, options));
    const port = {
      network_id: stringAt(network.body, 'id') ?? '',
      name: uniqueName(realm, key),
      description: describing(spec.id, { compute }, ''),
      ...(spec.address === undefined ? {} : { fixed_ips: [{ ip_address: spec.address }] }),
      ...(spec.mac === undefined ? {} : { mac_address: spec.mac }),
      ...(groups.length > 0 ? { security_groups: groups } : {}),
    };
    const ask = { ...options, body: { port }, expect: [201] };
    const made = await cloud.network.one('POST', '/ports', 'port', ask);
    return this.#read(made) ?? nothing();
  }

  async #plug(cloud: Cloud, server: Server, port: Port, options: CallOptions): Promise<void> {
    if (server.busy) throw new IaasError('transient', `the machine is on its way (${server.task})`, server.task);
    const body = { interfaceAttachment: { port_id: port.id } };
    try {
      await cloud.compute.json('POST', `/servers/${server.id}/os-interface`, { ...options, body });
    } catch (error) {
      if (!(error instanceof StackError)) throw error;
      // Somebody with the same token was faster, or is at it.
      const now = await cloud.network.one('GET', `/ports/${port.id}`, 'port', options).catch(missing);
      if (now && stringAt(now, 'device_id') === server.id) return;
      if (error.isWrongState && /task_state/.test(error.said ?? ''))
        throw new IaasError('transient', error.message, error.said, error);
      throw error;
    }
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const read = readRef(ref);
    const cloud = read && (await this.#services.tenants.cloud(read.project, options));
    if (!read || !cloud) return;
    for (const port of await this.#ofKey(cloud, read.key, options)) await this.#delete(cloud, port.id, options);
  }

  /** Removes the ports that a server has, which would outlive it. */
  async leave(cloud: Cloud, server: Server, options: CallOptions): Promise<void> {
    const mine = (await this.#all(cloud, options)).filter(({ device }) => device === server.id);
    for (const port of mine) await this.#delete(cloud, port.id, options);
  }

  /** Removes the ports that were made for a server, by its digest, and are in none. */
  async forsake(cloud: Cloud, compute: string, options: CallOptions): Promise<void> {
    const mine = (await this.#all(cloud, options)).filter((port) => port.device === '' && port.compute === compute);
    for (const port of mine) await this.#delete(cloud, port.id, options);
  }

  /** NICs of a project's servers in OCCI's words. A port whose server is gone is one that nobody has removed yet. */
  async observe(
    cloud: Cloud,
    byId: ReadonlyMap<string, Server>,
    options: CallOptions,
  ): Promise<readonly ObservedNic[]> {
    const ports = await this.#all(cloud, options);
    const project = await cloud.project(options);
    const gateways = new Map<string, string>();
    if (ports.length > 0)
      for (const subnet of await cloud.network.list('/subnets', 'subnets', options))
        gateways.set(stringAt(subnet, 'id') ?? '', stringAt(subnet, 'gateway_ip') ?? '');
    const guards = ports.length > 0 ? await this.#services.securityGroups.refsById(cloud, options) : NO_GUARDS;
    const observed: ObservedNic[] = [];
    for (const device of new Set(ports.map((port) => port.device))) {
      const plugged = ports.filter((port) => port.device === device);
      const server = byId.get(device);
      const inOrder = [...plugged].sort(
        (one, other) => one.created.localeCompare(other.created) || one.id.localeCompare(other.id),
      );
      inOrder.forEach((port, index) => {
        if (observed.some(({ ref }) => ref === writeRef(project, port.key))) return;
        const gateway = gateways.get(port.subnet ?? '') ?? '';
        observed.push({
          class: 'nic',
          ref: writeRef(project, port.key),
          id: port.entity,
          state: server?.state === 'active' ? 'active' : 'inactive',
          busy: server?.busy === true,
          interface: `eth${index}`,
          mac: port.mac,
          ...(port.address === undefined ? {} : { address: port.address }),
          ...(gateway === '' ? {} : { gateway }),
          securityGroups: port.groups.flatMap((id) => guards.get(id) ?? []),
        });
      });
    }
    return observed;
  }

  #first(ports: readonly Port[], server: Server): Port | undefined {
    return elder(ports.filter(({ device }) => device === server.id))[0] ?? elder(ports)[0];
  }

  async #delete(cloud: Cloud, id: string, options: CallOptions): Promise<void> {
    await cloud.network.call('DELETE', `/ports/${id}`, { ...options, expect: [204] }).catch(missing);
  }

  async #ofKey(cloud: Cloud, key: string, options: CallOptions): Promise<readonly Port[]> {
    const query = { name: uniqueName(this.#services.realm, key) };
    return this.#readAll(await cloud.network.list('/ports', 'ports', { ...options, query }));
  }

  async #all(cloud: Cloud, options: CallOptions): Promise<readonly Port[]> {
    const query = { project_id: await cloud.project(options) };
    return this.#readAll(await cloud.network.list('/ports', 'ports', { ...options, query }));
  }

  #readAll(bodies: readonly JsonObject[]): readonly Port[] {
    return bodies.flatMap((body) => this.#read(body) ?? []);
  }

  #read(body: JsonObject): Port | undefined {
    const { realm } = this.#services;
    const marks = namedMarks(realm, body);
    if (!marks || keyIn(realm, stringAt(body, 'name') ?? '') === undefined) return undefined;
    const fixed = membersOf(itemsOf(body['fixed_ips'])[0]);
    return {
      id: stringAt(body, 'id') ?? '',
      created: stringAt(body, 'created_at') ?? '',
      device: stringAt(body, 'device_id') ?? '',
      compute: described(stringAt(body, 'description') ?? '')['compute'] ?? '',
      key: marks.key,
      entity: marks.id,
      mac: stringAt(body, 'mac_address') ?? '',
      address: stringAt(fixed, 'ip_address'),
      subnet: stringAt(fixed, 'subnet_id'),
      groups: itemsOf(body['security_groups']).filter((id) => typeof id === 'string'),
    };
  }
}

const NO_GUARDS: ReadonlyMap<string, SiteRef> = new Map();

function nothing(): never {
  throw new IaasError('transient', 'Neutron answers with a port that was not asked for', 'another port');
}
