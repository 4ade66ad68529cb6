/**
 * Disks of a descriptor whose file is no file: its reference names an OS template (GFD.224 §3.5.1), by type identifier or by
 * URL on this server, and stands for the image behind it, wherever that lies. A caller names what the caller sees
 * (K14): anything else is no template of VEP's, and is not looked for on the web.
 */

import { excerpt, type Fault } from '../../src/base/errors.js';
import type { Sites } from '../../src/iaas/sites.js';
import { CONTRAIL, OS_TPL, type TypeId } from '../../src/occi/model.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { DeploymentPlan, PlannedImage } from '../../src/ovf/plan.js';
import type { SiteImages } from '../infrastructure/images.js';
import { imageOfTemplates, type TemplateImageSource } from '../infrastructure/template-images.js';
import { imageOrigins, type FileOrigin, type ImageOrigins } from './package.js';
import { OVF_SITE } from './vocabulary.js';

/** Where templates are seen: the categories of the caller, and the address at which the caller reached this server. */
export interface Offered {
  readonly registry: CategoryRegistry;
  readonly base: string;
}

export interface TemplateOrigins {
  readonly origins: ImageOrigins;
  readonly faults: readonly Fault[];
}

/** The templates among the references of a plan's images. */
export async function templateOrigins(
  images: readonly PlannedImage[],
  sources: readonly TemplateImageSource[],
  offered: Offered,
): Promise<TemplateOrigins> {
  const origins = imageOrigins() as Record<string, FileOrigin>;
  const faults: Fault[] = [];
  for (const { id, href } of images) {
    const name = nameIn(href, offered);
    if (name === undefined) continue;
    const template = offered.registry.mixin(name)?.id;
    if (template === undefined || !offered.registry.dependsOn(template, OS_TPL)) faults.push(unknown(href));
    else if (await imageOfTemplates(sources, [template])) origins[id] = { template };
    else faults.push(imageless(href));
  }
  return { origins, faults };
}

/** Whether a reference speaks of categories, and not of a file. */
export function namesTemplate(href: string, offered: Offered): boolean {
  return nameIn(href, offered) !== undefined;
}

/** The identifier that a reference stands for, if it speaks of categories at all. */
function nameIn(href: string, { registry, base }: Offered): TypeId | undefined {
  if (href.startsWith(`${CONTRAIL}/`)) return href;
  const mixins = `${base}/mixin/`;
  if (!href.startsWith(mixins)) return undefined;
  const path = new URL(href).pathname;
  return registry.atLocation(path.endsWith('/') ? path : `${path}/`)?.id ?? href;
}

/** What stands against images of templates on the site where they would be. */
export async function strandedImages(
  { images, sites }: { readonly images: SiteImages; readonly sites: Sites },
  sources: readonly TemplateImageSource[],
  site: string,
  { images: planned }: DeploymentPlan,
  origins: ImageOrigins,
): Promise<Fault[]> {
  const whole = sites.adapter(site).capabilities().appliances === true;
  const faults: Fault[] = [];
  for (const { id, href } of planned) {
    const origin = origins[id];
    if (!origin || !('template' in origin)) continue;
    const heldBy = (await imageOfTemplates(sources, [origin.template]))?.heldBy;
    const stranded = heldBy !== undefined && heldBy !== site && !images.handsOut(heldBy);
    if (whole)
      faults.push(elsewhere(href, `site ${site} deploys appliances by itself and knows no templates of this VEP`));
    else if (stranded) faults.push(elsewhere(href, `it is held by site ${heldBy}, which hands no images out`));
  }
  return faults;
}

function elsewhere(href: string, why: string): Fault {
  return {
    code: 'site.image-elsewhere',
    message: `the site cannot have the image of ${excerpt(href)}: ${why}`,
    place: { field: OVF_SITE },
    remedy: 'name the site that holds it, or send the image itself',
  };
}

function unknown(href: string): Fault {
  return {
    code: 'ovf.template-unknown',
    message: 'the reference names no OS template that you can use',
    place: { field: excerpt(href) },
    remedy: 'name one that discovery shows (/-/) by its type identifier or its URL',
  };
}

function imageless(href: string): Fault {
  return {
    code: 'ovf.template-imageless',
    message: 'the OS template has no image: it stands for an empty disk',
    place: { field: excerpt(href) },
    remedy: 'leave out the file of the disk, or name a template with an image',
  };
}
