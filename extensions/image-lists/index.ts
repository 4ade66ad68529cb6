/**
 * Images that a Virtual Organization's endorsers vouch for (HEPiX image lists, `spec/federation-auth.md` §11): members of the
 * VO find them as OS templates, and machines are made from exactly the bytes that the list names (S-101, S-102).
 */

import type { ImageListConfig } from '../../src/base/config.js';
import type { Extension } from '../../src/extension/extension.js';
import { IaasError } from '../../src/iaas/adapter.js';
import { COMPUTE } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import type { SiteImages, WantedImage } from '../infrastructure/images.js';
import type { InfrastructureHooks } from '../infrastructure/index.js';
import { credentialsOf, type ImageLists } from './lists.js';
import { imageListTables, imageOfTemplate, type OfferedImage } from './tables.js';

export { ImageLists } from './lists.js';
export { imageListTables } from './tables.js';

export interface ImageListExtensionServices {
  readonly store: Store;
  readonly images: SiteImages;
  readonly hooks: InfrastructureHooks;
  readonly lists: ImageLists;
  readonly subscriptions: readonly ImageListConfig[];
  readonly refreshMs: number;
}

export function createImageLists(services: ImageListExtensionServices): Extension {
  const { store, images, hooks, lists, subscriptions, refreshMs } = services;
  hooks.details.push(async (_operation, entity, signal) => {
    const offered = entity.kind === COMPUTE ? await offeredFor(store, entity) : undefined;
    if (!offered) return {};
    if (offered.withdrawn) throw new IaasError('invalid', `the list ${offered.list} offers ${offered.title} no longer`);
    return { image: await images.ensure(entity.site ?? '', wanted(offered, subscriptions), signal) };
  });
  const task = { name: 'image-lists', everyMs: refreshMs, run: (signal: AbortSignal) => lists.refresh(signal) };
  return {
    name: 'image-lists',
    categories: [],
    ...imageListTables,
    handlers: [],
    operations: [],
    bodyReaders: [],
    renderings: [],
    routes: [],
    tasks: [task],
  };
}

async function offeredFor(store: Store, { mixins }: EntityRecord): Promise<OfferedImage | undefined> {
  for (const mixin of mixins) {
    const offered = mixin.includes('#listed-') ? await imageOfTemplate(store, mixin) : undefined;
    if (offered) return offered;
  }
  return undefined;
}

function wanted(image: OfferedImage, subscriptions: readonly ImageListConfig[]): WantedImage {
  const file = subscriptions.find(({ name }) => name === image.list)?.credentialFile;
  return {
    key: `listed ${image.template} ${image.sha512}`,
    name: image.title,
    source: {
      from: { url: image.url, credentials: credentialsOf(image.url, file) },
      owner: 'vep:provider',
      sizeBytes: image.sizeBytes,
      digest: { algorithm: 'sha512', hex: image.sha512 },
      ...(image.format === 'ova' ? { archive: 'ova' as const } : {}),
    },
  };
}
