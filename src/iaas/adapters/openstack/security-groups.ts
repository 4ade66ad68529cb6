/**
 * Security groups of Neutron, in the project of their owner. Neutron gives every new group rules that let everything out, and
 * every new port the project's group `default`: of VEP's groups only what was asked for is left, and a machine that they guard
 * has no others.
 */

import { stringAt, type JsonObject } from '../../../base/json.js';
import { IaasError, type CallOptions, type Observed, type SiteRef } from '../../adapter.js';
import {
  differenceOf,
  normalRules,
  type NormalRule,
  type SecurityGroupSpec,
  type SecurityRule,
} from '../../security-groups.js';
import type { Cloud } from './cloud.js';
import {
  describingMarked,
  digestOf,
  elder,
  isDigest,
  itemsOf,
  membersOf,
  namedMarks,
  ofKey,
  readRef,
  uniqueName,
  writeRef,
} from './marks.js';
import type { OpenStackOptions } from './options.js';
import { missing } from './service.js';
import type { Servers } from './servers.js';
import { StackError } from './stack-error.js';
import type { Tenants } from './tenants.js';
import { TurnsByKey } from './turns-by-key.js';

export interface SecurityGroupServices {
  readonly tenants: Tenants;
  readonly servers: Servers;
  readonly realm: string;
  readonly settings: OpenStackOptions['networks'];
}

export type ObservedGroup = Extract<Observed, { readonly class: 'securitygroup' }>;

/** How often a group that another process is making too is looked for again. */
const TRIES = 3;

export class SecurityGroups {
  readonly #services: SecurityGroupServices;
  readonly #turns = new TurnsByKey();

  constructor(services: SecurityGroupServices) {
    this.#services = services;
  }

