/** Text renderings: C-201 … C-220 (GFD.185 §3.5–3.6, GFD.229). Lines are judged by expressions written from the grammar. */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { OCCI, PLAIN, URIS, attributeField, categoryField, type Attributes } from '../message.js';
import { COMPUTE, CORE, NETWORK, STORAGE, actionId } from '../names.js';
import { Inapplicable } from '../outcome.js';
import { linesOf, readMessage, uris, type CategoryField } from '../read/fields.js';
import { objectIn, objectsIn, textIn } from '../read/json.js';
import { STATE, type Trial } from '../trial.js';

const TITLE = 'occi.core.title';

/** GFD.185 §3.5.1 and GFD.229 §4.1, parameters in their order; blanks around `;` are as RFC 2616 lets them be. */
const CATEGORY =
  /^[A-Za-z0-9][A-Za-z0-9._-]* *; *scheme="[^"]+" *; *class=("(kind|mixin|action)"|kind|mixin|action)( *; *title="([^"\\]|\\.)*")?( *; *rel="[^"]+")?( *; *location="[^"]+")?( *; *attributes="[^"]+")?( *; *actions="[^"]+")? *;?$/;
const ATTRIBUTE_DEFINITION = /^[A-Za-z0-9._-]+(\{(immutable|required)( (immutable|required))*\})?$/;
const TYPE_IDENTIFIER = /^[a-z][a-z0-9+.-]*:[^\s#"]+#[A-Za-z0-9][A-Za-z0-9._-]*$/i;
const LINE = /^(Category|Link|X-OCCI-Attribute|X-OCCI-Location): ?(.*)$/i;
const URI = /^[a-z][a-z0-9+.-]*:\S+$/i;

async function categories(trial: Trial): Promise<readonly CategoryField[]> {
  return (await trial.discover()).categories;
}

/** Names in `attributes="…"` with their properties as they stand there. */
const definitions = ({ raw }: CategoryField): string[] =>
  (/; *attributes="([^"]*)"/.exec(raw)?.[1] ?? '').match(/[^\s{]+(\{[^}]*\})?/g) ?? [];

/** Puts a title on an entity in a rendering, and reads it back in both. */
async function roundTrips(trial: Trial, title: string): Promise<void> {
  for (const type of [PLAIN, OCCI]) {
    const exchange = await trial.post(trial.location(trial.subject), {
      ...trial.filled(trial.subject, { attributes: { [TITLE]: title } }),
      type,
    });
    trial.status(exchange, 200, 201);
    const path = trial.made(exchange, trial.location(trial.subject));
    trial.peer.made.own(path);
    for (const accept of [PLAIN, OCCI]) {
      const shown = await trial.get(path, accept);
      trial.status(shown, 200);
      const { attributes, rawAttributes } = readMessage(shown);
      const raw = rawAttributes.find((each) => each.startsWith(TITLE)) ?? '';
      trial.holds(/^[^=]+= *"([^"\\]|\\.)*"$/.test(raw), `as ${accept} it is no quoted string: ${raw}`, shown);
      trial.equal(attributes.get(TITLE), title, `sent as ${type}, read as ${accept}: ${TITLE}`, shown);
    }
  }
}

/** A POST of raw fields in headers. */
const postHeaders = (
  trial: Trial,
  headers: Readonly<Record<string, string | readonly string[]>>,
  body?: string,
): Promise<Exchange> =>
  trial.post(trial.location(trial.subject), {
    kind: trial.subject,
    headers: { 'Content-Type': OCCI, ...headers },
    ...(body === undefined ? { body: '' } : { body }),
  });

async function titleOf(trial: Trial, exchange: Exchange): Promise<TextValues> {
  trial.status(exchange, 200, 201);
  const { attributes } = await trial.entity(trial.made(exchange, trial.location(trial.subject)));
  return { title: attributes.get(TITLE), summary: attributes.get('occi.core.summary') };
}

interface TextValues {
  readonly title: unknown;
  readonly summary: unknown;
}

/** Numbers and strings by the standard, on a kind that the server offers. */
function standardValues(trial: Trial): readonly [kind: string, number: string, string: string] {
  const found = (
    [
      [NETWORK, 'occi.network.vlan', 'occi.network.label'],
      [COMPUTE, 'occi.compute.cores', 'occi.compute.hostname'],
      [STORAGE, 'occi.storage.size', TITLE],
    ] as const
  ).find(([id]) => trial.model.get(id)?.location !== undefined);
  if (found === undefined) throw new Inapplicable('the server does not offer infrastructure');
  return found;
}

