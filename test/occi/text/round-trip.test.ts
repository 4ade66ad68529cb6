/** What is rendered is read back as the same, in both forms and whatever the strings hold. */

import fc from 'fast-check';
import type { AttributeValue, EntityView, LinkView, TypeId } from '../../../src/occi/model.js';
import { isLinkView } from '../../../src/occi/model.js';
import type { AttributeInput, LinkInput, OcciRequest } from '../../../src/occi/request.js';
import {
  parseTextOcci,
  parseTextPlain,
  parseUriList,
  renderCategories,
  renderEntity,
  renderLocations,
  renderUriList,
  type RenderedCategory,
  type TextAnswer,
  type TextForm,
} from '../../../src/occi/text/index.js';

const FORMS: readonly TextForm[] = ['text/plain', 'text/occi'];
const UNLIMITED = { line: 10_000_000, values: 100_000 };

function readBack(answer: TextAnswer, form: TextForm): OcciRequest {
  if (form === 'text/occi') {
    for (const [, value] of answer.headers) expect(value).toMatch(/^[\t\u0020-\u007e\u0080-\u00ff]*$/);
    return parseTextOcci(answer.headers, UNLIMITED);
  }
  return parseTextPlain(Buffer.from(answer.body, 'utf8').toString('utf8'), UNLIMITED);
}

const word = (first: string, rest: string, maxLength: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...first), fc.string({ unit: fc.constantFrom(...rest), maxLength }))
    .map(([head, tail]) => head + tail);
const TERM = word('abzAZ09', 'abzAZ09._-', 12);
const SCHEME = TERM.map((term) => `http://example.org/${term}/~a?b=c,d;e#`);
const TYPE_ID = fc.tuple(SCHEME, TERM).map(([scheme, term]) => scheme + term);
const NAME = TERM.map((name) => `x.${name}`);
const PATH = fc
  .string({ unit: fc.constantFrom(...'/abc019-_.~,;=&:@!*()[]%é'), maxLength: 20 })
  .map((path) => `/${path}`);
const TEXT = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom(...'"\\,;=<> \t\r\n\0\u007f', 'é', '🙂', ': ', '?action=', 'Category: '),
    maxLength: 20,
  }),
);
const VALUE: fc.Arbitrary<AttributeValue> = fc.oneof(
  TEXT,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc
    .array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 })
    .map((list) => JSON.parse(JSON.stringify(list)) as AttributeValue),
  fc
    .dictionary(TEXT, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 })
    .map((map) => JSON.parse(JSON.stringify(map)) as AttributeValue),
);
const ATTRIBUTES = fc.dictionary(NAME, VALUE, { maxKeys: 6 });
const MIXINS = fc.uniqueArray(TYPE_ID, { maxLength: 3 });
const COMMON = {
  id: fc.uuid().map((id) => `urn:uuid:${id}`),
  kind: TYPE_ID,
  mixins: MIXINS,
  attributes: ATTRIBUTES,
  actions: fc.uniqueArray(TYPE_ID, { maxLength: 3 }),
};
const END = fc.record({ location: PATH, kind: TYPE_ID });
const LINK: fc.Arbitrary<LinkView> = fc.record(
  { ...COMMON, title: TEXT, source: END, target: END },
  { requiredKeys: ['id', 'kind', 'mixins', 'attributes', 'actions', 'source', 'target'] },
);
const ENTITY: fc.Arbitrary<EntityView> = fc.oneof(
  LINK,
  fc.record(
    { ...COMMON, title: TEXT, summary: TEXT, links: fc.array(LINK, { maxLength: 3 }) },
    { requiredKeys: ['id', 'kind', 'mixins', 'attributes', 'actions', 'links'] },
  ),
);

/** What may differ: characters that a field cannot hold became blanks. */
function normal(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are the characters
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, ' ');
}

/** The value that a text input stands for once its declared type is known. */
function meant(input: AttributeInput | undefined, like: AttributeValue): AttributeValue | undefined {
  if (input === undefined) return undefined;
  expect(input.typed).toBe(false);
  if (typeof like === 'number') return Number(input.written ?? input.value);
  return typeof like === 'object' ? (JSON.parse(input.value as string) as AttributeValue) : input.value;
}

function expectAttributes(
  read: ReadonlyMap<string, AttributeInput>,
  written: Readonly<Record<string, AttributeValue | undefined>>,
): void {
  const expected = Object.entries(written).filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined);
  expect([...read.keys()]).toEqual(expected.map(([name]) => name));
  for (const [name, value] of expected) {
    const shown = typeof value === 'string' ? normal(value) : value;
    expect(meant(read.get(name), value)).toEqual(Object.is(shown, -0) ? 0 : shown);
  }
}

