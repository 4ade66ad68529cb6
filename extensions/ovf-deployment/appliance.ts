/**
 * The appliance (K03): one resource with a life of its own. Creating it deploys it; its actions move all its machines in
 * their order; deleting it takes everything down.
 */

import { problem } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import { shownUrl } from '../../src/base/shown-url.js';
import type { NewChild } from '../../src/engine/operation.js';
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
import { componentsOf, findEntity, tombstoneEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Tx } from '../../src/store/sql.js';
import { ACT } from '../infrastructure/operations.js';
import { SLA, governedAttributes } from '../sla/agreements.js';
import { exchangeCredentials, refuseWithoutWayThere } from './accounts-of-appliance.js';
import type { ApplianceServices } from './appliance-services.js';
import { machinesOf } from './components-now.js';
import { awaited, startChildren, stopChildren } from './deployment-graph.js';
import { Deploying } from './deploying.js';
import { describePlan, describeRefusal } from './dry-run.js';
import { afterAll, endingsOf } from './endings.js';
import { agreementId } from './governance.js';
import { fileWork, type WorkOnAppliance } from './graph-of-work.js';
import { SITE_ACT, isWhole, wholeChild } from './hand-over.js';
import { hideUrls, sealUrls } from './hidden-urls.js';
import { sitesOf } from './layout.js';
import { CHANGE, DELETE, UNDEPLOY } from './operations.js';
import { refuseOverLimit } from './over-limit.js';
import { accountSites } from './own-accounts.js';
import { PreparedDeployment, prepareDeployment, UnreadableDescriptor } from './prepared.js';
import { scale } from './scaling.js';
import { sealInputs } from './sealed-inputs.js';
import { insertAppliance, loadAppliance, type ApplianceRow } from './tables.js';
import { applicableActions, TRANSITIONS } from './transitions.js';
import {
  ACCOUNTS,
  APPLIANCE,
  DEPLOYED,
  OVF_DIGEST,
  OVF_INPUTS,
  OVF_SIGNATURE,
  OVF_URL,
  SITES,
  STATE,
  STATE_MESSAGE,
} from './vocabulary.js';

export class ApplianceHandler implements KindHandler {
  readonly kind = APPLIANCE;
  readonly stateAttribute = STATE;
  readonly federationChoosesId = true;
  readonly #services: ApplianceServices;
  readonly #deploying: Deploying;

  constructor(services: ApplianceServices) {
    this.#services = services;
    this.#deploying = new Deploying(services);
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
    if (prepared.packageUrl !== undefined) draft.wanted[OVF_URL] = shownUrl(prepared.packageUrl);
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
    const { secretKey } = this.#services;
    const { descriptor, images, packageUrl, references } = prepared;
    const { hidden, ...shown } = hideUrls({ descriptor, plan, images }, packageUrl, references);
    const owned = { appliance: entity.id, now: write.now };
    const urls = hidden && (await sealUrls(write.tx, secretKey, { ...owned, hidden }));
    const secrets = await sealInputs(write.tx, secretKey, {
      properties: prepared.result.secrets,
      credentials: prepared.inputs.credentials,
      ...(this.#deploying.isTakenWhole(layout) ? { sent: prepared.sentInputs } : {}),
      ...(urls !== undefined && { urls }),
      ...owned,
    });
    const row: ApplianceRow = { appliance: entity.id, ...shown, secrets };
    await insertAppliance(write.tx, row, write.now);
    await this.#services.accounts.keep(write.tx, entity.id, sitesOf(layout).filter(isAccount), write.now);
    const settled = await this.#services.governance.govern(write, entity, prepared.governed());
    for (const hook of this.#services.applianceHooks.created) await hook(write, entity);
    await this.#deploying.deploy(write, entity, row, settled);
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
          return { entity: await this.#deploying.deployAgain(write, heading, row) };
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
        await scale(this.#services, this.#deploying, write, entity, row, invocation.parameters);
        return { entity: heading };
      default:
        await this.#takeDown(write, entity, row, UNDEPLOY);
        return { entity: { ...heading, observed: { ...entity.observed, [STATE_MESSAGE]: 'being undeployed' } } };
    }
  }

  /** The site moves the machines of an appliance that was handed over. */
  async #moveWhole(write: Write, entity: EntityRecord, term: string, to: string): Promise<{ entity: EntityRecord }> {
    await this.#file(write, entity, CHANGE, [wholeChild(SITE_ACT, entity, { term, to })], { to });
    return { entity };
  }

  async #move(write: Write, entity: EntityRecord, children: readonly NewChild[], to: string): Promise<void> {
    for (const child of children)
      if (child.type === ACT)
        await this.#services.entities.head(write, child.entity, stringAt(child.input, 'to') ?? to);
    await this.#file(write, entity, CHANGE, children, { to });
  }

  async remove(write: Write, entity: EntityRecord): Promise<void> {
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
    await this.#file(write, entity, type, children);
  }

  release(): Promise<OperationDraft | undefined> {
    return Promise.resolve(undefined);
  }

  #file(
    write: Write,
    entity: EntityRecord,
    type: string,
    children: readonly NewChild[],
    input: WorkOnAppliance['input'] = {},
  ): Promise<void> {
    return fileWork(this.#services.engine, write, entity, { type, input, children, keepOnFailure: true });
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
