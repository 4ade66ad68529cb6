/** Infrastructure and templates: C-044 … C-083 (GFD.184, GFD.224), C-259 … C-262 (GFD.222). */

import { ACTION, CRTP, INFRA, JSON_TYPE, OS, actionOf, kindOf, mixinOf, type Client } from './client.js';
import { conform } from './conform.js';

const byId = async (client: Client) => new Map((await client.categories()).map((each) => [each.id, each]));
const namesOf = async (client: Client, id: string): Promise<string[]> =>
  ((await byId(client)).get(id)?.attributes ?? '').split(' ').map((name) => name.replace(/\{.*/, ''));
const STATE = 'occi.compute.state';
const storage = (client: Client): Promise<string> => client.create('storage', { attributes: ['occi.storage.size=1'] });
const state = async (client: Client, path: string, noun: string): Promise<unknown> =>
  (await client.entity(path)).attributes[`occi.${noun}.state`];

conform([
  {
    id: 'C-044',
    says: 'compute defines its attributes',
    holds: async (client) => {
      const wanted = ['architecture', 'cores', 'hostname', 'memory', 'state'];
      if (client.version === '1.1') wanted.push('speed');
      else wanted.push('share', 'state.message');
      const names = await namesOf(client, `${INFRA}compute`);
      expect(names).toEqual(expect.arrayContaining(wanted.map((name) => `occi.compute.${name}`)));
    },
  },
  {
    id: 'C-045',
    says: 'compute does not define speed',
    in: '1.2',
    holds: async (client) => {
      expect(await namesOf(client, `${INFRA}compute`)).not.toContain('occi.compute.speed');
      const sending = { categories: [kindOf('compute')], attributes: ['occi.compute.speed=2.5'] };
      expect([400, 404]).toContain((await client.send('POST', '/compute/', sending)).status);
    },
  },
  {
    id: 'C-046, C-048',
    says: 'the actions of compute exist with their parameter',
    holds: async (client) => {
      const all = await byId(client);
      for (const term of ['start', 'stop', 'restart', 'suspend']) expect(all.has(ACTION('compute') + term)).toBe(true);
      for (const term of ['stop', 'restart', 'suspend'])
        expect(all.get(ACTION('compute') + term)?.attributes).toMatch(/^method\b/);
    },
  },
  {
    id: 'C-047',
    says: 'save exists with method and name',
    in: '1.2',
    holds: async (client) => {
      expect(await namesOf(client, `${ACTION('compute')}save`)).toEqual(['method', 'name']);
    },
  },
  {
    id: 'C-049',
    says: 'a new compute is inactive',
    holds: async (client) => {
      expect(await state(client, await client.create('compute'), 'compute')).toBe('inactive');
    },
  },
  {
    id: 'C-050, C-051',
    says: 'start leads to active, each way of stop to inactive',
    holds: async (client) => {
      const path = await client.active();
      for (const method of ['graceful', 'acpioff', 'poweroff']) {
        expect((await client.act(path, 'compute', 'stop', [`method="${method}"`])).status).toBe(200);
        await client.until(path, STATE, 'inactive');
        expect((await client.act(path, 'compute', 'start')).status).toBe(200);
        await client.until(path, STATE, 'active');
      }
    },
  },
  {
    id: 'C-052, C-053',
    says: 'each way of suspend leads to suspended, start back to active',
    holds: async (client) => {
      const path = await client.active();
      for (const method of ['hibernate', 'suspend']) {
        expect((await client.act(path, 'compute', 'suspend', [`method="${method}"`])).status).toBe(200);
        await client.until(path, STATE, 'suspended');
        expect((await client.act(path, 'compute', 'start')).status).toBe(200);
        await client.until(path, STATE, 'active');
      }
    },
  },
  {
    id: 'C-054',
    says: 'each way of restart ends in active',
    holds: async (client) => {
      const path = await client.active();
      for (const method of ['graceful', 'warm', 'cold']) {
        expect((await client.act(path, 'compute', 'restart', [`method="${method}"`])).status).toBe(200);
        await client.until(path, STATE, 'active');
      }
    },
  },
  {
    id: 'C-056',
    says: 'save answers with a new OS template, which is discoverable',
    in: '1.2',
    holds: async (client) => {
      const path = await client.active();
      const saved = await client.act(path, 'compute', 'save', ['name="golden"']);
      expect(saved.status).toBe(200);
      expect(saved.text).toContain(`rel="${INFRA}os_tpl"`);
      const [, term] = /^Category: ([^;]+);/.exec(saved.text) ?? [];
      expect((await client.categories()).some((each) => each.term === term && each.rel === `${INFRA}os_tpl`)).toBe(
        true,
      );
    },
  },
  {
    id: 'C-057',
    says: 'only actions that are possible now are shown',
    holds: async (client) => {
      const path = await client.create('compute');
      const shown = async (): Promise<string[]> =>
        (await client.entity(path)).links.flatMap((link) => /\?action=(.*)$/.exec(link.target)?.[1] ?? []);
      expect(await shown()).toContain('start');
      expect(await shown()).not.toContain('stop');
      await client.act(path, 'compute', 'start');
      await client.until(path, STATE, 'active');
      expect(await shown()).toEqual(expect.arrayContaining(['stop', 'restart', 'suspend']));
      expect(await shown()).not.toContain('start');
    },
  },
  {
    id: 'C-058',
    says: 'network defines its attributes and actions',
    holds: async (client) => {
      const names = await namesOf(client, `${INFRA}network`);
      expect(names).toEqual(expect.arrayContaining(['occi.network.vlan', 'occi.network.label', 'occi.network.state']));
      expect(names.includes('occi.network.state.message')).toBe(client.version === '1.2');
      const all = await byId(client);
      for (const term of ['up', 'down']) expect(all.has(ACTION('network') + term)).toBe(true);
    },
  },
  {
    id: 'C-059',
    says: 'a vlan outside 0-4095 is refused',
    holds: async (client) => {
      for (const vlan of ['4096', '-1', '1.5', '1e9']) {
        const sending = { categories: [kindOf('network')], attributes: [`occi.network.vlan=${vlan}`] };
        expect([vlan, (await client.send('POST', '/network/', sending)).status]).toEqual([vlan, 400]);
      }
    },
  },
  {
    id: 'C-060',
    says: 'down leads a network to inactive, up to active',
    holds: async (client) => {
      const path = await client.create('network');
      const first = await client.entity(path);
      if (first.attributes['occi.network.state'] === 'inactive') {
        const up = await client.act(path, 'network', 'up');
        expect([200, 400, 409]).toContain(up.status);
      }
      await client.until(path, 'occi.network.state', 'active');
      expect((await client.act(path, 'network', 'down')).status).toBe(200);
      await client.until(path, 'occi.network.state', 'inactive');
      expect((await client.act(path, 'network', 'up')).status).toBe(200);
      await client.until(path, 'occi.network.state', 'active');
    },
  },
  {
    id: 'C-061, C-069',
    says: 'the IP mixins exist with address, gateway and allocation',
    holds: async (client) => {
      for (const noun of ['network', 'networkinterface'])
        expect((await namesOf(client, `http://schemas.ogf.org/occi/infrastructure/${noun}#ip${noun}`)).sort()).toEqual(
          ['address', 'allocation', 'gateway'].map((name) => `occi.${noun}.${name}`),
        );
    },
  },
  {
    id: 'C-062, C-070',
    says: 'the IP mixins apply only to their kinds',
    in: '1.2',
    holds: async (client) => {
      const path = await client.create('compute');
      for (const noun of ['network', 'networkinterface']) {
        const mixin = mixinOf(`http://schemas.ogf.org/occi/infrastructure/${noun}#ip${noun}`);
        expect([400, 403]).toContain((await client.send('POST', path, { categories: [mixin] })).status);
      }
    },
  },
  {
    id: 'C-063, C-064, C-067',
    says: 'storage defines size and state, and goes online and offline',
    holds: async (client) => {
      const names = await namesOf(client, `${INFRA}storage`);
      expect(names).toEqual(expect.arrayContaining(['occi.storage.size', 'occi.storage.state']));
      const path = await storage(client);
      await client.until(path, 'occi.storage.state', 'online');
      expect((await client.act(path, 'storage', 'offline')).status).toBe(200);
      await client.until(path, 'occi.storage.state', 'offline');
      expect((await client.act(path, 'storage', 'online')).status).toBe(200);
      await client.until(path, 'occi.storage.state', 'online');
    },
  },
  {
    id: 'C-065',
    says: 'backup, snapshot and resize exist and work',
    in: '1.1',
    holds: async (client) => {
      const path = await storage(client);
      await client.until(path, 'occi.storage.state', 'online');
      for (const term of ['backup', 'snapshot']) {
        expect((await client.act(path, 'storage', term)).status).toBe(200);
        await client.until(path, 'occi.storage.state', 'online');
      }
      expect((await client.act(path, 'storage', 'resize', ['size=3'])).status).toBe(200);
      expect((await client.entity(path)).attributes['occi.storage.size']).toBe(3);
    },
  },
  {
    id: 'C-066',
    says: 'backup, snapshot and resize are not offered; an update resizes',
    in: '1.2',
    holds: async (client) => {
      const all = await byId(client);
      for (const term of ['backup', 'snapshot', 'resize']) expect(all.has(ACTION('storage') + term)).toBe(false);
      const path = await storage(client);
      expect((await client.send('POST', path, { attributes: ['occi.storage.size=2.5'] })).status).toBe(200);
      expect((await client.entity(path)).attributes['occi.storage.size']).toBe(2.5);
      expect((await client.send('POST', path, { attributes: ['occi.storage.size=1'] })).status).toBe(400);
    },
  },
  {
    id: 'C-068, C-071',
    says: 'the links define their attributes',
    holds: async (client) => {
      const all = await byId(client);
      expect(all.get(`${INFRA}networkinterface`)?.attributes).toMatch(
        /occi\.networkinterface\.interface(\{immutable\})?( |$)/,
      );
      expect(await namesOf(client, `${INFRA}networkinterface`)).toEqual(
        expect.arrayContaining(['interface', 'mac', 'state'].map((name) => `occi.networkinterface.${name}`)),
      );
      expect(await namesOf(client, `${INFRA}storagelink`)).toEqual(
        expect.arrayContaining(['deviceid', 'mountpoint', 'state'].map((name) => `occi.storagelink.${name}`)),
      );
    },
  },
  {
    id: 'C-072',
    says: 'every instance exposes its state',
    holds: async (client) => {
      const [compute, network, disk] = [
        await client.create('compute'),
        await client.create('network'),
        await storage(client),
      ];
      const ends = (target: string): string[] => [`occi.core.source="${compute}"`, `occi.core.target="${target}"`];
      const nic = await client.create('networkinterface', { attributes: ends(network) });
      const link = await client.create('storagelink', { attributes: ends(disk) });
      const all = { compute, network, storage: disk, networkinterface: nic, storagelink: link };
      for (const [noun, path] of Object.entries(all))
        expect(await state(client, path, noun)).toEqual(expect.any(String));
    },
  },
  {
    id: 'C-073, C-074',
    says: 'OS and resource templates are offered, with their bases',
    holds: async (client) => {
      const all = [...(await byId(client)).values()];
      for (const base of ['os_tpl', 'resource_tpl']) {
        expect(all.some((each) => each.id === INFRA + base)).toBe(true);
        expect(all.filter((each) => each.rel === INFRA + base).length).toBeGreaterThan(1);
      }
    },
  },
  {
    id: 'C-075',
    says: "a resource template's attributes are empty in discovery",
    in: '1.1',
    holds: async (client) => {
      const templates = [...(await byId(client)).values()].filter((each) => each.rel === `${INFRA}resource_tpl`);
      for (const template of templates) expect(template.attributes).toBeUndefined();
    },
  },
  {
    id: 'C-076, C-259',
    says: 'a resource template lists its sizes, those of CRTP as given',
    in: '1.2',
    holds: async (client) => {
      const { mixins } = (await client.get('/-/', JSON_TYPE)).json;
      const sizes = (term: string): unknown[] => {
        const { attributes } = mixins.find(
          (mixin: { scheme: string; term: string }) => mixin.scheme === CRTP && mixin.term === term,
        );
        return ['cores', 'memory', 'ephemeral_storage.size'].map((name) => attributes[`occi.compute.${name}`]?.default);
      };
      expect(sizes('small')).toEqual([1, 1, 10]);
      expect(sizes('medium')).toEqual([2, 2, 20]);
      expect(sizes('large')).toEqual([4, 4, 40]);
    },
  },
  {
    id: 'C-077, C-261',
    says: "the template's sizes win over the client's",
    holds: async (client) => {
      const sending = {
        categories: [mixinOf(`${CRTP}medium`)],
        attributes: ['occi.compute.cores=16', 'occi.compute.memory=1'],
      };
      const path = await client.create('compute', sending);
      expect((await client.entity(path)).attributes).toMatchObject({
        'occi.compute.cores': 2,
        'occi.compute.memory': 2,
      });
      const json = (await client.being('user').get(path, JSON_TYPE)).json;
      expect(json.attributes['occi.compute.ephemeral_storage.size']).toEqual(expect.any(Number));
    },
  },
  {
    id: 'C-078, C-260',
    says: 'another resource template replaces the old one and resizes',
    holds: async (client) => {
      const path = await client.create('compute', { categories: [mixinOf(`${CRTP}small`)] });
      expect((await client.send('POST', path, { categories: [mixinOf(`${CRTP}large`)] })).status).toBe(200);
      const { categories, attributes } = await client.entity(path);
      expect(categories.filter((each) => each.scheme === CRTP).map((each) => each.term)).toEqual(['large']);
      expect(attributes).toMatchObject({ 'occi.compute.cores': 4, 'occi.compute.memory': 4 });
      const two = { categories: [kindOf('compute'), mixinOf(`${CRTP}small`), mixinOf(`${CRTP}large`)] };
      expect([400, 409]).toContain((await client.send('POST', '/compute/', two)).status);
      const locations = [`${client.server.url}${path}`];
      expect((await client.send('POST', '/mixin/resource_tpl/medium/', { locations })).status).toBe(200);
      expect((await client.entity(path)).categories.filter((each) => each.scheme === CRTP)).toHaveLength(1);
    },
  },
  {
    id: 'C-079',
    says: 'an OS template is replaced or the request refused: never both stay',
    in: '1.2',
    holds: async (client) => {
      const path = await client.create('compute', { categories: [mixinOf(`${OS}debian12`)] });
      expect([400, 403, 409]).toContain(
        (await client.send('POST', path, { categories: [mixinOf(`${OS}ubuntu2404`)] })).status,
      );
      expect((await client.entity(path)).categories.filter((each) => each.scheme === OS)).toHaveLength(1);
    },
  },
  {
    id: 'C-080, C-081, C-083',
    says: 'ssh_key and user_data exist and apply to compute alone',
    in: '1.2',
    holds: async (client) => {
      const ssh = 'http://schemas.ogf.org/occi/infrastructure/credentials#ssh_key';
      const data = 'http://schemas.ogf.org/occi/infrastructure/compute#user_data';
      expect(await namesOf(client, ssh)).toEqual(['occi.credentials.ssh.publickey']);
      expect(await namesOf(client, data)).toEqual(['occi.compute.userdata']);
      const network = await client.create('network');
      const attributes = ['occi.credentials.ssh.publickey="ssh-ed25519 AAAA"'];
      expect((await client.send('POST', network, { categories: [mixinOf(ssh)], attributes })).status).toBe(400);
      const user = ['occi.compute.userdata="aGk="'];
      expect((await client.send('POST', network, { categories: [mixinOf(data)], attributes: user })).status).toBe(400);
    },
  },
  {
    id: 'C-082',
    says: 'user data cannot be changed after creation',
    in: '1.2',
    holds: async (client) => {
      const categories = [mixinOf('http://schemas.ogf.org/occi/infrastructure/compute#user_data')];
      const path = await client.create('compute', { categories, attributes: ['occi.compute.userdata="aGk="'] });
      const change = await client.send('POST', path, { attributes: ['occi.compute.userdata="aG8="'] });
      expect(change.status).toBe(403);
      expect((await client.entity(path)).attributes['occi.compute.userdata']).toBe('aGk=');
    },
  },
  {
    id: 'C-119',
    says: "an action outside its collection's kind is refused",
    holds: async (client) => {
      const reply = await client.send('POST', '/network/?action=start', { categories: [actionOf('compute', 'start')] });
      expect([400, 404]).toContain(reply.status);
    },
  },
  {
    id: 'C-262',
    says: 'the Server header carries the profile',
    holds: async (client) => {
      expect((await client.get('/-/')).headers['server']).toMatch(/OCCI-CRTP\/1\.1/);
    },
  },
]);
