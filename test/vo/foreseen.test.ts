/** What a dry run says of the limits of a VO is what the deployment would be refused with (K07, S-083). */

import { Wire } from '../infrastructure/wire.js';
import { SHOP_TAKES, webShop } from '../integration/web-shop.js';
import { serverFor, type JsonBody, type Reply } from '../support/server.js';

const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const A = 'eu.contrail-project.vo.';
const accounts = [{ name: 'higgs', roles: ['user' as const], group: 'atlas' }];
const server = serverFor({ accounts });
const wire = new Wire(server);
let vo: string;

const send = async (query: string): Promise<Reply> => {
  const { headers, body } = await webShop();
  return server().request('POST', `/appliance/${query}`, {
    as: 'higgs',
    headers: { ...headers, accept: 'application/occi+json' },
    body,
  });
};
const limited = (limits: Readonly<Record<string, number>>): Promise<Reply> =>
  wire.send(
    'POST',
    vo,
    { attributes: Object.fromEntries(Object.entries(limits).map(([name, value]) => [`${A}limit.${name}`, value])) },
    { as: 'admin' },
  );
const told = (faults: readonly JsonBody[]): unknown[] => faults.map(({ code, message }) => [code, message]);

beforeAll(async () => {
  const attributes = { [`${A}name`]: 'atlas' };
  vo = await wire.make('/vo/', { kind: `${VO}vo`, attributes }, { as: 'admin' });
});

it.each(Object.entries(SHOP_TAKES))(
  'foresees that %s are short by one, and that just enough are enough',
  async (resource, takes) => {
    expect((await limited({ ...SHOP_TAKES, [resource]: takes - 1 })).status).toBe(200);
    const [dry, wet] = [await send('?dry-run'), await send('')];
    expect([dry.status, dry.json.deployable, wet.status]).toEqual([200, false, 422]);
    const faults = wet.json.faults ?? wet.json.errors ?? [wet.json];
    expect(told(dry.json.unmet)).toEqual(told(faults));
    expect(dry.json.unmet).toEqual([
      expect.objectContaining({ code: 'vo.quota', place: { field: `${A}limit.${resource}` } }),
    ]);
    expect((await limited(SHOP_TAKES)).status).toBe(200);
    expect((await send('?dry-run')).json).toMatchObject({ deployable: true, unmet: [] });
  },
);

it('foresees the share of a user, and that a suspended VO takes nothing', async () => {
  const attributes = { [`${A}name`]: 'atlas', [`${A}quota.subject`]: 'local:higgs', [`${A}limit.cores`]: 7 };
  const quota = await wire.make('/vo-quota/', { kind: `${VO}quota`, attributes }, { as: 'admin' });
  expect(told((await send('?dry-run')).json.unmet)).toEqual([['vo.quota', '1 cores too much for the quota of you']]);
  expect((await wire.send('DELETE', quota, undefined, { as: 'admin' })).status).toBe(200);
  const action = 'http://schemas.contrail-project.eu/occi/vo/action#suspend';
  expect((await wire.send('POST', `${vo}?action=suspend`, { action }, { as: 'admin' })).status).toBe(200);
  const { json } = await send('?dry-run');
  expect([json.deployable, told(json.unmet)]).toEqual([
    false,
    [['vo.suspended', 'the Virtual Organization atlas is suspended']],
  ]);
});
