/** Kinds, mixins and attributes as the query interface shows them: C-001 … C-008, C-025 … C-035 (GFD.183 §4.4, GFD.221 §5.3). */

import type { Checks } from '../check.js';
import {
  COMPUTE,
  CORE,
  INTERFACE,
  IP_INTERFACE,
  IP_NETWORK,
  NETWORK,
  RESOURCE_TEMPLATE,
  SSH_KEY,
  STORAGE,
  STORAGE_LINK,
  USER_DATA,
} from '../names.js';
import { Inapplicable } from '../outcome.js';
import { objectIn, objectsIn, stringsIn, textIn } from '../read/json.js';
import type { Trial } from '../trial.js';
import { isStandardAttribute, isStandardCategory } from '../standard.js';

/** Attribute names of a category as text/plain shows them. */
export async function attributesOf(trial: Trial, id: string): Promise<string[]> {
  trial.need(id);
  const { categories } = await trial.discover();
  return categories.find((each) => each.id === id)?.attributes.map(({ name }) => name) ?? [];
}

export async function includes(trial: Trial, id: string, wanted: readonly string[]): Promise<void> {
  const names = await attributesOf(trial, id);
  for (const name of wanted) trial.holds(names.includes(name), `${id} does not define ${name}`);
}

/** Attributes of provider-specific categories that are no parameters of actions: those have no rule for names. */
const ownAttributes = (trial: Trial): (readonly [string, string])[] =>
  trial.model.categories
    .filter((each) => each.class !== 'action')
    .flatMap((each) => each.attributes.map(({ name }) => [each.id, name] as const));

