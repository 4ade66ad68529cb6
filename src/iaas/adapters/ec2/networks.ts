/**
 * Networks as subnets of a VPC that the administrator names, each with a security group of its own that lets its members
 * speak to each other. EC2 makes any number of subnets for one wish; the group's name, of which a VPC has only one, is
 * the token's, and the group says which range has been chosen.
 */

import type { IpPermission, SecurityGroup, Subnet, Vpc } from '@aws-sdk/client-ec2';
import { IaasError, type CallOptions, type NetworkSpec, type Observed } from '../../adapter.js';
import { addressOf, blockOf, contains, parseCidr, textOf, type Range } from '../../ranges.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import { digestOf, listOf, marksIn, ours, oursFor, tagOf, tagged, tagsOf } from './marks.js';
import type { NetworkOptions } from './options.js';
import type { Patience } from './patience.js';

/** On subnets: their security group; on groups: the range and the subnet they are for. */
const GROUP = 'vep:security-group';
const CIDR = 'vep:cidr';
const SUBNET = 'vep:subnet';

/** Subnets of EC2 have prefixes of these lengths. */
const [WIDEST, NARROWEST] = [16, 28];
/** Ranges that are tried when somebody else takes one after the other. */
const TRIES = 8;

export interface NetworkServices {
  readonly api: Ec2Api;
  readonly realm: string;
  readonly zone: string;
  readonly patience: Patience;
  readonly options: NetworkOptions;
}

export class Networks {
  readonly #api: Ec2Api;
  readonly #realm: string;
  readonly #zone: string;
  readonly #patience: Patience;
  readonly #options: NetworkOptions;

  constructor({ api, realm, zone, patience, options }: NetworkServices) {
    this.#api = api;
    this.#realm = realm;
    this.#zone = zone;
    this.#patience = patience;
    this.#options = options;
  }

