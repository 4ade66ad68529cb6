/**
 * NICs as network interfaces of EC2, each an object of its own with tags, made before the machine it belongs to or
 * attached to one that is there. The first interface of an instance stays as long as the instance: letting go of it is
 * noted, and it goes with the machine.
 */

import type { CreateNetworkInterfaceRequest, Instance, NetworkInterface } from '@aws-sdk/client-ec2';
import { Mutex } from '../../../base/mutex.js';
import { IaasError, type CallOptions, type ComputeSpec, type NicSpec, type Observed } from '../../adapter.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Instances, Machine } from './instances.js';
import { digestOf, listOf, marksIn, ours, oursFor, tagged, tagOf, tagsOf } from './marks.js';
import { holds, type Networks } from './networks.js';
import type { Patience } from '../../patience.js';
import type { SecurityGroups } from './security-groups.js';

export interface InterfaceServices {
  readonly api: Ec2Api;
  readonly realm: string;
  readonly instances: Instances;
  readonly networks: Networks;
  readonly patience: Patience;
  readonly securityGroups: SecurityGroups;
}

/** On an interface that was let go of and cannot be detached. */
const LEFT = 'vep:left';
/** On one that nobody has asked for, as its machine is to have none of OCCI's. */
export const OWN = 'vep:own';
type NewInterface = Omit<CreateNetworkInterfaceRequest, 'ClientToken'> & { readonly SubnetId: string | undefined };

/** So often one call waits for an interface to show. */
const MOST_WAITS = 2;
const MOST_LOST = 10_000;
const REF = /^eni-[0-9a-f]{8,17}$/;

export class NetworkInterfaces {
  readonly #services: InterfaceServices;
  /** One attachment at a time to each machine: the next device number is found by looking. */
  readonly #turns = new Map<string, Mutex>();
  /** Those that were removed, or waited for in vain: EC2 may name them again to the token that made them. */
  readonly #lost = new Set<string>();

  constructor(services: InterfaceServices) {
    this.#services = services;
  }

  async attach(spec: NicSpec, token: string, call: CallOptions): Promise<string> {
    const ref = (await this.#theOne(spec, token, call)) ?? (await this.#ensureAt(spec, token, call));
    try {
      await this.#turn(spec.compute, () => this.#plug(ref, spec.compute, call));
      return ref;
    } catch (error) {
      if (error instanceof IaasError && error.class !== 'transient') await this.#deleteLoose(ref, call);
      throw error;
    }
  }

  async #deleteLoose(ref: string, call: CallOptions): Promise<void> {
    const left = await this.look(ref, call).catch(() => undefined);
    if (left && !left.Attachment) await this.drop(ref, call).catch(() => undefined);
  }