export const CLASSIFICATION: Checks = {
  'C-001': {
    how: 'the three kinds are looked for in /-/',
    run: async (trial) => {
      const ids = (await trial.discover()).categories.map(({ id }) => id);
      for (const term of ['entity', 'resource', 'link'])
        trial.holds(ids.includes(CORE + term), `${CORE}${term} is not shown`);
    },
  },
  'C-002': {
    how: 'all categories of /-/ are compared',
    run: async (trial) => {
      const seen = new Set<string>();
      for (const { id, term, scheme, raw } of (await trial.discover()).categories) {
        trial.holds(term !== '' && scheme !== '', `no term or no scheme: ${raw}`);
        trial.holds(!seen.has(id), `${id} is shown twice`);
        seen.add(id);
      }
    },
  },
  'C-003': {
    how: 'an entity is made in every rendering and its kind read in every rendering',
    run: async (trial) => {
      const kind = trial.subject;
      const types = ['text/plain', 'text/occi', ...(trial.model.json ? ['application/occi+json'] : [])];
      for (const type of types) {
        const exchange = await trial.post(trial.location(kind), { ...trial.filled(kind), type });
        trial.status(exchange, 200, 201);
        const path = trial.made(exchange, trial.location(kind));
        const { categories } = await trial.entity(path);
        trial.holds(
          categories.some(({ id }) => id === kind),
          `made as ${type} it is not of the kind ${kind}`,
        );
        if (trial.model.json) trial.equal((await trial.json(path))['kind'], kind, 'kind');
      }
    },
  },
  'C-004': {
    how: 'the chain of rel is followed from every kind in /-/',
    run: async (trial) => {
      const { categories } = await trial.discover();
      const parents = new Map(categories.map(({ id, rel }) => [id, rel[0]]));
      for (const { id } of categories.filter((each) => each.class === 'kind')) {
        let at: string | undefined = id;
        for (let steps = 0; at !== undefined && at !== `${CORE}entity` && steps < 20; steps += 1) at = parents.get(at);
        trial.equal(at, `${CORE}entity`, `the end of the chain of ${id}`);
      }
    },
  },
  'C-005': {
    how: 'rel of the infrastructure kinds in /-/',
    run: async (trial) => {
      const parents = new Map((await trial.discover()).categories.map(({ id, rel }) => [id, rel]));
      for (const id of [COMPUTE, NETWORK, STORAGE, INTERFACE, STORAGE_LINK].filter((each) => parents.has(each))) {
        const link = id === INTERFACE || id === STORAGE_LINK;
        trial.equal(parents.get(id), [CORE + (link ? 'link' : 'resource')], `rel of ${id}`);
      }
      if (!parents.has(COMPUTE)) throw new Inapplicable('the server does not offer infrastructure');
    },
  },
  'C-006': {
    how: 'every attribute of a new entity is looked for in the definitions of its kind and mixins',
    run: async (trial) => {
      const path = await trial.make();
      const { categories } = await trial.discover();
      const shown = await trial.entity(path);
      const ids = new Set(shown.categories.map(({ id }) => id));
      const defined = new Set(
        categories.filter(({ id }) => ids.has(id)).flatMap(({ attributes }) => attributes.map(({ name }) => name)),
      );
      trial.holds(defined.size > 0, `${[...ids][0] ?? ''} lists no attributes`);
      for (const name of shown.attributes.keys())
        trial.holds(defined.has(name), `${name} is shown on the entity and defined by none of its categories`);
    },
  },
  'C-007': {
    how: 'every identifier in actions="…" of /-/ is looked for among the categories',
    run: async (trial) => {
      const { categories } = await trial.discover();
      const actions = new Set(categories.filter((each) => each.class === 'action').map(({ id }) => id));
      for (const each of categories)
        for (const action of each.actions)
          trial.holds(actions.has(action), `${each.id} lists ${action}, which is no category of class action`);
      const compute = categories.find(({ id }) => id === COMPUTE);
      if (compute) trial.holds(compute.actions.length > 0, 'compute lists no actions');
    },
  },
  'C-008': {
    how: 'attributes of the core kinds in /-/',
    run: async (trial) => {
      await includes(trial, `${CORE}entity`, ['occi.core.id', 'occi.core.title']);
      await includes(trial, `${CORE}resource`, ['occi.core.summary']);
      await includes(trial, `${CORE}link`, ['occi.core.source', 'occi.core.target']);
    },
  },
  'C-025': {
    how: 'an entity is made without an attribute for which its kind has a default in JSON',
    run: async (trial) => {
      trial.needJson();
      for (const kind of trial.model.kinds.filter(({ id }) => trial.model.isA(id, `${CORE}resource`))) {
        const preset = kind.attributes.find((each) => each.default !== undefined && !each.required);
        if (preset === undefined) continue;
        const { attributes = {} } = trial.filled(kind.id);
        const { [preset.name]: _, ...others } = attributes;
        const exchange = await trial.post(trial.location(kind.id), { ...trial.filled(kind.id), attributes: others });
        trial.status(exchange, 200, 201);
        const path = trial.made(exchange, trial.location(kind.id));
        trial.equal(await trial.value(path, preset.name), preset.default, preset.name);
        return;
      }
      throw new Inapplicable('no kind of resource has an attribute with a default');
    },
  },
  'C-026': {
    how: 'a compute is made with a template whose JSON shows defaults, and nothing else',
    run: async (trial) => {
      const { id, attributes } = sizedTemplate(trial);
      const path = await trial.make(COMPUTE, { mixins: [id] });
      const shown = (await trial.entity(path)).attributes;
      for (const { name, default: preset } of attributes)
        if (preset !== undefined) trial.equal(shown.get(name), preset, name);
    },
  },
  'C-029': {
    how: 'applies of the mixins that a standard restricts, in JSON',
    run: async (trial) => {
      const mixins = objectsIn(trial.needJson()['mixins']);
      await trial.json('/-/');
      const restricted = new Map([
        [IP_NETWORK, NETWORK],
        [IP_INTERFACE, INTERFACE],
        [SSH_KEY, COMPUTE],
        [USER_DATA, COMPUTE],
      ]);
      let found = 0;
      for (const mixin of mixins) {
        const id = textIn(mixin['scheme']) + textIn(mixin['term']);
        const kind = restricted.get(id);
        if (kind === undefined) continue;
        found += 1;
        trial.equal(stringsIn(mixin['applies']), [kind], `applies of ${id}`);
      }
      if (found === 0) throw new Inapplicable('the server offers no mixin that a standard restricts');
    },
  },
  'C-033': {
    how: 'every scheme below http://schemas.ogf.org/occi/ in /-/ is looked up in the standards',
    run: async (trial) => {
      for (const { id } of (await trial.discover()).categories)
        trial.holds(isStandardCategory(id), `${id} is in no text of OGF, but in its scheme`);
    },
  },
  'C-034': {
    how: 'every attribute name beginning with occi. in /-/ is looked up in the standards',
    run: async (trial) => {
      await trial.discover();
      for (const [id, name] of ownAttributes(trial))
        trial.holds(isStandardAttribute(name), `${name} of ${id} is in no text of OGF, but in its name space`);
    },
  },
  'C-035': {
    how: 'the beginning of every other attribute name in /-/',
    run: async (trial) => {
      await trial.discover();
      for (const [id, name] of ownAttributes(trial))
        trial.holds(
          name.startsWith('occi.') || /^[a-z]{2,}\.[A-Za-z0-9_-]+\../.test(name),
          `${name} of ${id} does not begin with a domain name turned round`,
        );
    },
  },
};

/** A resource template whose JSON lists sizes. @throws Inapplicable where there is none */
export function sizedTemplate(trial: Trial): ReturnType<Trial['need']> {
  const mixins = objectsIn(trial.needJson()['mixins']);
  const sized = new Set(
    mixins
      .filter((each) => objectIn(objectIn(each['attributes'])['occi.compute.cores'])['default'] !== undefined)
      .map((each) => textIn(each['scheme']) + textIn(each['term'])),
  );
  // Not the first: a server may take that one for its own default.
  const found = trial.model.dependingOn(RESOURCE_TEMPLATE).filter(({ id }) => sized.has(id));
  const chosen = found.at(-1);
  if (chosen === undefined) throw new Inapplicable('the server offers no resource template with sizes');
  return chosen;
}
