/**
 * Security groups of a VPC. EC2 unites those of an interface and gives a new one a rule that lets everything out: what VEP's
 * groups guard has no others, not even that of its network, and of a group only what was asked for is left. A VPC has one group
 * of a name, which is the token's.
 */

import type { NetworkInterface, SecurityGroup } from '@aws-sdk/client-ec2';
import { IaasError, type CallOptions, type Observed, type SiteRef } from '../../adapter.js';
import {
  differenceOf,
  normalRules,
  type NormalRule,
  type SecurityGroupSpec,
  type SecurityRule,
} from '../../security-groups.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Instances } from './instances.js';
import { digestOf, marksIn, ours, tagOf, tagged, tagsOf } from './marks.js';
import type { Networks } from './networks.js';
import type { NetworkOptions } from './options.js';
import type { Patience } from '../../patience.js';
import { permissionOf, rulesIn, type HeldRule } from './security-rules.js';

export interface SecurityGroupServices {
  readonly api: Ec2Api;
  readonly realm: string;
  readonly instances: Instances;
  readonly networks: Networks;
  readonly patience: Patience;
  readonly options: NetworkOptions;
}

/** On the groups that guard machines; those of networks have none. */
const GUARD = 'vep:guard';
const REF = /^sg-[0-9a-f]{8,17}$/;

type Filters = { Name: string; Values: string[] }[];

export class SecurityGroups {
  readonly #services: SecurityGroupServices;

  constructor(services: SecurityGroupServices) {
    this.#services = services;
  }

  async create(spec: SecurityGroupSpec, token: string, call: CallOptions): Promise<SiteRef> {
    const rules = checked(spec.rules);
    const { ref, isNew } = await this.#ensure(spec, token, call);
    try {
      await this.#bring(ref, rules, call);
    } catch (error) {
      if (isNew && error instanceof IaasError && error.class !== 'transient')
        await this.#services.api.ask('DeleteSecurityGroup', { GroupId: ref }, call).catch(() => undefined);
      throw error;
    }
    return ref;
  }

