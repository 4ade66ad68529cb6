/** Security groups whose machines are at another site: the same rules there, for as long as a machine is guarded by them. */

import { copyIdOf } from '../../extensions/infrastructure/group-copies.js';
import { Client } from '../conformance/client.js';
import {
  OVF,
  STATE as APPLIANCE_STATE,
  components,
  descriptor,
  locationOf,
  pathOf,
  send,
} from '../integration/appliance-wire.js';
import { forEachServer } from '../support/server.js';
import { PATIENCE_MS } from '../support/until.js';
import { siteBeside } from './site-beside.js';
import { Wire } from './wire.js';

const S = 'http://schemas.ogf.org/occi/infrastructure#';
const RULES = 'occi.securitygroup.rules';
const STATE = 'occi.securitygroup.state';
const LINK_STATE = 'occi.securitygrouplink.state';
const SSH = [{ type: 'inbound', protocol: 'tcp', port: '22' }];
const SNMP = [{ type: 'inbound', protocol: 'udp', port: '161' }];

const site = (name: string, more: object = {}): object => ({
  name,
  type: 'simulator',
  options: { timeFactor: 1000, ...more },
});
const SITES = [site('east'), site('west'), site('open', { lacks: ['securityGroups'] })];
const idOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

forEachServer({ config: { sites: SITES as never, engine: { reconcileMs: 500 } } }, (server) => {
  const wire = new Wire(server);
  const client = (): Client => new Client(server(), '1.2');
  const west = siteBeside(server, 'west');
  const east = siteBeside(server, 'east');

  /** Protocols that inbound rules of the groups at the west let pass, by the groups' ids. */
  const there = async (): Promise<Record<string, string[]>> => {
    const found: Record<string, string[]> = {};
    for await (const each of west().list('securitygroup'))
      if (each.class === 'securitygroup')
        found[each.id ?? each.ref] = [
          ...new Set(
            each.rules.flatMap(({ direction, protocol }) => (direction === 'inbound' ? [protocol ?? 'any'] : [])),
          ),
        ];
    return found;
  };
  /** Ids of the groups that guard interfaces at the west, an interface each. */
  const guards = async (): Promise<string[]> => {
    const ids = new Map<string, string>();
    for await (const each of west().list('securitygroup')) ids.set(each.ref, each.id ?? '');
    const found: string[] = [];
    for await (const each of west().list('nic'))
      if (each.class === 'nic') found.push((each.securityGroups ?? []).map((ref) => ids.get(ref) ?? ref).join(' '));
    return found.sort();
  };
  /** Asks until the answer is as it shall be. */
  const eventually = async (ask: () => Promise<unknown>, wanted: unknown): Promise<void> => {
    const end = performance.now() + PATIENCE_MS;
    for (let got = await ask(); JSON.stringify(got) !== JSON.stringify(wanted); got = await ask()) {
      if (performance.now() > end) expect(got).toEqual(wanted);
      await wire.show('/-/');
    }
  };

  const make = async (rules: unknown): Promise<string> => {
    const path = await wire.make('/securitygroup/', { kind: `${S}securitygroup`, attributes: { [RULES]: rules } });
    await wire.until(path, STATE, 'active');
    return path;
  };
  const copyOf = (group: string): string => copyIdOf(idOf(group), 'west');
  const guarding = (
    compute: string,
    group: string,
  ): { kind: string; source: { location: string }; target: { location: string } } => ({
    kind: `${S}securitygrouplink`,
    source: { location: compute },
    target: { location: group },
  });
  const link = async (compute: string, group: string): Promise<string> => {
    const path = await wire.make('/securitygrouplink/', guarding(compute, group));
    await wire.until(path, LINK_STATE, 'active');
    return path;
  };
  /** Machines of an appliance at that site. */
  const machinesAt = async (
    name: string,
    ...machines: string[]
  ): Promise<[appliance: string, ...computes: string[]]> => {
    const path = pathOf(await send(client(), descriptor({ machines }), [`${OVF}.site="${name}"`]));
    await client().until(path, APPLIANCE_STATE, 'active');
    return [path, ...(await components(client(), path, '/compute/')).map((each) => locationOf('compute', each))];
  };
  const nothingLeft = async (): Promise<void> => {
    await eventually(() => server().rows('SELECT id FROM entity'), []);
    await eventually(() => server().rows('SELECT id FROM group_copy'), []);
    await eventually(there, {});
    expect(await server().rows("SELECT type, findings FROM operation WHERE state IN ('dead', 'failed')")).toEqual([]);
  };

  it('has one copy for all machines of a site, which follows the rules and goes with the last of them', async () => {
    const [appliance, one = '', other = ''] = await machinesAt('west', 'm1', 'm2');
    const group = await make(SSH);
    const first = await link(one, group);
    expect(await there()).toEqual({ [copyOf(group)]: ['tcp'] });
    expect(await guards()).toEqual(['', copyOf(group)]);
    const second = await link(other, group);
    expect([Object.keys(await there()), await guards()]).toEqual([[copyOf(group)], [copyOf(group), copyOf(group)]]);

    const changed = { kind: `${S}securitygroup`, attributes: { [RULES]: SNMP } };
    expect((await wire.send('POST', group, changed)).status).toBe(200);
    await eventually(there, { [copyOf(group)]: ['udp'] });

    await wire.remove(first);
    await eventually(guards, ['', copyOf(group)]);
    expect(await there()).toEqual({ [copyOf(group)]: ['udp'] });
    await wire.remove(second);
    await eventually(there, {});
    await eventually(guards, ['', '']);
    // Nobody sees a copy.
    expect((await wire.show('/securitygroup/')).resources).toHaveLength(1);
    await wire.remove(appliance, group);
    await nothingLeft();
  });

  it('goes with the group, with the machines, and where another group takes its place', async () => {
    const [appliance, one = ''] = await machinesAt('west', 'm1');
    const [group, other] = [await make(SSH), await make(SNMP)];
    const path = await link(one, group);
    expect((await wire.send('POST', path, { target: { location: other } })).status).toBe(200);
    await eventually(there, { [copyOf(other)]: ['udp'] });
    await eventually(guards, [copyOf(other)]);
    await wire.remove(other);
    await eventually(there, {});
    await eventually(guards, ['']);
    await link(one, group);
    expect(Object.keys(await there())).toEqual([copyOf(group)]);
    await wire.remove(appliance);
    await eventually(there, {});
    await wire.remove(group);
    await nothingLeft();
  });

  it('has the machines of its own site guarded by itself', async () => {
    const [appliance, one = ''] = await machinesAt('east', 'm1');
    const group = await make(SSH);
    await link(one, group);
    expect(await there()).toEqual({});
    const ids: (string | undefined)[] = [];
    for await (const each of east().list('securitygroup')) ids.push(each.id);
    expect(ids).toEqual([idOf(group)]);
    await wire.remove(appliance, group);
    await nothingLeft();
  });

  it('is put right where somebody else has changed it or taken it away', async () => {
    const [appliance, one = ''] = await machinesAt('west', 'm1');
    const group = await make(SSH);
    const path = await link(one, group);
    for await (const { ref } of west().list('securitygroup')) await west().securityGroups?.update(ref, []);
    await eventually(there, { [copyOf(group)]: ['tcp'] });
    for await (const each of west().list('compute')) await west().securityGroups?.guard(each.ref, []);
    for await (const { ref } of west().list('securitygroup')) await west().delete('securitygroup', ref);
    await eventually(there, { [copyOf(group)]: ['tcp'] });
    await eventually(guards, [copyOf(group)]);
    await wire.until(path, LINK_STATE, 'active');
    await wire.remove(appliance, group);
    await nothingLeft();
  });

  it('shows on the link that the site could not make it, and is made when a machine is linked once more', async () => {
    const [appliance, one = ''] = await machinesAt('west', 'm1');
    const group = await make(SSH);
    await west().injectFault({ operation: 'createSecurityGroup', kind: 'refuse', class: 'quota' });
    const path = await wire.make('/securitygrouplink/', guarding(one, group));
    await wire.until(path, LINK_STATE, 'error');
    await west().clearFaults();
    await wire.remove(path);
    await link(one, group);
    expect(await guards()).toEqual([copyOf(group)]);
    await wire.remove(appliance, group);
    await eventually(there, {});
    await eventually(() => server().rows('SELECT id FROM group_copy'), []);
  });

  it('is refused for machines of a site that filters nothing', async () => {
    const [appliance, one = ''] = await machinesAt('open', 'm1');
    const group = await make(SSH);
    expect(await wire.refused('POST', '/securitygrouplink/', guarding(one, group))).toEqual([
      422,
      ['infrastructure.no-filter'],
    ]);
    await wire.remove(appliance, group);
  });
});
