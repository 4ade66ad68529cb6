/** Collections of kinds: C-104 … C-125 (GFD.185 §3.4.3, GFD.223 §6, §11). */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { JSON_TYPE, OCCI, PLAIN, URIS, jsonMessage, type Message } from '../message.js';
import { COMPUTE, NETWORK, STORAGE, actionId } from '../names.js';
import { Inapplicable } from '../outcome.js';
import { readMessage, uris } from '../read/fields.js';
import { STATE, type Trial } from '../trial.js';

/** A collection with this many entities in it: of a mixin where the server allows some, so that nothing else is there. */
async function shelf(trial: Trial, size: number): Promise<string> {
  const paths: string[] = [];
  for (let index = 0; index < size; index += 1) paths.push(await trial.make());
  try {
    return (await trial.tagged(paths)).location;
  } catch (error) {
    if (error instanceof Inapplicable) return trial.location(trial.subject);
    throw error;
  }
}

const page = (trial: Trial, location: string, index: number, size: number): Promise<string[]> =>
  trial.list(`${location}?page=${index}&number=${size}`);

/** Pages are counted from 0 or from 1: the standard does not say. */
async function pages(trial: Trial, location: string, size: number): Promise<string[][]> {
  const zero = await trial.get(`${location}?page=0&number=${size}`, URIS);
  const first = await page(trial, location, 1, size);
  const listed = zero.status === 200 ? uris(zero.body).map((uri) => trial.peer.resolve(uri)) : [];
  const found = listed.length > 0 && listed.join() !== first.join() ? [listed, first] : [first];
  for (let index = 2; index < 200; index += 1) {
    const next = await page(trial, location, index, size);
    if (next.length === 0) return found;
    found.push(next);
  }
  return found;
}

/** A member found by a filter on its title, and one that is not. */
async function byTitle(trial: Trial): Promise<void> {
  const title = `${trial.peer.word()} one`;
  const one = await trial.make(trial.subject, { attributes: { 'occi.core.title': title } });
  await trial.make();
  const filter: Message = { attributes: { 'occi.core.title': title } };
  trial.equal(await trial.list(trial.location(trial.subject), { ...filter, type: OCCI }), [one], 'what is listed');
}

/** Two entities of the subject in one JSON document. */
function bulk(trial: Trial, second: Message = {}): string {
  trial.needJson();
  const both = [{}, second].map((more) => jsonMessage(trial.filled(trial.subject, more)));
  return JSON.stringify({ resources: both });
}

async function create(trial: Trial): Promise<Exchange> {
  const exchange = await trial.post(trial.location(trial.subject), trial.filled(trial.subject));
  trial.status(exchange, 200, 201);
  return exchange;
}

