/** Instances, their types and key pairs, as the fake EC2 has them. */

import { createHash } from 'node:crypto';
import { attachInterface, createInterface, interfaceSet } from './network.js';
import { placedIn, strategiesOf } from './placement-groups.js';
import { Parameters, Refusal, type Answer } from './query.js';
import { createVolume } from './storage.js';
import { ACCOUNT, TYPES, checkTags, passes, tagSet, tagsFor, type Instance, type World } from './world.js';

const CODES: Readonly<Record<string, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};
const stateOf = (name: string): Answer => ({ code: CODES[name] ?? 0, name });

/** What the next calls meet, ordered by a test. */
export interface Orders {
  failLaunch: boolean;
  /** The placement group of the next launch is gone. */
  loseGroup: boolean;
  ignoreAction: boolean;
}

export function runInstances(world: World, asked: Parameters, orders: Orders): Answer {
  const token = asked.text('ClientToken');
  const zone = zoneOf(world, asked);
  const fingerprint = fingerprintOf(asked);
  // A token that comes with a zone stands for an instance in that zone alone.
  const earlier = [...world.instances.values()].find(
    (each) => token !== undefined && each.clientToken === token && each.zone === zone,
  );
  if (earlier) {
    if (world.state(earlier) === 'terminated')
      throw new Refusal('IdempotentInstanceTerminated', 'The client token is associated with a terminated instance.');
    if (earlier.asked !== fingerprint)
      throw new Refusal('IdempotentParameterMismatch', 'Arguments on this idempotent request are inconsistent');
    return reservation(world, [earlier], world.state(earlier));
  }
  const image = world.images.get(asked.text('ImageId') ?? '');
  if (!image) throw new Refusal('InvalidAMIID.NotFound', `The image id '[${asked.text('ImageId')}]' does not exist`);
  const type = asked.text('InstanceType') ?? 'm1.small';
  const info = TYPES[type];
  if (!info) throw new Refusal('InvalidParameterValue', `Invalid value '${type}' for InstanceType.`);
  const key = asked.text('KeyName');
  if (key !== undefined && !world.keyPairs.has(key))
    throw new Refusal('InvalidKeyPair.NotFound', `The key pair '${key}' does not exist`);
  const userData = asked.text('UserData');
  if (userData !== undefined && Buffer.from(userData, 'base64').byteLength > 16_384)
    throw new Refusal('InvalidParameterValue', 'User data is limited to 16384 bytes');
  const tags = tagsFor(asked, 'instance');
  checkTags(tags);
  if (orders.loseGroup) world.placementGroups.delete(asked.text('Placement', 'GroupName') ?? '');
  orders.loseGroup = false;
  const group = placedIn(world, asked, type, zone);
  checkTags(tagsFor(asked, 'volume'));
  const used = world.live
    .filter((each) => world.state(each) !== 'stopped')
    .reduce((sum, each) => sum + (TYPES[each.type]?.cores ?? 0), 0);
  if (used + info.cores > world.vcpuLimit)
    throw new Refusal(
      'VcpuLimitExceeded',
      `You have requested more vCPU capacity than your current vCPU limit of ${world.vcpuLimit} allows`,
    );
  const wanted = asked.list('NetworkInterface');
  if (wanted.length > info.interfaces)
    throw new Refusal('AttachmentLimitExceeded', `Interface count ${wanted.length} exceeds the limit for ${type}`);
  const instance: Instance = {
    id: world.id('i'),
    tags,
    type,
    image: image.id,
    key,
    userData,
    clientToken: token,
    asked: fingerprint,
    rootDevice: image.rootDevice,
    zone,
    group,
    hibernates: asked.text('HibernationOptions', 'Configured') === 'true',
    tokens: asked.text('MetadataOptions', 'HttpTokens') ?? 'optional',
    reason: undefined,
    ...world.born('pending', orders.failLaunch ? 'terminated' : 'running'),
  };
  const usual = [...world.subnets.values()].find((each) => each.isDefault && each.zone === zone);
  const given = wanted.length > 0 ? wanted : [new Parameters({ SubnetId: usual?.id ?? '', DeviceIndex: '0' })];
  for (const each of given) {
    const id = each.text('NetworkInterfaceId');
    const nic = id === undefined ? createInterface(world, each, new Map()) : world.interfaces.get(id);
    if (!nic) throw new Refusal('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`);
    attachInterface(world, nic, instance.id, each.number('DeviceIndex') ?? 0, id === undefined);
  }
  if (orders.failLaunch) {
    orders.failLaunch = false;
    instance.reason = { code: 'Server.InternalError', message: 'Server.InternalError: Internal error on launch' };
  }
  world.instances.set(instance.id, instance);
  const [mapping] = asked.list('BlockDeviceMapping').filter((each) => each.text('DeviceName') === image.rootDevice);
  const size = mapping?.number('Ebs', 'VolumeSize') ?? image.size;
  if (size < image.size)
    throw new Refusal('InvalidBlockDeviceMapping', `Volume of size ${size}GB is smaller than snapshot`);
  const root = createVolume(world, {
    size,
    zone: instance.zone,
    type: mapping?.text('Ebs', 'VolumeType') ?? 'gp2',
    snapshot: image.snapshot,
    tags: tagsFor(asked, 'volume'),
  });
  root.attachments = [
    {
      instance: instance.id,
      device: image.rootDevice,
      goesWith: mapping?.text('Ebs', 'DeleteOnTermination') !== 'false',
      ...world.born('attached'),
    },
  ];
  return reservation(world, [instance], 'pending');
}

/** Where it is to be: in the zone that is named, or that of its first interface. */
function zoneOf(world: World, asked: Parameters): string {
  const [first] = asked.list('NetworkInterface');
  const nic = world.interfaces.get(first?.text('NetworkInterfaceId') ?? '');
  const subnet = nic?.subnet ?? world.subnets.get(first?.text('SubnetId') ?? '');
  const zone = world.zoneIn(asked.text('Placement', 'AvailabilityZone') ?? subnet?.zone);
  if (subnet && subnet.zone !== zone)
    throw new Refusal('InvalidParameterCombination', `The subnet '${subnet.id}' is not in ${zone}.`);
  return zone;
}

const fingerprintOf = (asked: Parameters): string =>
  JSON.stringify([
    asked.text('ImageId'),
    asked.text('InstanceType'),
    asked.list('NetworkInterface').map((each) => each.text('NetworkInterfaceId') ?? each.text('SubnetId')),
  ]);

function reservation(world: World, instances: readonly Instance[], state?: string): Answer {
  return {
    reservationId: 'r-0123456789abcdef0',
    ownerId: ACCOUNT,
    groupSet: [],
    instancesSet: instances.map((instance) => instanceItem(world, instance, state)),
  };
}

function instanceItem(world: World, instance: Instance, state = world.shownState(instance)): Answer {
  const gone = state === 'terminated';
  const nics = gone ? [] : interfaceSet(world, instance.id);
  const primary = nics[0];
  const { type, image, key, tags, rootDevice, zone, group, clientToken, reason } = instance;
  return {
    instanceId: instance.id,
    imageId: image,
    instanceState: stateOf(state),
    privateDnsName: '',
    dnsName: '',
    reason: '',
    keyName: key,
    amiLaunchIndex: 0,
    instanceType: type,
    launchTime: new Date(instance.shownFrom).toISOString(),
    placement: { availabilityZone: zone, groupName: group, tenancy: 'default' },
    monitoring: { state: 'disabled' },
    ...(primary
      ? { subnetId: primary['subnetId'], vpcId: primary['vpcId'], privateIpAddress: primary['privateIpAddress'] }
      : {}),
    architecture: 'x86_64',
    ...(reason && (state === 'terminated' || state.startsWith('stop')) ? { stateReason: { ...reason } } : {}),
    rootDeviceType: 'ebs',
    rootDeviceName: rootDevice,
    blockDeviceMapping: [...world.volumes.values()].flatMap((volume) =>
      volume.attachments
        .filter((each) => each.instance === instance.id)
        .map(({ device, goesWith }) => ({
          deviceName: device,
          ebs: { volumeId: volume.id, status: 'attached', deleteOnTermination: goesWith },
        })),
    ),
    virtualizationType: 'hvm',
    clientToken: clientToken ?? '',
    tagSet: tagSet(tags),
    hypervisor: 'xen',
    networkInterfaceSet: nics,
  };
}

export function describeInstances(world: World, asked: Parameters): Answer {
  const ids = asked.texts('InstanceId');
  for (const id of ids) {
    const found = world.instances.get(id);
    if (!found || !world.shows(found))
      throw new Refusal('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  }
  const all = [...world.instances.values()]
    .filter((each) => world.shows(each) && (ids.length === 0 || ids.includes(each.id)))
    .filter((each) =>
      passes(asked, each.tags, {
        'instance-id': each.id,
        'instance-state-name': world.shownState(each),
        'client-token': each.clientToken,
        'availability-zone': each.zone,
      }),
    );
  const from = Number(asked.text('NextToken') ?? 0);
  const size = asked.number('MaxResults') ?? all.length;
  const page = all.slice(from, from + size);
  return {
    reservationSet: page.map((each) => reservation(world, [each])),
    nextToken: from + size < all.length ? String(from + size) : undefined,
  };
}

/** Start, stop and terminate: all of the instances named, or none. */
export function changeInstances(
  world: World,
  asked: Parameters,
  action: 'start' | 'stop' | 'terminate',
  orders: Orders,
): Answer {
  const hibernate = asked.text('Hibernate') === 'true';
  const instances = asked.texts('InstanceId').map((id) => {
    const found = world.instances.get(id);
    if (!found || !world.shows(found))
      throw new Refusal('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
    return found;
  });
  for (const each of instances) mayChange(each, world.state(each), action, hibernate);
  const ignored = orders.ignoreAction && action !== 'terminate';
  if (ignored) orders.ignoreAction = false;
  return {
    instancesSet: instances.map((instance) => {
      const before = world.state(instance);
      if (!ignored) move(world, instance, before, action, hibernate);
      return {
        instanceId: instance.id,
        currentState: stateOf(world.state(instance)),
        previousState: stateOf(before),
      };
    }),
  };
}

function mayChange(instance: Instance, state: string, action: string, hibernate: boolean): void {
  const allowed = {
    start: ['stopped', 'running', 'pending'],
    stop: ['running', 'stopping', 'stopped'],
    terminate: Object.keys(CODES),
  }[action];
  if (!allowed?.includes(state))
    throw new Refusal(
      'IncorrectInstanceState',
      `The instance '${instance.id}' is not in a state from which it can be ${action}ed.`,
    );
  if (hibernate && !instance.hibernates)
    throw new Refusal('UnsupportedHibernationConfiguration', 'The instance was not launched for hibernation');
}

function move(world: World, instance: Instance, before: string, action: string, hibernate: boolean): void {
  if (action === 'start') {
    if (before !== 'stopped') return;
    instance.reason = undefined;
    world.moves(instance, 'pending', 'running');
  } else if (action === 'stop') {
    if (before !== 'running') return;
    const code = hibernate ? 'Client.UserInitiatedHibernate' : 'Client.UserInitiatedShutdown';
    instance.reason = { code, message: `${code}: User initiated` };
    world.moves(instance, 'stopping', 'stopped');
  } else if (before !== 'terminated' && before !== 'shutting-down') {
    instance.reason = { code: 'Client.UserInitiatedShutdown', message: 'Client.UserInitiatedShutdown' };
    world.moves(instance, 'shutting-down', 'terminated');
  }
}

export function rebootInstances(world: World, asked: Parameters): Answer {
  for (const id of asked.texts('InstanceId')) {
    const found = world.instances.get(id);
    if (!found) throw new Refusal('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
    if (world.state(found) !== 'running')
      throw new Refusal('IncorrectState', `The instance '${id}' is not in the 'running' state`);
  }
  world.reboots.push(...asked.texts('InstanceId'));
  return { return: true };
}

export function modifyInstance(world: World, asked: Parameters): Answer {
  const instance = world.instances.get(asked.text('InstanceId') ?? '');
  if (!instance) throw new Refusal('InvalidInstanceID.NotFound', 'The instance ID does not exist');
  const type = asked.text('InstanceType', 'Value');
  if (type !== undefined) {
    if (world.state(instance) !== 'stopped')
      throw new Refusal('IncorrectInstanceState', `The instance '${instance.id}' is not in the 'stopped' state.`);
    if (!TYPES[type]) throw new Refusal('InvalidParameterValue', `Invalid value '${type}' for InstanceType.`);
    instance.type = type;
  }
  return { return: true };
}

export function describeTypes(asked: Parameters): Answer {
  const wanted = asked.texts('InstanceType');
  return {
    instanceTypeSet: Object.entries(TYPES)
      .filter(([name]) => wanted.length === 0 || wanted.includes(name))
      .map(([name, { cores, memoryMib, interfaces, hibernates, hypervisor = 'nitro' }]) => ({
        instanceType: name,
        currentGeneration: true,
        bareMetal: false,
        hypervisor,
        supportedRootDeviceTypes: ['ebs'],
        processorInfo: { supportedArchitectures: ['x86_64'] },
        vCpuInfo: { defaultVCpus: cores },
        memoryInfo: { sizeInMiB: memoryMib },
        networkInfo: { maximumNetworkInterfaces: interfaces },
        hibernationSupported: hibernates === true,
        placementGroupInfo: { supportedStrategies: strategiesOf(name) },
      })),
  };
}

export function importKeyPair(world: World, asked: Parameters): Answer {
  const name = asked.text('KeyName') ?? '';
  const key = Buffer.from(asked.text('PublicKeyMaterial') ?? '', 'base64').toString('utf8');
  if (!/^(ssh-rsa|ssh-ed25519) [A-Za-z0-9+/=]+( .*)?\n?$/.test(key))
    throw new Refusal('InvalidKey.Format', 'Key is not in valid OpenSSH public key format');
  if (world.keyPairs.has(name)) throw new Refusal('InvalidKeyPair.Duplicate', `The keypair '${name}' already exists.`);
  world.keyPairs.set(name, tagsFor(asked, 'key-pair'));
  const digest = createHash('md5').update(key).digest('hex').match(/../g)?.join(':') ?? '';
  return { keyPairId: world.id('key'), keyName: name, keyFingerprint: digest };
}

export function deleteKeyPair(world: World, asked: Parameters): Answer {
  world.keyPairs.delete(asked.text('KeyName') ?? '');
  return { return: true };
}
