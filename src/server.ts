/**
 * The composition root: the only place that names concrete classes. It opens what a VEP process stands on, joins the
 * extensions, listens, and takes everything down again in the opposite order.
 */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createInfrastructure,
  infrastructureTables,
  type InfrastructureHooks,
} from '../extensions/infrastructure/index.js';
import { Governance } from '../extensions/ovf-deployment/governance.js';
import type { SitePolicy } from '../extensions/ovf-deployment/layout.js';
import {
  applianceBlobs,
  createOvfDeployment,
  GuestReports,
  type ApplianceHooks,
  ovfDeploymentTables,
} from '../extensions/ovf-deployment/index.js';
import { createSessions, SessionReview, Sessions, sessionTables } from '../extensions/sessions/index.js';
import { Agreements, createSla } from '../extensions/sla/index.js';
import { SiteImages } from '../extensions/infrastructure/images.js';
import { checkTemplateImages } from '../extensions/infrastructure/template-images.js';
import { createMonitoring } from '../extensions/monitoring/index.js';
import { createPlatform } from '../extensions/platform/index.js';
import { createVo, hostChoice, hostsSetAside, VoAccounts, VoMemberships, voTables } from '../extensions/vo/index.js';
import { createImageLists, ImageLists, imageListTables } from '../extensions/image-lists/index.js';
import {
  Access,
  Authenticator,
  KeystoneTokens,
  HiddenTrail,
  RefusalTrail,
  bootstrap,
  type Evidence,
  type Principal,
} from './access/index.js';
import { bearerSignIn, gridSignIn, openTrust, plainSignIn, validationBy } from './access/configured-sign-in.js';
import { systemClock, type Clock } from './base/clock.js';
import { Closers } from './base/closers.js';
import type { Config } from './base/config.js';
import { messageOf, problem } from './base/errors.js';
import { createLog, type Log } from './base/log.js';
import { readOverlaid } from './base/file-overlay.js';
import { packageRoot } from './base/package-root.js';
import { createTelemetry } from './base/telemetry.js';
import { BackgroundTask } from './engine/background-task.js';
import { Engine, defaultEngineSettings } from './engine/engine.js';
import { engineMigrations, engineSchemas } from './engine/schema.js';
import { attended } from './engine/attended.js';
import { traced } from './engine/traced.js';
import { Categories } from './extension/categories.js';
import { Entities } from './extension/entities.js';
import type { Extension } from './extension/extension.js';
import { Handlers } from './extension/handlers.js';
import { Observations } from './extension/observations.js';
import { providerCategories } from './extension/provider-categories.js';
import { createExpressApp, endpointOf } from './http/express-app.js';
import { eventStreamEndpoint } from './http/event-stream.js';
import { Front } from './http/front.js';
import { Guard } from './http/guard.js';
import { healthEndpoints } from './http/health.js';
import { assetEndpoints } from './http/html/assets.js';
import { Pages } from './http/html/pages.js';
import { Identification } from './http/identification.js';
import { keystoneEndpoints } from './http/keystone/endpoints.js';
import { listen } from './http/listen.js';
import { RequestMetrics } from './http/metrics.js';
import { Discovery } from './http/occi/discovery.js';
import { OcciDispatch } from './http/occi/dispatch.js';
import { Invoking } from './http/occi/invoking.js';
import { Listing } from './http/occi/listing.js';
import { RequestReader } from './http/occi/reading.js';
import { operationsEndpoint } from './http/operations-listing.js';
import { siteUsageEndpoint } from './http/site-usage.js';
import { auditEndpoint } from './http/audit-listing.js';
import { openApiEndpoint } from './http/openapi/endpoint.js';
import { imageListEndpoints } from './http/image-list-endpoints.js';
import { trustEndpoints } from './http/trust-endpoints.js';
import { Vigil } from './http/vigil.js';
import { uploadEndpoints } from './http/upload-endpoints.js';
import { ec2, nimbus } from './iaas/adapters/ec2/site-type.js';
import { libvirt } from './iaas/adapters/libvirt/site-type.js';
import { occi } from './iaas/adapters/occi/site-type.js';
import { openNebula } from './iaas/adapters/opennebula/site-type.js';
import { openStack } from './iaas/adapters/openstack/site-type.js';
import { simulator } from './iaas/adapters/simulator/site-type.js';
import { accountTables } from './iaas/account-rows.js';
import { Accounts, type AccountPolicy } from './iaas/accounts.js';
import { SiteTypes } from './iaas/site-type.js';
import { Sites } from './iaas/sites.js';
import { GuardedDialler } from './net/dialler.js';
import type { CategoryRegistry } from './occi/registry.js';
import { createOvfSchemas, SCHEMA_FILES, type OvfSchemas } from './ovf/index.js';
import { pruneReplays } from './store/replay.js';
import { openStore, storeLocation } from './store/open-store.js';
import { secretKeyOf } from './store/secret-key.js';
import type { SqlReader, Store } from './store/sql.js';
import { lockStore } from './store/store-lock.js';
import { openTransfer, UPLOAD_LIFETIME_MS } from './transfer/transfer.js';

