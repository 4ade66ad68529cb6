/**
 * Whether a site can take a plan, and everything that stands against it: what the site cannot do at all, and what it has
 * no room for. From the last known inventory: nobody is asked inside a request (K06).
 */

import { withSeverity, type Fault } from '../../src/base/errors.js';
import type { Capabilities } from '../../src/iaas/adapter.js';
import type { Sites, SiteStatus } from '../../src/iaas/sites.js';
import type { SiteVerdict } from '../../src/ovf/index.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { demandsOf } from '../../src/scheduling/offer.js';
import { place } from '../../src/scheduling/placement.js';
import type { SqlReader } from '../../src/store/sql.js';
import type { SiteImages } from '../infrastructure/images.js';
import { isReadOnly } from './components.js';
import { offersOf, type Tenant } from './offers.js';

export async function verdictOf(
  sites: Sites,
  reader: SqlReader,
  name: string,
  plan: DeploymentPlan,
  images: SiteImages,
  tenant: Tenant,
): Promise<SiteVerdict> {
  const [offer] = await offersOf(sites, reader, [name], tenant);
  if (!offer) return verdict(name, [silent(name)]);
  const outcome = place(demandsOf(plan), [offer], plan.constraints);
  return verdict(
    name,
    [
      ...inabilities(name, sites.adapter(name).capabilities(), plan, images),
      ...('refused' in outcome ? outcome.refused : []),
    ],
    downAmong(sites, [name]),
  );
}

export function verdict(name: string, refusals: readonly Fault[], warnings: readonly Fault[] = []): SiteVerdict {
  const reasons = refusals.map(({ message }) => message);
  return {
    name,
    fits: refusals.length === 0,
    reasons,
    refusals: withSeverity(refusals),
    warnings: withSeverity(warnings),
  };
}

/** A warning for each of the sites that is down: what is known of it is old, and nothing is deployed there before it is back. */
export function downAmong(sites: Sites, names: readonly string[]): readonly Fault[] {
  return names
    .map((name) => sites.status(name))
    .filter(({ up }) => !up)
    .map(down);
}

function down({ name, since, isRefused }: SiteStatus): Fault {
  const why = isRefused ? ' and does not take the credential' : '';
  return {
    code: 'site.down',
    severity: 'warning',
    message: `site ${name} is down since ${new Date(since).toISOString()}${why}; what is known of its room is older`,
    place: { field: name },
    remedy: isRefused ? 'exchange the credential' : 'wait until it answers again, or name another site',
  };
}

function silent(name: string): Fault {
  return {
    code: 'site.silent',
    message: 'the site does not answer',
    place: { field: name },
    remedy: 'try again later, or take another site',
  };
}

/** Disks whose image holds only what differs from another disk (DSP0243 §9.1 `ovf:parentRef`); nobody puts the two together. */
export function deltaDisks({ disks }: DeploymentPlan): readonly string[] {
  return disks.filter(({ parent, image }) => parent !== undefined && image !== undefined).map(({ id }) => id);
}

export const DELTA_DISKS = 'the site cannot put together a disk and what it is a delta of';
export const DELTA_REMEDY = 'flatten the disks, for instance with qemu-img convert, and leave out ovf:parentRef';

const SHARED_DISKS = 'the site gives a disk to one machine at a time';
const SHARED_IMAGES = 'the site shares no disk made from an image other than';
const READ_ONLY_DISKS = 'the site attaches no disk for reading only';
const READ_ONLY_REMEDY = 'take another site, or leave out the CD, or readOnly of the shared disk';
const SHARED_REMEDY = 'take a site that lets machines share volumes, or let one of them share what is on the disk';

/** Disks and media that machines read and never write. A site that looks at no images has nothing on a CD. */
function readOnlyDisks({ disks, machines }: DeploymentPlan, imageless: boolean): readonly string[] {
  const byId = new Map(disks.map((disk) => [disk.id, disk]));
  const named = machines.flatMap(({ drives }) =>
    drives
      .filter((drive) => isReadOnly(drive, byId.get(drive.disk ?? '')))
      .filter(({ kind }) => kind !== 'cdrom' || !imageless)
      .flatMap(({ disk, image }) => disk ?? image ?? []),
  );
  return [...new Set(named)];
}

