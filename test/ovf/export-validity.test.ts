/**
 * Whatever lenient mode has let pass, the export of it is valid strictly, by our schemas and the published ones, and reads as the
 * same plan. `VEP_TEST_NIGHTLY` makes ten times as many changes to real descriptors.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { uriReference, safeHref } from '../../src/ovf/envelope/href.js';
import { inspectEnvelope, NO_INPUTS, planEnvelope, type Envelope } from '../../src/ovf/index.js';
import { exportEnvelope } from '../../src/ovf/export/envelope.js';
import { essence, expectStrictlyValid, planOfText, reread, secretsOf, type Planned } from './export-support.js';
import { mutate, random } from './mutation.js';
import { collection, envelope, item, schemas, system } from './plan-support.js';
import { sharedFolder } from './schema-support.js';

const SEED = Number(process.env['VEP_TEST_SEED'] ?? 20_100_112);
const CHANGES = process.env['VEP_TEST_NIGHTLY'] ? 10_000 : 1_000;
/** Documents above this size would take most of the time. */
const LARGEST = 40_000;
const corpus = sharedFolder('ovf-corpus');

const GIB = 'ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30"';
const QCOW2 = 'ovf:format="http://www.gnome.org/~markmc/qcow-image-format.html"';

/** One machine with one disk, made from a file. */
function oneDisk(file: string, format = QCOW2, sections = ''): string {
  const items = item({ id: '3', type: 17, resource: 'ovf:/disk/d' });
  return envelope(system('vm', { items, sections }), {
    references: `<File ovf:id="f" ${file}/>`,
    disks: `<Disk ovf:diskId="d" ovf:fileRef="f" ${GIB} ${format}/>`,
  });
}

function both({ plan, envelope: original }: Planned): readonly string[] {
  return [exportEnvelope(plan), exportEnvelope(plan, original)];
}

