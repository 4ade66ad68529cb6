/**
 * The appliance (K03): one resource with a life of its own. Creating it deploys it; its actions move all its machines in
 * their order; deleting it takes everything down.
 */

import { stringAt } from '../../src/base/json.js';
import { newUuid } from '../../src/base/ids.js';
import { problem } from '../../src/base/errors.js';
import type { Engine } from '../../src/engine/engine.js';
import type { NewChild } from '../../src/engine/operation.js';
import type { Entities } from '../../src/extension/entities.js';
import type { NewEntity } from '../../src/extension/entity-draft.js';
import type { RequestContext } from '../../src/extension/extension.js';
import { applyChange } from '../../src/extension/handlers.js';
import type {
  DryRun,
  EntityChange,
  EntityDraft,
  Invocation,
  KindHandler,
  OperationDraft,
  Write,
} from '../../src/extension/kind-handler.js';
import { isAccount } from '../../src/iaas/account.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { AttributeValue } from '../../src/occi/model.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { componentsOf, findEntity, tombstoneEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Tx } from '../../src/store/sql.js';
import { ACT } from '../infrastructure/operations.js';
import { afterSigningIn, exchangeCredentials, refuseWithoutWayThere } from './accounts-of-appliance.js';
import { machinesOf, networksOf, withDisks } from './components-now.js';
import { mappedNetworks } from './mapped-networks.js';
import { ComponentMaker, type MachineComponents } from './components.js';
import {
  awaited,
  deploymentGraph,
  startChildren,
  stopChildren,
  type DeploymentParts,
  type RegisteredImage,
  type SiteWays,
} from './deployment-graph.js';
import { describePlan, describeRefusal } from './dry-run.js';
import { SLA, governedAttributes } from '../sla/agreements.js';
import { companionsToBring } from './companions.js';
import { filesToBring } from './environment-files.js';
import { agreementId } from './governance.js';
import { afterAll, endingsOf, partEndings } from './endings.js';
import { FORGOTTEN } from './forgotten.js';
import { SITE_ACT, isWhole, takesWhole, wholeChild, wholeHandOver } from './hand-over.js';
import { withInstances } from './instances.js';
import { siteNames, sitesOf, type Layout } from './layout.js';
import { CHANGE, DELETE, DEPLOY, UNDEPLOY } from './operations.js';
import { refuseOverLimit } from './over-limit.js';
import { accountSites } from './own-accounts.js';
import { isOpen } from './package.js';
import { parcelsOf } from './parcels.js';
import { PreparedDeployment, prepareDeployment, UnreadableDescriptor, type PreparationServices } from './prepared.js';
import { sealInputs } from './sealed-inputs.js';
import { insertAppliance, loadAppliance, updatePlan, type ApplianceRow } from './tables.js';
import { applicableActions, TRANSITIONS } from './transitions.js';
import {
  ACCOUNTS,
  APPLIANCE,
  DEPLOYED,
  OVF_DIGEST,
  OVF_INPUTS,
  OVF_KEEP_ON_FAILURE,
  OVF_SIGNATURE,
  SITES,
  STATE,
  STATE_MESSAGE,
} from './vocabulary.js';

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

export class ApplianceHandler implements KindHandler {
  readonly kind = APPLIANCE;
  readonly stateAttribute = STATE;
  readonly federationChoosesId = true;
  readonly #services: ApplianceServices;

  constructor(services: ApplianceServices) {
    this.#services = services;
  }

  applicable(entity: Pick<EntityRecord, 'observed' | 'heading'>): readonly string[] {
    return applicableActions(entity);
  }

