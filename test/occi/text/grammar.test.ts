/**
 * The grammar of GFD.229 §4 as a whole: every message that its productions make is read as what it means, in a body and in
 * header fields alike; every production with one thing wrong is refused with the fault that it has, and no other.
 */

import fc from 'fast-check';
import { Problem } from '../../../src/base/errors.js';
import type { OcciRequest } from '../../../src/occi/request.js';
import { parseTextOcci, parseTextPlain } from '../../../src/occi/text/index.js';
import { ANY_WORDS, bodyOf, fieldsOf, nearMiss, pieces, type Pieces, type WrittenField } from './productions.js';

const message = pieces(ANY_WORDS).chain((of) =>
  fieldsOf(of).chain((fields) => bodyOf(fields).map((body) => ({ of, fields, body }))),
);

/** Header values as Node hands them over: UTF-8 bytes as latin-1, blanks at the ends gone. */
const received = (fields: readonly WrittenField[]): [string, string][] =>
  fields.map(([name, value]) => [name, Buffer.from(value.replace(/^[ \t]+|[ \t]+$/g, '')).toString('latin1')]);

function expectMeaning(read: OcciRequest, { categories, attributes, links, locations }: Pieces): void {
  const meant = <T>(drawn: readonly { readonly meaning: T }[]): T[] => drawn.map(({ meaning }) => meaning);
  expect(read.categories).toEqual(meant(categories));
  expect(read.locations).toEqual(meant(locations));
  const [entity, ...others] = read.entities;
  expect(others).toEqual([]);
  expect([...(entity?.attributes ?? [])]).toEqual(meant(attributes));
  expect(entity?.links ?? []).toEqual(meant(links));
  expect(read.empty).toBe(categories.length + attributes.length + links.length + locations.length === 0);
}

function codesOf(parse: () => unknown): (string | undefined)[] {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.faults.map(({ code }) => code);
  }
  return [];
}

describe('the grammar', () => {
  it('reads every message that the productions make as what it means', () => {
    fc.assert(
      fc.property(message, ({ of, fields, body }) => {
        expectMeaning(parseTextPlain(body), of);
        expectMeaning(parseTextOcci(received(fields)), of);
      }),
      { numRuns: 1000 },
    );
  });

  it('tells every production with one thing wrong by its fault, among whatever is right', () => {
    const misses = fc.array(nearMiss(ANY_WORDS), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(message, misses, fc.constantFrom('\r\n', '\n', '\r'), ({ fields, body }, wrong, end) => {
        // Every one under a name of its own, so that none gets in the way of another.
        const written = wrong.map(({ field, text }, at): WrittenField => [field, text.replaceAll('miss', `miss${at}`)]);
        const codes = wrong.map(({ code }) => code);
        const lines = written.map(([name, value]) => `${end}${name}: ${value}`).join('');
        expect(codesOf(() => parseTextPlain(body + lines))).toEqual(codes);
        expect(codesOf(() => parseTextOcci(received([...fields, ...written])))).toEqual(codes);
      }),
      { numRuns: 1500 },
    );
  });
});
