/**
 * The networks of a simulated site and the NICs on them. Every network has a range: the one that was asked for or a
 * subnet of the site's pool. Each NIC leases one address and one MAC of its network until it is gone; networks are
 * isolated from each other, so their ranges may overlap.
 */

import type { NetworkAction, NetworkSpec, NicSpec, SiteRef } from '../../adapter.js';
import { excerpt } from '../../../base/errors.js';
import {
  addressWithin,
  formatAddress,
  formatRange,
  guestAddresses,
  macOf,
  nextFree,
  parseRange,
  subnet,
  type AddressRange,
} from './addresses.js';
import { GONE, leaseKey, put, type Network, type Nic } from './cloud.js';
import { mustTakePlugs, pluggableMachine } from './machines.js';
import { guardsOf } from './security-groups.js';
import {
  changed,
  checkQuota,
  checkText,
  find,
  findOwn,
  madeBefore,
  mustRest,
  nextRef,
  refuse,
  underway,
  type Step,
} from './step.js';

export function createNetwork(step: Step, spec: NetworkSpec, token: string): SiteRef {
  const earlier = madeBefore(step, 'network', token);
  if (earlier !== undefined) return earlier;
  checkText('id', spec.id);
  checkText('name', spec.name);
  const { vlan } = spec;
  if (vlan !== undefined && !(Number.isInteger(vlan) && vlan >= 0 && vlan <= 4095))
    refuse('invalid', 'a VLAN id lies between 0 and 4095');
  const own = [...step.cloud.things.network.values()].filter((network) => network.id !== undefined);
  checkQuota('networks', own.length + 1, step.config.quota.networks);
  const { range, index } =
    spec.cidr === undefined ? nextSubnet(step) : { range: askedRange(spec.cidr), index: undefined };
  const gateway = gatewayOf(range, spec.gateway);
  const network: Network = {
    ...nextRef(step, 'net'),
    id: spec.id,
    token,
    state: 'inactive',
    name: spec.name,
    cidr: formatRange(range),
    ...(gateway === undefined ? {} : { gateway }),
    ...(vlan === undefined ? {} : { vlan }),
    cursor: String(guestAddresses(range).first),
    ...(index === undefined ? {} : { subnet: index }),
    change: underway(step, 'inactive', 'network', 'active'),
  };
  put(step.cloud, 'network', network, step.touched, step.at);
  return network.ref;
}

export function actOnNetwork(step: Step, ref: SiteRef, action: NetworkAction): void {
  const network = findOwn(step, 'network', ref);
  const to = action === 'up' ? 'active' : 'inactive';
  if (network.change ? network.change.to === to : network.state === to) return;
  mustRest(network);
  if (network.state === 'error') refuse('conflict', `network ${ref} is in error`);
  put(step.cloud, 'network', changed(network, underway(step, network.state, 'network', to)), step.touched, step.at);
}

export function deleteNetwork(step: Step, network: Network): void {
  const users = [...step.cloud.things.nic.values()].filter((nic) => nic.network === network.ref);
  if (users.some((nic) => nic.change?.to !== GONE))
    refuse('conflict', `network ${network.ref} has ${users.length} NICs on it`);
  if (users.length > 0) refuse('transient', `the last NICs are still leaving network ${network.ref}`);
  put(step.cloud, 'network', changed(network, underway(step, network.state, 'network', GONE)), step.touched, step.at);
}

export function plugNic(step: Step, spec: NicSpec, token: string): SiteRef {
  const earlier = madeBefore(step, 'nic', token);
  if (earlier !== undefined) return earlier;
  checkText('id', spec.id);
  const machine = pluggableMachine(step, spec.compute, 'hotplugNic');
  const network = find(step, 'network', spec.network);
  if (network.change?.to === GONE) mustRest(network);
  const range = parseRange(network.cidr);
  if (!range) refuse('fatal', `network ${network.ref} has no range`);

  const leased = (addressOrMac: string): boolean => step.cloud.leases.has(leaseKey(network.ref, addressOrMac));
  const address =
    spec.address === undefined
      ? freeAddress(network, range, leased)
      : askedAddress(network, range, spec.address, leased);
  const mac = spec.mac === undefined ? macOf(step.cloud.serial + 1) : spec.mac.toLowerCase();
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) refuse('invalid', `${excerpt(spec.mac)} is not a MAC address`);
  if (leased(mac)) refuse('conflict', `${mac} is already in use on network ${network.ref}`);

  const securityGroups = guardsOf(step, spec.securityGroups ?? []);
  const taken = new Set(
    [...step.cloud.things.nic.values()].filter((nic) => nic.compute === machine.ref).map((nic) => nic.interface),
  );
  let index = 0;
  while (taken.has(`eth${index}`)) index += 1;
  if (spec.address === undefined) {
    put(step.cloud, 'network', { ...network, cursor: String(address + 1n) }, [], step.at);
  }
  const nic: Nic = {
    ...nextRef(step, 'nic'),
    id: spec.id,
    token,
    state: 'active',
    compute: machine.ref,
    network: network.ref,
    interface: `eth${index}`,
    mac,
    address: formatAddress(address, range.bits),
    securityGroups,
    change: underway(step, 'active', 'attach', 'active'),
  };
  put(step.cloud, 'nic', nic, step.touched, step.at);
  return nic.ref;
}

export function unplugNic(step: Step, nic: Nic): void {
  mustTakePlugs(step, find(step, 'compute', nic.compute), 'hotplugNic');
  put(step.cloud, 'nic', changed(nic, underway(step, nic.state, 'attach', GONE)), step.touched, step.at);
}

function askedRange(cidr: string): AddressRange {
  const range = parseRange(cidr);
  if (!range) refuse('invalid', `${excerpt(cidr)} is not an address range`);
  return range;
}

function nextSubnet(step: Step): { readonly range: AddressRange; readonly index: number } {
  const { cidr, prefix } = step.config.networkPool;
  const pool = parseRange(cidr);
  for (let index = 0; pool; index++) {
    const range = subnet(pool, prefix, index);
    if (!range) break;
    if (!step.cloud.subnets.has(index)) return { range, index };
  }
  refuse('capacity', `the pool ${cidr} has no subnet left`);
}

/** The gateway asked for, else the first guest address where the range has room for one. */
function gatewayOf(range: AddressRange, asked: string | undefined): string | undefined {
  if (asked !== undefined) {
    const value = addressWithin(range, asked);
    if (value === undefined) refuse('invalid', `${excerpt(asked)} is not an address of ${formatRange(range)}`);
    return formatAddress(value, range.bits);
  }
  const { first, last } = guestAddresses(range);
  return last > first ? formatAddress(first, range.bits) : undefined;
}

function freeAddress(network: Network, range: AddressRange, leased: (address: string) => boolean): bigint {
  const address = nextFree(range, BigInt(network.cursor), (text) => text === network.gateway || leased(text));
  if (address === undefined) refuse('capacity', `network ${network.ref} has no address left`);
  return address;
}

function askedAddress(
  network: Network,
  range: AddressRange,
  asked: string,
  leased: (address: string) => boolean,
): bigint {
  const address = addressWithin(range, asked);
  const { first, last } = guestAddresses(range);
  if (address === undefined || address < first || address > last)
    refuse('invalid', `${excerpt(asked)} is no guest address of ${network.cidr}`);
  const text = formatAddress(address, range.bits);
  if (text === network.gateway || leased(text))
    refuse('conflict', `address ${text} is already in use on network ${network.ref}`);
  return address;
}
