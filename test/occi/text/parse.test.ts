/** What the text parsers understand: the vectors of the reference (V2–V4) and what real clients send (I-001…I-027). */

import type { AttributeValue } from '../../../src/occi/model.js';
import type { AttributeInput, EntityInput, OcciRequest } from '../../../src/occi/request.js';
import { parseTextOcci, parseTextPlain, parseUriList } from '../../../src/occi/text/index.js';

const INFRASTRUCTURE = 'http://schemas.ogf.org/occi/infrastructure#';
const COMPUTE = { scheme: INFRASTRUCTURE, term: 'compute', class: 'kind' };

function entityOf(request: OcciRequest): EntityInput {
  const [entity] = request.entities;
  if (entity === undefined) throw new Error('there is no entity');
  return entity;
}

function attributesOf(body: string): Record<string, AttributeValue> {
  return Object.fromEntries([...entityOf(parseTextPlain(body)).attributes].map(([name, input]) => [name, input.value]));
}

describe('text/occi', () => {
  it('V2 reads a creation with an inline link from the headers', () => {
    const request = parseTextOcci([
      ['Host', 'vep.example.org'],
      ['Content-Type', 'text/occi'],
      [
        'Category',
        'compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind", small; scheme="http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#"; class="mixin"',
      ],
      ['X-OCCI-Attribute', 'occi.core.title="web, \\"front\\"", occi.compute.hostname="web1.example.org"'],
      [
        'Link',
        '</network/6f0a>; rel="http://schemas.ogf.org/occi/infrastructure#network"; category="http://schemas.ogf.org/occi/infrastructure#networkinterface http://schemas.ogf.org/occi/infrastructure/networkinterface#ipnetworkinterface"; occi.networkinterface.address="10.0.0.5"',
      ],
    ]);
    const categories = [
      COMPUTE,
      { scheme: 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#', term: 'small', class: 'mixin' },
    ];
    expect(request).toEqual({
      entities: [
        {
          categories,
          attributes: new Map([
            ['occi.core.title', { value: 'web, "front"', typed: false }],
            ['occi.compute.hostname', { value: 'web1.example.org', typed: false }],
          ]),
          links: [
            {
              target: '/network/6f0a',
              rel: [`${INFRASTRUCTURE}network`],
              categories: [
                `${INFRASTRUCTURE}networkinterface`,
                'http://schemas.ogf.org/occi/infrastructure/networkinterface#ipnetworkinterface',
              ],
              attributes: new Map([['occi.networkinterface.address', { value: '10.0.0.5', typed: false }]]),
            },
          ],
          actionLinks: [],
        },
      ],
      categories,
      locations: [],
      empty: false,
    });
  });

  it('C-211 takes repeated, comma-joined and differently spelt headers alike', () => {
    const joined = parseTextOcci([
      ['X-OCCI-Location', '/compute/1, /compute/2'],
      ['Category', 'a; scheme="http://x#", b; scheme="http://x#"'],
    ]);
    const repeated = parseTextOcci([
      ['x-occi-location', '/compute/1'],
      ['X-Occi-Category', 'a; scheme="http://x#"'],
      ['X-OCCI-LOCATION', '/compute/2'],
      ['category', 'b; scheme="http://x#"'],
    ]);
    expect(repeated).toEqual(joined);
    expect(parseTextOcci([['X-OCCI-Link', '</a>; rel="http://x#y"']]).entities).toHaveLength(1);
  });

  it('decodes UTF-8 from the latin-1 that Node hands over, and takes what is no UTF-8 as latin-1', () => {
    const titleOf = (value: string) =>
      entityOf(parseTextOcci([['X-OCCI-Attribute', `t="${value}"`]])).attributes.get('t')?.value;
    expect(titleOf(Buffer.from('Grüße 🙂', 'utf8').toString('latin1'))).toBe('Grüße 🙂');
    expect(titleOf('Gr\u00fc\u00dfe')).toBe('Grüße');
    expect(titleOf('already 🙂')).toBe('already 🙂');
  });

  it('C-215 looks at no other header and finds nothing in none', () => {
    const nothing = { entities: [], categories: [], locations: [], empty: true };
    expect(
      parseTextOcci([
        ['X-Broken', '"'],
        ['Accept', 'text/occi'],
      ]),
    ).toEqual(nothing);
    expect(
      parseTextOcci([
        ['Category', ''],
        ['Link', ' , ,'],
      ]),
    ).toEqual(nothing);
  });
});

describe('text/plain', () => {
  it('V4 reads actions, user mixins, associations and filters', () => {
    const action = parseTextPlain(
      'Category: stop; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"\r\nX-OCCI-Attribute: method="graceful"\r\n',
    );
    expect(action.categories).toEqual([
      { scheme: 'http://schemas.ogf.org/occi/infrastructure/compute/action#', term: 'stop', class: 'action' },
    ]);
    expect(entityOf(action).attributes.get('method')).toEqual({ value: 'graceful', typed: false });

    const mixin = parseTextPlain(
      'Category: mine; scheme="http://vep.example.org/user/alice#"; class="mixin"; title="mine, \\"too\\""; rel="http://x#tag"; location="/mine/"; attributes="a.b{required} c"; actions=""',
    );
    expect(mixin.categories).toEqual([
      {
        scheme: 'http://vep.example.org/user/alice#',
        term: 'mine',
        class: 'mixin',
        title: 'mine, "too"',
        rel: ['http://x#tag'],
        location: '/mine/',
        hasAttributes: true,
      },
    ]);

    const association = parseTextPlain(
      'X-OCCI-Location: https://vep.example.org/compute/2b1c\r\nX-OCCI-Location: /storage/9',
    );
    expect(association.locations).toEqual(['https://vep.example.org/compute/2b1c', '/storage/9']);
    expect(association.entities).toEqual([]);
    expect(association.empty).toBe(false);
  });

  it('V3 keeps action links apart from links', () => {
    const entity = entityOf(
      parseTextPlain(
        'Link: </network/6f0a>; rel="http://x#network"; self="/networkinterface/77"; category="http://x#ni"; i="eth0"\r\n' +
          'Link: </compute/2b1c?action=start>; rel="http://x/action#start"\r\n' +
          'Link: </compute/2b1c?a=b&action=stop>',
      ),
    );
    expect(entity.links.map((link) => [link.target, link.self])).toEqual([['/network/6f0a', '/networkinterface/77']]);
    expect(entity.actionLinks).toEqual(['/compute/2b1c?action=start', '/compute/2b1c?a=b&action=stop']);
  });

  it.each([
    [
      'I-001 no blanks after semicolons',
      'Category: compute;scheme="http://schemas.ogf.org/occi/infrastructure#";class="kind"',
    ],
    [
      'I-009 any order, blanks anywhere',
      'Category:compute ;\tclass = "kind" ; scheme = "http://schemas.ogf.org/occi/infrastructure#"',
    ],
    [
      'I-017 names in lower case',
      'category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"',
    ],
    [
      'I-018 trailing semicolons',
      'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind";;',
    ],
    [
      'I-018 a blank first line',
      '\nCategory: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n',
    ],
    ['an unquoted class', 'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class=kind'],
    ['a scheme without #', 'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure"; class="kind"'],
    [
      'a scheme with the term',
      'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#compute"; class="kind"',
    ],
    ['an unquoted scheme', 'Category: compute; scheme=http://schemas.ogf.org/occi/infrastructure#; class="kind"'],
    ['parameters in capitals', 'Category: compute; Scheme="http://schemas.ogf.org/occi/infrastructure#"; CLASS="kind"'],
    [
      'empty parameters',
      'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; title=""; location=""; rel=""; attributes=""',
    ],
    [
      'parameters of another grammar',
      'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; applies="http://x#y"',
    ],
    [
      'empty list members',
      'Category: ,, compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind" ,',
    ],
    [
      'a byte order mark',
      '\ufeffCategory: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"',
    ],
    [
      'a field name with blanks',
      '  Category : compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"',
    ],
    ['blanks for semicolons', 'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#" class="kind";'],
    [
      'the same category twice',
      'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\nCategory: compute; scheme="http://schemas.ogf.org/occi/infrastructure"; class=kind',
    ],
  ])('reads a category with %s', (_, body) => {
    expect(parseTextPlain(body).categories).toEqual([COMPUTE]);
  });

  it('I-019 leaves a missing class open', () => {
    expect(
      parseTextPlain('Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"').categories,
    ).toEqual([{ scheme: INFRASTRUCTURE, term: 'compute' }]);
  });

  it('A37 takes CRLF, LF and CR as line ends', () => {
    for (const end of ['\r\n', '\n', '\r', '\n\n', '\r\r\n', '\n\r']) {
      expect(attributesOf(`X-OCCI-Attribute: a=1${end}X-OCCI-Attribute: b="x"${end}`)).toEqual({ a: 1, b: 'x' });
    }
  });

  it.each<[string, Pick<AttributeInput, 'value' | 'written'>]>([
    ['"4"', { value: '4' }],
    ['""', { value: '' }],
    ['"a\\\\"', { value: 'a\\' }],
    ['"\\\\\\""', { value: '\\"' }],
    ['"\\a\\,"', { value: 'a,' }],
    ['"a;b,c=d<e>"', { value: 'a;b,c=d<e>' }],
    ['"tab\there"', { value: 'tab\there' }],
    ['"http://x/?a=b"', { value: 'http://x/?a=b' }],
    ['4', { value: 4 }],
    ['0', { value: 0 }],
    ['3.6', { value: 3.6 }],
    ['1.0', { value: 1, written: '1.0' }],
    ['007', { value: 7, written: '007' }],
    ['-5', { value: -5 }],
    ['-0', { value: 0, written: '-0' }],
    ['+5', { value: 5, written: '+5' }],
    ['1e3', { value: 1000, written: '1e3' }],
    ['1.5E-3', { value: 0.0015, written: '1.5E-3' }],
    ['.5', { value: 0.5, written: '.5' }],
    ['5.', { value: 5, written: '5.' }],
    ['12345678901234567890', { value: 12345678901234567000, written: '12345678901234567890' }],
    ['1e999', { value: '1e999' }],
    ['true', { value: true }],
    ['false', { value: false }],
    ['True', { value: 'True' }],
    ['graceful', { value: 'graceful' }],
    ['10.0.0.0/8', { value: '10.0.0.0/8' }],
    ['1.2.3', { value: '1.2.3' }],
    ['a=b', { value: 'a=b' }],
    ['1;', { value: 1 }],
    ['"x" ; ', { value: 'x' }],
  ])('C-208 types the value %s', (written, expected) => {
    const input = entityOf(parseTextPlain(`X-OCCI-Attribute: occi.x=${written}`)).attributes.get('occi.x');
    expect(input).toEqual({ ...expected, typed: false });
  });

  it('V6 does not find attributes inside of a title', () => {
    const title = 'occi.core.title="How\'s quoting? \\", occi.compute.memory=1.0"';
    expect(attributesOf(`X-OCCI-Attribute: ${title}, occi.compute.memory=3.6`)).toEqual({
      'occi.core.title': 'How\'s quoting? ", occi.compute.memory=1.0',
      'occi.compute.memory': 3.6,
    });
  });

  it('takes an attribute that is repeated with the same value once', () => {
    expect(attributesOf('X-OCCI-Attribute: a=1, a="1", a=1')).toEqual({ a: 1 });
  });

  it('keeps attribute names apart from the properties of objects', () => {
    expect(
      entityOf(parseTextPlain('X-OCCI-Attribute: constructor=1, toString="x"')).attributes.get('constructor'),
    ).toEqual({
      value: 1,
      typed: false,
    });
  });

  it('I-026 I-027 reads links in any order, with repeated category, with the target as an attribute', () => {
    const [first, second, third] = entityOf(
      parseTextPlain(
        'Link: <network/1?x=a,b;c>;category="http://x#ni";a.b=1;category=http://x#ip rel=http://x#network\tc=token\n' +
          'Link: <https://vep.example.org/networkinterface/9>; category="http://x#ni"; occi.core.target="/network/2"; occi.core.id="9"\n' +
          'Link: < /network/3 >; rel="http://x#network  http://x#ipnetwork http://x#network"',
      ),
    ).links;
    expect(first).toEqual({
      target: 'network/1?x=a,b;c',
      rel: ['http://x#network'],
      categories: ['http://x#ni', 'http://x#ip'],
      attributes: new Map([
        ['a.b', { value: 1, typed: false }],
        ['c', { value: 'token', typed: false }],
      ]),
    });
    expect(second).toEqual({
      target: '/network/2',
      id: '9',
      rel: [],
      categories: ['http://x#ni'],
      attributes: new Map(),
    });
    expect(third?.target).toBe('/network/3');
    expect(third?.rel).toEqual(['http://x#network', 'http://x#ipnetwork']);
  });

  it('reads quoted and semicolon-ended locations', () => {
    expect(parseTextPlain('X-OCCI-Location: "/a", /b;, /c;d,/e ;').locations).toEqual(['/a', '/b', '/c;d', '/e']);
  });
});

describe('text/uri-list', () => {
  it('C-216 reads one URI a line and passes over comments', () => {
    expect(
      parseUriList('# uri:/compute/\r\nhttp://vep.example.org/compute/1\r\n\r\n /compute/2,a \n').locations,
    ).toEqual(['http://vep.example.org/compute/1', '/compute/2,a']);
    expect(parseUriList('').empty).toBe(true);
  });
});
