/**
 * Every rule beyond the schema, O-001 to O-086, with a document that keeps it and one that breaks it: what strict and
 * lenient mode make of the second, and that neither finds the rule broken in the first. The titles are the rulebook's.
 * For a rule that no document can break, since VEP sees to it, there is one that shows how a breach would be seen.
 */

import { RULEBOOK, type RuleCode } from '../../src/ovf/envelope/rulebook.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import * as e from './envelope-support.js';
import * as t from './rule-trials.js';

type Row = readonly [
  rule: RuleCode,
  kept: t.Trial,
  broken: t.Trial,
  outcome: readonly [strict: t.Outcome, lenient: t.Outcome],
  /** Code of the finding where it is not that of the rule. */
  code?: string,
];

const BOTH = ['error', 'error'] as const;
const REPAIRED = ['error', 'warning'] as const;
const WARNED = ['warning', 'warning'] as const;
const XI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
const hostResource = (id: number, type: number, value: string): string =>
  e.item(id, type, '').replace('<rasd:InstanceID>', `<rasd:HostResource>${value}</rasd:HostResource><rasd:InstanceID>`);
const REQUIRED = '<other:Section ovf:required="true"><Info>needs a GPU</Info></other:Section>';
const UINT8 = '<Property ovf:key="k" ovf:type="uint8" ovf:userConfigurable="true"/>';
const TWICE = '<OperatingSystemSection ovf:id="36"><Info/></OperatingSystemSection>';
const DTD = (inside: string): string => e.descriptor().replace('<Envelope', `<!DOCTYPE Envelope ${inside}><Envelope`);
const BOMB = `[<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]`;

