/**
 * The images behind OS templates (GFD.224 §3.5.1), whoever offers the template: the provider's configuration, `save`, which
 * leaves the image at the site of the machine, or an extension. An image that a site holds is used there as it is; for
 * another site it is fetched like any other.
 */

import type { Config, OsTemplateConfig } from '../../src/base/config.js';
import { excerpt, throwIfFaulty, type Fault } from '../../src/base/errors.js';
import { IaasError } from '../../src/iaas/adapter.js';
import type { TypeId } from '../../src/occi/model.js';
import type { SqlReader } from '../../src/store/sql.js';
import type { WantedImage } from './images.js';
import { OS_TEMPLATE_SCHEME, savedImage } from './templates.js';

export interface TemplateImage {
  /** The site that holds the image, if one does. */
  readonly heldBy?: string;
  /**
   * What to bring to a site.
   *
   * @throws IaasError `transient` while it is still being made, `invalid` where the template stands for nothing any more
   */
  wanted(): WantedImage;
}

/** The image of a template; nothing for templates of others, and for one that stands for an empty disk. */
export type TemplateImageSource = (template: TypeId) => Promise<TemplateImage | undefined>;

/** The image of the first of these mixins that is an OS template with one. */
export async function imageOfTemplates(
  sources: readonly TemplateImageSource[],
  mixins: readonly TypeId[],
): Promise<TemplateImage | undefined> {
  for (const mixin of mixins) {
    for (const source of sources) {
      const found = await source(mixin);
      if (found) return found;
    }
  }
  return undefined;
}

/** Bytes that are the provider's own affair, whoever makes use of them. */
export const PROVIDER = 'vep:provider';

export function savedTemplateImage(reader: SqlReader): TemplateImageSource {
  return async (template) => {
    const saved = await savedImage(reader, template);
    if (!saved) return undefined;
    const { site, image } = saved;
    return {
      heldBy: site,
      wanted: () => {
        if (image === null) throw new IaasError('transient', 'the image of the template is still being made');
        const name = template.slice(template.indexOf('#') + 1);
        return { key: `saved ${template}`, name, source: { from: { site, image }, owner: PROVIDER } };
      },
    };
  };
}

/** @throws Problem `invalid` with a fault for each template of the configuration that names a site which is none */
export function checkTemplateImages({ templates, sites }: Pick<Config, 'templates' | 'sites'>): void {
  const names = sites.map(({ name }) => name);
  const faults = templates.os.flatMap(({ term, image }): Fault[] => {
    const held = heldImage(image);
    if (held ? names.includes(held.site) : image?.startsWith('site:') !== true) return [];
    return [
      {
        code: 'config.template-site',
        message: 'the image of this OS template names no site of the configuration',
        place: { path: `templates.os.${term}.image` },
        value: excerpt(image ?? ''),
        remedy: `write site:<name>/<image>, where <name> is one of: ${names.join(', ')}`,
      },
    ];
  });
  throwIfFaulty('invalid', faults);
}

/** What `site:<name>/<image>` names. */
function heldImage(image = ''): { readonly site: string; readonly image: string } | undefined {
  const [, site, held] = /^site:([^/]+)\/(.+)$/.exec(image) ?? [];
  return site === undefined || held === undefined ? undefined : { site, image: held };
}

/** A template of the configuration: its image lies at a URL, or at a site (`site:<name>/<image>`). */
export function providerTemplateImage(templates: readonly OsTemplateConfig[]): TemplateImageSource {
  return (mixin) => {
    const template = templates.find(({ term }) => OS_TEMPLATE_SCHEME + term === mixin);
    if (template?.image === undefined) return Promise.resolve(undefined);
    const { term, image } = template;
    const held = heldImage(image);
    const source = { from: held ?? { url: image }, owner: PROVIDER };
    const wanted = { key: `os_tpl ${term} ${image}`, name: term, source };
    return Promise.resolve({ ...(held && { heldBy: held.site }), wanted: () => wanted });
  };
}
