/** Content-Type and Accept as GFD.185 §3.6.6 and RFC 9110 want them, with what clients really send (I-032, I-033). */

import fc from 'fast-check';
import { jsonVersion, negotiate, parseContentType } from '../../src/occi/media-type.js';

const OFFERED = [
  'text/plain',
  'text/occi+plain',
  'text/occi',
  'text/uri-list',
  'application/occi+json',
  'application/json',
  'application/occi+json; version=1.1',
];

describe('negotiate', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['C-183 no Accept', undefined, 'text/plain'],
    ['C-183 */*', '*/*', 'text/plain'],
    ['an empty Accept', '', 'text/plain'],
    ['text/*', 'text/*', 'text/plain'],
    ['C-184 text/occi', 'text/occi', 'text/occi'],
    ['C-184 text/uri-list', 'text/uri-list', 'text/uri-list'],
    ['C-185 OCCI JSON', 'application/occi+json', 'application/occi+json'],
    ['C-186 text/occi+plain', 'text/occi+plain', 'text/occi+plain'],
    ['capitals', 'Text/OCCI', 'text/occi'],
    ['I-032 application/json', 'application/json', 'application/json'],
    ['application/*', 'application/*', 'application/occi+json'],
    ['K19 the JSON of 1.1 by name', 'application/occi+json; version=1.1', 'application/occi+json; version=1.1'],
    [
      'K19 the JSON of 1.1 by name, quoted',
      'application/occi+json;version="1.1";q=0.9',
      'application/occi+json; version=1.1',
    ],
    ['the JSON of 1.2 by name', 'application/occi+json; version=1.2', 'application/occi+json'],
    ['a JSON of neither', 'application/occi+json; version=3', undefined],
    ['rOCCI: ties go to the first offered', 'text/plain,text/occi', 'text/plain'],
    ['rOCCI: in whatever order', 'text/occi, text/plain', 'text/plain'],
    ['rOCCI: a lower quality', 'text/plain,text/occi;q=0.2', 'text/plain'],
    ['a higher quality', 'text/plain;q=0.3, text/occi;q=0.31', 'text/occi'],
    ['what is named before what is covered', 'application/json, text/html, */*', 'application/json'],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/plain'],
    ['Java', 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', 'text/plain'],
    ['an exclusion', 'text/plain;q=0, */*', 'text/occi+plain'],
    ['an exclusion of all', '*/*;q=0', undefined],
    ['the more exact range decides', 'text/*;q=1, text/plain;q=0.1, text/occi+plain;q=0', 'text/occi'],
    ['I-033 other parameters', 'text/occi; charset=utf-8', 'text/occi'],
    ['ranges that are none', 'text, ;q=1, text/occi/x, "x", text/occi', 'text/occi'],
    ['only ranges that are none', 'nonsense', 'text/plain'],
    ['a quality that is none', 'text/plain; q=high, text/occi; q=0.1', 'text/occi'],
    ['a comma inside of quotes', 'text/x; a="b, text/plain", text/occi', 'text/occi'],
    ['an unclosed quote', 'text/occi; a="b', 'text/occi'],
    ['C-188 what is not offered', 'application/xml, image/png', undefined],
  ])('%s', (_, accept, chosen) => {
    expect(negotiate(accept, OFFERED)).toBe(chosen);
  });

  it('gives OCCI JSON to application/json where the alias is not offered', () => {
    expect(negotiate('application/json', ['text/plain', 'application/occi+json'])).toBe('application/occi+json');
  });

  it('answers with something offered, whatever is asked', () => {
    const piece = fc.constantFrom(
      ...[
        'text',
        '/',
        '*',
        'plain',
        'occi',
        ';',
        ',',
        'q',
        '=',
        '0',
        '.5',
        '1',
        '"',
        ' ',
        'application',
        '+json',
        '\\',
      ],
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.oneof(piece, fc.string()), maxLength: 30 }), (accept) => {
        expect([undefined, ...OFFERED]).toContain(negotiate(accept, OFFERED));
      }),
      { numRuns: 300 },
    );
  });

  it('looks at no more members than a client can mean', () => {
    expect(negotiate(`${'a/b, '.repeat(100_000)}text/occi`, OFFERED)).toBeUndefined();
  });
});

describe('parseContentType', () => {
  it.each([
    ['text/plain', 'text/plain', {}],
    ['Text/Plain; Charset=UTF-8', 'text/plain', { charset: 'UTF-8' }],
    ['text/plain,text/occi', 'text/plain', {}],
    ['nonsense, text/occi', 'text/occi', {}],
    ['multipart/form-data; boundary="a;b,\\"c\\""', 'multipart/form-data', { boundary: 'a;b,"c"' }],
    ['multipart/form-data; boundary=----=_Part/1:2?', 'multipart/form-data', { boundary: '----=_Part/1:2?' }],
    ['text/plain; charset; a=1; a=2;', 'text/plain', { a: '1' }],
  ])('reads %j', (header, type, parameters) => {
    expect(parseContentType(header)).toEqual({ type, parameters: new Map(Object.entries(parameters)) });
  });

  it.each([[undefined], [''], ['text'], ['text/'], ['/plain'], ['text/plain charset=utf-8'], ['te xt/plain'], [',;=']])(
    'finds none in %j',
    (header) => {
      expect(parseContentType(header)).toBeUndefined();
    },
  );

  it('K19 tells the JSON of 1.1 from that of 1.2', () => {
    const versionOf = (header: string) => {
      const type = parseContentType(header);
      return type && jsonVersion(type);
    };
    expect(versionOf('application/occi+json; version=1.1')).toBe('1.1');
    expect(versionOf('application/occi+json')).toBe('1.2');
  });
});
