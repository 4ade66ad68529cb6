/**
 * Images of saved machines whose template somebody has deleted. The template goes at once, as mixins do; its image is removed from
 * the site by work of its own, once the site has made it, and never given up (K11). Machines made from it keep what they have.
 */

import { derivedUuid } from '../../src/base/ids.js';
import { stringAt } from '../../src/base/json.js';
import type { Engine } from '../../src/engine/engine.js';
import type { OperationType } from '../../src/engine/operation.js';
import type { Task } from '../../src/extension/extension.js';
import { IaasError } from '../../src/iaas/adapter.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { Store } from '../../src/store/sql.js';
import { RECONCILER } from './made-here.js';
import { tryLater } from './steps.js';

export const LEFT_IMAGE = 'infrastructure.left-image';

const EVERY_MS = 5_000;
/** What VEP did not make, or what is gone already, is not waited for. */
const SETTLED: ReadonlySet<string> = new Set(['denied', 'not-found', 'unsupported']);

export interface LeftImageServices {
  readonly store: Store;
  readonly engine: Engine;
  readonly sites: Sites;
  readonly keeping: Pick<SiteKeeping, 'holds'>;
}

interface LeftImage {
  readonly template: string;
  readonly site: string;
  readonly image: string;
}

/** Looks for images that no template stands for any more. */
export function leftImagesTask({ store, engine, sites, keeping }: LeftImageServices): Task {
  const sql =
    'SELECT template, site, image FROM saved_image WHERE image IS NOT NULL AND NOT EXISTS (SELECT 1 FROM user_mixin m WHERE m.id = template)';
  return {
    name: 'left-images',
    everyMs: EVERY_MS,
    run: async () => {
      for (const { template, site, image } of await store.all<LeftImage>(sql)) {
        const entity = derivedUuid('saved image', template);
        if (!sites.has(site)) continue;
        await store.write(async (tx) => {
          if (!(await keeping.holds(tx, site)) || (await engine.unfinished(tx, entity)).length > 0) return;
          const work = { type: LEFT_IMAGE, entity, appliance: null, site, principal: RECONCILER };
          await engine.file(tx, { ...work, input: { template, image } });
        });
      }
    },
  };
}

export function leftImageOperation(sites: Sites): OperationType {
  return {
    name: LEFT_IMAGE,
    steps: [
      {
        name: 'delete',
        run: async ({ operation, input, signal }) => {
          const adapter = sites.adapter(operation.site ?? '');
          await adapter.delete('image', stringAt(input, 'image') ?? '', { signal }).catch(laterUnlessSettled);
          const template = stringAt(input, 'template') ?? '';
          return {
            done: true,
            commit: (tx) => tx.run('DELETE FROM saved_image WHERE template = ?', [template]).then(),
          };
        },
      },
    ],
  };
}

function laterUnlessSettled(error: unknown): void {
  if (!(error instanceof IaasError && SETTLED.has(error.class))) tryLater(error);
}
