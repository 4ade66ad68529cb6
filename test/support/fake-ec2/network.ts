/** VPCs, subnets, security groups and network interfaces, as the fake EC2 has them. */

import { addressOf, blockOf, contains, parseCidr, textOf } from '../../../src/iaas/ranges.js';
import { Refusal, type Answer, type Parameters } from './query.js';
import {
  ACCOUNT,
  DEFAULT_GROUP,
  TYPES,
  VPC,
  VPC_CIDR,
  checkTags,
  passes,
  tagSet,
  tagsFor,
  type Interface,
  type Subnet,
  type World,
} from './world.js';

export function describeVpcs(asked: Parameters): Answer {
  const vpc = {
    vpcId: VPC,
    state: 'available',
    cidrBlock: VPC_CIDR,
    cidrBlockAssociationSet: [
      { cidrBlock: VPC_CIDR, associationId: 'vpc-cidr-assoc-01', cidrBlockState: { state: 'associated' } },
    ],
    instanceTenancy: 'default',
    isDefault: true,
    ownerId: ACCOUNT,
    tagSet: [],
  };
  return { vpcSet: passes(asked, new Map(), { 'vpc-id': VPC }) ? [vpc] : [] };
}

export function createSubnet(world: World, asked: Parameters): Answer {
  const cidr = asked.text('CidrBlock') ?? '';
  if (asked.text('VpcId') !== VPC) throw new Refusal('InvalidVpcID.NotFound', 'The vpc ID does not exist');
  const { range, prefix } = parseCidr(cidr);
  if (prefix < 16 || prefix > 28 || !contains(parseCidr(VPC_CIDR).range, range))
    throw new Refusal('InvalidSubnet.Range', `The CIDR '${cidr}' is invalid.`);
  for (const other of world.subnets.values()) {
    const theirs = parseCidr(other.cidr).range;
    if (range.first <= theirs.last && theirs.first <= range.last)
      throw new Refusal('InvalidSubnet.Conflict', `The CIDR '${cidr}' conflicts with another subnet`);
  }
  const tags = tagsFor(asked, 'subnet');
  checkTags(tags);
  const id = world.id('subnet');
  const zone = world.zoneIn(asked.text('AvailabilityZone'));
  const subnet: Subnet = { id, tags, vpc: VPC, cidr, zone, isDefault: false, ...world.born('pending', 'available') };
  world.subnets.set(id, subnet);
  return { subnet: subnetItem(world, subnet) };
}

function subnetItem(world: World, subnet: Subnet): Answer {
  const { range } = parseCidr(subnet.cidr);
  const taken = [...world.interfaces.values()].filter((each) => each.subnet === subnet).length;
  return {
    subnetId: subnet.id,
    state: world.shownState(subnet),
    vpcId: subnet.vpc,
    cidrBlock: subnet.cidr,
    availableIpAddressCount: range.last - range.first + 1 - 5 - taken,
    availabilityZone: subnet.zone,
    defaultForAz: subnet.isDefault,
    mapPublicIpOnLaunch: subnet.isDefault,
    ownerId: ACCOUNT,
    tagSet: tagSet(subnet.tags),
  };
}

export function describeSubnets(world: World, asked: Parameters): Answer {
  return {
    subnetSet: [...world.subnets.values()]
      .filter((each) => world.shows(each))
      .filter((each) =>
        passes(asked, each.tags, {
          'subnet-id': each.id,
          'vpc-id': each.vpc,
          'availability-zone': each.zone,
          'default-for-az': String(each.isDefault),
        }),
      )
      .map((each) => subnetItem(world, each)),
  };
}

export function deleteSubnet(world: World, asked: Parameters): Answer {
  const subnet = world.subnets.get(asked.text('SubnetId') ?? '');
  if (!subnet) throw new Refusal('InvalidSubnetID.NotFound', 'The subnet ID does not exist');
  if ([...world.interfaces.values()].some((each) => each.subnet === subnet))
    throw new Refusal('DependencyViolation', `The subnet '${subnet.id}' has dependencies and cannot be deleted.`);
  world.subnets.delete(subnet.id);
  return { return: true };
}

