/** The infrastructure kinds, their attributes, actions and states: C-044 … C-072 (GFD.184 §3, GFD.224 §3). */

import type { Checks } from '../check.js';
import type { Attributes } from '../message.js';
import {
  COMPUTE,
  INTERFACE,
  IP_INTERFACE,
  IP_NETWORK,
  NETWORK,
  OS_TEMPLATE,
  STORAGE,
  STORAGE_LINK,
  actionId,
} from '../names.js';
import { Inapplicable } from '../outcome.js';
import { readMessage } from '../read/fields.js';
import { objectsIn, stringsIn, textIn } from '../read/json.js';
import { STATE, type Trial } from '../trial.js';
import { attributesOf, includes } from './classification.js';

const named = (noun: string, ...names: readonly string[]): string[] => names.map((name) => `occi.${noun}.${name}`);

/** What the definition of a kind lists, with what its version adds. */
async function defines(trial: Trial, kind: string, noun: string, names: readonly string[]): Promise<void> {
  await includes(trial, kind, named(noun, ...names, ...(trial.version === '1.2' ? ['state.message'] : [])));
}

async function hasActions(trial: Trial, noun: string, ...terms: readonly string[]): Promise<void> {
  trial.need(`http://schemas.ogf.org/occi/infrastructure#${noun}`);
  const { categories } = await trial.discover();
  const kind = categories.find(({ id }) => id.endsWith(`/infrastructure#${noun}`));
  for (const term of terms) {
    const id = actionId(noun, term);
    trial.holds(kind?.actions.includes(id) === true, `${noun} does not list ${id}`);
    trial.holds(
      categories.some((each) => each.id === id),
      `${id} is no category`,
    );
  }
}

/** The action, and the state it leads to. */
async function leads(
  trial: Trial,
  path: string,
  noun: string,
  term: string,
  state: string,
  more: Attributes = {},
): Promise<void> {
  trial.status(await trial.act(path, noun, term, more), 200, 202, 204);
  await trial.until(path, `occi.${noun}.state`, state);
}

/** A network or storage in the first of two states: by the action that leads there, or by itself, as some providers have it. */
async function settled(trial: Trial, kind: string, noun: string, state: string, term: string): Promise<string> {
  const path = await trial.make(kind);
  const name = `occi.${noun}.state`;
  const { clock, patienceMs } = trial.peer.options;
  for (const end = clock.now() + patienceMs; clock.now() < end; await clock.sleep(100)) {
    const { attributes, links } = await trial.entity(path);
    if (attributes.get(name) === state) return path;
    if (!links.some(({ action }) => action === term)) continue;
    // Refused, it may have come there by itself since it was looked at.
    await trial.act(path, noun, term);
    break;
  }
  await trial.until(path, name, state);
  return path;
}

const STATES: readonly (readonly [kind: string, noun: string, states: readonly string[], only11: readonly string[]])[] =
  [
    [COMPUTE, 'compute', ['active', 'inactive', 'suspended'], []],
    [NETWORK, 'network', ['active', 'inactive'], []],
    [STORAGE, 'storage', ['online', 'offline'], ['backup', 'snapshot', 'resize', 'degraded']],
    [INTERFACE, 'networkinterface', ['active', 'inactive'], []],
    [STORAGE_LINK, 'storagelink', ['active', 'inactive'], []],
  ];

/** Applies only to one kind, as JSON says. */
async function appliesOnly(trial: Trial, id: string, kind: string, wrong: string): Promise<void> {
  trial.need(id);
  const mixin = objectsIn(trial.needJson()['mixins']).find(
    (each) => textIn(each['scheme']) + textIn(each['term']) === id,
  );
  trial.equal(stringsIn(mixin?.['applies']), [kind], `applies of ${id}`);
  const path = await trial.make(wrong);
  trial.refused(await trial.post(path, { mixins: [id] }));
}

