/** Templates and contextualization: C-073 … C-083 (GFD.184 §3.5, GFD.224 §3.5), C-259 … C-262 (GFD.222). */

import type { Check, Checks } from '../check.js';
import { COMPUTE, COMPUTE_TEMPLATES, NETWORK, OS_TEMPLATE, RESOURCE_TEMPLATE, SSH_KEY, USER_DATA } from '../names.js';
import { Inapplicable } from '../outcome.js';
import { objectIn, objectsIn, stringsIn, textIn } from '../read/json.js';
import type { Trial } from '../trial.js';
import { attributesOf, sizedTemplate } from './classification.js';

const CORES = 'occi.compute.cores';
const MEMORY = 'occi.compute.memory';
const EPHEMERAL = 'occi.compute.ephemeral_storage.size';

/** GFD.222 R0306–R0308: cores, memory, ephemeral disk in GiB. */
const SIZES: Readonly<Record<string, readonly [number, number, number]>> = {
  small: [1, 1, 10],
  medium: [2, 2, 20],
  large: [4, 4, 40],
};

/** Resource templates in the text rendering. */
async function templates(trial: Trial): Promise<{ id: string; attributes: readonly string[] }[]> {
  const { categories } = await trial.discover();
  return categories
    .filter((each) => each.class === 'mixin' && each.rel.includes(RESOURCE_TEMPLATE))
    .map(({ id, attributes }) => ({ id, attributes: attributes.map(({ name }) => name) }));
}

/** A compute template of GFD.222 by its term. */
function profile(trial: Trial, term: string): string {
  const found = trial.model.mixins.find((each) => COMPUTE_TEMPLATES.test(each.id) && each.term === term);
  if (found === undefined) throw new Inapplicable('the server does not offer the compute templates of GFD.222');
  return found.id;
}

async function templatesOn(trial: Trial, path: string, base: string): Promise<string[]> {
  const ids = new Set(trial.model.dependingOn(base).map(({ id }) => id));
  return (await trial.entity(path)).categories.map(({ id }) => id).filter((id) => ids.has(id));
}

/** Two templates of one sort. */
function two(trial: Trial, base: string): readonly [string, string] {
  const [one, other] = trial.model.dependingOn(base);
  if (one === undefined || other === undefined) throw new Inapplicable(`the server offers no two templates (${base})`);
  return [one.id, other.id];
}

/** A mixin for computes with a single attribute. */
const contextual = (id: string, attribute: string): Check => ({
  how: `attributes of the mixin in /-/, and applies in JSON`,
  run: async (trial) => {
    const names = await attributesOf(trial, id);
    trial.holds(names.includes(attribute), `${id} does not define ${attribute}`);
    if (trial.model.json === undefined) return;
    const mixin = objectsIn(trial.model.json['mixins']).find(
      (each) => textIn(each['scheme']) + textIn(each['term']) === id,
    );
    trial.equal(stringsIn(mixin?.['applies']), [COMPUTE], `applies of ${id}`);
  },
});

