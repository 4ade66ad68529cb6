/**
 * The interfaces that a machine is launched with. They are made first, in the zone where it is to be, and those in other zones are
 * removed before it is launched: EC2 removes none that a machine has, and launches none with an interface that is gone. So no machine
 * comes to be in two zones, whoever is cut off when, and whoever comes back sees in which zone it was tried last
 * (`docs/decisions/0023-interfaces-before-machines.md`).
 */

import type { InstanceNetworkInterfaceSpecification, NetworkInterface } from '@aws-sdk/client-ec2';
import type { Clock } from '../../../base/clock.js';
import { IaasError, type CallOptions, type ComputeSpec, type NicSpec } from '../../adapter.js';
import type { Addresses } from './addresses.js';
import { isCode } from './ec2-error.js';
import { tagged, tagOf, tagsOf } from './marks.js';
import { OWN, type NetworkInterfaces } from './network-interfaces.js';
import type { Networks } from './networks.js';
import type { NetworkOptions } from './options.js';
import type { Zones } from './zones.js';

export interface LaunchInterfaceServices {
  readonly clock: Clock;
  /** The longest that a machine may take from its interface to its launch, in milliseconds. */
  readonly launchMs: number;
  readonly realm: string;
  readonly zones: Zones;
  readonly networks: Networks;
  readonly interfaces: NetworkInterfaces;
  readonly addresses: Addresses;
  readonly options: NetworkOptions;
}

export interface Prepared {
  /** Absent: EC2 makes the only one, in the default subnet of the zone. */
  readonly specifications?: InstanceNetworkInterfaceSpecification[];
  /** The first one, where it was made beforehand. */
  readonly first?: string;
}

export class LaunchInterfaces {
  readonly #services: LaunchInterfaceServices;
  /** Since when own interfaces have been seen that no machine has. */
  #idle: ReadonlyMap<string, number> = new Map();

  constructor(services: LaunchInterfaceServices) {
    this.#services = services;
  }

  /** Those that are asked for; an address is lent to a machine that is there. */
  asked({ nics = [] }: ComputeSpec): readonly Omit<NicSpec, 'compute'>[] {
    return nics.filter(({ network }) => !this.#services.addresses.isAddress(network));
  }

  /** The zone in which the machine was tried last, if one has been begun with. */
  async begunIn(spec: ComputeSpec, token: string, call: CallOptions): Promise<string | undefined> {
    const made = await this.#made(spec, token, call);
    return (made.find(({ Attachment }) => Attachment) ?? made[0])?.AvailabilityZone;
  }

  async prepare(spec: ComputeSpec, token: string, zone: string, call: CallOptions): Promise<Prepared> {
    const { interfaces, zones } = this.#services;
    const asked = this.asked(spec);
    const isOnly = (await zones.all(call)).length === 1;
    if (asked.length === 0 && isOnly) return this.#madeByLaunch(zone, call);
    const refs: string[] = [];
    for (const nic of asked) refs.push(await interfaces.ensure(nic, nic.id, spec, zone, call));
    if (asked.length === 0) refs.push(await this.#own(spec, token, zone, call));
    if (!isOnly) await this.#takeBackOthers(spec, token, zone, call);
    const specifications = refs.map((NetworkInterfaceId, DeviceIndex) => ({ DeviceIndex, NetworkInterfaceId }));
    return { specifications, ...(refs[0] === undefined ? {} : { first: refs[0] }) };
  }

  /** Where there is one zone alone, nothing has to be known of an earlier try but its client token. */
  async #madeByLaunch(zone: string, call: CallOptions): Promise<Prepared> {
    const { networks, options } = this.#services;
    if (options.subnets.length === 0) return {};
    const subnet = (await networks.defaults(call)).get(zone);
    if (!subnet) return {};
    const { SubnetId } = subnet;
    return { specifications: [{ DeviceIndex: 0, SubnetId, DeleteOnTermination: true, ...networks.groupsOf(subnet) }] };
  }

  /** The interface of a machine for which none is asked. */
  async #own(spec: ComputeSpec, token: string, zone: string, call: CallOptions): Promise<string> {
    const { realm, interfaces, networks } = this.#services;
    const known = (await interfaces.of(token, call)).find(({ AvailabilityZone }) => AvailabilityZone === zone);
    if (known?.NetworkInterfaceId !== undefined) return known.NetworkInterfaceId;
    const subnet = (await networks.defaults(call)).get(zone);
    if (!subnet) throw new IaasError('capacity', `${zone} has no subnet for machines without a network`);
    const tags = tagsOf(realm, spec, token, { [OWN]: 'yes' });
    const TagSpecifications = tagged('network-interface', tags);
    return interfaces.create(
      { SubnetId: subnet.SubnetId, TagSpecifications, ...networks.groupsOf(subnet) },
      token,
      call,
    );
  }

  async #takeBackOthers(spec: ComputeSpec, token: string, zone: string, call: CallOptions): Promise<void> {
    for (const { NetworkInterfaceId: ref = '', AvailabilityZone } of await this.#made(spec, token, call)) {
      if (AvailabilityZone === zone) continue;
      await this.#services.interfaces.drop(ref, call).catch((error: unknown) => {
        if (!isInUse(error)) throw error;
        throw new IaasError('transient', 'the machine is being launched in another zone', 'not shown', error);
      });
    }
  }

  async #made(spec: ComputeSpec, token: string, call: CallOptions): Promise<readonly NetworkInterface[]> {
    const asked = this.asked(spec);
    const tokens = asked.length === 0 ? [token] : asked.map(({ id }) => id);
    const made = await Promise.all(tokens.map((each) => this.#services.interfaces.of(each, call)));
    return made.flat();
  }

  /** Takes away what was made for a machine that did not come to be. */
  async discard(spec: ComputeSpec, token: string, call: CallOptions): Promise<void> {
    const { interfaces } = this.#services;
    for (const { NetworkInterfaceId: ref = '', Attachment: attachment } of await this.#made(spec, token, call))
      if (!attachment) await interfaces.drop(ref, call);
  }

  /**
   * Removes own interfaces that no machine has had for longer than a launch takes; a later launch makes another. Answers how many are
   * left for that time, or because a machine is about to have them.
   */
  async sweep(call: CallOptions): Promise<number> {
    const { interfaces, zones, clock, launchMs } = this.#services;
    if ((await zones.all(call)).length === 1) return 0;
    const idle = (await interfaces.ours(call)).flatMap(({ NetworkInterfaceId, Attachment, TagSet }) =>
      NetworkInterfaceId !== undefined && !Attachment && tagOf(TagSet, OWN) !== undefined ? [NetworkInterfaceId] : [],
    );
    const now = clock.now();
    this.#idle = new Map(idle.map((ref) => [ref, this.#idle.get(ref) ?? now]));
    let left = 0;
    for (const [ref, since] of this.#idle) {
      if (now - since < launchMs) left += 1;
      else
        await interfaces.drop(ref, call).catch((error: unknown) => {
          if (!isInUse(error)) throw error;
          left += 1;
        });
    }
    return left;
  }
}

/** A machine has it, or is about to. */
const isInUse = (error: unknown): boolean => isCode(error, /InUse$|^InvalidParameterValue$/);