  async create(spec: SecurityGroupSpec, token: string, options: CallOptions): Promise<SiteRef> {
    const { realm, tenants } = this.#services;
    const rules = normalRules(spec.rules);
    const key = digestOf(realm, token);
    const security_group = {
      name: uniqueName(realm, key),
      description: describingMarked(realm, { id: spec.id, key }, spec.name),
    };
    const cloud = await tenants.of(spec.owner, options);
    await this.#turns.run(key, async () => {
      for (let attempt = 1; ; attempt++) {
        const group = await this.#ensure(cloud, key, { security_group }, options);
        try {
          return await this.#bring(cloud, group, rules, options);
        } catch (error) {
          if (!(error instanceof IaasError)) throw error;
          // Another process has made the same, and this one was the younger.
          if (error.class === 'not-found' && attempt < TRIES) continue;
          if (error.class !== 'transient') await this.#delete(cloud, group, options).catch(() => undefined);
          throw error;
        }
      }
    });
    return writeRef(await cloud.project(options), key);
  }

  /** The group of a token, made if there is none. */
  async #ensure(cloud: Cloud, key: string, body: JsonObject, options: CallOptions): Promise<JsonObject> {
    if ((await this.#ofKey(cloud, key, options)).length === 0)
      await cloud.network.one('POST', '/security-groups', 'security_group', { ...options, body, expect: [201] });
    const [first, ...surplus] = await this.#ofKey(cloud, key, options);
    if (!first) throw new IaasError('transient', 'the security group is gone again', 'gone');
    for (const other of surplus) await this.#delete(cloud, other, options).catch(unlessInUse);
    return first;
  }

  async update(ref: SiteRef, rules: readonly SecurityRule[], options: CallOptions): Promise<void> {
    const found = await this.#own(ref, options);
    await this.#bring(found.cloud, found.group, normalRules(rules), options);
  }

  /** Gives a group the rules that it lacks, and takes those that it has too many: traffic that may pass is not cut meanwhile. */
  async #bring(cloud: Cloud, group: JsonObject, rules: readonly NormalRule[], options: CallOptions): Promise<void> {
    const { missing: lacking, surplus } = differenceOf(rulesIn(group), rules);
    for (const rule of lacking) {
      const body = { security_group_rule: { security_group_id: idOf(group), ...written(rule) } };
      const ask = { ...options, body, expect: [201] };
      await cloud.network.call('POST', '/security-group-rules', ask).catch((error: unknown) => {
        if (!(error instanceof StackError) || error.fault !== 'SecurityGroupRuleExists') throw error;
      });
    }
    for (const { id } of surplus)
      await cloud.network.call('DELETE', `/security-group-rules/${id}`, { ...options, expect: [204] }).catch(missing);
  }

  async remove(ref: SiteRef, options: CallOptions): Promise<void> {
    const read = readRef(ref);
    const cloud = read && isDigest(read.key) ? await this.#services.tenants.cloud(read.project, options) : undefined;
    if (!read || !cloud) return;
    for (const group of await this.#ofKey(cloud, read.key, options)) await this.#delete(cloud, group, options);
  }

  async #delete(cloud: Cloud, group: JsonObject, options: CallOptions): Promise<void> {
    const ask = { ...options, expect: [204] };
    await cloud.network.call('DELETE', `/security-groups/${idOf(group)}`, ask).catch(missing);
  }

  /** Every port of a server gets these groups, or those that it would have had without VEP's. */
  async guard(compute: SiteRef, groups: readonly SiteRef[], options: CallOptions): Promise<void> {
    const { cloud, server } = await this.#services.servers.own(compute, options);
    const security_groups = groups.length > 0 ? await this.idsOf(groups, options) : await this.#usual(cloud, options);
    const query = { device_id: server.id };
    for (const port of await cloud.network.list('/ports', 'ports', { ...options, query })) {
      if (sameIds(itemsOf(port['security_groups']), security_groups)) continue;
      const ask = { ...options, body: { port: { security_groups } } };
      await cloud.network.call('PUT', `/ports/${idOf(port)}`, ask).catch(missing);
    }
  }

  /** Ids of groups that VEP made. */
  async idsOf(refs: readonly SiteRef[], options: CallOptions): Promise<string[]> {
    const ids: string[] = [];
    for (const ref of refs) ids.push(idOf((await this.#own(ref, options)).group));
    return ids;
  }

  /** Ids of the groups that the administrator names for machines without groups of their own. */
  async named(cloud: Cloud, options: CallOptions): Promise<string[]> {
    const names = this.#services.settings.securityGroups;
    if (names.length === 0) return [];
    const groups = await this.#all(cloud, options);
    return names.map((name) => {
      const found = groups.find((each) => idOf(each) === name || stringAt(each, 'name') === name);
      if (found) return idOf(found);
      throw new IaasError('fatal', `this project has no security group ${name}, which networks.securityGroups names`);
    });
  }

  /** The same, and where nobody names any, that of Neutron. */
  async #usual(cloud: Cloud, options: CallOptions): Promise<string[]> {
    const named = await this.named(cloud, options);
    if (named.length > 0) return named;
    return (await this.#all(cloud, options)).filter((each) => stringAt(each, 'name') === 'default').map(idOf);
  }

  /** References of a project's groups that VEP made, by their ids. */
  async refsById(cloud: Cloud, options: CallOptions): Promise<ReadonlyMap<string, SiteRef>> {
    const project = await cloud.project(options);
    const found = new Map<string, SiteRef>();
    for (const group of await this.#all(cloud, options)) {
      const marks = namedMarks(this.#services.realm, group);
      if (marks) found.set(idOf(group), writeRef(project, marks.key));
    }
    return found;
  }

  async observe(cloud: Cloud, options: CallOptions): Promise<readonly ObservedGroup[]> {
    const project = await cloud.project(options);
    const observed = (await this.#all(cloud, options)).flatMap((group): (ObservedGroup & Aged)[] => {
      const marks = namedMarks(this.#services.realm, group);
      if (!marks) return [];
      const base = { ref: writeRef(project, marks.key), id: marks.id, state: 'active' as const, busy: false };
      return [{ class: 'securitygroup', ...base, rules: normalRules(rulesIn(group)), ...agesOf(group) }];
    });
    const [byRef, oldestFirst] = [new Map<SiteRef, ObservedGroup>(), [...observed].sort(byAge)];
    for (const { created: _created, group: _group, ...each } of oldestFirst)
      if (!byRef.has(each.ref)) byRef.set(each.ref, each);
    return [...byRef.values()];
  }

  async #own(ref: SiteRef, options: CallOptions): Promise<{ readonly cloud: Cloud; readonly group: JsonObject }> {
    const read = readRef(ref);
    const cloud = read && isDigest(read.key) ? await this.#services.tenants.cloud(read.project, options) : undefined;
    const [group] = read && cloud ? await this.#ofKey(cloud, read.key, options) : [];
    if (cloud && group) return { cloud, group };
    throw new IaasError('not-found', 'OpenStack has no such security group of VEP');
  }

  /** Groups of one token, the one that counts first. */
  async #ofKey(cloud: Cloud, key: string, options: CallOptions): Promise<readonly JsonObject[]> {
    const mine = await ofKey(this.#services.realm, key, (query) =>
      cloud.network.list('/security-groups', 'security_groups', { ...options, query }),
    );
    const [first, others] = elder(
      mine.map((body) => ({ body, id: idOf(body), created: stringAt(body, 'created_at') ?? '' })),
    );
    return first ? [first.body, ...others.map(({ body }) => body)] : [];
  }

  async #all(cloud: Cloud, options: CallOptions): Promise<readonly JsonObject[]> {
    const query = { project_id: await cloud.project(options) };
    return cloud.network.list('/security-groups', 'security_groups', { ...options, query });
  }
}

