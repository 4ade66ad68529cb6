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
import { digestOf, listOf, marksIn, nameIn, ours, REALM, tagOf, tagged, tagsOf } from './marks.js';
import type { NetworkOptions } from './options.js';
import type { Patience } from '../../patience.js';
import {
  bitsFor,
  CIDR,
  cut,
  isPart,
  NARROWEST,
  overlap,
  Subnets,
  Taken,
  WIDEST,
  ZONES,
  zonesIn,
  type Part,
  type Writing,
} from './subnets.js';
import type { Zones } from './zones.js';

/** On subnets: their security group; on groups: the subnet they are for. */
const GROUP = 'vep:security-group';
const SUBNET = 'vep:subnet';

/** More zones than any region has, and as many as a tag has room for. */
const MOST_ZONES = 8;
/** Ranges that are tried when somebody else takes one after the other. */
const TRIES = 8;

export interface NetworkServices {
  readonly api: Ec2Api;
  readonly realm: string;
  readonly zones: Zones;
  readonly patience: Patience;
  readonly options: NetworkOptions;
}

export class Networks {
  readonly #api: Ec2Api;
  readonly #realm: string;
  readonly #zones: Zones;
  readonly #subnets: Subnets;
  readonly #options: NetworkOptions;

  constructor({ api, realm, zones, patience, options }: NetworkServices) {
    this.#api = api;
    this.#realm = realm;
    this.#zones = zones;
    this.#subnets = new Subnets({ api, realm, patience });
    this.#options = options;
  }

  /** Subnets that machines of this site can be in: those of the VPC in its zones. */
  async all(call: CallOptions): Promise<readonly Subnet[]> {
    const { vpc } = this.#options;
    const found = await this.#subnets.described(
      [
        { Name: 'availability-zone', Values: [...(await this.#zones.all(call))] },
        ...(vpc === undefined ? [] : [{ Name: 'vpc-id', Values: [vpc] }]),
      ],
      call,
    );
    return found.filter((subnet) => !isPart(subnet));
  }

  ours(call: CallOptions): Promise<readonly Subnet[]> {
    return this.#subnets.ours(call);
  }

  look(ref: string, call: CallOptions): Promise<Subnet | undefined> {
    return this.#subnets.look(ref, call);
  }

  some(refs: readonly string[], call: CallOptions): Promise<readonly Subnet[]> {
    return this.#subnets.some(refs, call);
  }

  /**
   * The subnets of a network, by zone.
   * @throws IaasError `not-found`
   */
  async places(ref: string, call: CallOptions): Promise<ReadonlyMap<string, Subnet>> {
    const network = await this.look(ref, call);
    if (!network) throw new IaasError('not-found', 'EC2 has no such subnet');
    const parts = await this.#subnets.partsOf(network, call);
    return new Map(parts.map((part) => [part.AvailabilityZone ?? '', part]));
  }

  /** Subnets of machines without a network, by zone. */
  async defaults(call: CallOptions): Promise<ReadonlyMap<string, Subnet>> {
    const { subnets } = this.#options;
    const usual = await this.#subnets.described([{ Name: 'default-for-az', Values: ['true'] }], call);
    const found = [...usual, ...(await this.some(subnets, call))];
    return new Map(found.map((subnet) => [subnet.AvailabilityZone ?? '', subnet]));
  }

  async create(spec: NetworkSpec, token: string, call: CallOptions): Promise<string> {
    const wish = readWish(spec);
    if (spec.host !== undefined) await this.#zones.mustHave(spec.host, call);
    const earlier = await this.#subnets.ofToken(token, call);
    const group = earlier ? groupOf(earlier) : await this.#group(spec, wish, token, call);
    try {
      const made = earlier?.SubnetId ?? (await this.#first(spec, wish, token, group, call));
      // Whoever made it may have been cut off before its group was told, or before the other zones had theirs.
      await this.#note(group, { [SUBNET]: made }, call);
      await this.#subnets.others((await this.#parts(group, call)).slice(1), this.#writing(spec, token, group), call);
      return made;
    } catch (error) {
      const isOver = error instanceof Taken || (!earlier && error instanceof IaasError && error.class !== 'transient');
      if (isOver) await this.#undo(token, group, call);
      // Others will not have these addresses again when a new range is chosen.
      if (error instanceof Taken && wish.cidr === undefined)
        throw new IaasError('transient', error.message, error.said, error);
      throw error;
    }
  }

  async #undo(token: string, { GroupId }: SecurityGroup, call: CallOptions): Promise<void> {
    const made = await this.#subnets.ofToken(token, call).catch(() => undefined);
    if (made) await this.#subnets.remove(made, call).catch(() => undefined);
    await this.#api.ask('DeleteSecurityGroup', { GroupId }, call).catch(() => undefined);
  }

  /** The subnets that a network consists of, as whoever made its group has chosen them. */
  async #parts({ Tags: tags }: SecurityGroup, call: CallOptions): Promise<readonly Part[]> {
    const [first = ''] = await this.#zones.all(call);
    const zones = zonesIn(tags);
    return cut(tagOf(tags, CIDR) ?? '', zones.length > 0 ? zones : [first]);
  }

  /**
   * The zones that a network reaches, that of its machines first. One with a range of the user's choice, in which they choose
   * addresses too, is in one zone: with parts in several, an address would say in which zone a machine is.
   */
  async #reach({ host }: NetworkSpec, { cidr }: Wish, call: CallOptions): Promise<readonly string[]> {
    const all = await this.#zones.all(call);
    const zones = host === undefined ? all : [host, ...all.filter((zone) => zone !== host)];
    return zones.slice(0, cidr === undefined ? MOST_ZONES : 1);
  }

