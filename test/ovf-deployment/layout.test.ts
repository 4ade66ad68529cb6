import { tiesOf } from '../../extensions/ovf-deployment/layout.js';
import { withInstances } from '../../src/ovf/instances.js';
import { demandsOf } from '../../src/scheduling/offer.js';
import { planOf } from './plan.js';

const nic = (network: string) => ({ id: '1', name: 'eth0', network, mac: '02:00:00:00:00:01' });

it('ties instances to what their prototype is on, and not a machine whose name looks like theirs', () => {
  const plan = planOf(
    [
      { id: 'web', interfaces: [nic('back')] },
      { id: 'web-3', instanceOf: 'web', interfaces: [nic('back')] },
      { id: 'db', interfaces: [nic('back')] },
      { id: 'web-2', interfaces: [nic('front')] },
    ],
    { networks: [{ name: 'back' }, { name: 'front' }] },
  );
  const ties = tiesOf(plan, demandsOf(plan), { reaching: new Map() });
  expect(ties).toEqual([{ what: 'network back', machines: new Set(['web', 'web-3', 'db']) }]);
});

it('calls an instance in the layout as it is called in the plan, where the descriptor has taken its number', () => {
  const grown = withInstances(planOf([{ id: 'web', instances: { normal: 3 } }, { id: 'web-2' }]));
  const ids = grown.machines.map(({ id }) => id).sort();
  expect(ids).toEqual(['web', 'web-2', 'web-3', 'web-4']);
  expect(
    demandsOf(grown)
      .map(({ id }) => id)
      .sort(),
  ).toEqual(ids);
});
