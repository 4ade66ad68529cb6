/**
 * What ends at the sites before the components of an appliance are released: machines are stopped in reverse order, and what was
 * handed over, or may have been, is taken back before anything of it is forgotten here. From entities to operations.
 */

import { stringAt } from '../../src/base/json.js';
import type { NewChild } from '../../src/engine/operation.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { StartupStep } from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { MachineComponents } from './components.js';
import { stopChildren } from './deployment-graph.js';
import { isWhole, mayHave, takesWhole, wholeChild } from './hand-over.js';
import { siteNames } from './layout.js';
import { TAKE_BACK, parcelChild, parcelsOf } from './parcels.js';
import { SITES } from './vocabulary.js';

/** Of an appliance with all its machines. */
export function endingsOf(
  sites: Sites,
  appliance: EntityRecord,
  startup: readonly StartupStep[],
  machines: readonly MachineComponents[],
): NewChild[] {
  if (siteNames(stringAt(appliance.observed, SITES) ?? '').length > 1)
    return partEndings(sites, appliance, startup, machines);
  if (isWhole(appliance) || takesWhole(sites, appliance.site)) return [wholeChild(TAKE_BACK, appliance)];
  const halts = stopChildren(startup, machines, 'halt');
  if (!mayHave(sites, appliance.site)) return halts;
  return [...halts, wholeChild(TAKE_BACK, appliance, {}, keysOf(halts))];
}

/** Of machines of an appliance that no site has taken whole. */
export function partEndings(
  sites: Sites,
  appliance: EntityRecord,
  startup: readonly StartupStep[],
  machines: readonly MachineComponents[],
): NewChild[] {
  const halts = stopChildren(startup, machines, 'halt');
  const parcels = parcelsOf(machines, (site) => mayHave(sites, site));
  return [...halts, ...parcels.map((parcel) => parcelChild(TAKE_BACK, appliance.id, parcel, keysOf(halts)))];
}

/** The same operations, each when all of the others have ended. */
export function afterAll(others: readonly NewChild[], children: readonly NewChild[]): NewChild[] {
  return children.map((child) => ({ ...child, after: keysOf(others) }));
}

function keysOf(children: readonly NewChild[]): readonly string[] {
  return children.map(({ key }) => key);
}
