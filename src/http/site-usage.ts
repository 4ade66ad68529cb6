/**
 * `/health/sites/<name>/usage`: what a site has recorded of machines of VEP's that ran, summed up by the site's own groups, and
 * where that differs from what VEP shows. For administrators. `?from=` and `?until=` are instants; without them, the last day.
 */

import { notFound, problem } from '../base/errors.js';
import type { Clock } from '../base/clock.js';
import { stringAt } from '../base/json.js';
import { differencesOf, usageOf, type ShownMachine, type Span } from '../iaas/accounting.js';
import { IaasError } from '../iaas/adapter.js';
import type { Sites } from '../iaas/sites.js';
import { COMPUTE } from '../occi/model.js';
import { listOnSite } from '../store/entity-lists.js';
import type { SqlReader } from '../store/sql.js';
import type { Endpoint } from './express-app.js';
import { requireAdministrator } from './health.js';
import { onlyParameters, parameter, type Target } from './target.js';

export interface SiteUsageServices {
  readonly store: SqlReader;
  readonly sites: Sites;
  readonly clock: Clock;
}

const PATH = '/health/sites/:name/usage';
const DAY_MS = 86_400_000;
const STATE = 'occi.compute.state';

export function siteUsageEndpoint({ store, sites, clock }: SiteUsageServices): Endpoint {
  return {
    method: 'get',
    path: PATH,
    handle: async (request, response, principal) => {
      requireAdministrator(principal);
      const name = String(request.params['name']);
      if (!sites.has(name)) throw notFound('no site of this name');
      const now = clock.now();
      const span = spanOf(request.vep?.target ?? { path: PATH, query: [] }, now);
      const { accounting } = sites.adapter(name);
      if (!accounting)
        throw problem('not-implemented', 'site.no-accounting', `site ${name} keeps no account of what ran`, {
          remedy: 'see its page in docs/adapters for what it can do',
        });
      const runs = await accounting.runs(span).catch((error: unknown) => {
        if (!(error instanceof IaasError)) throw error;
        throw problem('unavailable', 'site.silent', `site ${name} gives no account: ${error.message}`, {
          remedy: `see what vep sites check ${name} says, or ask for a shorter time`,
        });
      });
      const shown = (await listOnSite(store, name, [COMPUTE])).map(({ id, observed, changedAt }): ShownMachine => ({
        id,
        state: stringAt(observed, STATE) ?? 'unknown',
        since: changedAt,
      }));
      // What VEP shows is known of the present alone.
      const differences = span.until >= now ? differencesOf(runs, shown, now) : [];
      response.json({
        ...{ site: name, type: sites.status(name).type, ...span },
        usage: usageOf(runs, span, now),
        runs,
        differences,
      });
    },
  };
}

function spanOf(target: Target, now: number): Span {
  onlyParameters(target, ['from', 'until']);
  const until = timeAt(target, 'until') ?? now;
  const from = timeAt(target, 'from') ?? until - DAY_MS;
  if (from < until) return { from, until };
  throw problem('malformed', 'usage.span', 'the time asked for ends before it begins', {
    place: { field: 'from' },
    remedy: 'let from be earlier than until',
  });
}

function timeAt(target: Target, name: string): number | undefined {
  const text = parameter(target, name);
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw problem('malformed', 'usage.time', `${name} is no instant`, {
    place: { field: name },
    remedy: 'write it like 2026-11-01 or 2026-11-01T08:00:00Z',
  });
}