  /** Subnets that machines of this site can be in: those of the VPC in the zone. */
  async all(call: CallOptions): Promise<readonly Subnet[]> {
    const { vpc } = this.#options;
    return this.#subnets(
      [
        { Name: 'availability-zone', Values: [this.#zone] },
        ...(vpc === undefined ? [] : [{ Name: 'vpc-id', Values: [vpc] }]),
      ],
      call,
    );
  }

  ours(call: CallOptions): Promise<readonly Subnet[]> {
    return this.#subnets(ours(this.#realm), call);
  }

  async look(ref: string, call: CallOptions): Promise<Subnet | undefined> {
    return (await this.some([ref], call))[0];
  }

  some(refs: readonly string[], call: CallOptions): Promise<readonly Subnet[]> {
    const ids = refs.filter((ref) => /^subnet-[0-9a-f]{8,17}$/.test(ref));
    return ids.length === 0 ? Promise.resolve([]) : this.#subnets([{ Name: 'subnet-id', Values: ids }], call);
  }

  async #subnets(filters: { Name: string; Values: string[] }[], call: CallOptions): Promise<Subnet[]> {
    const found: Subnet[] = [];
    for await (const page of this.#api.pages('DescribeSubnets', { Filters: filters }, call))
      found.push(...(page.Subnets ?? []));
    return found;
  }

  async create(spec: NetworkSpec, token: string, call: CallOptions): Promise<string> {
    const wish = readWish(spec);
    const earlier = await this.#made(token, call);
    if (earlier?.SubnetId !== undefined) {
      // Whoever made it may have been cut off before its group was told.
      await this.#note({ GroupId: tagOf(earlier.Tags, GROUP) }, { [SUBNET]: earlier.SubnetId }, call);
      return earlier.SubnetId;
    }
    const group = await this.#group(spec, wish, token, call);
    try {
      return await this.#subnet(spec, wish, token, group, call);
    } catch (error) {
      if (error instanceof IaasError && error.class !== 'transient')
        await this.#api.ask('DeleteSecurityGroup', { GroupId: group.GroupId }, call).catch(() => undefined);
      throw error;
    }
  }

  async #made(token: string, call: CallOptions): Promise<Subnet | undefined> {
    return (await this.#subnets(oursFor(this.#realm, token), call))[0];
  }

  /** The security group of a token: whoever makes it chooses the range. */
  async #group(spec: NetworkSpec, wish: Wish, token: string, call: CallOptions): Promise<SecurityGroup> {
    const name = `${this.#realm}-${digestOf(token)}`;
    const vpc = await this.#vpc(call);
    const cidr = wish.cidr ?? (await this.#freeRange(vpc, [], call));
    const tags = tagsOf(this.#realm, spec, token, { [CIDR]: cidr });
    try {
      const { GroupId } = await this.#api.ask(
        'CreateSecurityGroup',
        {
          GroupName: name,
          Description: 'Members of a network made by VEP',
          VpcId: vpc.VpcId,
          TagSpecifications: tagged('security-group', tags),
        },
        call,
      );
      const group = { GroupId, VpcId: vpc.VpcId, Tags: tags };
      await this.#open(group, call);
      return group;
    } catch (error) {
      if (!isCode(error, /^InvalidGroup\.Duplicate$/)) throw error;
      const found = await this.#groups([{ Name: 'group-name', Values: [name] }], call);
      const group = found.find(({ VpcId }) => VpcId === vpc.VpcId);
      if (!group) throw new IaasError('transient', 'EC2 does not show the new security group yet', 'not shown', error);
      await this.#open(group, call);
      return group;
    }
  }

  async #open({ GroupId }: SecurityGroup, call: CallOptions): Promise<void> {
    const everything = { IpProtocol: '-1' };
    const permissions: IpPermission[] = [
      { ...everything, UserIdGroupPairs: [{ GroupId }] },
      ...this.#options.ingress.map((CidrIp) => ({ ...everything, IpRanges: [{ CidrIp }] })),
    ];
    for (const permission of permissions)
      await this.#api
        .ask('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [permission] }, call)
        .catch((error: unknown) => {
          if (!isCode(error, /^InvalidPermission\.Duplicate$/)) throw error;
        });
  }

  async #groups(filters: { Name: string; Values: string[] }[], call: CallOptions): Promise<SecurityGroup[]> {
    const found: SecurityGroup[] = [];
    for await (const page of this.#api.pages('DescribeSecurityGroups', { Filters: filters }, call))
      found.push(...(page.SecurityGroups ?? []));
    return found;
  }

  async #subnet(
    spec: NetworkSpec,
    wish: Wish,
    token: string,
    group: SecurityGroup,
    call: CallOptions,
  ): Promise<string> {
    const tags = tagsOf(this.#realm, spec, token, { [GROUP]: group.GroupId ?? '' });
    let cidr = tagOf(group.Tags, CIDR) ?? '';
    const tried: Range[] = [];
    for (;;) {
      try {
        const input = { VpcId: group.VpcId, CidrBlock: cidr, AvailabilityZone: this.#zone };
        const answer = await this.#api.ask(
          'CreateSubnet',
          { ...input, TagSpecifications: tagged('subnet', tags) },
          call,
        );
        const made = answer.Subnet?.SubnetId;
        if (made === undefined) throw new IaasError('transient', 'EC2 answers without a subnet', 'no subnet');
        await this.#note(group, { [SUBNET]: made }, call);
        await this.#patience.settled(call, async () => (await this.look(made, call)) !== undefined);
        return made;
      } catch (error) {
        if (!isCode(error, /^InvalidSubnet\.Conflict$/)) throw error;
        // Another process with the same token was faster, or somebody else has these addresses: EC2 will show it.
        const range = parseCidr(cidr).range;
        const other = await this.#patience.until(call, 'EC2 does not show the new subnet yet', async () => {
          const shown = await this.#subnets([{ Name: 'vpc-id', Values: [group.VpcId ?? ''] }], call);
          return shown.find(({ CidrBlock }) => overlap(parseCidr(CidrBlock ?? '').range, range));
        });
        const made = marksIn(other.Tags, this.#realm)?.token === digestOf(token) ? other.SubnetId : undefined;
        if (made !== undefined) return made;
        if (wish.cidr !== undefined || tried.length === TRIES)
          throw new IaasError(
            'conflict',
            `addresses of ${cidr} are in use by another subnet`,
            (error as IaasError).said,
          );
        tried.push(range);
        cidr = await this.#freeRange(await this.#vpc(call), tried, call);
        await this.#note(group, { [CIDR]: cidr }, call);
      }
    }
  }

