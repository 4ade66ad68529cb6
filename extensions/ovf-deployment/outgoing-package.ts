/** What goes out with an appliance: its plan as it refers to the files that go along, and these files. */

import { problem } from '../../src/base/errors.js';
import { safeHref } from '../../src/ovf/envelope/href.js';
import type { DeploymentPlan, PlannedImage } from '../../src/ovf/plan.js';
import type { Blob, BlobStore } from '../../src/transfer/blob-store.js';
import type { ApplianceRow } from './tables.js';

export interface PackageMember extends Blob {
  readonly name: string;
}

export interface OutgoingPackage {
  readonly plan: DeploymentPlan;
  readonly members: readonly PackageMember[];
}

/**
 * Files that lie on the web are named by their URLs; a disk whose image nobody sent is blank, as it is.
 *
 * @throws Problem `conflict` while the work has not brought the package, `unavailable` where a file of it is gone
 */
export async function outgoingPackage(
  blobs: BlobStore,
  { plan, images: origins }: Pick<ApplianceRow, 'plan' | 'images'>,
): Promise<OutgoingPackage> {
  const members: PackageMember[] = [];
  const images: PlannedImage[] = [];
  const packing = new Map([...plan.images, ...(plan.files ?? [])].map((file) => [file.id, file]));
  for (const image of packing.values()) {
    const origin = origins[image.id];
    if (origin === undefined || 'unavailable' in origin) continue;
    if ('template' in origin) {
      images.push(image);
      continue;
    }
    if ('member' in origin) {
      throw problem('conflict', 'ovf.export-early', 'the package has not been fetched yet', {
        remedy: 'wait until the appliance is active',
      });
    }
    const { chunkSize: _chunkSize, ...whole } = image;
    if ('url' in origin) {
      images.push(safeHref(image.href).kind === 'url' ? image : { ...image, href: origin.url });
      continue;
    }
    const blob = await blobs.find(origin.sha256);
    if (!blob) throw problem('unavailable', 'transfer.gone', 'a file of the appliance is no longer here');
    const href = safeHref(image.href);
    const name = href.kind === 'member' ? href.path : image.id;
    members.push({ name, ...blob });
    images.push({ ...whole, sizeBytes: blob.sizeBytes });
  }
  const there = new Set(images.map(({ id }) => id));
  const disks = plan.disks.map(({ image, format, formatUri, ...disk }) =>
    image !== undefined && there.has(image)
      ? { ...disk, image, ...(format ? { format } : {}), ...(formatUri === undefined ? {} : { formatUri }) }
      : disk,
  );
  const machines = plan.machines.map((machine) => ({
    ...machine,
    drives: machine.drives.map(({ image, ...drive }) =>
      image !== undefined && there.has(image) ? { ...drive, image } : drive,
    ),
  }));
  const isFile = new Set(plan.files?.map(({ id }) => id));
  const isImage = new Set(plan.images.map(({ id }) => id));
  const carried = {
    ...plan,
    images: images.filter(({ id }) => isImage.has(id)),
    ...(plan.files && { files: images.filter(({ id }) => isFile.has(id)) }),
    disks,
    machines,
  };
  return { plan: carried, members };
}
