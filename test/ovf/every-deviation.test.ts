/**
 * Every deviation that real files show, D00 to D21, with a document that has it and one that has not: an error strictly;
 * leniently a warning that says where, by which rule and what was assumed, or an error where it has two meanings.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageRoot } from '../../src/base/package-root.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import { RULEBOOK, type RuleCode } from '../../src/ovf/envelope/rulebook.js';
import * as e from './envelope-support.js';

/** What lenient mode assumes, or `refused`. */
type Answer = string;
type Row = readonly [rule: RuleCode, what: string, without: string, having: string, lenient: Answer, code?: string];

const sound = e.descriptor();
const of = (parts: e.Parts): string => e.descriptor(parts);
const items = (from: string | RegExp, to: string): string => of({ items: e.ITEMS.replace(from, to) });
const files = (from: string, to: string): string =>
  of({ references: `<References>${e.FILES.replace(from, to)}</References>` });
const section = (text: string): string => of({ systemSections: text });
const OS = '<OperatingSystemSection ovf:id="36"><Info/></OperatingSystemSection>';
const PRODUCT = '<ProductSection><Info/><Product>p</Product><Vendor>v</Vendor></ProductSection>';
const SCALE_OUT = (prefix: string): string =>
  e.collection(
    'top',
    `<${prefix}ScaleOutSection ${prefix || 'ovf:'}id="vm" ovf:required="false"><Info/><${prefix}InstanceCount ${prefix || 'ovf:'}default="2"/></${prefix}ScaleOutSection>`,
    e.system('vm', e.hardware(e.CPU + e.MEMORY)),
  );
const VMWARE = (attribute: string): string =>
  of({ items: `${e.ITEMS}<vmw:Config ${attribute} vmw:key="k" vmw:value="v"/>` });
const OPTIONS =
  '<DeploymentOptionSection><Info/><Configuration ovf:id="big"><Label/><Description/></Configuration></DeploymentOptionSection>';
const optional = (prefix: string): string =>
  of({ sections: OPTIONS, items: e.ITEMS + e.item(9, 24, '', `${prefix}configuration="big"`) });
const vcloud = (resource: string): string =>
  of({
    items:
      e.CPU +
      e.MEMORY +
      e
        .item(9, 17, '')
        .replace('<rasd:InstanceID>', `<rasd:HostResource ${resource}</rasd:HostResource><rasd:InstanceID>`),
  });

const ROWS: readonly Row[] = [
  ['D00', 'white space before the XML declaration', sound, ` \n${sound}`, 'read as if it were', 'ovf.D00'],
  ['D01', 'InstanceId', sound, items(/InstanceID/g, 'InstanceId'), 'read as InstanceID'],
  [
    'D02',
    'properties out of order',
    sound,
    items(
      '<rasd:ElementName>disk</rasd:ElementName>',
      '<rasd:Address>1</rasd:Address><rasd:ElementName>disk</rasd:ElementName>',
    ),
    'tolerated',
  ],
  [
    'D02',
    'two values of one property',
    sound,
    items('<rasd:Parent>3<', '<rasd:Parent>3</rasd:Parent><rasd:Parent>4<'),
    'refused',
  ],
  ['D03', 'a placeholder in a quantity', sound, items('>512<', '>@@MEMORY@@<'), 'refused'],
  [
    'D04',
    'an element that the schema does not foresee',
    sound,
    of({
      networks:
        '<NetworkSection><Info/><Network ovf:name="net"><other:Vlan ovf:required="false"/></Network></NetworkSection>',
    }),
    'tolerated',
  ],
  ['D05', 'a section of OVF 2', section(OS), of({ content: SCALE_OUT('ovf2:') }), 'read all the same'],
  [
    'D06',
    'a section without Info',
    sound,
    of({ networks: '<NetworkSection><Network ovf:name="net"/></NetworkSection>' }),
    'read with an empty one',
  ],
  ['D07', 'a size that is no number', sound, files('size="100"', 'size="large"'), 'ignored'],
  ['D08', 'an operating system without id', section(OS), section(OS.replace('ovf:id="36"', '')), 'read as Other'],
  ['D08', 'a system without id', sound, sound.replace('VirtualSystem ovf:id="vm"', 'VirtualSystem'), 'read as "vm"'],
  ['D08', 'a file without href', sound, files('ovf:href="disk1.vmdk"', ''), 'refused'],
  ['D09', 'an element in no namespace', section(OS), section(OS.replace('ovf:id', 'xmlns="" ovf:id')), 'refused'],
  [
    'D10',
    'the namespace of OVF 2',
    sound,
    sound.replace(/ xmlns:ovf2="[^"]*"/, '').replaceAll('envelope/1', 'envelope/2'),
    'read as far as VEP knows it',
  ],
  [
    'D10',
    'a slash at the end of the namespace',
    sound,
    sound.replaceAll('envelope/1"', 'envelope/1/"'),
    'read as that of OVF 1',
  ],
  [
    'D10',
    'the namespace of OVF 0.9',
    sound,
    sound.replaceAll('http://schemas.dmtf.org/ovf/envelope/1', 'http://www.vmware.com/schema/ovf/1/envelope'),
    'read by the types of its sections',
  ],
  ['D11', 'a percent sign that starts no escape', sound, files('disk1', 'a%zz'), 'read as the name of the file'],
  [
    'D11',
    'brackets, or a colon at its beginning, in a reference',
    sound,
    files('disk1', 'a_1:b[2]'),
    'no place in one escaped',
  ],
  [
    'D12',
    'an envelope without References',
    sound,
    of({ references: '', disks: '', items: e.CPU + e.MEMORY }),
    'read as if they were empty',
  ],
  ['D12', 'a Name where none belongs', section(OS), section(OS.replace('<Info/>', '<Info/><Name/>')), 'ignored'],
  ['D12', 'a system, a device or a disk where none belongs', sound, of({ systemSections: e.DISK }), 'refused'],
  [
    'D13',
    'a prefix that is not declared',
    section(OS),
    section('<nowhere:Section/>'),
    'refused',
    'xml.not-well-formed',
  ],
  ['D14', 'an attribute without prefix', optional('ovf:'), optional(''), 'read as ovf:configuration'],
  [
    'D15',
    'an extension of VMware that does not say it is optional',
    VMWARE('ovf:required="false"'),
    VMWARE(''),
    'can be done without; ignored',
  ],
  [
    'D16',
    'a System without ElementName',
    sound,
    of({ hardware: e.hardware(e.ITEMS).replace('<vssd:ElementName>family</vssd:ElementName>', '') }),
    'read as "vm"',
  ],
  [
    'D17',
    'children of ProductSection out of order',
    section(PRODUCT),
    section(PRODUCT.replace('<Product>p</Product><Vendor>v</Vendor>', '<Vendor>v</Vendor><Product>p</Product>')),
    'tolerated',
  ],
  [
    'D18',
    'an empty number',
    sound,
    items('<rasd:ResourceType>6', '<rasd:Reservation/><rasd:ResourceType>6'),
    'taken as absent',
  ],
  [
    'D19',
    'a property that items do not have',
    sound,
    items('<rasd:ResourceType>6', '<rasd:Sockets>1</rasd:Sockets><rasd:ResourceType>6'),
    'ignored',
  ],
  ['D20', 'an operating system below 0', section(OS), section(OS.replace('36', '-100')), 'read as vendor specific'],
  [
    'D21',
    'a disk that only vCloud describes',
    sound,
    vcloud('vcloud:capacity="1024">'),
    'read as the blank disk vcloud-disk-1',
  ],
  [
    'D21',
    'an empty fileRef',
    sound,
    of({ disks: `<DiskSection><Info/>${e.DISKS.replace('"file1"', '""')}</DiskSection>` }),
    'read as a blank disk',
  ],
];