/** Disks that a site has to make: all, but for those that come with their machines. */
function madeDisks({ disks, machines }: DeploymentPlan, bootsFromImage: boolean): readonly string[] {
  const images = new Set(disks.filter(({ image, shared }) => image !== undefined && !shared).map(({ id }) => id));
  const own = machines.flatMap(({ drives }) => drives.find(({ disk }) => images.has(disk ?? ''))?.disk ?? []);
  return disks.map(({ id }) => id).filter((id) => !bootsFromImage || !own.includes(id));
}

/** Whether something must reach the guest. */
export function isTold({ environment: { properties, files = [] } }: DeploymentPlan['machines'][number]): boolean {
  return properties.length > 0 || files.length > 0;
}

/** What the plan needs and the site cannot do, whoever asks and however empty it is. */
export function inabilities(
  name: string,
  capabilities: Capabilities,
  plan: DeploymentPlan,
  images: SiteImages,
): readonly Fault[] {
  const cannot = (code: string, message: string, remedy: string, values: readonly string[]): readonly Fault[] =>
    values.length === 0
      ? []
      : [{ code, message: `${message}: ${values.join(', ').slice(0, 200)}`, place: { field: name }, remedy }];
  const { network, storage, sharesVolumes, plugsReadOnly, sharedImageFormats, imageFormats } = capabilities;
  const { transports, imageless, bootsFromImage } = capabilities;
  // What it can do for an appliance it judges by itself, when the appliance comes.
  if (capabilities.appliances === true) return [];
  const made = plan.networks.filter(({ mappedTo }) => mappedTo === undefined).map((each) => each.name);
  const foreign = plan.disks.filter(
    ({ image, format = 'unknown' }) => image !== undefined && format !== 'unknown' && !images.takes(name, format),
  );
  const shared = plan.disks.filter((disk) => disk.shared);
  const unshared = shared.filter(
    ({ image, format = 'unknown' }) => image !== undefined && sharedImageFormats?.includes(format) === false,
  );
  const told = plan.machines.filter(isTold).map(({ id }) => id);
  return [
    ...(network.has('create')
      ? []
      : cannot('site.no-networks', 'the site makes no networks', 'map each to a network that is there', made)),
    ...(storage.has('create')
      ? []
      : cannot(
          'site.no-storage',
          'the site makes no disks',
          'take another site',
          madeDisks(plan, bootsFromImage === true),
        )),
    ...(sharesVolumes === true
      ? cannot(
          'site.shared-disk',
          `${SHARED_IMAGES} ${(sharedImageFormats ?? []).join(', ')}`,
          'convert its image, for instance with qemu-img convert',
          unshared.map(({ id, format = 'unknown' }) => `${id} (${format})`),
        )
      : cannot(
          'site.shared-disk',
          SHARED_DISKS,
          SHARED_REMEDY,
          shared.map(({ id }) => id),
        )),
    ...(plugsReadOnly === true
      ? []
      : cannot('site.read-only-disk', READ_ONLY_DISKS, READ_ONLY_REMEDY, readOnlyDisks(plan, imageless))),
    ...(imageless ? [] : cannot('site.delta-disk', DELTA_DISKS, DELTA_REMEDY, deltaDisks(plan))),
    ...(imageless
      ? []
      : cannot(
          'site.image-format',
          `the site takes images as ${imageFormats.join(', ')} only`,
          'convert the images, for instance with qemu-img convert',
          foreign.map(({ id, format }) => `${id} (${format})`),
        )),
    ...(transports.length > 0
      ? []
      : cannot('site.no-transport', 'the site cannot bring properties and files to guests', 'take another site', told)),
  ];
}
