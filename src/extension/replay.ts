import { createHash } from 'node:crypto';
import { problem } from '../base/errors.js';
import { canonicalJson, type JsonValue } from '../base/json.js';
import type { ResolvedLink } from '../occi/resolve/index.js';
import { findEntity } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import { recallReplay, rememberReplay } from '../store/replay.js';
import type { NewEntity } from './entity-draft.js';
import type { Write } from './kind-handler.js';

/** Makes an entity, or answers the one that an earlier and equal request of the same client has made (K12). */
export async function recallOrMake(
  write: Write,
  entity: NewEntity,
  make: () => Promise<EntityRecord>,
): Promise<EntityRecord> {
  const { tx, context, now } = write;
  const kind = entity.resolved.kind.id;
  if (entity.replayKey === undefined) return make();
  const key = { principal: context.principal.id, kind, key: entity.replayKey };
  const bodyDigest = digestOf(entity);
  const earlier = await recallReplay(tx, key);
  if (earlier) {
    const record = earlier.bodyDigest === bodyDigest ? await findEntity(tx, earlier.entity) : undefined;
    if (record?.phase === 'live') return record;
    if (earlier.bodyDigest !== bodyDigest) {
      throw problem('conflict', 'entity.replay-differs', 'this identifier came with another request before', {
        place: { field: 'occi.core.id' },
        rule: 'K12',
        remedy: 'leave the identifier out, or send a new one',
      });
    }
  }
  const record = await make();
  await rememberReplay(tx, { ...key, bodyDigest, entity: record.id, createdAt: now });
  return record;
}

/** What makes two requests the same: everything but the identifier itself. */
function digestOf({ resolved, attachments, among }: NewEntity): string {
  const link = ({ kind, mixins, attributes, target, title }: ResolvedLink): JsonValue => ({
    kind: kind.id,
    mixins: mixins.map((mixin) => mixin.id),
    attributes,
    target: target ?? null,
    title: title ?? null,
  });
  const body: JsonValue = {
    ...(among === undefined ? {} : { among }),
    kind: resolved.kind.id,
    mixins: resolved.mixins.map((mixin) => mixin.id),
    attributes: resolved.attributes,
    title: resolved.title ?? null,
    summary: resolved.summary ?? null,
    source: resolved.source ?? null,
    target: resolved.target ?? null,
    links: resolved.links.map(link),
    attachments: (attachments ?? []).map((each) => [
      each.name,
      each.blob?.sha256 ??
        createHash('sha256')
          .update(each.bytes ?? '')
          .digest('hex'),
    ]),
  };
  return createHash('sha256').update(canonicalJson(body)).digest('hex');
}
