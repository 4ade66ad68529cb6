/**
 * Security groups as rOCCI and ooi have them (`spec/occi.md` §4): rules that a site holds traffic to, and the link from a
 * compute to the group that guards it. A group stands at one site; where it guards machines of others, copies of it do.
 */

import { problem, throwIfFaulty } from '../../src/base/errors.js';
import { applyChange } from '../../src/extension/handlers.js';
import type { EntityChange, EntityDraft, LinkEnds, OperationDraft, Write } from '../../src/extension/kind-handler.js';
import type { Sites } from '../../src/iaas/sites.js';
import { differenceOf, normalRules } from '../../src/iaas/security-groups.js';
import { findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { ensureCopy, tellCopies } from './group-copies.js';
import { InfrastructureHandler, type HandlerServices } from './handler.js';
import { KeptStateHandler } from './kept-entity.js';
import { requireEnds } from './link-ends.js';
import { RULES, ruleFaults, rulesOf } from './security-rules.js';
import { GUARD, RULES as UPDATE, UNGUARD } from './steps.js';
import { SECURITYGROUP, SECURITYGROUPLINK, stateMachineOf } from './states.js';

export class SecurityGroupHandler extends InfrastructureHandler {
  constructor(services: HandlerServices) {
    super(SECURITYGROUP, services);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    throwIfFaulty('invalid', ruleFaults(draft.wanted[RULES]));
    await super.prepare(write, draft);
    requireFilter(this.services.sites, draft.site ?? '');
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    throwIfFaulty('invalid', ruleFaults(change.attributes.get(RULES)));
    const changed = applyChange(entity, change);
    const [before, after] = [normalRules(rulesOf(entity.wanted)), normalRules(rulesOf(changed.wanted))];
    const { missing, surplus } = differenceOf(before, after);
    if (missing.length + surplus.length > 0) {
      await this.file(write, entity, { type: UPDATE, site: entity.site, input: {} });
      await tellCopies(write.tx, this.services.engine, entity.id, write.context.principal.id);
    }
    return changed;
  }
}

export class SecurityGroupLinkHandler extends KeptStateHandler {
  readonly #services: HandlerServices;

  constructor(services: HandlerServices) {
    super(SECURITYGROUPLINK, stateMachineOf(SECURITYGROUPLINK));
    this.#services = services;
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    requireEnds(write, draft.kind.id, draft);
    // Where the machine is, the traffic is filtered.
    draft.site ??= siteOfMachine(draft);
    requireFilter(this.#services.sites, draft.site);
    await super.prepare(write, draft);
  }

  override async created(write: Write, entity: EntityRecord): Promise<void> {
    const group = entity.target === null ? undefined : await findEntity(write.tx, entity.target);
    await this.#guard(write, entity, group);
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    if (change.moved !== undefined) await this.#guard(write, entity, change.moved.target);
    return super.change(write, entity, change);
  }

  /** Another group may guard the machine in its place; the machine stays. */
  judgeMove(write: Write, link: EntityRecord, moved: LinkEnds): Promise<void> {
    requireEnds(write, link.kind, moved);
    if (moved.source?.id === link.source) return Promise.resolve();
    throw problem('conflict', 'infrastructure.guard-of-machine', 'a link to a security group stays with its machine', {
      place: { field: 'occi.core.source' },
      remedy: 'delete the link and make another',
    });
  }

  override release(_write: Write, entity: EntityRecord): Promise<OperationDraft | undefined> {
    // One from before sites were told of groups has nothing to be taken back.
    return Promise.resolve(entity.site === null ? undefined : { type: UNGUARD, site: entity.site, input: {} });
  }

  async #guard(write: Write, link: EntityRecord, group: Standing | undefined): Promise<void> {
    const { id, site, appliance } = link;
    const { engine } = this.#services;
    const principal = write.context.principal.id;
    if (group) await ensureCopy(write.tx, engine, group, site ?? '', principal);
    await engine.file(write.tx, { type: GUARD, entity: id, appliance, site, input: {}, principal });
  }
}

type Standing = Pick<EntityRecord, 'id' | 'site'>;

/** @throws Problem `invalid` for a machine that is on none */
function siteOfMachine({ source }: LinkEnds): string {
  if (typeof source?.site === 'string') return source.site;
  throw problem(
    'invalid',
    'infrastructure.guard-of-nothing',
    'a machine is guarded at its site, and this one is at none',
    {
      place: { field: 'occi.core.source' },
      remedy: 'link a compute that is at a site',
    },
  );
}

/** @throws Problem `unmet` (`infrastructure.no-filter`): a rule that nobody holds is worse than none */
function requireFilter(sites: Sites, site: string): void {
  if (sites.adapter(site).capabilities().securityGroups === true) return;
  throw problem('unmet', 'infrastructure.no-filter', `site ${site} does not filter the traffic of machines by rules`, {
    remedy: 'filter within the machines, or ask for a site that has security groups',
  });
}