const ROWS: readonly Row[] = [
  ['O-001', t.sound, t.planned('<Package/>'), BOTH],
  ['O-002', t.sound, t.content(''), BOTH],
  ['O-003', t.of({ systemSections: TWICE }), t.of({ systemSections: TWICE.repeat(2) }), BOTH],
  ['O-004', t.sound, t.of({ hardware: '' }), REPAIRED],
  [
    'O-005',
    t.content(t.twoSystems()),
    t.content(e.collection('c', '', e.system('a', e.hardware(e.CPU + e.MEMORY)).repeat(2))),
    BOTH,
  ],
  ['O-006', t.content(t.twoSystems()), t.content(e.collection('c', '', '')), WARNED],
  ['O-007', t.content(t.nested(15)), t.content(t.nested(16)), BOTH],
  ['O-008', t.level(1, {}), t.level(2, { systemSections: REQUIRED }), BOTH],
  [
    'O-009',
    t.of({ systemSections: '<other:Section ovf:required="false"><Info/></other:Section>' }),
    t.of({ systemSections: REQUIRED }),
    BOTH,
  ],
  [
    'O-010',
    t.sound,
    t.of({ systemSections: '<other:Section ovf:required="false"><Info/></other:Section>' }),
    ['info', 'info'],
  ],
  ['O-011', t.sound, t.files('/>', '/><File ovf:id="file1" ovf:href="b"/>'), BOTH],
  [
    'O-012',
    t.files('/>', '/><File ovf:id="b" ovf:href="b"/>'),
    t.files('/>', '/><File ovf:id="b" ovf:href="./disk1.vmdk"/>'),
    REPAIRED,
  ],
  ['O-013', t.sound, t.disks('file1', 'other'), BOTH],
  ['O-014', t.further(hostResource(9, 15, 'ovf:/file/file1')), t.further(hostResource(9, 15, 'ovf:/file/x')), BOTH],
  ['O-015', t.files('disk1.vmdk', 'sub/disk%201.vmdk'), t.files('disk1', '%2e%2e/disk1'), BOTH],
  [
    'O-016',
    t.dialled('https://images.example.org/a.vmdk', '93.184.216.34'),
    t.dialled('https://images.example.org/a.vmdk', '169.254.169.254'),
    BOTH,
    'net.address',
  ],
  ['O-017', t.ova([t.OVF, t.VMDK]), t.ova([t.OVF, [{ name: 'disk1.vmdk' }, 'short']]), REPAIRED],
  [
    'O-018',
    t.files('ovf:size', 'ovf:compression="gzip" ovf:size'),
    t.files('ovf:size', 'ovf:compression="zip" ovf:size'),
    REPAIRED,
  ],
  [
    'O-019',
    t.files('ovf:size', 'ovf:chunkSize="50" ovf:size'),
    t.files('ovf:size', 'ovf:chunkSize="0" ovf:size'),
    BOTH,
  ],
  ['O-020', t.ova([t.OVF, t.VMDK]), t.ova([t.OVF, t.VMDK, [{ name: 'readme.txt' }, 'x']]), WARNED],
  ['O-021', t.ova([t.OVF, t.VMDK]), t.ova([t.VMDK, t.OVF]), REPAIRED],
  ['O-022', t.ova([t.OVF, t.VMDK]), t.ova([t.OVF, t.VMDK, [{ name: 'two.ovf' }, e.descriptor()]]), BOTH],
  [
    'O-023',
    t.ova([t.OVF, t.VMDK]),
    t.ova([t.OVF, [{ name: 'disk1.vmdk', type: 'symlink', linkname: '/etc/passwd' }, '']]),
    BOTH,
  ],
  ['O-024', t.ova([t.OVF, t.VMDK]), t.ova([t.OVF, t.VMDK], { bytes: 50 }), BOTH],
  ['O-025', t.ova([t.OVF, t.MANIFEST, t.VMDK]), t.ova([t.OVF, t.manifest('disk1.vmdk is fine\n'), t.VMDK]), BOTH],
  [
    'O-026',
    t.ova([t.OVF, t.MANIFEST, t.VMDK]),
    t.ova([t.OVF, t.manifest(t.line(t.OVF) + t.line([{ name: 'disk1.vmdk' }, 'other'])), t.VMDK]),
    BOTH,
  ],
  ['O-027', t.ova([t.OVF, t.MANIFEST, t.VMDK]), t.ova([t.OVF, t.manifest(t.line(t.OVF)), t.VMDK]), REPAIRED],
  [
    'O-028',
    t.ova([t.OVF, t.MANIFEST, t.VMDK]),
    t.ova([t.OVF, t.manifest(t.line(t.OVF) + t.line(t.VMDK) + t.line([{ name: 'none' }, ''])), t.VMDK]),
    REPAIRED,
  ],
  [
    'O-029',
    t.ova([t.OVF, t.MANIFEST, t.VMDK]),
    t.ova([t.OVF, t.manifest(t.line(t.OVF, 'sha1') + t.line(t.VMDK, 'sha1')), t.VMDK]),
    WARNED,
  ],
  [
    'O-030',
    t.ova([t.OVF, t.MANIFEST, t.VMDK]),
    t.ova([t.OVF, t.MANIFEST, [{ name: 'shop.cert' }, 'no certificate'], t.VMDK]),
    BOTH,
  ],
  ['O-031', t.ova([t.OVF, t.VMDK]), t.ova([t.OVF, [{ name: 'shop.cert' }, 'x'], t.VMDK]), BOTH],
  ['O-032', t.sound, t.disks('/>', `/>${e.DISKS}`), BOTH],
  ['O-033', t.sound, t.items('/vmdisk1', '/other'), BOTH],
  ['O-034', t.sound, t.disks('capacity="10"', 'capacity="1.5"'), BOTH],
  ['O-035', t.disks('byte * 2^30', 'gibibyte'), t.disks('byte * 2^30', 'lots'), BOTH],
  [
    'O-036',
    t.disks('ovf:format', 'ovf:populatedSize="7" ovf:format'),
    t.disks('ovf:format', 'ovf:populatedSize="99999999999" ovf:format'),
    REPAIRED,
  ],
  [
    'O-037',
    t.disks('/>', '/><Disk ovf:diskId="delta" ovf:capacity="1" ovf:parentRef="vmdisk1"/>'),
    t.disks('ovf:format', 'ovf:parentRef="vmdisk1" ovf:format'),
    BOTH,
  ],
  ['O-038', t.sound, t.disks(/ovf:format="[^"]*"/, ''), REPAIRED],
  ['O-039', t.carried(10), t.carried(11), WARNED],
  [
    'O-040',
    t.content(t.twoSystems('', e.hardware(e.ITEMS))),
    t.content(e.collection('c', '', e.system('a', e.hardware(e.ITEMS)) + e.system('b', e.hardware(e.ITEMS)))),
    WARNED,
  ],
  ['O-041', t.probed(''), t.probed('/etc/shadow'), BOTH, 'image.pointer'],
  [
    'O-042',
    t.sound,
    t.of({ networks: '<NetworkSection><Info/><Network ovf:name="net"/><Network ovf:name="net"/></NetworkSection>' }),
    BOTH,
  ],
  ['O-043', t.sound, t.of({ networks: '' }), REPAIRED],
  ['O-044', t.sound, t.items('<rasd:Connection>net</rasd:Connection>', ''), WARNED],
  [
    'O-045',
    t.items('<rasd:Connection>', '<rasd:Address>02:00:00:00:00:01</rasd:Address><rasd:Connection>'),
    t.items('<rasd:Connection>', '<rasd:Address>00:11</rasd:Address><rasd:Connection>'),
    REPAIRED,
  ],
  ['O-046', t.sound, t.items('<rasd:ResourceType>6</rasd:ResourceType>', ''), BOTH],
  ['O-047', t.sound, t.further(e.CONTROLLER), BOTH],
  ['O-048', t.sound, t.items('<rasd:Parent>3<', '<rasd:Parent>77<'), REPAIRED],
  [
    'O-049',
    t.further(e.DISK.replace('>4<', '>8<').replace('>0<', '>1<')),
    t.further(e.DISK.replace('>4<', '>8<')),
    REPAIRED,
  ],
  ['O-050', t.sound, t.of({ items: e.MEMORY }), WARNED],
  ['O-051', t.sound, t.items(t.quantity(2), t.quantity('0.5')), BOTH],
  ['O-052', t.further(t.bound('min', 1) + t.bound('max', 8)), t.further(t.bound('min', 3)), BOTH],
  [
    'O-053',
    t.further(e.item(9, 24, '', 'ovf:configuration="big"'), { sections: t.OPTIONS }),
    t.further(e.item(9, 24, '', 'ovf:configuration="huge"'), { sections: t.OPTIONS }),
    BOTH,
  ],
  ['O-054', t.sound, t.of({ hardware: e.hardware(e.ITEMS).replace('vmx-07 kvm', 'abacus-1') }), REPAIRED],
  ['O-055', t.further(e.item(9, 18, '', 'ovf:required="false"')), t.further(e.item(9, 18, '')), REPAIRED],
  ['O-056', t.items('ovf:/disk/', '/disk/'), t.items('ovf:/disk/vmdisk1', 'my.vmdk'), BOTH],
  ['O-057', t.of({ sections: t.OPTIONS }), t.of({ sections: t.OPTIONS.replace('"big"', '"small"') }), BOTH],
  [
    'O-058',
    t.of({ sections: t.OPTIONS }, { configuration: 'big' }),
    t.of({ sections: t.OPTIONS }, { configuration: 'huge' }),
    BOTH,
  ],
  [
    'O-059',
    t.props(t.product('', 'ovf:class="a"') + t.product('', 'ovf:class="b"')),
    t.props(t.product('', 'ovf:class="a"').repeat(2)),
    REPAIRED,
  ],
  [
    'O-060',
    t.props(t.product(t.property('k'))),
    t.props(t.product('<Property ovf:key="k" ovf:type="int"/>')),
    REPAIRED,
  ],
  [
    'O-061',
    t.props(t.product(UINT8), { properties: { k: '255' } }),
    t.props(t.product(UINT8), { properties: { k: '256' } }),
    BOTH,
  ],
  [
    'O-062',
    t.props(t.product(t.property('k', 'ovf:userConfigurable="true"')), { properties: { k: 'v' } }),
    t.props(t.product(t.property('k')), { properties: { k: 'v' } }),
    BOTH,
  ],
  [
    'O-063',
    t.props(t.product(t.property('a', 'ovf:value="${b}"') + t.property('b', 'ovf:value="v"'))),
    t.props(t.product(t.property('a', 'ovf:value="${b}"') + t.property('b', 'ovf:value="${a}"'))),
    BOTH,
  ],
  [
    'O-064',
    t.props(t.product(t.property('a') + t.property('b'))),
    t.props(t.product(t.property('a') + t.property('a'))),
    REPAIRED,
  ],
  [
    'O-065',
    t.props(t.product(t.property('k'))),
    t.props(t.product(t.property('k')), {}, 'ovf:transport="urn:pigeon"'),
    REPAIRED,
  ],
  ['O-066', t.kept('ovf:password="true"'), t.kept(''), BOTH],
  [
    'O-067',
    t.environment('a&lt;b&amp;&quot;c&#10;d]]&gt;\u202e'),
    t.environment('v', (text) => text.replace('value="', 'value="<')),
    BOTH,
  ],
  [
    'O-068',
    t.content(t.startup('ovf:id="a" ovf:order="1"')),
    t.content(t.startup('ovf:id="c" ovf:order="1"')),
    REPAIRED,
  ],
  [
    'O-069',
    t.content(t.startup('ovf:id="a" ovf:order="1" ovf:stopAction="guestShutdown"')),
    t.content(t.startup('ovf:id="a" ovf:order="1" ovf:startAction="dance"')),
    BOTH,
  ],
  [
    'O-070',
    t.content(t.startup('ovf:id="a" ovf:order="65535"')),
    t.content(t.startup('ovf:id="a" ovf:order="65536"')),
    BOTH,
  ],
  ['O-071', t.secondIsFirst('ovf:id="a" ovf:order="1"'), t.secondIsFirst('ovf:id="a" ovf:order="0"'), BOTH],
  ['O-072', t.deployable('all'), t.deployable([]), BOTH],
  [
    'O-073',
    t.of({
      strings: '<Strings xml:lang="de"><Msg ovf:msgid="n">x</Msg></Strings>',
      content: e.system('vm', e.hardware(e.ITEMS)).replace('<Name>', '<Name ovf:msgid="n">'),
    }),
    t.content(e.system('vm', e.hardware(e.ITEMS)).replace('<Name>', '<Name ovf:msgid="n">')),
    WARNED,
  ],
  ['O-074', t.of({ strings: '<Strings xml:lang="de"/>' }), t.of({ strings: '<Strings/>' }), WARNED],
  ['O-075', t.sound, t.planned(DTD('')), BOTH, 'xml.doctype'],
  ['O-076', t.sound, t.planned(DTD('SYSTEM "http://127.0.0.1:9/x.dtd"')), BOTH, 'xml.doctype'],
  ['O-077', t.sound, t.planned(DTD(BOMB)), BOTH, 'xml.doctype'],
  [
    'O-078',
    t.sound,
    t.of({ systemSections: '<other:a ovf:required="false">'.repeat(300) + '</other:a>'.repeat(300) }),
    BOTH,
    'xml.depth',
  ],
  [
    'O-079',
    t.hostileDisk(`'"]|//*[\${x}\u202e</a>`, true),
    t.hostileDisk(`'"]|//*[\${x}\u202e</a>`, false),
    BOTH,
    'ovf.O-033',
  ],
  [
    'O-080',
    t.of({ systemSections: '<EulaSection><Info/><License/></EulaSection>' }),
    t.of({ systemSections: `<Section ${XI} xsi:type="ovf:EulaSection_Type"><Info/><License/></Section>` }),
    BOTH,
  ],
  ['O-081', t.sound, t.planned(Buffer.from([0, 1, 2, 255])), BOTH, 'xml.encoding'],
  [
    'O-082',
    t.planned(Buffer.from(`\ufeff${e.descriptor().replace('encoding="UTF-8"', 'encoding="UTF-16"')}`, 'utf16le')),
    t.planned(e.descriptor().replace('encoding="UTF-8"', 'encoding="UTF-16"')),
    BOTH,
    'xml.encoding',
  ],
  ['O-083', t.processors(2, {}), t.processors(2, { items: e.ITEMS.replace(t.quantity(2), t.quantity(3)) }), BOTH],
  ['O-084', t.of({ items: e.CPU + e.MEMORY }), t.further(e.item(9, 24, '')), ['info', 'info']],
  ['O-085', t.samePlan({}, {}), t.samePlan({}, { items: e.CPU + e.MEMORY }), BOTH],
  ['O-086', t.agreed('vm'), t.agreed('nobody'), BOTH, 'sla.item.unknown'],
];

async function outcome(trial: t.Trial, mode: Mode, code: string): Promise<t.Outcome> {
  const faults = await trial(mode);
  const severities = faults.filter((fault) => fault.code === code).map(({ severity }) => severity ?? 'error');
  return (['error', 'warning', 'info'] as const).find((severity) => severities.includes(severity)) ?? 'none';
}

describe('the rules beyond the schema', () => {
  it.each(ROWS.map((row) => [row[0], RULEBOOK[row[0]].title, row] as const))(
    '%s %s',
    async (rule, _title, [, kept, broken, expected, code = `ovf.${rule}`]) => {
      expect([await outcome(kept, 'strict', code), await outcome(kept, 'lenient', code)]).toEqual(['none', 'none']);
      expect([await outcome(broken, 'strict', code), await outcome(broken, 'lenient', code)]).toEqual(expected);
    },
  );

  it('none is missing, here or in the rulebook', () => {
    const all = Array.from({ length: 86 }, (_, index) => `O-${String(index + 1).padStart(3, '0')}`);
    expect(ROWS.map(([rule]) => rule)).toEqual(all);
    expect(Object.keys(RULEBOOK).filter((rule) => rule.startsWith('O-'))).toEqual(all);
  });
});
