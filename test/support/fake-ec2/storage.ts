/** Volumes, snapshots, images and imports, as the fake EC2 has them. */

import { Refusal, type Answer, type Parameters } from './query.js';
import { ACCOUNT, ZONE, checkTags, passes, tagSet, tagsFor, type Image, type Volume, type World } from './world.js';

interface NewVolume {
  readonly size: number;
  readonly zone: string;
  readonly type: string;
  readonly snapshot?: string | undefined;
  readonly tags: Map<string, string>;
  readonly clientToken?: string | undefined;
}

export function createVolume(world: World, { snapshot, clientToken, tags, ...rest }: NewVolume): Volume {
  checkTags(tags);
  const born = world.born('creating', 'available');
  const volume: Volume = { id: world.id('vol'), tags, snapshot, clientToken, ...rest, ...born };
  world.volumes.set(volume.id, volume);
  return volume;
}

export function askVolume(world: World, asked: Parameters): Answer {
  const clientToken = asked.text('ClientToken');
  const earlier = [...world.volumes.values()].find(
    (each) => clientToken !== undefined && each.clientToken === clientToken,
  );
  if (earlier) return volumeItem(world, earlier);
  const snapshot = world.snapshots.get(asked.text('SnapshotId') ?? '');
  if (asked.text('SnapshotId') !== undefined && !snapshot)
    throw new Refusal('InvalidSnapshot.NotFound', 'The snapshot does not exist.');
  const size = asked.number('Size') ?? snapshot?.size ?? 0;
  if (!(size >= 1)) throw new Refusal('InvalidParameterValue', 'Volume of 0GiB is too small');
  const used = [...world.volumes.values()].reduce((sum, each) => sum + each.size, 0);
  if (used + size > world.volumeLimitGib)
    throw new Refusal('VolumeLimitExceeded', 'You have exceeded your maximum storage limit');
  return volumeItem(
    world,
    createVolume(world, {
      size,
      zone: asked.text('AvailabilityZone') ?? ZONE,
      type: asked.text('VolumeType') ?? 'gp2',
      snapshot: snapshot?.id,
      tags: tagsFor(asked, 'volume'),
      clientToken,
    }),
  );
}

function volumeItem(world: World, volume: Volume): Answer {
  const { attachment } = volume;
  return {
    volumeId: volume.id,
    size: volume.size,
    snapshotId: volume.snapshot ?? '',
    availabilityZone: volume.zone,
    status: attachment ? 'in-use' : world.shownState(volume),
    createTime: new Date(volume.shownFrom).toISOString(),
    attachmentSet: attachment
      ? [
          {
            volumeId: volume.id,
            instanceId: attachment.instance,
            device: attachment.device,
            status: world.shownState(attachment),
            deleteOnTermination: attachment.goesWith,
          },
        ]
      : [],
    volumeType: volume.type,
    encrypted: false,
    tagSet: tagSet(volume.tags),
  };
}

export function describeVolumes(world: World, asked: Parameters): Answer {
  return {
    volumeSet: [...world.volumes.values()]
      .filter((each) => world.shows(each))
      .filter((each) => passes(asked, each.tags, { 'volume-id': each.id, status: world.shownState(each) }))
      .map((each) => volumeItem(world, each)),
  };
}

function volumeOf(world: World, asked: Parameters): Volume {
  const id = asked.text('VolumeId') ?? '';
  const volume = world.volumes.get(id);
  if (!volume) throw new Refusal('InvalidVolume.NotFound', `The volume '${id}' does not exist.`);
  return volume;
}

