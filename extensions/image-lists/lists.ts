/**
 * The image lists that the provider subscribes to: fetched now and then, held to their endorsers, and offered as OS templates
 * to the VO that each is for. A list that is refused, or cannot be had, leaves the one before it in force until that ends.
 */

import { readFileSync } from 'node:fs';
import type { ValidationOptions } from '../../src/access/x509/validation.js';
import type { Clock } from '../../src/base/clock.js';
import type { ImageListConfig } from '../../src/base/config.js';
import { messageOf, Problem, problem, type Fault } from '../../src/base/errors.js';
import type { Log } from '../../src/base/log.js';
import type { ImageListReport } from '../../src/client/image-list-report.js';
import type { GuardedDialler } from '../../src/net/dialler.js';
import { COMPUTE, OS_TPL } from '../../src/occi/model.js';
import { countEntities } from '../../src/store/entity-lists.js';
import type { Store, Tx } from '../../src/store/sql.js';
import { deleteUserMixin, insertUserMixin, listUserMixins } from '../../src/store/user-mixins.js';
import { download } from '../../src/transfer/download.js';
import { endorsedList } from '../../src/transfer/image-list/endorsed.js';
import type { ImageList, ListedImage } from '../../src/transfer/image-list/image-list.js';
import type { SourceCredentials } from '../../src/transfer/source-credentials.js';
import {
  forgetList,
  forgetTemplate,
  imagesOfList,
  keepImage,
  keepList,
  knownLists,
  type KnownList,
  type OfferedImage,
} from './tables.js';

export interface ImageListServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly dialler: GuardedDialler;
  readonly subscriptions: readonly ImageListConfig[];
  /** Whom to believe, now. */
  readonly validation: () => ValidationOptions;
}

interface Look {
  readonly at: number;
  readonly faults: readonly Fault[];
}

/** Lists have some hundreds of images, a kilobyte each. */
const MAX_LIST_BYTES = 8 << 20;

export class ImageLists {
  readonly #services: ImageListServices;
  /** How the last look at each went, in this process. */
  readonly #looks = new Map<string, Look>();

  constructor(services: ImageListServices) {
    this.#services = services;
  }

