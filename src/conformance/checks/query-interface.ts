/** The query interface: C-084 … C-103 (GFD.185 §3.4.1, GFD.223 §9). */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { JSON_TYPE, OCCI, PLAIN } from '../message.js';
import { CORE } from '../names.js';
import { Blocked, Inapplicable } from '../outcome.js';
import type { Sending } from '../peer.js';
import { readMessage } from '../read/fields.js';
import { jsonObject, objectsIn, textIn } from '../read/json.js';
import type { Tag, Trial } from '../trial.js';

/** A GET of the query interface with a filter in the headers. */
const filtered = (trial: Trial, kind: string, accept: string, more: Sending = {}): Promise<Exchange> =>
  trial.send('GET', '/-/', { ...more, kind, type: OCCI, accept });

async function isDiscoverable(trial: Trial, tag: Tag): Promise<boolean> {
  return (await trial.discover()).categories.some(({ id }) => id === tag.id);
}

/** Two kinds: the one that is asked for, and one that is not related to it. */
function kindAndOther(trial: Trial): readonly [string, string] {
  const [kind, other] = trial.model.kinds.filter(
    ({ id }) => !id.startsWith(CORE) && trial.model.isA(id, `${CORE}resource`),
  );
  if (kind === undefined || other === undefined) throw new Inapplicable('the server offers no two kinds of resource');
  return [kind.id, other.id];
}

