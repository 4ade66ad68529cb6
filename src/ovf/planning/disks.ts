/**
 * Disks and images of a plan (DSP0243 §9.1 and §7.1): the disks that machines use, with the disks they are deltas of,
 * and the files that any of these need. A capacity of `${key}` takes its number from the properties of the machine that
 * uses the disk. Sizes are bytes.
 */

import { excerpt } from '../../base/errors.js';
import { shownUrl } from '../../base/shown-url.js';
import { capacityReference } from '../envelope/capacity.js';
import type { Disk, File } from '../envelope/model.js';
import type { DiskFormat, PlannedDisk, PlannedImage } from '../plan.js';
import type { EffectiveProperties } from '../properties/resolve.js';
import { findInScope, type PropertyScope, type ScopedProperty } from '../properties/scope.js';
import { BYTE, parseUnit, toBytes } from '../units.js';
import type { Findings } from './findings.js';

const GIB = 2 ** 30;

/** A disk as some machine uses it, with the properties that machine sees. */
export interface DiskUse {
  readonly disk: Disk;
  readonly scope: PropertyScope;
}

export function planDisks(
  uses: readonly DiskUse[],
  all: ReadonlyMap<string, Disk>,
  files: ReadonlyMap<string, File>,
  properties: EffectiveProperties,
  findings: Findings,
): readonly PlannedDisk[] {
  const planned = new Map<string, PlannedDisk>();
  for (const { disk: used, scope } of uses) {
    for (let disk: Disk | undefined = withContent(used, all); disk; disk = parentOf(disk, all)) {
      const earlier = planned.get(disk.diskId);
      if (!earlier && disk.capacity === '') {
        planned.set(disk.diskId, planDisk(disk, assumedCapacity(disk, files), files));
        continue;
      }
      if (earlier && !disk.capacity.includes('${')) break;
      const capacityBytes = readCapacity(disk, scope, properties, findings);
      if (earlier) {
        if (earlier.capacityBytes * capacityBytes > 0 && earlier.capacityBytes !== capacityBytes)
          reportTwoCapacities(disk, findings);
        break;
      }
      planned.set(disk.diskId, planDisk(disk, capacityBytes, files));
    }
  }
  return [...planned.values()];
}

/** The disk that this one is a delta of. */
function parentOf({ parentRef }: Disk, all: ReadonlyMap<string, Disk>): Disk | undefined {
  const parent = parentRef === undefined ? undefined : all.get(parentRef);
  return parent && withContent(parent, all);
}

/** A delta without a file of its own differs in nothing from its parent: it is a copy of that, as large as it says. */
function withContent(disk: Disk, all: ReadonlyMap<string, Disk>): Disk {
  let source = disk;
  for (let steps = 0; source.fileRef === undefined && source.parentRef !== undefined && steps < all.size; steps++) {
    const parent = all.get(source.parentRef);
    if (parent === undefined) break;
    source = parent;
  }
  if (source === disk) return disk;
  const { diskId, capacity, capacityAllocationUnits, shared, readOnly, at } = disk;
  const { fileRef, format, parentRef } = source;
  return {
    ...{ diskId, capacity, capacityAllocationUnits, shared, readOnly, at },
    ...(fileRef !== undefined && { fileRef }),
    ...(format !== undefined && { format }),
    ...(parentRef !== undefined && { parentRef }),
  };
}

/** The files that the disks and the CD drives need, in the order of the References. */
export function planImages(
  files: ReadonlyMap<string, File>,
  disks: readonly PlannedDisk[],
  mounted: ReadonlySet<string>,
): readonly PlannedImage[] {
  const needed = new Set([...mounted, ...disks.flatMap(({ image }) => image ?? [])]);
  return [...files.values()].filter(({ id }) => needed.has(id)).map(planFile);
}

/** O-018: DSP0243 knows bzip2 too, VEP unpacks gzip alone. */
export function reportCompression(
  needed: readonly PlannedImage[],
  files: ReadonlyMap<string, File>,
  findings: Findings,
): void {
  for (const { id, href, compression } of needed) {
    if (compression !== 'bzip2') continue;
    findings.error('O-018', `the file "${excerpt(shownUrl(href))}" is compressed with bzip2, which is not taken`, {
      place: files.get(id)?.at,
      remedy: 'compress it with gzip, or leave it plain',
      value: compression,
    });
  }
}

export function planFile({ id, href, size, compression, chunkSize }: File): PlannedImage {
  return {
    id,
    href,
    compression,
    ...(size !== undefined && { sizeBytes: exact(size) }),
    ...(chunkSize !== undefined && { chunkSize: exact(chunkSize) }),
  };
}

/** No file is larger than what a number holds exactly, whatever its descriptor says. */
function exact(bytes: bigint): number {
  return Math.min(Number(bytes), Number.MAX_SAFE_INTEGER);
}

