/**
 * Subnets of a VPC, each of which is in one availability zone. A network over several zones has its range cut into parts, and a subnet
 * for each of them: the first is the network, with its marks, its range and its zones; the others say whose parts they are.
 */

import type { Subnet, Tag } from '@aws-sdk/client-ec2';
import { IaasError, type CallOptions, type SiteRef } from '../../adapter.js';
import { parseCidr, textOf, type Range } from '../../ranges.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import { digestOf, listOf, marksIn, ours, oursFor, REALM, tagged, tagOf } from './marks.js';
import type { Patience } from '../../patience.js';

/** On a network and its security group: the whole range, and the zones that have parts of it, in their order. */
export const CIDR = 'vep:cidr';
export const ZONES = 'vep:zones';
/** On a part that is not the first: digest of the network's token. */
const PART = 'vep:part';

/** Subnets of EC2 have prefixes of these lengths. */
export const [WIDEST, NARROWEST] = [16, 28];

type Filters = { Name: string; Values: string[] }[];

export interface SubnetServices {
  readonly api: Ec2Api;
  readonly realm: string;
  readonly patience: Patience;
}

/** Part of a network in one zone. */
export interface Part {
  readonly zone: string;
  readonly cidr: string;
}

/** What is written on all subnets of a network. */
export interface Writing {
  readonly vpc: string;
  readonly token: string;
  readonly name: string;
  /** Of the first. */
  readonly tags: readonly Tag[];
  /** Of the others, besides whose they are. */
  readonly more: Readonly<Record<string, string>>;
}

/** Somebody else has addresses of a range. */
export class Taken extends IaasError {
  constructor(cidr: string, cause: unknown) {
    super('conflict', `addresses of ${cidr} are in use by another subnet`, (cause as IaasError).said, cause);
  }
}

export class Subnets {
  readonly #services: SubnetServices;

  constructor(services: SubnetServices) {
    this.#services = services;
  }

  async look(ref: SiteRef, call: CallOptions): Promise<Subnet | undefined> {
    return (await this.some([ref], call))[0];
  }

  some(refs: readonly SiteRef[], call: CallOptions): Promise<readonly Subnet[]> {
    const ids = refs.filter((ref) => /^subnet-[0-9a-f]{8,17}$/.test(ref));
    return ids.length === 0 ? Promise.resolve([]) : this.described([{ Name: 'subnet-id', Values: ids }], call);
  }

