/** Collections of mixins and unbound paths: C-126 … C-140 (GFD.185 §3.4.2–3.4.3, GFD.223 §4.1, §11). */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { JSON_TYPE, OCCI, PLAIN, URIS } from '../message.js';
import { COMPUTE, NOBODY } from '../names.js';
import { Inapplicable } from '../outcome.js';
import { readMessage } from '../read/fields.js';
import { jsonObject, objectsIn } from '../read/json.js';
import { STATE, type Tag, type Trial } from '../trial.js';

const urls = (trial: Trial, paths: readonly string[]): string[] => paths.map((path) => trial.absolute(path));

async function makeSome(trial: Trial, count: number): Promise<string[]> {
  const paths: string[] = [];
  for (let index = 0; index < count; index += 1) paths.push(await trial.make());
  return paths;
}

async function members(trial: Trial, tag: Tag, wanted: readonly string[]): Promise<void> {
  trial.equal((await trial.list(tag.location)).toSorted(), [...wanted].toSorted(), 'the members');
}

/** Entities below the root, in text/plain. */
async function below(trial: Trial, exchange: Exchange): Promise<string[]> {
  trial.status(exchange, 200);
  return readMessage(exchange).locations.map((url) => trial.peer.resolve(url));
}

async function union(trial: Trial, made: readonly string[]): Promise<void> {
  const listed = await below(trial, await trial.get('/', PLAIN));
  for (const path of made) trial.holds(listed.includes(path), `${path} is not listed`);
}