describe('what lenient mode lets pass is exported as the standard wants it', () => {
  it.each([
    ['a colon in the first step', 'web_disk:1.img', 'web_disk%3A1.img'],
    ['what looks like a host behind a user', 'a@https:b.img', 'a@https%3Ab.img'],
    ['brackets', 'd[1]/a[2].img', 'd%5B1%5D/a%5B2%5D.img'],
    ['two fragments', 'a#b#c.img', 'a#b%23c.img'],
    ['a stray percent sign', '100%.img', '100%25.img'],
    ['a URL with brackets', 'https://example.org/a[1].img?b[]=1', 'https://example.org/a%5B1%5D.img?b%5B%5D=1'],
    ['a URL with a stray percent sign', 'https://example.org/100%/a.img', 'https://example.org/100%25/a.img'],
    ['a URL with a port of nothing', 'http://@example.org:/a.img', 'http://@example.org/a.img'],
  ])('a reference with %s', (_, href, written) => {
    const planned = planOfText(Buffer.from(oneDisk(`ovf:href="${href}"`))) as Planned;
    for (const text of both(planned)) {
      expect(text).toContain(`ovf:href="${written}"`);
      expect(essence(reread(text))).toEqual(essence(planned.plan));
    }
    const there = safeHref(written);
    if (there.kind === 'member') expect(there.path).toBe(href);
  });

  it.each(['img/a b.img', 'größe.img', 'https://[2001:db8::1]:8443/a', './a:b', 'a?b=c', 'http://h/%5B'])(
    'and the reference %j stays as it is',
    (href) => {
      expect(uriReference(href)).toBe(href);
    },
  );

  it.each([
    ['a format that nobody names', oneDisk('ovf:href="a.img2"', ''), 'ovf:format="unknown"'],
    ['a format that is no URI', oneDisk('ovf:href="a.img2"', 'ovf:format="%zz"'), 'ovf:format="%25zz"'],
    [
      'a size beyond all measure',
      oneDisk('ovf:href="a.img" ovf:size="18446744073709551615"'),
      'ovf:size="9007199254740991"',
    ],
    [
      'a locale for a language',
      oneDisk('ovf:href="a.img"').replace('<Envelope', '<Envelope xml:lang="de_AT"'),
      'xml:lang="de-AT"',
    ],
    [
      'no language at all',
      oneDisk('ovf:href="a.img"').replace('<Envelope', '<Envelope xml:lang="every language"'),
      'xml:lang="en-US"',
    ],
  ])('%s', (_, text, written) => {
    const planned = planOfText(Buffer.from(text)) as Planned;
    expect(exportEnvelope(planned.plan, planned.envelope)).toContain(written);
    for (const out of both(planned)) expect(essence(reread(out))).toEqual(essence(planned.plan));
  });

  it('types of properties that only VMware has, with their limits as qualifiers', () => {
    const types = [
      ...['password', 'password(8..20)', 'ip:Network', 'int', 'int(0..9)', 'String', 'string(..5)', 'boolean', 'name'],
      'string["a","b \\"c\\" \\\\ d"]',
    ];
    const properties = types.map(
      (type, index) =>
        `<Property ovf:key="k${index}" ovf:type="${type.replaceAll('"', '&quot;')}" ovf:userConfigurable="true"/>`,
    );
    const sections = `<ProductSection><Info/>${properties.join('')}</ProductSection>`;
    const { plan, envelope: original } = planOfText(Buffer.from(envelope(system('vm', { sections })))) as Planned;
    const text = exportEnvelope(plan, original);
    expectStrictlyValid(text);
    const [limits, again] = [original, inspectEnvelope(Buffer.from(text), { mode: 'lenient', schemas }).envelope].map(
      (each) =>
        planEnvelope({ envelope: each as Envelope, findings: [] }, NO_INPUTS, 'lenient').unresolved.properties.map(
          (property) => [property.limits, property.password],
        ),
    );
    expect(again?.slice(2)).toEqual(limits?.slice(2));
    // A secret is in no export, and has to be given again.
    expect(again?.slice(0, 2)).toEqual([
      [{ type: 'string', minLength: 1 }, true],
      [{ type: 'string', minLength: 8, maxLength: 20 }, true],
    ]);
  });

  it('a value that nobody can change and that is not of its type, as a text', () => {
    const property = '<Property ovf:key="k" ovf:type="uint8" ovf:qualifiers="MaxLen(2)"/>';
    const sections = `<ProductSection><Info/>${property}</ProductSection>`;
    const planned = planOfText(Buffer.from(envelope(system('vm', { sections })))) as Planned;
    for (const text of both(planned)) {
      expect(essence(reread(text))).toEqual(essence(planned.plan));
      const { envelope: again } = inspectEnvelope(Buffer.from(text), { mode: 'strict', schemas });
      expect(planEnvelope({ envelope: again as Envelope, findings: [] }, NO_INPUTS, 'strict').findings).toEqual([]);
    }
  });

  it('properties of two sections of one class as those of one', () => {
    const product = (key: string): string =>
      `<ProductSection><Info/><Property ovf:key="${key}" ovf:type="string" ovf:value="v"/></ProductSection>`;
    const planned = planOfText(
      Buffer.from(envelope(system('vm', { sections: product('a') + product('b') }))),
    ) as Planned;
    for (const text of both(planned)) expect(essence(reread(text))).toEqual(essence(planned.plan));
  });

  it.each([
    ['share', '', {}],
    ['only read', 'ovf2:readOnly="true"', { readOnly: true }],
  ])('disks that machines %s, which only OVF 2 has a section for', (_, attribute, told) => {
    const shared = `<ovf2:SharedDiskSection ovf:required="false"><Info/><ovf2:SharedDisk ovf:diskId="s" ovf:capacity="1073741824" ${attribute}/></ovf2:SharedDiskSection>`;
    const machines = ['a', 'b'].map((id) =>
      system(id, { items: item({ id: '3', type: 17, resource: 'ovf:/disk/s' }) }),
    );
    const text = envelope(collection('c', machines.join('')), { sections: shared });
    const planned = planOfText(Buffer.from(text)) as Planned;
    expect(planned.plan.disks).toEqual([{ id: 's', capacityBytes: 2 ** 30, shared: true, ...told }]);
    for (const out of both(planned)) expect(essence(reread(out))).toEqual(essence(planned.plan));
    // One that is required is an extension of OVF 1, and strict mode knows none of these.
    expect(() => expectStrictlyValid(text.replace('required="false"', 'required="true"'))).toThrow(/O-009/);
  });

  it('without what is of the standard where only vendors write, and without languages that are none', () => {
    const vendor = (inside: string, attributes = ''): string =>
      `<v:Own xmlns:v="http://vendor.example/ovf" ovf:required="false" ${attributes}><Info/>${inside}</v:Own>`;
    const rasd = '<rasd:ResourceType>none</rasd:ResourceType>';
    const sections =
      vendor('<v:Kept/>', 'xml:lang="no language" xml:space="other"') + vendor(`<v:Gone>${rasd}</v:Gone>`);
    const { plan, envelope: original } = planOfText(
      Buffer.from(oneDisk('ovf:href="a.img"', QCOW2, sections)),
    ) as Planned;
    const text = exportEnvelope(plan, original);
    expectStrictlyValid(text);
    expect([text.includes(':Kept'), text.includes(':Gone'), text.includes('no language')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

(corpus === undefined ? describe.skip : describe)('changed descriptors of the field', () => {
  it('are exported validly, as often as they can be planned, and read as the same plan', () => {
    const folder = join(corpus ?? '', 'files');
    const originals = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name)))
      .filter((bytes) => bytes.length < LARGEST && planOf(bytes) !== undefined)
      .map((bytes) => bytes.toString('utf8'));
    const draw = random(SEED);
    let exported = 0;
    for (let run = 0; run < CHANGES; run += 1) {
      const changed = mutate(originals[draw(originals.length)] ?? '', draw);
      const planned = planOf(Buffer.from(changed));
      if (!planned) continue;
      for (const text of both(planned)) {
        const again = reread(text, { properties: secretsOf(planned.plan) });
        expect([changed, essence(again)]).toEqual([changed, essence(planned.plan)]);
      }
      exported += 1;
    }
    console.log(`${CHANGES} changes, seed ${SEED}: ${exported} exported and read again`);
    expect(exported).toBeGreaterThan(CHANGES / 4);
  });
});

/** Undefined for what is no XML any more, or no package. */
function planOf(bytes: Uint8Array): Planned | undefined {
  try {
    return planOfText(bytes);
  } catch {
    return undefined;
  }
}