export const INFRASTRUCTURE_CHECKS: Checks = {
  'C-044': {
    how: 'attributes of compute in /-/',
    run: async (trial) => {
      const version = trial.version === '1.1' ? ['speed'] : ['share'];
      await defines(trial, COMPUTE, 'compute', ['architecture', 'cores', 'hostname', 'memory', 'state', ...version]);
    },
  },
  'C-045': {
    how: 'attributes of compute in /-/',
    run: async (trial) => {
      const names = await attributesOf(trial, COMPUTE);
      trial.holds(!names.includes('occi.compute.speed'), 'compute defines occi.compute.speed');
    },
  },
  'C-046': {
    how: 'actions of compute in /-/',
    run: (trial) => hasActions(trial, 'compute', 'start', 'stop', 'restart', 'suspend'),
  },
  'C-047': {
    how: 'save and its parameters in /-/',
    run: async (trial) => {
      await hasActions(trial, 'compute', 'save');
      await includes(trial, actionId('compute', 'save'), ['method', 'name']);
    },
  },
  'C-048': {
    how: 'parameters of the actions in /-/',
    run: async (trial) => {
      trial.need(COMPUTE);
      const terms = ['stop', 'restart', 'suspend', ...(trial.version === '1.2' ? ['save'] : [])];
      for (const term of terms) await includes(trial, actionId('compute', term), ['method']);
    },
  },
  'C-049': {
    how: 'a compute is made and read',
    run: async (trial) => {
      const state = String(await trial.value(await trial.make(COMPUTE), STATE));
      trial.holds(['inactive', 'active'].includes(state), `${STATE} of a new compute is ${state}`);
    },
  },
  'C-050': {
    how: 'a compute is started and its state waited for',
    run: async (trial) => {
      const path = await trial.make(COMPUTE);
      if ((await trial.value(path, STATE)) === 'active') await leads(trial, path, 'compute', 'stop', 'inactive');
      await leads(trial, path, 'compute', 'start', 'active');
    },
  },
  'C-051': {
    how: 'a compute is stopped in each way',
    run: async (trial) => {
      const path = await trial.active();
      for (const method of ['graceful', 'acpioff', 'poweroff']) {
        await trial.started(path);
        await leads(trial, path, 'compute', 'stop', 'inactive', { method });
      }
    },
  },
  'C-052': {
    how: 'a compute is suspended in each way',
    run: async (trial) => {
      const path = await trial.active();
      for (const method of ['hibernate', 'suspend']) {
        await trial.started(path);
        await leads(trial, path, 'compute', 'suspend', 'suspended', { method });
      }
    },
  },
  'C-053': {
    how: 'a compute is suspended and started',
    run: async (trial) => {
      const path = await trial.active();
      await leads(trial, path, 'compute', 'suspend', 'suspended', { method: 'suspend' });
      await leads(trial, path, 'compute', 'start', 'active');
    },
  },
  'C-054': {
    how: 'a compute is restarted in each way',
    run: async (trial) => {
      const path = await trial.active();
      for (const method of ['graceful', 'warm', 'cold'])
        await leads(trial, path, 'compute', 'restart', 'active', { method });
    },
  },
  'C-056': {
    how: 'a compute is saved, and the template looked for in the answer and in /-/',
    run: async (trial) => {
      trial.need(actionId('compute', 'save'));
      const path = await trial.active();
      const name = trial.peer.word();
      const exchange = await trial.act(path, 'compute', 'save', { method: 'hot', name }, { accept: 'text/plain' });
      trial.status(exchange, 200);
      const template = readMessage(exchange).categories.find(({ rel }) => rel.includes(OS_TEMPLATE));
      trial.holds(template !== undefined, 'the answer shows no mixin that depends on os_tpl', exchange);
      const { categories } = await trial.discover();
      const found = categories.find(({ id }) => id === template?.id);
      trial.holds(found?.rel.includes(OS_TEMPLATE) === true, `${template?.id ?? ''} is not discoverable`);
    },
  },
  'C-057': {
    how: 'the action links of a compute, before and after start',
    run: async (trial) => {
      const path = await trial.make(COMPUTE);
      const shown = async (): Promise<(string | undefined)[]> =>
        (await trial.entity(path)).links.map(({ action }) => action);
      if ((await trial.value(path, STATE)) !== 'active') {
        const before = await shown();
        trial.holds(before.includes('start'), 'start is not shown on an inactive compute');
        for (const term of ['stop', 'restart', 'suspend'])
          trial.holds(!before.includes(term), `${term} is shown on an inactive compute`);
        await trial.started(path);
      }
      const after = await shown();
      for (const term of ['stop', 'suspend'])
        trial.holds(after.includes(term), `${term} is not shown on an active compute`);
      trial.holds(!after.includes('start'), 'start is shown on an active compute');
    },
  },
  'C-058': {
    how: 'attributes and actions of network in /-/',
    run: async (trial) => {
      await defines(trial, NETWORK, 'network', ['vlan', 'label', 'state']);
      await hasActions(trial, 'network', 'up', 'down');
    },
  },
  'C-059': {
    how: 'networks with 4096 and with -1 are asked for',
    run: async (trial) => {
      for (const vlan of [4096, -1]) {
        const message = trial.filled(NETWORK, { attributes: { 'occi.network.vlan': vlan } });
        trial.refused(await trial.post(trial.location(NETWORK), message));
      }
    },
  },
  'C-060': {
    how: 'a network is brought up and down',
    run: async (trial) => {
      const path = await settled(trial, NETWORK, 'network', 'active', 'up');
      await leads(trial, path, 'network', 'down', 'inactive');
      await leads(trial, path, 'network', 'up', 'active');
    },
  },
  'C-061': {
    how: 'attributes of ipnetwork in /-/',
    run: async (trial) => {
      trial.need(NETWORK);
      const { categories } = await trial.discover();
      trial.holds(
        categories.some(({ id }) => id === IP_NETWORK),
        `${IP_NETWORK} is not shown`,
      );
      await includes(trial, IP_NETWORK, named('network', 'address', 'gateway', 'allocation'));
    },
  },
  'C-062': {
    how: 'applies in JSON, and the mixin put on a compute',
    run: (trial) => appliesOnly(trial, IP_NETWORK, NETWORK, COMPUTE),
  },
  'C-063': {
    how: 'attributes of storage in /-/, and a storage without size asked for',
    run: async (trial) => {
      await defines(trial, STORAGE, 'storage', ['size', 'state']);
      trial.status(await trial.post(trial.location(STORAGE), { kind: STORAGE }), 400);
    },
  },
  'C-064': {
    how: 'actions of storage in /-/',
    run: (trial) => hasActions(trial, 'storage', 'online', 'offline'),
  },
  'C-065': {
    how: 'actions of storage in /-/, and each invoked on one that is online',
    run: async (trial) => {
      await hasActions(trial, 'storage', 'backup', 'snapshot', 'resize');
      await includes(trial, actionId('storage', 'resize'), ['size']);
      const path = await settled(trial, STORAGE, 'storage', 'online', 'online');
      for (const term of ['backup', 'snapshot']) await leads(trial, path, 'storage', term, 'online');
      await leads(trial, path, 'storage', 'resize', 'online', { size: 2 });
      trial.equal(await trial.value(path, 'occi.storage.size'), 2, 'occi.storage.size');
    },
  },
  'C-066': {
    how: 'actions of storage in /-/, and a storage resized by POST',
    run: async (trial) => {
      trial.need(STORAGE);
      const ids = (await trial.discover()).categories.map(({ id }) => id);
      for (const term of ['backup', 'snapshot', 'resize'])
        trial.holds(!ids.includes(actionId('storage', term)), `${term} is offered`);
      const path = await trial.make(STORAGE);
      trial.status(await trial.post(path, { attributes: { 'occi.storage.size': 2 } }), 200, 201, 204);
      trial.equal(await trial.value(path, 'occi.storage.size'), 2, 'occi.storage.size');
    },
  },
  'C-067': {
    how: 'a storage is taken offline and online',
    run: async (trial) => {
      const path = await settled(trial, STORAGE, 'storage', 'online', 'online');
      await leads(trial, path, 'storage', 'offline', 'offline');
      await leads(trial, path, 'storage', 'online', 'online');
    },
  },
  'C-068': {
    how: 'attributes of networkinterface in /-/',
    run: async (trial) => {
      await defines(trial, INTERFACE, 'networkinterface', ['interface', 'mac', 'state']);
      const device = trial.need(INTERFACE).attributes.find(({ name }) => name === 'occi.networkinterface.interface');
      trial.holds(device?.mutable === false, 'occi.networkinterface.interface is not immutable');
    },
  },
  'C-069': {
    how: 'attributes of ipnetworkinterface in /-/',
    run: async (trial) => {
      trial.need(INTERFACE);
      const { categories } = await trial.discover();
      trial.holds(
        categories.some(({ id }) => id === IP_INTERFACE),
        `${IP_INTERFACE} is not shown`,
      );
      await includes(trial, IP_INTERFACE, named('networkinterface', 'address', 'gateway', 'allocation'));
    },
  },
  'C-070': {
    how: 'applies in JSON, and the mixin put on a compute',
    run: (trial) => appliesOnly(trial, IP_INTERFACE, INTERFACE, COMPUTE),
  },
  'C-071': {
    how: 'attributes of storagelink in /-/',
    run: (trial) => defines(trial, STORAGE_LINK, 'storagelink', ['deviceid', 'mountpoint', 'state']),
  },
  'C-072': {
    how: 'one entity of each infrastructure kind is made and read',
    run: async (trial) => {
      const source = trial.model.get(COMPUTE) ? await trial.make(COMPUTE) : undefined;
      let seen = 0;
      for (const [kind, noun, states, only11] of STATES) {
        if (trial.model.get(kind)?.location === undefined) continue;
        const end = kind === INTERFACE ? NETWORK : kind === STORAGE_LINK ? STORAGE : undefined;
        if (end !== undefined && source === undefined) continue;
        const path =
          kind === COMPUTE && source !== undefined
            ? source
            : end === undefined
              ? await trial.make(kind)
              : await trial.makeLink(kind, source ?? '', await trial.make(end));
        const state = String(await trial.value(path, `occi.${noun}.state`));
        const allowed = [...states, ...(trial.version === '1.1' ? only11 : ['error'])];
        trial.holds(allowed.includes(state), `occi.${noun}.state is ${state}`);
        seen += 1;
      }
      if (seen === 0) throw new Inapplicable('the server does not offer infrastructure');
    },
  },
};
