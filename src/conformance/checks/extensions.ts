/** Agreements, monitoring and platform, where they are offered: C-240 … C-258 (GFD.228, the monitoring draft, GFD.227). */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import type { Category } from '../model.js';
import { COMPUTE, CORE, MONITORING, PLATFORM, SLA } from '../names.js';
import { Inapplicable } from '../outcome.js';
import type { Trial } from '../trial.js';
import { includes } from './classification.js';

const AGREEMENT = `${SLA}agreement`;
const AGREEMENT_LINK = `${SLA}agreement_link`;
const AGREEMENT_STATE = 'occi.agreement.state';
const FROM = 'occi.agreement.effectiveFrom';
const UNTIL = 'occi.agreement.effectiveUntil';
const SENSOR = `${MONITORING}sensor`;
const COLLECTOR = `${MONITORING}collector`;

/** Written with capitals in the table of GFD.228 and without in its figures. */
async function stateOf(trial: Trial, path: string): Promise<string> {
  return String((await trial.value(path, AGREEMENT_STATE)) ?? '').toLowerCase();
}

async function invoke(trial: Trial, path: string, term: string): Promise<Exchange> {
  const exchange = await trial.post(`${path}?action=${term}`, { action: SLA + term, as: 'provider' });
  if (exchange.status === 403) throw new Inapplicable(`the account may not ${term} agreements`);
  return exchange;
}

async function moves(trial: Trial, path: string, term: string, state: string): Promise<void> {
  trial.status(await invoke(trial, path, term), 200, 202);
  trial.equal(await stateOf(trial, path), state, AGREEMENT_STATE);
}

async function agreement(trial: Trial): Promise<string> {
  trial.need(AGREEMENT);
  return trial.make(AGREEMENT);
}

/** A kind is there with this parent. */
function hasParent(trial: Trial, id: string, parent: string): void {
  const category = trial.model.get(id);
  trial.holds(category !== undefined, `${id} is not shown`);
  trial.equal(category?.related[0], parent, `the parent of ${id}`);
}

/** A term of the provider. @throws Inapplicable where there is none */
function aTerm(trial: Trial): Category {
  trial.need(AGREEMENT);
  const [term] = trial.model.dependingOn(`${SLA}agreement_term`);
  if (term === undefined) throw new Inapplicable('the server offers no terms of agreements');
  return term;
}

/** None of these is offered: the extension is not. */
async function offered(trial: Trial, ...ids: readonly string[]): Promise<void> {
  await trial.discover();
  if (!ids.some((id) => trial.model.get(id) !== undefined)) throw new Inapplicable('the extension is not offered');
}

/** Seconds from a base that lies in the future: any window may be asked for. */
const NEXT_YEAR = (trial: Trial): string =>
  `${new Date(trial.peer.options.clock.now()).getUTCFullYear() + 1}-01-01T00:00:00Z`;

