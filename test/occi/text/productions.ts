/**
 * Messages of the text renderings drawn from the productions of GFD.229 §4 (GFD.185 §3.5), each with what it means: names
 * in any case, parameters in any order, blanks wherever they may stand, strings with escapes where none are needed,
 * numbers of every form, things said twice. And the same productions with one thing wrong, each with the code of the
 * fault that a reader has to find there.
 */

import fc, { type Arbitrary } from 'fast-check';
import type { AttributeInput, CategoryRef, LinkInput } from '../../../src/occi/request.js';

/** A piece of a message and what it says. */
export interface Drawn<Meaning> {
  readonly text: string;
  readonly meaning: Meaning;
}

/** A production that is wrong, with the fault that is to be told. */
export interface NearMiss {
  readonly field: FieldName;
  readonly text: string;
  readonly code: string;
}

export type FieldName = 'Category' | 'Link' | 'X-OCCI-Attribute' | 'X-OCCI-Location';

/** The words that messages are made of, so that they may speak of what is there. */
export interface Vocabulary {
  readonly categories: Arbitrary<{ readonly scheme: string; readonly term: string; readonly class: CategoryClass }>;
  readonly attributes: Arbitrary<string>;
  readonly targets: Arbitrary<string>;
  readonly locations: Arbitrary<string>;
  /** Ends and types of links that go together; any types with any target when absent. */
  readonly links?: Arbitrary<LinkWords>;
}

export interface LinkWords {
  readonly target: string;
  readonly rel: readonly string[];
  readonly categories: readonly string[];
}

type CategoryClass = NonNullable<CategoryRef['class']>;

const one = <T>(...items: readonly T[]): Arbitrary<T> => fc.constantFrom(...items);
const word = (first: string, rest: string, maxLength: number): Arbitrary<string> =>
  fc.tuple(one(...first), fc.string({ unit: one(...rest), maxLength })).map(([head, tail]) => head + tail);

/** `*( SP / HT )`, most often nothing or one blank. */
export const BLANKS = one('', '', '', ' ', ' ', '\t', '  ', ' \t ');

const PLAIN = fc.oneof(
  { weight: 4, arbitrary: one(...'abc xyz019.-_') },
  { weight: 2, arbitrary: one(...",;=<>:#?&/\t'", '?action=', 'Category: ') },
  { weight: 1, arbitrary: one('é', '漢', '🙂', '\u202e', '\u00a0', '\ufeff') },
);
const ESCAPED = one(...'"\\\\""abn0 ', 'é');

/** A quoted-string of RFC 2616 §2.2: any character but controls, `\x` for x. */
const QUOTED: Arbitrary<Drawn<string>> = fc
  .array(fc.oneof({ weight: 4, arbitrary: PLAIN }, { weight: 1, arbitrary: ESCAPED.map((of) => ({ of })) }), {
    maxLength: 12,
  })
  .map((units) => ({
    text: `"${units.map((unit) => (typeof unit === 'string' ? unit : `\\${unit.of}`)).join('')}"`,
    meaning: units.map((unit) => (typeof unit === 'string' ? unit : unit.of)).join(''),
  }));

/**
 * A certain content in quotes, once in a while with an escape that it does not need; `{word}` stands for something that is put
 * in later and stays whole.
 */