  /**
   * The interface of a token that is its machine's. One may have been left in another zone, where the machine was to be before:
   * EC2 may not have shown it yet when the machine was launched.
   */
  async #theOne({ compute }: NicSpec, token: string, call: CallOptions): Promise<string | undefined> {
    const made = await this.of(token, call);
    const attached = made.find(({ Attachment }) => Attachment?.InstanceId === compute);
    if (!attached && made.length < 2) return made[0]?.NetworkInterfaceId;
    for (const { NetworkInterfaceId: ref = '', Attachment: attachment } of made)
      if (!attachment) await this.drop(ref, call);
    return attached?.NetworkInterfaceId;
  }

  async #ensureAt(spec: NicSpec, token: string, call: CallOptions): Promise<string> {
    const { instance } = await this.#services.instances.own(spec.compute, call);
    return this.ensure(spec, token, {}, instance.Placement?.AvailabilityZone ?? '', call);
  }

  /** The interface of a token for a machine in a zone, made if there is none; one in another zone does not count. */
  async ensure(
    nic: Omit<NicSpec, 'compute'>,
    token: string,
    { application, owner }: Pick<ComputeSpec, 'application' | 'owner'>,
    zone: string,
    call: CallOptions,
  ): Promise<string> {
    const { realm, networks, securityGroups } = this.#services;
    const known = (await this.of(token, call)).find(({ AvailabilityZone }) => AvailabilityZone === zone);
    if (known?.NetworkInterfaceId !== undefined) return known.NetworkInterfaceId;
    if (nic.mac !== undefined) throw new IaasError('invalid', 'EC2 chooses the MAC addresses of interfaces itself');
    const places = await networks.places(nic.network, call);
    const subnet = places.get(zone);
    if (!subnet)
      throw new IaasError(
        'conflict',
        `this network is in ${[...places.keys()].join(', ')}, and the machine in ${zone}: take a network of that zone, or one for which no range is asked`,
      );
    if (!holds(subnet, nic.address))
      throw new IaasError('invalid', 'the address is none of its network, or of its part in the zone of the machine');
    const guards = nic.securityGroups ?? [];
    await securityGroups.check(guards, call);
    const marked = { id: nic.id, ...(application === undefined ? {} : { application }), ...(owner ? { owner } : {}) };
    return this.create(
      {
        SubnetId: subnet.SubnetId,
        TagSpecifications: tagged('network-interface', tagsOf(realm, marked, token)),
        ...(guards.length > 0 ? { Groups: [...guards] } : networks.groupsOf(subnet)),
        ...(nic.address === undefined ? {} : { PrivateIpAddress: nic.address }),
      },
      token,
      call,
    );
  }

  /** An interface of EC2, which it shows when this returns: what is done with it may depend on its being seen. */
  async create(input: NewInterface, token: string, call: CallOptions): Promise<string> {
    for (let tries = 0, waits = 0; ; tries += 1) {
      const made = await this.#create(input, tries === 0 ? token : `${token} ${tries}`, call);
      if (this.#lost.has(made)) continue;
      let isShown = false;
      await this.#services.patience.settled(call, async () => (isShown = (await this.look(made, call)) !== undefined));
      if (isShown) return made;
      // Most likely it is gone, and the token still tells of it.
      this.#lose(made);
      if (++waits === MOST_WAITS || call.signal?.aborted === true)
        throw new IaasError('transient', 'EC2 does not show the new interface yet', 'not shown');
    }
  }

  /** What EC2 answers to the token; that is bound to what it was used for, perhaps to an interface that is gone. */
  async #create(input: NewInterface, token: string, call: CallOptions): Promise<string> {
    const asked = { ...input, ClientToken: digestOf(`${token} ${input.SubnetId}`) };
    const { NetworkInterface } = await this.#services.api
      .ask('CreateNetworkInterface', asked, call)
      .catch((error: unknown) => {
        if (!isCode(error, /^InvalidIPAddress\.InUse$/)) throw error;
        throw new IaasError('conflict', 'the address is in use', (error as IaasError).said, error);
      });
    if (NetworkInterface?.NetworkInterfaceId !== undefined) return NetworkInterface.NetworkInterfaceId;
    throw new IaasError('transient', 'EC2 answers without an interface', 'no interface');
  }

  #lose(ref: string): void {
    if (this.#lost.size >= MOST_LOST) this.#lost.clear();
    this.#lost.add(ref);
  }

  /** All interfaces of a token, of which there are several while a machine goes from one zone to another. */
  async of(token: string, call: CallOptions): Promise<NetworkInterface[]> {
    const found = await this.#described(oursFor(this.#services.realm, token), call);
    return found.filter(({ TagSet }) => tagOf(TagSet, LEFT) === undefined);
  }

  async look(ref: string, call: CallOptions): Promise<NetworkInterface | undefined> {
    return (await this.some([ref], call))[0];
  }

  async some(refs: readonly string[], call: CallOptions): Promise<NetworkInterface[]> {
    const ids = refs.filter((ref) => REF.test(ref));
    return ids.length === 0 ? [] : this.#described([{ Name: 'network-interface-id', Values: ids }], call);
  }

  ours(call: CallOptions): Promise<NetworkInterface[]> {
    return this.#described(ours(this.#services.realm), call);
  }

  async #described(filters: { Name: string; Values: string[] }[], call: CallOptions): Promise<NetworkInterface[]> {
    const found: NetworkInterface[] = [];
    for await (const page of this.#services.api.pages('DescribeNetworkInterfaces', { Filters: filters }, call))
      found.push(...(page.NetworkInterfaces ?? []));
    return found;
  }

  async #plug(ref: string, compute: string, call: CallOptions): Promise<void> {
    const { api, instances, patience } = this.#services;
    await patience.until(call, 'the instance is on its way to another state', async () => {
      const nic = await this.look(ref, call);
      if (!nic) return undefined;
      const { Attachment: attachment } = nic;
      if (attachment?.InstanceId === compute) {
        await this.#goesWithMachine(ref, attachment, call);
        return true;
      }
      if (attachment) throw new IaasError('conflict', 'the interface belongs to another instance');
      const machine = await instances.own(compute, call);
      if (machine.meaning?.busy === true) return undefined;
      const DeviceIndex = freeIndex(machine.instance);
      try {
        await api.ask('AttachNetworkInterface', { NetworkInterfaceId: ref, InstanceId: compute, DeviceIndex }, call);
      } catch (error) {
        // Another process was faster, with this interface or with this number.
        if (!isCode(error, /InUse$|^IncorrectState$|^IncorrectInstanceState$/) && !isTakenIndex(error)) throw error;
      }
      return undefined;
    });
  }

  /** Interfaces that were there before their machine do not go with it by themselves. */
  async #goesWithMachine(ref: string, attachment: NetworkInterface['Attachment'], call: CallOptions): Promise<void> {
    if (attachment?.DeleteOnTermination === true || attachment?.AttachmentId === undefined) return;
    const Attachment = { AttachmentId: attachment.AttachmentId, DeleteOnTermination: true };
    await this.#services.api.ask('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId: ref, Attachment }, call);
  }

  /** Sees to it that everything of a machine that is about to be terminated goes with it. */
  async goWith({ instance }: Machine, call: CallOptions): Promise<void> {
    for (const { NetworkInterfaceId: ref = '', Attachment: attachment } of instance.NetworkInterfaces ?? [])
      await this.#goesWithMachine(ref, attachment, call).catch(unlessGone);
  }

  async remove(ref: string, call: CallOptions): Promise<void> {
    const { api, realm, patience } = this.#services;
    const nic = await this.look(ref, call);
    if (!nic) return;
    if (!marksIn(nic.TagSet, realm))
      throw new IaasError('denied', 'this interface was not made by VEP, which leaves it alone');
    const { Attachment: attachment } = nic;
    if (attachment?.DeviceIndex === 0) {
      await api.ask('CreateTags', { Resources: [ref], Tags: listOf({ [LEFT]: 'yes' }) }, call).catch(unlessGone);
      return;
    }
    if (attachment && attachment.Status !== 'detaching') {
      const AttachmentId = attachment.AttachmentId ?? '';
      await api.ask('DetachNetworkInterface', { AttachmentId }, call).catch((error: unknown) => {
        if (!isCode(error, /^Incorrect|NotFound$/)) throw error;
      });
    }
    await patience.until(call, 'the interface is still being detached', async () => {
      const now = await this.look(ref, call);
      return now?.Attachment ? undefined : true;
    });
    await this.drop(ref, call);
  }

  /** Deletes one that no machine has. */
  async drop(ref: string, call: CallOptions): Promise<void> {
    await this.#services.api.ask('DeleteNetworkInterface', { NetworkInterfaceId: ref }, call).catch(unlessGone);
    this.#lose(ref);
  }

  /** Interfaces in OCCI's words; what was let go of is not there. */
  async observe(nics: readonly NetworkInterface[], call: CallOptions): Promise<Observed[]> {
    const { instances, realm } = this.#services;
    const attached = nics.flatMap(({ Attachment }) => Attachment?.InstanceId ?? []);
    const machines = attached.length === 0 ? new Map<string, Machine>() : await instances.some(attached, call);
    return nics.flatMap((nic): Observed[] => {
      if (tagOf(nic.TagSet, LEFT) !== undefined || tagOf(nic.TagSet, OWN) !== undefined) return [];
      const { Attachment: attachment, PrivateIpAddress: address } = nic;
      const marks = marksIn(nic.TagSet, realm);
      const meaning = machines.get(attachment?.InstanceId ?? '')?.meaning;
      // One that waits for its machine, or has lost it, is no NIC yet, or no longer; a list shows it all the same.
      return [
        {
          class: 'nic',
          ref: nic.NetworkInterfaceId ?? '',
          ...(marks === undefined ? {} : { id: marks.id }),
          state: meaning?.state === 'active' ? 'active' : 'inactive',
          busy: attachment?.Status === 'attaching' || attachment?.Status === 'detaching' || meaning?.busy === true,
          interface: `eth${attachment?.DeviceIndex ?? 0}`,
          mac: (nic.MacAddress ?? '').toLowerCase(),
          ...(address === undefined ? {} : { address }),
          securityGroups: this.#services.securityGroups.guardsOf(nic),
        },
      ];
    });
  }

  #turn<T>(compute: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(compute) ?? new Mutex();
    this.#turns.set(compute, turn);
    return turn.run(work);
  }
}

function freeIndex({ NetworkInterfaces: interfaces = [] }: Instance): number {
  const used = new Set(interfaces.map(({ Attachment }) => Attachment?.DeviceIndex));
  let index = 0;
  while (used.has(index)) index += 1;
  return index;
}

const isTakenIndex = (error: unknown): boolean =>
  isCode(error, /^InvalidParameterValue$/) && /device index/i.test((error as IaasError).said ?? '');
