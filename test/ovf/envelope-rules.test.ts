/**
 * Rules beyond the schema, each with a descriptor that breaks it; those of disks, networks and hardware items are in
 * `hardware-rules.test.ts`. That the descriptor they are made from breaks none of them is the first test.
 */

import type { Fault } from '../../src/base/errors.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import {
  ADAPTER,
  collection,
  CONTROLLER,
  CPU,
  descriptor,
  DISKS,
  FILES,
  hardware,
  item,
  ITEMS,
  judge,
  MEMORY,
  system,
  type Parts,
} from './envelope-support.js';
import { product, disks, judges, type Row } from './rule-rows.js';

const OPTIONS = `<DeploymentOptionSection><Info/><Configuration ovf:id="small" ovf:default="true"><Label>s</Label><Description>s</Description></Configuration>
  <Configuration ovf:id="big"><Label>b</Label><Description>b</Description></Configuration></DeploymentOptionSection>`;
const startup = (items: string): string => `<StartupSection><Info/>${items}</StartupSection>`;
const pair = (sections: string): Parts => ({
  content: collection(
    'top',
    sections,
    system('a', hardware(`${CPU}${MEMORY}`)) + system('b', hardware(`${CPU}${MEMORY}`)),
  ),
});
const nested = (depth: number): string =>
  depth === 0 ? system('leaf', hardware(CPU + MEMORY)) : collection(`c${depth}`, '', nested(depth - 1));
const OPTIONS_OF_SYSTEM: Parts = { sections: OPTIONS, systemSections: OPTIONS };
const PLACEMENT: Parts = {
  systemSections: '<ovf2:PlacementSection ovf2:group="nowhere" ovf:required="false"><Info/></ovf2:PlacementSection>',
};
const ENVIRONMENT_FILE: Parts = {
  systemSections:
    '<ovf2:EnvironmentFilesSection ovf:required="false"><Info/><ovf2:File ovf2:fileRef="nowhere" ovf2:path="/x"/></ovf2:EnvironmentFilesSection>',
};

