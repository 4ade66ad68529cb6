/** Requests in JSON: OCCI 1.2, the drafts before it, and what is neither. */

import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { parseJson } from '../../src/occi/json/index.js';
import { readJson } from '../../src/occi/json/read.js';
import { COMPUTE, NETWORK, NETWORKINTERFACE, STORAGE, STORAGELINK } from '../../src/occi/model.js';
import type { AttributeInput, OcciRequest } from '../../src/occi/request.js';

const STOP = 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop';
const SMALL = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';

function parse(value: unknown, hint?: 'entity'): OcciRequest {
  return parseJson(JSON.stringify(value), hint);
}

function plain(attributes: ReadonlyMap<string, AttributeInput> | undefined): Record<string, unknown> {
  return Object.fromEntries([...(attributes ?? [])].map(([name, { value }]) => [name, value]));
}

function problemOf(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const codesOf = (run: () => unknown): string[] =>
  problemOf(run).faults.map(({ code, place }) => `${code} ${place?.path ?? ''}`);

describe('parseJson of OCCI 1.2', () => {
  it('C-222, C-225, C-226, C-227 reads a resource with its links', () => {
    const { entities, categories } = parse({
      kind: COMPUTE,
      id: 'urn:uuid:2b1c',
      title: 'web',
      summary: 'front',
      mixins: [SMALL],
      attributes: { 'occi.compute.cores': 1, 'occi.compute.hostname': 'web1' },
      actions: [STOP],
      links: [
        {
          kind: STORAGELINK,
          id: 'urn:uuid:5e',
          attributes: { 'occi.storagelink.deviceid': 'vdb' },
          source: { location: '/compute/2b1c', kind: COMPUTE },
          target: { location: '/storage/9', kind: STORAGE },
        },
      ],
    });
    expect(categories).toEqual([]);
    expect(entities).toHaveLength(1);
    const [compute] = entities;
    expect(compute?.categories).toEqual([
      { scheme: 'http://schemas.ogf.org/occi/infrastructure#', term: 'compute', class: 'kind' },
      { scheme: 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#', term: 'small', class: 'mixin' },
    ]);
    expect(plain(compute?.attributes)).toEqual({
      'occi.core.id': 'urn:uuid:2b1c',
      'occi.core.title': 'web',
      'occi.core.summary': 'front',
      'occi.compute.cores': 1,
      'occi.compute.hostname': 'web1',
    });
    expect(compute?.actionLinks).toEqual([STOP]);
    expect(compute?.links[0]).toMatchObject({
      target: '/storage/9',
      rel: [STORAGE],
      id: 'urn:uuid:5e',
      categories: [STORAGELINK],
    });
    expect(compute?.attributes.get('occi.compute.cores')).toEqual({ value: 1, typed: true });
  });

  it('C-223, C-224 reads a link', () => {
    const { entities } = parse({
      kind: NETWORKINTERFACE,
      source: { location: '/compute/1' },
      target: { location: '/network/2', kind: NETWORK },
    });
    expect(plain(entities[0]?.attributes)).toEqual({
      'occi.core.source': '/compute/1',
      'occi.core.target': '/network/2',
      'occi.core.target.kind': NETWORK,
    });
  });

  it('C-228 reads collections of resources and links', () => {
    const { entities, empty } = parse({
      resources: [{ kind: COMPUTE }, { kind: STORAGE }],
      links: [{ kind: STORAGELINK }],
    });
    expect(entities.map((entity) => entity.categories[0]?.term)).toEqual(['compute', 'storage', 'storagelink']);
    expect(empty).toBe(false);
  });

  it('C-235 reads an action invocation', () => {
    const { action, entities } = parse({ action: STOP, attributes: { method: 'graceful' } });
    expect(action?.action).toMatchObject({ term: 'stop', class: 'action' });
    expect(plain(action?.attributes)).toEqual({ method: 'graceful' });
    expect(entities).toEqual([]);
  });

  it('C-094, C-097 reads mixins to be defined, several or one alone', () => {
    const mine = {
      term: 'mine',
      scheme: 'http://e.org/a#',
      title: 'Mine',
      location: '/mine/',
      depends: [SMALL],
      applies: [COMPUTE],
    };
    const ref = {
      term: 'mine',
      scheme: 'http://e.org/a#',
      title: 'Mine',
      location: '/mine/',
      class: 'mixin',
      rel: [SMALL],
      applies: [COMPUTE],
      hasAttributes: false,
      hasActions: false,
    };
    expect(parse({ mixins: [mine, { ...mine, term: 'two' }] }).categories).toEqual([ref, { ...ref, term: 'two' }]);
    expect(parse(mine).categories).toEqual([ref]);
    expect(
      parse({
        kinds: [{ term: 'k', scheme: 'http://e.org/a', parent: COMPUTE, attributes: { x: {} }, actions: [STOP] }],
      }).categories,
    ).toEqual([
      {
        term: 'k',
        scheme: 'http://e.org/a#',
        class: 'kind',
        rel: [COMPUTE],
        applies: [],
        hasAttributes: true,
        hasActions: true,
      },
    ]);
    expect(parse({ term: 'k', scheme: 'http://e.org/a#', parent: COMPUTE }).categories[0]?.class).toBe('kind');
    expect(parse({ term: 'k', scheme: 'http://e.org/a#' }).categories[0]?.class).toBeUndefined();
  });

  it.each(['', '  \n', '{}', '[]', '{"resources":[]}', '{"kinds":[],"mixins":[],"actions":[]}'])(
    'finds nothing in %j',
    (text) => {
      expect(parseJson(text)).toEqual({ entities: [], categories: [], locations: [], empty: true });
    },
  );

  it('takes links alone as a collection, or as those of the entity that the URL names', () => {
    const body = { links: [{ kind: STORAGELINK, target: { location: '/storage/1' } }] };
    expect(parse(body).entities[0]?.categories[0]?.term).toBe('storagelink');
    expect(parse(body, 'entity').entities[0]?.links).toHaveLength(1);
  });
});

describe('parseJson of the drafts', () => {
  it('I-030 reads lists of URLs', () => {
    expect(parse(['http://h/compute/1', '/compute/2']).locations).toEqual(['http://h/compute/1', '/compute/2']);
    expect(parse({ resources: ['/compute/1'], links: ['/link/2'] }).locations).toEqual(['/compute/1', '/link/2']);
  });

  it('rOCCI 5 names mixins alone to have them associated', () => {
    const request = parse({ mixins: [SMALL] });
    expect(request.categories).toEqual([
      { scheme: 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#', term: 'small', class: 'mixin' },
    ]);
    expect(request.entities).toEqual([
      { categories: request.categories, attributes: new Map(), links: [], actionLinks: [] },
    ]);
    expect(parse({ mixins: [SMALL] }, 'entity').entities[0]?.categories).toHaveLength(1);
  });

  it('I-031 reads nested attributes, ends as strings, links by URL, rel and related', () => {
    const { entities } = parse({
      resources: [
        {
          kind: COMPUTE,
          attributes: {
            occi: { core: { id: 'a', title: 'web' }, compute: { cores: 2, 'state.message': 'x' } },
            'occi.compute.memory': 1.5,
          },
          links: ['/networkinterface/1'],
          actions: [{ title: 'Start', uri: '/compute/a?action=start', type: STOP }],
          id: 'a',
        },
      ],
      links: [{ kind: NETWORKINTERFACE, rel: NETWORK, source: '/compute/a', target: '/network/b' }],
    });
    expect(plain(entities[0]?.attributes)).toEqual({
      'occi.core.id': 'a',
      'occi.core.title': 'web',
      'occi.compute.cores': 2,
      'occi.compute.state.message': 'x',
      'occi.compute.memory': 1.5,
    });
    expect(entities[0]?.links).toEqual([
      { target: '', rel: [], self: '/networkinterface/1', categories: [], attributes: new Map() },
    ]);
    expect(entities[0]?.actionLinks).toEqual(['/compute/a?action=start']);
    expect(plain(entities[1]?.attributes)).toEqual({
      'occi.core.source': '/compute/a',
      'occi.core.target': '/network/b',
      'occi.core.target.kind': NETWORK,
    });
    expect(
      parse({ mixins: [{ term: 'm', scheme: 'http://e.org/#', location: '/m/', related: SMALL }] }).categories[0]?.rel,
    ).toEqual([SMALL]);
  });
});

describe('parseJson of what is neither', () => {
  it('C-238 tells line, column and pointer of a syntax fault', () => {
    const { kind, faults } = problemOf(() => parseJson('{\n  "kind": "x",\n  "attributes": {"a": tru}\n}'));
    expect(kind).toBe('malformed');
    expect(faults[0]).toMatchObject({ code: 'json.value', place: { line: 3, column: 23, path: '/attributes/a' } });
  });

  it.each<[string, string, string[]]>([
    ['text behind the value', '{} x', ['json.trailing ']],
    ['an unclosed object', '{"a":1', ['json.object-end ']],
    ['an unclosed array', '[1', ['json.array-end ']],
    ['an unclosed string', '["a', ['json.string-end /0']],
    ['a member without name', '{1:2}', ['json.member-name ']],
    ['a member without colon', '{"a" 2}', ['json.colon ']],
    ['a raw line end in a string', '["a\nb"]', ['json.control-character /0']],
    ['an unknown escape', '["\\x"]', ['json.escape /0']],
    ['an unpaired surrogate', '["\\ud800"]', ['json.surrogate /0']],
    ['a number without end', '[1e999]', ['json.number-range /0']],
    ['a leading zero', '[01]', ['json.array-end ']],
    ['a number of another alphabet', '[１]', ['json.value /0']],
    ['nothing after a comma', '[1,', ['json.value /1']],
    [
      'members given twice',
      '{"kind":"a","kind":"b","x":{"y":1,"y":1}}',
      ['json.duplicate-member /kind', 'json.duplicate-member /x/y'],
    ],
    [
      'names of prototypes (S-088)',
      '{"__proto__":{"a":1},"attributes":{"constructor":1,"prototype":2}}',
      [
        'json.unsafe-member /__proto__',
        'json.unsafe-member /attributes/constructor',
        'json.unsafe-member /attributes/prototype',
      ],
    ],
    ['nesting without end', '['.repeat(100_000), [`json.depth ${'/0'.repeat(64)}`]],
  ])('refuses %s', (_, text, codes) => {
    expect(codesOf(() => parseJson(text))).toEqual(codes);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  it.each<[string, unknown, string[]]>([
    ['a number', 1, ['json.object-expected ']],
    ['a list of other things', ['/a', 1, {}], ['json.string-expected /1', 'json.string-expected /2']],
    [
      'unknown members',
      { kind: COMPUTE, owner: 'eve', 'a/b': 1 },
      ['json.unknown-member /owner', 'json.unknown-member /a~1b'],
    ],
    [
      'a kind that is none',
      { kind: 1, mixins: ['x', null] },
      ['json.type-id /kind', 'json.type-id /mixins/0', 'json.type-id /mixins/1'],
    ],
    [
      'members of the wrong sort',
      { kind: COMPUTE, mixins: {}, attributes: [], links: 'x', actions: [1] },
      [
        'json.array-expected /mixins',
        'json.object-expected /attributes',
        'json.array-expected /links',
        'json.action /actions/0',
      ],
    ],
    ['null', { attributes: { 'occi.compute.cores': null } }, ['json.null /attributes/occi.compute.cores']],
    [
      'an attribute given flat and nested (V6)',
      { attributes: { occi: { compute: { cores: 1 } }, 'occi.compute.cores': 2 } },
      ['json.attribute-twice /attributes/occi.compute.cores'],
    ],
    ['a title given twice', { title: 'a', attributes: { 'occi.core.title': 'b' } }, ['json.attribute-twice /title']],
    [
      'an end without location',
      { kind: STORAGELINK, source: {}, target: { location: '/storage/1', x: 1 } },
      ['json.member-missing /source/location', 'json.unknown-member /target/x'],
    ],
    ['a link that is no object', { kind: COMPUTE, links: [1] }, ['json.object-expected /links/0']],
    ['an action by number', { action: 1, x: 1 }, ['json.unknown-member /x', 'json.type-id /action']],
    [
      'a mixin without name',
      { mixins: [{ title: 1, location: '/x/' }] },
      [
        'json.member-missing /mixins/0/scheme',
        'json.member-missing /mixins/0/term',
        'json.string-expected /mixins/0/title',
      ],
    ],
    ['a rel that is no text', { rel: 1 }, ['json.string-expected /rel']],
  ])('refuses %s, telling everything at once', (_, value, codes) => {
    expect(codesOf(() => parse(value))).toEqual(codes);
  });

  it('tells the lines of many faults in one pass', () => {
    const text = `${'\n'.repeat(1_000_000)}{${'"a":1,\n'.repeat(150)}"a":1}`;
    const { faults } = problemOf(() => parseJson(text));
    expect(faults[0]?.place).toEqual({ line: 1_000_002, column: 1, path: '/a' });
    expect(faults[99]?.place).toMatchObject({ line: 1_000_101, column: 1 });
  });

  it('bounds what it reports', () => {
    expect(codesOf(() => parseJson(`{${'"a":1,'.repeat(1000)}"a":1}`))).toHaveLength(100);
    expect(codesOf(() => parse(Array.from({ length: 1000 }, () => 1)))).toHaveLength(100);
  });
});

describe('readJson', () => {
  it('reads what JSON.parse reads, to the same value', () => {
    const safe = fc
      .jsonValue({ maxDepth: 5 })
      .filter((value) => !/"(__proto__|constructor|prototype)":|\\ud[89a-f]/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(safe, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(readJson(`\ufeff${text} `)).toEqual({ value: JSON.parse(text) as unknown, faults: [] });
      }),
    );
  });

  it('accepts no mutated text that JSON.parse refuses', () => {
    const base = JSON.stringify({
      kind: COMPUTE,
      attributes: { a: [1.5e3, true, null, 'x\u00e9"\\'] },
      links: [{ id: 'b' }],
    });
    const edit = fc.tuple(
      fc.nat(base.length),
      fc.nat(3),
      fc.constantFrom('', '"', '{', '}', '[', ',', ':', '\\', '0', '-', 'e', ' ', '\u0000'),
    );
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const text = edits.reduce((now, [at, gone, put]) => now.slice(0, at) + put + now.slice(at + gone), base);
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (!valid) expect(readJson(text).faults.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('parseJson is total', () => {
  it('throws nothing but a Problem of kind malformed on any text', () => {
    const members = fc.constantFrom(
      'kind',
      'id',
      'mixins',
      'attributes',
      'actions',
      'links',
      'resources',
      'kinds',
      'action',
      'term',
      'scheme',
      'source',
      'target',
      'rel',
      'title',
      'location',
      'x',
    );
    const shape = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(COMPUTE, STOP, '/compute/1', 1, null, true),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(members, tie('value'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          shape.value.map((value) => JSON.stringify(value)),
        ),
        fc.constantFrom(undefined, 'entity' as const),
        (text, hint) => {
          try {
            parseJson(text, hint);
          } catch (error) {
            expect(error).toBeInstanceOf(Problem);
            expect((error as Problem).kind).toBe('malformed');
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('takes time in proportion to the text', () => {
    const body = (count: number) =>
      JSON.stringify({
        resources: Array.from({ length: count }, (_, index) => ({
          kind: COMPUTE,
          title: `t${index}`,
          attributes: { 'occi.compute.cores': index },
        })),
      });
    // The square of this length would outlast the test's own limit by hours.
    expect(parseJson(body(50_000)).entities).toHaveLength(50_000);
  });
});
