/**
 * Which handler answers for which kind: its own, or the nearest ancestor's. Kinds that no extension gave a behaviour to
 * are plain data: they can be created, changed and deleted, and nothing happens anywhere else.
 */

import { problem } from '../base/errors.js';
import type { TypeId } from '../occi/model.js';
import type { CategoryRegistry } from '../occi/registry.js';
import type { EntityChange, KindHandler, LinkEnds, Write } from './kind-handler.js';
import type { EntityRecord } from '../store/entity-record.js';

export class Handlers {
  readonly #byKind = new Map<TypeId, KindHandler>();
  readonly #registry: () => CategoryRegistry;
  readonly #resolved = new Map<TypeId, KindHandler>();

  constructor(registry: () => CategoryRegistry) {
    this.#registry = registry;
  }

  /** Makes the handlers of an extension known; before the first request. */
  register(handlers: readonly KindHandler[]): void {
    for (const handler of handlers) this.#byKind.set(handler.kind, handler);
  }

  of(kind: TypeId): KindHandler {
    const known = this.#resolved.get(kind);
    if (known) return known;
    let handler: KindHandler | undefined;
    for (let id: TypeId | undefined = kind; id !== undefined && !handler; id = this.#registry().kind(id)?.parent) {
      handler = this.#byKind.get(id);
    }
    const found = handler ?? plainData(kind);
    this.#resolved.set(kind, found);
    return found;
  }
}

/** The change itself, without any work: what a handler starts from. */
export function applyChange(entity: EntityRecord, change: EntityChange): EntityRecord {
  const wanted = { ...entity.wanted };
  for (const [name, value] of change.attributes) {
    if (value === undefined) delete wanted[name];
    else wanted[name] = value;
  }
  const removed = new Set(change.removedMixins.map((mixin) => mixin.id));
  const kept = entity.mixins.filter((id) => !removed.has(id));
  const added = change.addedMixins.map((mixin) => mixin.id).filter((id) => !kept.includes(id));
  return {
    ...entity,
    ...(change.moved ? columnsOf(change.moved) : {}),
    wanted,
    mixins: [...kept, ...added],
    ...('title' in change ? { title: change.title ?? null } : {}),
    ...('summary' in change ? { summary: change.summary ?? null } : {}),
  };
}

/** What the record of a link says of its ends. */
export function columnsOf({
  source,
  target,
  targetUri,
}: LinkEnds): Pick<EntityRecord, 'source' | 'target' | 'targetUri'> {
  return { source: source?.id ?? null, target: target?.id ?? null, targetUri: targetUri ?? null };
}

function plainData(kind: TypeId): KindHandler {
  return {
    kind,
    applicable: () => [],
    prepare: () => Promise.resolve(),
    created: () => Promise.resolve(),
    judgeMove: () => Promise.resolve(),
    change: (_write: Write, entity, change) => Promise.resolve(applyChange(entity, change)),
    act: (_write, _entity, invocation) =>
      Promise.reject(problem('invalid', 'occi.action-without-behaviour', `nothing happens on ${invocation.term} here`)),
    release: () => Promise.resolve(undefined),
  };
}
