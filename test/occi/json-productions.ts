/**
 * Documents of the JSON rendering drawn member by member (GFD.226 §3.1), each with what it means, written as JSON may be
 * written (RFC 8259): members in any order, blanks anywhere, characters and numbers in every form. And the same documents
 * with one thing wrong, each with the code and the place of the fault that a reader has to find.
 */

import fc, { type Arbitrary } from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/base/json.js';
import type { AttributeInput, CategoryRef, EntityInput, LinkInput } from '../../src/occi/request.js';

export interface DrawnDocument {
  readonly value: JsonObject;
  readonly meaning: EntityInput;
}

export interface DocumentWords {
  readonly kinds: Arbitrary<string>;
  readonly linkKinds: Arbitrary<string>;
  readonly mixins: Arbitrary<string>;
  readonly attributes: Arbitrary<string>;
  readonly targets: Arbitrary<string>;
  readonly values?: Arbitrary<JsonValue>;
}

const one = <T>(...items: readonly T[]): Arbitrary<T> => fc.constantFrom(...items);
const maybe = <T>(of: Arbitrary<T>): Arbitrary<T | undefined> => fc.option(of, { nil: undefined });

/** Text of every plane, without what stands for nothing alone. */
const TEXT = fc.string({
  unit: one(
    ...'abc xyz019.-_,;=<>:#?&/\'"\\\t\n\r',
    '\u0000',
    '\u001f',
    '\u007f',
    'é',
    '漢',
    '🙂',
    '\u202e',
    '\u2028',
    '\ufeff',
  ),
  maxLength: 12,
});
const NUMBER = fc.oneof(fc.nat(4096), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
const VALUE: Arbitrary<JsonValue> = fc.oneof(
  TEXT,
  NUMBER.map((value) => value + 0),
  fc.boolean(),
  fc.array(fc.oneof(TEXT, fc.boolean()), { maxLength: 3 }),
  fc.dictionary(one('a', 'b.c', 'd'), fc.oneof(TEXT, fc.boolean()), { maxKeys: 2 }),
);

const TERM = fc.string({ unit: one(...'abzAZ09'), minLength: 1, maxLength: 6 });
const ID = fc.tuple(TERM, TERM).map(([path, term]) => `http://example.org/${path}?b=c,d;e#${term}`);
export const ANY_DOCUMENT: DocumentWords = {
  kinds: ID,
  linkKinds: ID,
  mixins: ID,
  attributes: TERM.map((name) => `x.${name}`),
  targets: fc
    .tuple(one('/', 'http://example.org/'), fc.string({ unit: one(...'abc019-_.~=&:@!*()[]%é,;') }))
    .map((parts) => parts.join('')),
};

function reference(id: string, as: 'kind' | 'mixin'): CategoryRef {
  const end = id.indexOf('#') + 1;
  return { scheme: id.slice(0, end), term: id.slice(end), class: as };
}

const defined = (members: Readonly<Record<string, JsonValue | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(members).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined));
const inputs = (members: Readonly<Record<string, JsonValue | undefined>>): Map<string, AttributeInput> =>
  new Map(Object.entries(defined(members)).map(([name, value]) => [name, { value: value ?? '', typed: true }]));

const attributesOf = (words: DocumentWords): Arbitrary<JsonObject> =>
  fc.dictionary(words.attributes, words.values ?? VALUE, { maxKeys: 4 });

const end = (words: DocumentWords): Arbitrary<{ readonly location: string; readonly kind?: string }> =>
  fc.record({ location: words.targets, kind: words.kinds }, { requiredKeys: ['location'] });

/** A Link object (GFD.226 §3.1.2) as one of a resource's. */
const inlineLink = (words: DocumentWords): Arbitrary<{ readonly value: JsonObject; readonly meaning: LinkInput }> =>
  fc
    .record({
      kind: words.linkKinds,
      mixins: maybe(fc.array(words.mixins, { maxLength: 2 })),
      attributes: maybe(attributesOf(words)),
      target: end(words),
      id: maybe(fc.uuid().map((id) => `urn:uuid:${id}`)),
      title: maybe(TEXT),
    })
    .map(({ kind, mixins, attributes, target, id, title }) => ({
      value: defined({ kind, mixins, attributes, target, id, title }),
      meaning: {
        target: target.location,
        rel: target.kind === undefined ? [] : [target.kind],
        ...(id === undefined ? {} : { id }),
        categories: [kind, ...(mixins ?? [])],
        attributes: inputs({
          ...attributes,
          'occi.core.id': id,
          'occi.core.title': title,
          'occi.core.target': target.location,
          'occi.core.target.kind': target.kind,
        }),
      },
    }));

