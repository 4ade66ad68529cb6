/** Everything that is wrong with a descriptor at once, whichever part of VEP finds it, and each fault once. */

import { inspectEnvelope, NO_INPUTS, planConfigurations, planEnvelope } from '../../src/ovf/index.js';
import type { Fault } from '../../src/base/errors.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import { descriptor, item as itemOf, ITEMS, CPU } from './envelope-support.js';
import { cpu, envelope, item, memory, planOf, product, property, schemas, system } from './plan-support.js';

const codes = (findings: readonly Fault[]): readonly string[] =>
  findings.map(({ severity, code }) => `${severity} ${code.replace('ovf.', '')}`);
const errors = (findings: readonly Fault[]): readonly string[] =>
  codes(findings).filter((code) => code.startsWith('error'));

const dangling = item({ id: 'd', type: 17, resource: 'ovf:/disk/none' });
const wrongProperties = product([
  property('k', 'ovf:type="uint8" ovf:value="999"'),
  property('l', 'ovf:value="${nope}"'),
]);

describe('what the reader refuses', () => {
  const text = envelope(system('vm', { items: dangling, sections: wrongProperties }));

  it.each<[Mode, readonly string[]]>([
    ['strict', ['error O-033', 'error O-061', 'error O-063']],
    ['lenient', ['error O-033', 'warning O-061', 'warning O-063']],
  ])('is planned for what the planner finds, and has no plan (%s)', (mode, expected) => {
    const result = planOf(text, {}, mode);
    expect(codes(result.findings)).toEqual(expected);
    expect(result).not.toHaveProperty('draft');
    expect(result).not.toHaveProperty('plan');
    expect(result.secrets.size).toBe(0);
  });

  it('names the section of the standard, whoever finds it', () => {
    const rules = planOf(text).findings.map(({ rule }) => rule);
    expect(rules).toEqual(['O-033, DSP0243 §8.3', 'O-061, DSP0243 §9.5', 'O-063, DSP0243 §9.5']);
  });

  it('is told with what is wrong with the inputs', () => {
    const { findings } = planOf(text, { properties: { nobody: 'x' }, configuration: 'huge' }, 'lenient');
    expect(errors(findings)).toEqual(['error O-033', 'error O-058', 'error O-062']);
  });

  it('is not planned beyond a bound that the planner relies on', () => {
    const long = system('v'.repeat(5_000), { sections: wrongProperties });
    expect(errors(planOf(envelope(long)).findings)).toEqual(['error O-078']);
  });
});

describe('what reader and planner say of the same place', () => {
  const twice = item({ id: 'n', type: 10, connection: 'a</rasd:Connection><rasd:Connection>b' });
  const text = envelope(system('vm', { items: twice }), { networks: ['a', 'b'] });
  const { envelope: read } = inspectEnvelope(Buffer.from(text), { mode: 'lenient', schemas });
  const findingsWith = (...findings: readonly Fault[]): readonly Fault[] =>
    planEnvelope({ envelope: read!, findings }, NO_INPUTS, 'lenient').findings;

  it.each([
    ['info', ['info', 'warning']],
    ['warning', ['warning']],
    ['error', ['error']],
  ] as const)('is told of the planner too where it is graver (reader: %s)', (severity, expected) => {
    const [planned] = findingsWith();
    expect(planned).toMatchObject({ code: 'ovf.O-043', severity: 'warning' });
    const findings = findingsWith({ ...planned!, message: 'of the reader', severity });
    expect(findings.map((fault) => fault.severity)).toEqual(expected);
  });
});

describe('a configuration that is not chosen', () => {
  const options = (...ids: readonly string[]): string =>
    `<DeploymentOptionSection><Info/>${ids.map((id) => `<Configuration ovf:id="${id}"><Label/><Description/></Configuration>`).join('')}</DeploymentOptionSection>`;
  const judged = (text: string): readonly Fault[] => {
    const { envelope: read, findings } = inspectEnvelope(Buffer.from(text), { mode: 'strict', schemas });
    if (!read) throw new Error(JSON.stringify(findings));
    return planConfigurations({ envelope: read, findings }, NO_INPUTS, 'strict').findings;
  };
  const only = (id: string): { attributes: string } => ({ attributes: `ovf:configuration="${id}"` });

  it('is judged too, by whoever asks for it, and what is told of the chosen one is not told again', () => {
    const items = cpu(1) + cpu(70_000, only('m')) + memory(512, only('l')) + memory(512, only('m'));
    const sections = product([property('k', 'ovf:type="uint8" ovf:value="999"')]);
    const text = envelope(system('vm', { bare: true, items, sections }), { sections: options('l', 'm', 'n') });
    expect(codes(planOf(text).findings)).toEqual(['error O-061']);
    const findings = judged(text);
    expect(codes(findings)).toEqual(['error O-061', 'error O-051', 'warning O-050']);
    expect(findings.map(({ message }) => message).slice(1)).toEqual([
      expect.stringContaining('(in the configuration "m")'),
      expect.stringContaining('(in the configuration "n")'),
    ]);
  });

  it('is one of 32 at most', () => {
    const ids = Array.from({ length: 35 }, (_, index) => `c${index}`);
    const [note, ...others] = judged(envelope(system('vm'), { sections: options(...ids) }));
    expect(others).toEqual([]);
    expect(note).toMatchObject({ code: 'ovf.O-058', severity: 'info', message: expect.stringMatching(/^3 more/) });
  });
});

