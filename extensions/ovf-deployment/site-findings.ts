/** What stands against the parts of an appliance on the sites where they would be. */

import { excerpt, type Fault } from '../../src/base/errors.js';
import { shownUrl } from '../../src/base/shown-url.js';
import { siteBehind } from '../../src/iaas/account.js';
import { clashOfNetwork } from '../../src/iaas/network-pools.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { DeploymentPlan, PlannedImage } from '../../src/ovf/plan.js';
import type { PreparationServices } from './appliance-services.js';
import type { ImageOrigins } from './package.js';
import { partOf, siteOf, sitesOf, type Layout, type SitePolicy } from './layout.js';
import { DELTA_DISKS, DELTA_REMEDY, deltaDisks, downAmong, isTold } from './site-verdict.js';
import { startedOtherwise } from './started-otherwise.js';
import { strandedImages } from './template-images.js';
import { OVF_SITE } from './vocabulary.js';

/** What stands against each part on the site where it would be. */
export async function siteFindings(
  services: PreparationServices,
  draft: DeploymentPlan | undefined,
  layout: Layout,
  { missing, located }: { readonly missing: readonly PlannedImage[]; readonly located: ImageOrigins },
): Promise<Fault[]> {
  const { sites, reports } = services;
  if (!draft) return [];
  const found = sitesOf(layout).map(async (site): Promise<Fault[]> => {
    const part = partOf(draft, (machine) => siteOf(layout, machine) === site);
    const files = part.machines.flatMap(({ environment }) => environment.files ?? []);
    const needed = new Set([...part.images.map(({ id }) => id), ...files.map(({ file }) => file)]);
    return [
      ...downAmong(sites, [site]),
      ...notSent(
        sites,
        site,
        missing.filter(({ id }) => needed.has(id)),
      ),
      ...waitingForGuests(part, site, reports.canReach(site)),
      ...unreachableGuests(sites, site, part),
      ...unflattened(sites, site, part),
      ...startedOtherwise(sites, site, part),
      ...(await strandedImages(services, services.templates, site, part, located)),
    ];
  });
  return [...clashingAddresses(draft, layout, services.governance.policy), ...(await Promise.all(found)).flat()];
}

/** Networks made on several sites, which cut them from ranges that overlap. */
function clashingAddresses(draft: DeploymentPlan, layout: Layout, { clashes }: SitePolicy): readonly Fault[] {
  return draft.networks.flatMap(({ name, mappedTo }) => {
    const on = draft.machines.filter(({ interfaces }) => interfaces.some(({ network }) => network === name));
    const used = new Set(on.map(({ id }) => siteBehind(siteOf(layout, id))));
    const clashing = clashes.filter(
      ({ networks, sites }) => networks.includes(name) && sites.every((site) => used.has(site)),
    );
    return mappedTo === undefined ? clashing.map((clash) => clashOfNetwork(clash, name)) : [];
  });
}

/** An image that nobody sent is an error, unless the site runs machines without looking at images. */
function notSent(sites: Sites, site: string, images: readonly PlannedImage[]): Fault[] {
  const { imageless } = sites.adapter(site).capabilities();
  const named = images.map(({ href }) => excerpt(shownUrl(href)));
  return named.map((href): Fault => ({
    code: 'ovf.file-not-sent',
    severity: imageless ? 'warning' : 'error',
    message: imageless
      ? `the file ${href} was not sent: its disks stay empty, which site ${site} allows because it runs no guests`
      : `the file ${href} was not sent`,
    place: { field: href },
    rule: 'O-013',
    remedy: 'send it with the descriptor (multipart/form-data or an OVA), or give its absolute URL in the descriptor',
  }));
}

/** K34: where guests cannot report, what waits for them waits for its delay. */
function waitingForGuests({ startup }: DeploymentPlan, site: string, reachable: boolean): Fault[] {
  const waiting = startup.flatMap(({ machines }) =>
    machines.filter((machine) => machine.waitingForGuest && !(reachable && machine.startDelay > 0)),
  );
  return waiting.map(({ id, startDelay }) => ({
    code: 'ovf.waiting-for-guest',
    severity: 'warning',
    message: reachable
      ? `${id} is waited for until it is ready, but no longer than its startDelay of 0 s`
      : `${id} cannot report from site ${site} that it is ready: what comes after it starts ${startDelay} s later`,
    value: id,
    rule: 'K34',
    remedy: reachable
      ? 'give it a startDelay: the longest time that its report may take'
      : 'choose startDelay so that the guest is ready by then, or have the provider set guestUrl for the site',
  }));
}

/** O-065: properties are there to reach a guest. */
function unreachableGuests(sites: Sites, site: string, { machines }: DeploymentPlan): Fault[] {
  const told = machines.some(isTold);
  if (!told || sites.adapter(site).capabilities().transports.length > 0) return [];
  return [
    {
      code: 'ovf.O-065',
      message: `site ${site} has no way to bring properties or files of the appliance to its guests`,
      place: { field: OVF_SITE },
      rule: 'O-065',
      remedy: 'choose another site',
    },
  ];
}

/** O-037: a delta without what it is a delta of would be a broken disk. */
function unflattened(sites: Sites, site: string, part: DeploymentPlan): Fault[] {
  const disks = deltaDisks(part);
  const { imageless } = sites.adapter(site).capabilities();
  return disks.map((disk) => ({
    code: 'ovf.delta-disk',
    severity: imageless ? 'warning' : 'error',
    message: imageless ? `${DELTA_DISKS}; it looks at no images, so the disk is made all the same` : DELTA_DISKS,
    rule: 'O-037',
    value: disk,
    remedy: DELTA_REMEDY,
  }));
}
