/** What the life of an appliance needs of the house, and where others take part in it. */

import type { Engine } from '../../src/engine/engine.js';
import type { Entities } from '../../src/extension/entities.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { Accounts } from '../../src/iaas/accounts.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { OvfSchemas } from '../../src/ovf/index.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SiteImages } from '../infrastructure/images.js';
import type { TemplateImageSource } from '../infrastructure/template-images.js';
import type { Governance } from './governance.js';
import type { GuestReports } from './guest-reports.js';
import type { NetworkServices } from './mapped-networks.js';
import type { PackageServices } from './package.js';

/** What is asked before its transaction begins. */
export interface PreparationServices extends PackageServices, NetworkServices {
  readonly sites: Sites;
  readonly schemas: OvfSchemas;
  readonly reports: GuestReports;
  readonly governance: Governance;
  readonly accounts: Accounts;
  readonly images: SiteImages;
  /** Where OS templates have their images. */
  readonly templates: readonly TemplateImageSource[];
}

export interface ApplianceServices extends PreparationServices {
  readonly engine: Engine;
  readonly entities: Entities;
  readonly applianceHooks: ApplianceHooks;
  /** Seals secrets (K26). */
  readonly secretKey: Uint8Array;
}

/** Where others take part in the life of an appliance, inside its transactions. Filled before the first request. */
export interface ApplianceHooks {
  /** It is stored, and its work is about to be filed. */
  readonly created: ((write: Write, appliance: EntityRecord) => Promise<void>)[];
  /** It is about to be deleted with all it holds. */
  readonly removed: ((write: Write, appliance: EntityRecord) => Promise<void>)[];
}
