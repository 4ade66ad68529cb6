/**
 * The kind `provision`: what the provider sets aside for a VO. A host is kept from the machines of others, a network or a
 * storage is opened to the VO's members, an image becomes a template of theirs; and all of it counts for the VO, whether
 * it is used or not.
 */

import { addGrant, removeGrant } from '../../src/access/grants.js';
import { problem, type Problem } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { NewEntity } from '../../src/extension/entity-draft.js';
import type { RequestContext } from '../../src/extension/extension.js';
import type { EntityDraft, Write } from '../../src/extension/kind-handler.js';
import { entityIdOf, pathOf } from '../../src/extension/locations.js';
import type { Inventory } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { NETWORK, OS_TPL, STORAGE, type Attributes, type TypeId } from '../../src/occi/model.js';
import { findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader } from '../../src/store/sql.js';
import { insertUserMixin, deleteUserMixin } from '../../src/store/user-mixins.js';
import { savedImage } from '../infrastructure/templates.js';
import { requireWithin } from './accounts.js';
import { amountsOf, NOTHING, outside, sum, type Amounts } from './amounts.js';
import { OfVoHandler } from './of-vo.js';
import { hostsSetAside, provisionedFor, type VoStanding } from './standing.js';
import {
  PROVISION,
  PROVISION_REFERENCE,
  PROVISION_SITE,
  PROVISION_TYPE,
  provisioned,
  RESOURCES,
} from './vocabulary.js';

/** Grant by which members reach what was set aside; not shown. */
const GRANT = 'eu.contrail-project.vo.provision.grant';
/** What is known of a site's hosts may be this old: hosts come and go by hand. */
const MAX_AGE_MS = 600_000;

export class ProvisionHandler extends OfVoHandler {
  readonly #sites: Sites;
  readonly #reader: SqlReader;

  constructor(sites: Sites, reader: SqlReader) {
    super(PROVISION);
    this.#sites = sites;
    this.#reader = reader;
  }

  /** What the inventory of a site tells is asked for before the transaction: how large a host or an image is. */
  async makeReady(_context: RequestContext, _registry: unknown, { resolved }: NewEntity): Promise<Amounts | undefined> {
    const { attributes } = resolved;
    switch (attributes[PROVISION_TYPE]) {
      case 'host':
        return this.#sizeOfHost(attributes);
      case 'image':
        return this.#sizeOfImage(stringAt(attributes, PROVISION_REFERENCE) ?? '');
      default:
        return undefined;
    }
  }

  /** @throws Problem `unmet` (`vo.image-unknown`) while the site does not list it: what cannot be counted is not set aside */
  async #sizeOfImage(template: string): Promise<Amounts> {
    const saved = await savedImage(this.#reader, template);
    // Which templates can be set aside is said in the transaction.
    if (!saved) return NOTHING;
    const images = async (maxAgeMs: number): Promise<Inventory['images']> => {
      if (!this.#sites.has(saved.site)) return [];
      const known = await this.#sites.inventoryOf(saved.site, maxAgeMs).catch(() => undefined);
      return known?.inventory.images ?? [];
    };
    const named = (all: Inventory['images']): Inventory['images'][number] | undefined =>
      all.find(({ ref }) => ref === saved.image);
    const image = named(await images(MAX_AGE_MS)) ?? named(await images(0));
    if (image) return { ...NOTHING, storage: image.sizeBytes };
    throw problem(
      'unmet',
      'vo.image-unknown',
      'the site does not list this image yet, so nobody knows how large it is',
      {
        place: { field: PROVISION_REFERENCE },
        remedy: 'wait until the image has been made, and set it aside then',
      },
    );
  }

  async #sizeOfHost(attributes: Attributes): Promise<Amounts> {
    const site = stringAt(attributes, PROVISION_SITE) ?? this.#sites.default;
    if (this.#sites.has(site) && !this.#sites.adapter(site).capabilities().placement.has('host')) {
      throw problem(
        'unmet',
        'vo.site-chooses-hosts',
        `site ${site} lets nobody choose hosts, so none can be set aside`,
        {
          place: { field: PROVISION_SITE },
          remedy: 'set hosts aside at the site itself; a network, storage or image can be set aside here',
        },
      );
    }
    const inventory = this.#sites.has(site)
      ? (await this.#sites.inventoryOf(site, MAX_AGE_MS).catch(() => undefined))?.inventory
      : undefined;
    const name = stringAt(attributes, PROVISION_REFERENCE);
    const host = inventory?.hosts.find((each) => each.name === name);
    if (!host) throw nothingOf('host', 'name a host that `vep sites inventory` lists, and its site');
    return { ...NOTHING, cores: host.cores, memory: host.memoryBytes };
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    const vo = await this.voOf(write, draft);
    const type = stringAt(draft.wanted, PROVISION_TYPE) ?? '';
    draft.title ??= `${type} ${stringAt(draft.wanted, PROVISION_REFERENCE) ?? 'capacity'}`;
    const setAside = await this.#setAside(write, draft, vo, type);
    for (const resource of RESOURCES) {
      if (setAside[resource] > 0) draft.observed[provisioned(resource)] = outside(resource, setAside[resource]);
    }
    requireWithin(vo, sum([await provisionedFor(write.tx, vo.name), setAside]), setAside);
  }

  #setAside(write: Write, draft: EntityDraft, vo: VoStanding, type: string): Promise<Amounts> {
    switch (type) {
      case 'host':
        return this.#host(write, draft);
      case 'network':
        return opened(write, draft, vo, NETWORK, 'network');
      case 'storage':
        return opened(write, draft, vo, STORAGE, 'storage');
      default:
        return template(write, draft, vo);
    }
  }