export const TEXT_CHECKS: Checks = {
  'C-201': {
    how: 'every Category line of /-/ and of an entity against the grammar',
    run: async (trial) => {
      const entity = await trial.entity(await trial.make());
      for (const { raw } of [...entity.categories, ...(await categories(trial))])
        trial.holds(CATEGORY.test(raw), `it does not follow the grammar: ${raw}`);
    },
  },
  'C-202': {
    how: 'terms and attribute names in /-/',
    run: async (trial) => {
      for (const each of await categories(trial)) {
        trial.holds(/^[a-z][a-z0-9_-]*$/.test(each.term), `the term ${each.term}`);
        for (const { name } of each.attributes)
          trial.holds(/^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$/.test(name), `the attribute ${name} of ${each.id}`);
      }
    },
  },
  'C-203': {
    how: 'terms in /-/',
    run: async (trial) => {
      for (const { term } of await categories(trial))
        trial.holds(/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(term), `the term ${term}`);
    },
  },
  'C-204': {
    how: 'class in /-/ and on an entity',
    run: async (trial) => {
      const entity = await trial.entity(await trial.make());
      for (const each of [...entity.categories, ...(await categories(trial))])
        trial.holds(['kind', 'mixin', 'action'].includes(each.class), `class of ${each.id} is "${each.class}"`);
    },
  },
  'C-205': {
    how: 'properties in attributes="…" against what the standard says, and against JSON where there is some',
    run: async (trial) => {
      const all = new Map((await categories(trial)).map((each) => [each.id, each]));
      const known: readonly (readonly [string, string, 'immutable' | 'required'])[] = [
        [`${CORE}entity`, 'occi.core.id', 'immutable'],
        [COMPUTE, STATE, 'immutable'],
        [NETWORK, 'occi.network.state', 'immutable'],
        [STORAGE, 'occi.storage.size', 'required'],
      ];
      for (const [id, name, property] of known) {
        const shown = all.get(id)?.attributes.find((each) => each.name === name);
        if (shown) trial.holds(shown[property], `${name} of ${id} is not {${property}}`);
      }
      const json = trial.model.json;
      for (const member of ['kinds', 'mixins'])
        for (const category of objectsIn(json?.[member])) {
          const id = textIn(category['scheme']) + textIn(category['term']);
          for (const { name, immutable, required } of all.get(id)?.attributes ?? []) {
            const described = objectIn(objectIn(category['attributes'])[name]);
            if (Object.keys(described).length === 0) continue;
            trial.equal(immutable, described['mutable'] !== true, `{immutable} of ${name} of ${id}`);
            // What a client must not give it cannot be required to give.
            if (!immutable) trial.equal(required, described['required'] === true, `{required} of ${name} of ${id}`);
          }
        }
    },
  },
  'C-206': {
    how: 'actions="…" of every category in /-/',
    run: async (trial) => {
      for (const { id, actions, raw } of await categories(trial)) {
        for (const action of actions) trial.holds(TYPE_IDENTIFIER.test(action), `actions of ${id}: ${action}`);
        for (const definition of definitions({ raw } as CategoryField))
          trial.holds(ATTRIBUTE_DEFINITION.test(definition), `attributes of ${id}: ${definition}`);
      }
    },
  },
  'C-207': {
    how: 'rel of every mixin in /-/, and depends in JSON where there is some',
    run: async (trial) => {
      const mixins = (await categories(trial)).filter((each) => each.class === 'mixin');
      for (const { id, rel } of mixins) trial.holds(rel.length <= 1, `rel of ${id} has ${rel.length} values`);
      for (const { id, related } of trial.model.mixins.filter(() => trial.model.json !== undefined)) {
        const shown = mixins.find((each) => each.id === id);
        if (shown) trial.equal(shown.rel[0], related[0], `rel of ${id}`);
      }
    },
  },
  'C-208': {
    how: 'X-OCCI-Attribute of an entity with a number, strings and a state',
    run: async (trial) => {
      const [kind, number, string] = standardValues(trial);
      const path = await trial.make(kind, { attributes: { [number]: 2, [string]: 'two' } });
      const raw = new Map((await trial.entity(path)).rawAttributes.map((each) => [each.split('=')[0]?.trim(), each]));
      const value = (name: string): string => (raw.get(name) ?? '').replace(/^[^=]*=\s*/, '');
      trial.holds(/^\d+(\.\d+)?$/.test(value(number)), `${number} is written ${value(number)}`);
      for (const name of [TITLE, string, 'occi.core.id'])
        trial.holds(/^"([^"\\]|\\.)*"$/.test(value(name)), `${name} is written ${value(name)}`);
      for (const [name = ''] of raw)
        if (name.endsWith('.state')) trial.holds(/^".*"$/.test(value(name)), `${name} is written ${value(name)}`);
    },
  },
  'C-209': {
    how: 'a title with quotes and backslashes, in both renderings',
    run: (trial) => roundTrips(trial, `${trial.peer.mark} "quoted" \\ and \\" both\\\\`),
  },
  'C-210': {
    how: 'a title with commas, semicolons and equal signs; and one that would set another attribute if it were split',
    run: async (trial) => {
      await roundTrips(trial, `${trial.peer.mark} a, b; c = d, occi.core.summary="no"`);
      const hidden = `${trial.peer.mark} ", occi.core.summary=`;
      const attributes: Attributes = { [TITLE]: hidden, 'occi.core.summary': 'kept' };
      for (const type of [PLAIN, OCCI]) {
        const message = { ...trial.filled(trial.subject, { attributes }), type };
        const exchange = await trial.post(trial.location(trial.subject), message);
        trial.equal(await titleOf(trial, exchange), { title: hidden, summary: 'kept' }, `as ${type} they`);
      }
    },
  },
  'C-211': {
    how: 'two attributes in one field and in two, in headers and in a body',
    run: async (trial) => {
      const { kind, ...rest } = trial.filled(trial.subject, {
        attributes: { [TITLE]: `${trial.peer.mark} t`, 'occi.core.summary': 's' },
      });
      const values = Object.entries(rest.attributes ?? {}).map(([name, value]) => attributeField(name, value));
      const category = categoryField(kind ?? '', 'kind');
      const categories_ = [category, ...(rest.mixins ?? []).map((id) => categoryField(id, 'mixin'))];
      const wanted = { title: `${trial.peer.mark} t`, summary: 's' };
      const inBody = (fields: readonly string[]): Promise<Exchange> =>
        trial.post(trial.location(trial.subject), {
          kind: trial.subject,
          body: [...categories_.map((each) => `Category: ${each}`), ...fields].join('\r\n'),
        });
      const joined = values.join(', ');
      const answers = [
        await postHeaders(trial, { Category: categories_, 'X-OCCI-Attribute': values }),
        await postHeaders(trial, { Category: categories_.join(', '), 'X-OCCI-Attribute': joined }),
        await inBody(values.map((value) => `X-OCCI-Attribute: ${value}`)),
        await inBody([`X-OCCI-Attribute: ${joined}`]),
      ];
      for (const exchange of answers) trial.equal(await titleOf(trial, exchange), wanted, 'title and summary');
    },
  },
  'C-212': {
    how: 'the action links of a compute',
    run: async (trial) => {
      trial.need(actionId('compute', 'start'));
      const { links } = await trial.entity(await trial.make(COMPUTE));
      const actions = links.filter(({ action }) => action !== undefined);
      trial.holds(actions.length > 0, 'there is none');
      for (const { raw, rel, action } of actions) {
        trial.holds(
          /^<[^>]*\?action=[A-Za-z0-9._-]+>; ?rel="[^"]+"$/.test(raw),
          `it does not follow the grammar: ${raw}`,
        );
        trial.holds(rel.length === 1 && rel[0]?.endsWith(`#${action}`) === true, `rel and action do not agree: ${raw}`);
      }
    },
  },
  'C-213': {
    how: 'every line of /-/, of a collection and of an entity; and that their headers say nothing of it',
    run: async (trial) => {
      for (const url of [await trial.make(), trial.location(trial.subject), '/-/']) {
        const exchange = await trial.get(url, PLAIN);
        trial.status(exchange, 200);
        for (const line of linesOf(exchange.body)) trial.holds(LINE.test(line), `not a line of the rendering: ${line}`);
        for (const name of ['category', 'x-occi-attribute', 'x-occi-location'])
          trial.equal(exchange.header(name), undefined, `the header ${name}`, exchange);
      }
    },
  },
  'C-214': {
    how: '/-/, a collection and an entity in text/occi',
    run: async (trial) => {
      for (const [url, header] of [
        [await trial.make(), 'Category'],
        [trial.location(trial.subject), 'X-OCCI-Location'],
        ['/-/', 'Category'],
      ] as const) {
        const exchange = await trial.get(url, OCCI);
        if (url === '/-/' && exchange.status === 406) continue;
        trial.status(exchange, 200);
        trial.equal(exchange.body.trim(), 'OK', `the body of ${url}`, exchange);
        trial.holds(exchange.header(header) !== undefined, `${url} has no header ${header}`, exchange);
      }
    },
  },
  'C-215': {
    how: 'POST of a kind in headers with another in the body',
    run: async (trial) => {
      const { kind: _, mixins = [], attributes = {} } = trial.filled(trial.subject);
      const exchange = await postHeaders(
        trial,
        {
          Category: [categoryField(trial.subject, 'kind'), ...mixins.map((id) => categoryField(id, 'mixin'))].join(
            ', ',
          ),
          'X-OCCI-Attribute': Object.entries(attributes)
            .map(([name, value]) => attributeField(name, value))
            .join(', '),
        },
        'Category: nothing; scheme="http://example.org/occi/conformance#"; class="kind"',
      );
      trial.status(exchange, 200, 201);
      const shown = await trial.entity(trial.made(exchange, trial.location(trial.subject)));
      trial.holds(
        shown.categories.some(({ id }) => id === trial.subject),
        `it is not of the kind ${trial.subject}`,
      );
    },
  },
  'C-216': {
    how: 'every line of a collection in text/uri-list',
    run: async (trial) => {
      await trial.make();
      const exchange = await trial.get(trial.location(trial.subject), URIS);
      trial.status(exchange, 200);
      const lines = uris(exchange.body);
      trial.holds(lines.length > 0, 'there is none', exchange);
      for (const line of lines) trial.holds(URI.test(line), `not a URI: ${line}`, exchange);
    },
  },
  'C-217': {
    how: 'X-OCCI-Location of a collection in text/occi, and the same in text/plain',
    run: async (trial) => {
      await trial.make();
      const location = trial.location(trial.subject);
      const [headers, plain] = [await trial.get(location, OCCI), await trial.get(location, PLAIN)];
      for (const exchange of [headers, plain]) trial.status(exchange, 200);
      trial.equal(
        [...readMessage(headers).locations].sort(),
        [...readMessage(plain).locations].sort(),
        'X-OCCI-Location',
        headers,
      );
    },
  },
  'C-218': {
    how: '/-/ in text/occi and in text/plain',
    run: async (trial) => {
      const [headers, plain] = [await trial.get('/-/', OCCI), await trial.get('/-/', PLAIN)];
      if (headers.status === 406) return;
      trial.status(headers, 200);
      const raw = (exchange: Exchange): string[] =>
        readMessage(exchange)
          .categories.map((each) => each.raw)
          .sort();
      trial.equal(raw(headers), raw(plain), 'Category', headers);
    },
  },
  'C-219': {
    how: 'X-OCCI-Attribute of a resource and of a link',
    run: async (trial) => {
      const path = await trial.make(trial.subject, { attributes: { 'occi.core.summary': 'seen' } });
      const { attributes } = await trial.entity(path);
      for (const name of ['id', 'title', 'summary'])
        trial.holds(attributes.has(`occi.core.${name}`), `occi.core.${name} is not shown`);
      const { link, targetKind } = await trial.linked();
      const ends = (await trial.entity(link)).attributes;
      for (const name of ['source', 'target'])
        trial.holds(ends.has(`occi.core.${name}`), `occi.core.${name} is not shown`);
      trial.equal(ends.get('occi.core.source.kind'), COMPUTE, 'occi.core.source.kind');
      trial.equal(ends.get('occi.core.target.kind'), targetKind, 'occi.core.target.kind');
    },
  },
  'C-220': {
    how: 'start in either rendering, and with two action Categories',
    run: async (trial) => {
      for (const type of [PLAIN, OCCI]) {
        const path = await trial.make(COMPUTE);
        const term = (await trial.value(path, STATE)) === 'active' ? 'stop' : 'start';
        const second = ['Category', categoryField(actionId('compute', 'restart'), 'action')] as const;
        const both = { action: actionId('compute', term), fields: [second], type };
        trial.refused(await trial.post(`${path}?action=${term}`, both));
        trial.status(await trial.act(path, 'compute', term, {}, { type }), 200, 202);
      }
    },
  },
};
