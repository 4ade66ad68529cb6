/**
 * Disk, CD and floppy drives of a machine in boot order (DSP0243 §8.3): those that its BootDeviceSection names, then by
 * controller and by the place on it. The drive it boots from is the first that is named and has something on it, else the
 * first disk with an image, else a CD with a medium, else the first disk.
 */

import { CONTROLLERS, driveKind, isController, RESOURCE, type DriveKind } from '../envelope/devices.js';
import type { BootOrder, Disk, File, Item } from '../envelope/model.js';
import type { PlannedDrive } from '../plan.js';
import type { Findings } from './findings.js';
import type { EffectiveItem } from './items.js';

/** What drives may refer to. */
export interface Media {
  /** By diskId. */
  readonly disks: ReadonlyMap<string, Disk>;
  /** By File id. */
  readonly files: ReadonlyMap<string, File>;
}

export function planDrives(
  items: readonly EffectiveItem[],
  media: Media,
  order: BootOrder | undefined,
  findings: Findings,
): readonly PlannedDrive[] {
  const all = items.map(({ item }) => item);
  const turns = order ? turnsOf(order, all, findings) : NO_TURNS;
  const drives = slotsOf(all)
    .flatMap(({ item, controller }) => planDrive(item, controller, turns.get(item), media, findings))
    .sort(compareTurns)
    .map((drive, index) => (drive.turn === undefined ? drive : { ...drive, turn: index + 1 }));
  const boot =
    drives.find((drive) => (drive.turn !== undefined || drive.kind !== 'floppy') && holdsSomething(drive, media)) ??
    drives.find(({ kind }) => kind === 'disk');
  return boot ? [{ ...boot, boot: true }, ...drives.filter((drive) => drive !== boot)] : drives;
}

/** Those that are named come first, by turn; the others by kind, and in the order in which they are. */
function compareTurns(a: PlannedDrive, b: PlannedDrive): number {
  if (a.turn !== undefined || b.turn !== undefined) return (a.turn ?? Infinity) - (b.turn ?? Infinity);
  return KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind);
}

const NO_TURNS: ReadonlyMap<Item, number> = new Map();

/** Which drive is tried when, counted from 1 (OVF 2 BootDeviceSection); what cannot be booted from here is told. */
function turnsOf(
  { instanceIds, at }: BootOrder,
  items: readonly Item[],
  findings: Findings,
): ReadonlyMap<Item, number> {
  const byId = new Map(items.map((item) => [item.instanceId, item]));
  const named = new Set(instanceIds.flatMap((id) => byId.get(id) ?? []));
  const drives = [...named].filter((item) => driveKind(item) !== undefined);
  const others = [...named].filter((item) => driveKind(item) === undefined);
  const unknown = instanceIds.filter((id) => !byId.has(id));
  if (others.length > 0) {
    const [first] = named;
    const tell = first === others[0] ? findings.warning.bind(findings) : findings.info.bind(findings);
    tell('O-084', 'the machine is to boot from devices that are no drives: it boots from its drives', {
      place: at,
      remedy: 'put what the machine is to boot from into the package, on a disk or a CD',
      value: others.map(({ elementName }) => elementName).join(', '),
    });
  }
  if (unknown.length > 0) {
    findings.deviation('O-048', 'the boot order names devices that the machine does not have; they are passed over', {
      place: at,
      remedy: 'name items of the section by their InstanceID',
      value: unknown.join(', '),
    });
  }
  return new Map(drives.map((item, index) => [item, index + 1]));
}

const KIND_ORDER: readonly DriveKind[] = ['disk', 'cdrom', 'floppy'];

interface Slot {
  readonly item: Item;
  readonly controller: Item | undefined;
}

/** Drives by controller and by the place on it. */
function slotsOf(items: readonly Item[]): readonly Slot[] {
  const controllers = new Map<string, Item>();
  for (const item of items) if (isController(item)) controllers.set(item.instanceId, item);
  return items
    .filter((item) => driveKind(item) !== undefined)
    .map((item) => ({ item, controller: item.parent === undefined ? undefined : controllers.get(item.parent) }))
    .sort(compareSlots);
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
  const rank = ({ resourceType }: Item): number => CONTROLLERS.indexOf(resourceType ?? 0);
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
  turn: number | undefined,
  media: Media,
  findings: Findings,
): readonly PlannedDrive[] {
  const kind = driveKind(item) ?? 'disk';
  const bus = busOf(item, controller);
  const drive = { kind, boot: false, ...(bus && { bus }), ...(turn !== undefined && { turn }) };
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
  // The reader has told what names nothing of the package.
  if (target || kind === 'disk') return [];
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

/** An image on the disk, a medium in the drive. */
function holdsSomething({ kind, disk, image }: PlannedDrive, media: Media): boolean {
  if (kind !== 'disk') return (disk ?? image) !== undefined;
  return disk !== undefined && media.disks.get(disk)?.fileRef !== undefined;
}
