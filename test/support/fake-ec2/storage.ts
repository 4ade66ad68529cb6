/** Volumes, snapshots, images and imports, as the fake EC2 has them. */

import { Refusal, type Answer, type Parameters } from './query.js';
import {
  ACCOUNT,
  checkTags,
  passes,
  tagSet,
  tagsFor,
  TYPES,
  type Attachment,
  type Image,
  type ImportTask,
  type Volume,
  type World,
} from './world.js';

interface NewVolume {
  readonly size: number;
  readonly zone: string;
  readonly type: string;
  readonly snapshot?: string | undefined;
  readonly tags: Map<string, string>;
  readonly clientToken?: string | undefined;
  readonly iops?: number | undefined;
  readonly multiAttach?: boolean;
}

export function createVolume(
  world: World,
  { snapshot, clientToken, tags, iops, multiAttach = false, ...rest }: NewVolume,
): Volume {
  checkTags(tags);
  const born = world.born('creating', 'available');
  const own = { snapshot, clientToken, tags, iops, multiAttach, attachments: [] };
  const volume: Volume = { id: world.id('vol'), ...own, ...rest, ...born };
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
  const type = asked.text('VolumeType') ?? 'gp2';
  const multiAttach = asked.text('MultiAttachEnabled') === 'true';
  const iops = asked.number('Iops');
  checkProvisioned(type, size, iops, multiAttach);
  return volumeItem(
    world,
    createVolume(world, {
      ...{ size, type, iops, multiAttach },
      zone: world.zoneIn(asked.text('AvailabilityZone')),
      snapshot: snapshot?.id,
      tags: tagsFor(asked, 'volume'),
      clientToken,
    }),
  );
}

/** Volumes of provisioned IOPS have some for each GiB, and are the only ones with Multi-Attach. */
function checkProvisioned(type: string, size: number, iops: number | undefined, multiAttach: boolean): void {
  const ratio = { io1: 50, io2: 1000 }[type];
  if (ratio === undefined) {
    if (multiAttach)
      throw new Refusal(
        'InvalidParameterCombination',
        `MultiAttachEnabled is not supported for the volume type ${type}`,
      );
    return;
  }
  if (iops === undefined)
    throw new Refusal('MissingParameter', `The parameter iops must be specified for ${type} volumes`);
  if (size < 4)
    throw new Refusal(
      'InvalidParameterValue',
      `Volume of ${size}GiB is too small for volume type ${type}; minimum is 4GiB`,
    );
  if (iops < 100 || iops > size * ratio)
    throw new Refusal(
      'InvalidParameterValue',
      `Iops to volume size ratio of ${iops / size} is too high; maximum is ${ratio}`,
    );
}

