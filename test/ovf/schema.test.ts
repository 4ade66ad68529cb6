import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { XmlDocument } from 'libxml2-wasm';

import { createOvfSchemas, schemaVerdict, SCHEMA_FILES } from '../../src/ovf/schema/schemas.js';
import { readXml } from '../../src/ovf/xml/intake.js';
import { CPU, descriptor, ITEMS, item } from './envelope-support.js';
import { schemas, schemasIn, sharedFolder } from './schema-support.js';

function verdict(text: string): readonly string[] {
  using document = readXml(Buffer.from(text));
  return schemaVerdict(document, schemas).map((fault) => fault.message);
}

describe('the schema of the envelope', () => {
  it('accepts a plain descriptor', () => {
    expect(verdict(descriptor())).toEqual([]);
  });

  it('allows what either copy of the CIM classes has', () => {
    const both =
      '<rasd:VirtualQuantity>1</rasd:VirtualQuantity><rasd:VirtualQuantityUnits>count</rasd:VirtualQuantityUnits>';
    const generation = CPU.replace('<rasd:InstanceID>', '<rasd:Generation>7</rasd:Generation><rasd:InstanceID>');
    expect(verdict(descriptor({ items: `${generation}${item(9, 3, both)}` }))).toEqual([]);
  });

  it('says element, line and path of each violation', () => {
    using document = readXml(Buffer.from(descriptor({ references: '<References><File/></References>' })));
    expect(schemaVerdict(document, schemas)).toMatchObject([
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
    expect(() => createOvfSchemas(new Map()).envelope(document)).toThrow('xml.xsd is missing');
  });

  it('names the file that is no schema', () => {
    using document = readXml(Buffer.from(descriptor()));
    const nonsense = createOvfSchemas(new Map(SCHEMA_FILES.map((name) => [name, Buffer.from('<a/>')])));
    expect(() => nonsense.envelope(document)).toThrow('dsp8023_1.1.0.xsd cannot be compiled');
  });
});

/** A small generator of repeatable numbers (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const VALUES = ['', 'x', '-1', '1', '65536', '18446744073709551616', 'true', '  2 ', '%zz', 'a'.repeat(65), '${p}'];
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** One change somewhere: a tag or attribute dropped, doubled, swapped, renamed, moved to another namespace, given another value. */
function mutate(text: string, next: (below: number) => number): string {
  const pick = (pattern: RegExp): RegExpMatchArray | undefined => {
    const all = [...text.matchAll(pattern)];
    return all.length === 0 ? undefined : all[next(all.length)];
  };
  const splice = (match: RegExpMatchArray | undefined, by: (found: string) => string): string =>
    match === undefined
      ? text
      : text.slice(0, match.index) + by(match[0]) + text.slice((match.index ?? 0) + match[0].length);
  const attribute = / [\w:]+="[^"]*"/g;
  const leaf = /<([\w:]+)[^<>]*(?:\/>|>[^<>]*<\/\1>)/g;
  switch (next(9)) {
    case 0:
      return splice(pick(attribute), () => '');
    case 1:
      return splice(pick(attribute), (found) => found.replace(/"[^"]*"/, `"${VALUES[next(VALUES.length)]}"`));
    case 2:
      return splice(pick(attribute), (found) => found.replace(/ (\w+:)?/, ' '));
    case 3:
      return splice(pick(leaf), () => '');
    case 4:
      return splice(pick(leaf), (found) => found + found);
    case 5:
      return splice(pick(leaf), (found) => found.replace(/>[^<>]*</, `>${VALUES[next(VALUES.length)]}<`));
    case 6:
      return splice(pick(leaf), (found) => found.replace(/^<[\w:]+/, (name) => `${name} ${XSI} xsi:nil="true"`));
    case 7: {
      const other = pick(leaf)?.[0] ?? '';
      return splice(pick(leaf), (found) => (next(2) === 0 ? other + found : found + other));
    }
    default:
      return splice(pick(leaf), (found) =>
        found.replaceAll('rasd:', 'vssd:').replace(/<(\/?)(Info|Disk|File|Network)\b/g, '<$1ovf2:$2'),
      );
  }
}

function compare(ours: typeof schemas, theirs: typeof schemas, bytes: Uint8Array): 'same' | 'different' | 'unparsed' {
  let document: XmlDocument;
  try {
    document = readXml(bytes);
  } catch {
    return 'unparsed';
  }
  using parsed = document;
  return (ours.envelope(parsed).length === 0) === (theirs.envelope(parsed).length === 0) ? 'same' : 'different';
}

describe('our schema against the official one of OVF 1.1', () => {
  const xsd = sharedFolder('ovf-xsd');
  const corpus = sharedFolder('ovf-corpus');
  const there = xsd !== undefined && corpus !== undefined;
  (there ? it : it.skip)('gives the same verdict on every descriptor of the corpus', () => {
    const official = schemasIn(join(xsd as string, '1.1'));
    const counts = { same: 0, different: 0, unparsed: 0 };
    const files = join(corpus as string, 'files');
    for (const name of readdirSync(files)) counts[compare(schemas, official, readFileSync(join(files, name)))]++;
    console.log('schema verdicts on the corpus', counts);
    expect(counts.different).toBe(0);
    expect(counts.same).toBeGreaterThan(150);
  });

  (there ? it : it.skip)('gives the same verdict on 300 mutations', () => {
    const official = schemasIn(join(xsd as string, '1.1'));
    const files = join(corpus as string, 'files');
    const seeds = readdirSync(files)
      .filter((name) => /myservice.ovf|lamp-multi|ubuntu-server|csr1000v_2017|complete_vsc/.test(name))
      .map((name) => readFileSync(join(files, name), 'utf8'));
    seeds.push(descriptor({ items: ITEMS }));
    const next = random(20_100_112);
    const counts = { same: 0, different: 0, unparsed: 0 };
    const different: string[] = [];
    for (let run = 0; run < 300; run++) {
      const mutant = mutate(seeds[next(seeds.length)] as string, next);
      const answer = compare(schemas, official, Buffer.from(mutant));
      counts[answer]++;
      if (answer === 'different') different.push(mutant);
    }
    console.log('schema verdicts on mutations, seed 20100112', counts);
    expect(different).toEqual([]);
  });
});