  /** Networks of VEP. */
  async ours(call: CallOptions): Promise<readonly Subnet[]> {
    return (await this.described(ours(this.#services.realm), call)).filter((subnet) => !isPart(subnet));
  }

  async ofToken(token: string, call: CallOptions): Promise<Subnet | undefined> {
    return (await this.described(oursFor(this.#services.realm, token), call))[0];
  }

  ofVpc(vpc: string, call: CallOptions): Promise<readonly Subnet[]> {
    return this.described([{ Name: 'vpc-id', Values: [vpc] }], call);
  }

  /** The subnets of a network, the first one first. */
  async partsOf(network: Subnet, call: CallOptions): Promise<readonly Subnet[]> {
    const token = marksIn(network.Tags, this.#services.realm)?.token;
    if (token === undefined || zonesIn(network.Tags).length < 2) return [network];
    const filters = [...ours(this.#services.realm), { Name: `tag:${PART}`, Values: [token] }];
    return [network, ...(await this.described(filters, call))];
  }

  async described(filters: Filters, call: CallOptions): Promise<Subnet[]> {
    const found: Subnet[] = [];
    for await (const page of this.#services.api.pages('DescribeSubnets', { Filters: filters }, call))
      found.push(...(page.Subnets ?? []));
    return found;
  }

  /**
   * The first subnet of a network, made if there is none.
   * @throws Taken
   */
  async first({ zone, cidr }: Part, { vpc, token, tags }: Writing, call: CallOptions): Promise<string> {
    const isMine = ({ Tags }: Subnet): boolean => marksIn(Tags, this.#services.realm)?.token === digestOf(token);
    return this.#made({ VpcId: vpc, AvailabilityZone: zone, CidrBlock: cidr }, [...tags], isMine, call);
  }

  /**
   * The other subnets of a network, as far as they are missing.
   * @throws Taken
   */
  async others(parts: readonly Part[], { vpc, token, name, more }: Writing, call: CallOptions): Promise<void> {
    if (parts.length === 0) return;
    const whose = digestOf(token);
    const filters = [...ours(this.#services.realm), { Name: `tag:${PART}`, Values: [whose] }];
    const present = new Set((await this.described(filters, call)).map(({ CidrBlock }) => CidrBlock));
    const tags = listOf({ Name: name, [REALM]: this.#services.realm, [PART]: whose, ...more });
    const isMine = ({ Tags }: Subnet): boolean => tagOf(Tags, PART) === whose;
    for (const { zone, cidr } of parts)
      if (!present.has(cidr))
        await this.#made({ VpcId: vpc, AvailabilityZone: zone, CidrBlock: cidr }, tags, isMine, call);
  }

  async #made(
    input: { readonly VpcId: string; readonly AvailabilityZone: string; readonly CidrBlock: string },
    tags: Tag[],
    isMine: (subnet: Subnet) => boolean,
    call: CallOptions,
  ): Promise<string> {
    const { api, patience } = this.#services;
    try {
      const answer = await api.ask('CreateSubnet', { ...input, TagSpecifications: tagged('subnet', tags) }, call);
      const made = answer.Subnet?.SubnetId;
      if (made === undefined) throw new IaasError('transient', 'EC2 answers without a subnet', 'no subnet');
      await patience.settled(call, async () => (await this.look(made, call)) !== undefined);
      return made;
    } catch (error) {
      if (!isCode(error, /^InvalidSubnet\.Conflict$/)) throw error;
      // Another process with the same token was faster, or somebody else has these addresses: EC2 will show it.
      const wanted = parseCidr(input.CidrBlock).range;
      const other = await patience.until(call, 'EC2 does not show the new subnet yet', async () =>
        (await this.ofVpc(input.VpcId, call)).find(({ CidrBlock }) =>
          overlap(parseCidr(CidrBlock ?? '').range, wanted),
        ),
      );
      if (other.SubnetId === undefined || !isMine(other)) throw new Taken(input.CidrBlock, error);
      return other.SubnetId;
    }
  }

  /** Removes a network: its first subnet last, by which whoever comes back finds the others. */
  async remove(network: Subnet, call: CallOptions): Promise<void> {
    for (const { SubnetId } of (await this.partsOf(network, call)).toReversed())
      await this.#services.api.ask('DeleteSubnet', { SubnetId }, call).catch((error: unknown) => {
        if (isCode(error, /^DependencyViolation$/))
          throw new IaasError('conflict', 'machines still have addresses of this network', (error as IaasError).said);
        unlessGone(error);
      });
  }
}

export const isPart = ({ Tags: tags }: Subnet): boolean => tagOf(tags, PART) !== undefined;

/** Zones of a network that VEP has made; none on any other. */
export const zonesIn = (tags: readonly Tag[] | undefined): readonly string[] => tagOf(tags, ZONES)?.split(' ') ?? [];

export const overlap = (one: Range, other: Range): boolean => one.first <= other.last && other.first <= one.last;

/** By how much longer the prefixes of the parts are, where so many zones share a range. */
export const bitsFor = (zones: number): number => Math.ceil(Math.log2(zones));

/** A range cut into equal parts, one for each zone. */
export function cut(cidr: string, zones: readonly string[]): readonly Part[] {
  const { range, prefix } = parseCidr(cidr);
  const length = prefix + bitsFor(zones.length);
  return zones.map((zone, index) => ({ zone, cidr: `${textOf(range.first + index * 2 ** (32 - length))}/${length}` }));
}
