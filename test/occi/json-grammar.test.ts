/**
 * The JSON rendering as a whole: every document that GFD.226 §3.1 allows is read as what it means however it is written,
 * and one with a single thing wrong is refused with the fault that it has, and no other.
 */

import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import type { JsonValue } from '../../src/base/json.js';
import { parseJson } from '../../src/occi/json/index.js';
import { expectProportional } from './proportion.js';
import { ANY_DOCUMENT, WRONG_TEXTS, document, written, wrongMember } from './json-productions.js';

function faultsOf(text: string): string[] {
  try {
    parseJson(text, 'entity');
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(error.kind).toBe('malformed');
    return error.faults.map(({ code, place }) => `${code} ${place?.path ?? ''}`);
  }
  return [];
}

const form = <T extends { readonly value: JsonValue }>(of: T): fc.Arbitrary<T & { readonly text: string }> =>
  written(of.value).map((text) => ({ ...of, text }));

describe('the JSON rendering', () => {
  it('reads every document as what it means, however it is written', () => {
    fc.assert(
      fc.property(document(ANY_DOCUMENT).chain(form), ({ text, value, meaning }) => {
        expect(JSON.parse(text)).toEqual(value);
        const { entities, empty } = parseJson(text, 'entity');
        expect(entities).toEqual([meaning]);
        expect(empty).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('reads collections as their members', () => {
    const several = fc.array(document(ANY_DOCUMENT), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        several.chain((all) => written({ resources: all.map(({ value }) => value) }).map((text) => ({ text, all }))),
        ({ text, all }) => expect(parseJson(text).entities).toEqual(all.map(({ meaning }) => meaning)),
      ),
      { numRuns: 100 },
    );
  });

  it('tells one member that is wrong by its fault and place', () => {
    fc.assert(
      fc.property(wrongMember(ANY_DOCUMENT).chain(form), ({ text, fault }) => expect(faultsOf(text)).toEqual([fault])),
      { numRuns: 1000 },
    );
  });

  it('refuses every document that is cut off', () => {
    const cut = document(ANY_DOCUMENT)
      .chain(form)
      .chain(({ text }) => fc.nat(text.trimEnd().length - 1).map((at) => text.slice(0, at)))
      .filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(cut, (text) => expect(faultsOf(text)).toHaveLength(1)),
      { numRuns: 500 },
    );
  });

  it.each(WRONG_TEXTS)('tells json.%s of %j', (code, text) => {
    const once = document(ANY_DOCUMENT)
      .chain(form)
      .map((right) => text.replaceAll('miss', () => right.text));
    fc.assert(
      fc.property(once, (wrong) => {
        expect(faultsOf(wrong).map((fault) => fault.split(' ')[0])).toEqual([`json.${code}`]);
      }),
      { numRuns: 10 },
    );
  });
});

describe('hostile JSON', () => {
  const many = (length: number, each: string): string =>
    Array.from({ length: length / each.length }, () => each).join(',');
  const shapes: readonly (readonly [string, (length: number) => string])[] = [
    ['brackets that never close', (length) => '['.repeat(length)],
    ['braces that never close', (length) => '{"a":'.repeat(length / 5)],
    ['blanks', (length) => `{${' '.repeat(length)}`],
    ['a string of escapes that never closes', (length) => `["${'\"'.repeat(length / 2)}`],
    ['a string of unicode escapes', (length) => `["${'\u0041'.repeat(length / 6)}"]`],
    ['many strings with an escape', (length) => `[${many(length, '"\n"')}]`],
    ['digits', (length) => `[${'1'.repeat(length)}]`],
    ['a number that never ends well', (length) => `[1${'0'.repeat(length)}e]`],
    ['one member again and again', (length) => `{${many(length, '"a":1')}}`],
    ['unknown members', (length) => `{${Array.from({ length: length / 10 }, (_, at) => `"a${at}":1`).join(',')}}`],
    [
      'attributes',
      (length) => `{"attributes":{${Array.from({ length: length / 10 }, (_, at) => `"a.${at}":1`).join(',')}}}`,
    ],
    ['mixins', (length) => `{"mixins":[${many(length, '"http://x#a"')}]}`],
    ['links without a target', (length) => `{"links":[${many(length, '{"target":{}}')}]}`],
    ['locations', (length) => `[${many(length, '"/a"')}]`],
    ['faults on many lines', (length) => `{${Array.from({ length: length / 7 }, () => '"a":1\n').join(',')}}`],
  ];
  it.each(shapes)('costs in proportion to the length: %s', (_, shape) =>
    expectProportional((text) => parseJson(text), shape),
  );
});
