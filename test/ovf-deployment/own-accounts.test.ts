/** Accounts of the user's own among the sites of an appliance (K35): where they come into question, and what is counted there. */

import { readWish, type SitePolicy } from '../../extensions/ovf-deployment/layout.js';
import { agreementThrough, throughAccounts } from '../../extensions/ovf-deployment/own-accounts.js';
import { plannedComponents } from '../../extensions/ovf-deployment/components.js';
import { amountsOf } from '../../extensions/vo/amounts.js';
import { COMPUTE } from '../../src/occi/model.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { Agreement } from '../../src/sla/agreement.js';
import { planOf } from './plan.js';

const ACCOUNT = 'cloud~0123456789ab';
const OWN = new Map([['cloud', ACCOUNT]]);
const POLICY: SitePolicy = {
  split: 'when-needed',
  automatic: ['home'],
  required: new Set(['cloud', 'dear']),
  reaching: new Map(),
  clashes: [],
};
const KNOWN = ['home', 'cloud', 'dear', ACCOUNT];

it('stand for their sites wherever those are named, and come after the provider’s own where none is', () => {
  expect(throughAccounts(OWN, 'home, cloud cloud-2')).toBe(`home, ${ACCOUNT} cloud-2`);
  const named = readWish(POLICY, KNOWN, throughAccounts(OWN, 'cloud'), {}, OWN);
  expect(named).toMatchObject({ wish: { candidates: [ACCOUNT], named: true }, faults: [] });
  expect(readWish(POLICY, KNOWN, '', {}, OWN).wish).toMatchObject({ candidates: ['home', ACCOUNT], named: false });
  expect(readWish(POLICY, KNOWN, '', {}).wish.candidates).toEqual(['home']);
  const without = readWish(POLICY, KNOWN, 'home', { db: 'dear', web: 'dear' }, OWN);
  expect(without.faults).toEqual([
    expect.objectContaining({
      code: 'site.credential-required',
      place: expect.objectContaining({ path: '/credentials/site:dear' }),
    }),
  ]);
});

it('are what an agreement promises that names their site', () => {
  const term = { type: 'placement', rule: 'site', values: [['cloud', 'home']] };
  const other = { type: 'placement', rule: 'country', values: [['cloud']] };
  const agreement = { terms: [term, other] } as unknown as Agreement;
  expect(agreementThrough(OWN, agreement).terms).toEqual([{ ...term, values: [[ACCOUNT, 'home']] }, other]);
  expect(agreementThrough(new Map(), agreement)).toBe(agreement);
});

it('take nothing of a Virtual Organization but the appliance itself', () => {
  const registry = { isA: (kind: string, root: string) => kind === root } as unknown as CategoryRegistry;
  const plan = planOf([{ id: 'web' }, { id: 'db' }]);
  const layout = {
    home: 'home',
    sites: new Map([
      ['web', 'home'],
      ['db', ACCOUNT],
    ]),
    hosts: new Map(),
    because: [],
  };
  const planned = plannedComponents(plan, layout);
  expect(planned.filter(({ kind }) => kind === COMPUTE).map(({ site }) => site)).toEqual(['home', ACCOUNT]);
  const counted = planned.flatMap((each) => amountsOf(registry, each) ?? []);
  expect(counted.map(({ machines, appliances, networks }) => [machines, appliances, networks])).toEqual([
    [0, 1, 0],
    [0, 0, 1],
    [1, 0, 0],
  ]);
});
