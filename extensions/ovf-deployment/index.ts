/**
 * The ovf-deployment extension (K01, K03): appliances. An OVF package goes in, a resource with a life of its own comes
 * out, joined to everything it consists of.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../src/base/json.js';
import type { Log } from '../../src/base/log.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { Extension } from '../../src/extension/extension.js';
import type { Observations } from '../../src/extension/observations.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Store } from '../../src/store/sql.js';
import type { ImageFetcher } from '../../src/transfer/image-fetcher.js';
import type { InfrastructureHooks } from '../infrastructure/index.js';
import { accountWatch } from './accounts-of-appliance.js';
import type { ApplianceHooks, ApplianceServices } from './appliance-services.js';
import { ApplianceHandler } from './appliance.js';
import { applianceBodyReaders } from './body-readers.js';
import { componentDetails, leadsToReadOnlyDisk } from './environment.js';
import { applianceOperations } from './operations.js';
import { showProgress } from './progress.js';
import { applianceRenderings } from './export.js';
import { forgottenAt } from './forgotten.js';
import { guestReportTables, guestRoute, GuestReports } from './guest-reports.js';
import { strayOperation, strayTask } from './strays.js';
import { applianceBlobs, ovfDeploymentTables as tablesOfAppliances } from './tables.js';

export { applianceBlobs, GuestReports, type ApplianceHooks };

export const ovfDeploymentTables = {
  entitySchemas: [...tablesOfAppliances.entitySchemas, ...guestReportTables.entitySchemas],
  migrations: [...tablesOfAppliances.migrations, ...guestReportTables.migrations],
};

export interface OvfDeploymentServices extends ApplianceServices {
  readonly store: Store;
  readonly observations: Observations;
  readonly log: Log;
  readonly hooks: InfrastructureHooks;
  readonly fetcher: ImageFetcher;
  readonly keeping: SiteKeeping;
  /** Milliseconds between two looks at what sites have. */
  readonly reconcileMs: number;
}

export function createOvfDeployment(services: OvfDeploymentServices): Extension {
  const { hooks, observations } = services;
  hooks.settled.push((tx, operation) => showProgress(observations, tx, operation));
  hooks.forgotten.push((tx, entity, isDown) => forgottenAt(observations, tx, entity, isDown));
  hooks.details.push((operation, entity) => componentDetails(services, operation, entity));
  hooks.readOnly.push((link) => leadsToReadOnlyDisk(services.store, link));
  const categories = join(packageRoot, 'extensions/ovf-deployment/categories.json');
  return {
    name: 'ovf-deployment',
    categories: [JSON.parse(readFileSync(categories, 'utf8')) as JsonValue],
    ...ovfDeploymentTables,
    handlers: [new ApplianceHandler(services)],
    operations: [...applianceOperations(services), strayOperation(services.sites)],
    bodyReaders: applianceBodyReaders(services),
    renderings: applianceRenderings(services),
    routes: [guestRoute(services.reports)],
    tasks: [accountWatch(services), strayTask(services, services.reconcileMs)],
  };
}
