/**
 * Application (GFD.227 §3.1): a named composition of components. VEP runs no platform under it, so its states are those
 * that its owner gives it, and its URLs are those of the resource itself.
 */

import type { EntityChange, EntityDraft, Write } from '../../src/extension/kind-handler.js';
import { pathOf } from '../../src/extension/locations.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { KeptStateHandler } from '../infrastructure/kept-entity.js';
import { APPLICATION, APPLICATION_MACHINE, APP_CONTEXT, APP_NAME, APP_URL } from './vocabulary.js';

export class ApplicationHandler extends KeptStateHandler {
  constructor() {
    super(APPLICATION, APPLICATION_MACHINE);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    await super.prepare(write, draft);
    const url = write.context.base + pathOf(write.registry, { kind: draft.kind.id, id: draft.id });
    draft.observed[APP_CONTEXT] = url;
    draft.observed[APP_URL] = url;
    draft.wanted[APP_NAME] ??= nameOf(draft.id, draft.title);
  }

  /** Every application has a name (multiplicity 1): one that is taken away is replaced. */
  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const changed = await super.change(write, entity, change);
    const name = nameOf(changed.id, changed.title ?? undefined);
    return { ...changed, wanted: { [APP_NAME]: name, ...changed.wanted } };
  }
}

function nameOf(id: string, title: string | undefined): string {
  return title === undefined || title === '' ? `application-${id}` : title;
}
