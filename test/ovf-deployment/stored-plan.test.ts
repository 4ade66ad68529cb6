/** Plans that earlier versions have stored: their instances do not say of which machine they are one. */

import { scaled } from '../../extensions/ovf-deployment/instances.js';
import { storedPlan } from '../../extensions/ovf-deployment/stored-plan.js';
import { foldReplicas, withInstances } from '../../src/ovf/instances.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { planOf } from './plan.js';

/** As it was written before: the same but for the mark. */
function asBefore(plan: DeploymentPlan): string {
  return JSON.stringify({ ...plan, machines: plan.machines.map(({ instanceOf: _mark, ...machine }) => machine) });
}

const PROTOTYPES = planOf([{ id: 'web', instances: { normal: 3, min: 1, max: 9 } }, { id: 'db-1' }, { id: 'db' }]);
const plan = withInstances(PROTOTYPES);

describe('a stored plan', () => {
  it('is read as it was written', () => {
    expect(storedPlan(JSON.stringify(plan))).toEqual(plan);
  });

  it('of an earlier version knows its instances', () => {
    expect(plan.machines.map(({ id }) => id)).toEqual(['web', 'web-2', 'web-3', 'db-1', 'db']);
    expect(storedPlan(asBefore(plan))).toEqual(plan);
  });

  it('of an earlier version is scaled and folded as one of this version is', () => {
    const read = storedPlan(asBefore(plan));
    expect(scaled(read, 'web', 2)).toEqual(scaled(plan, 'web', 2));
    expect(foldReplicas(read)).toEqual(foldReplicas(plan));
    expect(foldReplicas(read).machines.map(({ id, instances }) => [id, instances.normal])).toEqual([
      ['web', 3],
      ['db-1', 1],
      ['db', 1],
    ]);
  });
});