describe('a fault is told once', () => {
  const startup = (attributes: string): string =>
    envelope(
      `<VirtualSystemCollection ovf:id="c"><Info/><StartupSection><Info/><Item ovf:id="a" ${attributes}/></StartupSection>${system('a')}</VirtualSystemCollection>`,
    );
  const quantity = (value: string): string =>
    descriptor({ items: ITEMS.replace('>2</rasd:VirtualQuantity>', `>${value}</rasd:VirtualQuantity>`) });
  const disk = (attributes: string): string =>
    envelope(system('vm', { items: item({ id: 'd', type: 17, resource: 'ovf:/disk/d' }) }), {
      disks: `<Disk ovf:diskId="d" ${attributes}/>`,
    });

  it.each<[string, string, Mode, readonly string[]]>([
    ['an order that is too high', startup('ovf:order="65536"'), 'strict', ['error O-070']],
    ['an order that is too high', startup('ovf:order="65536"'), 'lenient', ['error O-070']],
    ['two of them', startup('ovf:order="65536" ovf:startDelay="-1"'), 'lenient', ['error O-070', 'error O-070']],
    ['a quantity that is no whole number', quantity('2.0'), 'strict', ['error O-051']],
    ['a quantity that is no whole number', quantity('2.0'), 'lenient', ['error O-051']],
    ["a template's placeholder in a quantity", quantity('{{cpus}}'), 'strict', ['error D03']],
    ['a disk that is not there', envelope(system('vm', { items: dangling })), 'strict', ['error O-033']],
    [
      'a host resource of no known form',
      descriptor({ items: ITEMS.replace('ovf:/disk/vmdisk1', 'my.vmdk') }),
      'strict',
      ['error O-056'],
    ],
    ['a capacity of no bytes', disk('ovf:capacity="1" ovf:capacityAllocationUnits="hertz"'), 'strict', ['error O-035']],
    ['a capacity of a property that is not there', disk('ovf:capacity="${nope}"'), 'strict', ['error O-034']],
    ['a unit of memory', descriptor({ items: ITEMS.replace('byte * 2^20', 'furlong') }), 'strict', ['error O-035']],
    ['a processor item that is missing', descriptor({ items: ITEMS.replace(CPU, '') }), 'strict', ['warning O-050']],
    [
      'a processor item without a quantity',
      descriptor({ items: ITEMS.replace(/<rasd:VirtualQuantity>2<.rasd:VirtualQuantity>/, '') }),
      'lenient',
      ['warning O-051'],
    ],
    ['hardware that is missing', descriptor({ hardware: '' }), 'lenient', ['warning O-004']],
    [
      'an item without a type',
      descriptor({ items: ITEMS + itemOf(9, 1, '').replace(/<rasd:ResourceType>1<.rasd:ResourceType>/, '') }),
      'strict',
      ['error O-046'],
    ],
    [
      'a property without a type',
      envelope(system('vm', { sections: '<ProductSection><Info/><Property ovf:key="k"/></ProductSection>' })),
      'strict',
      ['error D08'],
    ],
    ['a system with an empty id', envelope(system('')), 'strict', ['error O-005']],
    ['a second content', envelope(system('a') + system('b')), 'strict', ['error O-002']],
    [
      'a reference, however often a value has it',
      envelope(system('vm', { sections: product([property('k', 'ovf:value="${x} ${x}"')]) })),
      'strict',
      ['error O-063'],
    ],
  ])('%s', (_what, text, mode, expected) => {
    expect(codes(planOf(text, {}, mode).findings)).toEqual(expected);
  });
});

describe('what no machine of the plan uses', () => {
  const furlong = item({ id: '2', type: 4, quantity: 9, units: 'furlong' });

  it('O-035 has units that can be read: hardware that is not chosen', () => {
    const second = `<VirtualHardwareSection><Info/>${cpu(1)}${furlong}</VirtualHardwareSection></VirtualSystem>`;
    for (const mode of ['strict', 'lenient'] as const)
      expect(codes(planOf(envelope(system('vm').replace('</VirtualSystem>', second)), {}, mode).findings)).toEqual([
        'error O-035',
      ]);
  });

  it('O-035 has units that can be read: items of a configuration that is not chosen', () => {
    const sections =
      '<DeploymentOptionSection><Info/><Configuration ovf:id="l"><Label/><Description/></Configuration><Configuration ovf:id="m"><Label/><Description/></Configuration></DeploymentOptionSection>';
    const items = memory(512) + furlong.replace('<Item ', '<Item ovf:configuration="m" ');
    expect(codes(planOf(envelope(system('vm', { bare: true, items: cpu(1) + items }), { sections })).findings)).toEqual(
      ['error O-035'],
    );
  });

  it('O-034 has a capacity that some property gives: disks', () => {
    const unused = (capacity: string): readonly string[] =>
      codes(
        planOf(
          envelope(system('vm', { sections: product([property('size', 'ovf:value="5"')], 'ovf:class="a"') }), {
            disks: `<Disk ovf:diskId="d" ovf:capacity="${capacity}"/>`,
          }),
        ).findings,
      );
    expect(unused('${nope}')).toEqual(['error O-034']);
    for (const known of ['${size}', '${a.size}']) expect(unused(known)).toEqual([]);
  });
});
