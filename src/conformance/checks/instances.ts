/** Making, changing and classifying instances: C-009 … C-024, C-027, C-028, C-030 … C-032, C-036 … C-043 (GFD.221 §5.2–5.4). */

import type { Checks } from '../check.js';
import { categoryField, type Attributes } from '../message.js';
import { COMPUTE, CORE, IP_NETWORK, NETWORK, NOBODY, RESOURCE_TEMPLATE, SSH_KEY, STORAGE } from '../names.js';
import { Blocked, Inapplicable } from '../outcome.js';
import { STATE, type Trial } from '../trial.js';

/** Values for attributes that are mutable by the standard: at creation, and afterwards. */
const MUTABLE: ReadonlyMap<
  string,
  readonly (readonly [name: string, first: string | number, second: string | number])[]
> = new Map([
  [
    COMPUTE,
    [
      ['occi.compute.hostname', 'one.example.org', 'two.example.org'],
      ['occi.compute.cores', 2, 3],
      ['occi.compute.memory', 1.5, 2.5],
    ],
  ],
  [
    NETWORK,
    [
      ['occi.network.vlan', 42, 43],
      ['occi.network.label', 'one', 'two'],
    ],
  ],
  [STORAGE, [['occi.storage.size', 1, 2]]],
]);

/** What of them the server says that a client may set. */
function settable(trial: Trial, kind: string): { readonly first: Attributes; readonly second: Attributes } {
  const mutable = new Set(trial.model.get(kind)?.attributes.flatMap((each) => (each.mutable ? [each.name] : [])));
  const listed = (MUTABLE.get(kind) ?? []).filter(([name]) => mutable.has(name));
  return {
    first: Object.fromEntries(listed.map(([name, value]) => [name, value])),
    second: Object.fromEntries(listed.map(([name, , value]) => [name, value])),
  };
}

async function shows(trial: Trial, path: string, wanted: Attributes): Promise<void> {
  const { attributes } = await trial.entity(path);
  for (const [name, value] of Object.entries(wanted)) {
    // Whether a number is written in quotes is another statement (C-208).
    const shown = attributes.get(name);
    trial.equal(shown === undefined ? undefined : String(shown), String(value), name);
  }
}

const infrastructure = (trial: Trial): string[] =>
  [NETWORK, STORAGE, COMPUTE].filter((id) => trial.model.get(id)?.location !== undefined);

/** A kind of resource beside the subject. */
function otherKind(trial: Trial): string {
  const other = trial.model.kinds.find(
    ({ id }) => id !== trial.subject && id !== `${CORE}resource` && trial.model.isA(id, `${CORE}resource`),
  );
  if (other === undefined) throw new Inapplicable('the server offers a single kind of resource');
  return other.id;
}

/** Refused, and no new entity in the collection. */
async function makesNothing(trial: Trial, kind: string, attempt: () => Promise<void>): Promise<void> {
  const location = trial.location(kind);
  const before = new Set(await trial.list(location));
  await attempt();
  const more = (await trial.list(location)).filter((path) => !before.has(path));
  // Somebody else may make entities at the same time: only what carries the mark of the run is its own.
  for (const path of more) {
    const title = (await trial.entity(path)).attributes.get('occi.core.title');
    trial.holds(title !== trial.peer.mark, `what was refused has been made: ${path}`);
  }
}

async function updates(trial: Trial, name: string): Promise<void> {
  const [one, two] = [`${trial.peer.mark} one`, `${trial.peer.mark} two`];
  const path = await trial.creates(trial.subject, { attributes: { [name]: one } });
  trial.equal(await trial.value(path, name), one, name);
  const exchange = await trial.post(path, { attributes: { [name]: two } });
  trial.status(exchange, 200, 201, 204);
  trial.equal(await trial.value(path, name), two, name);
}

