/**
 * Users of a federation by access token over the whole server, beside local ones (S-051, S-060, S-064, S-071, S-086). The
 * issuer is an HTTPS server on loopback.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JWTPayload } from 'jose';
import { parse } from 'yaml';
import type { JsonObject } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import { kindOf } from '../conformance/client.js';
import { TestIssuer } from '../support/issuer.js';
import { forEachServer, type Reply } from '../support/server.js';

const issuer = await TestIssuer.start();
afterAll(() => issuer.close());

// The configuration of docs/access/oidc.md, with its issuers on this machine.
const page = readFileSync(join(packageRoot, 'docs/access/oidc.md'), 'utf8');
const { access } = parse(/```yaml\n([^]*?)```/.exec(page)?.[1] ?? '') as { access: { issuers: JsonObject[] } };
const [egi, wlcg] = access.issuers.map((each) => ({ ...each, ...issuer.reached }));
const issuers: JsonObject[] = [
  { ...egi, issuer: issuer.url },
  { ...wlcg, issuer: `${issuer.url}/wlcg` },
];

forEachServer({ config: { access: { issuers } } }, (server) => {
  async function send(
    method: string,
    path: string,
    claims: JWTPayload,
    more: Record<string, string> = {},
  ): Promise<Reply> {
    const headers = { authorization: `Bearer ${await issuer.token(claims)}`, ...more };
    const reply = await server().request(method, path, { as: null, headers });
    // The keys of the issuer are fetched by upkeep, a moment after the start.
    if (reply.status !== 503) return reply;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return send(method, path, claims, more);
  }

  const WLCG = (): JWTPayload => ({ iss: `${issuer.url}/wlcg` });
  const ATLAS = (): JWTPayload => ({ ...WLCG(), 'wlcg.groups': ['/atlas'] });
  const BIOMED = { sub: 'bob', eduperson_entitlement: ['urn:mace:egi.eu:group:biomed:role=vm_operator#aai.egi.eu'] };
  const NETWORK = { 'content-type': 'text/occi', category: kindOf('network') };

  it('S-051 S-071 S-086 lets members of a VO write for it, and shows it to nobody else', async () => {
    const made = await send('POST', '/network/', ATLAS(), NETWORK);
    expect(made.status).toBe(201);
    const path = new URL(String(made.headers.location)).pathname;
    expect((await send('GET', path, ATLAS())).status).toBe(200);
    expect((await send('GET', path, { ...ATLAS(), sub: 'colleague' })).status).toBe(200);
    expect((await send('GET', path, BIOMED)).status).toBe(404);
    expect((await send('GET', path, BIOMED, { 'x-vep-vo': 'atlas' })).status).toBe(403);
    expect((await server().request('GET', path)).status).toBe(404);
    expect((await send('DELETE', path, BIOMED)).status).toBe(404);
    expect((await send('DELETE', path, ATLAS())).status).toBe(200);
  });

  it('S-033 lets nobody write for whom no VO vouches', async () => {
    expect((await send('GET', '/network/', {})).status).toBe(200);
    const refused = await send('POST', '/network/', {}, NETWORK);
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('access.no-vo')]);
  });

  it('lets somebody write in a VO by local administration alone, and nowhere else', async () => {
    const VO = 'http://schemas.contrail-project.eu/occi/vo';
    const admin = (path: string, kind: string, attributes: Record<string, string>) =>
      server().request('POST', path, {
        as: 'admin',
        headers: { 'content-type': 'application/occi+json' },
        body: JSON.stringify({ kind: `${VO}#${kind}`, attributes }),
      });
    const name = { 'eu.contrail-project.vo.name': 'lhcb' };
    expect((await admin('/vo/', 'vo', name)).status).toBe(201);
    const subject = `oidc:${issuer.url} carol`;
    expect(
      (await admin('/vo-member/', 'member', { ...name, 'eu.contrail-project.vo.member.subject': subject })).status,
    ).toBe(201);
    const made = await send('POST', '/network/', { sub: 'carol' }, NETWORK);
    expect([made.status, made.text]).toEqual([201, expect.anything()]);
    expect(await server().rows(`SELECT grp FROM entity WHERE owner = '${subject}' AND kind LIKE '%#network'`)).toEqual([
      { grp: 'lhcb' },
    ]);
    expect((await send('POST', '/network/', { sub: 'dave' }, NETWORK)).status).toBe(403);
    expect((await send('POST', '/network/', { sub: 'carol' }, { ...NETWORK, 'x-vep-vo': 'atlas' })).status).toBe(403);
  });

  it('acts for one VO at a time', async () => {
    const [biomed = ''] = BIOMED.eduperson_entitlement;
    const both = { ...BIOMED, eduperson_entitlement: [biomed, biomed.replace('biomed', 'vo.access.egi.eu')] };
    expect((await send('POST', '/network/', both, NETWORK)).text).toContain('access.vo-unnamed');
    expect((await send('POST', '/network/', both, { ...NETWORK, 'x-vep-vo': 'vo.access.egi.eu' })).status).toBe(201);
    const rows = await server().rows("SELECT grp FROM entity WHERE owner LIKE 'oidc:%bob' AND phase = 'live'");
    expect(rows).toEqual([{ grp: 'vo.access.egi.eu' }]);
  });

  it('S-064 holds a token of capabilities to them', async () => {
    const able = (scope: string): JWTPayload => ({ ...WLCG(), scope });
    expect((await send('GET', '/network/', able('compute.read'))).status).toBe(200);
    expect((await send('POST', '/network/', able('openid compute.read'), NETWORK)).status).toBe(403);
    const made = await send('POST', '/network/', able('compute.read compute.create'), NETWORK);
    expect(made.status).toBe(201);
    const path = new URL(String(made.headers.location)).pathname;
    expect((await send('DELETE', path, able('compute.read compute.create'))).status).toBe(403);
    expect((await send('GET', path, able('storage.read:/'))).status).toBe(404);
    expect((await send('DELETE', path, able('compute.read compute.cancel'))).status).toBe(200);
  });

  it('S-060 reads no token from a query, and writes none into the trail', async () => {
    const text = await issuer.token(ATLAS());
    const reply = await server().request('GET', `/network/?access_token=${text}`, { as: null });
    expect([400, 401]).toContain(reply.status);
    expect(
      (await server().request('GET', '/network/', { as: null, headers: { authorization: `Bearer ${text}x` } })).status,
    ).toBe(401);
    const conflicting = await server().request('GET', '/network/', { as: 'user', headers: { 'x-auth-token': text } });
    expect(conflicting.status).toBe(401);
    const [row] = await trail("reason = 'token-signature'");
    expect(row).toMatchObject({ outcome: 'denied', details: expect.stringContaining(issuer.url) });
    expect(JSON.stringify(await server().rows('SELECT * FROM audit_entry'))).not.toContain(text.slice(-40));
  });

  async function trail(where: string): Promise<Record<string, unknown>[]> {
    for (;;) {
      const rows = await server().rows(`SELECT * FROM audit_entry WHERE ${where}`);
      if (rows.length > 0) return rows;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});