  async #host({ tx }: Write, draft: EntityDraft): Promise<Amounts> {
    const site = stringAt(draft.wanted, PROVISION_SITE) ?? this.#sites.default;
    draft.wanted[PROVISION_SITE] = site;
    const taken = await hostsSetAside(tx, site);
    if (taken.has(stringAt(draft.wanted, PROVISION_REFERENCE) ?? '')) {
      throw problem('conflict', 'vo.host-set-aside', 'this host is set aside already', {
        place: { field: PROVISION_REFERENCE },
        remedy: 'give it back first',
      });
    }
    return draft.prepared as Amounts;
  }

  /** What was opened is closed again. */
  override async release(write: Write, entity: EntityRecord): Promise<undefined> {
    const grant = stringAt(entity.observed, GRANT);
    if (grant !== undefined) await removeGrant(write.tx, grant);
    const reference = stringAt(entity.wanted, PROVISION_REFERENCE);
    if (entity.wanted[PROVISION_TYPE] === 'image' && reference !== undefined)
      await deleteUserMixin(write.tx, entity.group, reference);
    return undefined;
  }
}

/** A network or storage becomes visible to the VO's members, who may link to it and nothing else. */
async function opened(write: Write, draft: EntityDraft, vo: VoStanding, kind: TypeId, what: string): Promise<Amounts> {
  const { tx, registry, context, now } = write;
  const id = entityIdOf(stringAt(draft.wanted, PROVISION_REFERENCE) ?? '', context.base);
  const entity = id === undefined ? undefined : await findEntity(tx, id);
  if (entity?.phase !== 'live' || !registry.isA(entity.kind, kind))
    throw nothingOf(what, `name a ${what} by its path, like ${registry.kind(kind)?.location ?? '/'}<id>`);
  const subject = { group: vo.name };
  const createdBy = context.principal.id;
  draft.wanted[PROVISION_REFERENCE] = pathOf(registry, entity);
  draft.observed[GRANT] = await addGrant(tx, {
    subject,
    entity: entity.id,
    verbs: ['read'],
    until: null,
    createdBy,
    createdAt: now,
  });
  if (entity.site !== null) draft.wanted[PROVISION_SITE] = entity.site;
  // What the VO itself has made is charged to it as it is.
  return entity.group === vo.name ? NOTHING : (amountsOf(registry, entity) ?? NOTHING);
}

/** A template that `save` made, put among those of the VO. */
async function template(write: Write, draft: EntityDraft, vo: VoStanding): Promise<Amounts> {
  const { tx, registry, context, now } = write;
  const id = stringAt(draft.wanted, PROVISION_REFERENCE) ?? '';
  const mixin = registry.mixin(id);
  if (mixin?.ownerGroup === undefined || !registry.dependsOn(id, OS_TPL))
    throw nothingOf('image', 'name a template of yours that `save` made; those of the configuration are everybody’s');
  const { title, depends: rel } = mixin;
  const owned = { group: vo.name, createdBy: context.principal.id, createdAt: now };
  await insertUserMixin(tx, { ...mixin, title: title ?? null, rel, ...owned });
  return draft.prepared as Amounts;
}

function nothingOf(what: string, remedy: string): Problem {
  return problem('invalid', 'vo.provision-reference', `there is no such ${what}`, {
    place: { field: PROVISION_REFERENCE },
    remedy,
  });
}
