/** Entities: C-141 … C-166 (GFD.185 §3.4.4, GFD.223 §10). */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { PLAIN } from '../message.js';
import { COMPUTE, INTERFACE, NOBODY, STORAGE_LINK, actionId } from '../names.js';
import { Inapplicable } from '../outcome.js';
import { readMessage, type TextMessage, type Value } from '../read/fields.js';
import { STATE, type Trial } from '../trial.js';

const TITLE = 'occi.core.title';
const SUMMARY = 'occi.core.summary';

/** What a client can set, or at least nobody else changes: states and what the site reports move by themselves. */
function steady({ attributes }: TextMessage): Record<string, Value> {
  return Object.fromEntries([...attributes].filter(([name]) => !/\.(state|state\.message)$/.test(name)).sort());
}

/** Links that are entities, by where they are. */
async function owned(trial: Trial, path: string): Promise<string[]> {
  const { links } = await trial.entity(path);
  return links.flatMap(({ self }) => (self === undefined ? [] : [trial.peer.resolve(self)])).sort();
}

/** A resource that owns a link. */
async function withLink(
  trial: Trial,
): Promise<{ source: string; link: string; linkTo: () => Promise<ReturnType<typeof inline>> }> {
  const { source, link, kind, targetKind } = await trial.linked();
  return { source, link, linkTo: async () => inline(kind, targetKind, await trial.make(targetKind)) };
}

const inline = (kind: string, rel: string, target: string): { target: string; rel: string; kind: string } => ({
  target,
  rel,
  kind,
});

/** The representation with everything but its links, as a client would send it back. */
async function echo(trial: Trial, path: string): Promise<string> {
  const exchange = await trial.get(path, PLAIN);
  trial.status(exchange, 200);
  return exchange.body
    .split(/\r?\n/)
    .filter((line) => line !== '' && !/^(x-occi-)?link:/i.test(line))
    .join('\r\n');
}

/** PUT to a URL that nobody has; the URL is in the place where the kind has its entities. */
async function putNew(trial: Trial): Promise<{ path: string; title: string; exchange: Exchange }> {
  const location = trial.peer.resolve(trial.location(trial.subject));
  const title = `${trial.peer.mark} put`;
  const path = location + crypto.randomUUID();
  const message = trial.filled(trial.subject, { attributes: { [TITLE]: title } });
  return { path, title, exchange: await trial.send('PUT', path, { ...message, accept: PLAIN }) };
}

/** The representation in an answer. @throws Violation when it has none */
function represented(trial: Trial, exchange: Exchange): TextMessage {
  const message = readMessage(exchange);
  trial.holds(
    message.categories.some(({ id }) => id === trial.subject),
    'the answer shows no kind',
    exchange,
  );
  trial.holds(message.attributes.has('occi.core.id'), 'the answer shows no occi.core.id', exchange);
  return message;
}

async function put(trial: Trial, path: string, title: string): Promise<Exchange> {
  const message = trial.filled(trial.subject, { attributes: { [TITLE]: title } });
  const exchange = await trial.send('PUT', path, { ...message, accept: PLAIN });
  trial.status(exchange, 200, 201);
  return exchange;
}

/** An entity with an action that is possible now: path, noun, term, and the state it leads to. */
async function ready(trial: Trial): Promise<readonly [path: string, noun: string, term: string, state: string]> {
  trial.need(actionId('compute', 'start'));
  const path = await trial.make(COMPUTE);
  if ((await trial.value(path, STATE)) === 'active') return [path, 'compute', 'stop', 'inactive'];
  return [path, 'compute', 'start', 'active'];
}