  async #ensure(
    spec: SecurityGroupSpec,
    token: string,
    call: CallOptions,
  ): Promise<{ readonly ref: SiteRef; readonly isNew: boolean }> {
    const { api, realm, options } = this.#services;
    const GroupName = `${this.#prefix}${digestOf(token)}`;
    const tags = tagsOf(realm, spec, token, { [GUARD]: 'yes' });
    const named = { GroupName, Description: 'Rules for machines of VEP', VpcId: options.vpc };
    try {
      const input = { ...named, TagSpecifications: tagged('security-group', tags) };
      const { GroupId } = await api.ask('CreateSecurityGroup', input, call);
      if (GroupId !== undefined) return { ref: GroupId, isNew: true };
      throw new IaasError('transient', 'EC2 answers without a security group', 'no security group');
    } catch (error) {
      if (!isCode(error, /^InvalidGroup\.Duplicate$/)) throw error;
      const found = await this.#described([{ Name: 'group-name', Values: [GroupName] }], call);
      const ref = found.find(({ VpcId }) => VpcId === options.vpc)?.GroupId;
      if (ref !== undefined) return { ref, isNew: false };
      throw new IaasError('transient', 'EC2 does not show the new security group yet', 'not shown', error);
    }
  }

  get #prefix(): string {
    return `${this.#services.realm}-guard-`;
  }

  async update(ref: SiteRef, rules: readonly SecurityRule[], call: CallOptions): Promise<void> {
    const wanted = checked(rules);
    await this.#own(ref, call);
    await this.#bring(ref, wanted, call);
  }

  /** Asks until EC2 shows the rules that are wanted, and no others; what lets pass is added before anything is taken. */
  async #bring(ref: SiteRef, rules: readonly NormalRule[], call: CallOptions): Promise<void> {
    await this.#services.patience.until(call, 'EC2 does not show the rules yet', async () => {
      const [group] = await this.#described([{ Name: 'group-id', Values: [ref] }], call);
      if (!group) return undefined;
      const { missing, surplus } = differenceOf(rulesIn(group), rules);
      if (missing.length + surplus.length === 0) return true;
      const lacking = missing.map((rule) => ({ ...rule, permission: permissionOf(rule) }));
      await this.#change('Authorize', ref, lacking, call);
      await this.#change('Revoke', ref, surplus, call);
      return undefined;
    });
  }

  async #change(
    how: 'Authorize' | 'Revoke',
    GroupId: SiteRef,
    rules: readonly HeldRule[],
    call: CallOptions,
  ): Promise<void> {
    for (const [direction, where] of [
      ['inbound', 'Ingress'],
      ['outbound', 'Egress'],
    ] as const) {
      const IpPermissions = rules.filter((rule) => rule.direction === direction).map(({ permission }) => permission);
      if (IpPermissions.length === 0) continue;
      const operation = `${how}SecurityGroup${where}` as const;
      await this.#services.api.ask(operation, { GroupId, IpPermissions }, call).catch((error: unknown) => {
        // Somebody else was at it, or EC2 has shown an older state: another look tells.
        if (!isCode(error, /^InvalidPermission\.(Duplicate|NotFound)$/)) throw error;
      });
    }
  }

  async remove(ref: SiteRef, call: CallOptions): Promise<void> {
    const [group] = await this.#some([ref], call);
    if (!group) return;
    if (!this.#isOurs(group))
      throw new IaasError('denied', 'this security group was not made by VEP, which leaves it alone');
    await this.#services.api.ask('DeleteSecurityGroup', { GroupId: ref }, call).catch(unlessGone);
  }

  /** Every interface of an instance gets these groups, or those that it would have had without VEP's. */
  async guard(compute: SiteRef, groups: readonly SiteRef[], call: CallOptions): Promise<void> {
    const { api, instances } = this.#services;
    await instances.own(compute, call);
    await this.check(groups, call);
    const filters = [{ Name: 'attachment.instance-id', Values: [compute] }];
    for await (const page of api.pages('DescribeNetworkInterfaces', { Filters: filters }, call))
      for (const nic of page.NetworkInterfaces ?? []) {
        const Groups = groups.length > 0 ? [...groups] : await this.#usual(nic, call);
        const has = (nic.Groups ?? []).map(({ GroupId }) => GroupId);
        if (has.length === Groups.length && Groups.every((id) => has.includes(id))) continue;
        const NetworkInterfaceId = nic.NetworkInterfaceId ?? '';
        await api.ask('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId, Groups }, call).catch(unlessGone);
      }
  }

  /** @throws IaasError `not-found` for a group that VEP has not made */
  async check(refs: readonly SiteRef[], call: CallOptions): Promise<void> {
    for (const ref of refs) await this.#own(ref, call);
  }

  async #usual(nic: NetworkInterface, call: CallOptions): Promise<string[]> {
    const subnet = await this.#services.networks.look(nic.SubnetId ?? '', call);
    const { Groups } = subnet ? this.#services.networks.groupsOf(subnet) : {};
    if (Groups) return Groups;
    const filters = [
      { Name: 'group-name', Values: ['default'] },
      { Name: 'vpc-id', Values: [nic.VpcId ?? ''] },
    ];
    return (await this.#described(filters, call)).flatMap(({ GroupId }) => GroupId ?? []);
  }

  /** Those of VEP's groups that an interface has. */
  guardsOf({ Groups: groups = [] }: NetworkInterface): readonly SiteRef[] {
    return groups.flatMap(({ GroupId, GroupName }) =>
      GroupId !== undefined && GroupName?.startsWith(this.#prefix) === true ? [GroupId] : [],
    );
  }

  async describe(refs: readonly SiteRef[], call: CallOptions): Promise<Observed[]> {
    return (await this.#some(refs, call)).filter((group) => this.#isOurs(group)).map((group) => this.#observed(group));
  }

  async ours(call: CallOptions): Promise<Observed[]> {
    const filters = [...ours(this.#services.realm), { Name: `tag:${GUARD}`, Values: ['yes'] }];
    return (await this.#described(filters, call)).map((group) => this.#observed(group));
  }

  #observed(group: SecurityGroup): Observed {
    const marks = marksIn(group.Tags, this.#services.realm);
    return {
      class: 'securitygroup',
      ref: group.GroupId ?? '',
      ...(marks === undefined ? {} : { id: marks.id }),
      state: 'active',
      busy: false,
      rules: normalRules(rulesIn(group).map(({ permission: _permission, ...rule }) => rule)),
    };
  }

  #isOurs({ Tags: tags }: SecurityGroup): boolean {
    return marksIn(tags, this.#services.realm) !== undefined && tagOf(tags, GUARD) !== undefined;
  }

  async #own(ref: SiteRef, call: CallOptions): Promise<SecurityGroup> {
    const [group] = await this.#some([ref], call);
    if (group && this.#isOurs(group)) return group;
    throw new IaasError('not-found', 'EC2 has no such security group of VEP');
  }

  async #some(refs: readonly SiteRef[], call: CallOptions): Promise<SecurityGroup[]> {
    const Values = refs.filter((ref) => REF.test(ref));
    return Values.length === 0 ? [] : this.#described([{ Name: 'group-id', Values }], call);
  }

  async #described(filters: Filters, call: CallOptions): Promise<SecurityGroup[]> {
    const found: SecurityGroup[] = [];
    for await (const page of this.#services.api.pages('DescribeSecurityGroups', { Filters: filters }, call))
      found.push(...(page.SecurityGroups ?? []));
    return found;
  }
}

/** @throws IaasError `unsupported` for a rule that EC2 would let more pass with than it says */
function checked(rules: readonly SecurityRule[]): readonly NormalRule[] {
  const wanted = normalRules(rules);
  for (const rule of wanted) permissionOf(rule);
  return wanted;
}
