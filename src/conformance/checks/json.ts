/** The JSON rendering: C-221 … C-239 (GFD.226). */

import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json.js';
import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { JSON_TYPE, PLAIN } from '../message.js';
import { COMPUTE, CORE, NETWORK, STORAGE, actionId } from '../names.js';
import { Inapplicable } from '../outcome.js';
import { readMessage } from '../read/fields.js';
import { objectIn, objectsIn, stringsIn, textIn } from '../read/json.js';
import { STATE, type Trial } from '../trial.js';

/** Members that appendix B of GFD.226 knows; `rel` of a link is one of them. */
const MEMBERS = {
  resource: ['kind', 'id', 'mixins', 'attributes', 'actions', 'links', 'summary', 'title'],
  link: ['kind', 'id', 'mixins', 'attributes', 'actions', 'source', 'target', 'title', 'summary', 'rel'],
  kinds: ['term', 'scheme', 'title', 'attributes', 'parent', 'actions', 'location'],
  mixins: ['term', 'scheme', 'title', 'attributes', 'depends', 'applies', 'actions', 'location'],
  actions: ['term', 'scheme', 'title', 'attributes'],
  description: ['mutable', 'required', 'type', 'pattern', 'default', 'description'],
} as const;

const TYPES = ['string', 'number', 'boolean', 'array', 'object'];

const idOf = (category: JsonObject): string => textIn(category['scheme']) + textIn(category['term']);

function only(trial: Trial, object: JsonObject, members: readonly string[], what: string): void {
  for (const member of Object.keys(object)) trial.holds(members.includes(member), `${what} has a member ${member}`);
}

/** The model in JSON as it is now. */
const model = (trial: Trial): Promise<JsonObject> => trial.json('/-/');

/** All attribute descriptions, with the category and name they belong to. */
async function descriptions(trial: Trial): Promise<(readonly [string, JsonObject])[]> {
  const document = await model(trial);
  return ['kinds', 'mixins', 'actions'].flatMap((member) =>
    objectsIn(document[member]).flatMap((category) =>
      Object.entries(objectIn(category['attributes'])).map(
        ([name, description]) => [`${name} of ${idOf(category)}`, objectIn(description)] as const,
      ),
    ),
  );
}

const typeOf = (value: JsonValue): string => (Array.isArray(value) ? 'array' : typeof value);

/** A resource with a link, and the link, as JSON shows them. */
async function linkedInJson(
  trial: Trial,
): Promise<{ resource: JsonObject; inner: JsonObject; link: JsonObject; path: string }> {
  trial.needJson();
  const { source, link } = await trial.linked();
  const alone = await trial.json(link);
  const resource = await trial.json(source);
  const inner = objectsIn(resource['links']).find((each) => each['id'] === alone['id']) ?? {};
  return { resource, inner, link: alone, path: source };
}

/** A subject made in JSON. */
async function post(trial: Trial, body: JsonObject | string, kind = trial.subject): Promise<Exchange> {
  trial.needJson();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return trial.post(trial.location(kind), { kind, body: text, type: JSON_TYPE });
}