  /** Looks at every list, one after the other. What is wrong with one of them is noted and stops no other. */
  async refresh(signal: AbortSignal): Promise<void> {
    const { subscriptions, store, clock } = this.#services;
    const known = await knownLists(store);
    for (const { name } of known.filter(({ name }) => !subscriptions.some((each) => each.name === name)))
      await store.write((tx) => this.#ended(tx, name));
    for (const subscription of subscriptions) {
      signal.throwIfAborted();
      const seen = known.find(({ name, vo }) => name === subscription.name && vo === subscription.vo);
      const faults = await this.#look(subscription, seen, signal);
      this.#looks.set(subscription.name, { at: clock.now(), faults });
    }
  }

  async report(): Promise<readonly ImageListReport[]> {
    const { subscriptions, store } = this.#services;
    const known = await knownLists(store);
    return Promise.all(
      subscriptions.map(async ({ name, url, vo }) => {
        const list = known.find((each) => each.name === name);
        const look = this.#looks.get(name);
        const images = await imagesOfList(store, name);
        return {
          name,
          url,
          vo,
          ...(list && { version: list.version, acceptedAt: list.acceptedAt, expires: list.expires }),
          ...(look && { checkedAt: look.at }),
          images: images.map(({ template, title, withdrawn }) => ({ template, title, withdrawn })),
          faults: look?.faults ?? [],
        };
      }),
    );
  }

  /** Answers what was wrong. */
  async #look(
    subscription: ImageListConfig,
    seen: KnownList | undefined,
    signal: AbortSignal,
  ): Promise<readonly Fault[]> {
    const { store, clock, log } = this.#services;
    const { name } = subscription;
    try {
      const message = await this.#fetch(subscription, signal);
      const list = endorsedList(message, subscription, this.#services.validation(), seen);
      await store.write((tx) => this.#offer(tx, name, list));
      if (seen?.version !== list.version)
        log.info({ list: name, version: list.version, images: list.images.length }, 'an image list is accepted');
      return [];
    } catch (error) {
      signal.throwIfAborted();
      const faults =
        error instanceof Problem && error.kind !== 'internal'
          ? error.faults
          : problem('unavailable', 'image-list.fetch', messageOf(error), { remedy: 'look at the log of the server' })
              .faults;
      log.warn({ list: name, faults }, 'an image list is not accepted');
      if (seen && seen.expires <= clock.now()) await store.write((tx) => this.#ended(tx, name));
      else await store.write((tx) => this.#withdrawExpired(tx, name));
      return faults;
    }
  }

  async #fetch(list: ImageListConfig, signal: AbortSignal): Promise<Buffer> {
    const credentials = credentialsOf(list);
    const { bytes } = await download(this.#services.dialler, list.url, {
      maxBytes: MAX_LIST_BYTES,
      signal,
      credentials,
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The images of the list become the VO's templates; those that are not in it any more are withdrawn. */
  async #offer(tx: Tx, name: string, list: ImageList): Promise<void> {
    const now = this.#services.clock.now();
    const before = await imagesOfList(tx, name);
    const offered = list.images.filter(({ expires }) => expires > now).map((image) => offeredOf(name, list.vo, image));
    for (const image of offered) {
      await this.#define(tx, image, now);
      await keepImage(tx, image);
    }
    for (const image of before)
      if (!offered.some(({ template }) => template === image.template)) await this.#withdraw(tx, image);
    await keepList(tx, name, list, now);
  }

  async #define(tx: Tx, image: OfferedImage, now: number): Promise<void> {
    const [scheme = '', term = ''] = image.template.split(/(?<=#)/);
    const present = (await listUserMixins(tx, [image.vo])).find(({ id }) => id === image.template);
    if (present?.title === image.title) return;
    if (present) await deleteUserMixin(tx, image.vo, image.template);
    await insertUserMixin(tx, {
      group: image.vo,
      id: image.template,
      scheme,
      term,
      title: image.title,
      rel: [OS_TPL],
      applies: [COMPUTE],
      location: `/mixin/os_tpl/listed/${term}/`,
      createdBy: 'vep:provider',
      createdAt: now,
    });
  }

  /** No new machine is made from it. Machines that were keep their template, which goes when the last of them has gone. */
  async #withdraw(tx: Tx, image: OfferedImage): Promise<void> {
    const scope = { op: 'group', groups: [image.vo] } as const;
    const used = await countEntities(tx, { kinds: [COMPUTE], mixins: [image.template], scope });
    if (used > 0) return keepImage(tx, { ...image, withdrawn: true });
    await deleteUserMixin(tx, image.vo, image.template);
    await forgetTemplate(tx, image.template);
  }

  async #withdrawExpired(tx: Tx, name: string): Promise<void> {
    const now = this.#services.clock.now();
    for (const image of await imagesOfList(tx, name))
      if (image.withdrawn || image.expires <= now) await this.#withdraw(tx, image);
  }

  async #ended(tx: Tx, name: string): Promise<void> {
    for (const image of await imagesOfList(tx, name)) await this.#withdraw(tx, image);
    await forgetList(tx, name);
  }
}

/** What the server of the list is shown, and none of those that whoever writes the list sends VEP to; the operator's, never a user's. */
export function credentialsOf({ url, credentialFile: file }: ImageListConfig): SourceCredentials {
  return file === undefined ? {} : { [new URL(url).host]: readFileSync(file, 'utf8').trim() };
}

function offeredOf(list: string, vo: string, image: ListedImage): OfferedImage {
  const scheme = `http://schemas.contrail-project.eu/occi/group/${encodeURIComponent(vo)}/os_tpl#`;
  const term = `listed-${image.identifier}`.toLowerCase().replace(/[^a-z0-9_-]/g, '-');
  const title = (image.title === '' ? image.identifier : image.title).replace(/[,"\\]+/g, ' ').trim();
  return { ...image, title, template: `${scheme}${term}`, list, vo, withdrawn: false };
}