  async #note(
    { GroupId }: SecurityGroup,
    attributes: Readonly<Record<string, string>>,
    call: CallOptions,
  ): Promise<void> {
    await this.#api.ask('CreateTags', { Resources: [GroupId ?? ''], Tags: listOf(attributes) }, call);
  }

  async #vpc(call: CallOptions): Promise<Vpc> {
    const { vpc } = this.#options;
    const answer = await this.#api.ask('DescribeVpcs', { Filters: [{ Name: 'vpc-id', Values: [vpc ?? ''] }] }, call);
    const [found] = answer.Vpcs ?? [];
    if (found) return found;
    throw new IaasError('fatal', `EC2 has no VPC ${vpc}, which network.vpc names`);
  }

  async #freeRange(vpc: Vpc, taken: readonly Range[], call: CallOptions): Promise<string> {
    const { prefix } = this.#options;
    const subnets = await this.#subnets([{ Name: 'vpc-id', Values: [vpc.VpcId ?? ''] }], call);
    const used = [...taken, ...subnets.map(({ CidrBlock }) => parseCidr(CidrBlock ?? '').range)];
    for (const range of rangesOf(vpc)) {
      let block = blockOf(range.first, prefix);
      while (contains(range, block)) {
        const at = block;
        const overlapping = used.find((each) => overlap(each, at));
        if (!overlapping) return `${textOf(block.first)}/${prefix}`;
        block = blockOf(Math.max(overlapping.last, block.last) + 1, prefix);
      }
    }
    throw new IaasError('capacity', `the VPC has no free range with a prefix of /${prefix}`);
  }

  async remove(ref: string, call: CallOptions): Promise<void> {
    const subnet = await this.look(ref, call);
    if (subnet && !marksIn(subnet.Tags, this.#realm))
      throw new IaasError('denied', 'this subnet was not made by VEP, which leaves it alone');
    if (subnet) {
      await this.#api.ask('DeleteSubnet', { SubnetId: ref }, call).catch((error: unknown) => {
        if (isCode(error, /^DependencyViolation$/))
          throw new IaasError('conflict', 'machines still have addresses of this network', (error as IaasError).said);
        unlessGone(error);
      });
    }
    if (!/^subnet-[0-9a-f]+$/.test(ref)) return;
    const known = tagOf(subnet?.Tags, GROUP);
    const groups =
      known === undefined
        ? await this.#groups([...ours(this.#realm), { Name: `tag:${SUBNET}`, Values: [ref] }], call)
        : [{ GroupId: known }];
    for (const { GroupId } of groups) await this.#api.ask('DeleteSecurityGroup', { GroupId }, call).catch(unlessGone);
  }

  /** Security groups of an interface in a subnet: that of VEP's network, or those the administrator names for others. */
  groupsOf(subnet: Subnet): { readonly Groups?: string[] } {
    const own = marksIn(subnet.Tags, this.#realm) ? tagOf(subnet.Tags, GROUP) : undefined;
    const groups = own === undefined ? this.#options.securityGroups : [own];
    return groups.length === 0 ? {} : { Groups: [...groups] };
  }

  observe({ SubnetId, State, CidrBlock, Tags }: Subnet): Extract<Observed, { readonly class: 'network' }> {
    const marks = marksIn(Tags, this.#realm);
    const cidr = CidrBlock ?? '0.0.0.0/28';
    return {
      class: 'network',
      ref: SubnetId ?? '',
      ...(marks === undefined ? {} : { id: marks.id }),
      state: 'active',
      busy: State === 'pending',
      cidr,
      gateway: textOf(parseCidr(cidr).range.first + 1),
    };
  }
}

const overlap = (one: Range, other: Range): boolean => one.first <= other.last && other.first <= one.last;

export function rangesOf(vpc: Vpc): Range[] {
  const blocks = vpc.CidrBlockAssociationSet?.map(({ CidrBlock }) => CidrBlock) ?? [vpc.CidrBlock];
  return [...new Set(blocks)].flatMap((cidr) => (cidr === undefined ? [] : [parseCidr(cidr).range]));
}

interface Wish {
  readonly cidr: string | undefined;
}

/** @throws IaasError `invalid` where range and gateway are none that EC2 has */
function readWish({ cidr, gateway, vlan, name }: NetworkSpec): Wish {
  if (name === '') throw new IaasError('invalid', 'a network needs a name');
  if (vlan !== undefined) throw new IaasError('invalid', 'a subnet of EC2 has no VLAN');
  const parsed = cidr === undefined ? undefined : parseCidr(cidr);
  if (parsed && (parsed.prefix < WIDEST || parsed.prefix > NARROWEST))
    throw new IaasError('invalid', `a subnet of EC2 has a prefix of /${WIDEST} to /${NARROWEST}`);
  if (gateway !== undefined && (!parsed || addressOf(gateway) !== parsed.range.first + 1))
    throw new IaasError('invalid', 'the gateway of a subnet of EC2 is its first address, and no other');
  return { cidr: parsed && `${textOf(parsed.range.first)}/${parsed.prefix}` };
}