  async makeReady(context: RequestContext, registry: CategoryRegistry, entity: NewEntity): Promise<PreparedDeployment> {
    return prepareDeployment(this.#services, context, registry, entity);
  }

  async dryRun(context: RequestContext, registry: CategoryRegistry, entity: NewEntity): Promise<DryRun> {
    let prepared: PreparedDeployment;
    try {
      prepared = await prepareDeployment(this.#services, context, registry, entity);
    } catch (error) {
      if (error instanceof UnreadableDescriptor) return describeRefusal(error);
      throw error;
    }
    const { governance, entities, accounts } = this.#services;
    return describePlan(governance, context, prepared, (planned) =>
      entities.foresee(context, registry, planned),
    ).finally(() => accounts.withdraw(prepared.own.values()));
  }

  async prepare(write: Write, draft: EntityDraft): Promise<void> {
    const prepared = preparedOf(draft.prepared);
    const { plan, layout, offer } = prepared.governed();
    await refuseOverLimit(this.#services.entities, write, plan, layout);
    draft.title ??= plan.title;
    draft.heading = 'active';
    // Inputs may hold secrets: they are sealed or forgotten, never stored with the entity (K04).
    delete draft.wanted[OVF_INPUTS];
    draft.observed[STATE] = 'inactive';
    draft.observed[STATE_MESSAGE] = 'deploying';
    draft.observed[DEPLOYED] = true;
    draft.observed[SITES] = sitesOf(layout).join(' ');
    const accounts = accountSites(sitesOf(layout));
    if (accounts !== '') draft.observed[ACCOUNTS] = accounts;
    draft.observed[OVF_DIGEST] = prepared.digest;
    if (prepared.signature) draft.observed[OVF_SIGNATURE] = prepared.signature.status;
    if (offer) {
      draft.mixins.push(SLA);
      Object.assign(draft.observed, governedAttributes(agreementId(offer)));
    }
    draft.appliance = draft.id;
    draft.site = layout.home;
  }

  async created(write: Write, entity: EntityRecord, draft: EntityDraft): Promise<void> {
    const prepared = preparedOf(draft.prepared);
    const { plan, layout } = prepared.governed();
    const secrets = await sealInputs(write.tx, this.#services.secretKey, {
      properties: prepared.result.secrets,
      credentials: prepared.inputs.credentials,
      ...(this.#isTakenWhole(layout) ? { sent: prepared.sentInputs } : {}),
      appliance: entity.id,
      now: write.now,
    });
    const row: ApplianceRow = {
      appliance: entity.id,
      descriptor: prepared.descriptor,
      plan,
      images: prepared.images,
      secrets,
    };
    await insertAppliance(write.tx, row, write.now);
    await this.#services.accounts.keep(write.tx, entity.id, sitesOf(layout).filter(isAccount), write.now);
    const settled = await this.#services.governance.govern(write, entity, prepared.governed());
    for (const hook of this.#services.applianceHooks.created) await hook(write, entity);
    await this.#deploy(write, entity, row, settled);
  }

  /** Makes all components and files the graph that brings them to life. */
  async #deploy(write: Write, entity: EntityRecord, row: ApplianceRow, layout: Layout): Promise<void> {
    const maker = new ComponentMaker(this.#services.entities, write, entity, {
      layout,
      plan: row.plan,
      existing: await mappedNetworks(write.tx, row.plan),
    });
    const components = await maker.make(row.plan.machines);
    if (this.#isTakenWhole(layout)) {
      const children = wholeHandOver(entity, row);
      return this.#fileGraph(write, entity, DEPLOY, {}, children, entity.wanted[OVF_KEEP_ON_FAILURE] === true);
    }
    const reporting = await this.#expectReports(write, entity, row.plan, components.machines);
    const children = this.#children(entity, row, { components, hosts: layout.hosts, present: [], reporting });
    await this.#fileGraph(
      write,
      entity,
      DEPLOY,
      {},
      afterSigningIn(children),
      entity.wanted[OVF_KEEP_ON_FAILURE] === true,
    );
  }

  /** It goes to one site, which deploys appliances by itself. */
  #isTakenWhole(layout: Layout): boolean {
    return sitesOf(layout).length === 1 && takesWhole(this.#services.sites, layout.home);
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

  #children(
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
    };
  }

