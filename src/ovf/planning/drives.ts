/**
 * Disk, CD and floppy drives of a machine in boot order (DSP0243 §8.3): by controller, then by the place on
 * it. The drive it boots from is the first disk with an image, else a CD with a medium, else the first disk.
 */

import { excerpt } from '../../base/errors.js';
import type { Disk, File, Item } from '../envelope/model.js';
import type { PlannedDrive } from '../plan.js';
import type { Findings } from './findings.js';
import { RESOURCE, type EffectiveItem } from './items.js';

/** What drives may refer to. */
export interface Media {
  /** By diskId. */
  readonly disks: ReadonlyMap<string, Disk>;
  /** By File id. */
  readonly files: ReadonlyMap<string, File>;
}

export function planDrives(items: readonly EffectiveItem[], media: Media, findings: Findings): readonly PlannedDrive[] {
  const all = items.map(({ item }) => item);
  const controllers = new Map(all.filter(isController).map((item) => [item.instanceId, item]));
  const drives = all
    .filter((item) => driveKind(item) !== undefined)
    .map((item) => ({ item, controller: item.parent === undefined ? undefined : controllers.get(item.parent) }))
    .sort((a, b) => compareSlots(a, b))
    .flatMap(({ item, controller }) => planDrive(item, controller, media, findings));
  const boot =
    drives.find(({ kind, disk }) => kind === 'disk' && disk !== undefined && hasImage(disk, media)) ??
    drives.find(({ kind, disk, image }) => kind === 'cdrom' && (disk ?? image) !== undefined) ??
    drives.find(({ kind }) => kind === 'disk');
  return [
    ...drives.filter((drive) => drive === boot).map((drive) => ({ ...drive, boot: true })),
    ...KIND_ORDER.flatMap((kind) => drives.filter((drive) => drive !== boot && drive.kind === kind)),
  ];
}

type DriveKind = PlannedDrive['kind'];

const KIND_ORDER: readonly DriveKind[] = ['disk', 'cdrom', 'floppy'];

const DRIVE_KINDS: ReadonlyMap<number, DriveKind> = new Map([
  [RESOURCE.disk, 'disk'],
  [RESOURCE.logicalDisk, 'disk'],
  [RESOURCE.cd, 'cdrom'],
  [RESOURCE.dvd, 'cdrom'],
  [RESOURCE.floppy, 'floppy'],
]);

function driveKind({ resourceType }: Item): DriveKind | undefined {
  return resourceType === undefined ? undefined : DRIVE_KINDS.get(resourceType);
}

/** Controllers in the order in which firmware looks at them. */
const CONTROLLER_TYPES: readonly number[] = [
  RESOURCE.ideController,
  RESOURCE.scsiController,
  RESOURCE.otherStorage,
  RESOURCE.usbController,
];

function isController({ resourceType }: Item): boolean {
  return resourceType !== undefined && CONTROLLER_TYPES.includes(resourceType);
}

interface Slot {
  readonly item: Item;
  readonly controller: Item | undefined;
}

function compareSlots(a: Slot, b: Slot): number {
  return (
    compareControllers(a.controller, b.controller) || compareNumbers(a.item.addressOnParent, b.item.addressOnParent)
  );
}

/** Drives without a known controller come last, in document order. */
function compareControllers(a: Item | undefined, b: Item | undefined): number {
  if (a === b) return 0;
  if (!a || !b) return a ? -1 : 1;
  const rank = ({ resourceType }: Item): number => CONTROLLER_TYPES.indexOf(resourceType ?? 0);
  return rank(a) - rank(b) || compareNumbers(a.address, b.address) || compareNumbers(a.instanceId, b.instanceId);
}

/** As numbers where both are, else as text; what is absent comes last. */
function compareNumbers(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? 1 : -1;
  const [left, right] = [Number(a), Number(b)];
  if (!Number.isNaN(left) && !Number.isNaN(right)) return left - right;
  return a < b ? -1 : 1;
}

function planDrive(
  item: Item,
  controller: Item | undefined,
  media: Media,
  findings: Findings,
): readonly PlannedDrive[] {
  const kind = driveKind(item) ?? 'disk';
  const bus = busOf(item, controller);
  const drive = { kind, boot: false, ...(bus && { bus }) };
  const [resource] = item.hostResources;
  if (!resource) {
    if (kind !== 'disk') return [drive];
    findings.deviation('O-056', 'the disk drive names no disk', {
      place: item.at,
      remedy: 'give rasd:HostResource as ovf:/disk/<diskId>; the drive is left out',
    });
    return [];
  }
  const { target } = resource;
  if (target?.kind === 'disk' && media.disks.has(target.id)) return [{ ...drive, disk: target.id }];
  if (target?.kind === 'file' && media.files.has(target.id)) return [{ ...drive, image: target.id }];
  if (target || kind === 'disk') {
    findings.error(
      target?.kind === 'file' ? 'O-014' : 'O-033',
      `there is no ${target?.kind ?? 'disk'} "${excerpt(target?.id ?? resource.text)}"`,
      {
        place: resource.at,
        remedy: 'name a disk of the DiskSection or a file of the References',
        value: resource.text,
      },
    );
    return [];
  }
  findings.warning('O-056', 'the medium of the drive is on some host and cannot be reached', {
    place: resource.at,
    remedy: 'put the medium into the package; the drive stays empty',
    value: resource.text,
  });
  return [drive];
}

function busOf(item: Item, controller: Item | undefined): PlannedDrive['bus'] {
  const model = `${controller?.resourceSubType ?? ''} ${item.resourceSubType ?? ''}`.toLowerCase();
  if (/\bvirtio\b/.test(model)) return 'virtio';
  switch (controller?.resourceType) {
    case RESOURCE.ideController:
      return 'ide';
    case RESOURCE.scsiController:
      return 'scsi';
    case RESOURCE.otherStorage:
      return model.includes('nvme') ? 'nvme' : 'sata';
    case RESOURCE.usbController:
      return 'usb';
    default:
      return undefined;
  }
}

function hasImage(diskId: string, media: Media): boolean {
  return media.disks.get(diskId)?.fileRef !== undefined;
}