const ROWS: readonly Row[] = [
  ['O-003', 'deployment options in two places', OPTIONS_OF_SYSTEM, 'error', 'error'],
  ['O-013', 'a placement in an unknown group', PLACEMENT, 'none', 'warning'],
  ['O-013', 'an environment file of an unknown file', ENVIRONMENT_FILE, 'none', 'warning'],
  ['O-002', 'no content', { content: '' }, 'error', 'error'],
  [
    'O-002',
    'two contents',
    { content: system('a', hardware(CPU + MEMORY)) + system('b', hardware(CPU + MEMORY)) },
    'error',
    'error',
  ],
  [
    'O-003',
    'a hardware section on a collection',
    { content: collection('c', hardware(CPU), system('a', hardware(CPU + MEMORY))) },
    'error',
    'error',
  ],
  ['O-003', 'a startup section on a system', { systemSections: startup('') }, 'error', 'warning'],
  [
    'O-003',
    'two operating systems',
    { systemSections: '<OperatingSystemSection ovf:id="36"><Info/></OperatingSystemSection>'.repeat(2) },
    'error',
    'error',
  ],
  [
    'O-003',
    'two annotations',
    { systemSections: '<AnnotationSection><Info/><Annotation/></AnnotationSection>'.repeat(2) },
    'error',
    'warning',
  ],
  ['O-004', 'a system without hardware', { hardware: '' }, 'error', 'warning'],
  ['O-005', 'an empty id', { content: system('', hardware(CPU + MEMORY)) }, 'error', 'error'],
  [
    'O-005',
    'two siblings of one id',
    { content: collection('c', '', system('a', hardware(CPU + MEMORY)).repeat(2)) },
    'error',
    'error',
  ],
  [
    'O-005',
    'a system with the id of its collection',
    { content: collection('c', '', system('c', hardware(CPU + MEMORY))) },
    'error',
    'warning',
  ],
  ['O-006', 'an empty collection', { content: collection('c', '', '') }, 'warning', 'warning'],
  ['O-007', 'collections 16 deep', { content: nested(16) }, 'error', 'error'],
  [
    'O-009',
    'an unknown required section',
    { systemSections: '<other:Section ovf:required="true"><Info>needs a GPU</Info></other:Section>' },
    'error',
    'error',
  ],
  [
    'O-009',
    'an unknown section that does not say',
    { systemSections: '<other:Section><Info/></other:Section>' },
    'error',
    'error',
  ],
  [
    'O-009',
    'a required child of an item',
    { items: ITEMS.replace('</Item>', '<other:Thing ovf:required="true"/></Item>') },
    'error',
    'error',
  ],
  ['O-009', 'an unknown element of OVF', { systemSections: '<BootSection><Info/></BootSection>' }, 'error', 'warning'],
  ['O-009', 'a known extension that does not say', { items: `${ITEMS}<vmw:Config vmw:key="k"/>` }, 'error', 'none'],
  ['D15', 'a known extension that does not say', { items: `${ITEMS}<vmw:Config vmw:key="k"/>` }, 'none', 'warning'],
  [
    'O-010',
    'an optional extension',
    { systemSections: '<other:Section ovf:required="false"><Info/></other:Section>' },
    'info',
    'info',
  ],
  [
    'O-011',
    'two files of one id',
    { references: `<References>${FILES}<File ovf:id="file1" ovf:href="b"/></References>` },
    'error',
    'error',
  ],
  [
    'O-012',
    'two files of one href',
    { references: `<References>${FILES}<File ovf:id="b" ovf:href="./disk1.vmdk"/></References>` },
    'error',
    'warning',
  ],
  ['O-013', 'a disk of an unknown file', disks(DISKS.replace('file1', 'other')), 'error', 'error'],
  ['O-013', 'an icon of an unknown file', product('<Icon ovf:fileRef="other"/>'), 'error', 'warning'],
  [
    'O-013',
    'a bundle of an unknown file',
    { strings: '<Strings xml:lang="de" ovf:fileRef="other"/>' },
    'error',
    'warning',
  ],
  [
    'O-014',
    'a drive of an unknown file',
    {
      items:
        ITEMS +
        item(9, 15, '').replace(
          '<rasd:InstanceID>',
          '<rasd:HostResource>ovf:/file/x</rasd:HostResource><rasd:InstanceID>',
        ),
    },
    'error',
    'error',
  ],
  [
    'O-015',
    'an href that leaves the package',
    { references: `<References>${FILES.replace('disk1', '../disk1')}</References>` },
    'error',
    'error',
  ],
  [
    'O-018',
    'an unknown compression',
    { references: `<References>${FILES.replace('ovf:size', 'ovf:compression="zip" ovf:size')}</References>` },
    'error',
    'warning',
  ],
  [
    'O-019',
    'chunks of no bytes',
    { references: `<References>${FILES.replace('ovf:size', 'ovf:chunkSize="0" ovf:size')}</References>` },
    'error',
    'error',
  ],
  ['O-057', 'two configurations of one id', { sections: OPTIONS.replace('"big"', '"small"') }, 'error', 'error'],
  [
    'O-057',
    'two default configurations',
    { sections: OPTIONS.replace('"big"', '"big" ovf:default="true"') },
    'error',
    'warning',
  ],
  [
    'O-068',
    'a child started twice',
    pair(startup('<Item ovf:id="a" ovf:order="0"/><Item ovf:id="a" ovf:order="1"/>')),
    'error',
    'error',
  ],
  ['O-068', 'a startup item of nobody', pair(startup('<Item ovf:id="c" ovf:order="0"/>')), 'error', 'warning'],
  [
    'O-069',
    'an unknown action',
    pair(startup('<Item ovf:id="a" ovf:order="0" ovf:startAction="dance"/>')),
    'error',
    'error',
  ],
  [
    'O-069',
    'a stop action that suspends',
    pair(startup('<Item ovf:id="a" ovf:order="0" ovf:stopAction="suspend"/>')),
    'error',
    'warning',
  ],
  [
    'O-069',
    'an action in another case',
    pair(startup('<Item ovf:id="a" ovf:order="0" ovf:startAction="poweron"/>')),
    'error',
    'warning',
  ],
  ['O-070', 'an order that is no number', pair(startup('<Item ovf:id="a" ovf:order="first"/>')), 'error', 'error'],
  [
    'O-070',
    'a delay beyond a day',
    pair(startup('<Item ovf:id="a" ovf:order="0" ovf:startDelay="90000"/>')),
    'error',
    'error',
  ],
  [
    'O-073',
    'a message in no bundle',
    { content: system('vm', hardware(ITEMS)).replace('<Name>', '<Name ovf:msgid="name">') },
    'warning',
    'warning',
  ],
  ['O-074', 'a bundle in no language', { strings: '<Strings/>' }, 'warning', 'warning'],
  [
    'O-080',
    'a section under the name of its group',
    {
      systemSections:
        '<Section xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="ovf:EulaSection_Type"><Info/><License/></Section>',
    },
    'error',
    'error',
  ],
  [
    'schema',
    'a flag that is no truth value',
    product('<Property ovf:key="k" ovf:type="string" ovf:password="yes"/>'),
    'error',
    'error',
  ],
  [
    'schema',
    'something only the schema sees',
    {
      items: ITEMS.replace(
        '<rasd:Connection>',
        '<rasd:AutomaticAllocation>perhaps</rasd:AutomaticAllocation><rasd:Connection>',
      ).replace('<VirtualHardwareSection', '<VirtualHardwareSection ovf:required="maybe"'),
      hardware: hardware(ITEMS, 'ovf:required="maybe"'),
    },
    'error',
    'warning',
  ],
];

