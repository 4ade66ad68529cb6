import { gzipSync } from 'node:zlib';
import {
  bundleFiles,
  inspectEnvelope,
  languageFor,
  NO_INPUTS,
  planEnvelope,
  readBundles,
  readEnvelope,
  withBundles,
} from '../../src/ovf/index.js';
import { parsePlanInputs } from '../../src/ovf/inputs.js';
import { schemas } from './schema-support.js';
import { envelope, planOf, system } from './plan-support.js';

const bundle = (lang: string, name: string): string =>
  `<Strings xml:lang="${lang}"><Msg ovf:msgid="name"> ${name} </Msg></Strings>`;
const SHOP = system('shop', {
  sections: `<EulaSection><Info/><License ovf:msgid="licence">Pay.</License></EulaSection>
    <ProductSection><Info/><Category ovf:msgid="other">c</Category><Property ovf:key="k" ovf:type="string" ovf:userConfigurable="true"><Label ovf:msgid="name">Shop</Label></Property></ProductSection>`,
});
const named = SHOP.replace('<Info/>', '<Info/><Name ovf:msgid="name">Shop</Name>');
const text = (...bundles: readonly string[]): string =>
  envelope(named).replace('</Envelope>', `${bundles.join('')}</Envelope>`);

const title = (descriptor: string, language?: string): string | undefined =>
  planOf(descriptor, language === undefined ? {} : { language }).draft?.title;

describe('messages in another language (DSP0243 §10)', () => {
  const three = text(bundle('de', 'Laden'), bundle('de-AT', 'Geschäft'), bundle('fr-CA', 'Magasin'));

  it.each([
    [undefined, 'Shop'],
    ['de-AT', 'Geschäft'],
    ['DE', 'Laden'],
    ['de-CH', 'Laden'],
    ['fr', 'Magasin'],
    ['it', 'Shop'],
  ])('O-073 %s: the best bundle there is, else the text of the element', (language, expected) => {
    expect(title(three, language)).toBe(expected);
  });

  it('reaches labels and licences, each message by itself', () => {
    const licence = '<Strings xml:lang="de"><Msg ovf:msgid="licence">Zahl!</Msg></Strings>';
    const { unresolved } = planOf(text(bundle('de-AT', 'Geschäft'), licence), { language: 'de-AT' });
    expect(unresolved.properties).toMatchObject([{ label: 'Geschäft', category: 'c' }]);
    expect(unresolved.eulas).toMatchObject([{ text: 'Zahl!' }]);
  });

  it('is one of the inputs, and must be a language tag', () => {
    expect(parsePlanInputs({ language: 'de-AT' })).toMatchObject({ language: 'de-AT' });
    for (const language of ['', 'de_AT', 7, '../x'])
      expect(() => parsePlanInputs({ language })).toThrow('language tag');
  });
});

describe('small references to large messages (O-078)', () => {
  const many = (count: number, of: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => of(index)).join('');

  it('are refused where the text in a language would be more than anybody reads', () => {
    const labels = many(
      100,
      (index) => `<Property ovf:key="k${index}" ovf:type="string"><Label ovf:msgid="name"/></Property>`,
    );
    const large = text(bundle('de', 'x'.repeat(2 ** 18))).replace('</ProductSection>', `${labels}</ProductSection>`);
    expect(title(large)).toBe('Shop');
    expect(() => title(large, 'de')).toThrow(
      expect.objectContaining({ kind: 'too-large', faults: [expect.objectContaining({ rule: 'O-078' })] }),
    );
  });

  it('in files of their own are read once, and left out where they are too many', () => {
    const named = many(100, (index) => `<Msg ovf:msgid="m${index}" ovf:fileRef="f"/>`);
    const descriptor = text(`<Strings xml:lang="de">${named}</Strings>`).replace(
      '<References>',
      '<References><File ovf:id="f" ovf:href="f.txt"/>',
    );
    const { envelope: read } = readEnvelope(Buffer.from(descriptor), { mode: 'lenient', schemas });
    const { envelope: whole, findings } = withBundles(read, new Map([['f', Buffer.alloc(2 ** 20, 'x')]]), 'lenient');
    expect(whole.strings[0]?.messages.size).toBe(16);
    expect(findings).toMatchObject([{ code: 'ovf.O-078', severity: 'warning' }]);
  });
});

