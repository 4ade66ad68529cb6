import fc from 'fast-check';

import { Problem } from '../../src/base/errors.js';
import type { VirtualSystem, VirtualSystemCollection } from '../../src/ovf/envelope/model.js';
import { inspectEnvelope, readEnvelope } from '../../src/ovf/envelope/read.js';
import {
  collection,
  CPU,
  descriptor,
  hardware,
  item,
  ITEMS,
  judge,
  MEMORY,
  NAMESPACES,
  system,
} from './envelope-support.js';
import { schemas } from './schema-support.js';

const strict = { mode: 'strict', schemas } as const;
const lenient = { mode: 'lenient', schemas } as const;

describe('reading an envelope', () => {
  it('reads every section into the model', () => {
    const sections = `
      <ProductSection ovf:class="com.example.shop" ovf:instance="1"><Info>about</Info><Product ovf:msgid="p">Shop</Product><Vendor>Example</Vendor>
        <Version>1.0</Version><FullVersion>1.0-7</FullVersion><ProductUrl>http://example.org</ProductUrl><VendorUrl>http://example.org/v</VendorUrl><AppUrl>http://x</AppUrl>
        <Icon ovf:fileRef="file1" ovf:mimeType="image/png" ovf:width="16" ovf:height="32"/>
        <Property ovf:key="plain" ovf:type="string"/>
        <Category>Mail</Category>
        <Property ovf:key="admin" ovf:type="string" ovf:value="root" ovf:userConfigurable="true" ovf:password="1" ovf:qualifiers="MinLen(3)">
          <Label>Who</Label><Description>administrator</Description><Value ovf:value="big-root" ovf:configuration="big"/></Property>
      </ProductSection>
      <EulaSection><Info/><License>  be good </License></EulaSection>
      <AnnotationSection><Info/><Annotation>a note</Annotation></AnnotationSection>
      <OperatingSystemSection ovf:id="94" ovf:version="22"><Info/><Description>Ubuntu</Description></OperatingSystemSection>
      <InstallSection ovf:initialBootStopDelay="300"><Info/></InstallSection>
      ${hardware(
        `${CPU}${MEMORY}${item(1, 3, '<rasd:VirtualQuantity>8</rasd:VirtualQuantity>', 'ovf:bound="max" ovf:required="false"')}${item(
          9,
          10,
          '',
          'ovf:configuration="small big"',
        ).replace(
          '<rasd:ElementName>',
          '<rasd:Address>00:50:56:00:00:01</rasd:Address><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>net</rasd:Connection><rasd:ElementName>',
        )}`,
        'ovf:transport="iso com.vmware.guestInfo" ovf:id="v1"',
      ).replace(
        '</VirtualHardwareSection>',
        '<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/></VirtualHardwareSection>',
      )}`;
    const text = descriptor({
      references:
        '<References><File ovf:id="file1" ovf:href="disk1.vmdk" ovf:size="100" ovf:compression="gzip" ovf:chunkSize="40"/></References>',
      sections: `<DeploymentOptionSection><Info/><Configuration ovf:id="small"><Label>s</Label><Description>d</Description></Configuration>
        <Configuration ovf:id="big" ovf:default="true"><Label>b</Label><Description>d</Description></Configuration></DeploymentOptionSection>`,
      content: collection(
        'app',
        `<ResourceAllocationSection><Info/>${item(1, 3, '').replace('<rasd:ResourceType>', '<rasd:Reservation>300</rasd:Reservation><rasd:ResourceType>')}</ResourceAllocationSection>
         <StartupSection><Info/><Item ovf:id="vm" ovf:order="1" ovf:startDelay="5" ovf:waitingForGuest="true" ovf:stopDelay="6" ovf:stopAction="guestShutdown"/></StartupSection>`,
        system('vm', sections),
      ),
      strings: '<Strings xml:lang="de-DE"><Msg ovf:msgid="p">Laden</Msg></Strings>',
    });
    const { envelope, findings } = readEnvelope(Buffer.from(text), strict);
    expect(findings).toEqual([]);
    const app = envelope.content as VirtualSystemCollection;
    const vm = app.children[0] as VirtualSystem;
    expect(envelope).toMatchObject({
      version: 1,
      lang: 'en-US',
      references: [{ id: 'file1', href: 'disk1.vmdk', size: 100n, compression: 'gzip', chunkSize: 40n }],
      diskSection: {
        disks: [
          {
            diskId: 'vmdisk1',
            fileRef: 'file1',
            capacity: '10',
            capacityAllocationUnits: 'byte * 2^30',
            shared: false,
          },
        ],
      },
      networkSection: { networks: [{ name: 'net', implicit: false }] },
      deploymentOptionSection: {
        configurations: [
          { id: 'small', default: false, label: { text: 's' } },
          { id: 'big', default: true },
        ],
      },
      strings: [{ lang: 'de-DE', messages: new Map([['p', 'Laden']]) }],
      conformanceLevel: 2,
    });
    expect(app).toMatchObject({
      resourceAllocation: { items: [{ reservation: { text: '300', value: 300n } }] },
      startup: {
        items: [
          {
            id: 'vm',
            order: 1,
            startDelay: 5,
            waitingForGuest: true,
            stopDelay: 6,
            startAction: 'powerOn',
            stopAction: 'guestShutdown',
          },
        ],
      },
    });
    expect(vm).toMatchObject({
      name: { text: 'vm' },
      products: [
        {
          class: 'com.example.shop',
          instance: '1',
          product: { text: 'Shop', msgid: 'p' },
          vendor: { text: 'Example' },
          version: '1.0',
          fullVersion: '1.0-7',
          productUrl: 'http://example.org',
          vendorUrl: 'http://example.org/v',
          appUrl: 'http://x',
          icons: [{ fileRef: 'file1', mimeType: 'image/png', width: 16, height: 32 }],
          properties: [
            { key: 'plain', value: '', userConfigurable: false },
            {
              key: 'admin',
              userConfigurable: true,
              password: true,
              qualifiers: 'MinLen(3)',
              category: { text: 'Mail' },
              label: { text: 'Who' },
              description: { text: 'administrator' },
              values: [{ value: 'big-root', configurations: ['big'] }],
            },
          ],
        },
      ],
      eulas: [{ license: { text: 'be good' } }],
      annotations: [{ annotation: { text: 'a note' } }],
      operatingSystem: { id: 94, version: '22', description: { text: 'Ubuntu' } },
      install: { initialBootStopDelay: 300 },
      hardware: [
        {
          id: 'v1',
          transports: ['iso', 'com.vmware.guestInfo'],
          firmware: 'efi',
        },
      ],
    });
    expect(vm.products[0]?.properties[0]?.category).toBeUndefined();
    expect(vm.hardware[0]?.items.slice(2)).toMatchObject([
      { bound: 'max', required: false, virtualQuantity: { value: 8n } },
      {
        configurations: ['small', 'big'],
        address: '00:50:56:00:00:01',
        connections: ['net'],
        resourceType: 10,
      },
    ]);
  });

  it('throws every error at once, and gives the warnings of what it accepts', () => {
    const text = descriptor({ items: ITEMS.replace('/vmdisk1', '/x').replace('>512<', '>?<') });
    const refused = (): unknown => readEnvelope(Buffer.from(text), lenient);
    expect(refused).toThrow(Problem);
    try {
      refused();
    } catch (error) {
      expect(error).toMatchObject({ kind: 'invalid', faults: [{ code: 'ovf.O-051' }, { code: 'ovf.O-033' }] });
    }
    expect(readEnvelope(Buffer.from(descriptor({ networks: '' })), lenient).findings).toMatchObject([
      { code: 'ovf.O-043', severity: 'warning' },
    ]);
  });

  it('refuses what is no envelope, and an envelope of nothing', () => {
    expect(() => readEnvelope(Buffer.from('<a/>'), lenient)).toThrow('the root element is a, not Envelope');
    expect(() => readEnvelope(Buffer.from(descriptor({ content: '' })), lenient)).toThrow('neither a VirtualSystem');
    expect(() => readEnvelope(Buffer.from('<a'), lenient)).toThrow(expect.objectContaining({ kind: 'malformed' }));
  });

  it('inspects what cannot be read without throwing', () => {
    expect(inspectEnvelope(Buffer.from('<a'), strict)).toMatchObject({ findings: [{ code: 'xml.not-well-formed' }] });
  });

  it('K37 gives the bare verdict of the schema beside its own', () => {
    const optional = descriptor({ systemSections: '<other:Section ovf:required="false"><Info/></other:Section>' });
    expect(inspectEnvelope(Buffer.from(descriptor()), strict).schemaValid).toBe(true);
    expect(inspectEnvelope(Buffer.from(optional), strict)).toMatchObject({
      schemaValid: false,
      findings: [{ code: 'ovf.O-010' }],
    });
  });

  it('does not ask the schema about a document that is refused for hundreds of faults anyway', () => {
    const many = item(9, 1, '', 'ovf:configuration="x"').repeat(300);
    expect(inspectEnvelope(Buffer.from(descriptor({ items: ITEMS + many })), strict).schemaValid).toBeUndefined();
  });

  it('O-076 takes no schema from where a document says', () => {
    const location = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://example.org/other file:///etc/passwd http://www.vmware.com/schema/ovf http://127.0.0.1:9/x.xsd"`;
    const text = descriptor({
      root: `${NAMESPACES} ${location}`,
      items: `${ITEMS}<other:Thing ovf:required="false"/>`,
    });
    expect(inspectEnvelope(Buffer.from(text), strict)).toMatchObject({
      schemaValid: true,
      findings: [{ code: 'ovf.O-010' }],
    });
  });

  it('cuts names of any length in messages and paths', () => {
    const { findings } = judge(descriptor({ systemSections: `<other:${'x'.repeat(20_000)}/>` }), 'lenient');
    expect(findings[0]?.code).toBe('ovf.O-009');
    expect(JSON.stringify(findings).length).toBeLessThan(2_000);
  });

  it('reads a thousand machines', () => {
    const machines = Array.from({ length: 1000 }, (_, i) => system(`vm${i}`, hardware(CPU + MEMORY))).join('');
    const { envelope, errors } = judge(descriptor({ content: collection('farm', '', machines) }), 'lenient');
    expect(errors).toEqual([]);
    expect((envelope?.content as VirtualSystemCollection).children).toHaveLength(1000);
  });

  it('answers any mutation of a descriptor with an envelope or a finding', () => {
    const text = descriptor({
      items: ITEMS,
      systemSections: '<ProductSection><Info/><Property ovf:key="k" ovf:type="string"/></ProductSection>',
    });
    const cut = fc.tuple(
      fc.nat(text.length - 1),
      fc.nat(40),
      fc.constantFrom('', '"', '<', '</', '/>', 'ovf:', ' ', '0', '<Info/>', '<Item/>', '<VirtualSystem/>'),
    );
    fc.assert(
      fc.property(cut, fc.constantFrom(strict, lenient), ([at, length, by], options) => {
        const { envelope, findings } = inspectEnvelope(
          Buffer.from(text.slice(0, at) + by + text.slice(at + length)),
          options,
        );
        expect(envelope !== undefined || findings.some((fault) => (fault.severity ?? 'error') === 'error')).toBe(true);
      }),
      { numRuns: 400, seed: 3 },
    );
  });
});
