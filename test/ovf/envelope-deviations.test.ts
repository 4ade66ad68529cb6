import { safeHref } from '../../src/ovf/envelope/href.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import type { VirtualSystem, VirtualSystemCollection } from '../../src/ovf/envelope/model.js';
import {
  collection,
  CPU,
  descriptor,
  DISKS,
  FILES,
  FORMAT,
  hardware,
  item,
  ITEMS,
  judge,
  type Judged,
  MEMORY,
  NAMESPACES,
  system,
} from './envelope-support.js';

const OVF_1 = 'http://schemas.dmtf.org/ovf/envelope/1';

function vm(text: string, mode: Mode = 'lenient'): VirtualSystem {
  const { envelope } = judge(text, mode);
  if (envelope?.content.kind !== 'VirtualSystem') throw new Error('no system was read');
  return envelope.content;
}

function has(text: string, code: string): { strict: boolean; lenient: boolean; accepted: boolean } {
  const lenient = judge(text, 'lenient');
  return {
    strict: judge(text, 'strict').errors.includes(code),
    lenient: lenient.warnings.includes(code),
    accepted: lenient.errors.length === 0,
  };
}

const REPAIRED = { strict: true, lenient: true, accepted: true };

describe('deviations of real files', () => {
  it('D00 reads past white space before the XML declaration in lenient mode only', () => {
    const text = `\n  ${descriptor()}`;
    expect(judge(text, 'strict').errors).toContain('xml.not-well-formed');
    expect(judge(text, 'lenient')).toMatchObject({ errors: [], warnings: ['ovf.D00'] });
    expect(vm(text).at.line).toBe(vm(descriptor()).at.line + 1);
  });

  it('D01 reads InstanceId as InstanceID', () => {
    const text = descriptor({ items: ITEMS.replaceAll('InstanceID', 'InstanceId') });
    expect(has(text, 'ovf.D01')).toEqual(REPAIRED);
    expect(vm(text).hardware[0]?.items.map((one) => one.instanceId)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('D02 reads properties in any order, and an equal repetition once', () => {
    expect(
      has(
        descriptor({
          items: ITEMS.replace(/(<rasd:ElementName>item 1.*?)(<rasd:InstanceID>1<\/rasd:InstanceID>)/, '$2$1'),
        }),
        'ovf.D02',
      ),
    ).toEqual(REPAIRED);
    const twice = ITEMS.replace(
      '<rasd:ResourceType>3<',
      '<rasd:ResourceType>3</rasd:ResourceType><rasd:ResourceType>3<',
    );
    expect(has(descriptor({ items: twice }), 'ovf.D02')).toEqual(REPAIRED);
    const unequal = ITEMS.replace(
      '<rasd:ResourceType>3<',
      '<rasd:ResourceType>4</rasd:ResourceType><rasd:ResourceType>3<',
    );
    expect(judge(descriptor({ items: unequal }), 'lenient').errors).toContain('ovf.D02');
  });

  it.each(['@@MEM@@', '${mem}', '{{X}}', '<%= x %>'])('D03 refuses the placeholder %s in both modes', (value) => {
    const text = descriptor({ items: ITEMS.replace('>512<', `>${value.replace('<', '&lt;')}<`) });
    expect(judge(text, 'strict').errors).toContain('ovf.D03');
    expect(judge(text, 'lenient').errors).toEqual(['ovf.D03']);
  });

  it('D04 lets sections that are optional pass the schema, and keeps a list of them', () => {
    const section = '<other:Section ovf:required="false"><Info/><other:Deep><Envelope/></other:Deep></other:Section>';
    const { envelope, errors } = judge(descriptor({ systemSections: section, sections: section }), 'strict');
    expect(errors).toEqual([]);
    expect(envelope).toMatchObject({
      conformanceLevel: 2,
      ignored: [{ name: 'Section', required: false }, { name: 'Section' }],
    });
  });

  it('D04 finds optional sections behind processing instructions too', () => {
    const section = '<?run me?><other:Section ovf:required="false"><Info/></other:Section>';
    expect(judge(descriptor({ systemSections: section, sections: section }), 'strict').errors).toEqual([]);
  });

  it('D05 uses sections of OVF 2 inside an envelope of OVF 1', () => {
    const scaleOut = (id: string): string =>
      `<ovf2:ScaleOutSection ovf2:id="${id}" ovf:required="false"><Info/><ovf2:Description>web</ovf2:Description><ovf2:InstanceCount ovf2:minimum="1" ovf2:default="2" ovf2:maximum="4"/></ovf2:ScaleOutSection>`;
    const text = descriptor({
      sections:
        '<ovf2:PlacementGroupSection ovf2:id="apart" ovf2:policy="availability" ovf:required="false"><Info/></ovf2:PlacementGroupSection>',
      content: collection(
        'top',
        scaleOut('web'),
        system(
          'web',
          `<ovf2:PlacementSection ovf2:group="apart" ovf:required="false"><Info/></ovf2:PlacementSection>${hardware(CPU + MEMORY)}`,
        ),
      ),
    });
    expect(judge(text, 'strict')).toMatchObject({ errors: [], notes: ['ovf.O-010', 'ovf.O-010', 'ovf.O-010'] });
    const { envelope, warnings } = judge(text, 'lenient');
    expect(warnings).toEqual(['ovf.D05', 'ovf.D05', 'ovf.D05']);
    expect(envelope?.placementGroups).toMatchObject([{ id: 'apart', policy: 'availability' }]);
    expect((envelope?.content as VirtualSystemCollection).children[0]).toMatchObject({
      scaleOut: { id: 'web', instanceCounts: [{ minimum: 1, default: 2, maximum: 4 }] },
      placement: { group: 'apart' },
    });
    expect(judge(text.replace('ovf2:id="web"', 'ovf2:id="db"'), 'lenient').warnings).toContain('ovf.O-013');
    expect(judge(text.replace('ovf2:minimum="1"', 'ovf2:minimum="3"'), 'lenient').errors).toEqual(['ovf.O-052']);
  });

  it('D05 uses shared disks and environment files of OVF 2', () => {
    const shared =
      '<ovf2:SharedDiskSection ovf:required="false"><Info/><ovf2:SharedDisk ovf2:diskId="both" ovf2:capacity="1" ovf2:readOnly="true"/></ovf2:SharedDiskSection>';
    const files =
      '<ovf2:EnvironmentFilesSection ovf:required="false" ovf2:transport="iso"><Info/><ovf2:File ovf2:fileRef="file1" ovf2:path="etc/x"/></ovf2:EnvironmentFilesSection>';
    const one = (id: string): string =>
      system(
        id,
        files +
          hardware(
            CPU +
              MEMORY +
              item(9, 17, '').replace(
                '<rasd:InstanceID>',
                '<rasd:HostResource>ovf:/disk/both</rasd:HostResource><rasd:InstanceID>',
              ),
          ),
      );
    const { envelope, errors, warnings } = judge(
      descriptor({ sections: shared, content: collection('c', '', one('a') + one('b')) }),
      'lenient',
    );
    expect([errors, warnings]).toEqual([[], ['ovf.D05', 'ovf.D05', 'ovf.D05']]);
    expect(envelope?.diskSection?.disks[1]).toMatchObject({ diskId: 'both', shared: true, readOnly: true });
    expect((envelope?.content as VirtualSystemCollection).children[0]?.environmentFiles).toMatchObject([
      { fileRef: 'file1', path: 'etc/x', transports: ['iso'] },
    ]);
  });

  it('D06 supplies a missing Info or License', () => {
    expect(
      has(descriptor({ networks: '<NetworkSection><Network ovf:name="net"/></NetworkSection>' }), 'ovf.D06'),
    ).toEqual(REPAIRED);
    const text = descriptor({ systemSections: '<EulaSection><Info/></EulaSection>' });
    expect(has(text, 'ovf.D06')).toEqual(REPAIRED);
    expect(vm(text).eulas[0]?.license.text).toBe('');
  });

  it('D07 ignores a size that is no number', () => {
    const text = descriptor({ references: `<References>${FILES.replace('size="100"', 'size=""')}</References>` });
    expect(has(text, 'ovf.D07')).toEqual(REPAIRED);
    expect(judge(text, 'lenient').envelope?.references[0]?.size).toBeUndefined();
  });

  it('D08 misses required attributes', () => {
    const text = descriptor({
      references: '<References><File/></References>',
      disks: '<DiskSection><Info/><Disk/></DiskSection>',
    });
    expect(judge(text, 'lenient').errors).toEqual(
      expect.arrayContaining(['ovf.D08', 'ovf.D08', 'ovf.D08', 'ovf.D08', 'ovf.O-033']),
    );
    const property = descriptor({ systemSections: '<ProductSection><Info/><Property ovf:key="k"/></ProductSection>' });
    expect(judge(property, 'lenient').errors).toEqual(['ovf.D08']);
  });

  it('D08 reads an operating system without id as Other', () => {
    const text = descriptor({ systemSections: '<OperatingSystemSection><Info/></OperatingSystemSection>' });
    expect(has(text, 'ovf.D08')).toEqual(REPAIRED);
    expect(vm(text).operatingSystem?.id).toBe(1);
  });

  it('D09 refuses elements without namespace, with a hint', () => {
    const text = descriptor({ systemSections: '<EulaSection xmlns=""><Info/></EulaSection>' });
    const { findings } = judge(text, 'lenient');
    expect(findings).toMatchObject([
      { code: 'ovf.D09', severity: 'error', message: expect.stringContaining('OVF has an element of this name') },
    ]);
    expect(judge('<Envelope/>', 'lenient').errors).toEqual(['ovf.D09']);
  });

  it.each([
    ['OVF 2', 'http://schemas.dmtf.org/ovf/envelope/2', true],
    ['a trailing slash', `${OVF_1}/`, true],
    ['OVF 0.9', 'http://www.vmware.com/schema/ovf/1/envelope', true],
    ['an unknown namespace', 'http://nosuchspec.com/ovf/envelope/1', false],
  ])('D10 with %s', (_name, namespace, accepted) => {
    const text = descriptor().replaceAll(OVF_1, namespace);
    expect(judge(text, 'strict').errors).toContain('ovf.D10');
    const lenient = judge(text, 'lenient');
    expect(lenient.errors).toEqual(accepted ? [] : ['ovf.D10']);
    expect(lenient.envelope?.content.id).toBe(accepted ? 'vm' : undefined);
  });

  it('D10 reads OVF 0.9 by the types of its sections', () => {
    const item = (id: number, type: number, more: string): string =>
      `<Item><rasd:Caption>item ${id}</rasd:Caption><rasd:InstanceId>${id}</rasd:InstanceId><rasd:ResourceType>${type}</rasd:ResourceType>${more}</Item>`;
    const text = `<o:Envelope xmlns:o="http://www.vmware.com/schema/ovf/1/envelope" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"
        xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" o:version="0.9">
      <References><File o:id="file1" o:href="a.vmdk" o:size="100"/></References>
      <Section x:type="o:DiskSection_Type"><Info/><Disk o:diskId="d1" o:fileRef="file1" o:capacity="8589934592" o:format="http://www.vmware.com/specifications/vmdk.html#sparse"/></Section>
      <Section x:type="o:NetworkSection_Type"><Info/><Network o:name="lan"/></Section>
      <Content x:type="o:VirtualSystem_Type" o:id="vm"><Info/>
        <Section x:type="o:OperatingSystemSection_Type" o:id="36"><Info/></Section>
        <Section x:type="o:VirtualHardwareSection_Type"><Info/>
          ${item(1, 3, '<rasd:VirtualQuantity>2</rasd:VirtualQuantity>')}
          ${item(2, 4, '<rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:VirtualQuantity>512</rasd:VirtualQuantity>')}
          ${item(3, 6, '<rasd:BusNumber>1</rasd:BusNumber>')}
          ${item(4, 17, '<rasd:HostResource>/disk/d1</rasd:HostResource><rasd:Parent>3</rasd:Parent>')}
          ${item(5, 10, '<rasd:Connection>lan</rasd:Connection>')}
        </Section>
        <Section x:type="v:Unknown_Type" o:required="false"><Info/></Section>
      </Content>
    </o:Envelope>`;
    expect(judge(text, 'strict').errors).toEqual(['ovf.D10']);
    expect(judge(text, 'lenient').errors).toEqual([]);
    const system = vm(text);
    expect(system).toMatchObject({ id: 'vm', operatingSystem: { id: 36 } });
    expect(system.hardware[0]?.items).toMatchObject([
      { resourceType: 3, elementName: 'item 1', virtualQuantity: { value: 2n } },
      { resourceType: 4, allocationUnits: 'MegaBytes' },
      { resourceType: 6, address: '1' },
      { resourceType: 17, hostResources: [{ target: { kind: 'disk', id: 'd1' } }] },
      { resourceType: 10, connections: ['lan'] },
    ]);
    const other = text.replace('o:VirtualSystem_Type', 'o:Other_Type');
    expect(judge(other, 'lenient').errors).toContain('ovf.O-080');
    const draft = text.replace('http://www.vmware.com/schema/ovf/1/envelope', OVF_1);
    expect(judge(draft, 'strict').errors).toEqual(['ovf.D10']);
    expect(judge(draft, 'lenient').errors).toEqual([]);
    expect(vm(draft).hardware[0]?.items).toHaveLength(5);
  });

  it('D11 takes a name with a percent sign that starts no escape as it stands', () => {
    const named = (href: string): Judged =>
      judge(
        descriptor({ references: `<References><File ovf:id="file1" ovf:href="${href}"/></References>` }),
        'lenient',
      );
    for (const name of ['100%.vmdk', 'a%24b%a-1.vmdk', '虚拟机$%@.vmdk', '%2e%2e/%zz']) {
      const { envelope, errors, findings } = named(name);
      expect([errors, findings[0]?.code]).toEqual([[], 'ovf.D11']);
      expect(safeHref(envelope?.references[0]?.href ?? '')).toEqual({ kind: 'member', path: name });
    }
    for (const unsafe of ['../%zz', '/a%zz', 'a\\%zz', 'C:/%zz', 'file:%zz', 'caf%E9.vmdk'])
      expect(named(unsafe).errors).toEqual(['ovf.O-015']);
    expect(named('https://example.org/a%zz').envelope?.references[0]?.href).toBe('https://example.org/a%25zz');
  });

  it('O-034 lets the image tell the size of a disk of nothing, but not of a blank one', () => {
    const disk = (attributes: string): Judged =>
      judge(
        descriptor({ disks: `<DiskSection><Info/><Disk ovf:diskId="vmdisk1" ${attributes}/></DiskSection>` }),
        'lenient',
      );
    const { envelope, errors } = disk(`ovf:fileRef="file1" ovf:format="${FORMAT}" ovf:capacity="0"`);
    expect([errors, envelope?.diskSection?.disks[0]?.capacity]).toEqual([[], '']);
    expect(disk('ovf:capacity="0"').errors).toEqual(['ovf.O-034']);
  });

  it('O-009 refuses encrypted packages, whether or not they say that their keys are required', () => {
    const encrypted = (required: string): Judged =>
      judge(
        descriptor({ sections: `<ovf2:EncryptionSection ${required}><Info/></ovf2:EncryptionSection>` }),
        'lenient',
      );
    expect(encrypted('').errors).toEqual(['ovf.O-009']);
    expect(encrypted('ovf2:required="true"').errors).toEqual(['ovf.O-009']);
    expect(encrypted('ovf2:required="false"').errors).toEqual([]);
  });

  it('O-034 tells a placeholder in a capacity from a number that is wrong', () => {
    const disk = (capacity: string): string =>
      descriptor({
        disks: `<DiskSection><Info/><Disk ovf:diskId="vmdisk1" ovf:capacity="${capacity}"/></DiskSection>`,
      });
    for (const placeholder of ['+SIZE+', '@DISK_SIZE@', '___DISK___', '{{SIZE}}'])
      expect(judge(disk(placeholder), 'lenient').findings[0]?.message).toContain('placeholder');
    for (const wrong of ['0', '1.5', 'large'])
      expect(judge(disk(wrong), 'lenient').findings[0]?.message).toContain('whole number');
  });

  it('D10 reads the storage and port items of OVF 2', () => {
    const cim = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2';
    const items = `<StorageItem><s:AddressOnParent>0</s:AddressOnParent><s:Caption>disk1</s:Caption><s:HostResource>/disk/vmdisk1</s:HostResource><s:InstanceID>7</s:InstanceID><s:Parent>3</s:Parent><s:VirtualResourceBlockSize>512</s:VirtualResourceBlockSize></StorageItem>
      <EthernetPortItem><e:Connection>net</e:Connection><e:InstanceID>8</e:InstanceID></EthernetPortItem>`;
    const text = descriptor({ items: CPU + MEMORY + item(3, 6, '') + items })
      .replaceAll(OVF_1, 'http://schemas.dmtf.org/ovf/envelope/2')
      .replace(
        '<Envelope ',
        `<Envelope xmlns:s="${cim}/CIM_StorageAllocationSettingData.xsd" xmlns:e="${cim}/CIM_EthernetPortAllocationSettingData" `,
      );
    expect(judge(text, 'lenient').errors).toEqual([]);
    expect(vm(text).hardware[0]?.items.slice(3)).toMatchObject([
      {
        element: 'StorageItem',
        resourceType: 17,
        elementName: 'disk1',
        hostResources: [{ target: { kind: 'disk', id: 'vmdisk1' } }],
      },
      { element: 'EthernetPortItem', resourceType: 10, connections: ['net'] },
    ]);
  });

  it.each(['Content', 'VirtualSystem'])("refuses oVirt's dialect, with a %s in no namespace, by name", (content) => {
    const text = `<ovf:Envelope xmlns:ovf="${OVF_1}/"><References/><${content} ovf:id="out"/></ovf:Envelope>`;
    const { findings } = judge(text, 'lenient');
    expect(findings).toMatchObject([{ code: 'ovf.D09', message: expect.stringContaining('oVirt') }]);
  });

  it('D12 reads sections wherever they stand', () => {
    const product = '<ProductSection><Info/><Product>shop</Product></ProductSection>';
    const text = descriptor({
      references: '',
      disks: '',
      networks: '',
      sections: product,
      content: `${system('vm', `<NetworkSection><Info/><Network ovf:name="net"/></NetworkSection>${hardware(ITEMS)}`)}<References>${FILES}</References><DiskSection><Info/>${DISKS}</DiskSection>`,
    });
    expect(has(text, 'ovf.D12')).toMatchObject({ lenient: true, accepted: true });
    expect(judge(text, 'strict').errors.length).toBeGreaterThan(0);
    expect(vm(text).products[0]?.product?.text).toBe('shop');
    expect(judge(descriptor({ references: '', disks: '', items: CPU + MEMORY }), 'lenient').warnings).toContain(
      'ovf.D12',
    );
  });

  it('D14 reads attributes without prefix in lenient mode and takes them literally in strict mode', () => {
    const sections =
      '<DeploymentOptionSection><Info/><Configuration ovf:id="big"><Label/><Description/></Configuration></DeploymentOptionSection>';
    const text = descriptor({ sections, items: CPU + MEMORY + CPU.replace('<Item ', '<Item configuration="big" ') });
    expect(judge(text, 'lenient')).toMatchObject({ errors: [], warnings: ['ovf.D14'] });
    expect(vm(text).hardware[0]?.items[2]?.configurations).toEqual(['big']);
    expect(judge(text, 'strict')).toMatchObject({ errors: ['ovf.O-047'], warnings: ['ovf.D14'] });
  });

  it('D16 names a System after what it is for', () => {
    const text = descriptor({ hardware: hardware(ITEMS).replace('<vssd:ElementName>family</vssd:ElementName>', '') });
    expect(has(text, 'ovf.D16')).toEqual(REPAIRED);
    expect(vm(text).hardware[0]?.system).toMatchObject({
      elementName: 'vm',
      instanceId: '0',
      virtualSystemTypes: ['vmx-07', 'kvm'],
    });
  });

  it('D17 reads a ProductSection in any order', () => {
    const text = descriptor({
      systemSections: '<ProductSection><Info/><Vendor>v</Vendor><Product>p</Product></ProductSection>',
    });
    expect(has(text, 'ovf.D17')).toEqual(REPAIRED);
  });

  it('D18 takes an empty number as absent', () => {
    const text = descriptor({
      items: ITEMS.replace('<rasd:ResourceType>3', '<rasd:Reservation/><rasd:ResourceType>3'),
    });
    expect(has(text, 'ovf.D18')).toEqual(REPAIRED);
    expect(vm(text).hardware[0]?.items[0]?.reservation).toBeUndefined();
  });

  it('D19 ignores an unknown property', () => {
    expect(
      has(
        descriptor({
          items: ITEMS.replace('<rasd:ResourceType>3', '<rasd:Sockets>1</rasd:Sockets><rasd:ResourceType>3'),
        }),
        'ovf.D19',
      ),
    ).toEqual(REPAIRED);
  });

  it.each(['-100', '99999', 'ubuntu'])('D20 reads the operating system %s as vendor specific', (id) => {
    const text = descriptor({
      systemSections: `<OperatingSystemSection ovf:id="${id}" vmw:osType="vmkernel65Guest"><Info/></OperatingSystemSection>`,
    });
    expect(has(text, 'ovf.D20')).toEqual(REPAIRED);
    expect(vm(text).operatingSystem).toMatchObject({ id: 1, vendorType: 'vmkernel65Guest' });
  });

  it.each(['v0.8', 'v1', 'v1.5'])(
    'D21 declares the blank disk that vCloud %s describes at the host resource',
    (version) => {
      const drive = item(9, 17, '').replace(
        '<rasd:InstanceID>',
        '<rasd:HostResource vcloud:capacity="16384" vcloud:busType="6"/><rasd:InstanceID>',
      );
      const text = descriptor({ items: CPU + MEMORY + drive }).replace('/vcloud/v1.5"', `/vcloud/${version}"`);
      const { envelope, warnings } = judge(text, 'lenient');
      expect(warnings).toEqual(['ovf.D21']);
      expect(envelope?.diskSection?.disks.at(-1)).toMatchObject({
        diskId: 'vcloud-disk-1',
        capacity: '16384',
        capacityAllocationUnits: 'byte * 2^20',
      });
      expect(vm(text).hardware[0]?.items[2]?.hostResources).toMatchObject([
        { target: { kind: 'disk', id: 'vcloud-disk-1' } },
      ]);
    },
  );

  it('D21 reads an empty fileRef as a blank disk', () => {
    const text = descriptor({ disks: `<DiskSection><Info/>${DISKS.replace('"file1"', '""')}</DiskSection>` });
    expect(judge(text, 'lenient')).toMatchObject({ errors: [], warnings: ['ovf.D21'] });
  });

  it('declares a network that only a Connection names', () => {
    expect(judge(descriptor({ networks: '' }), 'lenient').envelope?.networkSection?.networks).toMatchObject([
      { name: 'net', implicit: true },
    ]);
    expect(judge(descriptor({ networks: '' }), 'strict').envelope?.networkSection).toBeUndefined();
  });

  it('qualifies the id of a system that repeats that of its collection', () => {
    const inner = collection('app', '', system('app', hardware(CPU + MEMORY)));
    const { envelope } = judge(
      descriptor({
        content: collection('app', '<StartupSection><Info/><Item ovf:id="app" ovf:order="1"/></StartupSection>', inner),
      }),
      'lenient',
    );
    const top = envelope?.content as VirtualSystemCollection;
    const middle = top.children[0] as VirtualSystemCollection;
    expect([top.id, middle.id, middle.children[0]?.id]).toEqual(['app', 'app/app', 'app/app/app']);
    expect(middle.children[0]?.ovfId).toBe('app');
    expect(top.startup?.items[0]?.id).toBe('app/app');
  });

  it('never looks into a foreign element', () => {
    const machine = `<vbox:Machine xmlns:vbox="http://www.virtualbox.org/ovf/machine" ovf:required="false">${system('hidden', hardware(ITEMS))}</vbox:Machine>`;
    const text = descriptor({ root: NAMESPACES, systemSections: machine });
    expect(judge(text, 'strict').errors).toEqual([]);
    expect(vm(text, 'strict').hardware).toHaveLength(1);
  });
});