const locationOf = (kind: TypeId): string => `/${kind.slice(kind.indexOf('#') + 1)}/`;
const pathOf = (view: EntityView): string => locationOf(view.kind) + view.id.slice('urn:uuid:'.length);

function expectLink(read: LinkInput | undefined, link: LinkView): void {
  expect(read).toMatchObject({
    target: link.target.location,
    rel: [link.target.kind],
    self: pathOf(link),
    categories: [...new Set([link.kind, ...link.mixins])],
  });
  expectAttributes(read?.attributes ?? new Map<string, AttributeInput>(), {
    'occi.core.title': link.title,
    ...link.attributes,
  });
}

describe.each(FORMS)('in %s', (form) => {
  it('an entity is read back as it was rendered', () => {
    fc.assert(
      fc.property(ENTITY, (view) => {
        const [entity, ...others] = readBack(renderEntity(view, form, locationOf), form).entities;
        expect(others).toEqual([]);
        const refs = entity?.categories.map((ref) => [ref.scheme + ref.term, ref.class]);
        expect(refs).toEqual([[view.kind, 'kind'], ...view.mixins.map((mixin) => [mixin, 'mixin'])]);
        const model: Record<string, AttributeValue | undefined> = {
          'occi.core.id': view.id,
          'occi.core.title': view.title,
        };
        if (isLinkView(view)) {
          model['occi.core.source'] = view.source.location;
          model['occi.core.source.kind'] = view.source.kind;
          model['occi.core.target'] = view.target.location;
          model['occi.core.target.kind'] = view.target.kind;
        } else {
          model['occi.core.summary'] = view.summary;
        }
        expectAttributes(entity?.attributes ?? new Map<string, AttributeInput>(), { ...model, ...view.attributes });
        const links = isLinkView(view) ? [] : view.links;
        expect(entity?.links).toHaveLength(links.length);
        links.forEach((link, index) => expectLink(entity?.links[index], link));
        expect(entity?.actionLinks).toEqual(
          view.actions.map((action) => `${pathOf(view)}?action=${action.slice(action.indexOf('#') + 1)}`),
        );
      }),
      { numRuns: 80 },
    );
  });

  it('categories are read back as they were rendered', () => {
    const definition = fc.record({
      name: NAME,
      type: fc.constant('string' as const),
      mutable: fc.boolean(),
      required: fc.boolean(),
    });
    const category: fc.Arbitrary<RenderedCategory> = fc.record(
      {
        category: fc
          .record({
            scheme: SCHEME,
            term: TERM,
            title: TEXT,
            location: PATH,
            class: fc.constantFrom('kind', 'mixin', 'action'),
          })
          .map((drawn) => ({
            ...drawn,
            id: drawn.scheme + drawn.term,
            attributes: new Map(),
            actions: [],
            depends: [],
            applies: [],
          })),
        attributes: fc.array(definition, { maxLength: 4 }),
        actions: fc.array(TYPE_ID, { maxLength: 3 }),
        rel: TYPE_ID,
      },
      { requiredKeys: ['category', 'attributes', 'actions'] },
    );
    const distinct = fc.uniqueArray(category, { maxLength: 5, selector: (drawn) => drawn.category.id });
    fc.assert(
      fc.property(distinct, (written) => {
        const expected = written.map(
          ({ category: { scheme, term, title = '', ...rest }, attributes, actions, rel }) => {
            const shown = normal(title.replace(/, */g, ' '));
            return {
              scheme,
              term,
              class: rest.class,
              ...(shown === '' ? {} : { title: shown }),
              ...(rel === undefined ? {} : { rel: [rel] }),
              ...(rest.class === 'action' ? {} : { location: rest.location }),
              ...(attributes.length === 0 ? {} : { hasAttributes: true }),
              ...(actions.length === 0 ? {} : { hasActions: true }),
            };
          },
        );
        expect(readBack(renderCategories(written, form), form).categories).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('locations are read back as they were rendered', () => {
    const url = PATH.filter((path) => !/[,;]/.test(path)).map((path) => `https://vep.example.org${path}`);
    fc.assert(
      fc.property(fc.array(url), (urls) => {
        expect(readBack(renderLocations(urls, form), form).locations).toEqual(urls);
        expect(parseUriList(renderUriList(urls).body).locations).toEqual(urls);
      }),
      { numRuns: 50 },
    );
  });
});
