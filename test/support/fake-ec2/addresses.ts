/** Elastic IPs, as the fake EC2 has them. */

import { Refusal, type Answer, type Parameters } from './query.js';
import { checkTags, passes, tagSet, tagsFor, type ElasticIp, type World } from './world.js';

export function allocateAddress(world: World, asked: Parameters): Answer {
  const used = new Set([...world.addresses.values()].map(({ address }) => address));
  const wanted = asked.text('Address');
  if (wanted !== undefined && used.has(wanted))
    throw new Refusal('InvalidAddress.NotFound', `Address '${wanted}' does not belong to you.`);
  const free = Array.from({ length: 250 }, (_, index) => `198.51.100.${index + 2}`).find((each) => !used.has(each));
  if (free === undefined)
    throw new Refusal('AddressLimitExceeded', 'The maximum number of addresses has been reached.');
  const tags = tagsFor(asked, 'elastic-ip');
  checkTags(tags);
  const made: ElasticIp = { id: world.id('eipalloc'), tags, address: wanted ?? free };
  world.addresses.set(made.id, made);
  return { publicIp: made.address, allocationId: made.id, domain: 'vpc', publicIpv4Pool: 'amazon' };
}

export function describeAddresses(world: World, asked: Parameters): Answer {
  return {
    addressesSet: [...world.addresses.values()]
      .filter((each) => passes(asked, each.tags, { 'allocation-id': each.id, 'public-ip': each.address }))
      .map((each) => {
        const nic = nicOf(world, each);
        return {
          publicIp: each.address,
          allocationId: each.id,
          domain: 'vpc',
          ...(nic === undefined
            ? {}
            : {
                associationId: each.association?.id,
                networkInterfaceId: nic.id,
                instanceId: nic.attachment?.instance,
                privateIpAddress: nic.address,
              }),
          tagSet: tagSet(each.tags),
        };
      }),
  };
}

/** An association goes with its interface. */
function nicOf(world: World, { association }: ElasticIp): ReturnType<World['interfaces']['get']> {
  return association && world.interfaces.get(association.nic);
}

export function associateAddress(world: World, asked: Parameters): Answer {
  const address = addressOf(world, asked);
  const nic = world.interfaces.get(asked.text('NetworkInterfaceId') ?? '');
  if (!nic) throw new Refusal('InvalidNetworkInterfaceID.NotFound', 'The networkInterface ID does not exist');
  const taken = nicOf(world, address) ?? [...world.addresses.values()].find((each) => nicOf(world, each) === nic);
  if (taken !== undefined && asked.text('AllowReassociation') !== 'true')
    throw new Refusal('Resource.AlreadyAssociated', `resource ${address.id} is already associated`);
  address.association = { id: world.id('eipassoc'), nic: nic.id };
  return { return: true, associationId: address.association.id };
}

export function disassociateAddress(world: World, asked: Parameters): Answer {
  const id = asked.text('AssociationId');
  const found = [...world.addresses.values()].find(({ association }) => association?.id === id);
  if (!found) throw new Refusal('InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`);
  delete found.association;
  return { return: true };
}

export function releaseAddress(world: World, asked: Parameters): Answer {
  const address = addressOf(world, asked);
  if (nicOf(world, address)) throw new Refusal('InvalidIPAddress.InUse', `Address ${address.address} is in use.`);
  world.addresses.delete(address.id);
  return { return: true };
}

function addressOf(world: World, asked: Parameters): ElasticIp {
  const id = asked.text('AllocationId') ?? '';
  const address = world.addresses.get(id);
  if (!address) throw new Refusal('InvalidAllocationID.NotFound', `The allocation ID '${id}' does not exist`);
  return address;
}
