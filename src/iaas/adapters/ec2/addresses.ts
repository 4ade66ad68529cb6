/**
 * Addresses that outsiders reach: elastic IPs. One is lent to a machine by joining it with the machine's first interface, and
 * counts as an interface of its own, whose marks are tags of the address. EC2 has no token for an allocation: one that was made
 * twice is found by its tags, and the younger goes.
 */

import type { Address } from '@aws-sdk/client-ec2';
import { kept, unkept } from '../../kept-text.js';
import {
  IaasError,
  type CallOptions,
  type NetworkSpec,
  type NicSpec,
  type Observed,
  type SiteRef,
} from '../../adapter.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Instances } from './instances.js';
import { digestOf, listOf, marksIn, ours, oursFor, tagOf, tagged, tagsOf } from './marks.js';
import type { NetworkOptions } from './options.js';

export interface AddressServices {
  readonly api: Ec2Api;
  readonly realm: string;
  readonly instances: Instances;
  readonly options: NetworkOptions;
}

const REF = /^eipalloc-[0-9a-f]{8,17}$/;
/** The interface that an address is lent as: digest of its token, and its id. */
const [PLUG, NIC] = ['vep:plug', 'vep:nic'];

export class Addresses {
  readonly #services: AddressServices;

  constructor(services: AddressServices) {
    this.#services = services;
  }

  get offered(): boolean {
    return this.#services.options.vpc !== undefined && this.#services.options.addresses;
  }

  /** Whether a reference is that of an address, or of one that is lent. */
  isAddress(ref: SiteRef): boolean {
    return REF.test(allocationOf(ref));
  }

  async reserve(spec: NetworkSpec, token: string, call: CallOptions): Promise<SiteRef> {
    const { api, realm } = this.#services;
    if ((await this.#ofToken(token, call)).length === 0) {
      const TagSpecifications = tagged('elastic-ip', tagsOf(realm, spec, token));
      const wanted = spec.cidr?.replace(/\/\d+$/, '');
      await api.ask(
        'AllocateAddress',
        { Domain: 'vpc', TagSpecifications, ...(wanted === undefined ? {} : { Address: wanted }) },
        call,
      );
    }
    const [first, ...surplus] = await this.#ofToken(token, call);
    if (first === undefined) throw new IaasError('transient', 'EC2 does not show the new address yet', 'not shown');
    for (const other of surplus) await this.#release(other, call);
    return first;
  }

  /** Allocations of a token, the one that counts first. */
  async #ofToken(token: string, call: CallOptions): Promise<string[]> {
    const found = await this.#described(oursFor(this.#services.realm, token), call);
    return found.flatMap(({ AllocationId: id }) => id ?? []).sort();
  }

  async giveBack(ref: SiteRef, call: CallOptions): Promise<void> {
    const [address] = await this.#some([ref], call);
    if (!address) return;
    this.#mustBeOurs(address);
    if (isLent(address)) throw new IaasError('conflict', 'a machine has this address');
    await this.#release(ref, call);
  }