function planDisk(disk: Disk, capacityBytes: number, files: ReadonlyMap<string, File>): PlannedDisk {
  const { diskId: id, fileRef, format, parentRef: parent, shared, readOnly } = disk;
  return {
    id,
    capacityBytes,
    ...(fileRef !== undefined && { image: fileRef, format: diskFormat(format, files.get(fileRef)?.href) }),
    ...(format !== undefined && { formatUri: format }),
    ...(disk.capacity === '' && { assumed: true }),
    ...(parent !== undefined && { parent }),
    shared,
    ...(shared && readOnly && { readOnly }),
  };
}

function reportTwoCapacities(disk: Disk, findings: Findings): void {
  findings.error('O-034', `the disk "${excerpt(disk.diskId)}" would have different capacities in different machines`, {
    place: disk.at,
    remedy: 'give each machine a disk of its own, or the property one value',
  });
}

/* --- capacity -------------------------------------------------------------------------------------------------- */

/** Bytes; 0 after a fault, or while the property it depends on still waits for the user. */
function readCapacity(disk: Disk, scope: PropertyScope, properties: EffectiveProperties, findings: Findings): number {
  const { unit } = parseUnit(disk.capacityAllocationUnits, findings.mode);
  const name = capacityReference(disk);
  const text = name === undefined ? disk.capacity : capacityProperty(disk, name, scope, properties, findings);
  if (!unit || text === undefined) return 0;
  const bytes = toBytes(text, unit);
  if ('fault' in bytes) {
    // The reader has judged what the descriptor says itself.
    if (name !== undefined) findings.add({ ...bytes.fault, code: 'ovf.O-034' }, disk.at);
    return 0;
  }
  if (bytes.value <= Number.MAX_SAFE_INTEGER) return Number(bytes.value);
  findings.error('O-034', `the disk "${excerpt(disk.diskId)}" is over 8 PiB`, {
    place: disk.at,
    remedy: 'check capacity and unit',
    value: `${disk.capacity} ${disk.capacityAllocationUnits === BYTE.text ? '' : disk.capacityAllocationUnits}`.trim(),
  });
  return 0;
}

/** A disk is at least as large as what is in it; until its image can be asked, it is taken for a whole number of GiB. */
function assumedCapacity({ populatedSize = 0n, fileRef = '' }: Disk, files: ReadonlyMap<string, File>): number {
  const size = files.get(fileRef)?.size ?? 0n;
  const bytes = Number(populatedSize > size ? populatedSize : size);
  return Math.max(1, Math.ceil(bytes / GIB)) * GIB;
}

function capacityProperty(
  disk: Disk,
  name: string,
  scope: PropertyScope,
  properties: EffectiveProperties,
  findings: Findings,
): string | undefined {
  let found: ScopedProperty | undefined;
  for (let at: PropertyScope | undefined = scope; at && !found; at = at.parent) found = findInScope(at, name);
  if (!found || found.password) {
    findings.error('O-034', `the capacity of disk "${excerpt(disk.diskId)}" names no property that can be read`, {
      place: disk.at,
      remedy: 'name a property of the system that uses the disk, or of a collection round it',
      value: disk.capacity,
    });
    return undefined;
  }
  const value = properties.value(found);
  return value.legal ? value.text : undefined;
}

/* --- format ---------------------------------------------------------------------------------------------------- */

/** By host and last path step of the format URI; versions and fragments of one family differ from tool to tool. */
const FORMAT_URIS: readonly (readonly [RegExp, DiskFormat])[] = [
  [/(^|\/\/)(www\.)?vmware\.com\/.*vmdk/i, 'vmdk'],
  [/gnome\.org\/.*qcow/i, 'qcow2'],
  [/ecma-international\.org\/.*ecma-119/i, 'iso'],
  [/microsoft\.com\/.*(vhd|linkid=137171)/i, 'vhd'],
];

const FORMAT_WORDS: ReadonlyMap<string, DiskFormat> = new Map([
  ['vmdk', 'vmdk'],
  ['qcow2', 'qcow2'],
  ['raw', 'raw'],
  ['img', 'raw'],
  ['vhd', 'vhd'],
  ['iso', 'iso'],
]);

/** A format that says nothing known is guessed from the file's name. */
export function diskFormat(uri: string | undefined, href: string | undefined): DiskFormat {
  const named = FORMAT_URIS.find(([pattern]) => pattern.test((uri ?? '').slice(0, 300)))?.[1];
  const extension = /\.([a-z0-9]{1,8})(?:\.(?:gz|bz2))?$/i.exec(href ?? '')?.[1] ?? '';
  return named ?? FORMAT_WORDS.get((uri ?? '').toLowerCase()) ?? FORMAT_WORDS.get(extension.toLowerCase()) ?? 'unknown';
}
