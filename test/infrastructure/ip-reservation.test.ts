/** IP reservations over the wire and on the simulated site: reserved, used by one interface, given back. */

import fc from 'fast-check';
import { addressOfRange } from '../../extensions/infrastructure/reserved-address.js';
import { rangeOfAddress } from '../../src/iaas/ranges.js';
import { forEachServer } from '../support/server.js';
import { until } from '../support/until.js';
import { siteBeside } from './site-beside.js';
import { Wire, type EntityBody } from './wire.js';

const S = 'http://schemas.ogf.org/occi/infrastructure';
const ADDRESS = 'occi.ipreservation.address';
const USED = 'occi.ipreservation.used';
const STATE = 'occi.ipreservation.state';
const LEASED = 'occi.networkinterface.address';

forEachServer({}, (server) => {
  const site = siteBeside(server);
  const wire = new Wire(server);

  const reserve = async (address?: string): Promise<string> => {
    const attributes = address === undefined ? {} : { [ADDRESS]: address };
    const path = await wire.make('/ipreservation/', { kind: `${S}#ipreservation`, attributes });
    await wire.until(path, STATE, 'active');
    return path;
  };
  const machine = (): Promise<string> => wire.make('/compute/', { kind: `${S}#compute` });
  const interfaceTo = (source: string, target: string, attributes = {}): EntityBody => ({
    kind: `${S}#networkinterface`,
    source: { location: source },
    target: { location: target },
    attributes,
  });
  const networksOnSite = async (): Promise<(string | undefined)[]> => {
    const ranges: (string | undefined)[] = [];
    for await (const each of site().list('network')) if (each.class === 'network') ranges.push(each.cidr);
    return ranges.sort();
  };

  it('I-007 reserves the address that was asked for at the site', async () => {
    const path = await reserve('192.0.2.17');
    expect(path).toMatch(/^\/ipreservation\//);
    expect((await wire.show(path)).attributes).toEqual({
      [ADDRESS]: '192.0.2.17',
      [USED]: false,
      [STATE]: 'active',
      'occi.network.state': 'active',
    });
    expect(await networksOnSite()).toEqual(['192.0.2.17/32']);
    await wire.remove(path);
    await expectNothingLeft();
  });

  it('reserves an address of the site’s choice, and IPv6 as well', async () => {
    const any = await reserve();
    const six = await reserve('2001:db8::17');
    expect((await wire.show(any)).attributes[ADDRESS]).toMatch(/^10\./);
    expect(await networksOnSite()).toContain('2001:db8::17/128');
    await wire.remove(any, six);
    await expectNothingLeft();
  });

  it('C-060 goes down and up, offering what is possible now', async () => {
    const path = await reserve('192.0.2.18');
    const terms = async (): Promise<string[]> => (await wire.show(path)).actions;
    expect(await terms()).toEqual([`${S}/ipreservation/action#down`, `${S}/network/action#down`]);
    expect((await wire.act(path, `${S}/ipreservation/action#down`)).status).toBe(200);
    await wire.until(path, STATE, 'inactive');
    expect(await terms()).toEqual([`${S}/ipreservation/action#up`, `${S}/network/action#up`]);
    expect((await wire.act(path, `${S}/ipreservation/action#down`)).status).toBe(409);
    expect((await wire.act(path, `${S}/ipreservation/action#up`)).status).toBe(200);
    await wire.until(path, STATE, 'active');
    await wire.remove(path);
  });

  it('C-042 takes part in the actions of the network collection, being a network', async () => {
    const path = await reserve('192.0.2.24');
    const network = await wire.make('/network/', { kind: `${S}#network` });
    await wire.until(network, 'occi.network.state', 'active');
    expect((await wire.act('/network/', `${S}/network/action#down`)).status).toBe(200);
    for (const each of [network, path]) await wire.until(each, 'occi.network.state', 'inactive');
    await wire.until(path, STATE, 'inactive');
    await wire.remove(path, network);
  });

  it('gives its address to the interface that leads to it, and to no second one', async () => {
    const path = await reserve('192.0.2.19');
    const compute = await machine();
    const link = await wire.make('/networkinterface/', interfaceTo(compute, path));
    expect((await wire.show(path)).attributes[USED]).toBe(true);
    expect(await wire.shown(link, LEASED)).toBe('192.0.2.19');

    expect(await wire.refused('POST', '/networkinterface/', interfaceTo(await machine(), path))).toEqual([
      409,
      ['infrastructure.reservation-used'],
    ]);
    expect(await wire.refused('POST', path, { attributes: { [ADDRESS]: '192.0.2.20' } })).toEqual([
      409,
      ['infrastructure.reservation-used'],
    ]);
    await wire.remove(link);
    await wire.until(path, USED, false);
    const again = await wire.make('/networkinterface/', interfaceTo(compute, path));
    await wire.shown(again, LEASED);
    await wire.remove(compute);
    await wire.until(path, USED, false);
    await wire.remove(path);
  });

  it('gives the chosen address again and again, inline and while it is still being reserved', async () => {
    const path = await wire.make('/ipreservation/', { kind: `${S}#ipreservation` });
    const addresses = new Set<unknown>();
    for (let round = 0; round < 3; round++) {
      const compute = await wire.make('/compute/', {
        kind: `${S}#compute`,
        links: [{ kind: `${S}#networkinterface`, target: { location: path } }],
      });
      const link = new URL((await wire.show(compute)).links[0].id.replace('urn:uuid:', 'x:/networkinterface/'))
        .pathname;
      addresses.add(await wire.shown(link, LEASED));
      await wire.remove(compute);
      await wire.until(path, USED, false);
    }
    expect([...addresses]).toEqual([(await wire.show(path)).attributes[ADDRESS]]);
    await wire.remove(path);
  });

  it('refuses another address on the interface than the reserved one', async () => {
    const path = await reserve('192.0.2.21');
    const compute = await machine();
    const mixins = ['http://schemas.ogf.org/occi/infrastructure/networkinterface#ipnetworkinterface'];
    const other = { ...interfaceTo(compute, path, { [LEASED]: '192.0.2.99' }), mixins };
    expect(await wire.refused('POST', '/networkinterface/', other)).toEqual([400, ['infrastructure.address-reserved']]);
    const same = { ...interfaceTo(compute, path, { [LEASED]: '192.0.2.21' }), mixins };
    const link = await wire.make('/networkinterface/', same);
    expect(await wire.refused('POST', link, { attributes: { [LEASED]: '192.0.2.99' } })).toEqual([
      409,
      ['infrastructure.address-reserved'],
    ]);
    await wire.shown(link, LEASED);
    await wire.remove(compute, path);
  });

  it('C-022 reserves another address in the place of the old one while nobody uses it', async () => {
    const path = await reserve('192.0.2.22');
    const sensor = await wire.make('/sensor/', {
      kind: 'http://schemas.ogf.org/occi/monitoring#sensor',
      links: [{ kind: 'http://schemas.ogf.org/occi/monitoring#collector', target: { location: path } }],
    });
    expect((await wire.send('POST', path, { attributes: { [ADDRESS]: '192.0.2.23' } })).status).toBe(200);
    await server().wait(path, (reply) => reply.json.attributes[STATE] === 'active');
    const compute = await machine();
    const link = await wire.make('/networkinterface/', interfaceTo(compute, path));
    expect(await wire.shown(link, LEASED)).toBe('192.0.2.23');
    expect(await networksOnSite()).toEqual(expect.arrayContaining(['192.0.2.23/32']));
    expect(await networksOnSite()).not.toContain('192.0.2.22/32');
    await wire.remove(sensor, compute, path);
  });

  it('shows what the site says when it cannot reserve, and C-023 keeps its own attributes to itself', async () => {
    await site().injectFault({ operation: 'createNetwork', kind: 'error-state', nth: 1, times: 1 });
    const path = await wire.make('/ipreservation/', { kind: `${S}#ipreservation` });
    const failed = await wire.until(path, STATE, 'error');
    expect(failed.attributes).toMatchObject({
      [`${STATE}.message`]: expect.any(String),
      'occi.network.state': 'error',
    });
    await wire.remove(path);
    for (const attributes of [{ [USED]: true }, { [STATE]: 'active' }]) {
      const reply = await wire.send('POST', '/ipreservation/', { kind: `${S}#ipreservation`, attributes });
      expect(reply.status).toBe(403);
    }
    expect(
      await wire.refused('POST', '/ipreservation/', {
        kind: `${S}#ipreservation`,
        attributes: { [ADDRESS]: '192.0.2.0/24' },
      }),
    ).toEqual([400, ['attribute.pattern']]);
  });

  async function expectNothingLeft(): Promise<void> {
    await until(
      async () => (await networksOnSite()).length === 0,
      async () => JSON.stringify(await networksOnSite()),
    );
  }
});

describe('the address that a range stands for', () => {
  it.each([
    ['192.0.2.7/32', undefined, '192.0.2.7'],
    ['192.0.2.6/31', undefined, '192.0.2.6'],
    ['192.0.2.0/24', '192.0.2.1', '192.0.2.2'],
    ['192.0.2.9/24', '192.0.2.254', '192.0.2.1'],
    ['2001:db8::5/128', undefined, '2001:db8::5'],
    ['2001:db8::/64', '2001:db8::1', '2001:db8::2'],
    ['nonsense', undefined, undefined],
  ])('%s with the gateway %s stands for %s', (cidr, gateway, address) => {
    expect(addressOfRange(cidr, gateway)).toBe(address);
  });

  it('is the address of a range that was made from one', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => expect(addressOfRange(rangeOfAddress(address), undefined)).toBe(address)),
    );
  });
});
