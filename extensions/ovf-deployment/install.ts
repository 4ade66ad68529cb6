/**
 * The first boot of a machine that installs itself (DSP0243 §9.8 InstallSection): it is started once, its guest installs
 * what it needs and powers the machine off, and only then does the machine take its turn in the start-up sequence. With
 * `initialBootStopDelay` the guest has that many seconds; without, it takes as long as it takes.
 */

import { stringAt } from '../../src/base/json.js';
import { untilNextLook, type OperationType, type StepContext } from '../../src/engine/operation.js';
import { IaasError, type Observed } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { findEntity } from '../../src/store/entities.js';
import type { Store } from '../../src/store/sql.js';
import { INSTALL } from './deployment-graph.js';
import { rearmReports } from './guest-reports.js';

export interface InstallServices {
  readonly store: Store;
  readonly sites: Sites;
}

/** Installing takes minutes: the site need not be asked more often than this whether it is over. */
const LOOK_MS = 1000;
/** How long a site may report a machine as off after it was told to start it, before that counts as over already. */
const UNSEEN_MS = 30_000;

export function install(services: InstallServices): OperationType {
  return {
    name: INSTALL,
    steps: [
      {
        name: 'boot',
        run: async (context) => {
          const report = await reportOf(services, context);
          if (report.busy) return { done: false, again: untilNextLook(context.operation) };
          if (report.state !== 'active') await act(services, context, 'start');
          return { done: true, memory: { booted: context.clock.now(), running: report.state === 'active' } };
        },
        undo: async (context) => {
          const report = await reportOf(services, context).catch(() => undefined);
          if (report?.busy) return { done: false, again: untilNextLook(context.operation) };
          if (report?.state !== 'active') return { done: true };
          await act(services, context, 'stop');
          return { done: false, again: untilNextLook(context.operation) };
        },
      },
      { name: 'power-off', run: (context) => poweredOff(services, context) },
    ],
  };
}

async function poweredOff(
  services: InstallServices,
  context: StepContext,
): ReturnType<OperationType['steps'][0]['run']> {
  const { clock, input, memory, operation } = context;
  const report = await reportOf(services, context);
  const lasted = clock.now() - Number(memory['booted'] ?? clock.now());
  const seconds = Number(input['seconds'] ?? 0);
  const running = report.state === 'active';
  if (!running && !report.busy && (memory['running'] === true || lasted >= UNSEEN_MS)) {
    // What a guest reported while it was being installed is no answer to whoever waits for it to be up.
    return { done: true, commit: (tx) => rearmReports(tx, [operation.entity]) };
  }
  if (seconds > 0 && lasted >= seconds * 1000) {
    throw new IaasError(
      'fatal',
      `the guest has not powered off within ${seconds} s of its first boot (InstallSection)`,
    );
  }
  const progress = { percent: 0, message: 'waiting for the installation to power off' };
  return { done: false, again: LOOK_MS, progress, ...(running ? { memory: { running } } : {}) };
}

async function reportOf({ store, sites }: InstallServices, context: StepContext): Promise<Observed> {
  const entity = await findEntity(store, context.operation.entity);
  const ref = entity?.siteRef ?? undefined;
  if (ref === undefined) throw new IaasError('not-found', 'the site has not made the machine');
  const adapter = sites.adapter(entity?.site ?? '');
  const report = (await adapter.describe('compute', [ref], { signal: context.signal })).get(ref);
  if (!report) throw new IaasError('not-found', 'the site no longer has the machine');
  if (report.state === 'error') throw new IaasError('fatal', report.message ?? 'the site reports an error');
  return report;
}

async function act({ store, sites }: InstallServices, context: StepContext, action: 'start' | 'stop'): Promise<void> {
  const entity = await findEntity(store, context.operation.entity);
  const adapter = sites.adapter(entity?.site ?? '');
  const method = action === 'stop' ? (stringAt(context.input, 'method') ?? 'poweroff') : undefined;
  await adapter.actCompute(entity?.siteRef ?? '', action, method, { signal: context.signal });
}
