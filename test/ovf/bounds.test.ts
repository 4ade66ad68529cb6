/** `ovf:bound` (DSP0243 §8.4): min, normal and max of an item, in the configurations in which they stand together. */

import { collection, CPU, descriptor, hardware, item, judge, MEMORY, system, type Judged } from './envelope-support.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';

const OPTIONS = `<DeploymentOptionSection><Info/>${['a', 'b', 'c'].map((id) => `<Configuration ovf:id="${id}"><Label/><Description/></Configuration>`).join('')}</DeploymentOptionSection>`;
const MODES: readonly Mode[] = ['strict', 'lenient'];

const quantity = (name: string, value: number): string => `<rasd:${name}>${value}</rasd:${name}>`;
const cpu = (cores: number, attributes = ''): string => item(1, 3, quantity('VirtualQuantity', cores), attributes);
const set = (id: number, type: number, amounts: string, attributes = '', units = 'byte * 2^20'): string =>
  `<Item ${attributes}><rasd:AllocationUnits>${units}</rasd:AllocationUnits><rasd:ElementName>${id}</rasd:ElementName><rasd:InstanceID>${id}</rasd:InstanceID>${amounts}<rasd:ResourceType>${type}</rasd:ResourceType></Item>`;

const machine = (items: string): string => descriptor({ sections: OPTIONS, items });
const pool = (items: string): string =>
  descriptor({
    sections: OPTIONS,
    content: collection(
      'pool',
      `<ResourceAllocationSection><Info/>${items}</ResourceAllocationSection>`,
      system('vm', hardware(CPU + MEMORY)),
    ),
  });
const bounds = ({ findings }: Judged): readonly string[] =>
  findings.filter(({ code }) => code === 'ovf.O-052').map(({ message }) => message);

describe('min, normal and max', () => {
  it.each([
    ['of all configurations', cpu(2) + cpu(1, 'ovf:bound="min"') + cpu(4, 'ovf:bound="max"')],
    [
      'where each configuration has another normal one',
      cpu(4, 'ovf:configuration="a b"') +
        cpu(8, 'ovf:bound="max" ovf:configuration="a"') +
        cpu(64, 'ovf:configuration="c"'),
    ],
    ['where the normal one of all stands in each', cpu(2) + cpu(4, 'ovf:bound="max" ovf:configuration="a"')],
    [
      'where every configuration has a normal one of its own',
      cpu(4, 'ovf:bound="max"') + ['a', 'b', 'c'].map((id) => cpu(2, `ovf:configuration="${id}"`)).join(''),
    ],
    [
      'where the most specific one is in order',
      cpu(9) + cpu(2, 'ovf:configuration="a"') + cpu(4, 'ovf:bound="max" ovf:configuration="a"'),
    ],
  ])('O-052 may stand together: %s', (_, items) => {
    for (const mode of MODES) expect(bounds(judge(machine(items + MEMORY), mode))).toEqual([]);
  });

  it.each([
    [
      'the normal one of another configuration is none',
      cpu(1, 'ovf:bound="min" ovf:configuration="a"') + cpu(2, 'ovf:configuration="b"'),
      'there is a min item but no normal one',
    ],
    [
      'some configuration has none',
      cpu(4, 'ovf:bound="max"') + cpu(2, 'ovf:configuration="a b"'),
      'there is a max item but no normal one',
    ],
    [
      'the one that stands in the configuration is out of order',
      cpu(9, 'ovf:configuration="a"') + cpu(2, 'ovf:configuration="a b"') + cpu(4, 'ovf:bound="max"') + cpu(3),
      'VirtualQuantity: min -, normal 9 and max 4 are not in order',
    ],
    [
      'min is above max',
      cpu(2) + cpu(7, 'ovf:bound="min"') + cpu(4, 'ovf:bound="max"'),
      'VirtualQuantity: min 7, normal 2 and max 4 are not in order',
    ],
  ])('O-052 are refused in both modes where %s', (_, items, message) => {
    for (const mode of MODES) expect(bounds(judge(machine(items + MEMORY), mode))).toEqual([message]);
  });
});

describe('what is set aside', () => {
  it('O-052 has bounds in order too, of machines and of collections', () => {
    const items = (limit: number, units: string): string =>
      set(7, 4, quantity('Limit', limit), 'ovf:bound="max"', units) + set(7, 4, quantity('Limit', 300));
    for (const [text, order] of [
      [items(400, 'byte * 2^20'), []],
      [items(1, 'byte * 2^30'), []],
      [items(200, 'byte * 2^20'), ['Limit: min -, normal 314572800 and max 209715200 bytes are not in order']],
    ] as const) {
      for (const mode of MODES) {
        expect(bounds(judge(pool(text), mode))).toEqual(order);
        expect(bounds(judge(machine(cpu(1) + text), mode))).toEqual(order);
      }
    }
    const markers = set(8, 3, quantity('Reservation', 1), 'ovf:bound="min"', 'hertz');
    expect(bounds(judge(pool(markers), 'lenient'))).toEqual(['there is a min item but no normal one']);
  });

  it('O-047 stands once under an InstanceID in a collection', () => {
    const twice = set(7, 4, quantity('Limit', 300)) + set(7, 4, quantity('Limit', 400));
    for (const mode of MODES) expect(judge(pool(twice), mode).errors).toEqual(['ovf.O-047']);
  });
});
