/** Whatever is sent: the text parsers answer or refuse with a Problem, at a cost in proportion to the input. */

import fc from 'fast-check';
import { Problem, type Fault } from '../../../src/base/errors.js';
import { parseTextOcci, parseTextPlain, parseUriList } from '../../../src/occi/text/index.js';
import { expectProportional } from '../proportion.js';

const GOOD =
  'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\r\n' +
  'X-OCCI-Attribute: occi.core.title="web, \\"front\\" \\\\", occi.compute.cores=1, occi.compute.memory=1.5\r\n' +
  'Link: </network/6f0a>; rel="http://x#network"; self="/networkinterface/77"; category="http://x#a http://x#b"; n="eth0"\r\n' +
  'Link: </compute/2b1c?action=start>; rel="http://x/action#start"\r\n' +
  'X-OCCI-Location: https://vep.example.org/compute/2b1c, /storage/9\r\n';
const NAMES = ['Category', 'X-OCCI-Category', 'link', 'X-OCCI-Attribute', 'X-OCCI-Location', 'Host'];

/** Runs a parser; everything but a Problem with orderly faults is a failure. */
function survives(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { faults } = error;
    if (faults.length === 0 || faults.length > 101 || !faults.every(isOrderly))
      throw new Error(JSON.stringify(faults), { cause: error });
  }
}

function isOrderly({ code, remedy, place }: Fault): boolean {
  return (
    /^text\.[a-z.-]+$/.test(code) &&
    (code === 'text.too-many-faults' || remedy !== undefined) &&
    (place?.column ?? 1) > 0
  );
}

function survivesEverywhere(text: string): void {
  survives(() => parseTextPlain(text));
  survives(() => parseUriList(text));
  for (const name of NAMES) {
    survives(() => parseTextPlain(`${name}: ${text}`));
    survives(() => parseTextOcci([[name, text]]));
  }
}

describe('hostile text', () => {
  it('survives arbitrary text', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), survivesEverywhere), { numRuns: 120 });
  });

  it('survives arbitrary sequences of tokens', () => {
    const token = fc.constantFrom(
      ...[
        '"',
        '\\',
        ',',
        ';',
        '=',
        '<',
        '>',
        ' ',
        '\t',
        '\r',
        '\n',
        '\r\n',
        '#',
        ':',
        '?action=',
        'a',
        '1',
        '-',
        '.',
        '\0',
        '\ufeff',
      ],
      ...[
        'scheme',
        'class',
        'rel',
        'category',
        'self',
        'http://x#',
        '"http://x#y"',
        'kind',
        'Category:',
        'Link:',
        '\ud800',
      ],
    );
    fc.assert(fc.property(fc.string({ unit: token, maxLength: 40 }), survivesEverywhere), { numRuns: 300 });
  });

  it('survives mutations of a good request', () => {
    const mutation = fc.record({
      at: fc.nat(GOOD.length),
      drop: fc.nat(6),
      insert: fc.oneof(
        fc.constant(''),
        fc.constantFrom('"', '\\', ',', ';', '<', '>', '\n', '='),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const text = mutations.reduce(
          (body, { at, drop, insert }) => body.slice(0, at) + insert + body.slice(at + drop),
          GOOD,
        );
        survives(() => parseTextPlain(text));
      }),
      { numRuns: 600 },
    );
  });

  it('reads a good request from any cut on as a good one or refuses it', () => {
    for (let at = 0; at <= GOOD.length; at += 1) survives(() => parseTextPlain(GOOD.slice(0, at)));
  });

  /** One line, or one body, of about this many characters. */
  const shapes: readonly (readonly [string, (length: number) => string])[] = [
    ['good requests', (length) => GOOD.replaceAll(/a[tm]*e*=.*/g, '').repeat(Math.ceil(length / GOOD.length))],
    ['one long string', (length) => `X-OCCI-Attribute: a="${'x'.repeat(length)}"`],
    ['a string of escapes', (length) => `X-OCCI-Attribute: a="${'\\"'.repeat(length / 2)}"`],
    ['an unclosed string of escapes', (length) => `X-OCCI-Attribute: a="${'\\"'.repeat(length / 2)}`],
    ['many strings', (length) => `X-OCCI-Attribute: ${'a="b", '.repeat(length / 7)}`],
    [
      'many strings without an escape before the end',
      (length) => `X-OCCI-Attribute: ${'a="b", '.repeat(length / 7)}c="\\\\"`,
    ],
    ['digits', (length) => `X-OCCI-Attribute: a=${'1'.repeat(length)}x`],
    ['semicolons', (length) => `Category: a${';'.repeat(length)}`],
    ['commas', (length) => `Link: ${','.repeat(length)}`],
    ['blanks', (length) => `Link: ${' '.repeat(length)}`],
    ['a list of identifiers', (length) => `Link: </a>; rel="${'http://x#a '.repeat(length / 11)}"`],
    ['repeated parameters', (length) => `Link: </a>; rel="http://x#a"${';category=http://x#b'.repeat(length / 20)}`],
    ['queries', (length) => `Link: </a?${'&'.repeat(length)}>; rel="http://x#a"`],
    ['unclosed brackets', (length) => `Link: ${'<'.repeat(length)}`],
    ['a broken value before many strings', (length) => `Link: x ${'"a" <b> '.repeat(length / 8)}`],
    ['carriage returns', (length) => '\r'.repeat(length)],
    ['line feeds, then one carriage return', (length) => `${'\n'.repeat(length)}\r`],
    ['short lines', (length) => 'X-OCCI-Location: /1\n'.repeat(length / 20)],
    ['the same category', (length) => 'Category: a;scheme="http://x#"\n'.repeat(length / 31)],
    [
      'two forms of a category',
      (length) => 'Category: a;scheme="http://x#"\nCategory: a;scheme="http://x#";class=kind\n'.repeat(length / 73),
    ],
  ];

  const limits = { line: 10_000_000, values: 10_000_000 };

  it.each(shapes)('costs in proportion to the length: %s', (_, shape) => {
    expectProportional((text) => parseTextPlain(text, limits), shape);
  });
});
