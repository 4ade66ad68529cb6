/**
 * Requests whose messages are drawn from the productions of the renderings, in words that mean something to the server, so
 * that they come as far as the model, the site's limits and the store; some break their grammar in one place, or are changed
 * in one character after they were right.
 */

import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/base/json.js';
import { ACTION, CRTP, INFRA, JSON_TYPE, USER } from '../conformance/client.js';
import { WRONG_TEXTS, document, written, wrongMember, type DocumentWords } from '../occi/json-productions.js';
import {
  attribute,
  bodyOf,
  category,
  fieldsOf,
  link,
  location,
  nearMiss,
  type LinkWords,
  type Pieces,
  type Vocabulary,
  type WrittenField,
} from '../occi/text/productions.js';

/** A request before its paths are known: `{compute}`, `{network}` … stand for entities that are there. */
export interface FuzzCase {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** It breaks the grammar of its media type: whatever else it says, it must be refused. */
  readonly broken?: boolean;
}

/** Control characters, which Node refuses to send. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f]/g;

/** Header values as HTTP can carry them: what it cannot is for the raw cases. */
export const carried = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1').replace(CONTROLS, '')]),
  );

const one = <T>(...items: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...items);

/** A kind's own words: what makes up most of its messages. */
interface Sort {
  readonly term: string;
  readonly attributes: readonly (readonly [name: string, text: string, value: JsonValue])[];
  readonly mixins: readonly string[];
  readonly links: readonly LinkWords[];
}

const IPNETWORK = 'http://schemas.ogf.org/occi/infrastructure/network#ipnetwork';
const FUZZ = `${USER}fuzz`;
const NETWORK_LINK = { target: '{network}', rel: [`${INFRA}network`], categories: [`${INFRA}networkinterface`] };
const STORAGE_LINK = { target: '{storage}', rel: [`${INFRA}storage`], categories: [`${INFRA}storagelink`] };
const UNFIT_LINKS: readonly LinkWords[] = [
  { ...NETWORK_LINK, target: '{foreign}' },
  { ...STORAGE_LINK, target: '{absent}' },
  { ...NETWORK_LINK, categories: [`${INFRA}storagelink`, FUZZ] },
  { ...NETWORK_LINK, rel: [FUZZ], categories: [] },
  { target: '{compute}?action=start', rel: [`${ACTION('compute')}start`], categories: [] },
  { target: 'http://example.org/x', rel: ['http://example.org/a#b'], categories: [`${INFRA}networkinterface`] },
];

const SORTS: readonly Sort[] = [
  {
    term: 'compute',
    attributes: [
      ['occi.compute.cores', '2', 2],
      ['occi.compute.memory', '1.5', 1.5],
      ['occi.compute.hostname', '"h.example.org"', 'h.example.org'],
      ['occi.compute.architecture', 'x64', 'x64'],
      ['occi.core.title', '"a, \\"b\\"; c"', 'a, "b"; c'],
    ],
    mixins: [`${CRTP}small`, `${CRTP}large`, FUZZ],
    links: [NETWORK_LINK, NETWORK_LINK, STORAGE_LINK],
  },
  {
    term: 'network',
    attributes: [
      ['occi.network.vlan', '7', 7],
      ['occi.network.label', 'dmz', 'dmz'],
      ['occi.core.summary', '"s"', 's'],
    ],
    mixins: [IPNETWORK, FUZZ],
    links: [],
  },
  {
    term: 'storage',
    attributes: [
      ['occi.storage.size', '1.0', 1],
      ['occi.storage.size', '"2"', 2],
      ['occi.core.title', '"t"', 't'],
    ],
    mixins: [FUZZ],
    links: [],
  },
  {
    term: 'networkinterface',
    attributes: [
      ['occi.core.source', '"{compute}"', '{compute}'],
      ['occi.core.target', '"{network}"', '{network}'],
      ['occi.networkinterface.mac', '"02:00:00:00:00:01"', '02:00:00:00:00:01'],
    ],
    mixins: [FUZZ],
    links: [],
  },
];