describe('bundles in files of their own (DSP0243 §10, O-073, O-074)', () => {
  const external = (attributes: string): string => `<Strings ${attributes}/>`;
  const file = (id: string, attributes = ''): string => `<File ovf:id="${id}" ovf:href="msg/${id}.xml" ${attributes}/>`;
  const references = (files: string, ...bundles: readonly string[]): string =>
    envelope(named, { references: files }).replace('</Envelope>', `${bundles.join('')}</Envelope>`);
  const content = (lang: string, name: string): Buffer =>
    Buffer.from(
      `<o:Strings xmlns:o="http://schemas.dmtf.org/ovf/envelope/1" ${lang && `xml:lang="${lang}"`}><o:Msg o:msgid="name">${name}</o:Msg></o:Strings>`,
    );
  const read = (text: string): ReturnType<typeof readEnvelope> =>
    readEnvelope(Buffer.from(text), { mode: 'lenient', schemas });
  const german = references(file('de'), external('xml:lang="de" ovf:fileRef="de"'));
  const told = (
    text: string,
    contents: Record<string, Buffer>,
    mode: 'strict' | 'lenient' = 'lenient',
  ): { title: string | undefined; findings: string[] } => {
    const { envelope: whole, findings } = withBundles(read(text).envelope, new Map(Object.entries(contents)), mode);
    const result = planEnvelope({ envelope: whole, findings: [] }, { ...NO_INPUTS, language: 'de' }, 'lenient');
    return {
      title: result.draft?.title,
      findings: findings.map(({ code, severity, place }) => `${code} ${severity} ${place?.field}`),
    };
  };

  it('speak as those inside the descriptor do, packed or not', () => {
    expect(told(german, { de: content('de', 'Laden') })).toEqual({ title: 'Laden', findings: [] });
    const packed = references(file('de', 'ovf:compression="gzip"'), external('xml:lang="de" ovf:fileRef="de"'));
    expect(told(packed, { de: gzipSync(content('', 'Laden')) })).toEqual({ title: 'Laden', findings: [] });
    expect(told(german, {})).toEqual({ title: 'Shop', findings: [] });
  });

  it('say their language in the descriptor, else in the file; without any they are of no use', () => {
    const silent = references(file('de'), external('ovf:fileRef="de"'));
    expect(told(silent, { de: content('de-CH', 'Lade') })).toEqual({ title: 'Lade', findings: [] });
    expect(told(silent, { de: content('', 'Lade') })).toEqual({
      title: 'Shop',
      findings: ['ovf.O-074 warning msg/de.xml'],
    });
  });

  it('O-073 say a message once: of two the last is taken, with a warning unless they say the same', () => {
    const bundle = (...texts: readonly string[]): string =>
      `<Strings xml:lang="de">${texts.map((text) => `<Msg ovf:msgid="name">${text}</Msg>`).join('')}</Strings>`;
    const of = (text: string): readonly string[] =>
      read(references('', text))
        .findings.filter(({ value }) => value === 'name')
        .map(({ code, severity, value }) => `${code} ${severity} ${value}`);
    expect(of(bundle('Laden', 'Lade'))).toEqual(['ovf.O-073 warning name']);
    expect(told(references('', bundle('Laden', 'Lade')), {}).title).toBe('Lade');
    expect(of(bundle('Laden', 'Laden'))).toEqual([]);
    const file = content('de', 'Laden').toString();
    const message = /<o:Msg.*<\/o:Msg>/.exec(file)?.[0] ?? '';
    const doubled = Buffer.from(file.replace(message, message + message.replace('Laden', 'Lade')));
    expect(told(german, { de: doubled })).toEqual({ title: 'Lade', findings: ['ovf.O-073 warning msg/de.xml'] });
  });

  it.each<[string, Buffer, string]>([
    ['no XML', Buffer.from('name=Laden'), 'xml.not-well-formed'],
    ['a document type', Buffer.from('<!DOCTYPE Strings [<!ENTITY a "b">]><Strings/>'), 'xml.doctype'],
    ['another document', Buffer.from('<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"/>'), 'ovf.O-074'],
    ['no gzip', Buffer.from('plain'), 'ovf.O-018'],
    ['a bomb', gzipSync(Buffer.alloc(64 << 20)), 'ovf.O-018'],
  ])('that are %s are left out, which strict mode refuses', (what, bytes, code) => {
    const zipped = what === 'no gzip' || what === 'a bomb';
    const text = references(
      file('de', zipped ? 'ovf:compression="gzip"' : ''),
      external('xml:lang="de" ovf:fileRef="de"'),
    );
    const lenient = told(text, { de: bytes });
    expect(lenient.title).toBe('Shop');
    expect(lenient.findings).toEqual([`${code} warning msg/de.xml`]);
    const { findings } = withBundles(read(text).envelope, new Map([['de', bytes]]), 'strict');
    expect(findings.map((fault) => [fault.code, fault.severity ?? 'error'])).toEqual([[code, 'error']]);
  });

  it('may have messages in plain files of their own, named in the descriptor or in a bundle (OVF 2 Msg fileRef)', async () => {
    const plain = `<File ovf:id="t" ovf:href="msg/t.txt"/>`;
    const messages = '<Msg ovf:msgid="name" ovf:fileRef="t"/>';
    const inside = references(plain, `<Strings xml:lang="de">${messages}</Strings>`);
    expect(told(inside, { t: Buffer.from('\ufeffLaden <&>\n') })).toEqual({ title: 'Laden <&>', findings: [] });
    expect(told(inside, {})).toEqual({ title: 'Shop', findings: [] });
    const binary = { t: Buffer.from([0xff, 0xfe, 0]) };
    expect(told(inside, binary)).toEqual({ title: 'Shop', findings: ['ovf.O-074 warning msg/t.txt'] });
    expect(bundleFiles(read(inside).envelope, ['de']).map(({ id }) => id)).toEqual(['t']);
    expect(bundleFiles(read(inside).envelope, ['fr'])).toEqual([]);

    const named = `<o:Msg o:msgid="name" o:fileRef="t">Lade</o:Msg>`;
    const outer = content('de', '')
      .toString()
      .replace(/<o:Msg.*<\/o:Msg>/, named);
    const bytes: Record<string, Buffer> = { de: Buffer.from(outer), t: Buffer.from('Laden') };
    const nested = references(file('de') + plain, external('xml:lang="de" ovf:fileRef="de"'));
    const asked: string[] = [];
    const { envelope: whole } = await readBundles(read(nested).envelope, 'lenient', ({ id }) => {
      asked.push(id);
      return bytes[id];
    });
    expect([asked, whole.strings[0]?.messages.get('name')]).toEqual([['de', 't'], 'Laden']);
    expect(told(nested, { de: bytes['de'] as Buffer }).title).toBe('Lade');
    const { findings } = inspectEnvelope(Buffer.from(inside.replace('ovf:fileRef="t"', 'ovf:fileRef="x"')), {
      mode: 'lenient',
      schemas,
    });
    expect(findings).toContainEqual(expect.objectContaining({ code: 'ovf.O-013', severity: 'warning' }));
  });

  it('are asked for only where a language needs them', () => {
    const files = file('de') + file('fr') + file('any');
    const text = references(
      files,
      external('xml:lang="de" ovf:fileRef="de"'),
      external('xml:lang="fr-FR" ovf:fileRef="fr"'),
      external('ovf:fileRef="any"'),
    );
    const { envelope: whole } = read(text);
    const needed = (...languages: readonly string[]): string[] => bundleFiles(whole, languages).map(({ id }) => id);
    expect(needed('de-AT')).toEqual(['de', 'any']);
    expect(needed('it', 'fr')).toEqual(['fr', 'any']);
    expect(bundleFiles(whole).map(({ id }) => id)).toEqual(['de', 'fr', 'any']);
  });
});

describe('the language of whoever asks (RFC 4647)', () => {
  const offered = text(bundle('de', 'Laden'), bundle('fr-CA', 'Magasin'));
  const { envelope: whole } = readEnvelope(Buffer.from(offered), { mode: 'lenient', schemas });
  it.each<[readonly string[], string | undefined]>([
    [[], undefined],
    [['it', 'de-AT', 'fr'], 'de-AT'],
    [['en', 'de'], undefined],
    [['en-GB'], undefined],
    [['it'], undefined],
    [['fr-FR', 'en'], 'fr-FR'],
  ])('of %j is %s: the text itself counts as a bundle of its own language', (wanted, language) => {
    expect(languageFor(whole, wanted)).toBe(language);
  });
});
