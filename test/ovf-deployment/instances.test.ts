import { scaled } from '../../extensions/ovf-deployment/instances.js';
import { withInstances } from '../../src/ovf/instances.js';
import { planOf } from './plan.js';

const ids = (plan: ReturnType<typeof planOf>): string[] => plan.machines.map((machine) => machine.id);

it('scales one role and leaves the others', () => {
  const grown = scaled(withInstances(planOf([{ id: 'web' }, { id: 'db' }])), 'web', 3);
  expect(ids(grown)).toEqual(['web', 'web-2', 'web-3', 'db']);
  expect(ids(scaled(grown, 'web', 1))).toEqual(['web', 'db']);
});

it.each([
  ['nobody', 2, 'appliance.role-unknown'],
  ['web-2', 2, 'appliance.role-unknown'],
  ['web', 5, 'appliance.count-out-of-bounds'],
])('does not bring %s to %d instances', (role, count, code) => {
  const plan = withInstances(planOf([{ id: 'web', instances: { normal: 2, min: 1, max: 4 } }]));
  expect(() => scaled(plan, role, count)).toThrow(
    expect.objectContaining({ faults: [expect.objectContaining({ code })] }),
  );
});
