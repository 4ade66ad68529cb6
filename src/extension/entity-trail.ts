import type { Verb } from '../access/policy.js';
import type { JsonObject } from '../base/json.js';
import { appendAudit } from '../store/audit.js';
import type { EntityRecord } from '../store/entity-record.js';
import { emitEvent } from './events.js';
import type { Write } from './kind-handler.js';

const PAST: Readonly<Partial<Record<Verb, string>>> = {
  create: 'created',
  update: 'updated',
  delete: 'deleted',
  act: 'acted-on',
};

/** What was done to an entity, for the log and for whoever listens. */
export async function noteEntity(
  write: Write,
  verb: Verb,
  entity: EntityRecord,
  details: JsonObject = {},
): Promise<void> {
  const { tx, context, now } = write;
  await appendAudit(tx, {
    at: now,
    actor: context.principal.id,
    group: entity.group,
    verb,
    entity: entity.id,
    kind: entity.kind,
    outcome: 'granted',
    requestId: context.requestId,
    details,
  });
  const data = { entity: entity.id, kind: entity.kind, version: entity.version, ...details };
  await emitEvent(
    tx,
    { type: `eu.contrail-project.entity.${PAST[verb]}`, subject: entity.appliance ?? entity.id, data },
    now,
  );
}