interface Aged {
  readonly created: string;
  readonly group: string;
}

const agesOf = (body: JsonObject): Aged => ({ created: stringAt(body, 'created_at') ?? '', group: idOf(body) });
const byAge = (one: Aged, other: Aged): number =>
  one.created.localeCompare(other.created) || one.group.localeCompare(other.group);

const idOf = (body: JsonObject): string => stringAt(body, 'id') ?? '';

const sameIds = (has: readonly unknown[], wants: readonly string[]): boolean =>
  has.length === wants.length && wants.every((id) => has.includes(id));

/** A rule in Neutron's words. */
function written({ direction, version, protocol, ports, range }: NormalRule): JsonObject {
  return {
    direction: direction === 'inbound' ? 'ingress' : 'egress',
    ethertype: version === 'ipv4' ? 'IPv4' : 'IPv6',
    ...(protocol === undefined ? {} : { protocol }),
    ...(ports === undefined ? {} : { port_range_min: ports[0], port_range_max: ports[1] }),
    ...(range === undefined ? {} : { remote_ip_prefix: range }),
  };
}

/** The rules of a group. One that speaks of other groups means nothing to VEP, and is like none of its own. */
function rulesIn(group: JsonObject): readonly (NormalRule & { readonly id: string })[] {
  return itemsOf(group['security_group_rules']).map((item) => {
    const rule = membersOf(item);
    const [protocol, range] = [stringAt(rule, 'protocol'), stringAt(rule, 'remote_ip_prefix')];
    const [first, last] = [rule['port_range_min'], rule['port_range_max']];
    const other = stringAt(rule, 'remote_group_id') ?? stringAt(rule, 'remote_address_group_id');
    const read: NormalRule = {
      direction: rule['direction'] === 'ingress' ? 'inbound' : 'outbound',
      version: rule['ethertype'] === 'IPv6' ? 'ipv6' : 'ipv4',
      ...(protocol === undefined ? {} : { protocol }),
      ...(typeof first === 'number' && typeof last === 'number' ? { ports: [first, last] } : {}),
      ...(range === undefined ? {} : { range }),
    };
    const [normal = read] = normalRules([read]);
    return { ...(other === undefined ? normal : { ...normal, protocol: `of group ${other}` }), id: idOf(rule) };
  });
}

function unlessInUse(error: unknown): void {
  if (!(error instanceof IaasError) || error.class !== 'conflict') throw error;
}
