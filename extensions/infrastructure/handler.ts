/**
 * What the infrastructure kinds have in common as handlers: states from the site, actions judged on the state to which
 * pending operations lead (K10), and operations filed for whatever touches the site. The kinds' own rules are in the
 * file named after each.
 */

import { problem } from '../../src/base/errors.js';
import type { Engine } from '../../src/engine/engine.js';
import { applyChange } from '../../src/extension/handlers.js';
import type {
  EntityChange,
  EntityDraft,
  Invocation,
  KindHandler,
  LinkEnds,
  OperationDraft,
  Write,
} from '../../src/extension/kind-handler.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { Attributes, Mixin, TypeId } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { ACT, PROVISION, RELEASE, RESIZE } from './operations.js';
import { siteClassOf, type SiteClass } from './site-class.js';
import { sizeWish } from './size-wish.js';
import { legalActions, stateAttributes, transition, type StateMachine } from './states.js';

export interface HandlerServices {
  readonly sites: Sites;
  readonly engine: Engine;
}

/** The behaviour of one infrastructure kind; `compute.ts` and its neighbours override what is special. */
export class InfrastructureHandler implements KindHandler {
  readonly kind: TypeId;
  readonly stateAttribute: string;
  protected readonly siteClass: SiteClass;
  protected readonly machine: StateMachine;
  protected readonly services: HandlerServices;
  /** Attributes of its size, which the site is told when they change. */
  protected readonly sizes: readonly string[] = [];

  constructor(kind: TypeId, services: HandlerServices) {
    const siteClass = siteClassOf(kind);
    if (!siteClass) throw new Error(`${kind} has no place on a site`);
    this.kind = kind;
    this.siteClass = siteClass;
    this.machine = siteClass.machine;
    this.stateAttribute = siteClass.machine.attribute;
    this.services = services;
  }

  /** The state that counts for legality: where pending operations lead, else what was observed. */
  protected stateOf(entity: Pick<EntityRecord, 'observed' | 'heading'>): string {
    const observed = entity.observed[this.stateAttribute];
    return entity.heading ?? (typeof observed === 'string' ? observed : this.machine.initial);
  }

  applicable(entity: Pick<EntityRecord, 'observed' | 'heading'>): readonly TypeId[] {
    return legalActions(this.machine, this.stateOf(entity));
  }

  async prepare(_write: Write, draft: EntityDraft): Promise<void> {
    draft.site ??= this.siteFor(draft);
    Object.assign(draft.observed, stateAttributes(this.machine, this.machine.initial));
    return Promise.resolve();
  }

  /** Where a new entity goes: a link where its source is, a resource to the default site. */
  protected siteFor(ends: LinkEnds): string {
    return ends.source ? siteOfLink(ends) : this.services.sites.default;
  }

  /** A link is moved within its site, and what an appliance has ordered stays as it is. */
  protected requireSite(link: EntityRecord, moved: LinkEnds): void {
    const site = this.siteFor(moved);
    if (site === link.site && link.appliance === null) return;
    const [code, why] =
      link.appliance === null
        ? ['infrastructure.link-across-sites', 'a link cannot be moved to another site']
        : ['appliance.owns', `this belongs to the appliance ${link.appliance}`];
    throw problem('conflict', code, why, { remedy: 'make another link' });
  }

  /** A standalone entity is provisioned at once; an appliance's are part of its graph, which the appliance files. */
  async created(write: Write, entity: EntityRecord): Promise<void> {
    if (entity.appliance === null) await this.file(write, entity, { type: PROVISION, site: entity.site, input: {} });
  }

  async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const changed = applyChange(entity, change);
    const anew = change.moved !== undefined || this.madeFrom(entity.wanted) !== this.madeFrom(changed.wanted);
    if (anew) return this.makeAnew(write, changed);
    await this.resize(write, entity, changed);
    return changed;
  }

  /** What of an entity its site takes in only when it makes it, in comparable form; empty: nothing. */
  protected madeFrom(_wanted: Attributes): string {
    return '';
  }

  /** Gives back what the site has and has it made from what is wanted now. The second begins when the first has ended. */
  protected async makeAnew(write: Write, entity: EntityRecord): Promise<EntityRecord> {
    await this.file(write, entity, { type: RELEASE, site: entity.site, input: { keep: true } });
    await this.file(write, entity, { type: PROVISION, site: entity.site, input: {} });
    const kept = Object.entries(entity.observed).filter(([name]) => !this.siteClass.reported.includes(name));
    const observed = { ...Object.fromEntries(kept), ...stateAttributes(this.machine, this.machine.initial) };
    return { ...entity, observed };
  }

  /** Tells the site the size that is wanted now, if that is another one. */
  protected async resize(write: Write, before: EntityRecord, after: EntityRecord): Promise<void> {
    const input = sizeWish(write.registry, before, after, this.sizes);
    if (input) await this.file(write, before, { type: RESIZE, site: before.site, input });
  }

  async act(
    write: Write,
    entity: EntityRecord,
    invocation: Invocation,
  ): Promise<{ entity: EntityRecord; minted?: Mixin }> {
    const state = this.stateOf(entity);
    const found = transition(this.machine, invocation.term, state);
    const to = found?.to ?? state;
    const input = { term: invocation.term, to, ...invocation.parameters };
    await this.file(write, entity, { type: ACT, site: entity.site, input });
    return { entity: { ...entity, heading: to } };
  }

  release(_write: Write, entity: EntityRecord): Promise<OperationDraft | undefined> {
    return Promise.resolve({ type: RELEASE, site: entity.site, input: {} });
  }

  protected async file(write: Write, entity: EntityRecord, operation: OperationDraft): Promise<void> {
    await this.services.engine.file(write.tx, {
      ...operation,
      entity: entity.id,
      appliance: entity.appliance,
      principal: write.context.principal.id,
    });
  }
}

/** @throws Problem `invalid` where the ends are on two sites, or on none */
export function siteOfLink({ source, target }: LinkEnds): string {
  if (source && source.site !== null && target?.site === source.site) return source.site;
  throw problem('invalid', 'infrastructure.link-across-sites', 'both ends of the link must be on one site', {
    place: { field: 'occi.core.target' },
    remedy: 'link resources whose placement names the same site',
  });
}