  async #release(AllocationId: string, call: CallOptions): Promise<void> {
    await this.#services.api.ask('ReleaseAddress', { AllocationId }, call).catch((error: unknown) => {
      if (isCode(error, /^InvalidIPAddress\.InUse$/))
        throw new IaasError('conflict', 'a machine has this address', (error as IaasError).said);
      unlessGone(error);
    });
  }

  /** Joins an address with the first interface of an instance. */
  async lend(spec: NicSpec, token: string, call: CallOptions): Promise<SiteRef> {
    const { api, instances } = this.#services;
    const plug = digestOf(token);
    const [address] = await this.#some([spec.network], call);
    if (!address) throw new IaasError('not-found', 'EC2 has no such address');
    this.#mustBeOurs(address);
    const ref = `${spec.network}:${plug}`;
    const { instance } = await instances.own(spec.compute, call);
    if (isLent(address) && tagOf(address.Tags, PLUG) === plug) return ref;
    if (isLent(address)) throw new IaasError('conflict', 'another machine has this address');
    const first = instance.NetworkInterfaces?.find(({ Attachment }) => Attachment?.DeviceIndex === 0);
    if (!first?.NetworkInterfaceId)
      throw new IaasError('transient', 'the machine shows no interface yet', 'no interface');
    const marks = listOf({ [PLUG]: plug, [NIC]: kept(spec.id) });
    await api.ask('CreateTags', { Resources: [spec.network], Tags: marks }, call);
    const { NetworkInterfaceId } = first;
    await api.ask(
      'AssociateAddress',
      { AllocationId: spec.network, NetworkInterfaceId, AllowReassociation: false },
      call,
    );
    return ref;
  }

  /** Takes an address from the machine that has it. */
  async takeBack(ref: SiteRef, call: CallOptions): Promise<void> {
    const [, plug] = ref.split(':');
    const [address] = await this.#some([allocationOf(ref)], call);
    if (!address || tagOf(address.Tags, PLUG) !== plug || address.AssociationId === undefined) return;
    this.#mustBeOurs(address);
    const { AssociationId } = address;
    await this.#services.api.ask('DisassociateAddress', { AssociationId }, call).catch(unlessGone);
  }

  #mustBeOurs({ Tags: tags }: Address): void {
    if (!marksIn(tags, this.#services.realm))
      throw new IaasError('denied', 'this address was not reserved by VEP, which leaves it alone');
  }

  /** Addresses as networks of one address each; of some, or of all that are VEP's. */
  async observe(refs: readonly SiteRef[] | undefined, call: CallOptions): Promise<Observed[]> {
    return (await this.#known(refs, call)).flatMap((address): Observed[] => {
      const marks = marksIn(address.Tags, this.#services.realm);
      if (!marks) return [];
      const cidr = `${address.PublicIp}/32`;
      return [{ class: 'network', ref: address.AllocationId ?? '', id: marks.id, state: 'active', busy: false, cidr }];
    });
  }

  /** Those that are lent, as interfaces. */
  async observeLent(refs: readonly SiteRef[] | undefined, call: CallOptions): Promise<Observed[]> {
    const lent = (await this.#known(refs?.map(allocationOf), call)).filter(isLent);
    if (lent.length === 0) return [];
    const { api, instances } = this.#services;
    const machines = await instances.some(
      lent.flatMap(({ InstanceId }) => InstanceId ?? []),
      call,
    );
    const macs = new Map<string, string>();
    const Values = lent.flatMap(({ NetworkInterfaceId }) => NetworkInterfaceId ?? []);
    const Filters = [{ Name: 'network-interface-id', Values }];
    for await (const page of api.pages('DescribeNetworkInterfaces', { Filters }, call))
      for (const { NetworkInterfaceId: id, MacAddress: mac } of page.NetworkInterfaces ?? [])
        macs.set(id ?? '', mac ?? '');
    return lent.map((address): Observed => {
      const meaning = machines.get(address.InstanceId ?? '')?.meaning;
      return {
        class: 'nic',
        ref: `${address.AllocationId}:${tagOf(address.Tags, PLUG)}`,
        id: unkept(tagOf(address.Tags, NIC) ?? ''),
        state: meaning?.state === 'active' ? 'active' : 'inactive',
        busy: meaning?.busy === true,
        interface: 'eth0',
        mac: (macs.get(address.NetworkInterfaceId ?? '') ?? '').toLowerCase(),
        ...(address.PublicIp === undefined ? {} : { address: address.PublicIp }),
      };
    });
  }

  #known(refs: readonly SiteRef[] | undefined, call: CallOptions): Promise<readonly Address[]> {
    if (!this.offered) return Promise.resolve([]);
    return refs === undefined ? this.#described(ours(this.#services.realm), call) : this.#some(refs, call);
  }

  async #some(refs: readonly SiteRef[], call: CallOptions): Promise<readonly Address[]> {
    const Values = [...new Set(refs.filter((ref) => REF.test(ref)))];
    return Values.length === 0 ? [] : this.#described([{ Name: 'allocation-id', Values }], call);
  }

  async #described(Filters: { Name: string; Values: string[] }[], call: CallOptions): Promise<readonly Address[]> {
    return (await this.#services.api.ask('DescribeAddresses', { Filters }, call)).Addresses ?? [];
  }
}

const allocationOf = (ref: SiteRef): string => ref.split(':')[0] ?? '';

/** A machine that is gone has no address any more, whatever the tags say. */
const isLent = ({ AssociationId, Tags: tags }: Address): boolean =>
  AssociationId !== undefined && tagOf(tags, PLUG) !== undefined;
