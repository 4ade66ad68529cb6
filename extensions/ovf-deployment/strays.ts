/**
 * What a site has of appliances that VEP has let go of without it (`vep forget`): the site was down, and when it is back what was
 * handed over to it carries VEP's mark and belongs to nothing any more. It is taken away, as every such thing is that this VEP made.
 */

import { stringAt } from '../../src/base/json.js';
import type { Engine } from '../../src/engine/engine.js';
import { untilNextLook, type OperationType } from '../../src/engine/operation.js';
import type { Task } from '../../src/extension/extension.js';
import type { HandedOver } from '../../src/iaas/appliance-site.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Sites } from '../../src/iaas/sites.js';
import { findEntity } from '../../src/store/entities.js';
import type { Store } from '../../src/store/sql.js';
import { madeHere, RECONCILER } from '../infrastructure/made-here.js';
import { APPLIANCE } from './vocabulary.js';

export const STRAY = 'appliance.stray';

export interface StrayServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly keeping: SiteKeeping;
  readonly engine: Engine;
}

/** @param everyMs milliseconds between two looks: what two in a row find to belong to nothing is taken away */
export function strayTask({ store, sites, keeping, engine }: StrayServices, everyMs: number): Task {
  /** By site: references of what the last look found. */
  const before = new Map<string, ReadonlySet<string>>();
  return {
    name: 'appliance strays',
    everyMs,
    run: async (signal) => {
      const up = keeping.kept.filter((name) => sites.status(name).up);
      await Promise.all(up.map((name) => look(name, signal)));
    },
  };

  async function look(site: string, signal: AbortSignal): Promise<void> {
    // What a site does not tell now it tells the next time.
    const handedOver =
      (await sites
        .adapter(site)
        .appliances?.list({ signal })
        .catch(() => undefined)) ?? [];
    const strays: HandedOver[] = [];
    for (const each of handedOver) if (await belongsToNothing(each)) strays.push(each);
    for (const stray of strays) if (before.get(site)?.has(stray.ref)) await takeAway(site, stray);
    before.set(site, new Set(strays.map(({ ref }) => ref)));
  }

  /** An appliance that was undeployed without its site is kept here, and has nothing there any more; a parcel goes by a compute. */
  async function belongsToNothing({ id }: HandedOver): Promise<boolean> {
    const entity = await findEntity(store, id);
    if (entity?.kind !== APPLIANCE) return entity === undefined;
    return entity.siteRef === null && (await engine.unfinished(store, id)).length === 0;
  }

  async function takeAway(site: string, { id, ref }: HandedOver): Promise<void> {
    await store.write(async (tx) => {
      const isOurs = (await madeHere(tx, [id])).has(id);
      if (!isOurs || (await engine.unfinished(tx, id)).length > 0) return;
      const input = { ref };
      await engine.file(tx, {
        type: STRAY,
        entity: id,
        appliance: null,
        site,
        input,
        principal: RECONCILER,
      });
    });
  }
}

export function strayOperation(sites: Sites): OperationType {
  return {
    name: STRAY,
    steps: [
      {
        name: 'remove',
        run: async ({ operation, input, signal }) => {
          const ref = stringAt(input, 'ref') ?? '';
          const at = sites.adapter(operation.site ?? '').appliances;
          await at?.remove(ref, { signal });
          const left = await at?.report(ref, { signal });
          return left ? { done: false, again: untilNextLook(operation) } : { done: true };
        },
      },
    ],
  };
}
