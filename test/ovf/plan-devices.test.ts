/** Which devices the items of a machine are (DSP0243 §8.3, OVF 2 §8): drives and adapters, by type and by element. */

import type { Problem } from '../../src/base/errors.js';
import type { PlannedMachine } from '../../src/ovf/plan.js';
import { envelope, item, planOf, readyPlan, system, verdicts } from './plan-support.js';

const DISKS = ['a', 'b'].map((id) => `<Disk ovf:diskId="${id}" ovf:capacity="100"/>`).join('');
const parts = { disks: DISKS, networks: ['lan'], references: '<File ovf:id="f" ovf:href="f.iso"/>' };
const CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_';

const written = (items: string): string => envelope(system('vm', { items }), parts);

/** An item of OVF 2 under the element it has there. */
const of2 = (element: 'StorageItem' | 'EthernetPortItem', text: string): string => {
  const prefix = element === 'StorageItem' ? 'sasd' : 'epasd';
  const type = element === 'StorageItem' ? 'StorageAllocation' : 'EthernetPortAllocation';
  return text
    .replaceAll('rasd:', `${prefix}:`)
    .replace(/<Item\s*/, `<${element} xmlns:${prefix}="${CIM}${type}SettingData" `)
    .replace('</Item>', `</${element}>`);
};
const ovf2 = (text: string): string =>
  text.replace(/ xmlns:ovf2="[^"]*"/, '').replaceAll('ovf/envelope/1', 'ovf/envelope/2');

const machineOf = (text: string, mode: 'strict' | 'lenient' = 'strict'): PlannedMachine | undefined =>
  readyPlan(text, {}, mode).machines[0];

const codes = (text: string, mode: 'strict' | 'lenient'): readonly string[] => {
  try {
    return verdicts(planOf(text, {}, mode)).filter((code) => !code.endsWith('D10'));
  } catch (error) {
    return (error as Problem).faults.map(({ code }) => `error ${code.replace('ovf.', '')}`);
  }
};

describe('disks', () => {
  it.each([
    ['disk drive', 17],
    ['storage extent', 19],
    ['logical disk', 31],
    ['storage volume', 32],
  ])('O-083 are items with something of the package on them: %s', (_, type) => {
    const text = written(item({ id: '9', type, resource: 'ovf:/disk/a' }));
    expect(machineOf(text)?.drives).toEqual([{ kind: 'disk', disk: 'a', boot: true }]);
  });

  it('O-083 are the StorageItems of OVF 2, whatever their type', () => {
    const items = [17, 20, 32].map((type, index) =>
      of2('StorageItem', item({ id: `${9 + index}`, type, resource: `ovf:/disk/${index === 0 ? 'a' : 'b'}` })),
    );
    const drives = machineOf(ovf2(written(items.join(''))), 'lenient')?.drives;
    expect(drives?.map(({ kind, disk }) => [kind, disk])).toEqual([
      ['disk', 'a'],
      ['disk', 'b'],
      ['disk', 'b'],
    ]);
    const cd = of2('StorageItem', item({ id: '9', type: 15, resource: 'ovf:/file/f' }));
    expect(machineOf(ovf2(written(cd)), 'lenient')?.drives).toMatchObject([{ kind: 'cdrom', image: 'f' }]);
    const empty = ovf2(written(of2('StorageItem', item({ id: '9', type: 32 }))));
    expect(codes(empty, 'lenient')).toEqual(['warning O-056']);
  });

  it('O-055 are not lost with a device of another type', () => {
    for (const type of [20, 21]) {
      const text = (attributes: string): string =>
        written(item({ id: '9', type, resource: 'ovf:/disk/a', attributes }));
      expect([codes(text(''), 'strict'), codes(text(''), 'lenient')]).toEqual([['error O-055'], ['warning O-055']]);
      expect(codes(text('ovf:required="true"'), 'lenient')).toEqual(['error O-055']);
      expect(codes(text('ovf:required="false"'), 'strict')).toEqual([]);
    }
  });

  it('O-056 have one HostResource, or several that say the same', () => {
    const two = (other: string): string =>
      written(
        item({ id: '9', type: 17, resource: 'ovf:/disk/a' }).replace(
          '<rasd:InstanceID>',
          `<rasd:HostResource>${other}</rasd:HostResource><rasd:InstanceID>`,
        ),
      );
    for (const mode of ['strict', 'lenient'] as const) {
      expect(codes(two('ovf:/disk/b'), mode)).toEqual(['error O-056']);
      expect(codes(two('ovf:/disk/a'), mode)).toEqual([]);
    }
  });
});

describe('adapters', () => {
  it.each([
    ['Ethernet adapter', 10],
    ['Ethernet connection', 33],
  ])('O-083 are items of the type: %s', (_, type) => {
    const text = written(item({ id: '9', type, connection: 'lan' }));
    expect(machineOf(text)?.interfaces).toEqual([{ id: '9', name: 'eth0', network: 'lan' }]);
  });

  it('O-083 are the EthernetPortItems of OVF 2, whatever their type', () => {
    const text = ovf2(written(of2('EthernetPortItem', item({ id: '9', type: 30, connection: 'lan' }))));
    expect(machineOf(text, 'lenient')?.interfaces).toMatchObject([{ id: '9', network: 'lan' }]);
  });

  it('O-055 are not lost with a device of another type', () => {
    const text = written(item({ id: '9', type: 24, connection: 'lan' }));
    expect([codes(text, 'strict'), codes(text, 'lenient')]).toEqual([['error O-055'], ['warning O-055']]);
  });
});
