/**
 * The infrastructure extension (GFD.224): the behaviour of compute, network, storage and their links on the sites of
 * this VEP, and of the security groups and IP reservations that the field puts beside them. Their categories lie in
 * `occi-kinds/`; here are only the OS templates of the provider.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.js';
import type { Config } from '../../src/base/config.js';
import type { JsonValue } from '../../src/base/json.js';
import type { Log } from '../../src/base/log.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Operation } from '../../src/engine/operation.js';
import { Reconciler } from '../../src/engine/reconciler.js';
import { SiteWatch, type Watched } from '../../src/engine/site-watch.js';
import type { Extension, Task } from '../../src/extension/extension.js';
import type { Observations } from '../../src/extension/observations.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import { ComputeHandler } from './compute.js';
import { forgetRoute, type ForgottenHook } from './forgetting.js';
import { CreateGroupCopy1767200000000, groupCopyTable } from './group-copies.js';
import type { SiteImages } from './images.js';
import { IpReservationHandler } from './ip-reservation.js';
import { leftImageOperation, leftImagesTask } from './left-images.js';
import { NetworkInterfaceHandler, StorageLinkHandler } from './links.js';
import { NetworkHandler } from './network.js';
import { infrastructureOperations, type SettledHook } from './operations.js';
import { CreateLeftAtSite1767300000000, leftAtSiteTable, othersAt } from './made-here.js';
import { infrastructureReconcileSource, orphanOperation } from './reconcile.js';
import { SecurityGroupHandler, SecurityGroupLinkHandler } from './security-group.js';
import type { ProvisionInput } from './site-class.js';
import { StorageHandler } from './storage.js';
import {
  imageOfTemplates,
  providerTemplateImage,
  savedTemplateImage,
  type TemplateImageSource,
} from './template-images.js';
import { CreateSavedImage1763800000200, osTemplateCategories, savedImageTable } from './templates.js';
import { unobservedTask } from './unobserved.js';

export interface InfrastructureServices {
  readonly config: Config;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly engine: Engine;
  readonly sites: Sites;
  readonly keeping: SiteKeeping;
  readonly images: SiteImages;
  readonly observations: Observations;
  readonly hooks: InfrastructureHooks;
}

/** Where other extensions take part in what happens to entities of theirs. Filled before the engine starts. */
export interface InfrastructureHooks {
  /** What they add to the making of an entity, e.g. the OVF environment of a machine. */
  readonly details: ProvisionDetail[];
  /** Where OS templates of theirs have their images. */
  readonly templates: TemplateImageSource[];
  /** Which links lead to a volume that nobody may write to. */
  readonly readOnly: ((link: EntityRecord) => Promise<boolean>)[];
  readonly settled: SettledHook[];
  readonly forgotten: ForgottenHook[];
}

export type ProvisionDetail = (
  operation: Operation,
  entity: EntityRecord,
  signal: AbortSignal,
) => Promise<ProvisionInput>;

/** Known before the store is open, which makes them. */
export const infrastructureTables = {
  entitySchemas: [savedImageTable, groupCopyTable, leftAtSiteTable],
  migrations: [CreateSavedImage1763800000200, CreateGroupCopy1767200000000, CreateLeftAtSite1767300000000],
};

const INVENTORY_MS = 5_000;
const RECONCILE_GRACE_MS = 60_000;
const RECONCILE_VISIT_MS = 120_000;
const WATCH = { pauseMs: 1_000, reopenMs: 5_000 };

export function createInfrastructure(services: InfrastructureServices): Extension {
  const { config, store, sites, keeping, engine, observations, clock, log, hooks } = services;
  hooks.templates.push(savedTemplateImage(store), providerTemplateImage(config.templates.os));
  const handlerServices = { sites, engine, observations };
  const source = infrastructureReconcileSource({ store, sites, keeping, engine, observations, log });
  const settings = { everyMs: config.engine.reconcileMs, graceMs: RECONCILE_GRACE_MS, visitMs: RECONCILE_VISIT_MS };
  const reconciler = new Reconciler(source, { store, clock, log }, settings);
  const watched: Watched = {
    sites: () => sites.names.map((name) => sites.adapter(name)),
    term: (site) => keeping.term(site),
  };
  sites.alsoCheck((site) => othersAt(store, sites, site));
  return {
    name: 'infrastructure',
    categories: [osTemplateCategories(config.templates.os), ownCategories()],
    ...infrastructureTables,
    handlers: [
      new ComputeHandler(handlerServices),
      new NetworkHandler(handlerServices),
      new StorageHandler(handlerServices),
      new NetworkInterfaceHandler(handlerServices),
      new StorageLinkHandler(handlerServices),
      new IpReservationHandler(handlerServices),
      new SecurityGroupHandler(handlerServices),
      new SecurityGroupLinkHandler(handlerServices),
    ],
    operations: [
      ...infrastructureOperations({
        store,
        sites,
        engine,
        observations,
        details: (operation, entity, signal) => detailsOf(services, operation, entity, signal),
        isReadOnly: async (link) => (await Promise.all(hooks.readOnly.map((each) => each(link)))).includes(true),
        onSettled: hooks.settled,
      }),
      orphanOperation(sites),
      leftImageOperation(sites),
    ],
    bodyReaders: [],
    renderings: [],
    routes: [forgetRoute({ store, clock, sites, engine, observations, forgotten: hooks.forgotten })],
    tasks: [
      reconciler,
      new SiteWatch(watched, reconciler, { clock, log }, WATCH),
      inventoryTask(sites),
      unobservedTask({ store, sites, keeping, engine, observations }),
      leftImagesTask({ store, sites, keeping, engine }),
    ],
  };
}

function ownCategories(): JsonValue {
  return JSON.parse(readFileSync(join(packageRoot, 'extensions/infrastructure/categories.json'), 'utf8')) as JsonValue;
}

/** Keeps what is known of each site's capacity fresh, so that no request has to ask for it (K06). */
function inventoryTask(sites: Sites): Task {
  const refresh = (name: string): Promise<unknown> => sites.inventoryOf(name, 0).catch(() => undefined);
  return {
    name: 'inventory',
    everyMs: INVENTORY_MS,
    run: async () => void (await Promise.all(sites.names.map(refresh))),
  };
}

async function detailsOf(
  services: InfrastructureServices,
  operation: Operation,
  entity: EntityRecord,
  signal: AbortSignal,
): Promise<ProvisionInput> {
  const template = await imageOfTemplates(services.hooks.templates, entity.mixins);
  const image = template && (await services.images.ensure(entity.site ?? '', template.wanted(), signal));
  const parts = await Promise.all(services.hooks.details.map((detail) => detail(operation, entity, signal)));
  return Object.assign(image === undefined ? {} : { image }, ...parts) as ProvisionInput;
}
