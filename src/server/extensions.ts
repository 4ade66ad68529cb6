/**
 * The extensions, each made with what it needs, and what they share: the registry of categories, the handlers of kinds,
 * the entities. To join one more is one line in the list below (`docs/adding-a-kind.md`).
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createImageLists, ImageLists } from '../../extensions/image-lists/index.js';
import { SiteImages } from '../../extensions/infrastructure/images.js';
import { createInfrastructure, type InfrastructureHooks } from '../../extensions/infrastructure/index.js';
import { createMonitoring } from '../../extensions/monitoring/index.js';
import { Governance } from '../../extensions/ovf-deployment/governance.js';
import {
  applianceBlobs,
  createOvfDeployment,
  GuestReports,
  type ApplianceHooks,
} from '../../extensions/ovf-deployment/index.js';
import { createPlatform } from '../../extensions/platform/index.js';
import { createSessions, SessionReview, Sessions } from '../../extensions/sessions/index.js';
import { Agreements, createSla } from '../../extensions/sla/index.js';
import { createVo, hostChoice, hostsSetAside, VoAccounts } from '../../extensions/vo/index.js';
import { validationBy } from '../access/configured-sign-in.js';
import type { Evidence, Principal } from '../access/index.js';
import { messageOf, problem } from '../base/errors.js';
import { readOverlaid } from '../base/file-overlay.js';
import { packageRoot } from '../base/package-root.js';
import type { Telemetry } from '../base/telemetry.js';
import { attended } from '../engine/attended.js';
import { traced } from '../engine/traced.js';
import { Categories } from '../extension/categories.js';
import { Entities } from '../extension/entities.js';
import type { Extension } from '../extension/extension.js';
import { Handlers } from '../extension/handlers.js';
import { Observations } from '../extension/observations.js';
import { providerCategories } from '../extension/provider-categories.js';
import type { CategoryRegistry } from '../occi/registry.js';
import { createOvfSchemas, SCHEMA_FILES, type OvfSchemas } from '../ovf/index.js';
import type { SqlReader } from '../store/sql.js';
import { openTransfer, type Transfer } from '../transfer/transfer.js';
import { guestUrls, sitePolicy } from './configured-sites.js';
import type { Ground } from './ground.js';
import type { SignIn } from './sign-in.js';
import { surroundingsOf } from './surroundings.js';

export interface Joined {
  readonly extensions: readonly Extension[];
  readonly categories: Categories;
  readonly handlers: Handlers;
  readonly entities: Entities;
  /** Hears of everybody who signs in. */
  readonly review: SessionReview;
  readonly imageLists: ImageLists;
  readonly uploads: Transfer['uploads'];
}

/** Makes the extensions, and tells the engine the operations they bring. @throws Problem for their faults of configuration */
export async function joinExtensions(ground: Ground, signIn: SignIn, telemetry: Telemetry): Promise<Joined> {
  const { config, clock, log, store, secretKey, access, sites, accounts, keeping, engine, dialler } = ground;
  // The registry is known once the extensions are, and they are made with what looks into it; the entities alike.
  const registry = (): CategoryRegistry => categories.provider;
  const handlers = new Handlers(registry);
  const observations = new Observations(registry, handlers, clock);
  const admission = new VoAccounts();
  const entities = new Entities({ store, access, handlers, engine, clock, admission });

  const { blobs, uploads, sources, fetcher, converter } = await openTransfer({
    config,
    clock,
    dialler,
    siteImages: (site, image, signal) => sites.adapter(site).exportImage(image, { signal }),
    referenced: () => applianceBlobs(store),
  });
  for (const { code, message, place, remedy } of await surroundingsOf(config))
    log.warn({ code, key: place?.path, remedy }, message);
  if (converter?.confined === false)
    log.warn({ remedy: 'install bubblewrap' }, 'images are converted with limits alone: there is no sandbox');
  const images = new SiteImages(sites, fetcher, blobs, converter);
  const hooks: InfrastructureHooks = {
    details: [hostChoice(store, sites)],
    templates: [],
    readOnly: [],
    settled: [],
    forgotten: [],
  };
  const applianceHooks: ApplianceHooks = { created: [], removed: [] };
  const agreements = new Agreements({ store, access, entities, observations });
  const governance = new Governance({
    store,
    sites,
    images,
    agreements,
    clock,
    providerIds: ['vep', config.provider.id],
    setAside: hostsSetAside,
    policy: sitePolicy(config),
  });

  const sessionServices = {
    config: config.access.sessions,
    engine,
    handlers,
    observations,
    entities,
    secretKey,
    endOfAgreement: (reader: SqlReader, application: string) => agreements.endOf(reader, application),
  };
  const sessions = new Sessions(sessionServices);
  const rejudge = (evidence: Evidence, vo: string): Promise<Principal> => signIn.authenticator.rejudge(evidence, vo);
  const review = new SessionReview({ ...sessionServices, store, clock, log, registry, rejudge }, sessions);
  applianceHooks.created.push((write, appliance) => sessions.deployed(write, appliance));
  applianceHooks.removed.push((write, { id }) => sessions.removed(write, id));

  const subscriptions = config.images.lists;
  const imageLists = new ImageLists({
    store,
    clock,
    log,
    dialler,
    subscriptions,
    validation: () => validationBy(config, signIn.trust, clock),
  });
  const signers = config.ovf.trustedSigners.map(readSigner);
  const extensions: readonly Extension[] = [
    createInfrastructure({ config, store, clock, log, engine, sites, keeping, images, observations, hooks }),
    createSla({ entities }),
    createOvfDeployment({
      store,
      sites,
      keeping,
      engine,
      images,
      observations,
      log,
      hooks,
      sources,
      fetcher,
      templates: hooks.templates,
      blobs,
      uploads,
      access,
      maxBytes: config.limits.uploadBytes,
      trust: () => ({ anchors: signers, now: clock.now() }),
      signatures: config.ovf.signatures,
      schemas: openOvfSchemas(),
      entities,
      governance,
      accounts,
      applianceHooks,
      reports: new GuestReports({ store, clock, engine, secretKey, urls: guestUrls(config.sites) }),
      secretKey,
      reconcileMs: config.engine.reconcileMs,
    }),
    createPlatform(),
    createMonitoring(),
    createVo({ store, sites, keeping, registry, clock, hooks, accounts: admission, entities }),
    createSessions({ sessions, access, entities }, review),
    createImageLists({ store, hooks, lists: imageLists, subscriptions, refreshMs: config.images.listRefreshMs }),
  ];
  const categories = new Categories(providerCategories(config, extensions));
  for (const extension of extensions) {
    handlers.register(extension.handlers);
    const operations = attended(extension.operations, () => accounts.refresh());
    engine.register(traced(operations, telemetry));
  }
  return { extensions, categories, handlers, entities, review, imageLists, uploads };
}

/** The OVF grammars: VEP's own, or those that an operator put in their place. */
function openOvfSchemas(): OvfSchemas {
  const replacement = process.env['VEP_OVF_SCHEMA_DIR'];
  return createOvfSchemas(readOverlaid(SCHEMA_FILES, join(packageRoot, 'ovf-schema'), replacement));
}

/** @throws Problem for a file that is not there */
function readSigner(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw problem('invalid', 'config.unreadable', `the certificates of ovf.trustedSigners: ${messageOf(error)}`, {
      place: { path: 'ovf.trustedSigners' },
      remedy: 'name readable files in PEM',
    });
  }
}
