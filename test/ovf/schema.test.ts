import { createOvfSchemas, schemaVerdict, SCHEMA_FILES, type Edition } from '../../src/ovf/schema/schemas.js';
import { readXml } from '../../src/ovf/xml/intake.js';
import { CPU, descriptor, item } from './envelope-support.js';
import { schemas } from './schema-support.js';

function verdict(text: string, edition: Edition = '1.1'): readonly string[] {
  using document = readXml(Buffer.from(text));
  return schemaVerdict(document, schemas, edition).map((fault) => fault.message);
}

describe('the schema of the envelope', () => {
  it('accepts a plain descriptor', () => {
    expect(verdict(descriptor())).toEqual([]);
  });

  it('K37 tells the editions apart: Generation is of 1.0, VirtualQuantityUnits of 1.1', () => {
    const generation = descriptor({
      items: CPU.replace('<rasd:InstanceID>', '<rasd:Generation>7</rasd:Generation><rasd:InstanceID>'),
    });
    const units = descriptor({ items: item(9, 3, '<rasd:VirtualQuantityUnits>count</rasd:VirtualQuantityUnits>') });
    expect([verdict(generation, '1.0').length, verdict(generation, '1.1').length]).toEqual([0, 1]);
    expect([verdict(units, '1.0').length, verdict(units, '1.1').length]).toEqual([1, 0]);
  });

  it('knows the sections of VMware where they are asked for', () => {
    const text = (protocols: string): string =>
      descriptor({ systemSections: `<vmw:IpAssignmentSection ${protocols}><Info/></vmw:IpAssignmentSection>` });
    expect(verdict(text('vmw:protocols="IPv4"'), '1.1')).toHaveLength(1);
    expect(verdict(text('vmw:protocols="IPv4"'), '1.1 with VMware')).toEqual([]);
    expect(verdict(text('xml:lang="no language"'), '1.1 with VMware')).toHaveLength(1);
  });

  it('knows what OVF 2 added, in the namespace of OVF 2', () => {
    const scaleOut = '<ScaleOutSection ovf:id="vm"><Info/><InstanceCount ovf:default="2"/></ScaleOutSection>';
    const text = descriptor({ systemSections: scaleOut });
    expect(verdict(text, '2.0')).toHaveLength(1);
    const version2 = text.replaceAll(
      'http://schemas.dmtf.org/ovf/envelope/1',
      'http://schemas.dmtf.org/ovf/envelope/2',
    );
    expect(verdict(version2.replaceAll('xmlns:ovf2="http://schemas.dmtf.org/ovf/envelope/2"', ''), '2.0')).toEqual([]);
    expect(verdict(version2.replace('ovf:default="2"', ''), '2.0')).toHaveLength(1);
  });

  it('says element, line and path of each violation', () => {
    using document = readXml(Buffer.from(descriptor({ references: '<References><File/></References>' })));
    expect(schemaVerdict(document, schemas, '1.1')).toMatchObject([
      {
        code: 'ovf.schema',
        message: expect.stringContaining("'ovf:id' is required"),
        place: { line: 3, path: expect.stringContaining('/') },
      },
      { message: expect.stringContaining("'ovf:href' is required") },
    ]);
  });

  it('K37 strips nothing: a section it does not declare is a violation', () => {
    expect(
      verdict(descriptor({ systemSections: '<other:Section ovf:required="false"><Info/></other:Section>' })),
    ).toHaveLength(1);
  });
});

describe('the schema of the environment', () => {
  const environment = (inside: string): readonly unknown[] => {
    using document = readXml(
      Buffer.from(
        `<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1" xmlns:e="http://schemas.dmtf.org/ovf/environment/1" e:id="vm">${inside}</Environment>`,
      ),
    );
    return schemas.environment(document);
  };

  it('accepts sections and entities, and refuses a property without value', () => {
    const property = '<PropertySection><Property e:key="k" e:value="v"/></PropertySection>';
    expect(
      environment(
        `<PlatformSection><Locale>en</Locale><Timezone>-60</Timezone></PlatformSection>${property}<Entity e:id="db">${property}</Entity>`,
      ),
    ).toEqual([]);
    expect(environment('<PropertySection><Property e:key="k"/></PropertySection>')).toHaveLength(1);
  });
});

describe('a broken installation', () => {
  it('names the missing file', () => {
    using document = readXml(Buffer.from(descriptor()));
    expect(() => createOvfSchemas(new Map()).envelope(document, '1.1')).toThrow('xml.xsd is missing');
  });

  it('names the file that is no schema', () => {
    using document = readXml(Buffer.from(descriptor()));
    const nonsense = createOvfSchemas(new Map(SCHEMA_FILES.map((name) => [name, Buffer.from('<a/>')])));
    expect(() => nonsense.envelope(document, '1.1')).toThrow('dsp8023_1.1.0.xsd cannot be compiled');
  });
});
