/**
 * Disks whose capacity the descriptor leaves to their image (D08), or gives smaller than their image is (O-039): where the
 * request could look at the image, the plan has the true size.
 */

import { excerpt, type Fault } from '../../src/base/errors.js';
import type { PlanResult } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlannedDisk } from '../../src/ovf/plan.js';

/** @param images bytes of the disks in the images that could be looked at, by file id */
export function sizedByImages(result: PlanResult, images: ReadonlyMap<string, number>): PlanResult {
  const { draft, plan, unresolved } = result;
  const sizes = new Map<string, number>();
  const found: Fault[] = [];
  for (const disk of draft?.disks ?? []) {
    const size = images.get(disk.image ?? '');
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