export const KIND_COLLECTIONS: Checks = {
  'C-104': {
    how: 'two entities are made and the collection listed',
    run: async (trial) => {
      const made = [await trial.make(), await trial.make()];
      const exchange = await trial.get(trial.location(trial.subject), PLAIN);
      trial.status(exchange, 200);
      const listed = readMessage(exchange).locations.map((url) => trial.peer.resolve(url));
      for (const path of made) trial.holds(listed.includes(path), `${path} is not listed`);
    },
  },
  'C-105': {
    how: 'the collection in text/plain and text/occi',
    run: async (trial) => {
      await trial.make();
      for (const accept of [PLAIN, OCCI]) {
        const exchange = await trial.get(trial.location(trial.subject), accept);
        trial.status(exchange, 200);
        const { locations, categories, alien } = readMessage(exchange);
        trial.holds(locations.length > 0, `${accept} has no X-OCCI-Location`);
        if (accept === PLAIN) trial.equal([categories.length, alien.length], [0, 0], 'the number of other lines');
      }
    },
  },
  'C-106': {
    how: 'the collection in text/plain and text/uri-list',
    run: async (trial) => {
      const path = await trial.make();
      const location = trial.location(trial.subject);
      const [plain, list] = [await trial.get(location, PLAIN), await trial.get(location, URIS)];
      for (const exchange of [plain, list]) trial.status(exchange, 200);
      trial.equal(uris(list.body).sort(), [...readMessage(plain).locations].sort(), 'text/uri-list', list);
      trial.holds(
        uris(list.body).some((uri) => trial.peer.resolve(uri) === path),
        `${path} is not listed`,
      );
    },
  },
  'C-107': {
    how: 'GET of each URL that is listed, of the first ten',
    run: async (trial) => {
      await trial.make();
      const listed = await trial.list(trial.location(trial.subject));
      for (const path of listed.slice(0, 10)) trial.status(await trial.get(path), 200);
    },
  },
  'C-108': {
    how: 'GET with the Category of a mixin that one of two entities has',
    run: async (trial) => {
      const [one] = [await trial.make(), await trial.make()];
      const tag = await trial.tagged([one]);
      const location = trial.location(trial.subject);
      trial.equal(await trial.list(location, { mixins: [tag.id], type: OCCI }), [one], 'what is listed');
    },
  },
  'C-109': { how: 'GET with a title that one of two entities has', run: byTitle },
  'C-110': { how: 'GET with a title that one of two entities has', run: byTitle },
  'C-111': {
    how: 'GET with a title that no entity has',
    run: async (trial) => {
      await trial.make();
      const filter: Message = { attributes: { 'occi.core.title': `${trial.peer.word()} none` } };
      trial.equal(await trial.list(trial.location(trial.subject), { ...filter, type: OCCI }), [], 'what is listed');
    },
  },
  'C-112': {
    how: 'POST of a kind, and GET of what it made',
    run: async (trial) => {
      const path = trial.made(await create(trial), trial.location(trial.subject));
      await trial.entity(path);
    },
  },
  'C-113': {
    how: 'POST of a kind',
    run: async (trial) => {
      const exchange = await create(trial);
      if (exchange.status !== 201) throw new Inapplicable('the server answers 200');
      const location = exchange.header('location');
      trial.holds(location !== undefined, 'there is no Location', exchange);
      trial.status(await trial.get(location ?? ''), 200);
    },
  },
  'C-114': {
    how: 'POST of a kind, where it is answered with 200',
    run: async (trial) => {
      const exchange = await create(trial);
      if (exchange.status !== 200) throw new Inapplicable('the server answers 201');
      const { categories } = readMessage(exchange);
      trial.holds(
        categories.some(({ id }) => id === trial.subject),
        'the answer is not the representation',
        exchange,
      );
    },
  },
  'C-115': {
    how: 'POST of a network to the location of computes, or of a storage',
    run: async (trial) => {
      const [kind, other] = [NETWORK, STORAGE].filter((id) => trial.model.get(id)?.location !== undefined);
      const where = trial.model.get(COMPUTE)?.location ?? (other === undefined ? undefined : trial.location(other));
      if (kind === undefined || where === undefined) throw new Inapplicable('the server offers no two kinds');
      trial.refused(await trial.post(where, trial.filled(kind)));
    },
  },
  'C-116': {
    how: 'POST of two entities in one JSON document',
    run: async (trial) => {
      const body = bulk(trial);
      const exchange = await trial.post(trial.location(trial.subject), {
        ...trial.filled(trial.subject),
        body,
        type: JSON_TYPE,
        accept: PLAIN,
      });
      trial.status(exchange, 200, 201);
      const made = readMessage(exchange).locations;
      trial.equal(made.length, 2, 'the number of locations in the answer', exchange);
      for (const url of made) trial.status(await trial.get(url), 200);
    },
  },
  'C-117': {
    how: 'POST of two entities in one JSON document, one of them with an unknown mixin',
    run: async (trial) => {
      const body = bulk(trial, { mixins: ['http://example.org/occi/conformance#unheard_of'] });
      const location = trial.location(trial.subject);
      const before = new Set(await trial.list(location));
      trial.refused(await trial.post(location, { ...trial.filled(trial.subject), body, type: JSON_TYPE }));
      for (const path of (await trial.list(location)).filter((each) => !before.has(each))) {
        const title = (await trial.entity(path)).attributes.get('occi.core.title');
        trial.holds(title !== trial.peer.mark, `one of them has been made: ${path}`);
      }
    },
  },
  'C-118': {
    how: 'start is invoked on the location of computes, with two in it',
    destructive: true,
    run: async (trial) => {
      const paths = [await trial.make(COMPUTE), await trial.make(COMPUTE)];
      for (const path of paths)
        if ((await trial.value(path, STATE)) === 'active') throw new Inapplicable('new computes are active already');
      trial.status(await trial.act(trial.location(COMPUTE), 'compute', 'start'), 200);
      for (const path of paths) await trial.until(path, STATE, 'active');
    },
  },
  'C-119': {
    how: 'start of computes is invoked on the location of networks',
    run: async (trial) => {
      trial.need(actionId('compute', 'start'));
      trial.refused(await trial.act(trial.location(NETWORK), 'compute', 'start'));
    },
  },
  'C-120': {
    how: 'PUT of a kind to its location',
    run: async (trial) => {
      const location = trial.location(trial.subject);
      trial.status(await trial.send('PUT', location, trial.filled(trial.subject)), 405);
    },
  },
  'C-121': {
    how: 'DELETE on the location of a kind with two entities in it',
    destructive: true,
    run: async (trial) => {
      const paths = [await trial.make(), await trial.make()];
      const exchange = await trial.send('DELETE', trial.location(trial.subject));
      if (trial.version === '1.1') trial.status(exchange, 200);
      else trial.status(exchange, 200, 204);
      trial.equal(await trial.list(trial.location(trial.subject)), [], 'what is listed');
      for (const path of paths) trial.status(await trial.get(path), 404, 410);
    },
  },
  'C-122': {
    how: 'page=1 and number=2 on a collection of at least three',
    run: async (trial) => {
      const location = await shelf(trial, 3);
      trial.equal((await page(trial, location, 1, 2)).length <= 2, true, 'no more than two in the page');
      const sizes = (await pages(trial, location, 2)).map((each) => each.length);
      trial.holds(sizes.length > 1 && sizes[0] === 2, `the pages have ${sizes.join(', ')} entities`);
    },
  },
  'C-123': {
    how: 'page=100000 of a collection of three',
    run: async (trial) => {
      const exchange = await trial.get(`${await shelf(trial, 3)}?page=100000&number=2`, URIS);
      trial.status(exchange, 200);
      trial.equal(uris(exchange.body), [], 'what is listed', exchange);
    },
  },
  'C-124': {
    how: 'number=1000000000',
    run: async (trial) => {
      const exchange = await trial.get(`${trial.location(trial.subject)}?page=1&number=1000000000`, URIS);
      if (exchange.status === 200) throw new Inapplicable('the server knows no limit');
      trial.status(exchange, 413);
    },
  },
  'C-125': {
    how: 'all pages of a collection of five, two at a time, and the collection at once',
    run: async (trial) => {
      const location = await shelf(trial, 5);
      const whole = await trial.list(location);
      const joined = (await pages(trial, location, 2)).flat();
      trial.equal(new Set(joined).size, joined.length, 'the number of different entities in the pages');
      trial.equal(joined.toSorted(), whole.toSorted(), 'the joined pages');
    },
  },
};