const split = (id: string): { readonly scheme: string; readonly term: string } => {
  const cut = id.indexOf('#') + 1;
  return { scheme: id.slice(0, cut), term: id.slice(cut) };
};
const TYPES = [`${INFRA}storagelink`, `${CRTP}small`, FUZZ, IPNETWORK, `${ACTION('compute')}start`];

const vocabulary = ({ term, links }: Sort): Vocabulary => ({
  categories: fc.constant({ ...split(INFRA + term), class: 'kind' as const }),
  attributes: one('occi.compute.state', 'method', 'occi.core.id'),
  targets: one('{network}', '{foreign}'),
  locations: one('{url}{compute}', '{network}', '{foreign}'),
  links: one<LinkWords>(...links, ...(links.length === 0 ? UNFIT_LINKS : UNFIT_LINKS.slice(0, 2))),
});
const others = (sort: Sort): Vocabulary => ({
  ...vocabulary(sort),
  categories: one(...sort.mixins, ...sort.mixins, ...TYPES).map((id) => ({ ...split(id), class: 'mixin' as const })),
});

/** Attributes of the kind, each once. */
const ownAttributes = ({ attributes }: Sort): fc.Arbitrary<Sort['attributes']> =>
  fc.uniqueArray(one(...attributes), { minLength: 1, maxLength: 5, selector: ([name]) => name });

/** Most often nothing: what does not fit is one thing among right ones. */
const rarely = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: of.map((each) => [each]) });

const messageOf = (sort: Sort): fc.Arbitrary<Pieces> =>
  fc
    .record({
      kind: category(vocabulary(sort)),
      mixins: rarely(category(others(sort))),
      own: ownAttributes(sort),
      more: rarely(attribute(vocabulary(sort))),
      links: rarely(link(vocabulary(sort))),
      locations: rarely(location(vocabulary(sort))),
    })
    .map(({ kind, mixins, own, more, links, locations }) => ({
      categories: [kind, ...mixins],
      attributes: [
        ...own.map(([name, text, value]) => ({
          text: `${name}=${text}`,
          meaning: [name, { value: value ?? '', typed: false }] as const,
        })),
        ...more,
      ],
      links,
      locations,
    }));

/** Where messages go, most often where they belong. `KIND` stands for the kind's term. */
const TARGETS: fc.Arbitrary<readonly [method: string, path: string]> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(['POST', '/KIND/'] as const) },
  { weight: 3, arbitrary: fc.constant(['POST', '{KIND}'] as const) },
  { weight: 2, arbitrary: fc.constant(['PUT', '{KIND}'] as const) },
  {
    weight: 4,
    arbitrary: one<readonly [string, string]>(
      ...([
        ['POST', '/'],
        ['PUT', '/KIND/'],
        ['POST', '/fuzz/'],
        ['PUT', '/fuzz/'],
        ['DELETE', '/fuzz/'],
      ] as const),
      ...([
        ['POST', '/-/'],
        ['POST', '{KIND}?action=start'],
        ['POST', '/KIND/?action=stop'],
        ['GET', '/KIND/'],
      ] as const),
    ),
  },
);

const resolved = (path: string, { term }: Sort): string =>
  path.replace('{KIND}', term === 'networkinterface' ? '{link}' : `{${term}}`).replace('KIND', term);

const AGENT = one('x OCCI/1.1', 'x OCCI/1.2', 'x');
const ACCEPT = one('text/plain', 'text/occi', JSON_TYPE, '*/*');

/** Changes one character: takes it away, doubles it, or puts a separator in its place. */
const slip = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat(Math.max(text.length - 1, 0)), one('', 'twice', ...'";,=<>\\ \t\n{}[]:0'))
    .map(([at, put]) => text.slice(0, at) + (put === 'twice' ? (text[at] ?? '').repeat(2) : put) + text.slice(at + 1));

