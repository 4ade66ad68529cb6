import { parsePlanInputs } from '../../src/ovf/inputs.js';
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

describe('messages in another language (DSP0243 §10)', () => {
  const title = (descriptor: string, language?: string): string | undefined =>
    planOf(descriptor, language === undefined ? {} : { language }).draft?.title;
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