describe('rules beyond the schema', () => {
  it.each<Mode>(['strict', 'lenient'])('nothing is found in a sound descriptor (%s)', (mode) => {
    const { findings, envelope } = judge(descriptor({ sections: OPTIONS }), mode);
    expect(findings).toEqual([]);
    expect(envelope?.conformanceLevel).toBe(1);
  });

  judges(ROWS);

  it('gives code, place, rule and remedy with every finding', () => {
    const { findings } = judge(descriptor({ items: ITEMS.replace('/vmdisk1', '/other') }), 'strict');
    expect(findings).toEqual([
      {
        code: 'ovf.O-033',
        severity: 'error',
        message: 'HostResource names no disk',
        place: { line: 13, column: 3, path: '/Envelope/VirtualSystem/VirtualHardwareSection/Item[4]/HostResource' },
        value: 'ovf:/disk/other',
        rule: 'O-033, DSP0243 §8.3',
        remedy: expect.any(String),
      },
    ]);
  });

  it('reports everything at once, in document order', () => {
    const parts: Parts = {
      references: '<References><File ovf:id="file1" ovf:href="/etc/passwd"/></References>',
      ...disks(DISKS.replace('capacity="10"', 'capacity="x"')),
      items: ITEMS.replace(ADAPTER, CONTROLLER),
    };
    const { errors } = judge(descriptor(parts), 'strict');
    expect(errors).toEqual(['ovf.O-015', 'ovf.O-034', 'ovf.O-047']);
  });

  it('tells every error, up to 1,000, and names the lines of warnings beyond the first', () => {
    const repeated = (count: number, attributes: string): string =>
      descriptor({ items: ITEMS + `${item(9, 1, '', attributes)}\n`.repeat(count) });
    const told = (text: string, code: string): readonly Fault[] =>
      judge(text, 'lenient').findings.filter((fault) => fault.code === code);
    const undeclared = told(repeated(100, 'ovf:configuration="x"'), 'ovf.O-053');
    expect(undeclared).toHaveLength(100);
    const many = told(repeated(1_200, 'ovf:configuration="x"'), 'ovf.O-053');
    expect(many.length).toBeLessThanOrEqual(1_001);
    expect(many.at(-1)?.message).toMatch(/^\d+ more places break the same rule: line \d+(, \d+){99}, …$/);
    const unprefixed = told(repeated(28, 'required="false"'), 'ovf.D14');
    expect(unprefixed).toHaveLength(26);
    const line = unprefixed[24]?.place?.line ?? 0;
    expect(unprefixed[25]?.message).toBe(
      `3 more places break the same rule: line ${line + 1}, ${line + 2}, ${line + 3}`,
    );
  });

  it('O-079 takes hostile ids as the data they are', () => {
    const hostile = '\'"]|//*[$' + '{x}\u202e</a>';
    const escaped = hostile.replaceAll('<', '&lt;').replaceAll('"', '&quot;');
    const text = descriptor({
      ...disks(DISKS.replace('vmdisk1', escaped)),
      items: ITEMS.replace('/vmdisk1', `/${escaped}`),
    });
    const { envelope, findings } = judge(text, 'strict');
    expect(findings).toEqual([]);
    expect(envelope?.diskSection?.disks[0]?.diskId).toContain('//*[');
  });
});