export const TEMPLATES: Checks = {
  'C-073': {
    how: 'mixins of /-/ whose rel is os_tpl',
    run: async (trial) => {
      trial.need(COMPUTE);
      const { categories } = await trial.discover();
      trial.holds(
        categories.some(({ id }) => id === OS_TEMPLATE),
        'os_tpl is not shown',
      );
      trial.holds(
        categories.some(({ rel }) => rel.includes(OS_TEMPLATE)),
        'no mixin is related to os_tpl',
      );
    },
  },
  'C-074': {
    how: 'mixins of /-/ that set the size of a compute, and resource_tpl',
    run: async (trial) => {
      trial.need(COMPUTE);
      const { categories } = await trial.discover();
      const base = categories.some(({ id }) => id === RESOURCE_TEMPLATE);
      const found = categories.filter(
        ({ id, rel }) =>
          rel.includes(RESOURCE_TEMPLATE) || COMPUTE_TEMPLATES.test(id) || /#resource_tpl/.test(rel.join()),
      );
      if (found.length === 0) throw new Inapplicable('the server offers no resource templates');
      trial.holds(base, 'resource_tpl is not shown');
      for (const { id, rel } of found) trial.holds(rel.includes(RESOURCE_TEMPLATE), `rel of ${id} is ${rel.join(' ')}`);
    },
  },
  'C-075': {
    how: 'attributes of the resource templates in /-/',
    run: async (trial) => {
      const all = await templates(trial);
      if (all.length === 0) throw new Inapplicable('the server offers no resource templates');
      for (const { id, attributes } of all) trial.equal(attributes, [], `attributes of ${id}`);
    },
  },
  'C-076': {
    how: 'attributes of the resource templates in /-/ and their defaults in JSON',
    run: async (trial) => {
      const all = await templates(trial);
      if (all.length === 0) throw new Inapplicable('the server offers no resource templates');
      for (const { id, attributes } of all) trial.holds(attributes.length > 0, `${id} lists no attributes`);
      if (trial.model.json) sizedTemplate(trial);
    },
  },
  'C-077': {
    how: 'a compute is made with a template and with sizes that contradict it',
    run: async (trial) => {
      const template = sizedTemplate(trial);
      const cores = template.attributes.find(({ name }) => name === CORES)?.default;
      const other = typeof cores === 'number' ? cores + 1 : 1;
      const message = trial.filled(COMPUTE, { mixins: [template.id], attributes: { [CORES]: other } });
      const exchange = await trial.post(trial.location(COMPUTE), message);
      trial.status(exchange, 200, 201);
      const path = trial.made(exchange, trial.location(COMPUTE));
      trial.equal(await trial.value(path, CORES), cores, CORES);
    },
  },
  'C-078': {
    how: 'a second resource template is put on a compute',
    run: async (trial) => {
      const template = sizedTemplate(trial);
      const other = trial.model.dependingOn(RESOURCE_TEMPLATE).find(({ id }) => id !== template.id);
      if (other === undefined) throw new Inapplicable('the server offers a single resource template');
      const path = await trial.make(COMPUTE, { mixins: [other.id] });
      trial.status(await trial.post(path, { mixins: [template.id] }), 200, 201, 204);
      trial.equal(await templatesOn(trial, path, RESOURCE_TEMPLATE), [template.id], 'what is on the compute');
      const cores = template.attributes.find(({ name }) => name === CORES)?.default;
      trial.equal(await trial.value(path, CORES), cores, CORES);
    },
  },
  'C-079': {
    how: 'a second OS template is put on a compute',
    run: async (trial) => {
      const [one, other] = two(trial, OS_TEMPLATE);
      const path = await trial.make(COMPUTE, { mixins: [one] });
      const exchange = await trial.post(path, { mixins: [other] });
      const left = await templatesOn(trial, path, OS_TEMPLATE);
      trial.equal(left, [exchange.succeeded ? other : one], `after ${exchange.summary} what is on the compute`);
    },
  },
  'C-080': contextual(SSH_KEY, 'occi.credentials.ssh.publickey'),
  'C-081': contextual(USER_DATA, 'occi.compute.userdata'),
  'C-082': {
    how: 'a compute is made with user data, and they are changed by POST',
    run: async (trial) => {
      trial.need(USER_DATA);
      const data = { mixins: [USER_DATA], attributes: { 'occi.compute.userdata': 'I2Nsb3VkLWNvbmZpZwo=' } };
      const path = await trial.make(COMPUTE, data);
      const before = await trial.value(path, 'occi.compute.userdata');
      trial.refused(await trial.post(path, { attributes: { 'occi.compute.userdata': 'b3RoZXI=' } }));
      trial.equal(await trial.value(path, 'occi.compute.userdata'), before, 'occi.compute.userdata');
    },
  },
  'C-083': {
    how: 'both mixins are put on a network',
    run: async (trial) => {
      const offered = [
        [SSH_KEY, { 'occi.credentials.ssh.publickey': 'ssh-ed25519 AAAA conformance' }],
        [USER_DATA, { 'occi.compute.userdata': 'I2Nsb3VkLWNvbmZpZwo=' }],
      ] as const;
      const found = offered.filter(([id]) => trial.model.get(id) !== undefined);
      if (found.length === 0) throw new Inapplicable('the server offers neither');
      const path = await trial.make(NETWORK);
      for (const [id, attributes] of found) trial.refused(await trial.post(path, { mixins: [id], attributes }));
    },
  },
  'C-259': {
    how: 'the templates in /-/, and the sizes of a compute made with each',
    run: async (trial) => {
      for (const [term, [cores, memory]] of Object.entries(SIZES)) {
        const path = await trial.make(COMPUTE, { mixins: [profile(trial, term)] });
        const { attributes } = await trial.entity(path);
        trial.equal([attributes.get(CORES), attributes.get(MEMORY)], [cores, memory], `cores and memory of ${term}`);
      }
    },
  },
  'C-260': {
    how: 'a second compute template is put on a compute by POST, and two at its creation',
    run: async (trial) => {
      const [small, large] = [profile(trial, 'small'), profile(trial, 'large')];
      const path = await trial.make(COMPUTE, { mixins: [small] });
      await trial.post(path, { mixins: [large] });
      const count = async (of: string): Promise<number> =>
        (await trial.entity(of)).categories.filter(({ id }) => COMPUTE_TEMPLATES.test(id)).length;
      trial.equal(await count(path), 1, 'the number of compute templates');
      const both = trial.filled(COMPUTE, { mixins: [small, large] });
      const exchange = await trial.post(trial.location(COMPUTE), both);
      if (exchange.succeeded) {
        const made = trial.made(exchange, trial.location(COMPUTE));
        trial.equal(await count(made), 1, 'the number of compute templates');
      }
    },
  },
  'C-261': {
    how: 'a compute is made with one template and gets another: sizes in JSON, or in text where there is none',
    run: async (trial) => {
      const [small, medium] = [profile(trial, 'small'), profile(trial, 'medium')];
      const path = await trial.make(COMPUTE, { mixins: [small] });
      trial.status(await trial.post(path, { mixins: [medium] }), 200, 201, 204);
      const shown = trial.model.json
        ? objectIn((await trial.json(path))['attributes'])
        : Object.fromEntries((await trial.entity(path)).attributes);
      trial.equal([shown[CORES], shown[MEMORY], shown[EPHEMERAL]], SIZES['medium'], 'cores, memory and ephemeral disk');
    },
  },
  'C-262': {
    how: 'the Server field of /-/',
    run: async (trial) => {
      profile(trial, 'small');
      const server = (await trial.get('/-/')).header('server') ?? '';
      trial.holds(/OCCI-CRTP(-EP)?\/1\.[01]/.test(server), `Server is ${server}`);
    },
  },
};