export function createInterface(world: World, asked: Parameters, tags: Map<string, string>): Interface {
  const subnet = world.subnets.get(asked.text('SubnetId') ?? '');
  if (!subnet)
    throw new Refusal('InvalidSubnetID.NotFound', `The subnet ID '${asked.text('SubnetId')}' does not exist`);
  checkTags(tags);
  const { range, prefix } = parseCidr(subnet.cidr);
  const used = new Set(
    [...world.interfaces.values()].filter((each) => each.subnet === subnet).map((each) => each.address),
  );
  const wanted = asked.text('PrivateIpAddress');
  if (wanted !== undefined) {
    const at = addressOf(wanted);
    if (at === undefined || blockOf(at, prefix).first !== range.first)
      throw new Refusal('InvalidParameterValue', "Address does not fall within the subnet's address range");
    // The first four and the last are not given out.
    if (at < range.first + 4 || at === range.last)
      throw new Refusal('InvalidParameterValue', 'Address is in subnet reserved address range');
    if (used.has(wanted)) throw new Refusal('InvalidIPAddress.InUse', `Address ${wanted} is in use.`);
  }
  let free = range.first + 4;
  while (used.has(textOf(free))) free += 1;
  if (wanted === undefined && free >= range.last)
    throw new Refusal('InsufficientFreeAddressesInSubnet', 'The specified subnet does not have enough free addresses');
  const groups = [...asked.texts('SecurityGroupId'), ...asked.texts('SecurityGroup')];
  for (const id of groups)
    if (!world.groups.has(id)) throw new Refusal('InvalidGroup.NotFound', `The security group '${id}' does not exist`);
  const nic: Interface = {
    id: world.id('eni'),
    tags,
    subnet,
    address: wanted ?? textOf(free),
    mac: world.mac(),
    groups: groups.length === 0 ? [DEFAULT_GROUP] : groups,
    ...world.born('pending', 'available'),
  };
  world.interfaces.set(nic.id, nic);
  return nic;
}

const byToken = new WeakMap<World, Map<string, Interface>>();

export function createNetworkInterface(world: World, asked: Parameters): Answer {
  const tokens = byToken.get(world) ?? new Map<string, Interface>();
  byToken.set(world, tokens);
  const token = asked.text('ClientToken');
  const earlier = token === undefined ? undefined : tokens.get(token);
  // Also one that is gone by now: a token answers what it answered.
  const nic = earlier ?? createInterface(world, asked, tagsFor(asked, 'network-interface'));
  if (token !== undefined) tokens.set(token, nic);
  return { networkInterface: interfaceItem(world, nic) };
}

export function attachInterface(
  world: World,
  nic: Interface,
  instance: string,
  index: number,
  goesWith: boolean,
): string {
  if (nic.attachment) throw new Refusal('InvalidNetworkInterface.InUse', `Interface: [${nic.id}] in use.`);
  const taken = [...world.interfaces.values()].some(
    ({ attachment }) => attachment?.instance === instance && attachment.index === index,
  );
  if (taken)
    throw new Refusal(
      'InvalidParameterValue',
      `Instance already has an interface attached at device index '${index}'.`,
    );
  nic.attachment = { id: world.id('eni-attach'), instance, index, goesWith };
  return nic.attachment.id;
}

export function attachNetworkInterface(world: World, asked: Parameters): Answer {
  const instance = world.instances.get(asked.text('InstanceId') ?? '');
  const nic = interfaceOf(world, asked);
  if (!instance) throw new Refusal('InvalidInstanceID.NotFound', 'The instance ID does not exist');
  if (instance.zone !== nic.subnet.zone)
    throw new Refusal('InvalidParameterCombination', 'You may not attach a network interface in another zone.');
  if (!['running', 'stopped'].includes(world.state(instance)))
    throw new Refusal('IncorrectState', `The instance '${instance.id}' is not 'running' or 'stopped'`);
  const count = [...world.interfaces.values()].filter(({ attachment }) => attachment?.instance === instance.id).length;
  if (count >= (TYPES[instance.type]?.interfaces ?? 1))
    throw new Refusal('AttachmentLimitExceeded', `Interface count ${count + 1} exceeds the limit for ${instance.type}`);
  return { attachmentId: attachInterface(world, nic, instance.id, asked.number('DeviceIndex') ?? 1, false) };
}

