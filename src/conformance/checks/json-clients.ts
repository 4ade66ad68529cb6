/** JSON as clients in the field write and need it: I-028 … I-032. */

import { isJsonObject, type JsonObject } from '../../base/json.js';
import type { Checks } from '../check.js';
import { JSON_TYPE } from '../message.js';
import { COMPUTE, INTERFACE, NETWORK } from '../names.js';
import { Inapplicable } from '../outcome.js';
import { jsonOf, objectIn, objectsIn, textIn } from '../read/json.js';
import type { Trial } from '../trial.js';

async function create(trial: Trial, kind: string, document: JsonObject, type = JSON_TYPE): Promise<string> {
  trial.needJson();
  const exchange = await trial.post(trial.location(kind), { kind, body: JSON.stringify(document), type });
  trial.status(exchange, 200, 201);
  return trial.made(exchange, trial.location(kind));
}

/** The subject as one plain object, with attributes it requires. */
function plain(trial: Trial): JsonObject {
  const { attributes = {} } = trial.filled(trial.subject);
  const { 'occi.core.title': title, ...others } = attributes;
  return { kind: trial.subject, title: title ?? '', attributes: others };
}

export const JSON_CLIENT_CHECKS: Checks = {
  'I-028': {
    how: 'attribute descriptions of /-/ in JSON',
    run: async (trial) => {
      const model = await trial.json('/-/');
      for (const member of ['kinds', 'mixins', 'actions'])
        for (const category of objectsIn(model[member]))
          for (const [name, value] of Object.entries(objectIn(category['attributes'])))
            for (const wanted of ['type', 'mutable', 'required'])
              trial.holds(
                objectIn(value)[wanted] !== undefined,
                `${name} of ${textIn(category['term'])} has no ${wanted}`,
              );
    },
  },
  'I-029': {
    how: 'the collection of a mixin that no entity has',
    run: async (trial) => {
      trial.needJson();
      const { location } = await trial.tag();
      const exchange = await trial.get(location, JSON_TYPE);
      trial.status(exchange, 200);
      trial.holds(isJsonObject(jsonOf(exchange)), 'it is no object', exchange);
    },
  },
  'I-030': {
    how: 'POST of an array of one URL to a mixin',
    run: async (trial) => {
      trial.needJson();
      const path = await trial.make();
      const tag = await trial.tag();
      const body = JSON.stringify([trial.absolute(path)]);
      trial.status(await trial.post(tag.location, { body, type: JSON_TYPE }), 200);
      trial.equal(await trial.list(tag.location), [path], 'the members');
    },
  },
  'I-031': {
    how: 'POST of one entity in an array with its title nested, and of a link with its ends as strings',
    run: async (trial) => {
      const { title: _, attributes, ...rest } = plain(trial);
      const title = `${trial.peer.mark} nested`;
      const nested = { ...rest, attributes: { ...objectIn(attributes), occi: { core: { title } } } };
      const path = await create(trial, trial.subject, { resources: [nested] });
      trial.equal(await trial.value(path, 'occi.core.title'), title, 'occi.core.title');
      if (trial.model.get(INTERFACE) === undefined) throw new Inapplicable('the server offers no networkinterface');
      const [source, target] = [await trial.make(COMPUTE), await trial.make(NETWORK)];
      await create(trial, INTERFACE, { kind: INTERFACE, source, target });
    },
  },
  'I-032': {
    how: 'POST as application/json',
    run: async (trial) => {
      const path = await create(trial, trial.subject, plain(trial), 'application/json');
      trial.equal(await trial.value(path, 'occi.core.title'), trial.peer.mark, 'occi.core.title');
    },
  },
};