const textual: fc.Arbitrary<FuzzCase> = one(...SORTS).chain((sort) =>
  fc
    .record({
      of: messageOf(sort),
      wrong: fc.option(nearMiss(vocabulary(sort)), { freq: 3 }),
      to: TARGETS,
      form: one('text/plain', 'text/occi', 'text/occi+plain'),
      agent: AGENT,
      accept: ACCEPT,
      slips: fc.boolean(),
    })
    .chain(({ of, wrong, to: [method, path], form, agent, accept, slips }) => {
      const headers = { 'user-agent': agent, accept, 'content-type': form };
      const bodiless = method === 'GET';
      return fieldsOf(of).chain((right) => {
        const fields: readonly WrittenField[] = wrong ? [...right, [wrong.field, wrong.text]] : right;
        const to = { method, path: resolved(path, sort) };
        if (form === 'text/occi' || bodiless) {
          // What a header cannot carry is taken out on the way, and with it what was wrong.
          const broken = wrong !== null && wrong.code !== 'text.control-character';
          const joined = joinedFields(fields);
          return fc.constant({ ...to, headers: carried({ ...headers, ...joined }), body: '', broken });
        }
        return bodyOf(fields).chain((body) =>
          (slips && !wrong ? slip(body) : fc.constant(body)).map((sent) => ({
            ...to,
            headers: carried(headers),
            body: sent,
            broken: wrong !== null,
          })),
        );
      });
    }),
);

/** Fields of one name in one header, as Node would join them. */
function joinedFields(fields: readonly WrittenField[]): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const earlier = joined[key];
    joined[key] = earlier === undefined ? value : `${earlier}, ${value}`;
  }
  return joined;
}

const documentWords = ({ term, attributes, mixins }: Sort): DocumentWords => ({
  kinds: fc.constant(INFRA + term),
  linkKinds: one(`${INFRA}networkinterface`, `${INFRA}storagelink`),
  mixins: one(...mixins, ...mixins, ...TYPES),
  attributes: one(...attributes.map(([name]) => name), 'method'),
  targets: one('{network}', '{storage}', '{foreign}', '{absent}'),
  values: one<JsonValue>(...attributes.map(([, , value]) => value), 1, 'x'),
});

/** A document of a kind: most often with attributes, links and mixins that it may have. */
const fitting = (sort: Sort): fc.Arbitrary<JsonObject> =>
  fc
    .record({
      any: document(documentWords(sort)),
      own: ownAttributes(sort),
      mixins: rarely(one(...sort.mixins)),
      links: sort.links.length === 0 ? fc.constant([]) : rarely(one(...sort.links)),
      wild: fc.nat(5),
    })
    .map(({ any: { value }, own, mixins, links, wild }) => {
      if (wild === 0) return value;
      const ends = links.map(({ target, categories: [kind = ''] }) => ({ kind, target: { location: target } }));
      const attributes = Object.fromEntries(own.map(([name, , of]) => [name, of] as const));
      return { kind: INFRA + sort.term, attributes, mixins, ...(ends.length === 0 ? {} : { links: ends }) };
    });

const inJson: fc.Arbitrary<FuzzCase> = one(...SORTS).chain((sort) => {
  const words = documentWords(sort);
  const right = fitting(sort);
  const message = fc.oneof(
    { weight: 6, arbitrary: right.chain(written).map((text) => ({ text, broken: false })) },
    {
      weight: 2,
      arbitrary: fc
        .array(right, { minLength: 1, maxLength: 3 })
        .chain((resources) => written({ resources }))
        .map((text) => ({ text, broken: false })),
    },
    {
      weight: 2,
      arbitrary: right
        .chain(written)
        .chain(slip)
        .map((text) => ({ text, broken: false })),
    },
    {
      weight: 2,
      arbitrary: wrongMember(words)
        .chain(({ value }) => written(value))
        .map((text) => ({ text, broken: true })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(one(...WRONG_TEXTS), right.chain(written))
        .map(([[, text], inside]) => ({ text: text.replaceAll('miss', () => inside), broken: true })),
    },
  );
  return fc
    .record({ message, to: TARGETS, agent: AGENT, accept: ACCEPT, type: one(JSON_TYPE, JSON_TYPE, 'application/json') })
    .filter(({ to: [method] }) => method !== 'GET')
    .map(({ message: { text, broken }, to: [method, path], agent, accept, type }) => ({
      method,
      path: resolved(path, sort),
      headers: carried({ 'user-agent': agent, accept, 'content-type': type }),
      body: text,
      broken,
    }));
});

export const grammatical: fc.Arbitrary<FuzzCase> = fc.oneof(textual, inJson);
