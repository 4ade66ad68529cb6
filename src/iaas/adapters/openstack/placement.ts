/**
 * Where a server goes: the zone or the host that VEP's placement names, and server groups that keep servers apart or
 * together. Nova takes a server into a group only when it is made, so those that must share a rule are given the group of
 * their set from the first on; for neighbours that were there before, it is given hints, which a cloud without the
 * filters for them ignores: what came of those shows by the hosts.
 */

import { createHash } from 'node:crypto';
import { Mutex } from '../../../base/mutex.js';
import { stringAt, type JsonObject } from '../../../base/json.js';
import { IaasError, type CallOptions, type ComputeSpec } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import { itemsOf, keyIn, uniqueName } from './marks.js';
import type { Server } from './server.js';
import { missing } from './service.js';
import type { Servers } from './servers.js';

/** What goes into the request for a server. */
export interface Place {
  /** Members of `server`. */
  readonly server: JsonObject;
  readonly hints: JsonObject;
  readonly metadata: Readonly<Record<string, string>>;
}

type Policy = 'anti-affinity' | 'affinity';

/** Ids of servers that one value of metadata holds. */
const NEIGHBOURS = 6;

export class Placement {
  readonly #servers: Servers;
  readonly #realm: string;
  /** The account may name hosts; otherwise what is named is a zone. */
  readonly #choose: boolean;
  readonly #turn = new Mutex();

  constructor(servers: Servers, realm: string, choose: boolean) {
    this.#servers = servers;
    this.#realm = realm;
    this.#choose = choose;
  }

  /** @throws IaasError `capacity` where what is asked excludes itself */
  async of(cloud: Cloud, spec: ComputeSpec, options: CallOptions): Promise<Place> {
    const { apartFrom = [], togetherWith = [], host } = spec;
    if (apartFrom.some((id) => togetherWith.includes(id)))
      throw new IaasError('capacity', 'a machine cannot be apart from another one and together with it');
    const [apart, together] = await this.#neighbours(cloud, apartFrom, togetherWith, options);
    if (this.#choose && host !== undefined) mustAgree(host, apart, together);
    const policy: Policy | undefined =
      apartFrom.length > 0 ? 'anti-affinity' : togetherWith.length > 0 ? 'affinity' : undefined;
    const others = policy === 'affinity' ? togetherWith : apartFrom;
    const group = policy && (await this.#group(cloud, policy, [spec.id, ...others], options));
    // The group keeps its own members.
    const hinted = (servers: readonly Server[]): string[] =>
      servers.filter(({ groups }) => group === undefined || !groups.includes(group)).map(({ id }) => id);
    const [different, same] = [hinted(apart), hinted(together)];
    return {
      server: host === undefined ? {} : this.#choose ? { host } : { availability_zone: host },
      hints: {
        ...(group === undefined ? {} : { group }),
        ...(different.length > 0 ? { different_host: different } : {}),
        ...(same.length > 0 ? { same_host: same } : {}),
      },
      metadata: {
        ...(different.length > 0 ? { vep_apart: different.slice(0, NEIGHBOURS).join(',') } : {}),
        ...(same.length > 0 ? { vep_together: same.slice(0, NEIGHBOURS).join(',') } : {}),
      },
    };
  }

  /** Removes the groups that a server was in, where VEP made them and nobody is left in them. */
  async leave(cloud: Cloud, server: Server, options: CallOptions): Promise<void> {
    for (const id of server.groups) {
      // Not while somebody chooses: a new server may be about to join.
      await this.#turn.run(async () => {
        const path = `/os-server-groups/${id}`;
        const group = await cloud.compute.one('GET', path, 'server_group', options).catch(missing);
        const ours = keyIn(this.#realm, stringAt(group ?? {}, 'name') ?? '') !== undefined;
        const left = itemsOf(group?.['members']).filter((member) => member !== server.id);
        if (!ours || left.length > 0) return;
        await cloud.compute.call('DELETE', path, { ...options, expect: [204] }).catch(missing);
      });
    }
  }

  /** What a neighbour that was only hinted at has come to; nothing where all is as it was asked. */
  async broken(cloud: Cloud, server: Server, options: CallOptions): Promise<string | undefined> {
    if (server.hostId === '' || server.apart.length + server.together.length === 0) return undefined;
    for (const [ids, rule] of [
      [server.apart, 'apart from'],
      [server.together, 'together with'],
    ] as const)
      for (const id of ids) {
        const other = await cloud.compute.one('GET', `/servers/${id}`, 'server', options).catch(missing);
        const shared = stringAt(other ?? {}, 'hostId') === server.hostId;
        if (other && shared !== (rule === 'together with'))
          return `OpenStack has not kept it ${rule} another machine: its scheduler lacks DifferentHostFilter or SameHostFilter`;
      }
    return undefined;
  }

  async #neighbours(
    cloud: Cloud,
    apartFrom: readonly string[],
    togetherWith: readonly string[],
    options: CallOptions,
  ): Promise<readonly [readonly Server[], readonly Server[]]> {
    if (apartFrom.length + togetherWith.length === 0) return [[], []];
    const all = [...(await this.#servers.byKey(cloud, options)).values()];
    const of = (ids: readonly string[]): readonly Server[] => all.filter(({ marks }) => ids.includes(marks?.id ?? ''));
    return [of(apartFrom), of(togetherWith)];
  }

  /** The group of a set of machines: one for each set, as all its members name the same. */
  #group(cloud: Cloud, policy: Policy, ids: readonly string[], options: CallOptions): Promise<string> {
    const members = [...new Set(ids)].sort().join(' ');
    const digest = createHash('sha256').update(`${policy} ${members}`).digest('hex').slice(0, 40);
    const name = uniqueName(this.#realm, digest);
    return this.#turn.run(async () => {
      const known = await this.#find(cloud, name, options);
      if (known !== undefined) return known;
      const body = { server_group: { name, policy } };
      const made = await cloud.compute.one('POST', '/os-server-groups', 'server_group', { ...options, body });
      // Another process may have made one too: the first counts.
      return (await this.#find(cloud, name, options)) ?? stringAt(made, 'id') ?? '';
    });
  }

  async #find(cloud: Cloud, name: string, options: CallOptions): Promise<string | undefined> {
    const { compute } = cloud;
    const groups = itemsOf((await compute.json('GET', '/os-server-groups', options))['server_groups']);
    const ids = groups.flatMap((group) => {
      const body = group as JsonObject;
      return stringAt(body, 'name') === name ? [stringAt(body, 'id') ?? ''] : [];
    });
    return ids.sort()[0];
  }
}

function mustAgree(host: string, apart: readonly Server[], together: readonly Server[]): void {
  const against = apart.some((server) => server.host === host) || together.some((server) => server.host !== host);
  if (against)
    throw new IaasError('capacity', 'the host is not one that keeps the machine apart from, or together with, others');
}
