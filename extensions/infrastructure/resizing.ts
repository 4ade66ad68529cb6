/** Another size for what a site has. */

import type { Step } from '../../src/engine/operation.js';
import { IaasError } from '../../src/iaas/adapter.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { reportOn, type AtSite } from './at-site.js';
import { DONE, again } from './steps.js';

/** So often a site is told a size that it takes and does not show, before it is taken at its word. */
const MOST_ORDERS = 10;

export function resizeStep(atSite: AtSite): Step {
  return {
    name: 'resize',
    run: async (context) => {
      const subject = await atSite.subject(context);
      const ref = subject?.entity.siteRef;
      if (!subject || !ref) return DONE;
      const { adapter, entity, siteClass } = subject;
      const options = { signal: context.signal };
      if (siteClass.class === 'storage') {
        await adapter.resizeStorage(ref, gibAttribute(entity, 'occi.storage.size'), options);
        return DONE;
      }
      const size = {
        cores: Number(entity.wanted['occi.compute.cores'] ?? 1),
        memoryBytes: gibAttribute(entity, 'occi.compute.memory'),
      };
      const report = await reportOn(subject, ref, context.signal);
      if (!report || report.busy) return again(context);
      const sized =
        report.class === 'compute' && report.cores === size.cores && report.memoryBytes === size.memoryBytes;
      const cold = !adapter.capabilities().liveResize;
      // Cold: stop, resize, start; each look at the site finds out which of the three comes next.
      if (cold && !sized && report.state === 'active') {
        await adapter.actCompute(ref, 'stop', 'graceful', options);
        return { ...again(context), memory: { restart: true } };
      }
      if (!sized) {
        const orders = Number(context.memory['orders'] ?? 0);
        const failed = orders > 0 && report.class === 'compute' && report.failed === 'resize';
        if (failed || orders >= MOST_ORDERS)
          throw new IaasError('fatal', report.message ?? 'the site took the new size and did not give it');
        await adapter.resizeCompute(ref, size, options);
        return { ...again(context), memory: { orders: orders + 1 } };
      }
      if (context.memory['restart'] === true && report.state === 'inactive') {
        await adapter.actCompute(ref, 'start', undefined, options);
      }
      return DONE;
    },
    // A machine that was only stopped for another size, which it does not get, runs again.
    undo: async (context) => {
      const subject = await atSite.subject(context);
      const ref = subject?.entity.siteRef;
      if (!subject || !ref || context.memory['restart'] !== true) return DONE;
      const report = await reportOn(subject, ref, context.signal);
      if (report?.busy) return again(context);
      if (report?.state === 'inactive')
        await subject.adapter.actCompute(ref, 'start', undefined, { signal: context.signal });
      return DONE;
    },
  };
}

function gibAttribute(entity: EntityRecord, name: string): number {
  return Math.ceil(Number(entity.wanted[name] ?? 1) * 2 ** 30);
}