  async change(write: Write, entity: EntityRecord, sent: EntityChange): Promise<EntityRecord> {
    const { change, observed } = await exchangeCredentials(this.#services, write, entity, sent);
    return { ...applyChange(entity, change), observed };
  }

  async act(write: Write, entity: EntityRecord, invocation: Invocation): Promise<{ entity: EntityRecord }> {
    const { term } = invocation;
    const to = TRANSITIONS[term]?.to ?? 'active';
    const row = await this.#row(write.tx, entity.id);
    const heading = { ...entity, heading: to };
    switch (term) {
      case 'start': {
        if (entity.observed[DEPLOYED] !== true) {
          return { entity: await this.#deployAgain(write, heading, row) };
        }
        if (isWhole(entity)) return this.#moveWhole(write, heading, term, to);
        const machines = await machinesOf(write.tx, entity, row.plan);
        const waited = awaited(row.plan.startup, machines).map(({ compute }) => compute.id);
        const reporting = await this.#services.reports.expectAgain(write.tx, waited);
        await this.#move(write, entity, startChildren(row.plan.startup, machines, { reporting }), to);
        return { entity: heading };
      }
      case 'stop':
      case 'suspend':
        if (isWhole(entity)) return this.#moveWhole(write, heading, term, to);
        await this.#move(
          write,
          entity,
          stopChildren(row.plan.startup, await machinesOf(write.tx, entity, row.plan), term),
          to,
        );
        return { entity: heading };
      case 'scale':
        await this.#scale(write, entity, row, invocation.parameters);
        return { entity: heading };
      default:
        await this.#takeDown(write, entity, row, UNDEPLOY);
        return { entity: { ...heading, observed: { ...entity.observed, [STATE_MESSAGE]: 'being undeployed' } } };
    }
  }

  /** On the sites where it was, if not on each as before: what else it would need has been judged for these. */
  async #deployAgain(write: Write, entity: EntityRecord, row: ApplianceRow): Promise<EntityRecord> {
    const candidates = siteNames(stringAt(entity.observed, SITES) ?? entity.site ?? '');
    const wish = { candidates, maySplit: candidates.length > 1, named: true };
    const layout = await this.#services.governance.layOut(write.tx, row.plan, wish, entity.group);
    await this.#deploy(write, { ...entity, site: layout.home }, row, layout);
    const shown = { [DEPLOYED]: true, [STATE_MESSAGE]: 'deploying', [SITES]: sitesOf(layout).join(' ') };
    const { [FORGOTTEN]: _before, ...observed } = entity.observed;
    return { ...entity, site: layout.home, observed: { ...observed, ...shown } };
  }

