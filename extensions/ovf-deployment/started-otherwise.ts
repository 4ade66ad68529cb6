/**
 * Where a site starts machines otherwise than they ask for: with a BIOS instead of EFI, or from another drive (OVF 2
 * BootDeviceSection). Many images start all the same, so that it is told and not refused.
 */

import type { Fault } from '../../src/base/errors.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { DeploymentPlan, PlannedMachine } from '../../src/ovf/plan.js';

/** @param part what of the plan goes to the site */
export function startedOtherwise(sites: Sites, site: string, part: DeploymentPlan): readonly Fault[] {
  const { firmwares, appliances, imageless, bootsFromImage } = sites.adapter(site).capabilities();
  if (appliances === true || imageless) return [];
  const withoutEfi = part.machines.filter(
    ({ firmware }) => firmware !== undefined && firmwares?.has(firmware) !== true,
  );
  const fromDisk = bootsFromImage === true ? part.machines.filter((machine) => isStartedFromCd(machine, part)) : [];
  return [
    ...told(withoutEfi, {
      code: 'site.no-efi',
      message: 'the site does not start machines with EFI, as these ask for',
      place: { field: site },
      rule: 'O-055',
      remedy: 'take another site, unless the images start with a BIOS too',
    }),
    ...told(fromDisk, {
      code: 'site.boot-order',
      message: 'the site starts machines from a disk that has an image, not from a CD as these ask for',
      place: { field: site },
      rule: 'O-055',
      remedy: 'take another site, unless the image on the disk starts too',
    }),
  ];
}

function told(machines: readonly PlannedMachine[], fault: Fault): readonly Fault[] {
  if (machines.length === 0) return [];
  const names = machines
    .map(({ id }) => id)
    .join(', ')
    .slice(0, 200);
  return [{ ...fault, severity: 'warning', message: `${fault.message}: ${names}` }];
}

function isStartedFromCd({ drives }: PlannedMachine, { disks }: DeploymentPlan): boolean {
  const imaged = new Set(disks.flatMap(({ id, image }) => (image === undefined ? [] : id)));
  const first = drives.find(({ boot }) => boot);
  return first?.kind !== 'disk' && drives.some(({ kind, disk }) => kind === 'disk' && imaged.has(disk ?? ''));
}