export const EXTENSION_CHECKS: Checks = {
  'C-240': {
    how: 'the kinds in /-/, where one of them is there',
    run: async (trial) => {
      await offered(trial, AGREEMENT, AGREEMENT_LINK);
      hasParent(trial, AGREEMENT, `${CORE}resource`);
      hasParent(trial, AGREEMENT_LINK, `${CORE}link`);
    },
  },
  'C-241': {
    how: 'attributes of agreement in /-/',
    run: (trial) => includes(trial, AGREEMENT, [AGREEMENT_STATE, 'occi.agreement.agreedAt', FROM, UNTIL]),
  },
  'C-242': {
    how: 'an agreement is made and read',
    run: async (trial) => trial.equal(await stateOf(trial, await agreement(trial)), 'pending', AGREEMENT_STATE),
  },
  'C-243': {
    how: 'actions of agreement in /-/',
    run: async (trial) => {
      const { actions } = trial.need(AGREEMENT);
      await trial.discover();
      for (const term of ['accept', 'reject', 'suspend', 'resume', 'terminate']) {
        trial.holds(actions.includes(SLA + term), `agreement does not list ${SLA}${term}`);
        trial.equal(trial.model.get(SLA + term)?.class, 'action', `the class of ${SLA}${term}`);
      }
    },
  },
  'C-244': {
    how: 'accept and reject of pending agreements',
    run: async (trial) => {
      await moves(trial, await agreement(trial), 'accept', 'accepted');
      await moves(trial, await agreement(trial), 'reject', 'rejected');
    },
  },
  'C-245': {
    how: 'suspend, resume and terminate of an accepted agreement',
    run: async (trial) => {
      const path = await agreement(trial);
      await moves(trial, path, 'accept', 'accepted');
      await moves(trial, path, 'suspend', 'suspended');
      await moves(trial, path, 'resume', 'accepted');
      await moves(trial, path, 'terminate', 'terminated');
    },
  },
  'C-246': {
    how: 'resume and suspend of a pending agreement',
    run: async (trial) => {
      const path = await agreement(trial);
      for (const term of ['resume', 'suspend']) {
        trial.refused(await trial.post(`${path}?action=${term}`, { action: SLA + term, as: 'provider' }));
        trial.equal(await stateOf(trial, path), 'pending', AGREEMENT_STATE);
      }
    },
  },
  'C-247': {
    how: 'the definitions in /-/, and POST of each to an agreement',
    run: async (trial) => {
      const mutable = new Map(trial.need(AGREEMENT).attributes.map((each) => [each.name, each.mutable]));
      for (const [name, wanted] of [
        [AGREEMENT_STATE, false],
        ['occi.agreement.agreedAt', false],
        [FROM, true],
        [UNTIL, true],
      ] as const)
        trial.equal(mutable.get(name), wanted, `mutability of ${name}`);
      const path = await agreement(trial);
      trial.refused(await trial.post(path, { attributes: { [AGREEMENT_STATE]: 'accepted' } }));
      trial.equal(await stateOf(trial, path), 'pending', AGREEMENT_STATE);
      const until = NEXT_YEAR(trial);
      trial.status(await trial.post(path, { attributes: { [UNTIL]: until } }), 200, 201, 204);
      const shown = String(await trial.value(path, UNTIL));
      trial.equal(Date.parse(shown), Date.parse(until), UNTIL);
    },
  },
  'C-248': {
    how: 'agreements from P1D and from an interval are asked for',
    run: async (trial) => {
      const location = trial.location(AGREEMENT);
      for (const from of ['P1D', `${NEXT_YEAR(trial)}/P1M`])
        trial.refused(await trial.post(location, trial.filled(AGREEMENT, { attributes: { [FROM]: from } })));
    },
  },
  'C-249': {
    how: 'mixins of /-/ that apply to agreements',
    run: async (trial) => {
      trial.need(AGREEMENT);
      await trial.discover();
      const bases = [`${SLA}agreement_tpl`, `${SLA}agreement_term`];
      const own = trial.model.mixins.filter(({ id, applies }) => applies.includes(AGREEMENT) && !bases.includes(id));
      if (own.length === 0) throw new Inapplicable('the server offers no templates or terms');
      for (const { id, related } of own)
        trial.holds(
          related.some((each) => bases.includes(each)),
          `${id} depends on neither of ${bases.join(', ')}`,
        );
    },
  },
  'C-250': {
    how: 'an agreement is made with a term, and its state read',
    run: async (trial) => {
      const term = aTerm(trial);
      const path = await trial.make(AGREEMENT, { mixins: [term.id] });
      const state = String((await trial.value(path, `${term.term}.term.state`)) ?? '').toLowerCase();
      trial.holds(['undefined', 'fulfilled', 'violated'].includes(state), `${term.term}.term.state is ${state}`);
    },
  },
  'C-251': {
    how: 'only whether terms are offered: no request violates one',
    run: async (trial) => {
      const { id } = aTerm(trial);
      throw new Inapplicable(`no request violates ${id}`);
    },
  },
  'C-252': {
    how: 'an agreement is linked with a resource',
    run: async (trial) => {
      const [source, target] = [await agreement(trial), await trial.make()];
      trial.need(AGREEMENT_LINK);
      const ends = { 'occi.core.source': source, 'occi.core.target': target };
      const message = trial.filled(AGREEMENT_LINK, { attributes: ends });
      const exchange = await trial.post(trial.location(AGREEMENT_LINK), message);
      if (exchange.status === 403) throw new Inapplicable('the account may not link agreements');
      trial.status(exchange, 200, 201);
      const { links } = await trial.entity(source);
      trial.holds(
        links.some((each) => trial.peer.resolve(each.target) === target),
        'the agreement does not show the link',
      );
    },
  },
  'C-253': {
    how: 'the five in /-/, where one of them is there',
    run: async (trial) => {
      const terms = ['sensor', 'collector', 'metric', 'aggregator', 'publisher'];
      await offered(trial, ...terms.map((term) => MONITORING + term));
      for (const term of terms)
        trial.holds(trial.model.get(MONITORING + term) !== undefined, `${MONITORING}${term} is not shown`);
    },
  },
  'C-254': {
    how: 'a collector from a compute is asked for',
    run: async (trial) => {
      const location = trial.location(COLLECTOR);
      const [source, target] = [await trial.make(COMPUTE), await trial.make(COMPUTE)];
      const attributes = { 'occi.core.source': source, 'occi.core.target': target };
      trial.refused(await trial.post(location, trial.filled(COLLECTOR, { attributes })));
    },
  },
  'C-255': {
    how: 'a sensor that stops before it starts is asked for, and one whose window is over',
    run: async (trial) => {
      const location = trial.location(SENSOR);
      for (const [timebase, timestart, timestop] of [
        [NEXT_YEAR(trial), 100, 50],
        ['2001-01-01T00:00:00Z', 0, 100],
      ] as const) {
        const attributes = {
          'occi.sensor.timebase': timebase,
          'occi.sensor.timestart': timestart,
          'occi.sensor.timestop': timestop,
        };
        trial.refused(await trial.post(location, trial.filled(SENSOR, { attributes })));
      }
    },
  },
  'C-256': {
    how: 'a sensor with a period of a microsecond is asked for',
    run: async (trial) => {
      trial.need(SENSOR);
      const attributes = { 'occi.sensor.period': 0.000_001 };
      const exchange = await trial.post(trial.location(SENSOR), trial.filled(SENSOR, { attributes }));
      trial.status(exchange, 200, 201);
      const period = await trial.value(trial.made(exchange, trial.location(SENSOR)), 'occi.sensor.period');
      trial.holds(typeof period === 'number', `occi.sensor.period is ${String(period)}`);
    },
  },
  'C-257': {
    how: 'a sensor with a collector is deleted',
    run: async (trial) => {
      const [sensor, target] = [await trial.make(SENSOR), await trial.make(COMPUTE)];
      const collector = await trial.makeLink(COLLECTOR, sensor, target);
      trial.status(await trial.send('DELETE', sensor), 200, 204);
      trial.status(await trial.get(collector), 404, 410);
    },
  },
  'C-258': {
    how: 'the kinds and their actions in /-/, where one of them is there',
    run: async (trial) => {
      const terms = ['application', 'component'];
      await offered(trial, ...terms.map((term) => PLATFORM + term));
      for (const term of terms) {
        hasParent(trial, PLATFORM + term, `${CORE}resource`);
        for (const action of ['start', 'stop']) {
          const id = `http://schemas.ogf.org/occi/platform/${term}/action#${action}`;
          trial.holds(trial.model.get(PLATFORM + term)?.actions.includes(id) === true, `${term} does not list ${id}`);
          trial.equal(trial.model.get(id)?.class, 'action', `the class of ${id}`);
        }
      }
    },
  },
};
