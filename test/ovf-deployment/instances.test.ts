import { withInstances } from '../../extensions/ovf-deployment/instances.js';
import { foldReplicas } from '../../src/scheduling/offer.js';
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

describe('machines of the descriptor', () => {
  it('are no instances of one another, whatever their names', () => {
    const named = planOf([
      { id: 'web', cores: { normal: 1 } },
      { id: 'web-2', cores: { normal: 8 } },
      { id: 'web-10' },
    ]);
    const plan = withInstances(named, {});
    expect(ids(plan)).toEqual(['web', 'web-2', 'web-10']);
    expect(plan.machines[1]?.cores.normal).toBe(8);
    const grown = withInstances(plan, { web: 3 });
    expect(grown.machines.map(({ id, instanceOf }) => [id, instanceOf])).toEqual([
      ['web', undefined],
      ['web-3', 'web'],
      ['web-4', 'web'],
      ['web-2', undefined],
      ['web-10', undefined],
    ]);
    expect(ids(withInstances(grown, { web: 1 }))).toEqual(['web', 'web-2', 'web-10']);
    expect(foldReplicas(grown).machines.map(({ id, instances }) => [id, instances.normal])).toEqual([
      ['web', 3],
      ['web-2', 1],
      ['web-10', 1],
    ]);
  });

  it.each(['constructor', '__proto__', 'toString', 'length'])('may be called %s', (id) => {
    expect(ids(withInstances(planOf([{ id }, { id: 'db' }]), {}))).toEqual([id, 'db']);
  });
});