export function detachNetworkInterface(world: World, asked: Parameters): Answer {
  const id = asked.text('AttachmentId');
  const nic = [...world.interfaces.values()].find(({ attachment }) => attachment?.id === id);
  if (!nic?.attachment) throw new Refusal('InvalidAttachmentID.NotFound', `The attachment ID '${id}' does not exist`);
  if (nic.attachment.index === 0)
    throw new Refusal('OperationNotPermitted', 'The network interface at device index 0 cannot be detached.');
  delete nic.attachment;
  return { return: true };
}

export function modifyInterface(world: World, asked: Parameters): Answer {
  const nic = interfaceOf(world, asked);
  const goes = asked.text('Attachment', 'DeleteOnTermination');
  if (goes !== undefined) {
    if (!nic.attachment || nic.attachment.id !== asked.text('Attachment', 'AttachmentId'))
      throw new Refusal('InvalidAttachmentID.NotFound', 'The attachment ID does not exist');
    nic.attachment.goesWith = goes === 'true';
  }
  const groups = [...asked.texts('SecurityGroupId'), ...asked.texts('SecurityGroup')];
  for (const id of groups)
    if (!world.groups.has(id)) throw new Refusal('InvalidGroup.NotFound', `The security group '${id}' does not exist`);
  if (groups.length > 0) nic.groups = groups;
  return { return: true };
}

export function deleteInterface(world: World, asked: Parameters): Answer {
  const nic = interfaceOf(world, asked);
  if (nic.attachment) throw new Refusal('InvalidParameterValue', `Network interface '${nic.id}' is currently in use.`);
  world.interfaces.delete(nic.id);
  return { return: true };
}

function interfaceOf(world: World, asked: Parameters): Interface {
  const id = asked.text('NetworkInterfaceId') ?? '';
  const nic = world.interfaces.get(id);
  if (!nic) throw new Refusal('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`);
  return nic;
}

export function describeInterfaces(world: World, asked: Parameters): Answer {
  return {
    networkInterfaceSet: [...world.interfaces.values()]
      .filter((each) => world.shows(each))
      .filter((each) =>
        passes(asked, each.tags, {
          'network-interface-id': each.id,
          'subnet-id': each.subnet.id,
          'attachment.instance-id': each.attachment?.instance ?? '',
        }),
      )
      .map((each) => interfaceItem(world, each)),
  };
}

function interfaceItem(world: World, nic: Interface): Answer {
  const { attachment } = nic;
  return {
    networkInterfaceId: nic.id,
    subnetId: nic.subnet.id,
    vpcId: nic.subnet.vpc,
    availabilityZone: nic.subnet.zone,
    description: '',
    ownerId: ACCOUNT,
    status: attachment ? 'in-use' : world.shownState(nic),
    macAddress: nic.mac,
    privateIpAddress: nic.address,
    sourceDestCheck: true,
    groupSet: nic.groups.map((groupId) => ({ groupId, groupName: world.groups.get(groupId)?.name ?? '' })),
    ...(attachment
      ? {
          attachment: {
            attachmentId: attachment.id,
            instanceId: attachment.instance,
            deviceIndex: attachment.index,
            status: 'attached',
            deleteOnTermination: attachment.goesWith,
          },
        }
      : {}),
    tagSet: tagSet(nic.tags),
  };
}

/** Interfaces as an instance shows them, the first first. */
export function interfaceSet(world: World, instance: string): Answer[] {
  return [...world.interfaces.values()]
    .filter(({ attachment }) => attachment?.instance === instance)
    .sort((one, other) => (one.attachment?.index ?? 0) - (other.attachment?.index ?? 0))
    .map((nic) => {
      const { tagSet: _tags, availabilityZone: _zone, ...item } = interfaceItem(world, nic);
      return item;
    });
}
