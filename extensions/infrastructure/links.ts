/**
 * NetworkInterface and StorageLink (GFD.224 §3.4): what may be joined to what. An interface shows the address the site
 * gave it through the mixin `ipnetworkinterface`, which it therefore always has.
 */

import { problem } from '../../src/base/errors.js';
import type { EntityDraft, Write } from '../../src/extension/kind-handler.js';
import {
  COMPUTE,
  IPNETWORKINTERFACE,
  NETWORK,
  NETWORKINTERFACE,
  STORAGE,
  STORAGELINK,
  type TypeId,
} from '../../src/occi/model.js';
import { InfrastructureHandler, type HandlerServices } from './handler.js';

export class NetworkInterfaceHandler extends InfrastructureHandler {
  constructor(services: HandlerServices) {
    super(NETWORKINTERFACE, services);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    requireEnds(write, draft, COMPUTE, NETWORK);
    await super.prepare(write, draft);
    if (!draft.mixins.includes(IPNETWORKINTERFACE)) draft.mixins.push(IPNETWORKINTERFACE);
  }
}

export class StorageLinkHandler extends InfrastructureHandler {
  constructor(services: HandlerServices) {
    super(STORAGELINK, services);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    requireEnds(write, draft, COMPUTE, STORAGE);
    await super.prepare(write, draft);
  }
}

function requireEnds(write: Write, draft: EntityDraft, source: TypeId, target: TypeId): void {
  const is = (kind: TypeId | undefined, wanted: TypeId): boolean =>
    kind !== undefined && write.registry.isA(kind, wanted);
  if (is(draft.source?.kind, source) && is(draft.target?.kind, target)) return;
  throw problem(
    'invalid',
    'infrastructure.link-ends',
    `${draft.kind.term} joins a compute with a ${target.slice(target.indexOf('#') + 1)}`,
    {
      place: { field: is(draft.source?.kind, source) ? 'occi.core.target' : 'occi.core.source' },
      rule: 'GFD.224 §3.4',
      remedy: 'name entities of these kinds',
    },
  );
}
