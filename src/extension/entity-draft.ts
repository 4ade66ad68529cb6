/** A new entity on its way from a resolved request to a record: what it is made of, and the ends that a link joins. */

import type { Access } from '../access/access.js';
import type { Verb } from '../access/policy.js';
import { problem } from '../base/errors.js';
import { newUuid } from '../base/ids.js';
import type { LinkReferences, ResolvedCreate } from '../occi/resolve/index.js';
import { loadForUpdate } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import { existingEntity } from './existing.js';
import type { Attachment } from './extension.js';
import type { EntityDraft, LinkEnds, Write } from './kind-handler.js';
import { columnsOf } from './handlers.js';
import { entityIdOf } from './locations.js';

/** A new entity as the renderings and the registry have made it out, with what came along. */
export interface NewEntity {
  readonly resolved: ResolvedCreate;
  readonly attachments?: readonly Attachment[];
  /** `Idempotency-Key`, or the `occi.core.id` that the client sent (K12). */
  readonly replayKey?: string;
  /** How many entities one request makes under one `Idempotency-Key`, when it is not one: a request of others is another. */
  readonly among?: number;
  /** What the kind's handler made ready before the transaction; only that handler knows what it is. */
  readonly prepared?: unknown;
}

/** What an extension decides for an entity that it creates on behalf of another (an appliance's compute). */
export interface Belonging {
  readonly owner: string;
  readonly group: string;
  readonly appliance?: string;
  readonly site?: string;
  readonly id?: string;
  /** Filed by the extension itself, as part of a graph. */
  readonly heading?: string;
  /** Links: the source does not show it yet; {@link Entities.showLinks} will show all of them at once. */
  readonly unshown?: boolean;
  /** Links: whoever makes it has judged its ends already, e.g. those of an appliance's own components. */
  readonly trusted?: boolean;
}

/** What a request and whoever makes it come to, before the kind's handler has had its say. */
export async function draftEntity(
  access: Access,
  write: Write,
  entity: NewEntity,
  belonging: Belonging,
): Promise<EntityDraft> {
  const { registry } = write;
  const { resolved, attachments = [], prepared } = entity;
  const definitions = registry.attributesOf(
    resolved.kind.id,
    resolved.mixins.map((mixin) => mixin.id),
  );
  const wanted: EntityDraft['wanted'] = {};
  const observed: EntityDraft['observed'] = {};
  for (const [name, value] of Object.entries(resolved.attributes)) {
    const definition = definitions.get(name);
    (definition?.mutable || definition?.createOnly ? wanted : observed)[name] = value;
  }
  return {
    id: belonging.id ?? newUuid(write.now),
    kind: resolved.kind,
    mixins: resolved.mixins.map((mixin) => mixin.id),
    ...(resolved.title === undefined ? {} : { title: resolved.title }),
    ...(resolved.summary === undefined ? {} : { summary: resolved.summary }),
    wanted,
    observed,
    ...belonging,
    ...(resolved.source === undefined ? {} : await endsOf(access, write, resolved, belonging)),
    links: resolved.links,
    attachments,
    prepared,
  };
}

/** The ends of a link: the source must be the caller's to change, the target theirs to see (S-072, S-077). */
export async function endsOf(
  access: Access,
  write: Write,
  resolved: LinkReferences,
  belonging: Pick<Belonging, 'appliance' | 'trusted'> = {},
): Promise<LinkEnds> {
  const source = await endOf(access, write, resolved.source ?? '', 'update', belonging);
  if (!source) throw unknownEnd('source', resolved.source ?? '');
  const targetReference = resolved.target ?? '';
  const target = await endOf(access, write, targetReference, 'read', belonging);
  if (target) return { source, target };
  const external = /^[a-z][a-z0-9+.-]*:/i.test(targetReference) && write.context.version === '1.2';
  if (!external) throw unknownEnd('target', targetReference);
  return { source, targetUri: targetReference };
}

async function endOf(
  access: Access,
  write: Write,
  reference: string,
  verb: Verb,
  belonging: Pick<Belonging, 'appliance' | 'trusted'>,
): Promise<EntityRecord | undefined> {
  const id = entityIdOf(reference, write.context.base);
  if (id === undefined) return undefined;
  if (belonging.appliance !== undefined || belonging.trusted === true) return existingEntity(write.tx, id);
  const entity = await loadForUpdate(write.tx, id, access.scope(write.context.principal, 'read'));
  return entity && access.decide(write.context.principal, verb, entity) ? entity : undefined;
}

/** The record of a draft, yet without its rendering. */
export function recordOf(draft: EntityDraft, now: number): EntityRecord {
  return {
    id: draft.id,
    kind: draft.kind.id,
    mixins: draft.mixins,
    owner: draft.owner,
    group: draft.group,
    appliance: draft.appliance ?? null,
    site: draft.site ?? null,
    siteRef: null,
    phase: 'live',
    version: 1,
    observedRevision: 0,
    title: draft.title ?? null,
    summary: draft.summary ?? null,
    heading: draft.heading ?? null,
    ...columnsOf(draft),
    wanted: draft.wanted,
    observed: draft.observed,
    rendering: '',
    createdAt: now,
    changedAt: now,
  };
}

function unknownEnd(which: 'source' | 'target', reference: string): Error {
  return problem('invalid', `occi.link-${which}-unknown`, `the ${which} of the link is not an entity of yours here`, {
    place: { field: `occi.core.${which}` },
    rule: 'GFD.221 §5.4.3',
    value: reference.slice(0, 80),
    remedy: 'name an entity by the URL under which this server shows it',
  });
}