export interface StartOptions {
  readonly config: Config;
  readonly log?: Log;
  readonly clock?: Clock;
}

export interface RunningServer {
  readonly url: string;
  /** Names of accounts whose token was written by this, the first, start (K25). */
  readonly bootstrapped: readonly string[];
  /** Lets open requests and steps at work end for up to `graceMs`, then stops. Calling it again changes nothing. */
  close(graceMs?: number): Promise<void>;
}

/** How long a client can repeat a creation and get the first answer (K12). */
const REPLAY_LIFETIME_MS = 7 * 24 * 3600 * 1000;
const TOKEN_USE_FLUSH_MS = 60_000;
const REFUSAL_FLUSH_MS = 1000;
/** How often issuers are looked at whose keys are due, or wanted. */
const ISSUERS_MS = 1000;

/**
 * Starts a VEP and resolves when it listens.
 *
 * @throws Problem with every fault of the configuration or the surroundings that keep it from starting
 */
export async function start(options: StartOptions): Promise<RunningServer> {
  const { config, clock = systemClock } = options;
  const log = options.log ?? createLog({ level: config.log.level });
  const closers = new Closers();
  try {
    return await assemble(config, clock, log, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** Whoever keeps tables of its own in the store. */
const tables: readonly Pick<Extension, 'entitySchemas' | 'migrations'>[] = [
  { entitySchemas: engineSchemas, migrations: engineMigrations },
  accountTables,
  infrastructureTables,
  ovfDeploymentTables,
  voTables,
  sessionTables,
  imageListTables,
];

/** The store that the configuration names, with all tables: for the server, and for `vep admin reset` beside it. */
export function openDataStore(config: Pick<Config, 'data'>, log: Log): Promise<Store> {
  return openStore({
    at: storeLocation(config.data),
    entitySchemas: tables.flatMap((each) => each.entitySchemas),
    migrations: tables.flatMap((each) => each.migrations),
    log,
  });
}

/** Every type of site that a configuration can name. */
const siteTypes = new SiteTypes([simulator, openNebula, openStack, ec2, nimbus, occi, libvirt]);

/** Their names, as `sites[].type` has them. */
export const siteTypeNames = siteTypes.names;

/** Checks the options of all sites of a configuration, and what names one. @throws Problem with every fault of them */
export function checkSites(config: Pick<Config, 'sites' | 'templates'>): void {
  siteTypes.read(config.sites);
  checkTemplateImages(config);
}

/** What of the configuration says where appliances go. */
function sitePolicy({ placement, sites }: Config): SitePolicy {
  const names = new Set(sites.flatMap(({ connects = [] }) => connects));
  const reaching = [...names].map((network) => {
    const reached = sites.filter(({ connects = [] }) => connects.includes(network)).map(({ name }) => name);
    return [network, new Set(reached)] as const;
  });
  return {
    split: placement.split,
    automatic: siteTypes.automatic(sites),
    required: new Set(sites.filter(({ userCredentials }) => userCredentials === 'required').map(({ name }) => name)),
    reaching: new Map(reaching),
  };
}

/** What sites say of credentials that users bring for them, by name; those alone that can take some. */
function accountPolicies(sites: Config['sites']): ReadonlyMap<string, AccountPolicy> {
  const modes = new Map(sites.map(({ name, userCredentials }) => [name, userCredentials]));
  return new Map(
    siteTypes
      .read(sites)
      .flatMap(({ name, account }) => (account ? [[name, { mode: modes.get(name), read: account }] as const] : [])),
  );
}

/** The sites that the configuration names, opened: for the server, and for `vep sites check` without one. */
export async function openSites(
  config: Pick<Config, 'sites' | 'data'>,
  log: Log,
  clock: Clock = systemClock,
): Promise<Sites> {
  const sites = new Sites({ clock });
  try {
    for (const { name, open } of siteTypes.read(config.sites))
      sites.add(await open({ site: name, clock, log, data: config.data }));
    return sites;
  } catch (error) {
    await sites.close();
    throw error;
  }
}

async function assemble(config: Config, clock: Clock, log: Log, closers: Closers): Promise<RunningServer> {
  const { directory } = config.data;
  checkTemplateImages(config);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at = storeLocation(config.data);
  if ('sqlite' in at) {
    const lock = lockStore(at.sqlite);
    closers.add(() => Promise.resolve(lock.release()));
  }
  const store = await openDataStore(config, log);
  closers.add(() => store.close());

  const sites = await openSites(config, log, clock);
  closers.add(() => sites.close());
  const secretKey = secretKeyOf(directory);
  const policies = accountPolicies(config.sites);
  const accounts = new Accounts({ store, secretKey, clock, log, data: config.data, sites, policies });
  await accounts.refresh();

  const dialler = new GuardedDialler({ allow: config.images.allow, clock });
  const { blobs, uploads, fetcher, converter } = await openTransfer({
    config,
    clock,
    dialler,
    siteImages: (site, image, signal) => sites.adapter(site).exportImage(image, { signal }),
    referenced: () => applianceBlobs(store),
  });
  const images = new SiteImages(sites, fetcher, blobs, converter);

  const { concurrency, perSite, leaseMs } = config.engine;
  const engine = new Engine({ store, clock, log }, { ...defaultEngineSettings, concurrency, perSite, leaseMs });
  // The registry is known once the extensions are, and they are made with what looks into it.
  const registry = (): CategoryRegistry => categories.provider;
  const handlers = new Handlers(registry);
  const observations = new Observations(registry, handlers, clock);
  const hooks: InfrastructureHooks = { details: [hostChoice(store, sites)], templates: [], settled: [], forgotten: [] };
  const applianceHooks: ApplianceHooks = { created: [], removed: [] };
  const access = new Access(store, clock);
  const agreements = new Agreements({ store, access, entities: () => entities, observations });
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
  const guestUrls = new Map(
    config.sites.flatMap(({ name, guestUrl }) => (guestUrl ? [[name, guestUrl] as const] : [])),
  );
  const admission = new VoAccounts();
  const signers = config.ovf.trustedSigners.map(readSigner);
  const reports = new GuestReports({ store, clock, engine, secretKey, urls: guestUrls });
  const bearers = bearerSignIn(config, clock, (close) => closers.add(close));
  const trust = config.access.certificates && (await openTrust(config.access.certificates, clock, log));
  const certificates = trust ? gridSignIn(config, trust, clock) : plainSignIn(config);
  const keystone = config.access.keystone.enabled ? new KeystoneTokens(store, secretKey, clock) : undefined;
  const authenticator = new Authenticator(
    store,
    access,
    clock,
    { bearers, certificates, keystone },
    new VoMemberships(store),
  );
  const sessionServices = {
    config: config.access.sessions,
    engine,
    handlers,
    observations,
    entities: () => entities,
    secretKey,
    endOfAgreement: (reader: SqlReader, application: string) => agreements.endOf(reader, application),
  };
  const sessions = new Sessions(sessionServices);
  const rejudge = (evidence: Evidence, vo: string): Promise<Principal> => authenticator.rejudge(evidence, vo);
  const review = new SessionReview({ ...sessionServices, store, clock, log, registry, rejudge }, sessions);
  applianceHooks.created.push((write, appliance) => sessions.deployed(write, appliance));
  applianceHooks.removed.push((write, { id }) => sessions.removed(write, id));
  const imageLists = new ImageLists({
    store,
    clock,
    log,
    dialler,
    subscriptions: config.images.lists,
    validation: () => validationBy(config, trust, clock),
  });
  const extensions: Extension[] = [
    createInfrastructure({ config, store, clock, log, engine, sites, images, observations, hooks }),
    createSla({ entities: () => entities }),
    createOvfDeployment({
      store,
      sites,
      engine,
      images,
      observations,
      log,
      hooks,
      dialler,
      templates: hooks.templates,
      blobs,
      uploads,
      access,
      maxBytes: config.limits.uploadBytes,
      trust: () => ({ anchors: signers, now: clock.now() }),
      signatures: config.ovf.signatures,
      schemas: openOvfSchemas(),
      entities: () => entities,
      governance,
      accounts,
      applianceHooks,
      reports,
      secretKey,
      reconcileMs: config.engine.reconcileMs,
    }),
    createPlatform(),
    createMonitoring(),
    createVo({ store, sites, registry, clock, hooks, accounts: admission, entities: () => entities }),
    createSessions({ sessions, access, entities: () => entities }, review),
    createImageLists({
      store,
      hooks,
      lists: imageLists,
      subscriptions: config.images.lists,
      refreshMs: config.images.listRefreshMs,
    }),
  ];
  const telemetry = createTelemetry(config.telemetry.enabled);
  const categories = new Categories(providerCategories(config, extensions));
  for (const extension of extensions) {
    handlers.register(extension.handlers);
    engine.register(
      traced(
        attended(extension.operations, () => accounts.refresh()),
        telemetry,
      ),
    );
  }

  const bootstrapped = await bootstrap(store, directory, clock.now());
  const trail = new RefusalTrail(store, clock);
  const hidden = new HiddenTrail(store, clock, access);
  const flushTrails = async (): Promise<void> => {
    await trail.flush();
    await hidden.flush();
  };
  closers.add(flushTrails);
  const identification = new Identification(authenticator, certificates, config.limits.requestsPerSecond);
  const entities = new Entities({ store, access, handlers, engine, clock, admission });
  const bodyReaders = extensions.flatMap((extension) => extension.bodyReaders);
  const reader = new RequestReader(bodyReaders, config.server.maxBodyBytes);
  const listing = new Listing(store, access, handlers, config.limits.pageSize);
  const invoking = new Invoking(entities, reader);
  const renderings = extensions.flatMap((extension) => extension.renderings);
  const discovery = new Discovery(config.interop.entityLocation);
  const dispatch = new OcciDispatch({
    discovery,
    store,
    access,
    entities,
    handlers,
    invoking,
    listing,
    reader,
    renderings,
    bodyReaders,
  });
  const { pageSize } = config.limits;
  const pages = new Pages({ dispatch, handlers, renderings, bodyReaders, pageSize });

  const stopping = new AbortController();
  const metrics = new RequestMetrics();
  const guard = new Guard({
    hosts: [
      config.server.host,
      ...config.server.allowedHosts,
      ...[...guestUrls.values()].map((url) => new URL(url).hostname),
    ],
    trustedPeers: config.server.trustedPeers,
    secure: config.server.tls !== undefined,
    certificateHeader: config.access.certificates?.header,
  });
  const endpoints = [
    ...healthEndpoints({
      store,
      engine,
      sites,
      metrics,
      stopping: () => stopping.signal.aborted,
      openMetrics: config.metrics.open,
    }),
    siteUsageEndpoint({ store, sites, clock }),
    eventStreamEndpoint({ store, access, engine, clock, stopping: stopping.signal }),
    operationsEndpoint({ store, access }),
    auditEndpoint(store),
    ...trustEndpoints(trust),
    ...keystoneEndpoints(
      keystone && { tokens: keystone, identification, clock, tokenSeconds: config.access.keystone.tokenSeconds },
    ),
    ...imageListEndpoints(imageLists),
    ...uploadEndpoints(uploads),
    ...assetEndpoints(),
    openApiEndpoint({ store, categories, handlers, bodyReaders, renderings }),
    ...extensions.flatMap((extension) => extension.routes.map(endpointOf)),
  ];
  const vigil = new Vigil(access, (message, generation) => identification.again(message, generation), clock);
  const signedIn = (principal: Principal, requestId: string): void => {
    trail.signedIn(principal, requestId);
    review.signedIn(principal).catch((error: unknown) => log.error({ err: error }, 'sessions could not be renewed'));
  };
  const express = createExpressApp(
    endpoints,
    { identification, vigil, signedIn },
    (message, response, requestId, error) => front.refuse(message, response, requestId, error),
  );
  const strictTransport = config.server.tls !== undefined;
  const front: Front = new Front({
    store,
    accounts,
    categories,
    dispatch,
    pages,
    guard,
    identification,
    metrics,
    trail,
    hidden,
    auditReads: config.access.audit.reads,
    vigil,
    keystone: keystone !== undefined,
    signedIn,
    telemetry,
    express,
    log,
    requestTimeoutMs: config.server.requestTimeoutMs,
    strictTransport,
  });

  const tasks = [
    ...extensions.flatMap((extension) => extension.tasks),
    { name: 'token-use', everyMs: TOKEN_USE_FLUSH_MS, run: () => authenticator.flushTokenUse() },
    {
      name: 'replay-keys',
      everyMs: REPLAY_LIFETIME_MS / 24,
      run: async () => void (await store.write((tx) => pruneReplays(tx, clock.now() - REPLAY_LIFETIME_MS))),
    },
    ...(bearers
      ? [{ name: 'issuers', everyMs: ISSUERS_MS, run: (signal: AbortSignal) => bearers.refresh(signal) }]
      : []),
    { name: 'open-requests', everyMs: config.access.sessions.checkMs, run: () => vigil.look(store) },
    ...(keystone ? [{ name: 'keystone-tokens', everyMs: TOKEN_USE_FLUSH_MS, run: () => keystone.prune() }] : []),
    { name: 'refusals', everyMs: REFUSAL_FLUSH_MS, run: flushTrails },
    ...(trust ? [{ name: 'trust', everyMs: trust.everyMs, run: trust.refresh }] : []),
    { name: 'upload-expiry', everyMs: UPLOAD_LIFETIME_MS / 24, run: () => uploads.expire() },
  ].map((task) => new BackgroundTask(task, clock, log));
  for (const task of tasks) task.start();
  closers.add(async () => void (await Promise.all(tasks.map((task) => task.stop()))));
  engine.start();
  closers.add((graceMs) => engine.stop(graceMs));

  const listening = await listen(config.server, certificates, front.listen);
  closers.add((graceMs) => listening.close(graceMs));
  const announcement = join(directory, 'endpoint.json');
  writeFileSync(announcement, `${JSON.stringify({ url: listening.url, pid: process.pid })}\n`, { mode: 0o600 });
  closers.add(() => Promise.resolve(rmSync(announcement, { force: true })));
  closers.add(() => Promise.resolve(stopping.abort()));
  log.info({ url: listening.url, sites: sites.names }, 'VEP is ready');
  return { url: listening.url, bootstrapped, close: (graceMs = 10_000) => closers.close(graceMs) };
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
