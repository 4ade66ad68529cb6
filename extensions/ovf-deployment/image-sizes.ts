/**
 * Disks whose capacity the descriptor leaves to their image (D08), or gives smaller than their image is (O-039): an image
 * that came along is looked at, within the request, so that the plan has the true size. One that lies elsewhere is not
 * (K06), and its size stays.
 */

import { excerpt, Problem, type Fault } from '../../src/base/errors.js';
import type { PlanResult } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlannedDisk } from '../../src/ovf/plan.js';
import type { BlobStore } from '../../src/transfer/blob-store.js';
import { probeImage } from '../../src/transfer/image-probe.js';
import type { ImageOrigins } from './package.js';

export async function sizedByImages(blobs: BlobStore, result: PlanResult, origins: ImageOrigins): Promise<PlanResult> {
  const { draft, plan, unresolved } = result;
  const sizes = new Map<string, number>();
  const found: Fault[] = [];
  for (const disk of draft?.disks ?? []) {
    const size = await virtualSize(blobs, draft, disk, origins);
    if (size === undefined || (!disk.assumed && size <= disk.capacityBytes)) continue;
    sizes.set(disk.id, size);
    if (!disk.assumed) found.push(tooSmall(disk, size));
  }
  if (sizes.size === 0) return result;
  const sized = <P extends DeploymentPlan>(each: P): P => ({
    ...each,
    disks: each.disks.map((disk) => withSize(disk, sizes.get(disk.id))),
    findings: [...each.findings, ...found],
  });
  const assumedSizes = unresolved.assumedSizes.filter((size) => !('disk' in size && sizes.has(size.disk)));
  return {
    ...result,
    ...(draft && { draft: sized(draft) }),
    ...(plan && { plan: sized(plan) }),
    findings: [...result.findings, ...found],
    unresolved: { ...unresolved, assumedSizes },
  };
}

function tooSmall({ id, capacityBytes }: PlannedDisk, size: number): Fault {
  const what = `the disk in the image of "${excerpt(id)}" has ${size} bytes, more than its capacity of ${capacityBytes}`;
  return {
    code: 'ovf.O-039',
    severity: 'warning',
    message: `${what}; the size of the image counts`,
    rule: 'O-039',
    remedy: 'give the capacity that the image has, or more',
  };
}

function withSize({ assumed, ...disk }: PlannedDisk, capacityBytes: number | undefined): PlannedDisk {
  if (capacityBytes !== undefined) return { ...disk, capacityBytes };
  return assumed ? { ...disk, assumed } : disk;
}

async function virtualSize(
  blobs: BlobStore,
  plan: DeploymentPlan | undefined,
  disk: PlannedDisk,
  origins: ImageOrigins,
): Promise<number | undefined> {
  const image = plan?.images.find(({ id }) => id === disk.image);
  const origin = image && origins[image.id];
  if (!origin || !('sha256' in origin) || image.compression !== 'identity' || image.chunkSize !== undefined)
    return undefined;
  const blob = await blobs.find(origin.sha256);
  if (!blob) return undefined;
  const { sizeBytes, sha256 } = blob;
  try {
    const read = (offset: number, length: number): Promise<Uint8Array> => blobs.read(sha256, offset, length);
    return (await probeImage({ sizeBytes, read })).virtualSizeBytes;
  } catch (error) {
    // What is wrong with the image is said when it is fetched; here only its size was wanted.
    if (error instanceof Problem) return undefined;
    throw error;
  }
}
