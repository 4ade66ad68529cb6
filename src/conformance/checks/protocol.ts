/** Headers, negotiation, versions, identity: C-180 … C-200 (GFD.185 §3.6, §5, GFD.223 §5, §12). */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { JSON_TYPE, OCCI, OCCI_PLAIN, PLAIN, URIS, render } from '../message.js';
import { Inapplicable } from '../outcome.js';
import { readMessage } from '../read/fields.js';
import type { Trial } from '../trial.js';

/** One URL of each kind: query interface, collection, entity. */
async function urls(trial: Trial): Promise<readonly [string, string, string]> {
  return ['/-/', trial.location(trial.subject), await trial.make()];
}

/** The types that the server renders. */
const rendered = (trial: Trial): string[] => [PLAIN, OCCI, ...(trial.model.json ? [JSON_TYPE] : [])];

async function typed(trial: Trial, url: string, accept: string): Promise<Exchange> {
  const exchange = await trial.get(url, accept);
  trial.status(exchange, 200);
  trial.equal(exchange.type, accept, `Content-Type of ${url}`, exchange);
  return exchange;
}

const isPlain = (exchange: Exchange): boolean => exchange.type === PLAIN || exchange.type === OCCI_PLAIN;

export const PROTOCOL_CHECKS: Checks = {
  'C-180': {
    how: 'Server in answers of several sorts, refusals among them',
    run: async (trial) => {
      const [qi, collection, entity] = await urls(trial);
      await trial.get(qi);
      await trial.get(collection);
      await trial.get(entity);
      await trial.get(`/${trial.peer.word()}`);
      await trial.get(qi, 'image/png');
      await trial.get(qi, undefined, { as: 'nobody' });
      await trial.post(collection, { body: 'nonsense' });
      await trial.send('PUT', qi, { body: '' });
      await trial.send('DELETE', entity);
      for (const exchange of trial.exchanges) {
        const server = exchange.header('server') ?? '';
        trial.holds(server.includes(`OCCI/${trial.version}`), `${exchange.summary}: Server is "${server}"`, exchange);
      }
    },
  },
  'C-181': {
    how: 'User-Agent with OCCI/9.9 and OCCI/10.1',
    run: async (trial) => {
      for (const agent of ['conformance OCCI/9.9', 'conformance/1 (suite) OCCI/10.1'])
        trial.status(await trial.get('/-/', undefined, { headers: { 'User-Agent': agent } }), 501);
    },
  },
  'C-182': {
    how: 'User-Agent without OCCI',
    run: async (trial) =>
      trial.status(await trial.get('/-/', undefined, { headers: { 'User-Agent': 'curl/8.5.0' } }), 200),
  },
  'C-183': {
    how: 'the query interface, a collection and an entity without Accept and with */*',
    run: async (trial) => {
      for (const url of await urls(trial))
        for (const accept of [undefined, '*/*']) {
          const exchange = await trial.get(url, accept);
          trial.status(exchange, 200);
          trial.equal(exchange.type, PLAIN, `Content-Type of ${url} for ${accept ?? 'no Accept'}`, exchange);
        }
    },
  },
  'C-184': {
    how: 'the query interface and an entity in text/plain and text/occi, a collection in text/uri-list too',
    run: async (trial) => {
      for (const url of await urls(trial))
        for (const accept of [PLAIN, OCCI]) trial.status(await trial.get(url, accept), 200);
      trial.status(await trial.get(trial.location(trial.subject), URIS), 200);
    },
  },
  'C-185': {
    how: 'the query interface, a collection and an entity in application/occi+json',
    run: async (trial) => {
      for (const url of await urls(trial)) trial.status(await trial.get(url, JSON_TYPE), 200);
    },
  },
  'C-186': {
    how: 'an entity in text/occi+plain and in text/plain',
    run: async (trial) => {
      const path = await trial.make();
      const [one, other] = [await trial.get(path, OCCI_PLAIN), await trial.get(path, PLAIN)];
      for (const exchange of [one, other]) trial.status(exchange, 200);
      const id = (exchange: Exchange): unknown => readMessage(exchange).attributes.get('occi.core.id');
      trial.holds(isPlain(one), `Content-Type is ${one.type}`, one);
      trial.equal(id(one), id(other), 'occi.core.id', one);
    },
  },
  'C-187': {
    how: 'Content-Type of every rendering of the query interface, a collection and an entity',
    run: async (trial) => {
      for (const url of await urls(trial)) for (const accept of rendered(trial)) await typed(trial, url, accept);
      await typed(trial, trial.location(trial.subject), URIS);
    },
  },
  'C-188': {
    how: 'Accept: image/png',
    run: async (trial) => {
      for (const url of await urls(trial)) trial.status(await trial.get(url, 'image/png'), 406);
    },
  },
  'C-189': {
    how: 'an entity in text/uri-list',
    run: async (trial) => trial.status(await trial.get(await trial.make(), URIS), 400),
  },
  'C-190': { how: '/-/ in text/uri-list', run: async (trial) => trial.status(await trial.get('/-/', URIS), 400) },
  'C-191': {
    how: 'POST of text as JSON and of JSON as text',
    run: async (trial) => {
      const location = trial.location(trial.subject);
      const message = trial.filled(trial.subject);
      const [text, json] = [render(message, PLAIN).body ?? '', render(message, JSON_TYPE).body ?? ''];
      trial.status(await trial.post(location, { ...message, body: json, type: PLAIN }), 400);
      if (trial.model.json) trial.status(await trial.post(location, { ...message, body: text, type: JSON_TYPE }), 400);
      trial.status(await trial.post(location, { ...message, body: text, type: PLAIN }), 200, 201);
    },
  },
  'C-192': {
    how: 'POST in each rendering, answered in each',
    run: async (trial) => {
      for (const type of rendered(trial))
        for (const accept of rendered(trial)) {
          const exchange = await trial.post(trial.location(trial.subject), {
            ...trial.filled(trial.subject),
            type,
            accept,
          });
          trial.status(exchange, 200, 201);
          trial.equal(exchange.type, accept, `Content-Type of the answer to ${type}`, exchange);
        }
    },
  },
  'C-193': {
    how: 'Accept in the answer of /-/',
    run: async (trial) => {
      const exchange = await trial.get('/-/');
      const listed = (exchange.header('accept') ?? '').split(',').map((each) => each.split(';')[0]?.trim());
      for (const type of rendered(trial)) trial.holds(listed.includes(type), `Accept does not list ${type}`, exchange);
    },
  },
  'C-194': {
    how: 'PATCH of the query interface, a collection and an entity',
    run: async (trial) => {
      for (const url of await urls(trial)) trial.status(await trial.send('PATCH', url), 405);
    },
  },
  'C-195': {
    how: 'the endpoint itself',
    run: async (trial) => {
      await trial.get('/-/');
      if (!trial.peer.options.wire.origin.startsWith('https:'))
        throw new Inapplicable('the endpoint that was named does without');
    },
  },
  'C-196': {
    how: 'the query interface, a collection and an entity without credentials',
    run: async (trial) => {
      for (const url of await urls(trial)) {
        const exchange = await trial.get(url, undefined, { as: 'nobody' });
        trial.status(exchange, 401);
        const wanted = exchange.header('www-authenticate') ?? '';
        trial.holds(/\b(Basic|Digest)\b/i.test(wanted), `WWW-Authenticate is "${wanted}"`, exchange);
      }
    },
  },
  'C-197': {
    how: 'a second account reads, changes, lists and deletes an entity of the first (--other-auth)',
    run: async (trial) => {
      if (trial.peer.options.other === undefined) throw new Inapplicable('no second account was given');
      const path = await trial.make();
      const as = 'other' as const;
      trial.refused(await trial.get(path, PLAIN, { as }));
      trial.refused(await trial.post(path, { attributes: { 'occi.core.title': 'stolen' }, as }));
      trial.refused(await trial.send('DELETE', path, { as }));
      trial.holds(!(await trial.list(trial.location(trial.subject), { as })).includes(path), 'it is listed');
      trial.equal(await trial.value(path, 'occi.core.title'), trial.peer.mark, 'occi.core.title');
    },
  },
  'C-198': {
    how: 'the answer to a creation, where it is 202',
    run: async (trial) => {
      const exchange = await trial.post(trial.location(trial.subject), trial.filled(trial.subject));
      if (exchange.status !== 202) throw new Inapplicable('the server does not answer with 202');
      const task = exchange.header('location');
      trial.holds(task !== undefined, 'there is no Location', exchange);
      const { clock, patienceMs } = trial.peer.options;
      let answer = await trial.get(task ?? '');
      for (const end = clock.now() + patienceMs; answer.status === 200 && clock.now() < end;) {
        await clock.sleep(1000);
        answer = await trial.get(task ?? '');
      }
      trial.status(answer, 301);
      trial.peer.made.own(trial.peer.resolve(answer.header('location') ?? ''));
      trial.holds(answer.header('location') !== undefined, 'there is no Location', answer);
    },
  },
  'C-200': {
    how: 'If-None-Match with the ETag of an entity, before and after a change',
    run: async (trial) => {
      const path = await trial.make();
      // The state of a new entity moves by itself, and its tag with it.
      let [exchange, again] = [await trial.get(path, PLAIN), await trial.get(path, PLAIN)];
      for (let tries = 0; tries < 20 && exchange.body !== again.body; tries += 1) {
        await trial.peer.options.clock.sleep(50);
        [exchange, again] = [again, await trial.get(path, PLAIN)];
      }
      const tag = again.header('etag');
      if (tag === undefined) throw new Inapplicable('the server sends no ETag');
      const conditional = { headers: { 'If-None-Match': tag } };
      const same = await trial.get(path, PLAIN, conditional);
      // A new tag is a change that the server knows of, if only of what it observes.
      if (same.status === 200) trial.holds(same.header('etag') !== tag, 'the same ETag, but not 304', same);
      else trial.status(same, 304);
      await trial.post(path, { attributes: { 'occi.core.title': `${trial.peer.mark} changed` } });
      const changed = await trial.get(path, PLAIN, conditional);
      trial.status(changed, 200);
      trial.holds(changed.header('etag') !== tag, 'changed, but with the same ETag', changed);
    },
  },
};