  /** The security group of a token: whoever makes it chooses the range and the zones. */
  async #group(spec: NetworkSpec, wish: Wish, token: string, call: CallOptions): Promise<SecurityGroup> {
    const name = `${this.#realm}-${digestOf(token)}`;
    const vpc = await this.#vpc(call);
    const zones = await this.#reach(spec, wish, call);
    const cidr = wish.cidr ?? (await this.#freeRange(vpc, zones.length, [], call));
    const tags = tagsOf(this.#realm, spec, token, { [CIDR]: cidr, [ZONES]: zones.join(' ') });
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

  /** The first subnet; where somebody else has taken the range in the meantime, the group is told of another one. */
  async #first(spec: NetworkSpec, wish: Wish, token: string, group: SecurityGroup, call: CallOptions): Promise<string> {
    const tried: Range[] = [];
    for (;;) {
      const [part = { zone: '', cidr: '' }] = await this.#parts(group, call);
      try {
        return await this.#subnets.first(part, this.#writing(spec, token, group), call);
      } catch (error) {
        if (!(error instanceof Taken) || wish.cidr !== undefined || tried.length === TRIES) throw error;
        tried.push(parseCidr(tagOf(group.Tags, CIDR) ?? '').range);
        const cidr = await this.#freeRange(await this.#vpc(call), zonesIn(group.Tags).length, tried, call);
        group.Tags = [...(group.Tags ?? []).filter(({ Key }) => Key !== CIDR), ...listOf({ [CIDR]: cidr })];
        await this.#note(group, { [CIDR]: cidr }, call);
      }
    }
  }

  #writing(spec: NetworkSpec, token: string, { GroupId = '', VpcId = '', Tags: tags }: SecurityGroup): Writing {
    const more = { [GROUP]: GroupId };
    const said = { [CIDR]: tagOf(tags, CIDR) ?? '', [ZONES]: tagOf(tags, ZONES) ?? '' };
    return { vpc: VpcId, token, name: spec.name, tags: tagsOf(this.#realm, spec, token, { ...more, ...said }), more };
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

  async #freeRange(vpc: Vpc, zones: number, taken: readonly Range[], call: CallOptions): Promise<string> {
    const prefix = this.#options.prefix - bitsFor(zones);
    const subnets = await this.#subnets.ofVpc(vpc.VpcId ?? '', call);
    const used = [...taken, ...subnets.map((subnet) => parseCidr(rangeOf(subnet)).range)];
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
    if (subnet) await this.#subnets.remove(subnet, call);
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
    const own = tagOf(subnet.Tags, REALM) === this.#realm ? tagOf(subnet.Tags, GROUP) : undefined;
    const groups = own === undefined ? this.#options.securityGroups : [own];
    return groups.length === 0 ? {} : { Groups: [...groups] };
  }

  observe(subnet: Subnet): Extract<Observed, { readonly class: 'network' }> {
    const marks = marksIn(subnet.Tags, this.#realm);
    const cidr = rangeOf(subnet);
    return {
      class: 'network',
      ref: subnet.SubnetId ?? '',
      ...(marks === undefined ? {} : { id: marks.id }),
      ...nameIn(subnet.Tags),
      state: 'active',
      busy: subnet.State === 'pending',
      cidr,
      gateway: textOf(parseCidr(cidr).range.first + 1),
    };
  }
}

/** Whether an address can be one of a subnet's; where none is wished for, any will do. */
export function holds({ CidrBlock: cidr = '' }: Subnet, address: string | undefined): boolean {
  if (address === undefined) return true;
  const at = addressOf(address);
  return at !== undefined && contains(parseCidr(cidr).range, { first: at, last: at });
}

/** The security group of a network, which says what the network says. */
function groupOf(network: Subnet): SecurityGroup {
  const { VpcId, Tags: tags = [] } = network;
  return { GroupId: tagOf(tags, GROUP), VpcId, Tags: [...tags, ...listOf({ [CIDR]: rangeOf(network) })] };
}

/** The range of a network, of which a subnet is a part. */
export const rangeOf = ({ CidrBlock, Tags: tags }: Subnet): string => tagOf(tags, CIDR) ?? CidrBlock ?? '0.0.0.0/28';

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