export const QUERY_INTERFACE_CHECKS: Checks = {
  'C-084': { how: 'GET', run: async (trial) => trial.status(await trial.get('/-/'), 200) },
  'C-085': {
    how: 'GET, and the classes and definitions in the answer',
    run: async (trial) => {
      const exchange = await trial.get('/-/', PLAIN);
      trial.status(exchange, 200);
      const { categories } = readMessage(exchange);
      const kinds = categories.filter((each) => each.class === 'kind');
      trial.holds(kinds.length >= 3, 'there are fewer than three kinds');
      const referred = new Set(categories.flatMap(({ actions, rel }) => [...actions, ...rel]));
      const ids = new Set(categories.map(({ id }) => id));
      for (const id of referred) trial.holds(ids.has(id), `${id} is referred to and not shown`);
      for (const { id, attributes } of kinds) trial.holds(attributes.length > 0, `${id} is shown without attributes`);
    },
  },
  'C-086': {
    how: 'GET, POST and DELETE on both URLs',
    run: async (trial) => {
      const there = await trial.get(WELL_KNOWN, PLAIN);
      if (there.status === 404) throw new Inapplicable('it is not offered');
      trial.status(there, 200);
      const here = await trial.get('/-/', PLAIN);
      const ids = (exchange: Exchange): string[] =>
        readMessage(exchange)
          .categories.map(({ raw }) => raw)
          .sort();
      trial.equal(ids(there), ids(here), 'what the well-known URL shows');
      const tag = trial.definition(trial.peer.word());
      const added = await trial.post(WELL_KNOWN, { define: [tag] });
      if ([403, 405, 501].includes(added.status)) return;
      trial.status(added, 200);
      trial.holds(await isDiscoverable(trial, tag), 'a mixin added there is not here');
      trial.status(await trial.send('DELETE', WELL_KNOWN, { define: [tag] }), 200, 204);
      trial.holds(!(await isDiscoverable(trial, tag)), 'a mixin removed there is still here');
    },
  },
  'C-087': {
    how: 'location of every kind in /-/ but core#entity',
    run: async (trial) => {
      for (const { id, class: className, location } of (await trial.discover()).categories) {
        if (className !== 'kind' || id === `${CORE}entity`) continue;
        // core#resource and core#link: instantiable in the model, but a server need not let anyone.
        if (location === undefined && id.startsWith(CORE)) continue;
        trial.holds(location?.endsWith('/') === true, `location of ${id} is ${location ?? 'absent'}`);
      }
    },
  },
  'C-088': {
    how: 'location of every mixin in /-/',
    run: async (trial) => {
      const seen = new Set<string>();
      for (const { id, class: className, location } of (await trial.discover()).categories) {
        if (className !== 'mixin') continue;
        trial.holds(location?.endsWith('/') === true, `location of ${id} is ${location ?? 'absent'}`);
        const path = trial.peer.resolve(location ?? '');
        trial.holds(!seen.has(path), `${path} is the location of two mixins`);
        seen.add(path);
      }
    },
  },
  'C-089': {
    how: 'core#entity in /-/',
    run: async (trial) => {
      const entity = (await trial.discover()).categories.find(({ id }) => id === `${CORE}entity`);
      trial.equal(entity?.location, undefined, 'the location of core#entity');
    },
  },
  'C-090': {
    how: 'GET with the Category of a kind in the headers',
    run: async (trial) => {
      const [kind] = kindAndOther(trial);
      const exchange = await filtered(trial, kind, PLAIN);
      trial.status(exchange, 200);
      const { categories } = readMessage(exchange);
      trial.equal(
        categories.map(({ id }) => id),
        [kind],
        'what is shown',
      );
      const whole = trial.model.fields.find(({ id }) => id === kind);
      trial.equal(categories[0]?.raw, whole?.raw, 'its rendering');
    },
  },
  'C-091': {
    how: 'GET with the Category of a kind in the headers',
    run: async (trial) => {
      const [kind, other] = kindAndOther(trial);
      const exchange = await filtered(trial, kind, PLAIN);
      trial.status(exchange, 200);
      const ids = readMessage(exchange).categories.map(({ id }) => id);
      trial.holds(ids.includes(kind), `${kind} is not shown`);
      trial.holds(!ids.includes(other), `${other}, which is not related, is shown`);
    },
  },
  'C-092': {
    how: 'the filter in the headers, with each Accept',
    run: async (trial) => {
      const [kind, other] = kindAndOther(trial);
      for (const accept of [PLAIN, OCCI]) {
        const exchange = await filtered(trial, kind, accept);
        trial.status(exchange, 200);
        const ids = readMessage(exchange).categories.map(({ id }) => id);
        trial.holds(ids.includes(kind) && !ids.includes(other), `as ${accept} it shows ${ids.join(' ')}`);
      }
      // JSON of the 1.1 era is not of one form.
      if (trial.version === '1.1' || trial.model.json === undefined) return;
      const exchange = await filtered(trial, kind, JSON_TYPE);
      trial.status(exchange, 200);
      const ids = objectsIn(jsonObject(exchange)['kinds']).map((each) => textIn(each['scheme']) + textIn(each['term']));
      trial.holds(ids.includes(kind) && !ids.includes(other), `as JSON it shows ${ids.join(' ')}`);
    },
  },
  'C-093': {
    how: 'GET with broken Category fields in the headers',
    run: async (trial) => {
      const { term } = trial.need(trial.subject);
      for (const broken of [`${term}; scheme="http://example.org/unterminated#`, '; scheme="http://example.org/#"'])
        trial.status(await trial.get('/-/', PLAIN, { headers: { 'Content-Type': OCCI, Category: broken } }), 400);
    },
  },
  'C-094': {
    how: 'POST of a mixin, and /-/ read again',
    run: async (trial) => {
      const tag = await trial.tag();
      trial.status(trial.exchanges.at(-1) as Exchange, 200);
      const found = (await trial.discover()).categories.find(({ id }) => id === tag.id);
      trial.holds(found !== undefined, 'it is not discoverable');
      trial.equal(trial.peer.resolve(found?.location ?? ''), trial.peer.resolve(tag.location), 'its location');
    },
  },
  'C-095': {
    how: 'POST of a mixin without location',
    run: async (trial) => {
      await trial.tag();
      const { id } = trial.definition(trial.peer.word());
      trial.status(await trial.post('/-/', { define: [{ id }] }), 400);
    },
  },
  'C-096': {
    how: 'POST of a mixin with the name, and of one with the location, of another',
    run: async (trial) => {
      const tag = await trial.tag();
      const other = trial.definition(trial.peer.word());
      trial.refused(await trial.post('/-/', { define: [{ id: other.id, location: tag.location }] }));
      trial.refused(await trial.post('/-/', { define: [{ id: tag.id, location: other.location }] }));
      trial.refused(await trial.post('/-/', { define: [{ id: trial.subject, location: other.location }] }));
    },
  },
  'C-097': {
    how: 'POST of two mixins',
    run: async (trial) => {
      await trial.tag();
      const define = [trial.definition(trial.peer.word()), trial.definition(trial.peer.word())];
      trial.status(await trial.post('/-/', { define }), 200);
      for (const each of define) trial.holds(await isDiscoverable(trial, each), `${each.id} is not discoverable`);
    },
  },
  'C-098': {
    how: 'DELETE of a mixin, and /-/ read again',
    run: async (trial) => {
      const tag = await trial.tag();
      trial.status(await trial.send('DELETE', '/-/', { define: [tag] }), 200);
      trial.holds(!(await isDiscoverable(trial, tag)), 'it is still discoverable');
    },
  },
  'C-099': {
    how: 'DELETE of a mixin that an entity has',
    run: async (trial) => {
      const path = await trial.make();
      const tag = await trial.tagged([path]);
      const before = (await trial.entity(path)).categories.some(({ id }) => id === tag.id);
      if (!before) throw new Blocked('the mixin cannot be put on the entity');
      trial.status(await trial.send('DELETE', '/-/', { define: [tag] }), 200, 204);
      const { categories } = await trial.entity(path);
      trial.holds(!categories.some(({ id }) => id === tag.id), 'the entity still has it');
    },
  },
  'C-100': {
    how: 'DELETE of a mixin that was there before the run',
    run: async (trial) => {
      const [mixin] = trial.model.mixins.filter(({ id }) => id.startsWith('http://schemas.ogf.org/'));
      if (mixin === undefined) throw new Inapplicable('the server offers no mixin of a standard');
      trial.status(await trial.send('DELETE', '/-/', { mixins: [mixin.id] }), 403);
      const found = (await trial.discover()).categories.some(({ id }) => id === mixin.id);
      trial.holds(found, `${mixin.id} is gone`);
    },
  },
  'C-101': {
    how: 'DELETE of a mixin that nobody has defined',
    run: async (trial) => {
      await trial.tag();
      const { id } = trial.definition(trial.peer.word());
      trial.status(await trial.send('DELETE', '/-/', { mixins: [id] }), 400, 404);
    },
  },
  'C-102': {
    how: 'PUT of a mixin',
    run: async (trial) =>
      trial.status(await trial.send('PUT', '/-/', { define: [trial.definition(trial.peer.word())] }), 405),
  },
  'C-103': {
    how: 'POST of a mixin, where the server takes none',
    run: async (trial) => {
      const tag = trial.definition(trial.peer.word());
      const exchange = await trial.post('/-/', { define: [tag] });
      if (exchange.succeeded) {
        trial.holds(await isDiscoverable(trial, tag), `${exchange.summary}, but the mixin is not there`);
        throw new Inapplicable('the server allows mixins of users');
      }
      trial.status(exchange, 403, 405, 501);
    },
  },
};

const WELL_KNOWN = '/.well-known/org/ogf/occi/-/';