export function attachVolume(world: World, asked: Parameters): Answer {
  const volume = volumeOf(world, asked);
  const instance = world.instances.get(asked.text('InstanceId') ?? '');
  const device = asked.text('Device') ?? '';
  if (!instance) throw new Refusal('InvalidInstanceID.NotFound', 'The instance ID does not exist');
  if (volume.attachment) throw new Refusal('VolumeInUse', `${volume.id} is already attached to an instance`);
  if (world.state(volume) !== 'available') throw new Refusal('IncorrectState', `${volume.id} is not 'available'.`);
  if (!['running', 'stopped'].includes(world.state(instance)))
    throw new Refusal('IncorrectState', `Instance '${instance.id}' is not 'running'.`);
  if (volume.zone !== instance.zone)
    throw new Refusal('InvalidVolume.ZoneMismatch', 'The volume is not in the same availability zone as instance');
  if (
    [...world.volumes.values()].some(
      (each) => each.attachment?.instance === instance.id && each.attachment.device === device,
    )
  )
    throw new Refusal(
      'InvalidParameterValue',
      `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
    );
  volume.attachment = { instance: instance.id, device, goesWith: false, ...world.born('attaching', 'attached') };
  return attachmentItem(volume, 'attaching');
}

function attachmentItem({ id, attachment }: Volume, status: string): Answer {
  return {
    volumeId: id,
    instanceId: attachment?.instance,
    device: attachment?.device,
    status,
    attachTime: '2026-11-22T10:10:10.000Z',
  };
}

export function detachVolume(world: World, asked: Parameters): Answer {
  const volume = volumeOf(world, asked);
  const { attachment } = volume;
  const instance = attachment && world.instances.get(attachment.instance);
  if (!attachment || !instance)
    throw new Refusal('IncorrectState', `Volume '${volume.id}' is in the 'available' state.`);
  if (attachment.device === instance.rootDevice && world.state(instance) !== 'stopped')
    throw new Refusal('OperationNotPermitted', `Unable to detach root volume '${volume.id}' from '${instance.id}'`);
  world.moves(attachment, 'detaching', 'detached');
  return attachmentItem(volume, 'detaching');
}

export function deleteVolume(world: World, asked: Parameters): Answer {
  const volume = volumeOf(world, asked);
  if (volume.attachment)
    throw new Refusal('VolumeInUse', `Volume ${volume.id} is currently attached to ${volume.attachment.instance}`);
  world.moves(volume, 'deleting', 'deleted');
  return { return: true };
}

export function modifyVolume(world: World, asked: Parameters): Answer {
  const volume = volumeOf(world, asked);
  const size = asked.number('Size') ?? volume.size;
  if (size < volume.size) throw new Refusal('InvalidParameterValue', 'New size cannot be smaller than existing size');
  const before = volume.size;
  volume.size = size;
  return {
    volumeModification: {
      volumeId: volume.id,
      modificationState: 'modifying',
      originalSize: before,
      targetSize: size,
      progress: 0,
    },
  };
}

export function createSnapshot(world: World, asked: Parameters): Answer {
  const volume = volumeOf(world, asked);
  const id = world.id('snap');
  world.snapshots.set(id, { id, tags: tagsFor(asked, 'snapshot'), size: volume.size, volume: volume.id });
  return {
    snapshotId: id,
    volumeId: volume.id,
    status: 'pending',
    startTime: '2026-11-22T10:10:10.000Z',
    progress: '',
    ownerId: ACCOUNT,
    volumeSize: volume.size,
    description: '',
    encrypted: false,
    tagSet: tagSet(tagsFor(asked, 'snapshot')),
  };
}

export function describeSnapshots(world: World, asked: Parameters): Answer {
  return {
    snapshotSet: [...world.snapshots.values()]
      .filter((each) => passes(asked, each.tags, { 'snapshot-id': each.id }))
      .map((each) => ({ snapshotId: each.id, volumeSize: each.size, status: 'completed', tagSet: tagSet(each.tags) })),
  };
}

export function deleteSnapshot(world: World, asked: Parameters): Answer {
  const id = asked.text('SnapshotId') ?? '';
  if (!world.snapshots.has(id)) throw new Refusal('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
  if ([...world.images.values()].some((image) => image.snapshot === id && world.state(image) !== 'deregistered'))
    throw new Refusal('InvalidSnapshot.InUse', `The snapshot ${id} is currently in use by an image`);
  world.snapshots.delete(id);
  return { return: true };
}

export function describeImages(world: World, asked: Parameters): Answer {
  const [owners, ids] = [asked.texts('Owner'), asked.texts('ImageId')];
  return {
    imagesSet: [...world.images.values()]
      .filter((each) => world.shows(each))
      .filter(({ owner }) => owners.length === 0 || (owners.includes('self') && owner === ACCOUNT))
      .filter(({ id }) => ids.length === 0 || ids.includes(id))
      .filter((each) => passes(asked, each.tags, { 'image-id': each.id, name: each.name }))
      .map((each) => imageItem(world, each)),
  };
}

function imageItem(world: World, image: Image): Answer {
  return {
    imageId: image.id,
    imageLocation: `${image.owner}/${image.name}`,
    imageState: world.shownState(image),
    imageOwnerId: image.owner,
    isPublic: false,
    architecture: 'x86_64',
    imageType: 'machine',
    creationDate: '2026-11-22T10:10:08.000Z',
    name: image.name,
    description: '',
    rootDeviceType: 'ebs',
    rootDeviceName: image.rootDevice,
    blockDeviceMapping: [
      {
        deviceName: image.rootDevice,
        ebs: { snapshotId: image.snapshot, volumeSize: image.size, deleteOnTermination: true, volumeType: 'gp2' },
      },
    ],
    virtualizationType: 'hvm',
    tagSet: tagSet(image.tags),
    hypervisor: 'xen',
  };
}

function newImage(world: World, asked: Parameters, snapshot: string, size: number, rootDevice: string): Answer {
  const name = asked.text('Name') ?? '';
  if ([...world.images.values()].some((each) => each.name === name))
    throw new Refusal('InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI`);
  const tags = tagsFor(asked, 'image');
  checkTags(tags);
  const id = world.id('ami');
  const born = world.born('pending', 'available');
  world.images.set(id, { id, tags, name, owner: ACCOUNT, snapshot, size, rootDevice, ...born });
  return { imageId: id };
}

