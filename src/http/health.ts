/**
 * Health and metrics: is the process alive, can it serve, how are the sites. The first two are for load balancers and
 * say nothing else; the others need an administrator (K23).
 */

import type { Principal } from '../access/principal.js';
import { messageOf, notFound, problem, withSeverity, type Fault } from '../base/errors.js';
import type { Engine } from '../engine/engine.js';
import type { Sites } from '../iaas/sites.js';
import { together } from '../scheduling/offer.js';
import type { Store } from '../store/sql.js';
import type { Endpoint } from './express-app.js';
import type { RequestMetrics } from './metrics.js';

export interface HealthServices {
  readonly store: Store;
  readonly engine: Engine;
  readonly sites: Sites;
  readonly metrics: RequestMetrics;
  /** What its administrators should see to, beside the sites. */
  readonly surroundings: () => Promise<readonly Fault[]>;
  /** Whether the server has begun to shut down: then it is alive and not ready. */
  readonly stopping: () => boolean;
  /** Metrics without a token, for a port that only a monitoring system reaches. */
  readonly openMetrics: boolean;
}

export function healthEndpoints(services: HealthServices): Endpoint[] {
  const { store, engine, sites, metrics } = services;
  return [
    {
      method: 'get',
      path: '/health',
      open: true,
      handle: async (_request, response) => void response.json({ status: 'live' }),
    },
    {
      method: 'get',
      path: '/health/live',
      open: true,
      handle: async (_request, response) => void response.json({ status: 'live' }),
    },
    {
      method: 'get',
      path: '/health/ready',
      open: true,
      handle: async (_request, response) => {
        if (services.stopping()) throw problem('unavailable', 'server.stopping', 'the server is shutting down');
        await store.get('SELECT 1 AS one');
        response.json({ status: 'ready' });
      },
    },
    {
      method: 'get',
      path: '/health/sites',
      handle: async (_request, response, principal) => {
        requireAdministrator(principal);
        response.json({ sites: await Promise.all(sites.names.map((name) => siteReport(sites, name))) });
      },
    },
    {
      method: 'get',
      path: '/health/sites/:name/check',
      handle: async (request, response, principal) => {
        const name = siteNamed(sites, request.params['name'], principal);
        response.json({ site: name, type: sites.status(name).type, findings: await sites.check(name) });
      },
    },
    {
      method: 'get',
      path: '/health/sites/:name/inventory',
      handle: async (request, response, principal) => {
        const name = siteNamed(sites, request.params['name'], principal);
        const { inventory, ageMs } = await sites.inventoryOf(name, 0).catch((error: unknown) => {
          throw problem('unavailable', 'site.silent', `site ${name} gives no inventory: ${messageOf(error)}`, {
            remedy: `see what vep sites check ${name} says`,
          });
        });
        response.json({ site: name, type: sites.status(name).type, ageMs, ...inventory });
      },
    },
    {
      method: 'get',
      path: '/health/surroundings',
      handle: async (_request, response, principal) => {
        requireAdministrator(principal);
        response.json({ findings: withSeverity(await services.surroundings()) });
      },
    },
    {
      method: 'get',
      path: '/health/operations',
      handle: async (_request, response, principal) => {
        requireAdministrator(principal);
        const dead = await engine.inState(store, 'dead');
        const operations = dead.map(({ id, type, entity, appliance, site, step, findings, createdAt }) => {
          const last = findings.at(-1);
          return {
            id,
            type,
            entity,
            appliance,
            site,
            step,
            class: last?.class ?? null,
            message: last?.message ?? null,
            createdAt,
          };
        });
        response.json({ dead: operations });
      },
    },
    {
      method: 'post',
      path: '/health/operations/:id/retry',
      handle: async (request, response, principal) => {
        requireAdministrator(principal);
        const id = String(request.params['id']);
        const retried = await store.write((tx) => engine.retry(tx, id));
        if (!retried)
          throw problem('not-found', 'operation.not-dead', 'there is no dead operation of this id', {
            remedy: 'see /health/operations',
          });
        response.json({ retried: id });
      },
    },
    {
      method: 'get',
      path: '/metrics',
      ...(services.openMetrics ? { open: true as const } : {}),
      handle: async (_request, response, principal) => {
        if (!services.openMetrics) requireAdministrator(principal);
        response.setHeader('Content-Type', metrics.registry.contentType);
        response.end(await metrics.registry.metrics());
      },
    },
  ];
}

export function requireAdministrator(principal: Principal | undefined): void {
  if (principal?.roles.has('administrator')) return;
  throw problem('forbidden', 'access.administrators-only', 'this is for administrators', {
    remedy: 'sign in as an administrator',
  });
}

function siteNamed(sites: Sites, name: unknown, principal: Principal | undefined): string {
  requireAdministrator(principal);
  if (typeof name !== 'string' || !sites.has(name)) throw notFound('no site of this name');
  return name;
}

/** A site as `vep sites` shows it: its status and how much of it is free, with the age of that knowledge. */
async function siteReport(sites: Sites, name: string): Promise<object> {
  const known = await sites.inventoryOf(name).catch(() => undefined);
  const status = sites.status(name);
  if (!known) return { ...status, capacity: null };
  const up = known.inventory.hosts.filter((host) => host.up);
  const sum = (value: (host: (typeof up)[number]) => number): number => together(up, value, known.inventory);
  return {
    ...status,
    capacity: {
      ageMs: known.ageMs,
      hosts: { up: up.length, total: known.inventory.hosts.length },
      cores: { free: sum((host) => host.freeCores), total: sum((host) => host.cores) },
      memoryBytes: { free: sum((host) => host.freeMemoryBytes), total: sum((host) => host.memoryBytes) },
      storageFreeBytes: known.inventory.storageFreeBytes,
      countries: [...new Set(known.inventory.hosts.map((host) => host.country))].sort(),
      zones: [...new Set(known.inventory.hosts.map((host) => host.zone))].sort(),
    },
  };
}
