/**
 * Security groups as rOCCI and ooi have them (`spec/occi.md` §4): rules that a site holds traffic to, and the link from a
 * compute to the group that guards it. A group stands at one site, and guards machines there.
 */

import { problem, throwIfFaulty } from '../../src/base/errors.js';
import { applyChange } from '../../src/extension/handlers.js';
import type { EntityChange, EntityDraft, LinkEnds, OperationDraft, Write } from '../../src/extension/kind-handler.js';
import { differenceOf, normalRules } from '../../src/iaas/security-groups.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { GUARD, UNGUARD } from './guarding.js';
import { InfrastructureHandler, siteOfLink, type HandlerServices } from './handler.js';
import { KeptStateHandler } from './kept-entity.js';
import { requireEnds } from './link-ends.js';
import { RULES as UPDATE } from './operations.js';
import { RULES, ruleFaults, rulesOf } from './security-rules.js';
import { SECURITYGROUP, SECURITYGROUPLINK, stateMachineOf } from './states.js';

export class SecurityGroupHandler extends InfrastructureHandler {
  constructor(services: HandlerServices) {
    super(SECURITYGROUP, services);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    throwIfFaulty('invalid', ruleFaults(draft.wanted[RULES]));
    await super.prepare(write, draft);
    const site = draft.site ?? '';
    if (this.services.sites.adapter(site).capabilities().securityGroups === true) return;
    throw problem(
      'unmet',
      'infrastructure.no-filter',
      `site ${site} does not filter the traffic of machines by rules`,
      {
        remedy: 'filter within the machines, or ask for a site that has security groups',
      },
    );
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    throwIfFaulty('invalid', ruleFaults(change.attributes.get(RULES)));
    const changed = applyChange(entity, change);
    const [before, after] = [normalRules(rulesOf(entity.wanted)), normalRules(rulesOf(changed.wanted))];
    const { missing, surplus } = differenceOf(before, after);
    if (missing.length + surplus.length > 0)
      await this.file(write, entity, { type: UPDATE, site: entity.site, input: {} });
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
    draft.site ??= siteOfLink(draft);
    await super.prepare(write, draft);
  }

  override async created(write: Write, entity: EntityRecord): Promise<void> {
    await this.#guard(write, entity);
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    if (change.moved !== undefined) await this.#guard(write, entity);
    return super.change(write, entity, change);
  }

  /** Another group may guard the machine in its place; the machine stays. */
  judgeMove(write: Write, link: EntityRecord, moved: LinkEnds): Promise<void> {
    requireEnds(write, link.kind, moved);
    if (moved.source?.id === link.source && siteOfLink(moved) === link.site) return Promise.resolve();
    throw problem('conflict', 'infrastructure.guard-of-machine', 'a link to a security group stays with its machine', {
      place: { field: 'occi.core.source' },
      remedy: 'delete the link and make another',
    });
  }

  override release(_write: Write, entity: EntityRecord): Promise<OperationDraft | undefined> {
    // One from before sites were told of groups has nothing to be taken back.
    return Promise.resolve(entity.site === null ? undefined : { type: UNGUARD, site: entity.site, input: {} });
  }

  async #guard(write: Write, { id, site, appliance }: EntityRecord): Promise<void> {
    const principal = write.context.principal.id;
    await this.#services.engine.file(write.tx, { type: GUARD, entity: id, appliance, site, input: {}, principal });
  }
}