export const quote = (content: string): Arbitrary<string> =>
  (content.includes('{') ? fc.constant(null) : fc.option(fc.nat(Math.max(content.length - 1, 0)), { freq: 5 })).map(
    (escaped) => {
      const inside = [...content].map((char, at) => (/["\\]/.test(char) || at === escaped ? `\\${char}` : char));
      return `"${inside.join('')}"`;
    },
  );

const digits = fc.string({ unit: one(...'0123456789'), minLength: 1, maxLength: 17 });
const NUMBERS = fc.oneof(
  fc.nat(4096).map(String),
  fc.tuple(one('', '-', '+'), digits).map((parts) => parts.join('')),
  fc.tuple(one('', '-'), digits, one('.'), fc.oneof(digits, fc.constant(''))).map((parts) => parts.join('')),
  fc.tuple(one('.', '-.'), digits).map((parts) => parts.join('')),
  fc.tuple(digits, one('e', 'E', 'e-', 'E+'), fc.nat(20).map(String)).map((parts) => parts.join('')),
);
const NUMBER: Arbitrary<Drawn<AttributeInput>> = NUMBERS.map((text) => {
  const value = Number(text) + 0;
  return { text, meaning: { value, typed: false, ...(String(value) === text ? {} : { written: text }) } };
});
const BOOLEAN: Arbitrary<Drawn<AttributeInput>> = fc
  .boolean()
  .map((value) => ({ text: String(value), meaning: { value, typed: false } }));
/** What is neither but has no need of quotes is read as text: many write so. */
const UNQUOTED: Arbitrary<Drawn<AttributeInput>> = one(
  ...['active', 'http://example.org/a?b=c', '/network/1', 'TRUE', '1.2.3', 'x86', '10.0.0.1/24', '-', "it's"],
).map((value) => ({ text: value, meaning: { value, typed: false } }));

const VALUE: Arbitrary<Drawn<AttributeInput>> = fc.oneof(
  QUOTED.map(({ text, meaning }) => ({ text, meaning: { value: meaning, typed: false } })),
  NUMBER,
  BOOLEAN,
  UNQUOTED,
);

export const TERM = word('abzAZ09', 'abzAZ09._-', 8);
export const SCHEME = TERM.map((term) => `http://example.org/${term}/~a?b=c,d;e#`);
export const TYPE_ID = fc.tuple(SCHEME, TERM).map(([scheme, term]) => scheme + term);
const URI = fc
  .tuple(
    one('/', 'http://example.org/', 'a', '?x'),
    fc.string({ unit: one(...'abc019-_.~=&:@!*()[]%é'), maxLength: 12 }),
  )
  .map((parts) => parts.join(''));

/** Words that mean nothing to anybody, of everything that the grammar allows. */
export const ANY_WORDS: Vocabulary = {
  categories: fc.record({ scheme: SCHEME, term: TERM, class: one<CategoryClass>('kind', 'mixin', 'action') }),
  attributes: TERM.map((name) => `x.${name}`),
  targets: fc.tuple(URI, one('', ',', ';', ',;a')).map((parts) => parts.join('')),
  locations: URI,
};

/** `name = value`, and what may follow it. */
const assignment = (name: string, value: Arbitrary<string>): Arbitrary<string> =>
  fc.tuple(BLANKS, BLANKS, value).map(([before, behind, text]) => `${name}${before}=${behind}${text}`);

/** `;` with blanks round it, now and then one too many. */
const SEMICOLON = fc.tuple(BLANKS, one(';', ';', ';', ';;', '; ;'), BLANKS).map((parts) => parts.join(''));
const LOOSE_END = one('', '', '', ';', ' ;', ';;');

/** Parameters behind what they belong to, in an order that is not ours. */
const withParameters = (head: string, parameters: readonly Arbitrary<string>[]): Arbitrary<string> =>
  fc
    .tuple(
      fc.shuffledSubarray([...parameters], { minLength: parameters.length }).chain((order) => fc.tuple(...order)),
      fc.array(SEMICOLON, { minLength: parameters.length, maxLength: parameters.length }),
      LOOSE_END,
    )
    .map(([written, separators, end]) => head + written.map((text, at) => separators[at] + text).join('') + end);

const caseOf = (name: string): Arbitrary<string> => one(name, name, name, name.toUpperCase(), name.toLowerCase());

const TITLE = fc.option(QUOTED, { nil: undefined });

/** The Category production (GFD.229 §4.1). */
export const category = (words: Vocabulary): Arbitrary<Drawn<CategoryRef>> =>
  fc
    .record({
      of: words.categories,
      says: fc.boolean(),
      bare: fc.boolean(),
      hash: one('whole', 'whole', 'whole', 'none', 'term'),
      title: TITLE,
      rel: fc.option(
        words.categories.map(({ scheme, term }) => scheme + term),
        { nil: undefined, freq: 3 },
      ),
      attributes: fc.option(one('a{immutable} b{required}', ''), { nil: undefined, freq: 5 }),
      unknown: fc.option(one('x="y"', 'colour=red'), { nil: undefined, freq: 8 }),
    })
    .chain(({ of, says, bare, hash, title, rel, attributes, unknown }) => {
      const scheme = hash === 'whole' ? of.scheme : hash === 'none' ? of.scheme.slice(0, -1) : of.scheme + of.term;
      const named = (name: string, value: Arbitrary<string>): Arbitrary<string> =>
        caseOf(name).chain((written) => assignment(written, value));
      const parameters = [
        named('scheme', quote(scheme)),
        ...(says ? [named('class', bare ? fc.constant(of.class) : quote(of.class))] : []),
        ...(title ? [named('title', fc.constant(title.text))] : []),
        ...(rel === undefined ? [] : [named('rel', quote(rel))]),
        ...(attributes === undefined ? [] : [named('attributes', quote(attributes))]),
        ...(unknown === undefined ? [] : [fc.constant(unknown)]),
      ];
      const meaning: CategoryRef = {
        scheme: of.scheme,
        term: of.term,
        ...(says ? { class: of.class } : {}),
        ...(title?.meaning ? { title: title.meaning } : {}),
        ...(rel === undefined ? {} : { rel: [rel] }),
        ...(attributes ? { hasAttributes: true } : {}),
      };
      return withParameters(of.term, parameters).map((text) => ({ text, meaning }));
    });

export type NamedInput = readonly [name: string, input: AttributeInput];

/** The Attribute production (GFD.229 §4.3). */
export const attribute = (words: Vocabulary): Arbitrary<Drawn<NamedInput>> =>
  fc
    .tuple(words.attributes, VALUE)
    .chain(([name, { text, meaning }]) =>
      fc
        .tuple(assignment(name, fc.constant(text)), LOOSE_END)
        .map((parts) => ({ text: parts.join(''), meaning: [name, meaning] as const })),
    );

/** The Link production (GFD.229 §4.2). */
export const link = (words: Vocabulary): Arbitrary<Drawn<LinkInput>> => {
  const ids = fc.array(
    words.categories.map(({ scheme, term }) => scheme + term),
    { minLength: 1, maxLength: 3 },
  );
  const any = fc.record({ target: words.targets, rel: ids, categories: fc.oneof(ids, fc.constant([])) });
  return fc
    .record({
      ends: words.links ?? any,
      apart: fc.boolean(),
      self: fc.option(words.locations, { nil: undefined, freq: 3 }),
      attributes: fc.uniqueArray(attribute(words), { maxLength: 3, selector: ({ meaning }) => meaning[0] }),
      inside: one('', ' '),
    })
    .chain(({ ends: { target, rel, categories }, apart, self, attributes, inside }) => {
      const lists = apart ? categories : categories.length === 0 ? [] : [categories.join('  ')];
      // Repeated parameters keep their order: the first of all is the kind.
      const repeated = fc
        .tuple(...lists.map((each) => assignment('category', quote(each))))
        .map((written) => written.join('; '));
      const parameters = [
        assignment('rel', quote(rel.join(' '))),
        ...(lists.length === 0 ? [] : [repeated]),
        ...(self === undefined ? [] : [assignment('self', quote(self))]),
      ];
      return fc
        .tuple(
          withParameters(`<${inside}${target}${inside}>`, parameters),
          fc.array(SEMICOLON, { minLength: attributes.length, maxLength: attributes.length }),
        )
        .map(([text, separators]) => ({
          // Attributes stay in their order, which is part of what is meant; each may bring its own semicolons.
          text: attributes.reduce((so, each, at) => `${so}${separators[at]}${each.text}`, text),
          meaning: {
            target,
            rel: [...new Set(rel)],
            ...(self === undefined ? {} : { self }),
            categories: [...new Set(categories)],
            attributes: new Map(attributes.map(({ meaning }) => meaning)),
          },
        }));
    });
};

/** The Location production (GFD.229 §4.4), quoted by some. */
export const location = (words: Vocabulary): Arbitrary<Drawn<string>> =>
  words.locations.chain((uri) =>
    fc
      .tuple(
        fc.oneof({ weight: 4, arbitrary: fc.constant(uri) }, { weight: 1, arbitrary: quote(uri) }),
        one('', '', ';'),
      )
      .map((parts) => ({ text: parts.join(''), meaning: uri })),
  );

/** All that one message holds, piece by piece in its order. */
export interface Pieces {
  readonly categories: readonly Drawn<CategoryRef>[];
  readonly attributes: readonly Drawn<NamedInput>[];
  readonly links: readonly Drawn<LinkInput>[];
  readonly locations: readonly Drawn<string>[];
}

export const pieces = (words: Vocabulary): Arbitrary<Pieces> =>
  fc.record({
    categories: fc.uniqueArray(category(words), {
      maxLength: 3,
      selector: ({ meaning }) => meaning.scheme + meaning.term,
    }),
    attributes: fc.uniqueArray(attribute(words), { maxLength: 4, selector: ({ meaning }) => meaning[0] }),
    links: fc.array(link(words), { maxLength: 2 }),
    locations: fc.array(location(words), { maxLength: 2 }),
  });

/** A field of a message: its name as somebody writes it, and its value. */
export type WrittenField = readonly [name: string, value: string];

const NAMES: Readonly<Record<FieldName, readonly string[]>> = {
  Category: ['Category', 'Category', 'category', 'CATEGORY', 'X-OCCI-Category'],
  Link: ['Link', 'Link', 'link', 'x-occi-link'],
  'X-OCCI-Attribute': ['X-OCCI-Attribute', 'X-OCCI-Attribute', 'x-occi-attribute', 'X-Occi-Attribute'],
  'X-OCCI-Location': ['X-OCCI-Location', 'X-OCCI-Location', 'x-occi-location'],
};

const COMMA = fc.tuple(BLANKS, one(',', ',', ',', ',,', ', ,'), BLANKS).map((parts) => parts.join(''));

/** Values of one field name in the forms that are equivalent (GFD.229 §5.1): repeated fields, lists, or some of each. */
const spread = (field: FieldName, values: readonly string[]): Arbitrary<readonly WrittenField[]> =>
  fc
    .tuple(
      fc.array(
        fc.record({
          name: one(...NAMES[field]),
          joins: fc.boolean(),
          comma: COMMA,
          before: BLANKS,
          again: one(false, false, false, true),
        }),
        {
          minLength: values.length,
          maxLength: values.length,
        },
      ),
    )
    .map(([how]) => {
      const fields: [string, string][] = [];
      values.forEach((value, at) => {
        const { name, joins, comma, before, again } = how[at] as (typeof how)[number];
        const last = fields.at(-1);
        if (joins && last !== undefined) last[1] += comma + value;
        else fields.push([name, before + value]);
        // What is said twice is said once; a location that is named twice is another matter.
        if (again && field !== 'X-OCCI-Location' && field !== 'Link') fields.push([name, value]);
      });
      return fields;
    });

/** The fields of a message. Those of different names may come in any order. */
export const fieldsOf = ({ categories, attributes, links, locations }: Pieces): Arbitrary<readonly WrittenField[]> => {
  const texts = (of: readonly Drawn<unknown>[]): string[] => of.map(({ text }) => text);
  return fc
    .tuple(
      spread('Category', texts(categories)),
      spread('X-OCCI-Attribute', texts(attributes)),
      spread('Link', texts(links)),
      spread('X-OCCI-Location', texts(locations)),
    )
    .chain((groups) => fc.shuffledSubarray([...groups], { minLength: groups.length }))
    .map((groups) => groups.flat());
};

const LINE_END = one('\r\n', '\r\n', '\n', '\r');

/** The fields as the lines of a body: any line ends, empty lines anywhere. */
export const bodyOf = (fields: readonly WrittenField[]): Arbitrary<string> =>
  fc
    .tuple(
      fc.array(fc.tuple(BLANKS, BLANKS, one('', '', '', '', 'empty')), {
        minLength: fields.length,
        maxLength: fields.length,
      }),
      LINE_END,
      fc.boolean(),
    )
    .map(([how, end, closed]) => {
      const lines = fields.map(([name, value], at) => {
        const [before, behind, empty] = how[at] as (typeof how)[number];
        return `${empty === 'empty' ? end : ''}${before}${name}:${value}${behind}`;
      });
      return lines.join(end) + (closed ? end : '');
    });

/** One production with one thing wrong. The names begin with `miss`, which nothing right does. */
export const nearMiss = (words: Vocabulary): Arbitrary<NearMiss> =>
  fc
    .tuple(words.categories, words.targets, VALUE, BLANKS, BLANKS)
    .chain(([{ scheme, term, class: of }, target, { text: value }, b, c]) => {
      const id = scheme + term;
      const miss = (field: FieldName, code: string, ...texts: readonly string[]): Arbitrary<NearMiss>[] =>
        texts.map((text) => fc.constant({ field, text, code: `text.${code}` }));
      return fc.oneof(
        ...miss('X-OCCI-Attribute', 'missing-equals', `miss${b}`, `miss${b};`),
        ...miss('X-OCCI-Attribute', 'attribute.value', `miss${b}=${c}`, `miss=${b};`),
        ...miss('X-OCCI-Attribute', 'unterminated-string', 'miss="open', 'miss="open\\"', `miss${b}="open\\\\\\"; a=1`),
        ...miss('X-OCCI-Attribute', 'control-character', 'miss="a\u0001b"', 'miss="a\\\u007fb"'),
        ...miss(
          'X-OCCI-Attribute',
          'unexpected',
          ...[
            `miss${b}=${c}${value} 2`,
            `miss "x"`,
            'miss m=1',
            'mi$s=1',
            '_miss=1',
            '.miss=1',
            '-miss=1',
            '=1',
            '"miss"=1',
          ],
          ...['miss:1', 'missé=1', '<miss>=1', 'miss="a""b"', 'miss==="x"'],
        ),
        ...miss(
          'X-OCCI-Attribute',
          'attribute.twice',
          `miss=1,${b}miss=2`,
          `miss="a"${b},${c}miss=b`,
          'miss=true,miss="false"',
        ),
        ...miss('Category', 'category.scheme', term, `${term};${b}class="${of}"`, `${term}; scheme="relative#"`),
        ...miss('Category', 'category.scheme', `${term}; scheme="${scheme}miss"`, `${term}; scheme="http://a b#"`),
        ...miss(
          'Category',
          'category.class',
          `${term}; scheme="${scheme}"; class=${b}"sort"`,
          `${term};scheme="${scheme}";class=Kind`,
        ),
        ...miss(
          'Category',
          'category.rel',
          `${term}; scheme="${scheme}"; rel="miss"`,
          `${term}; rel="${id} miss"; scheme="${scheme}"`,
        ),
        ...miss('Category', 'category.location', `${term}; scheme="${scheme}"; location="/a b/"`),
        ...miss(
          'Category',
          'parameter-twice',
          `${term}; scheme="${scheme}"; title="a"; title="b"`,
          `${term}; scheme="${scheme}"; SCHEME="http://miss#"`,
        ),
        ...miss(
          'Category',
          'missing-equals',
          `${term}; scheme="${scheme}"; class`,
          `${term}; scheme${b}; class="${of}"`,
        ),
        ...miss(
          'Category',
          'missing-value',
          `${term}; scheme="${scheme}"; class=${b}`,
          `${term}; scheme=${b}; class="${of}"`,
        ),
        ...miss(
          'Category',
          'unterminated-string',
          `${term}; scheme="${scheme}`,
          `${term}; scheme="${scheme}"; title="open\\"`,
        ),
        ...miss(
          'Category',
          'unexpected',
          `${term}; scheme="${scheme}"class="${of}"`,
          `; scheme="${scheme}"`,
          `"${term}"; scheme="${scheme}"`,
        ),
        ...miss(
          'Category',
          'unexpected',
          `_${term}; scheme="${scheme}"`,
          `${term}é; scheme="${scheme}"`,
          `${term}; scheme="${scheme}"; class="${of}" "x"`,
        ),
        ...miss('Link', 'link.form', `${target.replace(/[,;]/g, '')}; rel="${id}"`, `"${target}"; rel="${id}"`),
        ...miss('Link', 'unterminated-uri', `<${target}; rel="${id}"`, '<'),
        ...miss(
          'Link',
          'link.target',
          `<>; rel="${id}"`,
          `<${b}>; rel="${id}"`,
          `<a b>; rel="${id}"`,
          `<"${target}">; rel="${id}"`,
        ),
        ...miss(
          'Link',
          'link.rel',
          '<miss>',
          `<miss>${b};`,
          '<miss>; rel="network"',
          `<miss>; rel="${id} network"`,
          '<miss>; self="/a"',
        ),
        ...miss('Link', 'link.category', `<miss>; rel="${id}"; category="network"`, '<miss>; category=network'),
        ...miss('Link', 'link.self', `<miss>; rel="${id}"; self="/a b"`),
        ...miss('Link', 'parameter-twice', `<miss>; rel="${id}"; self="/a"; self="/b"`),
        ...miss('Link', 'attribute.twice', `<miss>; rel="${id}"; miss=1; miss=2`),
        ...miss('Link', 'attribute.value', `<miss>; rel="${id}"; miss=${b}`),
        ...miss(
          'Link',
          'unexpected',
          `<miss>rel="${id}"`,
          `<miss>; rel="${id}"; "x"`,
          `<miss> <${target}>; rel="${id}"`,
          `<miss>; ="${id}"`,
        ),
        ...miss('X-OCCI-Location', 'location', '<miss>', '"/mi ss"', ';', '""'),
        ...miss('X-OCCI-Location', 'unexpected', '/mi ss', '/miss "/a"', '/miss</a>'),
        ...miss('X-OCCI-Location', 'unterminated-string', '"/miss'),
      );
    });
