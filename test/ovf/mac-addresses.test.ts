/** MAC addresses of adapters (O-045): which of them are kept, and which an adapter cannot have. */

import type { PlanResult } from '../../src/ovf/index.js';
import { collection, envelope, item, planOf, system } from './plan-support.js';

const MAC = '02:00:00:00:00:01';
const nic = (id: string, connection: string, address: string): string =>
  item({ id, type: 10, connection, address, slot: Number(id) });
const networks = ['net', 'other'];
const planned = (content: string, mode: 'strict' | 'lenient' = 'lenient'): PlanResult =>
  planOf(envelope(content, { networks }), {}, mode);
const macs = ({ plan }: PlanResult): unknown =>
  plan?.machines.map(({ interfaces }) => interfaces.map(({ mac }) => mac ?? null));
const told = ({ findings }: PlanResult): readonly string[] =>
  findings.map(({ code, severity, message }) => `${code} ${severity}: ${message}`);

describe('MAC addresses', () => {
  it('O-045 that two adapters on one network have are told, and the first one keeps it', () => {
    const twice = collection(
      'all',
      system('a', { items: nic('1', 'net', MAC) }) + system('b', { items: nic('1', 'net', MAC.replaceAll(':', '-')) }),
    );
    for (const mode of ['strict', 'lenient'] as const) {
      const result = planned(twice, mode);
      expect(told(result)).toEqual([
        'ovf.O-045 warning: another adapter has the same MAC address on the network "net", and this one gets its own',
      ]);
      expect(macs(result)).toEqual([[MAC], [null]]);
    }
  });

  it('O-045 that one machine has twice on one network are told too', () => {
    const result = planned(system('a', { items: nic('1', 'net', MAC) + nic('2', 'net', MAC) }));
    expect(macs(result)).toEqual([[MAC, null]]);
    expect(told(result)).toHaveLength(1);
  });

  it('O-045 that stand again on another network are told and kept', () => {
    const result = planned(system('a', { items: nic('1', 'net', MAC) + nic('2', 'other', MAC) }));
    expect(told(result)).toEqual(['ovf.O-045 warning: another adapter has the same MAC address on another network']);
    expect(macs(result)).toEqual([[MAC, MAC]]);
  });

  it.each([
    ['a group', '01:00:5e:00:00:01'],
    ['everybody', 'FF-FF-FF-FF-FF-FF'],
  ])('O-045 of %s are no adapter’s', (_whose, address) => {
    const lenient = planned(system('a', { items: nic('1', 'net', address) }));
    expect(told(lenient)).toEqual([
      'ovf.O-045 warning: the address of the adapter is the MAC address of a group; ignored',
    ]);
    expect(macs(lenient)).toEqual([[null]]);
    expect(told(planned(system('a', { items: nic('1', 'net', address) }), 'strict'))[0]).toMatch(/^ovf.O-045 error/);
  });

  it('are those of the first of several instances of a collection', () => {
    const sections =
      '<ovf2:ScaleOutSection ovf2:id="tier"><Info/><ovf2:InstanceCount ovf2:default="3"/></ovf2:ScaleOutSection>';
    const tier = collection(
      'tier',
      system('a', { items: nic('1', 'net', MAC) }) + system('b', { items: nic('1', 'net', '02:00:00:00:00:02') }),
      sections,
    );
    const result = planned(collection('all', tier));
    expect(macs(result)).toEqual([[MAC], ['02:00:00:00:00:02'], [null], [null], [null], [null]]);
    expect(told(result).filter((each) => each.startsWith('ovf.O-045'))).toEqual([]);
  });
});