export const ENTITY_CHECKS: Checks = {
  'C-141': {
    how: 'the URL of a new entity, and those of its collection',
    run: async (trial) => {
      for (const path of [await trial.make(), ...(await trial.list(trial.location(trial.subject)))])
        trial.holds(!path.endsWith('/'), `${path} ends in /`);
    },
  },
  'C-142': {
    how: 'an entity is made with a title and read',
    run: async (trial) => {
      const path = await trial.make();
      const exchange = await trial.get(path, PLAIN);
      trial.status(exchange, 200);
      const { attributes } = represented(trial, exchange);
      trial.equal(attributes.get(TITLE), trial.peer.mark, TITLE);
    },
  },
  'C-143': {
    how: 'GET of an id that nobody has, and of an entity that was deleted',
    run: async (trial) => {
      const path = await trial.make();
      trial.status(await trial.get(path.replace(/[^/]+$/, NOBODY)), 404);
      trial.status(await trial.send('DELETE', path), 200, 204);
      trial.status(await trial.get(path), ...(trial.version === '1.1' ? [404, 410] : [404]));
    },
  },
  'C-144': {
    how: 'PUT to a URL that nobody has',
    run: async (trial) => {
      const { exchange } = await putNew(trial);
      trial.status(exchange, 200, 201, 400);
    },
  },
  'C-145': {
    how: 'PUT to a URL that nobody has, and GET of it',
    run: async (trial) => {
      const { path, title, exchange } = await putNew(trial);
      if (!exchange.succeeded) throw new Inapplicable('the server lets nobody choose a URL');
      trial.peer.made.own(path);
      trial.equal(await trial.value(path, TITLE), title, TITLE);
    },
  },
  'C-146': {
    how: 'PUT to a URL that nobody has, and to an entity',
    run: async (trial) => {
      const answers = [(await putNew(trial)).exchange, await put(trial, await trial.make(), trial.peer.mark)];
      const created = answers.filter(({ status }) => status === 201);
      if (created.length === 0) throw new Inapplicable('the server answers no PUT with 201');
      for (const exchange of created)
        trial.holds(exchange.header('location') !== undefined, 'there is no Location', exchange);
    },
  },
  'C-147': {
    how: 'PUT to an entity',
    run: async (trial) => {
      const exchange = await put(trial, await trial.make(), trial.peer.mark);
      if (exchange.status !== 200) throw new Inapplicable('the server answers 201');
      represented(trial, exchange);
    },
  },
  'C-148': {
    how: 'an entity with a summary is replaced by one without',
    run: async (trial) => {
      const path = await trial.make(trial.subject, { attributes: { [SUMMARY]: 'to be gone' } });
      await put(trial, path, `${trial.peer.mark} new`);
      const { attributes } = await trial.entity(path);
      trial.equal(attributes.get(TITLE), `${trial.peer.mark} new`, TITLE);
      trial.holds(attributes.get(SUMMARY) !== 'to be gone', `${SUMMARY} is still there`);
    },
  },
  'C-149': {
    how: 'PUT of the representation of a resource without its links',
    run: async (trial) => {
      const { source, link } = await withLink(trial);
      trial.status(await trial.send('PUT', source, { body: await echo(trial, source) }), 200, 201);
      trial.holds((await owned(trial, source)).includes(link), `${link} is gone`);
    },
  },
  'C-150': {
    how: 'PUT with a Link that the resource does not have',
    run: async (trial) => {
      const { source, linkTo } = await withLink(trial);
      const before = await owned(trial, source);
      const message = trial.filled(COMPUTE, { links: [await linkTo()] });
      trial.status(await trial.send('PUT', source, message), 400);
      trial.equal(await owned(trial, source), before, 'its links');
    },
  },
  'C-151': {
    how: 'the same PUT twice',
    run: async (trial) => {
      const path = await trial.make();
      await put(trial, path, `${trial.peer.mark} twice`);
      const once = steady(await trial.entity(path));
      await put(trial, path, `${trial.peer.mark} twice`);
      trial.equal(steady(await trial.entity(path)), once, 'the entity');
    },
  },
  'C-152': {
    how: 'POST of a title to an entity with title and summary',
    run: async (trial) => {
      const path = await trial.make(trial.subject, { attributes: { [SUMMARY]: 'kept' } });
      const before = steady(await trial.entity(path));
      const title = `${trial.peer.mark} changed`;
      trial.status(await trial.post(path, { attributes: { [TITLE]: title } }), 200, 201, 204);
      trial.equal(steady(await trial.entity(path)), { ...before, [TITLE]: title }, 'the entity');
    },
  },
  'C-153': {
    how: 'the answer to POST of a title',
    run: async (trial) => {
      const path = await trial.make();
      const title = `${trial.peer.mark} changed`;
      const exchange = await trial.post(path, { attributes: { [TITLE]: title }, accept: PLAIN });
      if (exchange.status !== 200) throw new Inapplicable(`the server answers ${exchange.status}`);
      trial.equal(represented(trial, exchange).attributes.get(TITLE), title, TITLE);
    },
  },
  'C-154': {
    how: 'POST of the Category of a mixin',
    run: async (trial) => {
      const path = await trial.make();
      const tag = await trial.tag();
      trial.status(await trial.post(path, { mixins: [tag.id] }), 200, 201, 204);
      const { categories } = await trial.entity(path);
      trial.holds(
        categories.some(({ id }) => id === tag.id),
        'it is not on the entity',
      );
      trial.holds((await trial.list(tag.location)).includes(path), 'the entity is not in its collection');
    },
  },
  'C-155': {
    how: 'POST of a Link to a compute',
    run: async (trial) => {
      const { source, linkTo } = await withLink(trial);
      const before = await owned(trial, source);
      trial.status(await trial.post(source, { links: [await linkTo()] }), 200, 201, 204);
      trial.equal((await owned(trial, source)).length, before.length + 1, 'the number of its links');
    },
  },
  'C-156': {
    how: 'POST of a Link to a link',
    run: async (trial) => {
      const { link, linkTo } = await withLink(trial);
      trial.refused(await trial.post(link, { links: [await linkTo()] }));
    },
  },
  'C-157': {
    how: 'POST of a title and an attribute that nobody has defined',
    run: async (trial) => {
      const path = await trial.make();
      const attributes = { [TITLE]: `${trial.peer.mark} changed`, 'org.example.conformance.colour': 'red' };
      trial.status(await trial.post(path, { attributes }), 400, 404);
      trial.equal(await trial.value(path, TITLE), trial.peer.mark, TITLE);
    },
  },
  'C-158': {
    how: 'POST of broken bodies: a quote without its end, an attribute without a value, a line of nothing',
    run: async (trial) => {
      const path = await trial.make();
      const good = `X-OCCI-Attribute: ${TITLE}="${trial.peer.mark} changed"`;
      for (const body of [
        `X-OCCI-Attribute: ${TITLE}="unterminated`,
        `${good}\r\nX-OCCI-Attribute: ${SUMMARY}=`,
        `${good}\r\nnonsense`,
      ]) {
        trial.status(await trial.post(path, { body }), 400);
        trial.equal(await trial.value(path, TITLE), trial.peer.mark, TITLE);
      }
    },
  },
  'C-159': {
    how: 'an action that is possible, with its rendering',
    run: async (trial) => {
      const [path, noun, term, state] = await ready(trial);
      trial.status(await trial.act(path, noun, term), ...(trial.version === '1.1' ? [200, 202] : [200]));
      await trial.until(path, STATE, state);
    },
  },
  'C-160': {
    how: 'an action that is possible, without a body',
    run: async (trial) => {
      const [path, , term] = await ready(trial);
      const before = await trial.value(path, STATE);
      trial.refused(await trial.post(`${path}?action=${term}`, {}));
      trial.equal(await trial.value(path, STATE), before, STATE);
    },
  },
  'C-161': {
    how: 'an action that is possible, with the rendering of another',
    run: async (trial) => {
      const [path, noun, term] = await ready(trial);
      const other = term === 'start' ? 'stop' : 'start';
      trial.status(await trial.post(`${path}?action=${term}`, { action: actionId(noun, other) }), 400);
    },
  },
  'C-162': {
    how: 'stop of a compute that is inactive, or start of an active one',
    run: async (trial) => {
      const [path, noun, term] = await ready(trial);
      trial.status(await trial.act(path, noun, term === 'start' ? 'stop' : 'start'), 400);
    },
  },
  'C-163': {
    how: 'stop of an active compute with method="axe"',
    run: async (trial) => {
      const path = await trial.active();
      trial.status(await trial.act(path, 'compute', 'stop', { method: 'axe' }), 400);
      trial.equal(await trial.value(path, STATE), 'active', STATE);
    },
  },
  'C-164': {
    how: 'DELETE of an entity, and GET',
    run: async (trial) => {
      const path = await trial.make();
      trial.status(await trial.send('DELETE', path), ...(trial.version === '1.1' ? [200] : [200, 204]));
      trial.status(await trial.get(path), ...(trial.version === '1.1' ? [404, 410] : [404]));
    },
  },
  'C-165': {
    how: 'DELETE of an entity, and the collections of its kind and of its mixin',
    run: async (trial) => {
      const path = await trial.make();
      const tag = await trial.tagged([path]);
      trial.status(await trial.send('DELETE', path), 200, 204);
      for (const location of [trial.location(trial.subject), tag.location])
        trial.holds(!(await trial.list(location)).includes(path), `${path} is still in ${location}`);
    },
  },
  'C-166': {
    how: 'DELETE of a compute that owns a link',
    run: async (trial) => {
      const { source, link } = await withLink(trial);
      trial.status(await trial.send('DELETE', source), 200, 204);
      trial.status(await trial.get(link), 404, 410);
      const kind = link.includes('storagelink') ? STORAGE_LINK : INTERFACE;
      const { location } = trial.model.get(kind) ?? {};
      if (location !== undefined) trial.holds(!(await trial.list(location)).includes(link), `${link} is still listed`);
    },
  },
};
