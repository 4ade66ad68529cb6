import { isInstanceOf, withInstances } from '../../extensions/ovf-deployment/instances.js';
import { planOf } from './plan.js';

const ids = (plan: ReturnType<typeof planOf>): string[] => plan.machines.map((machine) => machine.id);

describe('withInstances', () => {
  it('makes as many replicas as the descriptor says, each with a name and addresses of its own', () => {
    const plan = withInstances(planOf([{ id: 'web', instances: { normal: 3, min: 1, max: 4 } }, { id: 'db' }]), {});
    expect(ids(plan)).toEqual(['web', 'web-2', 'web-3', 'db']);
    expect(plan.machines[1]).toMatchObject({ hostname: 'web-2', title: 'web 2', interfaces: [{ name: 'eth0' }] });
    expect(plan.machines[1]?.interfaces[0]).not.toHaveProperty('mac');
  });

  it('is the same when repeated', () => {
    const once = withInstances(planOf([{ id: 'web', instances: { normal: 2 } }]), {});
    expect(withInstances(once, {})).toEqual(once);
  });

  it('scales one role and leaves the others', () => {
    const plan = withInstances(planOf([{ id: 'web' }, { id: 'db' }]), {});
    const grown = withInstances(plan, { web: 3 });
    expect(ids(grown)).toEqual(['web', 'web-2', 'web-3', 'db']);
    expect(ids(withInstances(grown, { web: 1 }))).toEqual(['web', 'db']);
  });

  it.each([
    [{ nobody: 2 }, 'appliance.role-unknown'],
    [{ web: 5 }, 'appliance.count-out-of-bounds'],
  ])('refuses %j', (counts, code) => {
    const plan = planOf([{ id: 'web', instances: { normal: 1, min: 1, max: 4 } }]);
    expect(() => withInstances(plan, counts as Record<string, number>)).toThrow(
      expect.objectContaining({ faults: [expect.objectContaining({ code })] }),
    );
  });
});

describe('isInstanceOf', () => {
  it.each([
    ['web-2', 'web', true],
    ['web-10', 'web', true],
    ['web-1', 'web', false],
    ['web-x', 'web', false],
    ['web2', 'web', false],
    ['web', 'web', false],
  ])('%s of %s: %s', (id, prototype, expected) => expect(isInstanceOf(id, prototype)).toBe(expected));
});
