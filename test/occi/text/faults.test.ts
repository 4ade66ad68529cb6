/** What the text parsers refuse: every fault with its place, rule and remedy, and never more than the limits. */

import { Problem, type Fault, type ProblemKind } from '../../../src/base/errors.js';
import { parseTextOcci, parseTextPlain, parseUriList } from '../../../src/occi/text/index.js';

function refusal(parse: () => unknown, kind: ProblemKind = 'malformed'): readonly Fault[] {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(error.kind).toBe(kind);
    return error.faults;
  }
  throw new Error('nothing was refused');
}

describe('faults of the text renderings', () => {
  it.each([
    ['X-OCCI-Attribute: occi.compute.cores=', 'text.attribute.value', 38],
    ['X-OCCI-Attribute: occi.compute.cores', 'text.missing-equals', 37],
    ['X-OCCI-Attribute: a="x', 'text.unterminated-string', 21],
    ['X-OCCI-Attribute: a="x\\', 'text.unterminated-string', 21],
    ['X-OCCI-Attribute: a="x\\"', 'text.unterminated-string', 21],
    ['X-OCCI-Attribute: a="x\u0000y"', 'text.control-character', 21],
    ['X-OCCI-Attribute: a="x" "y"', 'text.unexpected', 25],
    ['X-OCCI-Attribute: a=My VM', 'text.unexpected', 24],
    ['X-OCCI-Attribute: a b=1', 'text.unexpected', 21],
    ['X-OCCI-Attribute: _a=1', 'text.unexpected', 19],
    ['X-OCCI-Attribute: occi$a=1', 'text.unexpected', 23],
    ['X-OCCI-Attribute: "a"=1', 'text.unexpected', 19],
    ['X-OCCI-Attribute: a=1, a=2', 'text.attribute.twice', 24],
    ['Category: compute', 'text.category.scheme', 11],
    ['Category: compute; scheme=""', 'text.category.scheme', 11],
    ['Category: compute; scheme="infrastructure#"', 'text.category.scheme', 11],
    ['Category: compute; scheme="http://x#storage"', 'text.category.scheme', 11],
    ['Category: compute; scheme="http://x y#"', 'text.category.scheme', 11],
    ['Category: compute; scheme="http://x#"; class="sort"', 'text.category.class', 11],
    ['Category: compute; scheme="http://x#"; rel="http://x#a b"', 'text.category.rel', 11],
    ['Category: compute; scheme="http://x#"; location="/a b/"', 'text.category.location', 11],
    ['Category: compute; scheme="http://x#"; scheme="http://y#"', 'text.parameter-twice', 40],
    ['Category: compute; scheme="http://x#"; class', 'text.missing-equals', 45],
    ['Category: compute; scheme="http://x#"; class=', 'text.missing-value', 46],
    ['Category: compute; scheme="http://x#"class="kind"', 'text.unexpected', 38],
    ['Category: compute; scheme="http://x#" kind', 'text.missing-equals', 43],
    ['Category: ; scheme="http://x#"', 'text.unexpected', 11],
    ['Category: c\u00f6mpute; scheme="http://x#"', 'text.unexpected', 12],
    ['Link: /network/1; rel="http://x#y"', 'text.link.form', 7],
    ['Link: </network/1; rel="http://x#y"', 'text.unterminated-uri', 7],
    ['Link: <>; rel="http://x#y"', 'text.link.target', 7],
    ['Link: </a b>; rel="http://x#y"', 'text.link.target', 7],
    ['Link: </a>', 'text.link.rel', 7],
    ['Link: </a>; rel="network"', 'text.link.rel', 7],
    ['Link: </a>; category="ni"', 'text.link.category', 7],
    ['Link: </a>; rel="http://x#y"; self="/b c"', 'text.link.self', 7],
    ['Link: </a>; rel="http://x#y"; a=1; a=2', 'text.attribute.twice', 36],
    ['X-OCCI-Location: /a /b', 'text.unexpected', 21],
    ['X-OCCI-Location: <a>', 'text.location', 18],
    ['X-OCCI-Location: "/a b"', 'text.location', 18],
    ['X-OCCI-Location: ;', 'text.location', 18],
    ['Compute: 1', 'text.unknown-field', 1],
    ['{"kind": "x"}', 'text.unknown-field', 1],
    ['OK', 'text.unknown-field', 1],
  ])('refuses %j', (line, code, column) => {
    const [fault] = refusal(() => parseTextPlain(`\r\n${line}\r\n`));
    expect(fault).toMatchObject({ code, place: { line: 2, column } });
    expect(fault?.rule).toMatch(/^GFD\.229 §/);
    expect(fault?.remedy).toBeTruthy();
  });

  it('lists all faults, and reads on after each', () => {
    const faults = refusal(() =>
      parseTextPlain(
        'Category: compute; scheme="x"; class="sort", b c, storage\n' +
          'X-OCCI-Attribute: a="open, b=1\n' +
          'X-OCCI-Attribute: c=, d="a,b" e, f=1, f=2\r\n' +
          'nonsense\n' +
          'Link: </a>; rel="b", </c> d, <e',
      ),
    );
    expect(faults.map(({ code, place }) => [code, place?.line, place?.column, place?.field])).toEqual([
      ['text.category.scheme', 1, 11, 'Category'],
      ['text.category.class', 1, 11, 'Category'],
      ['text.missing-equals', 1, 49, 'Category'],
      ['text.category.scheme', 1, 51, 'Category'],
      ['text.unterminated-string', 2, 21, 'X-OCCI-Attribute'],
      ['text.attribute.value', 3, 21, 'X-OCCI-Attribute'],
      ['text.unexpected', 3, 31, 'X-OCCI-Attribute'],
      ['text.attribute.twice', 3, 39, 'X-OCCI-Attribute'],
      ['text.unknown-field', 4, 1, undefined],
      ['text.link.rel', 5, 7, 'Link'],
      ['text.missing-equals', 5, 28, 'Link'],
      ['text.unterminated-uri', 5, 30, 'Link'],
    ]);
  });

  it('keeps to its line whatever an unclosed quote is followed by', () => {
    const faults = refusal(() =>
      parseTextPlain('X-OCCI-Attribute: a="x\nX-OCCI-Attribute: b\\="y"\nX-OCCI-Attribute: c="z" d'),
    );
    expect(faults.map(({ place }) => [place?.line, place?.column])).toEqual([
      [1, 21],
      [2, 20],
      [3, 25],
    ]);
  });

  it('names the header of a fault in text/occi', () => {
    const [fault] = refusal(() => parseTextOcci([['x-occi-attribute', 'a=1, b=']]));
    expect(fault?.place).toEqual({ column: 8, field: 'X-OCCI-Attribute' });
  });

  it('refuses what is no URI in a uri-list', () => {
    expect(refusal(() => parseUriList('/a\nhttp://x y\n'))[0]).toMatchObject({
      code: 'text.location',
      place: { line: 2 },
    });
  });

  it('stops after a hundred faults', () => {
    expect(refusal(() => parseTextPlain('X-OCCI-Attribute: a=, '.repeat(2000)))).toHaveLength(101);
  });

  it('refuses lines and counts beyond the limits', () => {
    const long = `X-OCCI-Attribute: a="${'x'.repeat(65_536)}"`;
    expect(refusal(() => parseTextPlain(`\n${long}`), 'too-large')[0]).toMatchObject({
      code: 'text.line-too-long',
      place: { line: 2 },
    });
    expect(refusal(() => parseTextOcci([['Link', 'x'.repeat(65_537)]]), 'too-large')[0]).toMatchObject({
      place: { field: 'Link' },
    });
    expect(refusal(() => parseUriList('x'.repeat(65_537)), 'too-large')[0]?.code).toBe('text.line-too-long');
    const limits = { line: 100, values: 3 };
    expect(parseTextPlain('X-OCCI-Location: /1, /2, /3', limits).locations).toHaveLength(3);
    expect(refusal(() => parseTextPlain('X-OCCI-Location: /1, /2, /3, /4', limits), 'too-large')[0]?.code).toBe(
      'text.too-many-values',
    );
    expect(refusal(() => parseUriList('/1\n/2\n/3\n/4', limits), 'too-large')[0]?.code).toBe('text.too-many-values');
  });
});
