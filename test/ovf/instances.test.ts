import { foldReplicas, withInstances } from '../../src/ovf/instances.js';
import { demandsOf } from '../../src/scheduling/offer.js';
import { planOf } from '../ovf-deployment/plan.js';

const ids = (plan: ReturnType<typeof planOf>): string[] => plan.machines.map((machine) => machine.id);

describe('withInstances', () => {
  it('makes as many replicas as the descriptor says, each with a name and addresses of its own', () => {
    const plan = withInstances(planOf([{ id: 'web', instances: { normal: 3, min: 1, max: 4 } }, { id: 'db' }]));
    expect(ids(plan)).toEqual(['web', 'web-2', 'web-3', 'db']);
    expect(plan.machines[1]).toMatchObject({ hostname: 'web-2', title: 'web 2', interfaces: [{ name: 'eth0' }] });
    expect(plan.machines[1]?.interfaces[0]).not.toHaveProperty('mac');
  });

  it('is the same when repeated', () => {
    const once = withInstances(planOf([{ id: 'web', instances: { normal: 2 } }]));
    expect(withInstances(once)).toEqual(once);
  });

  it('cuts host names to one DNS label, each still the only one of its kind, however the roles are scaled', () => {
    const [long, twin, room] = [`${'w'.repeat(62)}a`, `${'w'.repeat(62)}b`, 'w'.repeat(57)];
    const prototypes = planOf([long, twin, room].map((id) => ({ id, instances: { normal: 3 } })));
    const plan = withInstances(prototypes);
    const names = plan.machines.map(({ hostname }) => hostname);
    expect(new Set(names).size).toBe(9);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]{1,63}$/);
    const grown = withInstances(plan, new Map([[twin, 12_000]]));
    const named = new Map(grown.machines.map(({ id, hostname }) => [id, hostname]));
    for (const { id, hostname } of plan.machines) expect(named.get(id)).toBe(hostname);
    expect(named.get(`${twin}-12000`)?.length).toBeLessThanOrEqual(63);
  });
});

describe('machines of the descriptor', () => {
  it('are no instances of one another, whatever their names', () => {
    const named = planOf([
      { id: 'web', cores: { normal: 1 } },
      { id: 'web-2', cores: { normal: 8 } },
      { id: 'web-10' },
    ]);
    const plan = withInstances(named);
    expect(ids(plan)).toEqual(['web', 'web-2', 'web-10']);
    expect(plan.machines[1]?.cores.normal).toBe(8);
    const grown = withInstances(plan, new Map([['web', 3]]));
    expect(grown.machines.map(({ id, instanceOf }) => [id, instanceOf])).toEqual([
      ['web', undefined],
      ['web-3', 'web'],
      ['web-4', 'web'],
      ['web-2', undefined],
      ['web-10', undefined],
    ]);
    expect(demandsOf(grown).map(({ id, item }) => [id, item])).toEqual(
      grown.machines.map(({ id, instanceOf = id }) => [id, instanceOf]),
    );
    expect(ids(withInstances(grown, new Map([['web', 1]])))).toEqual(['web', 'web-2', 'web-10']);
    expect(foldReplicas(grown).machines.map(({ id, instances }) => [id, instances.normal])).toEqual([
      ['web', 3],
      ['web-2', 1],
      ['web-10', 1],
    ]);
  });

  it.each(['constructor', '__proto__', 'toString', 'length'])('may be called %s', (id) => {
    expect(ids(withInstances(planOf([{ id }, { id: 'db' }])))).toEqual([id, 'db']);
  });
});
