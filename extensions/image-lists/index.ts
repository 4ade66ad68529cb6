/**
 * Images that a Virtual Organization's endorsers vouch for (HEPiX image lists, `spec/federation-auth.md` §11): members of the
 * VO find them as OS templates, and machines are made from exactly the bytes that the list names (S-101, S-102).
 */

import type { ImageListConfig } from '../../src/base/config.js';
import type { Extension } from '../../src/extension/extension.js';
import { IaasError } from '../../src/iaas/adapter.js';
import type { Store } from '../../src/store/sql.js';
import type { WantedImage } from '../infrastructure/images.js';
import type { InfrastructureHooks } from '../infrastructure/index.js';
import { PROVIDER } from '../infrastructure/template-images.js';
import { credentialsOf, type ImageLists } from './lists.js';
import { imageListTables, imageOfTemplate, type OfferedImage } from './tables.js';

export { ImageLists } from './lists.js';
export { imageListTables } from './tables.js';

export interface ImageListExtensionServices {
  readonly store: Store;
  readonly hooks: InfrastructureHooks;
  readonly lists: ImageLists;
  readonly subscriptions: readonly ImageListConfig[];
  readonly refreshMs: number;
}

export function createImageLists(services: ImageListExtensionServices): Extension {
  const { store, hooks, lists, subscriptions, refreshMs } = services;
  hooks.templates.push(async (template) => {
    const offered = template.includes('#listed-') ? await imageOfTemplate(store, template) : undefined;
    return offered && { wanted: () => wanted(offered, subscriptions) };
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

/** @throws IaasError `invalid` where the list offers it no longer */
function wanted(image: OfferedImage, subscriptions: readonly ImageListConfig[]): WantedImage {
  if (image.withdrawn) throw new IaasError('invalid', `the list ${image.list} offers ${image.title} no longer`);
  const list = subscriptions.find(({ name }) => name === image.list);
  return {
    key: `listed ${image.template} ${image.sha512}`,
    name: image.title,
    source: {
      from: { url: image.url, credentials: list === undefined ? {} : credentialsOf(list) },
      owner: PROVIDER,
      sizeBytes: image.sizeBytes,
      digest: { algorithm: 'sha512', hex: image.sha512 },
      ...(image.format === 'ova' ? { archive: 'ova' as const } : {}),
    },
  };
}
