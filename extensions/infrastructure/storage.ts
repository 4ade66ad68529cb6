/** Storage (GFD.224 §3.3): its size can grow by update (1.2) or by the action `resize` (1.1), never shrink, as far as its site lets it. */

import { problem } from '../../src/base/errors.js';
import type { EntityChange, Invocation, Write } from '../../src/extension/kind-handler.js';
import { STORAGE, STORAGELINK, type Mixin } from '../../src/occi/model.js';
import { linksTo } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { InfrastructureHandler, type HandlerServices } from './handler.js';

const SIZE = 'occi.storage.size';

export class StorageHandler extends InfrastructureHandler {
  protected override readonly sizes = [SIZE];

  constructor(services: HandlerServices) {
    super(STORAGE, services);
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    if (change.attributes.has(SIZE)) {
      const [from, to] = [Number(entity.wanted[SIZE]), Number(change.attributes.get(SIZE) ?? 0)];
      refuseShrinking(from, to);
      if (to > from) await this.#requireGrowth(write, entity);
    }
    return super.change(write, entity, change);
  }

  /** @throws Problem where the site lets no storage grow, or this one not now */
  async #requireGrowth({ tx, registry }: Write, { id, site }: EntityRecord): Promise<void> {
    if (site === null) return;
    const can = this.services.sites.adapter(site).capabilities();
    if (!can.storage.has('resize')) {
      throw problem('unmet', 'infrastructure.storage-keeps-size', `a storage at site ${site} keeps its size`, {
        place: { field: SIZE },
        remedy: 'create a larger one and copy what it shall hold',
      });
    }
    if (can.resizesAttached !== true) return;
    const attached = (await linksTo(tx, [id])).some(({ kind }) => registry.isA(kind, STORAGELINK));
    if (attached) return;
    throw problem(
      'conflict',
      'infrastructure.storage-unattached',
      'a storage grows there only while a compute has it',
      {
        place: { field: SIZE },
        remedy: 'link it to a compute first',
      },
    );
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
}

function refuseShrinking(from: number, to: number): void {
  if (to >= from) return;
  throw problem('invalid', 'infrastructure.storage-shrinks', `a storage of ${from} GiB cannot become smaller`, {
    place: { field: SIZE },
    remedy: 'create a smaller one and copy what it shall hold',
  });
}