export const INSTANCES: Checks = {
  'C-009': {
    how: 'POST of core#entity',
    run: async (trial) => {
      const location = trial.model.get(`${CORE}entity`)?.location ?? '/';
      trial.refused(await trial.post(location, { kind: `${CORE}entity` }));
    },
  },
  'C-010': {
    how: 'POST of attributes alone to the location of a kind',
    run: (trial) =>
      makesNothing(trial, trial.subject, async () => {
        const { attributes = {} } = trial.filled(trial.subject);
        trial.status(await trial.post(trial.location(trial.subject), { attributes }), 400);
      }),
  },
  'C-011': {
    how: 'POST of two kinds to the location of one',
    run: (trial) =>
      makesNothing(trial, trial.subject, async () => {
        const second = ['Category', categoryField(otherKind(trial), 'kind')] as const;
        const message = { ...trial.filled(trial.subject), fields: [second] };
        trial.status(await trial.post(trial.location(trial.subject), message), 400);
      }),
  },
  'C-012': {
    how: 'POST of a kind that nobody has defined',
    run: async (trial) => {
      const message = { ...trial.filled(trial.subject), kind: 'http://example.org/occi/conformance#toaster' };
      trial.status(await trial.post(trial.location(trial.subject), message), 400, 404);
    },
  },
  'C-013': {
    how: 'POST of a kind with a mixin that nobody has defined',
    run: (trial) =>
      makesNothing(trial, trial.subject, async () => {
        const message = trial.filled(trial.subject, { mixins: ['http://example.org/occi/conformance#unheard_of'] });
        trial.status(await trial.post(trial.location(trial.subject), message), 400, 404);
      }),
  },
  'C-014': {
    how: 'POST and PUT of another kind to an entity',
    run: async (trial) => {
      const path = await trial.make();
      for (const method of ['POST', 'PUT']) {
        trial.refused(await trial.send(method, path, trial.filled(otherKind(trial))));
        const { categories } = await trial.entity(path);
        trial.holds(
          categories.some(({ id }) => id === trial.subject),
          `after ${method} it is of another kind`,
        );
      }
    },
  },
  'C-015': {
    how: 'an entity is made and a mixin put on it',
    run: async (trial) => {
      const path = await trial.make();
      const tag = await trial.tagged([path]);
      const ids = (await trial.entity(path)).categories.map(({ id }) => id);
      for (const id of [trial.subject, tag.id]) trial.holds(ids.includes(id), `${id} is not shown`);
    },
  },
  'C-016': {
    how: 'three entities are made, of two kinds',
    run: async (trial) => {
      const paths = [await trial.make(), await trial.make(), await trial.make(otherKind(trial))];
      const ids = new Set<unknown>();
      for (const path of paths) {
        const id = await trial.value(path, 'occi.core.id');
        trial.holds(typeof id === 'string' && id !== '', `${path} has no occi.core.id`);
        trial.holds(!ids.has(id), `${String(id)} is the id of two entities`);
        ids.add(id);
      }
    },
  },
  'C-017': {
    how: 'the id of a new entity against the characters of RFC 3986',
    run: async (trial) => {
      const id = String((await trial.value(await trial.make(), 'occi.core.id')) ?? '');
      trial.holds(/^([A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/.test(id), `${id} is no URI`);
    },
  },
  'C-018': {
    how: 'the id of a new entity',
    run: async (trial) => {
      const id = String((await trial.value(await trial.make(), 'occi.core.id')) ?? '');
      trial.holds(/^urn:[a-z0-9][a-z0-9-]{1,31}:.+$/i.test(id), `${id} is no URN`);
    },
  },
  'C-019': {
    how: 'a title is given at creation and changed by POST',
    run: (trial) => updates(trial, 'occi.core.title'),
  },
  'C-020': {
    how: 'a summary is given at creation and changed by POST',
    run: (trial) => updates(trial, 'occi.core.summary'),
  },
  'C-021': {
    how: 'the infrastructure kinds are made with values for what they define as mutable',
    run: async (trial) => {
      for (const kind of infrastructure(trial)) {
        const { first } = settable(trial, kind);
        await shows(trial, await trial.creates(kind, { attributes: first }), first);
      }
    },
  },
  'C-022': {
    how: 'each of those values is changed by POST',
    run: async (trial) => {
      for (const kind of infrastructure(trial)) {
        const { first, second } = settable(trial, kind);
        const path = await trial.make(kind, { attributes: first });
        trial.status(await trial.post(path, { attributes: second }), 200, 201, 204);
        await shows(trial, path, second);
      }
    },
  },
  'C-023': {
    how: 'POST of another id and, where there is one, another state',
    run: async (trial) => {
      const path = await trial.make(trial.model.get(COMPUTE) ? COMPUTE : trial.subject);
      const before = await trial.entity(path);
      const changes: Attributes[] = [{ 'occi.core.id': `urn:uuid:${NOBODY}` }];
      if (before.attributes.has(STATE)) changes.push({ [STATE]: 'suspended' });
      for (const attributes of changes) {
        const exchange = await trial.post(path, { attributes });
        if (trial.version === '1.1') trial.status(exchange, 403);
        else trial.refused(exchange);
        for (const name of Object.keys(attributes))
          trial.equal(await trial.value(path, name), before.attributes.get(name), name);
      }
    },
  },
  'C-024': {
    how: 'POST of a kind without an attribute that it requires',
    run: async (trial) => {
      const kind = [STORAGE, ...trial.model.kinds.map(({ id }) => id)].find((id) =>
        trial.model.get(id)?.attributes.some((each) => each.required && each.mutable),
      );
      if (kind === undefined || trial.model.get(kind) === undefined)
        throw new Inapplicable('no kind requires an attribute');
      trial.status(await trial.post(trial.location(kind), { kind }), 400);
    },
  },
  'C-027': {
    how: 'ipnetwork is put on a network, with its attributes',
    run: async (trial) => {
      const path = await withAddress(trial);
      const shown = await trial.entity(path);
      // Which value is another matter: a provider may have a gateway of its own.
      trial.holds(shown.attributes.has('occi.network.gateway'), 'occi.network.gateway is not shown');
    },
  },
  'C-028': {
    how: 'a mixin that depends on ipnetwork is defined, put on a network, and the attributes of ipnetwork set',
    run: async (trial) => {
      trial.need(IP_NETWORK);
      const definition = { ...trial.definition(trial.peer.word()), rel: IP_NETWORK };
      const exchange = await trial.post('/-/', { define: [definition] });
      if (!exchange.succeeded) throw new Inapplicable('the server takes no mixin that depends on ipnetwork');
      const path = await trial.make(NETWORK);
      trial.status(await trial.post(path, { mixins: [definition.id], attributes: ADDRESS }), 200, 201, 204);
      await shows(trial, path, ADDRESS);
    },
  },
  'C-030': {
    how: 'a mixin for computes is put on a network, by either way',
    run: async (trial) => {
      const mixin = trial.model.get(SSH_KEY) ?? trial.model.dependingOn(RESOURCE_TEMPLATE)[0];
      if (mixin === undefined) throw new Inapplicable('the server offers no mixin for computes alone');
      const path = await trial.make(NETWORK);
      trial.status(await trial.post(path, { mixins: [mixin.id] }), 400, 403);
      trial.status(await trial.post(trial.location(mixin.id), { locations: [trial.absolute(path)] }), 400, 403);
      const { categories } = await trial.entity(path);
      trial.holds(!categories.some(({ id }) => id === mixin.id), 'the mixin is on the network all the same');
    },
  },
  'C-031': {
    how: 'the location of a kind is associated with a mixin',
    run: async (trial) => {
      const tag = await trial.tag();
      const locations = [trial.absolute(trial.peer.resolve(trial.location(trial.subject)))];
      trial.refused(await trial.post(tag.location, { locations }));
    },
  },
  'C-032': {
    how: 'ipnetwork is taken off a network by DELETE on its location',
    run: async (trial) => {
      const path = await withAddress(trial);
      const locations = [trial.absolute(path)];
      trial.status(await trial.send('DELETE', trial.location(IP_NETWORK), { locations }), 200, 204);
      const { categories, attributes } = await trial.entity(path);
      trial.holds(!categories.some(({ id }) => id === IP_NETWORK), 'the mixin is still there');
      trial.holds(!attributes.has('occi.network.gateway'), 'its attribute is still there');
    },
  },
  'C-036': {
    how: 'an entity is made and its collection listed',
    run: async (trial) => {
      const path = await trial.make();
      trial.holds((await trial.list(trial.location(trial.subject))).includes(path), `${path} is not in its collection`);
    },
  },
  'C-037': {
    how: 'a link is deleted and its source read',
    run: async (trial) => {
      const { source, link } = await trial.linked();
      trial.status(await trial.send('DELETE', link), 200, 204);
      const { links } = await trial.entity(source);
      trial.holds(
        !links.some(({ self }) => self !== undefined && trial.peer.resolve(self) === link),
        'it is still shown',
      );
    },
  },
  'C-038': {
    how: 'a link given with its source is removed from it, and asked for',
    run: async (trial) => {
      const { link } = await trial.linked();
      trial.status(await trial.send('DELETE', link), 200, 204);
      trial.status(await trial.get(link), 404, 410);
    },
  },
  'C-039': {
    how: 'a link is made from a resource that is not there',
    run: async (trial) => {
      const { kind, target, source } = await trial.linked();
      const nobody = source.replace(/[^/]+$/, NOBODY);
      const attributes = { 'occi.core.source': nobody, 'occi.core.target': target };
      trial.refused(await trial.post(trial.location(kind), trial.filled(kind, { attributes })));
    },
  },
  'C-040': {
    how: 'a link is made to a URL elsewhere',
    run: async (trial) => {
      const { kind, source } = await trial.linked();
      const attributes = { 'occi.core.source': source, 'occi.core.target': ELSEWHERE };
      trial.refused(await trial.post(trial.location(kind), trial.filled(kind, { attributes })));
    },
  },
  'C-041': {
    how: 'a core#link is made to a URL elsewhere',
    run: async (trial) => {
      const kind = `${CORE}link`;
      const location = trial.location(kind);
      const attributes = { 'occi.core.source': await trial.make(), 'occi.core.target': ELSEWHERE };
      const exchange = await trial.post(location, trial.filled(kind, { attributes }));
      trial.status(exchange, 200, 201);
      const link = trial.made(exchange, location);
      trial.equal(await trial.value(link, 'occi.core.target'), ELSEWHERE, 'occi.core.target');
    },
  },
  'C-042': {
    how: 'start is invoked on a mixin that holds a compute and a network',
    run: async (trial) => {
      const [compute, network] = [await trial.make(COMPUTE), await trial.make(NETWORK)];
      const before = await trial.value(compute, STATE);
      const tag = await trial.tagged([compute, network]);
      trial.refused(await trial.act(tag.location, 'compute', 'start'));
      trial.equal(await trial.value(compute, STATE), before, STATE);
    },
  },
  'C-043': {
    how: 'the collection, one of its entities, and a subset of it by a mixin',
    run: async (trial) => {
      const [one, two] = [await trial.make(), await trial.make()];
      const all = await trial.list(trial.location(trial.subject));
      trial.holds(all.includes(one) && all.includes(two), 'the collection is not whole');
      await trial.entity(one);
      const tag = await trial.tagged([one]);
      trial.equal(await trial.list(tag.location), [one], 'the subset');
    },
  },
};

const ELSEWHERE = 'http://elsewhere.example.org/thing';
const ADDRESS: Attributes = { 'occi.network.address': '10.9.0.0/24', 'occi.network.gateway': '10.9.0.1' };

/** A network with ipnetwork and its attributes. */
async function withAddress(trial: Trial): Promise<string> {
  trial.need(IP_NETWORK);
  const path = await trial.make(NETWORK);
  const exchange = await trial.post(path, { mixins: [IP_NETWORK], attributes: ADDRESS });
  if (!exchange.succeeded) throw new Blocked(`ipnetwork cannot be associated: ${exchange.summary}`);
  return path;
}