export function registerImage(world: World, asked: Parameters): Answer {
  const rootDevice = asked.text('RootDeviceName') ?? '/dev/sda1';
  const [mapping] = asked.list('BlockDeviceMapping');
  const snapshot = world.snapshots.get(mapping?.text('Ebs', 'SnapshotId') ?? '');
  if (!snapshot) throw new Refusal('InvalidSnapshot.NotFound', 'The snapshot does not exist.');
  return newImage(world, asked, snapshot.id, snapshot.size, rootDevice);
}

export function createImage(world: World, asked: Parameters): Answer {
  const instance = world.instances.get(asked.text('InstanceId') ?? '');
  if (!instance) throw new Refusal('InvalidInstanceID.NotFound', 'The instance ID does not exist');
  if (!['running', 'stopped'].includes(world.state(instance)))
    throw new Refusal('IncorrectState', `The instance '${instance.id}' is not in the 'running' or 'stopped' state`);
  const root = [...world.volumes.values()].find(
    ({ attachment }) => attachment?.instance === instance.id && attachment.device === instance.rootDevice,
  );
  const id = world.id('snap');
  const answer = newImage(world, asked, id, root?.size ?? 1, instance.rootDevice);
  world.snapshots.set(id, { id, tags: tagsFor(asked, 'snapshot'), size: root?.size ?? 1, volume: root?.id });
  return answer;
}

export function deregisterImage(world: World, asked: Parameters): Answer {
  const id = asked.text('ImageId') ?? '';
  if (!world.images.delete(id)) throw new Refusal('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
  return { return: true };
}

export function importSnapshot(world: World, asked: Parameters): Answer {
  const clientToken = asked.text('ClientToken') ?? '';
  const known = [...world.tasks.values()].find((task) => task.clientToken === clientToken);
  if (known) return { importTaskId: known.id };
  const disk = asked.at('DiskContainer');
  const format = disk.text('Format') ?? '';
  if (!['RAW', 'VMDK', 'VHD'].includes(format)) throw new Refusal('InvalidParameter', `Unsupported format ${format}`);
  const key = `${disk.text('UserBucket', 'S3Bucket')}/${disk.text('UserBucket', 'S3Key')}`;
  const bytes = world.objects.get(key);
  const tags = tagsFor(asked, 'import-snapshot-task');
  checkTags(tags);
  const id = world.id('import-snap');
  const fine = bytes !== undefined && isOf(format, bytes);
  const snapshot = world.id('snap');
  if (fine) world.snapshots.set(snapshot, { id: snapshot, tags: new Map(), size: 1, volume: undefined });
  world.tasks.set(id, {
    id,
    tags,
    clientToken,
    snapshot,
    size: bytes?.byteLength ?? 0,
    message: fine ? '' : 'ClientError: Disk validation failed [Unsupported format or missing object]',
    ...world.born('active', fine ? 'completed' : 'deleted'),
  });
  return { importTaskId: id, snapshotTaskDetail: { status: 'active', progress: '3', format } };
}

/** Whether bytes are of the format they are announced as: a VHD ends with its footer. */
function isOf(format: string, bytes: Buffer): boolean {
  if (format === 'VHD') return bytes.subarray(-512).toString('latin1', 0, 8) === 'conectix';
  if (format === 'VMDK') return bytes.toString('latin1', 0, 4) === 'KDMV';
  return true;
}

export function describeImports(world: World, asked: Parameters): Answer {
  const ids = asked.texts('ImportTaskId');
  return {
    importSnapshotTaskSet: [...world.tasks.values()]
      .filter((each) => ids.length === 0 || ids.includes(each.id))
      .filter((each) => passes(asked, each.tags, {}))
      .map((each) => {
        const status = world.state(each);
        return {
          importTaskId: each.id,
          snapshotTaskDetail: {
            status,
            statusMessage: each.message,
            diskImageSize: each.size,
            ...(status === 'completed' ? { snapshotId: each.snapshot } : {}),
          },
          tagSet: tagSet(each.tags),
        };
      }),
  };
}