export const JSON_CHECKS: Checks = {
  'C-221': {
    how: 'Content-Type of an entity in JSON',
    run: async (trial) => {
      await trial.json(await trial.make());
      trial.equal(trial.exchanges.at(-1)?.type, JSON_TYPE, 'Content-Type');
    },
  },
  'C-222': {
    how: 'kind, id and title of an entity in JSON',
    run: async (trial) => {
      const entity = await trial.json(await trial.make());
      trial.equal(entity['kind'], trial.subject, 'kind');
      trial.holds(textIn(entity['id']) !== '', 'there is no id');
      trial.equal(entity['title'], trial.peer.mark, 'title');
    },
  },
  'C-223': {
    how: 'kind, id, source and target of a link in JSON',
    run: async (trial) => {
      const { link } = await linkedInJson(trial);
      for (const member of ['kind', 'id']) trial.holds(textIn(link[member]) !== '', `there is no ${member}`);
      for (const end of ['source', 'target'])
        trial.holds(textIn(objectIn(link[end])['location']) !== '', `there is no ${end}.location`);
    },
  },
  'C-224': {
    how: 'kind of source and target of a link in JSON',
    run: async (trial) => {
      const { link, resource } = await linkedInJson(trial);
      trial.equal(objectIn(link['source'])['kind'], resource['kind'], 'source.kind');
      trial.holds(textIn(objectIn(link['target'])['kind']) !== '', 'there is no target.kind');
    },
  },
  'C-225': {
    how: 'links of a resource in JSON, and the link by itself',
    run: async (trial) => {
      const { inner, link } = await linkedInJson(trial);
      trial.equal(inner['kind'], link['kind'], 'kind of the link within its resource');
      for (const end of ['source', 'target'])
        trial.equal(
          objectIn(inner[end])['location'],
          objectIn(link[end])['location'],
          `${end}.location within its resource`,
        );
      // Read after the link by itself: what a site reports may have come in between, but nothing can have gone.
      for (const name of Object.keys(objectIn(link['attributes'])))
        trial.holds(name in objectIn(inner['attributes']), `${name} is missing within its resource`);
    },
  },
  'C-226': {
    how: 'keys of attributes of an entity in JSON',
    run: async (trial) => {
      const attributes = objectIn((await trial.json(await trial.make()))['attributes']);
      trial.holds(Object.keys(attributes).length > 0, 'there are none');
      for (const name of Object.keys(attributes)) trial.holds(name.includes('.'), `${name} is no whole name`);
    },
  },
  'C-227': {
    how: 'a number and a string of an entity in JSON',
    run: async (trial) => {
      trial.needJson();
      const sort = (
        [
          [NETWORK, 'occi.network.vlan'],
          [STORAGE, 'occi.storage.size'],
          [COMPUTE, 'occi.compute.cores'],
        ] as const
      ).find(([id]) => trial.model.get(id)?.location !== undefined);
      if (sort === undefined) throw new Inapplicable('the server does not offer infrastructure');
      const [kind, name] = sort;
      const attributes = objectIn(
        (await trial.json(await trial.make(kind, { attributes: { [name]: 2 } })))['attributes'],
      );
      trial.equal(attributes[name], 2, name);
      for (const [each, value] of Object.entries(attributes)) {
        const { type } = trial.model.get(kind)?.attributes.find((one) => one.name === each) ?? {};
        if (type !== undefined) trial.equal(typeOf(value), type, `the type of ${each}`);
      }
    },
  },
  'C-228': {
    how: 'the collections of a kind of resource and of a kind of link in JSON',
    run: async (trial) => {
      trial.needJson();
      const { kind } = await trial.linked();
      for (const [location, member] of [
        [trial.location(COMPUTE), 'resources'],
        [trial.location(kind), 'links'],
      ] as const) {
        const found = (await trial.json(location))[member];
        trial.holds(Array.isArray(found) && found.length > 0, `${location} has no array ${member}`);
      }
    },
  },
  'C-229': {
    how: 'members of /-/ in JSON',
    run: async (trial) => {
      const document = await model(trial);
      for (const member of ['kinds', 'mixins', 'actions'])
        trial.holds(Array.isArray(document[member]), `there is no array ${member}`);
      trial.holds(objectsIn(document['kinds']).length >= 3, 'there are fewer than three kinds');
    },
  },
  'C-230': {
    how: 'kinds of /-/ in JSON',
    run: async (trial) => {
      for (const kind of objectsIn((await model(trial))['kinds'])) {
        const entity = idOf(kind) === `${CORE}entity`;
        for (const member of ['term', 'scheme', ...(entity ? [] : ['location', 'parent'])])
          trial.holds(textIn(kind[member]) !== '', `${idOf(kind)} has no ${member}`);
      }
    },
  },
  'C-231': {
    how: 'mixins of /-/ in JSON',
    run: async (trial) => {
      for (const mixin of objectsIn((await model(trial))['mixins'])) {
        for (const member of ['term', 'scheme', 'location'])
          trial.holds(textIn(mixin[member]) !== '', `${idOf(mixin)} has no ${member}`);
        for (const member of ['depends', 'applies']) {
          const list = mixin[member];
          if (list === undefined) continue;
          const strings = stringsIn(list).length;
          trial.holds(
            Array.isArray(list) && list.length === strings,
            `${member} of ${idOf(mixin)} is no list of strings`,
          );
        }
      }
    },
  },
  'C-232': {
    how: 'attribute descriptions of /-/ in JSON',
    run: async (trial) => {
      const all = await descriptions(trial);
      trial.holds(all.length > 0, 'there are none');
      for (const [what, description] of all) {
        only(trial, description, MEMBERS.description, what);
        for (const member of ['mutable', 'required'] as const)
          trial.holds(
            ['undefined', 'boolean'].includes(typeof description[member]),
            `${member} of ${what} is no boolean`,
          );
      }
    },
  },
  'C-233': {
    how: 'pattern and type of attribute descriptions in JSON',
    run: async (trial) => {
      for (const [what, { pattern, type }] of await descriptions(trial)) {
        if (pattern !== undefined) trial.holds(isJsonObject(pattern), `pattern of ${what} is no object`);
        if (type !== undefined) trial.holds(TYPES.includes(textIn(type)), `type of ${what} is ${textIn(type)}`);
      }
    },
  },
  'C-234': {
    how: 'default and type of attribute descriptions in JSON, and a compute made with a template that has some',
    run: async (trial) => {
      const all = await descriptions(trial);
      for (const [what, { default: preset, type }] of all)
        if (preset !== undefined)
          trial.equal(typeOf(preset), textIn(type) || 'string', `the type of the default of ${what}`);
      const template = trial.model.mixins.findLast(
        ({ related, attributes }) =>
          related.some((id) => id.endsWith('#resource_tpl')) && attributes.some((each) => each.default !== undefined),
      );
      if (template === undefined) throw new Inapplicable('no template has a default');
      const shown = objectIn((await trial.json(await trial.make(COMPUTE, { mixins: [template.id] })))['attributes']);
      for (const { name, default: preset } of template.attributes)
        if (preset !== undefined) trial.equal(shown[name], preset, name);
    },
  },
  'C-235': {
    how: 'an action in JSON, with attributes and without',
    run: async (trial) => {
      trial.needJson();
      const path = await trial.active();
      const stop = { action: actionId('compute', 'stop'), attributes: { method: 'poweroff' }, type: JSON_TYPE };
      trial.status(await trial.post(`${path}?action=stop`, stop), 200);
      await trial.until(path, STATE, 'inactive');
      const body = JSON.stringify({ action: actionId('compute', 'start') });
      trial.status(await trial.post(`${path}?action=start`, { body, type: JSON_TYPE }), 200);
      await trial.until(path, STATE, 'active');
    },
  },
  'C-236': {
    how: 'members of a resource, a link and of /-/ in JSON',
    run: async (trial) => {
      const { resource, link, inner } = await linkedInJson(trial);
      only(trial, resource, MEMBERS.resource, 'the resource');
      only(trial, link, MEMBERS.link, 'the link');
      only(trial, inner, MEMBERS.link, 'the link within its resource');
      const document = await model(trial);
      only(trial, document, ['kinds', 'mixins', 'actions'], '/-/');
      for (const member of ['kinds', 'mixins', 'actions'] as const)
        for (const category of objectsIn(document[member])) only(trial, category, MEMBERS[member], idOf(category));
    },
  },
  'C-237': {
    how: 'an entity made in JSON and one made in text, each read in both',
    run: async (trial) => {
      trial.needJson();
      for (const type of [JSON_TYPE, PLAIN]) {
        const message = { ...trial.filled(trial.subject, { attributes: { 'occi.core.summary': 'one model' } }), type };
        const exchange = await trial.post(trial.location(trial.subject), message);
        trial.status(exchange, 200, 201);
        const path = trial.made(exchange, trial.location(trial.subject));
        const [plain, json] = [readMessage(await trial.get(path, PLAIN)), await trial.json(path)];
        for (const member of ['id', 'title', 'summary'])
          trial.equal(plain.attributes.get(`occi.core.${member}`), json[member], `made as ${type}: ${member}`);
        trial.equal(
          plain.categories.map(({ id }) => id),
          [json['kind'], ...stringsIn(json['mixins'])],
          `made as ${type}: categories`,
        );
        for (const [name, value] of Object.entries(objectIn(json['attributes'])))
          if (!/\.state(\.message)?$/.test(name) && typeof value !== 'object')
            trial.equal(plain.attributes.get(name), value, `made as ${type}: ${name}`);
      }
    },
  },
  'C-238': {
    how: 'POST of half an object, of an array and of a string',
    run: async (trial) => {
      for (const body of [`{"kind":"${trial.subject}"`, '[', '"kind"']) trial.status(await post(trial, body), 400);
    },
  },
  'C-239': {
    how: 'POST of a string for a number',
    run: async (trial) => {
      trial.needJson();
      const kind = trial.model.get(COMPUTE) ? COMPUTE : trial.subject;
      const number = trial.model.get(kind)?.attributes.find(({ type, mutable }) => type === 'number' && mutable);
      if (number === undefined) throw new Inapplicable(`${kind} has no number that a client may set`);
      const body = { kind, title: trial.peer.mark, attributes: { [number.name]: 'two' } };
      trial.status(await post(trial, body, kind), 400);
    },
  },
};
