/**
 * Compute (GFD.224 §3.1): sizes, templates and `save`. A resource template settles the sizes, over what the client says
 * and for as long as it is associated (GFD.224 §3.5.2, GFD.222 R0305); another one replaces it and resizes the machine.
 */

import { problem } from '../../src/base/errors.js';
import type { EntityChange, EntityDraft, Invocation, Write } from '../../src/extension/kind-handler.js';
import { applyChange } from '../../src/extension/handlers.js';
import {
  COMPUTE,
  OS_TPL,
  RESOURCE_TPL,
  type Attributes,
  type AttributeValue,
  type Mixin,
} from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { insertUserMixin } from '../../src/store/user-mixins.js';
import { InfrastructureHandler, type HandlerServices } from './handler.js';
import { expectImage, savedImage, templateAmong, valuesOf } from './templates.js';

/** What a compute has when neither the client nor a template says: one core, one GiB. */
const SIZES: Attributes = { 'occi.compute.cores': 1, 'occi.compute.memory': 1, 'occi.compute.architecture': 'x64' };

export class ComputeHandler extends InfrastructureHandler {
  protected override readonly sizes = ['occi.compute.cores', 'occi.compute.memory'];

  constructor(services: HandlerServices) {
    super(COMPUTE, services);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    await super.prepare(write, draft);
    templateAmong(write.registry, draft.mixins, OS_TPL);
    const template = templateAmong(write.registry, draft.mixins, RESOURCE_TPL);
    this.#complete(draft.wanted, draft.observed, template);
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const { registry } = write;
    const isTemplate = (base: string) => (mixin: Mixin) => mixin.id !== base && registry.dependsOn(mixin.id, base);
    if (change.addedMixins.some(isTemplate(OS_TPL))) {
      throw problem('conflict', 'occi.os-template-fixed', 'the OS template of a compute cannot be replaced', {
        rule: 'GFD.224 §3.5.1',
        remedy: 'create a compute with the other template',
      });
    }
    const replacement = templateAmong(
      registry,
      change.addedMixins.map((mixin) => mixin.id),
      RESOURCE_TPL,
    );
    const displaced = replacement
      ? entity.mixins.flatMap((id) => registry.mixin(id) ?? []).filter(isTemplate(RESOURCE_TPL))
      : [];
    // The OS template says what the machine was made from; it stays whatever a full update leaves out.
    const removed = change.removedMixins.filter((mixin) => mixin.id !== OS_TPL && !isTemplate(OS_TPL)(mixin));
    const changed = applyChange(entity, { ...change, removedMixins: [...removed, ...displaced] });
    const wanted = { ...changed.wanted };
    const observed = { ...changed.observed };
    this.#complete(wanted, observed, templateAmong(registry, changed.mixins, RESOURCE_TPL));
    const complete = { ...changed, wanted, observed };
    await this.resize(write, entity, complete);
    return complete;
  }

  override async act(
    write: Write,
    entity: EntityRecord,
    invocation: Invocation,
  ): Promise<{ entity: EntityRecord; minted?: Mixin }> {
    if (invocation.term !== 'save') return super.act(write, entity, invocation);
    const minted = await this.#mint(write, entity, invocation.parameters['name']);
    const { title, depends: rel } = minted;
    const owned = { group: entity.group, createdBy: write.context.principal.id, createdAt: write.now };
    await insertUserMixin(write.tx, { ...minted, title: title ?? null, rel, ...owned });
    await expectImage(write.tx, minted.id, entity.site ?? '', write.now);
    const parameters = { ...invocation.parameters, name: minted.title ?? minted.term, template: minted.id };
    const outcome = await super.act(write, entity, { ...invocation, parameters });
    return { ...outcome, minted };
  }

  /** The template that `save` answers with: in the scheme of the caller's group, found in discovery at once (K10). */
  async #mint(write: Write, entity: EntityRecord, name: AttributeValue | undefined): Promise<Mixin> {
    const title = (typeof name === 'string' && name !== '' ? name : `${entity.title ?? 'compute'} saved`)
      .replace(/[,\r\n]+/g, ' ')
      .slice(0, 100);
    const base =
      title
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '_')
        .replace(/^[^a-z]+|_+$/g, '')
        .slice(0, 40) || 'image';
    const scheme = `http://schemas.contrail-project.eu/occi/group/${encodeURIComponent(entity.group)}/os_tpl#`;
    const locationOf = (term: string): string => `/mixin/os_tpl/saved/${term}/`;
    // Also by one that was deleted, as long as its image is still at the site.
    const taken = async (term: string): Promise<boolean> =>
      write.registry.get(scheme + term) !== undefined ||
      write.registry.atLocation(locationOf(term)) !== undefined ||
      (await savedImage(write.tx, scheme + term)) !== undefined;
    let term = base;
    for (let number = 2; await taken(term); number += 1) term = `${base}_${number}`;
    return {
      class: 'mixin',
      id: scheme + term,
      scheme,
      term,
      title,
      attributes: new Map(),
      depends: [OS_TPL],
      applies: [COMPUTE],
      actions: [],
      location: locationOf(term),
      ownerGroup: entity.group,
    };
  }

  /** Fills in what is not said and lets the template win. Immutable attributes of the template are observed ones. */
  #complete(
    wanted: Record<string, AttributeValue>,
    observed: Record<string, AttributeValue>,
    template: Mixin | undefined,
  ): void {
    for (const [name, value] of Object.entries(SIZES)) wanted[name] ??= value;
    if (!template) return;
    for (const [name, value] of Object.entries(valuesOf(template))) {
      if (template.attributes.get(name)?.mutable === false && !(name in SIZES)) observed[name] = value;
      else wanted[name] = value;
    }
  }
}
