/** What of a VEP process answers requests: OCCI in all its renderings, the pages, and the endpoints beside them. */

import type { Principal } from '../access/index.js';
import type { Config } from '../base/config.js';
import type { Telemetry } from '../base/telemetry.js';
import { auditEndpoint } from '../http/audit-listing.js';
import { eventStreamEndpoint } from '../http/event-stream.js';
import { createExpressApp, endpointOf, type Endpoint } from '../http/express-app.js';
import { Front } from '../http/front.js';
import { Guard } from '../http/guard.js';
import { healthEndpoints } from '../http/health.js';
import { assetEndpoints } from '../http/html/assets.js';
import { Pages } from '../http/html/pages.js';
import { Identification } from '../http/identification.js';
import { imageListEndpoints } from '../http/image-list-endpoints.js';
import { keystoneEndpoints } from '../http/keystone/endpoints.js';
import { RequestMetrics } from '../http/metrics.js';
import { Discovery } from '../http/occi/discovery.js';
import { OcciDispatch } from '../http/occi/dispatch.js';
import { Invoking } from '../http/occi/invoking.js';
import { Listing } from '../http/occi/listing.js';
import { RequestReader } from '../http/occi/reading.js';
import { openApiEndpoint } from '../http/openapi/endpoint.js';
import { operationsEndpoint } from '../http/operations-listing.js';
import { siteUsageEndpoint } from '../http/site-usage.js';
import { trustEndpoints } from '../http/trust-endpoints.js';
import { uploadEndpoints } from '../http/upload-endpoints.js';
import { Vigil } from '../http/vigil.js';
import { guestUrls } from './configured-sites.js';
import type { Joined } from './extensions.js';
import type { Ground } from './ground.js';
import type { SignIn } from './sign-in.js';
import { surroundingsOf } from './surroundings.js';
import type { Trails } from './trails.js';

export interface Face {
  readonly front: Front;
  /** Looks after the requests that stay open. */
  readonly vigil: Vigil;
}

/** What the face of a process is made of, besides the ground. */
export interface FaceParts {
  readonly signIn: SignIn;
  readonly joined: Joined;
  readonly trails: Trails;
  readonly telemetry: Telemetry;
  /** Aborts when the process is about to end: health says so, and streams of events close. */
  readonly stopping: AbortSignal;
}

export function createFace(ground: Ground, parts: FaceParts): Face {
  const { config, clock, log, store, access, accounts } = ground;
  const { signIn, joined, trails, telemetry } = parts;
  const { certificates, keystone } = signIn;
  const identification = new Identification(signIn.authenticator, certificates, config.limits.requestsPerSecond);
  const vigil = new Vigil(access, (message, generation) => identification.again(message, generation), clock);
  const signedIn = (principal: Principal, requestId: string): void => {
    trails.refusals.signedIn(principal, requestId);
    joined.review
      .signedIn(principal)
      .catch((error: unknown) => log.error({ err: error }, 'sessions could not be renewed'));
  };
  const { tokenSeconds } = config.access.keystone;
  const metrics = new RequestMetrics();
  const endpoints = [
    ...ownEndpoints(ground, parts, metrics),
    ...keystoneEndpoints(keystone && { tokens: keystone, identification, clock, tokenSeconds }),
    ...joined.extensions.flatMap((extension) => extension.routes.map(endpointOf)),
  ];
  const express = createExpressApp(
    endpoints,
    { identification, vigil, signedIn },
    (message, response, requestId, error) => front.refuse(message, response, requestId, error),
  );
  const front: Front = new Front({
    store,
    accounts,
    categories: joined.categories,
    ...createOcci(ground, joined),
    guard: guardOf(config),
    identification,
    metrics,
    trail: trails.refusals,
    hidden: trails.hidden,
    auditReads: config.access.audit.reads,
    vigil,
    keystone: keystone !== undefined,
    signedIn,
    telemetry,
    express,
    log,
    requestTimeoutMs: config.server.requestTimeoutMs,
    strictTransport: config.server.tls !== undefined,
  });
  return { front, vigil };
}

/** OCCI, and the pages that show the same to people. */
function createOcci({ config, store, access }: Ground, joined: Joined): { dispatch: OcciDispatch; pages: Pages } {
  const { extensions, entities, handlers } = joined;
  const { pageSize } = config.limits;
  const bodyReaders = extensions.flatMap((extension) => extension.bodyReaders);
  const renderings = extensions.flatMap((extension) => extension.renderings);
  const reader = new RequestReader(bodyReaders, config.server.maxBodyBytes);
  const dispatch = new OcciDispatch({
    discovery: new Discovery(config.interop.entityLocation),
    store,
    access,
    entities,
    handlers,
    invoking: new Invoking(entities, reader),
    listing: new Listing(store, access, handlers, pageSize),
    reader,
    renderings,
    bodyReaders,
  });
  return { dispatch, pages: new Pages({ dispatch, handlers, renderings, bodyReaders, pageSize }) };
}

/** The endpoints beside OCCI that belong to no extension. */
function ownEndpoints(
  { config, clock, store, access, engine, sites }: Ground,
  { signIn, joined, stopping }: FaceParts,
  metrics: RequestMetrics,
): Endpoint[] {
  const { extensions, categories, handlers } = joined;
  const openMetrics = config.metrics.open;
  return [
    ...healthEndpoints({
      store,
      engine,
      sites,
      metrics,
      surroundings: () => surroundingsOf(config),
      stopping: () => stopping.aborted,
      openMetrics,
    }),
    siteUsageEndpoint({ store, sites, clock }),
    eventStreamEndpoint({ store, access, engine, clock, stopping }),
    operationsEndpoint({ store, access }),
    auditEndpoint(store),
    ...trustEndpoints(signIn.trust),
    ...imageListEndpoints(joined.imageLists),
    ...uploadEndpoints(joined.uploads),
    ...assetEndpoints(),
    openApiEndpoint({
      store,
      categories,
      handlers,
      bodyReaders: extensions.flatMap((extension) => extension.bodyReaders),
      renderings: extensions.flatMap((extension) => extension.renderings),
    }),
  ];
}

/** Who may be asked for, and whose word on a caller counts. */
function guardOf({ server, sites, access }: Config): Guard {
  const toldToGuests = [...guestUrls(sites).values()].map((url) => new URL(url).hostname);
  return new Guard({
    hosts: [server.host, ...server.allowedHosts, ...toldToGuests],
    trustedPeers: server.trustedPeers,
    secure: server.tls !== undefined,
    certificateHeader: access.certificates?.header,
  });
}