/** A Resource or Link object (GFD.226 §3.1.1, §3.1.2). */
export const document = (words: DocumentWords): Arbitrary<DrawnDocument> =>
  fc
    .record({
      kind: words.kinds,
      mixins: maybe(fc.array(words.mixins, { maxLength: 2 })),
      attributes: maybe(attributesOf(words)),
      actions: maybe(fc.array(words.mixins, { maxLength: 2 })),
      links: maybe(fc.array(inlineLink(words), { maxLength: 2 })),
      title: maybe(TEXT),
      summary: maybe(TEXT),
    })
    .map(({ kind, mixins, attributes, actions, links, title, summary }) => ({
      value: defined({ kind, mixins, attributes, actions, links: links?.map(({ value }) => value), title, summary }),
      meaning: {
        categories: [reference(kind, 'kind'), ...(mixins ?? []).map((id) => reference(id, 'mixin'))],
        attributes: inputs({ ...attributes, 'occi.core.title': title, 'occi.core.summary': summary }),
        links: (links ?? []).map(({ meaning }) => meaning),
        actionLinks: actions ?? [],
      },
    }));

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const unicode = (char: string): string =>
  [...Array(char.length).keys()].map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');

/** The text of a value in one of the forms that it may have; `{word}` stands for something that is put in later. */
export const written = (value: JsonValue): Arbitrary<string> =>
  fc.array(fc.nat(23), { minLength: 60, maxLength: 60 }).map((dice) => {
    let thrown = 0;
    const next = (): number => dice[thrown++ % dice.length] ?? 0;
    const blank = (): string => [' ', '\n', '\t', '\r\n', '  '][next()] ?? '';
    const char = (of: string): string => {
      const way = next();
      if (way === 0) return unicode(of);
      if (way < 4 && SHORT[of] !== undefined) return SHORT[of];
      return of < ' ' || of === '"' || of === '\\' ? (SHORT[of] ?? unicode(of)) : of;
    };
    const number = (of: number): string => {
      const text = String(of);
      if (!/^-?[0-9]+$/.test(text)) return text;
      const tenths = text === '0' ? '0E-1' : `${text}0E-1`;
      return [`${text}.0`, `${text}e0`, tenths, `${text}.00e+0`][next()] ?? text;
    };
    const write = (of: JsonValue): string => {
      if (typeof of === 'string' && /\{\w+\}/.test(of)) return JSON.stringify(of);
      if (typeof of === 'string') return `"${[...of].map(char).join('')}"`;
      if (typeof of === 'number') return number(of);
      if (of === null || typeof of === 'boolean') return String(of);
      if (Array.isArray(of))
        return `[${blank()}${of.map((each) => write(each as JsonValue) + blank()).join(`,${blank()}`)}]`;
      const members = Object.entries(of);
      const turn = members.length === 0 ? 0 : next() % members.length;
      const turned = [...members.slice(turn), ...members.slice(0, turn)].map(
        ([name, each]) => `${write(name)}${blank()}:${blank()}${write(each)}${blank()}`,
      );
      return `{${blank()}${turned.join(`,${blank()}`)}}`;
    };
    return `${blank()}${write(value)}${blank()}`;
  });

/** A document with one thing wrong, and the fault that is to be told. */
export interface WrongDocument {
  readonly value: JsonObject;
  readonly fault: string;
}

