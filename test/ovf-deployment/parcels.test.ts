import type { MachineComponents } from '../../extensions/ovf-deployment/components.js';
import { parcelsOf, planOfParcel, propertiesOfParcel, unpackable } from '../../extensions/ovf-deployment/parcels.js';
import { withInstances } from '../../src/ovf/instances.js';
import { exportEnvelope } from '../../src/ovf/export/envelope.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { secretKey } from '../../src/ovf/properties/visible.js';
import { readyPlan } from '../ovf/plan-support.js';
import { twoPartShop } from '../integration/two-part-shop.js';
import { planOf, startupStep } from './plan.js';

const at = (site: string, compute: string, id: string, instanceOf?: string): MachineComponents =>
  ({
    machine: planOf([{ id, ...(instanceOf === undefined ? {} : { instanceOf }) }]).machines[0],
    compute: { id: compute, site },
  }) as unknown as MachineComponents;

it('packs what stays by site, and what scales by machine, where the site deploys by itself', () => {
  const machines = [
    at('vep', 'c2', 'db'),
    at('sim', 'c3', 'log'),
    at('vep', 'c1', 'web'),
    at('vep', 'c4', 'web-2', 'web'),
  ];
  const parcels = parcelsOf(machines, (site) => site === 'vep');
  expect(parcels.map(({ id, site, machines: inside }) => [id, site, inside.map(({ machine }) => machine.id)])).toEqual([
    ['c1', 'vep', ['db', 'web']],
    ['c4', 'vep', ['web-2']],
  ]);
});

/** The plan that a site makes of a parcel. */
const planThere = (plan: DeploymentPlan, ...machines: string[]): DeploymentPlan =>
  readyPlan(exportEnvelope(planOfParcel(plan, new Set(machines))));

it('is an appliance of its machines alone, which start when they are told to', () => {
  const shop = readyPlan(twoPartShop());
  const there = planThere(shop, 'web', 'cache');
  expect(there.machines.map(({ id }) => id)).toEqual(['web', 'cache']);
  expect(there.networks.map(({ name }) => name).sort()).toEqual(['front-net', 'public']);
  expect(there.disks.map(({ id }) => id).sort()).toEqual(['cache-disk', 'web-disk']);
  expect(there.collections.map(({ id }) => id)).toEqual(['shop', 'front']);
  const started = there.startup.flatMap(({ machines }) => machines.map(({ startAction }) => startAction));
  expect(started).toEqual(['none', 'none']);
});

it('puts a collection round a machine that has none, and lets an instance stand for itself', () => {
  const alone = withInstances(
    planOf([{ id: 'web', instances: { normal: 2, min: 1, max: 4 }, install: { bootStopDelay: 5 } }]),
  );
  const there = planThere(alone, 'web-2');
  expect(there.machines).toEqual([expect.objectContaining({ id: 'web-2', instances: { normal: 1 } })]);
  expect(there.machines[0]).not.toHaveProperty('install');
  expect(there.startup).toEqual([startupStep(0, ['web-2'], { startAction: 'none' })]);
});

it('fills in every value as it was settled, secrets of instances and passwords that others draw on among them', () => {
  const plan = planOf([
    {
      id: 'web',
      environment: {
        transports: ['iso'],
        properties: [
          { key: 'price', value: '5 ${currency}', secret: false, from: 'own', literal: true },
          { key: 'password', secret: true, from: 'own' },
          { key: 'url', secret: true, declared: 'http://u:${password}@db', from: 'own' },
          { key: 'theirs', value: 'x', secret: false, from: 'parent' },
        ],
      },
    },
  ]);
  const parcel = planOfParcel(plan, new Set(['web']));
  const secrets = new Map([
    [secretKey('web', 'password'), 'p'],
    [secretKey('web', 'url'), 'http://u:p@db'],
  ]);
  const properties = propertiesOfParcel(parcel, secrets);
  expect(properties).toEqual({ 'web:price': '5 ${currency}', 'web:password': 'p', 'web:url': 'http://u:p@db' });
  const there = readyPlan(exportEnvelope(parcel), { properties });
  expect(there.machines[0]?.environment.properties).toEqual([
    { key: 'price', value: '5 ${currency}', secret: false, from: 'own', literal: true },
    { key: 'password', secret: true, from: 'own' },
    { key: 'url', secret: true, from: 'own' },
  ]);
});

it('holds nothing that asks for one host, and no instances that share a disk', () => {
  const constraint = { machines: ['a', 'b'], hard: true, origin: 'PlacementGroupSection near' };
  const drives = [{ kind: 'disk', disk: 'quorum', boot: false }] as const;
  const plan = planOf(
    [{ id: 'a' }, { id: 'b' }, { id: 'c', drives, instances: { normal: 1, max: 3 } }, { id: 'd', drives }],
    {
      constraints: [
        { ...constraint, rule: 'sameHost' },
        { ...constraint, rule: 'differentHost' },
        { ...constraint, rule: 'sameRack', hard: false },
      ],
      disks: [{ id: 'quorum', capacityBytes: 1, shared: true }],
    },
  );
  expect(unpackable(plan)).toEqual([
    { machines: ['a', 'b'], why: 'sameHost (PlacementGroupSection near)' },
    { machines: ['c'], why: 'instances that share a disk' },
  ]);
});