export const MIXIN_COLLECTIONS: Checks = {
  'C-126': {
    how: 'two of three entities are put into a mixin',
    run: async (trial) => {
      const [one = '', two = ''] = await makeSome(trial, 3);
      await members(trial, await trial.tagged([one, two]), [one, two]);
    },
  },
  'C-127': {
    how: 'POST of two URLs',
    run: async (trial) => {
      const paths = await makeSome(trial, 2);
      const tag = await trial.tag();
      trial.status(await trial.post(tag.location, { locations: urls(trial, paths) }), 200);
      for (const path of paths) {
        const { categories } = await trial.entity(path);
        trial.holds(
          categories.some(({ id }) => id === tag.id),
          `the mixin is not on ${path}`,
        );
      }
    },
  },
  'C-128': {
    how: 'the answer to POST of two URLs, in text and in JSON',
    run: async (trial) => {
      const paths = await makeSome(trial, 2);
      const tag = await trial.tag();
      const exchange = await trial.post(tag.location, { locations: urls(trial, paths), accept: PLAIN });
      trial.status(exchange, 200);
      const shown = readMessage(exchange).locations.map((url) => trial.peer.resolve(url));
      for (const path of paths) trial.holds(shown.includes(path), `${path} is not in the answer`, exchange);
      if (trial.model.json === undefined) return;
      const json = await trial.post(tag.location, { locations: urls(trial, paths), accept: JSON_TYPE });
      const { resources, links } = jsonObject(json);
      const count = objectsIn(resources).length + objectsIn(links).length;
      trial.equal(count, 2, 'the number of entities in the answer', json);
    },
  },
  'C-129': {
    how: 'POST of the URL of an entity and of one that nobody has',
    run: async (trial) => {
      const path = await trial.make();
      const tag = await trial.tag();
      const locations = urls(trial, [path, path.replace(/[^/]+$/, NOBODY)]);
      trial.refused(await trial.post(tag.location, { locations }));
      await members(trial, tag, []);
    },
  },
  'C-130': {
    how: 'PUT of one member and one other entity to a mixin with two members',
    run: async (trial) => {
      const [one = '', two = '', three = ''] = await makeSome(trial, 3);
      const tag = await trial.tagged([one, two]);
      trial.status(await trial.send('PUT', tag.location, { locations: urls(trial, [two, three]) }), 200);
      await members(trial, tag, [two, three]);
    },
  },
  'C-131': {
    how: 'PUT of an empty list to a mixin with two members',
    run: async (trial) => {
      const paths = await makeSome(trial, 2);
      const tag = await trial.tagged(paths);
      trial.status(await trial.send('PUT', tag.location, { body: '', type: PLAIN }), 200);
      await members(trial, tag, []);
      for (const path of paths) await trial.entity(path);
    },
  },
  'C-132': {
    how: 'DELETE with the URL of one of three members',
    run: async (trial) => {
      const [one = '', ...others] = await makeSome(trial, 3);
      const tag = await trial.tagged([one, ...others]);
      trial.status(await trial.send('DELETE', tag.location, { locations: urls(trial, [one]) }), 200);
      await members(trial, tag, others);
      await trial.entity(one);
    },
  },
  'C-133': {
    how: 'POST and DELETE with the URL of an entity on the location of its kind',
    destructive: true,
    run: async (trial) => {
      const path = await trial.make();
      const location = trial.location(trial.subject);
      trial.refused(await trial.post(location, { locations: urls(trial, [path]) }));
      trial.refused(await trial.send('DELETE', location, { locations: urls(trial, [path]) }));
      await trial.entity(path);
    },
  },
  'C-134': {
    how: 'start is invoked on a mixin that holds two computes',
    run: async (trial) => {
      const paths = [await trial.make(COMPUTE), await trial.make(COMPUTE)];
      for (const path of paths)
        if ((await trial.value(path, STATE)) === 'active') throw new Inapplicable('new computes are active already');
      const tag = await trial.tagged(paths);
      trial.status(await trial.act(tag.location, 'compute', 'start'), 200, 202);
      for (const path of paths) await trial.until(path, STATE, 'active');
    },
  },
  'C-135': {
    how: 'two entities are made and / is listed',
    run: async (trial) => union(trial, await makeSome(trial, 2)),
  },
  'C-136': {
    how: '/ as text/uri-list',
    run: async (trial) => {
      await trial.make();
      const listed = await trial.list('/');
      const location = trial.peer.resolve(trial.location(trial.subject));
      // The collection itself, or the first step towards it.
      const step = `/${location.split('/')[1] ?? ''}/`;
      trial.holds(
        listed.some((path) => path === location || path === step),
        `neither ${location} nor ${step} is listed`,
      );
    },
  },
  'C-137': {
    how: '/ with a title in the headers, and with a Category',
    run: async (trial) => {
      const title = `${trial.peer.word()} one`;
      const one = await trial.make(trial.subject, { attributes: { 'occi.core.title': title } });
      await trial.make();
      const named = { attributes: { 'occi.core.title': title }, type: OCCI };
      trial.equal(await below(trial, await trial.get('/', PLAIN, named)), [one], 'what is listed');
      const tag = await trial.tagged([one]);
      const marked = { mixins: [tag.id], type: OCCI };
      trial.equal(await below(trial, await trial.get('/', PLAIN, marked)), [one], 'what is listed');
    },
  },
  'C-138': {
    how: 'DELETE on /, with entities of two kinds below it',
    destructive: true,
    run: async (trial) => {
      const paths = [await trial.make(), await trial.make(COMPUTE)];
      trial.status(await trial.send('DELETE', '/'), 200);
      for (const path of paths) trial.status(await trial.get(path), 404, 410);
      trial.status(await trial.get('/-/'), 200);
    },
  },
  'C-139': {
    how: 'two entities are made and / is listed, where it is offered',
    run: async (trial) => {
      const made = await makeSome(trial, 2);
      if (![200, 204].includes((await trial.get('/', PLAIN)).status)) throw new Inapplicable('/ is not offered');
      await union(trial, made);
    },
  },
  'C-140': {
    how: 'GET of a path that nobody has',
    run: async (trial) => {
      for (const path of [`/${trial.peer.word()}/`, `/${trial.peer.word()}`]) trial.status(await trial.get(path), 404);
      trial.status(await trial.get(`/${trial.peer.word()}/`, URIS), 404);
    },
  },
};
