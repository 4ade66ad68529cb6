/** Agreements over the wire (GFD.228, K16): offers and their states, who may do what, and the way of one that comes with an appliance. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { forEachServer, type Part, type Reply, type TestServer } from '../support/server.js';
import { document } from './agreement-support.js';

const SLA = 'http://schemas.ogf.org/occi/sla#';
const OVF = readFileSync('examples/web-shop/web-shop.ovf');
const GOLD = JSON.parse(readFileSync('examples/web-shop/gold.json', 'utf8')) as Record<string, unknown>;
const JSON_TYPE = { 'content-type': 'application/occi+json', accept: 'application/occi+json' };

function offer(server: TestServer, attributes: object = {}, as: Part = 'user'): Promise<Reply> {
  const body = JSON.stringify({ kind: `${SLA}agreement`, attributes });
  return server.request('POST', '/agreement/', { as, headers: JSON_TYPE, body });
}

async function offered(server: TestServer, attributes: object = {}): Promise<string> {
  const reply = await offer(server, attributes);
  expect([reply.status, reply.text]).toEqual([201, expect.anything()]);
  return new URL(reply.headers.location ?? '').pathname;
}

function act(server: TestServer, path: string, term: string, as: Part): Promise<Reply> {
  const body = JSON.stringify({ action: SLA + term });
  return server.request('POST', `${path}?action=${term}`, { as, headers: JSON_TYPE, body });
}

async function show(server: TestServer, path: string): Promise<Reply['json']> {
  return (await server.request('GET', path, { headers: { accept: 'application/occi+json' } })).json;
}

async function stateOf(server: TestServer, path: string): Promise<string> {
  return (await show(server, path)).attributes['occi.agreement.state'];
}

/** The web shop with an agreement, as `multipart/form-data` (K05). */
function deploy(server: TestServer, agreement: object): Promise<Reply> {
  const part = (name: string, type: string, body: string): string =>
    `--x\r\nContent-Disposition: form-data; name="${name}"; filename="${name}"\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
  const body =
    part('sla', 'application/vnd.vep.sla+json', JSON.stringify(agreement)) +
    part('ovf', 'application/ovf+xml', OVF.toString('utf8')) +
    '--x--\r\n';
  const headers = { 'content-type': 'multipart/form-data; boundary=x', accept: 'application/occi+json' };
  return server.request('POST', '/appliance/', { headers, body });
}

forEachServer({}, (server) => {
  describe('an offer', () => {
    it('C-242 C-244 C-245 is pending and goes through its states by the provider', async () => {
      const path = await offered(server());
      const seen = [await stateOf(server(), path)];
      for (const term of ['accept', 'suspend', 'resume', 'terminate']) {
        expect([term, (await act(server(), path, term, 'admin')).status]).toEqual([term, 200]);
        seen.push(await stateOf(server(), path));
      }
      expect(seen).toEqual(['pending', 'accepted', 'suspended', 'accepted', 'terminated']);
      expect((await show(server(), path)).attributes['occi.agreement.agreedAt']).toMatch(/^20.*Z$/);
    });

    it('K16 is not for the customer to accept, but to terminate', async () => {
      const path = await offered(server());
      for (const term of ['accept', 'reject']) {
        expect((await act(server(), path, term, 'user')).status).toBe(403);
      }
      expect((await act(server(), path, 'terminate', 'user')).status).toBe(409);
      await act(server(), path, 'accept', 'admin');
      expect((await act(server(), path, 'suspend', 'user')).status).toBe(403);
      expect((await act(server(), path, 'terminate', 'user')).status).toBe(200);
      expect((await act(server(), path, 'accept', 'stranger')).status).toBe(404);
    });

    it('C-246 shows no action that its state does not allow', async () => {
      const path = await offered(server());
      expect((await show(server(), path)).actions).toEqual([`${SLA}accept`, `${SLA}reject`]);
      expect((await act(server(), path, 'resume', 'admin')).status).toBe(409);
      await act(server(), path, 'reject', 'admin');
      expect((await show(server(), path)).actions ?? []).toEqual([]);
    });

    it.each(['P1M', '2026-01-01T00:00:00Z/P1D', '2026-01-01', 'soon'])('C-248 does not begin at %s', async (text) => {
      const reply = await offer(server(), { 'occi.agreement.effectiveFrom': text });
      expect(reply.status).toBe(400);
      expect(reply.text).toContain('sla.time');
    });

    it('C-247 can be changed while it is pending, in its dates alone', async () => {
      const path = await offered(server());
      const change = (attributes: object): Promise<Reply> =>
        server().request('POST', path, {
          headers: JSON_TYPE,
          body: JSON.stringify({ kind: `${SLA}agreement`, attributes }),
        });
      const until = { 'occi.agreement.effectiveUntil': '2030-01-01T00:00:00Z' };
      expect((await change(until)).status).toBe(200);
      expect((await change({ 'occi.agreement.state': 'accepted' })).status).toBeGreaterThanOrEqual(400);
      await act(server(), path, 'accept', 'admin');
      expect((await change({ 'occi.agreement.effectiveUntil': '2031-01-01T00:00:00Z' })).status).toBe(409);
      expect((await show(server(), path)).attributes).toMatchObject(until);
    });

    it('that is over is not accepted', async () => {
      const path = await offered(server(), { 'occi.agreement.effectiveUntil': '2020-01-01T00:00:00Z' });
      expect((await act(server(), path, 'accept', 'admin')).status).toBe(409);
    });

    it('brings a document, from which its dates and title come', async () => {
      const text = JSON.stringify(document([], { name: 'silver', effectiveFrom: '2026-01-01T02:00:00+02:00' }));
      const path = await offered(server(), { 'eu.contrail-project.sla.document': text });
      expect(await show(server(), path)).toMatchObject({
        title: 'silver',
        attributes: { 'occi.agreement.effectiveFrom': '2026-01-01T00:00:00.000Z' },
      });
      const wrong = await offer(server(), {
        'eu.contrail-project.sla.document': text,
        'occi.agreement.effectiveFrom': '2027-01-01T00:00:00Z',
      });
      expect(wrong.text).toContain('sla.period-differs');
      const broken = await offer(server(), { 'eu.contrail-project.sla.document': '{"terms":[7]}' });
      expect([broken.status, broken.text]).toEqual([400, expect.stringContaining('/terms/0')]);
    });

    it('C-252 is joined with a resource by a link that begins at it', async () => {
      const compute = await server().request('POST', '/compute/', {
        headers: JSON_TYPE,
        body: JSON.stringify({ kind: 'http://schemas.ogf.org/occi/infrastructure#compute', attributes: {} }),
      });
      const resource = new URL(compute.headers.location ?? '').pathname;
      const agreement = await offered(server());
      const link = (source: string, target: string): Promise<Reply> =>
        server().request('POST', '/agreementlink/', {
          headers: JSON_TYPE,
          body: JSON.stringify({
            kind: `${SLA}agreement_link`,
            source: { location: source },
            target: { location: target },
          }),
        });
      expect((await link(agreement, resource)).status).toBe(201);
      expect((await show(server(), agreement)).links).toMatchObject([{ target: { location: resource } }]);
      expect((await link(resource, agreement)).status).toBe(400);
      await act(server(), agreement, 'reject', 'admin');
      expect((await link(agreement, resource)).status).toBe(409);
    });
  });

  describe('an agreement that comes with an appliance', () => {
    it('is accepted with it, shown on all it governs, and ends with it', async () => {
      const made = await deploy(server(), GOLD);
      expect([made.status, made.text]).toEqual([201, expect.anything()]);
      const appliance = new URL(made.headers.location ?? '').pathname;
      const { attributes, links } = await show(server(), appliance);
      const agreement: string = attributes['eu.contrail-project.sla.agreement'];
      expect(await show(server(), agreement)).toMatchObject({
        attributes: { 'occi.agreement.state': 'accepted' },
        links: [{ kind: `${SLA}agreement_link`, target: { location: appliance } }],
      });
      for (const link of links) {
        const governed = await show(server(), link.target.location);
        expect(governed.attributes).toMatchObject({
          'eu.contrail-project.sla.agreement': agreement,
          'eu.contrail-project.sla.compliance': 'undefined',
        });
      }
      expect((await server().request('DELETE', agreement)).status).toBe(409);
      const link: string = (await show(server(), agreement)).links[0].id.replace('urn:uuid:', '/agreementlink/');
      expect((await server().request('DELETE', link)).status).toBe(409);
      expect((await server().request('DELETE', appliance)).status).toBe(200);
      expect(await stateOf(server(), agreement)).toBe('terminated');
      expect((await server().request('DELETE', agreement)).status).toBe(200);
    });

    it('is refused with every unmet term, and nothing is left', async () => {
      const terms = [
        { id: 'huge', type: 'resource', scope: ['db'], metric: 'vm.cores', op: 'GE', value: 1000 },
        { id: 'load', type: 'objective', scope: ['db'], metric: 'vm.cpu.load', op: 'LT', value: 1 },
        { id: 'moon', type: 'placement', scope: ['web1'], rule: 'zone', values: ['moon'] },
      ];
      const before = (await server().request('GET', '/agreement/', { headers: { accept: 'text/uri-list' } })).text;
      const reply = await deploy(server(), { ...GOLD, terms });
      expect(reply.status).toBe(422);
      for (const expected of ['sla.capacity', 'sla.unmonitorable', 'sla.placement', 'load', 'moon']) {
        expect(reply.text).toContain(expected);
      }
      const after = await server().request('GET', '/agreement/', { headers: { accept: 'text/uri-list' } });
      expect(after.text).toBe(before);
    });

    it('is about the descriptor it names', async () => {
      expect((GOLD['services'] as { ovf: object }[])[0]?.ovf).toMatchObject({
        sha256: createHash('sha256').update(OVF).digest('hex'),
      });
      const services = [{ name: 'shop', ovf: { sha256: '0'.repeat(64) }, items: [] }];
      const reply = await deploy(server(), { ...GOLD, services, terms: [] });
      expect([reply.status, reply.text]).toEqual([422, expect.stringContaining('sla.ovf.digest')]);
    });

    it('keeps its promise when others are made at the same time', async () => {
      const made = await Promise.all(Array.from({ length: 6 }, () => deploy(server(), GOLD)));
      const accepted = made.filter(({ status }) => status === 201);
      expect(made.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
      expect(accepted.length).toBeGreaterThan(1);
      for (const { headers } of accepted) {
        const settled = await server().wait(
          new URL(headers.location ?? '').pathname,
          ({ json }) => json.attributes['eu.contrail-project.appliance.state'] !== 'inactive',
          { headers: { accept: 'application/occi+json' } },
        );
        expect(settled.json.attributes['eu.contrail-project.appliance.state.message']).toBeUndefined();
        expect(settled.json.attributes).toMatchObject({ 'eu.contrail-project.appliance.state': 'active' });
      }
    });
  });
});