function volumeItem(world: World, volume: Volume): Answer {
  const { attachments } = volume;
  return {
    volumeId: volume.id,
    size: volume.size,
    snapshotId: volume.snapshot ?? '',
    availabilityZone: volume.zone,
    status: attachments.length > 0 ? 'in-use' : world.shownState(volume),
    createTime: new Date(volume.shownFrom).toISOString(),
    attachmentSet: attachments.map((attachment) => ({
      volumeId: volume.id,
      instanceId: attachment.instance,
      device: attachment.device,
      status: world.shownState(attachment),
      deleteOnTermination: attachment.goesWith,
    })),
    ...(volume.multiAttach ? { multiAttachEnabled: true } : {}),
    ...(volume.iops === undefined ? {} : { iops: volume.iops }),
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
  const { attachments, multiAttach } = volume;
  if (attachments.some((each) => !multiAttach || each.instance === instance.id))
    throw new Refusal('VolumeInUse', `${volume.id} is already attached to an instance`);
  if (attachments.length >= 16)
    throw new Refusal('AttachmentLimitExceeded', `${volume.id} is attached to 16 instances already`);
  if (multiAttach && TYPES[instance.type]?.hypervisor === 'xen')
    throw new Refusal(
      'UnsupportedOperation',
      `Instances of the type ${instance.type} do not support Multi-Attach volumes`,
    );
  if (world.state(volume) !== 'available') throw new Refusal('IncorrectState', `${volume.id} is not 'available'.`);
  if (!['running', 'stopped'].includes(world.state(instance)))
    throw new Refusal('IncorrectState', `Instance '${instance.id}' is not 'running'.`);
  if (volume.zone !== instance.zone)
    throw new Refusal('InvalidVolume.ZoneMismatch', 'The volume is not in the same availability zone as instance');
  if (
    [...world.volumes.values()].some((each) =>
      each.attachments.some((other) => other.instance === instance.id && other.device === device),
    )
  )
    throw new Refusal(
      'InvalidParameterValue',
      `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
    );
  const attachment = { instance: instance.id, device, goesWith: false, ...world.born('attaching', 'attached') };
  volume.attachments = [...attachments, attachment];
  return attachmentItem(volume, attachment, 'attaching');
}

function attachmentItem({ id }: Volume, { instance, device }: Attachment, status: string): Answer {
  return {
    volumeId: id,
    instanceId: instance,
    device,
    status,
    attachTime: '2026-11-22T10:10:10.000Z',
  };
}

export function detachVolume(world: World, asked: Parameters): Answer {
  const volume = volumeOf(world, asked);
  const named = asked.text('InstanceId');
  if (named === undefined && volume.attachments.length > 1)
    throw new Refusal('MissingParameter', `Volume '${volume.id}' is attached to several instances: name one of them.`);
  const attachment = volume.attachments.find((each) => each.instance === (named ?? each.instance));
  const instance = attachment && world.instances.get(attachment.instance);
  if (!attachment || !instance)
    throw new Refusal('IncorrectState', `Volume '${volume.id}' is in the 'available' state.`);
  if (attachment.device === instance.rootDevice && world.state(instance) !== 'stopped')
    throw new Refusal('OperationNotPermitted', `Unable to detach root volume '${volume.id}' from '${instance.id}'`);
  world.moves(attachment, 'detaching', 'detached');
  return attachmentItem(volume, attachment, 'detaching');
}

export function deleteVolume(world: World, asked: Parameters): Answer {
  const volume = volumeOf(world, asked);
  const [first] = volume.attachments;
  if (first) throw new Refusal('VolumeInUse', `Volume ${volume.id} is currently attached to ${first.instance}`);
  world.moves(volume, 'deleting', 'deleted');
  return { return: true };
}

export function modifyVolume(world: World, asked: Parameters): Answer {
  const volume = volumeOf(world, asked);
  const size = asked.number('Size') ?? volume.size;
  if (size < volume.size) throw new Refusal('InvalidParameterValue', 'New size cannot be smaller than existing size');
  if (volume.multiAttach && volume.type === 'io1')
    throw new Refusal('UnsupportedOperation', 'Volumes of the type io1 with Multi-Attach cannot be modified');
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
  const root = [...world.volumes.values()].find(({ attachments }) =>
    attachments.some((each) => each.instance === instance.id && each.device === instance.rootDevice),
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
  const object = `${disk.text('UserBucket', 'S3Bucket')}/${disk.text('UserBucket', 'S3Key')}`;
  const tags = tagsFor(asked, 'import-snapshot-task');
  checkTags(tags);
  const id = world.id('import-snap');
  const task = { id, tags, clientToken, format, object, snapshot: world.id('snap'), size: 0, message: '' };
  world.tasks.set(id, { ...task, ...world.born('active', 'ending') });
  return { importTaskId: id, snapshotTaskDetail: { status: 'active', progress: '3', format } };
}

/** What has come of a task by now. */
function importState(world: World, task: ImportTask): string {
  if (world.importing) return 'active';
  if (world.state(task) !== 'ending') return world.state(task);
  const bytes = world.objects.get(task.object);
  task.size = bytes?.byteLength ?? 0;
  const fine = bytes !== undefined && isOf(task.format, bytes);
  if (fine) world.snapshots.set(task.snapshot, { id: task.snapshot, tags: new Map(), size: 1, volume: undefined });
  else task.message = `ClientError: Disk validation failed [${bytes ? 'Unsupported format' : 'No such object'}]`;
  world.moves(task, fine ? 'completed' : 'deleted');
  return world.state(task);
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
        const status = importState(world, each);
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