  /** The site moves the machines of an appliance that was handed over. */
  async #moveWhole(write: Write, entity: EntityRecord, term: string, to: string): Promise<{ entity: EntityRecord }> {
    await this.#fileGraph(write, entity, CHANGE, { to }, [wholeChild(SITE_ACT, entity, { term, to })], true);
    return { entity };
  }

  async #move(write: Write, entity: EntityRecord, children: readonly NewChild[], to: string): Promise<void> {
    for (const child of children)
      if (child.type === ACT)
        await this.#services.entities.head(write, child.entity, stringAt(child.input, 'to') ?? to);
    await this.#fileGraph(write, entity, CHANGE, { to }, children, true);
  }

  /** Brings the instances of one machine to the wanted number: new ones are deployed, the youngest go first (K03). */
  async #scale(
    write: Write,
    entity: EntityRecord,
    row: ApplianceRow,
    parameters: Invocation['parameters'],
  ): Promise<void> {
    const role = stringAt(parameters, 'role') ?? '';
    const plan = withInstances(row.plan, { [role]: Number(parameters['count']) });
    const before = new Set(row.plan.machines.map((machine) => machine.id));
    const after = new Set(plan.machines.map((machine) => machine.id));
    const present = await machinesOf(write.tx, entity, row.plan);
    const own = await networksOf(write.tx, entity);
    const existing = new Map([...own, ...(await mappedNetworks(write.tx, plan))]);
    const layout = await this.#services.governance.layOutMore(
      write.tx,
      plan,
      new Map(present.map(({ machine, compute }) => [machine.id, compute.site ?? ''])),
      { home: entity.site ?? '', group: entity.group },
    );
    const maker = new ComponentMaker(this.#services.entities, write, entity, { layout, plan, existing });
    const components = await maker.make(plan.machines.filter((machine) => !before.has(machine.id)));
    const leaving = present.filter(({ machine }) => !after.has(machine.id));
    const children = isWhole(entity)
      ? await this.#scaleWhole(write, entity, leaving, { role, count: Number(parameters['count']) })
      : [
          ...this.#children(
            entity,
            { ...row, plan },
            {
              components,
              hosts: new Map(),
              present,
              reporting: await this.#expectReports(write, entity, plan, components.machines),
            },
          ),
          ...(await this.#releases(write, entity, leaving, plan)),
        ];
    await updatePlan(write.tx, entity.id, plan);
    await this.#fileGraph(write, entity, CHANGE, { to: 'active' }, children, false);
  }

  /** The site brings the instances to their number; what has left it is let go of here. */
  async #scaleWhole(
    write: Write,
    entity: EntityRecord,
    leaving: readonly MachineComponents[],
    parameters: { readonly role: string; readonly count: number },
  ): Promise<NewChild[]> {
    const scale = wholeChild(SITE_ACT, entity, { term: 'scale', to: 'active', parameters });
    const releases = await this.#services.entities.planRemoval(write, withDisks(leaving));
    return [scale, ...afterAll([scale], releases)];
  }

  /** Stops and releases machines with all that is theirs alone. */
  async #releases(
    write: Write,
    entity: EntityRecord,
    machines: readonly MachineComponents[],
    plan: DeploymentPlan,
  ): Promise<NewChild[]> {
    const endings = partEndings(this.#services.sites, entity, plan.startup, machines);
    const releases = await this.#services.entities.planRemoval(write, withDisks(machines));
    return [...endings, ...afterAll(endings, releases)];
  }

  remove(write: Write, entity: EntityRecord): Promise<void> {
    return this.#removeWhole(write, entity);
  }

  async #removeWhole(write: Write, entity: EntityRecord): Promise<void> {
    await refuseWithoutWayThere(write.tx, entity.id);
    const row = await this.#row(write.tx, entity.id);
    await this.#services.governance.release(write, entity);
    for (const hook of this.#services.applianceHooks.removed) await hook(write, entity);
    await this.#takeDown(write, entity, row, DELETE);
    const current = await findEntity(write.tx, entity.id);
    if (current) await tombstoneEntity(write.tx, current, write.now);
  }

  /** Cancels what is under way, stops the machines in reverse order and releases every component. */
  async #takeDown(
    write: Write,
    entity: EntityRecord,
    row: ApplianceRow,
    type: typeof UNDEPLOY | typeof DELETE,
  ): Promise<void> {
    await this.#services.engine.supersede(write.tx, entity.id);
    const machines = await machinesOf(write.tx, entity, row.plan);
    const components = await componentsOf(write.tx, entity.id);
    const endings = endingsOf(this.#services.sites, entity, row.plan.startup, machines);
    const entities = this.#services.entities;
    const resumed = await entities.resumeRemoval(write, entity.id);
    const releases = [...resumed, ...(await entities.planRemoval(write, components))];
    const children = [...endings, ...afterAll(endings, releases)];
    await this.#fileGraph(write, entity, type, {}, children, true);
  }

  release(): Promise<OperationDraft | undefined> {
    return Promise.resolve(undefined);
  }

  async #fileGraph(
    write: Write,
    entity: EntityRecord,
    type: string,
    input: Record<string, AttributeValue>,
    children: readonly NewChild[],
    keepOnFailure: boolean,
  ): Promise<void> {
    const parent = { type, entity: entity.id, site: null, input, principal: write.context.principal.id };
    await this.#services.engine.fileGraph(write.tx, { parent, children, keepOnFailure });
  }

  async #row(tx: Tx, appliance: string): Promise<ApplianceRow> {
    const row = await loadAppliance(tx, appliance);
    if (!row) throw problem('internal', 'appliance.row-missing', 'the appliance has lost its plan');
    return row;
  }
}

function preparedOf(value: unknown): PreparedDeployment {
  if (value instanceof PreparedDeployment) return value;
  throw problem('internal', 'appliance.not-prepared', 'an appliance can only be created by a request');
}
