/** Storage (GFD.224 §3.3): its size can grow by update (1.2) or by the action `resize` (1.1), never shrink. */

import { problem } from '../../src/base/errors.js';
import type { EntityChange, Invocation, Write } from '../../src/extension/kind-handler.js';
import { STORAGE, type Attributes, type Mixin } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { InfrastructureHandler, type HandlerServices } from './handler.js';

const SIZE = 'occi.storage.size';

export class StorageHandler extends InfrastructureHandler {
  constructor(services: HandlerServices) {
    super(STORAGE, services);
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const size = change.attributes.get(SIZE);
    if (change.attributes.has(SIZE))
      refuseShrinking(Number(entity.wanted[SIZE]), size === undefined ? 0 : Number(size));
    return super.change(write, entity, change);
  }

  override async act(
    write: Write,
    entity: EntityRecord,
    invocation: Invocation,
  ): Promise<{ entity: EntityRecord; minted?: Mixin }> {
    if (invocation.term !== 'resize') return super.act(write, entity, invocation);
    const size = invocation.parameters['size'];
    if (typeof size !== 'number') {
      throw problem('invalid', 'occi.parameter-missing', 'resize needs the new size', {
        place: { field: 'size' },
        rule: 'GFD.184 §3.3',
        remedy: 'give size in GiB',
      });
    }
    return {
      entity: await this.change(write, entity, {
        attributes: new Map([[SIZE, size]]),
        addedMixins: [],
        removedMixins: [],
      }),
    };
  }

  protected override sizeOf(wanted: Attributes): string {
    return JSON.stringify(wanted[SIZE]);
  }
}

function refuseShrinking(from: number, to: number): void {
  if (to >= from) return;
  throw problem('invalid', 'infrastructure.storage-shrinks', `a storage of ${from} GiB cannot become smaller`, {
    place: { field: SIZE },
    remedy: 'create a smaller one and copy what it shall hold',
  });
}
