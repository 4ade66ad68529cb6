/** Security groups over the wire: rules shown, held to their meaning and carried to the site, and the link that rOCCI makes to them. */

import fc from 'fast-check';
import { ruleFaults } from '../../extensions/infrastructure/security-rules.js';
import { forEachServer } from '../support/server.js';
import { siteBeside } from './site-beside.js';
import { Wire } from './wire.js';

const S = 'http://schemas.ogf.org/occi/infrastructure#';
const RULES = 'occi.securitygroup.rules';
const STATE = 'occi.securitygroup.state';
const LINK_STATE = 'occi.securitygrouplink.state';
const WEB = [
  { type: 'inbound', protocol: 'tcp', port: '80-443', range: '0.0.0.0/0', ipversion: 'ipv4' },
  { type: 'inbound', protocol: 'icmp' },
  { type: 'outbound', protocol: '6', range: '2001:db8::/32', ipversion: 'ipv6' },
];

const idOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

forEachServer({}, (server) => {
  const wire = new Wire(server);
  const group = (rules: unknown): { kind: string; attributes: Record<string, unknown> } => ({
    kind: `${S}securitygroup`,
    attributes: { [RULES]: rules },
  });

  const none = async (sql: string): Promise<void> => {
    while ((await server().rows(sql)).length > 0) await wire.show('/-/');
  };
  /** Until nothing of security groups is left, or nothing of one entity. */
  const gone = (path?: string): Promise<void> =>
    none(
      `SELECT id FROM entity WHERE kind LIKE '%#securitygroup%' ${path === undefined ? '' : `AND id = '${idOf(path)}'`}`,
    );
  /** Until nothing is under way for an entity. */
  const settled = (path: string): Promise<void> =>
    none(`SELECT id FROM operation WHERE entity = '${idOf(path)}' AND finished_at IS NULL`);

  it('I-007 keeps the rules of a new group and shows it active', async () => {
    const path = await wire.make('/securitygroup/', group(WEB));
    expect(path).toMatch(/^\/securitygroup\//);
    await wire.until(path, STATE, 'active');
    expect((await wire.show(path)).attributes).toEqual({ [RULES]: WEB, [STATE]: 'active' });
    expect((await wire.show(path)).actions ?? []).toEqual([]);
    await wire.remove(path);
    expect((await wire.send('GET', path)).status).toBe(404);
  });

  it('takes rules in text as JSON in a quoted string, and gives them back so', async () => {
    const body = `Category: securitygroup; scheme="${S}"; class="kind"\r\nX-OCCI-Attribute: ${RULES}="${JSON.stringify(WEB).replaceAll('"', '\\"')}"`;
    const headers = { 'content-type': 'text/plain', accept: 'text/plain' };
    const made = await server().request('POST', '/securitygroup/', { headers, body });
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    const path = new URL(made.headers.location ?? '').pathname;
    expect((await wire.show(path)).attributes[RULES]).toEqual(WEB);
    const shown = await server().request('GET', path, { headers });
    const again = await server().request('POST', '/securitygroup/', {
      headers,
      body: shown.text.replaceAll(/^X-OCCI-Attribute: occi\.securitygroup\.state.*\r?\n/gm, ''),
    });
    expect([again.status, again.text]).toEqual([201, expect.any(String)]);
    await wire.remove(path, new URL(again.headers.location ?? '').pathname);
  });

  it('C-022 replaces the rules by an update, and keeps the old ones where the new are refused', async () => {
    const path = await wire.make('/securitygroup/', group(WEB));
    const rules = [{ type: 'outbound' }];
    expect((await wire.send('POST', path, group(rules))).status).toBe(200);
    expect((await wire.show(path)).attributes[RULES]).toEqual(rules);
    const [status] = (await wire.refused('POST', path, group([{ type: 'inbound', protocol: 'tcp', port: '9-3' }]))) as [
      number,
    ];
    expect(status).toBe(400);
    expect((await wire.show(path)).attributes[RULES]).toEqual(rules);
    expect((await wire.send('PUT', path, { kind: `${S}securitygroup` })).status).toBe(200);
    await wire.until(path, STATE, 'active');
    expect((await wire.show(path)).attributes).toEqual({ [STATE]: 'active' });
    await wire.remove(path);
  });

  it('refuses rules with every fault and its place', async () => {
    const reply = await wire.send(
      'POST',
      '/securitygroup/',
      group([
        { type: 'inbound', port: '80' },
        { type: 'inbound', protocol: 'udp', port: '70000-3' },
        { type: 'inbound', range: '10.0.0.0/8', ipversion: 'ipv6' },
      ]),
    );
    expect(reply.status).toBe(400);
    expect(reply.json.faults.map((fault: { place: { path: string } }) => fault.place.path)).toEqual([
      '/0/port',
      '/1/port',
      '/1/port',
      '/2/range',
    ]);
    expect((await wire.refused('POST', '/securitygroup/', group([{ protocol: 'tcp' }]))) as unknown[]).toEqual([
      400,
      ['attribute.pattern'],
    ]);
    expect((await wire.refused('POST', '/securitygroup/', group('open'))) as unknown[]).toEqual([
      400,
      ['attribute.type'],
    ]);
  });

  it('C-023 lets nobody set the state', async () => {
    const reply = await wire.send('POST', '/securitygroup/', {
      kind: `${S}securitygroup`,
      attributes: { [STATE]: 'inactive' },
    });
    expect(reply.status).toBe(403);
  });

  it('links a compute with a group, inline and by itself, and C-037 drops the links with either end', async () => {
    const path = await wire.make('/securitygroup/', group(WEB));
    const other = await wire.make('/securitygroup/', group([]));
    const compute = await wire.make('/compute/', {
      kind: `${S}compute`,
      links: [{ kind: `${S}securitygrouplink`, target: { location: path } }],
    });
    const link = await wire.make('/securitygrouplink/', {
      kind: `${S}securitygrouplink`,
      source: { location: compute },
      target: { location: other },
    });
    await wire.until(link, LINK_STATE, 'active');
    expect((await wire.show(link)).attributes).toEqual({ [LINK_STATE]: 'active' });
    const targets = async (): Promise<string[]> =>
      (await wire.show(compute)).links.map((each: { target: { location: string } }) => each.target.location);
    expect(await targets()).toEqual([path, other]);
    await wire.remove(other);
    expect(await targets()).toEqual([path]);
    expect((await wire.send('GET', link)).status).toBe(404);
    await wire.remove(compute, path);
    await gone();
  });

  describe('at the site', () => {
    const site = siteBeside(server);
    const rulesThere = async (path: string): Promise<unknown> => {
      for await (const each of site().list('securitygroup'))
        if (each.class === 'securitygroup' && path.endsWith(each.id ?? 'nothing')) return each.rules;
      return undefined;
    };
    /** Ids of the groups that guard the one interface at the site. */
    const guards = async (): Promise<string[]> => {
      const ids = new Map<string, string>();
      for await (const each of site().list('securitygroup')) ids.set(each.ref, each.id ?? '');
      const found: string[] = [];
      for await (const each of site().list('nic'))
        if (each.class === 'nic') found.push(...(each.securityGroups ?? []).map((ref) => ids.get(ref) ?? ref));
      return found.sort();
    };
    const linksOf = async (compute: string): Promise<string[]> =>
      (await wire.show(compute)).links.map(
        ({ kind, id }: { kind: string; id: string }) => `/${kind.replace(/.*#/, '')}/${id.replace('urn:uuid:', '')}`,
      );
    const idsOf = (...paths: string[]): string[] => paths.map(idOf).sort();
    const active = async (path: string): Promise<string> => {
      await wire.until(path, STATE, 'active');
      return path;
    };
    const make = async (rules: unknown): Promise<string> => active(await wire.make('/securitygroup/', group(rules)));
    const lan = async (): Promise<string> => {
      const path = await wire.make('/network/', { kind: `${S}network` });
      await wire.until(path, 'occi.network.state', 'active');
      return path;
    };
    const guarding = (target: string): object => ({ kind: `${S}securitygrouplink`, target: { location: target } });

    it('are the rules that were asked for, and those that they are changed to', async () => {
      const path = await make([
        { type: 'inbound', protocol: 'TCP', port: '22', range: '10.1.2.3/8', ipversion: 'ipv4' },
      ]);
      const outbound = ['ipv4', 'ipv6'].map((version) => ({ direction: 'outbound', version }));
      const ssh = { direction: 'inbound', version: 'ipv4', protocol: 'tcp', ports: [22, 22], range: '10.0.0.0/8' };
      expect(await rulesThere(path)).toEqual([ssh, ...outbound]);
      expect((await wire.send('POST', path, group([{ type: 'outbound', protocol: '17' }]))).status).toBe(200);
      await settled(path);
      expect(await rulesThere(path)).toEqual(outbound.map((rule) => ({ ...rule, protocol: 'udp' })));
      await wire.remove(path);
      await gone();
      expect(await rulesThere(path)).toBeUndefined();
    });

    it('is a machine guarded from the beginning, by what it is linked to later, and by nothing in the end', async () => {
      const [network, web, other] = [await lan(), await make(WEB), await make([])];
      const compute = await wire.make('/compute/', {
        kind: `${S}compute`,
        links: [{ kind: `${S}networkinterface`, target: { location: network } }, guarding(web)],
      });
      const [nic = '', first = ''] = await linksOf(compute);
      await wire.until(first, LINK_STATE, 'active');
      await wire.until(nic, 'occi.networkinterface.state', 'inactive');
      await wire.shown(nic, 'occi.networkinterface.mac');
      expect(await guards()).toEqual(idsOf(web));
      const second = await wire.make('/securitygrouplink/', {
        kind: `${S}securitygrouplink`,
        source: { location: compute },
        target: { location: other },
      });
      await wire.until(second, LINK_STATE, 'active');
      expect(await guards()).toEqual(idsOf(web, other));
      await wire.remove(first);
      await gone(first);
      expect(await guards()).toEqual(idsOf(other));
      // The group goes, its link first.
      await wire.remove(other);
      await gone(other);
      expect(await guards()).toEqual([]);
      await wire.remove(compute, web, network);
      await gone();
    });

    it('guards an interface that comes later too, and another group takes the place of one', async () => {
      const [network, web, other] = [await lan(), await make(WEB), await make([])];
      const compute = await wire.make('/compute/', { kind: `${S}compute`, links: [guarding(web)] });
      const nic = await wire.make('/networkinterface/', {
        kind: `${S}networkinterface`,
        source: { location: compute },
        target: { location: network },
      });
      await wire.shown(nic, 'occi.networkinterface.mac');
      await settled(nic);
      expect(await guards()).toEqual(idsOf(web));
      const [link = ''] = await linksOf(compute);
      expect((await wire.send('POST', link, { target: { location: other } })).status).toBe(200);
      await settled(link);
      expect(await guards()).toEqual(idsOf(other));
      const elsewhere = await wire.make('/compute/', { kind: `${S}compute` });
      expect(await wire.refused('POST', link, { source: { location: elsewhere } })).toEqual([
        409,
        ['infrastructure.guard-of-machine'],
      ]);
      await wire.remove(compute, elsewhere, web, other, network);
      await gone();
    });

    it('is shown when somebody changed the rules there', async () => {
      const path = await make(WEB);
      for await (const { ref, id } of site().list('securitygroup'))
        if (path.endsWith(id ?? 'nothing')) await site().securityGroups?.update(ref, []);
      const message = await wire.shown(path, `${STATE}.message`);
      expect(message).toMatch(/the site's rules are others: 3 are missing there/);
      await wire.remove(path);
      await gone();
    });
  });

  it('C-039 joins nothing but a compute with a security group', async () => {
    const path = await wire.make('/securitygroup/', group([]));
    const reversed = { kind: `${S}securitygrouplink`, source: { location: path }, target: { location: path } };
    expect(await wire.refused('POST', '/securitygrouplink/', reversed)).toEqual([400, ['infrastructure.link-ends']]);
    const storage = await wire.make('/storage/', { kind: `${S}storage`, attributes: { 'occi.storage.size': 1 } });
    const nowhere = { kind: `${S}securitygrouplink`, source: { location: storage }, target: { location: storage } };
    expect(await wire.refused('POST', '/securitygrouplink/', nowhere)).toEqual([
      400,
      ['infrastructure.link-ends', 'infrastructure.link-ends'],
    ]);
    await wire.remove(storage, path);
  });

  it("K14 knows no stranger's group", async () => {
    const path = await wire.make('/securitygroup/', group(WEB));
    const compute = await wire.make('/compute/', { kind: `${S}compute` }, { as: 'stranger' });
    const link = { kind: `${S}securitygrouplink`, source: { location: compute }, target: { location: path } };
    expect(await wire.refused('POST', '/securitygrouplink/', link, { as: 'stranger' })).toEqual([
      400,
      ['occi.link-target-unknown'],
    ]);
    expect((await wire.send('GET', path, undefined, { as: 'stranger' })).status).toBe(404);
  });
});

forEachServer({ site: { lacks: ['securityGroups'] } }, (server) => {
  it('are refused where the site filters nothing, for a rule that nobody holds is worse than none', async () => {
    const wire = new Wire(server);
    const body = { kind: `${S}securitygroup`, attributes: { [RULES]: WEB } };
    expect(await wire.refused('POST', '/securitygroup/', body)).toEqual([422, ['infrastructure.no-filter']]);
  });
});

describe('rules of a security group', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const meaningful = fc.record(
    {
      type: fc.constantFrom('inbound', 'outbound'),
      protocol: fc.constantFrom('tcp', 'UDP', 'sctp'),
      port: fc.tuple(port, port).map(([a, b]) => (a === b ? `${a}` : `${Math.min(a, b)}-${Math.max(a, b)}`)),
    },
    { requiredKeys: ['type', 'protocol'] },
  );

  it('accept every port and range of ports in order', () => {
    fc.assert(fc.property(fc.array(meaningful), (rules) => expect(ruleFaults(rules)).toEqual([])));
  });

  it('never break on what they hold, and name the rule of each fault', () => {
    const rule = fc.dictionary(fc.constantFrom('type', 'protocol', 'port', 'range', 'ipversion'), fc.string());
    fc.assert(
      fc.property(fc.array(rule), (rules) => {
        for (const { place } of ruleFaults(rules)) {
          const index = Number(/^\/([0-9]+)\//.exec(place?.path ?? '')?.[1]);
          expect(rules[index]).toBeDefined();
        }
      }),
    );
  });

  it.each([
    ['a protocol that is none', { protocol: 'tcp udp' }],
    ['a protocol beyond the numbers', { protocol: '256' }],
    ['a port of a protocol without ports', { protocol: 'icmp', port: '1' }],
    ['an IPv6 range called IPv4', { range: 'fc00::/7', ipversion: 'ipv4' }],
  ])('refuse %s', (_what, rule) => {
    expect(ruleFaults([{ type: 'inbound', ...rule }])).toHaveLength(1);
  });
});