/** Members that are not what GFD.226 §3.1 has them be. */
export const wrongMember = (words: DocumentWords): Arbitrary<WrongDocument> =>
  fc.tuple(document(words), words.targets, words.linkKinds).chain(([{ value }, location, kind]) => {
    const wrong = (members: JsonObject, code: string, path: string): Arbitrary<WrongDocument> =>
      fc.constant({ value: { ...value, ...members }, fault: `json.${code} ${path}` });
    const link = { kind, target: { location } };
    return fc.oneof(
      wrong({ miss: 1 }, 'unknown-member', '/miss'),
      wrong({ 'a/~b': null }, 'unknown-member', '/a~1~0b'),
      ...[null, 1, '', 'compute', 'http://example.org/#', '#compute', [], {}, 'a b#c'].map((kind) =>
        wrong({ kind }, 'type-id', '/kind'),
      ),
      ...[{}, 'x', 1, true].map((mixins) => wrong({ mixins }, 'array-expected', '/mixins')),
      ...[null, 1, 'x', {}].map((mixin) => wrong({ mixins: [mixin] }, 'type-id', '/mixins/0')),
      ...[[], 'x', 1, false].map((attributes) => wrong({ attributes }, 'object-expected', '/attributes')),
      wrong({ attributes: { 'a.b': null } }, 'null', '/attributes/a.b'),
      wrong({ attributes: { a: { b: null } } }, 'null', '/attributes/a/b'),
      wrong({ title: 'a', attributes: { 'occi.core.title': 'b' } }, 'attribute-twice', '/title'),
      wrong({ summary: null }, 'null', '/summary'),
      ...[{}, 'x', 1].map((links) => wrong({ links }, 'array-expected', '/links')),
      ...[1, null, true, []].map((each) => wrong({ links: [each] }, 'object-expected', '/links/0')),
      wrong({ links: [{ ...link, miss: 1 }] }, 'unknown-member', '/links/0/miss'),
      wrong({ links: [{ ...link, kind: 'x' }] }, 'type-id', '/links/0/kind'),
      wrong({ links: [{ ...link, target: {} }] }, 'member-missing', '/links/0/target/location'),
      wrong({ links: [{ ...link, target: { location, miss: 1 } }] }, 'unknown-member', '/links/0/target/miss'),
      wrong({ links: [{ ...link, target: 1 }] }, 'object-expected', '/links/0/target'),
      ...[1, null, {}, []].map((action) => wrong({ actions: [action] }, 'action', '/actions/0')),
      wrong({ actions: 'start' }, 'array-expected', '/actions'),
      wrong({ source: 1 }, 'object-expected', '/source'),
      wrong({ rel: 1 }, 'string-expected', '/rel'),
    );
  });

/** Text that is not JSON for one reason. `miss` stands in it for the text of a right document. */
export const WRONG_TEXTS: readonly (readonly [code: string, text: string])[] = [
  ['trailing', 'miss x'],
  ['trailing', 'miss{}'],
  ['trailing', 'miss,'],
  ['array-end', '[miss'],
  ['array-end', '[miss miss]'],
  ['array-end', '[01]'],
  ['array-end', '[1.]'],
  ['array-end', '[0x1]'],
  ['array-end', '[1e]'],
  ['object-end', '{"a":miss'],
  ['object-end', '{"a":1 "b":2}'],
  ['member-name', '{"a":miss,}'],
  ['member-name', "{'a':1}"],
  ['member-name', '{a:1}'],
  ['member-name', '{,}'],
  ['colon', '{"a" miss}'],
  ['colon', '{"a"=1}'],
  ['value', '{"a":}'],
  ['value', '[miss,]'],
  ['value', '[+1]'],
  ['value', '[.5]'],
  ['value', '[NaN]'],
  ['value', '[-Infinity]'],
  ['value', '[undefined]'],
  ['value', "['a']"],
  ['value', '[True]'],
  ['value', '// miss\n{}'],
  ['value', '\u00a0{}'],
  ['string-end', '{"a":"miss'.replace('miss', '')],
  ['string-end', '["\\"'],
  ['control-character', '["a\u0000b"]'],
  ['control-character', '["a\tb"]'],
  ['escape', '["\\x41"]'],
  ['escape', '["\\u12g4"]'],
  ['surrogate', '["\\udc00"]'],
  ['number-range', '[1e400]'],
  ['duplicate-member', '{"a":miss,"a":1}'],
  ['duplicate-member', '{"a":1,"\\u0061":1}'],
  ['unsafe-member', '{"__proto__":miss}'],
  ['unsafe-member', '{"\\u005f_proto__":1}'],
  ['unsafe-member', '{"constructor":miss}'],
  ['depth', `${'['.repeat(70)}${']'.repeat(70)}`],
];
