/** Deploys appliances, in the transaction of the request: makes their components and files the work that brings them to life. */

import { newUuid } from '../../src/base/ids.js';
import { stringAt } from '../../src/base/json.js';
import type { NewChild } from '../../src/engine/operation.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { afterSigningIn } from './accounts-of-appliance.js';
import type { ApplianceServices } from './appliance-services.js';
import { companionsToBring } from './companions.js';
import { ComponentMaker, type MachineComponents } from './components.js';
import {
  awaited,
  deploymentGraph,
  type DeploymentParts,
  type RegisteredImage,
  type SiteWays,
} from './deployment-graph.js';
import { filesToBring } from './environment-files.js';
import { FORGOTTEN } from './forgotten.js';
import { fileWork } from './graph-of-work.js';
import { takesWhole, wholeHandOver } from './hand-over.js';
import { siteNames, sitesOf, type Layout } from './layout.js';
import { mappedNetworks } from './mapped-networks.js';
import { DEPLOY } from './operations.js';
import { isOpen } from './package.js';
import { parcelsOf } from './parcels.js';
import type { ApplianceRow } from './tables.js';
import { DEPLOYED, OVF_KEEP_ON_FAILURE, SITES, STATE_MESSAGE } from './vocabulary.js';

export class Deploying {
  readonly #services: ApplianceServices;

  constructor(services: ApplianceServices) {
    this.#services = services;
  }

  /** Makes all components and files the graph that brings them to life. */
  async deploy(write: Write, entity: EntityRecord, row: ApplianceRow, layout: Layout): Promise<void> {
    const maker = new ComponentMaker(this.#services.entities, write, entity, {
      layout,
      plan: row.plan,
      existing: await mappedNetworks(write.tx, row.plan),
    });
    const components = await maker.make(row.plan.machines);
    if (this.isTakenWhole(layout)) return this.#file(write, entity, wholeHandOver(entity, row));
    const children = await this.steps(write, entity, row, { components, hosts: layout.hosts, present: [] });
    await this.#file(write, entity, afterSigningIn(children));
  }

  /** On the sites where it was, if not on each as before: what else it would need has been judged for these. */
  async deployAgain(write: Write, entity: EntityRecord, row: ApplianceRow): Promise<EntityRecord> {
    const candidates = siteNames(stringAt(entity.observed, SITES) ?? entity.site ?? '');
    const wish = { candidates, maySplit: candidates.length > 1, named: true };
    const layout = await this.#services.governance.layouts.layOut(write.tx, row.plan, wish, entity.group);
    await this.deploy(write, { ...entity, site: layout.home }, row, layout);
    const shown = { [DEPLOYED]: true, [STATE_MESSAGE]: 'deploying', [SITES]: sitesOf(layout).join(' ') };
    const { [FORGOTTEN]: _before, ...observed } = entity.observed;
    return { ...entity, site: layout.home, observed: { ...observed, ...shown } };
  }

  /** It goes to one site, which deploys appliances by itself. */
  isTakenWhole(layout: Layout): boolean {
    return sitesOf(layout).length === 1 && takesWhole(this.#services.sites, layout.home);
  }

  /** The steps that bring new components to life, beside the machines that are there. */
  async steps(
    write: Write,
    entity: EntityRecord,
    row: Pick<ApplianceRow, 'plan' | 'images'>,
    parts: Pick<DeploymentParts, 'components' | 'hosts' | 'present'>,
  ): Promise<NewChild[]> {
    const reporting = await this.#expectReports(write, entity, row.plan, parts.components.machines);
    return this.#graph(entity, row, { ...parts, reporting });
  }

  /** The new machines that will say when they are ready: once at each start (K34). */
  async #expectReports(
    write: Write,
    entity: EntityRecord,
    plan: DeploymentPlan,
    machines: readonly MachineComponents[],
  ): Promise<ReadonlySet<string>> {
    const { reports } = this.#services;
    // Guests on a site that deploys by itself report to that.
    const reaching = machines.filter(
      ({ compute: { site } }) => reports.canReach(site ?? '') && !takesWhole(this.#services.sites, site),
    );
    const computes = awaited(plan.startup, reaching).map(({ compute }) => compute.id);
    await reports.expect(write.tx, entity.id, computes);
    return new Set(computes);
  }

  #graph(
    entity: EntityRecord,
    { plan, images }: Pick<ApplianceRow, 'plan' | 'images'>,
    parts: Pick<DeploymentParts, 'components' | 'hosts' | 'present' | 'reporting'>,
  ): NewChild[] {
    const registered = new Map<string, RegisteredImage>();
    const parcels = parcelsOf(parts.components.machines, (site) => takesWhole(this.#services.sites, site));
    const carried = new Set(parcels.flatMap(({ machines }) => machines));
    for (const each of parts.components.machines) {
      const { compute, disks } = each;
      if (carried.has(each)) continue;
      const site = compute.site ?? '';
      for (const { image } of disks) {
        if (image === undefined || images[image] === undefined) continue;
        registered.set(`${site} ${image}`, { image, site, subject: newUuid() });
      }
    }
    // Whoever must have signed a package, its work has to find out; else only images and files for guests or people need it.
    const signing = registered.size > 0 || parcels.length > 0 || this.#services.signatures !== 'any';
    const missing = [...filesToBring(plan, images), ...companionsToBring(plan, images)];
    const needed = (isOpen(images) && signing) || missing.length > 0;
    return deploymentGraph({
      appliance: entity.id,
      ...parts,
      waysOf: (site) => this.#waysOf(site),
      startup: plan.startup,
      constraints: plan.constraints,
      images: [...registered.values()],
      parcels,
      package: needed ? newUuid() : undefined,
    });
  }

  #waysOf(site: string): SiteWays {
    const can = this.#services.sites.adapter(site).capabilities();
    return {
      plugsAtCreation: can.plugsAtCreation === true,
      bootsAtCreation: can.bootsAtCreation === true,
      bootsFromImage: can.bootsFromImage === true,
      volumesFollow: can.volumesFollow === true,
    };
  }

  #file(write: Write, entity: EntityRecord, children: readonly NewChild[]): Promise<void> {
    const keepOnFailure = entity.wanted[OVF_KEEP_ON_FAILURE] === true;
    return fileWork(this.#services.engine, write, entity, { type: DEPLOY, children, keepOnFailure });
  }
}
