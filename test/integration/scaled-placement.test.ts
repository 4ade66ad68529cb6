/** Machines that join an appliance are placed as the first ones were: within its constraints, beside those that are there. */

import { GONE } from '../../src/iaas/adapters/simulator/cloud.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { eventually } from '../engine/eventually.js';
import { cloudBeside } from '../infrastructure/cloud-beside.js';
import { envelope, system } from '../ovf/plan-support.js';
import { serverFor, type Reply } from '../support/server.js';
import { actOn, MESSAGE, pathOf, STATE } from './appliance-wire.js';
import { applianceForm } from './web-shop.js';

/** The one abroad has the least room, and so is the first choice of whoever looks at sizes alone. */
const host = (name: string, country: string, cores: number): object => ({
  ...{ name, country, rack: name, zone: country, cores, memoryBytes: 2 ** 34 },
});
const hosts = [host('abroad', 'FR', 4), host('h1', 'DE', 5), host('h2', 'DE', 5)];
const sites = [{ name: 'sim', type: 'simulator', options: { timeFactor: 1000, hosts } }];
const server = serverFor({ config: { sites: sites as never } });
const client = (): Client => new Client(server(), '1.2');
const cloud = cloudBeside(server);

afterEach(async () => {
  await client().send('DELETE', '/appliance/');
  // Agreements stay, and say that they have ended.
  await eventually(async () => (await taken()).length === 0);
});

const scaleOut =
  '<ovf2:ScaleOutSection ovf2:id="out" ovf:required="false"><Info/><ovf2:InstanceCount ovf2:default="1" ovf2:maximum="20"/></ovf2:ScaleOutSection>';

type Rule = readonly [rule: string, ...values: readonly string[]];

/** A web server of which there can be more, and what was agreed on where its instances are. */
async function deployed(...rules: readonly Rule[]): Promise<string> {
  const terms = rules.map(([rule, ...values], index) => ({
    ...{ id: `t${index}`, type: 'placement', scope: ['web'], importance: 1, rule, values },
  }));
  const items = [{ id: 'web', kind: 'VirtualSystem', ref: 'web' }];
  const agreement = {
    ...{ apiVersion: 'vep.sla/v1', kind: 'Agreement', id: '5b8f4c1e-0c7a-4e0e-9a3d-7d2f3c1b6a91', name: 'where' },
    ...{ templateId: 't', revision: 1, effectiveFrom: '2026-01-01T00:00:00Z', effectiveUntil: null, agreedAt: null },
    parties: { customer: { id: 'user' }, provider: { id: 'vep' }, initiator: 'customer' },
    ...{ application: null, variables: [], extensions: {}, terms },
    services: [{ name: 'web', ovf: { href: 'appliance.ovf' }, items }],
  };
  const ovf = envelope(system('web', { sections: scaleOut }));
  const form = await applianceForm({ ovf, ...(terms.length > 0 ? { agreement: JSON.stringify(agreement) } : {}) });
  const headers = { ...form.headers, accept: JSON_TYPE };
  const path = pathOf(await server().request('POST', '/appliance/', { headers, body: form.body }));
  await settled(path);
  return path;
}

const settled = (path: string): Promise<Reply> =>
  server().wait(path, ({ json }) => json.attributes[STATE] === 'active' && json.attributes[MESSAGE] === undefined);

async function scaled(path: string, count: number): Promise<Reply> {
  const reply = await actOn(client(), path, 'scale', { role: 'web', count });
  if (reply.status === 200) await settled(path);
  return reply;
}

/** On which hosts machines are. */
async function taken(): Promise<string[]> {
  const { compute } = (await cloud()).things;
  return [...compute.values()].flatMap(({ host: on, change }) => (change?.to === GONE ? [] : [on])).sort();
}

it('in the country that was agreed on', async () => {
  const path = await deployed(['country', 'DE']);
  expect((await scaled(path, 4)).status).toBe(200);
  expect(await taken()).not.toContain('abroad');
});

it('on hosts of their own, and not where there is none left', async () => {
  const path = await deployed(['differentHost']);
  expect((await scaled(path, 3)).status).toBe(200);
  expect(await taken()).toEqual(['abroad', 'h1', 'h2']);
  const refused = await scaled(path, 4);
  const fault = { code: 'placement.too-few-hosts', message: expect.stringContaining('keeps 4 machines') as string };
  expect([refused.status, refused.json.faults]).toEqual([422, [expect.objectContaining(fault)]]);
  expect((await scaled(path, 2)).status).toBe(200);
});

it('on the host of the others', async () => {
  const path = await deployed(['sameHost']);
  expect((await scaled(path, 2)).status).toBe(200);
  expect(new Set(await taken()).size).toBe(1);
});

it('as far as there is room', async () => {
  const path = await deployed();
  const refused = await scaled(path, 16);
  expect([refused.status, refused.json.faults[0].code]).toEqual([409, 'placement.capacity']);
  expect((await client().get(path, JSON_TYPE)).json.attributes[STATE]).toBe('active');
  expect(await taken()).toHaveLength(1);
});
