/** Actions at a site: it is asked, then waited for until it reports the state that the action leads to. */

import { stringAt } from '../../src/base/json.js';
import type { Step, StepContext } from '../../src/engine/operation.js';
import type { Observations } from '../../src/extension/observations.js';
import { IaasError, type SiteRef } from '../../src/iaas/adapter.js';
import type { Tx } from '../../src/store/sql.js';
import { reportIn, type AtSite, type Subject } from './at-site.js';
import { DONE, again } from './steps.js';
import { imageSaved } from './templates.js';

export function actSteps(atSite: AtSite, observations: Observations): Step[] {
  return [act(atSite), reach(atSite, observations)];
}

function act(atSite: AtSite): Step {
  return {
    name: 'act',
    run: async (context) => {
      const subject = await atSite.subject(context);
      if (!subject) return DONE;
      const ref = subject.entity.siteRef;
      if (ref === null) throw new IaasError('not-found', 'the site has not made it');
      const commit = await invoke(subject, ref, context);
      return commit ? { done: true, commit } : DONE;
    },
  };
}

/** Waits until the site reports the state that the action leads to. */
function reach(atSite: AtSite, observations: Observations): Step {
  return {
    name: 'reach',
    run: async (context) => {
      const subject = await atSite.subject(context);
      if (!subject) return DONE;
      const report = await reportIn(context, subject);
      if (!report) throw new IaasError('not-found', 'the site no longer has it');
      const commit = atSite.storing(subject, report);
      if (report.busy) return { ...again(context), commit };
      const to = context.input['to'];
      if (typeof to === 'string' && report.state !== to) {
        const message = report.message ?? `the site reports ${report.state} where ${to} was expected`;
        throw new IaasError('fatal', message);
      }
      if (report.class === 'compute' && report.failed !== undefined && report.failed === context.input['term'])
        throw new IaasError('fatal', report.message ?? 'the site took the order and did not carry it out');
      const links = await atSite.linkReports(subject, context.signal);
      return {
        done: true,
        commit: async (tx) => {
          await commit(tx);
          for (const [link, attributes] of links) await observations.observe(tx, link, attributes);
        },
      };
    },
  };
}

async function invoke(
  subject: Subject,
  ref: SiteRef,
  context: StepContext,
): Promise<((tx: Tx) => Promise<void>) | void> {
  const { adapter, entity, siteClass } = subject;
  const options = { signal: context.signal };
  const method = stringAt(context.input, 'method');
  const term = stringAt(context.input, 'term');
  switch (siteClass.class) {
    case 'compute':
      if (term === 'start' || term === 'stop' || term === 'restart' || term === 'suspend') {
        return adapter.actCompute(ref, term, method, options);
      }
      if (term === 'save') {
        const image = await adapter.saveCompute(
          ref,
          stringAt(context.input, 'name') ?? '',
          method,
          context.token,
          options,
        );
        const template = stringAt(context.input, 'template') ?? '';
        return (tx) => imageSaved(tx, { template, site: entity.site ?? '', image });
      }
      break;
    case 'network':
      if (term === 'up' || term === 'down') return adapter.actNetwork(ref, term, options);
      break;
    case 'storage':
      if (term === 'online' || term === 'offline' || term === 'backup' || term === 'snapshot') {
        return adapter.actStorage(ref, term, options);
      }
      break;
    case 'nic':
    case 'attachment':
    case 'image':
    case 'securitygroup':
      break;
  }
  throw new IaasError('unsupported', `no site knows the action ${term ?? ''} on ${siteClass.class}`);
}