/** Strictly these are no errors by themselves: the attribute has no effect, the extension is one, the disk has no medium. */
const NO_ERROR_STRICTLY: ReadonlySet<string> = new Set(['D05', 'D14', 'D15', 'D21 a disk that only vCloud describes']);

function found(text: string, mode: Mode, code: string): ReturnType<typeof e.judge>['findings'] {
  return e.judge(text, mode).findings.filter((fault) => fault.code === code);
}

describe('the deviations of real files', () => {
  it.each(ROWS.map(([rule, what, ...row]) => [rule, what, row] as const))('%s %s', (rule, what, row) => {
    const [without, having, lenient, code = `ovf.${rule}`] = row;
    for (const mode of ['strict', 'lenient'] as const) expect(found(without, mode, code)).toEqual([]);
    if (!NO_ERROR_STRICTLY.has(rule) && !NO_ERROR_STRICTLY.has(`${rule} ${what}`)) {
      expect(e.judge(having, 'strict').errors.length).toBeGreaterThan(0);
    }
    const [finding] = found(having, 'lenient', code);
    expect(finding).toMatchObject({
      message: expect.stringContaining(lenient === 'refused' ? '' : lenient),
      rule: expect.any(String),
      place: { line: expect.any(Number), column: expect.any(Number) },
    });
    expect(finding?.severity ?? 'error').toBe(lenient === 'refused' ? 'error' : 'warning');
    if (lenient !== 'refused') expect(e.judge(having, 'lenient').errors).toEqual([]);
  });

  it('none is missing, here or in the rulebook', () => {
    const all = Array.from({ length: 22 }, (_, index) => `D${String(index).padStart(2, '0')}`);
    expect([...new Set(ROWS.map(([rule]) => rule))]).toEqual(all);
    expect(Object.keys(RULEBOOK).filter((rule) => rule.startsWith('D'))).toEqual(all);
  });
});

/** docs/ovf.md has the deviations and the rules as tables; `VEP_UPDATE_PAGES=1` writes them anew. */
describe('docs/ovf.md', () => {
  it('has the rules as they are', () => {
    const page = join(packageRoot, 'docs/ovf.md');
    const text = readFileSync(page, 'utf8');
    const current = text.replace(/<!-- rules -->[^]*<!-- end of rules -->/, () => tables());
    if (process.env['VEP_UPDATE_PAGES'] === '1') writeFileSync(page, current);
    expect(text === current || process.env['VEP_UPDATE_PAGES'] === '1').toBe(true);
  });
});

function tables(): string {
  const deviations = ROWS.map(([rule, what, , , lenient]) => [rule, what, lenient]);
  const rules = Object.entries(RULEBOOK)
    .filter(([rule]) => rule.startsWith('O-'))
    .map(([rule, { title, section: part, remedy }]) => [rule, title, part, remedy]);
  return [
    '<!-- rules -->',
    '## Deviations\n\nWhat real files get wrong, and what lenient mode makes of it.',
    table(['code', 'deviation', 'lenient mode'], deviations),
    '## Rules\n\nWhat holds where a rule is kept, the section of DSP0243 it rests on, and what to do where it is broken.',
    table(['rule', 'holds', 'section', 'remedy'], rules),
    '<!-- end of rules -->',
  ].join('\n\n');
}

/** A table of Markdown, its columns as wide as prettier makes them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => cell.replaceAll('|', '\\|').replace(/[*<>]|(?<!\w)_/g, '\\$&')),
  );
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(cells[0] ?? []), rule, ...cells.slice(1).map(line)].join('\n');
}
