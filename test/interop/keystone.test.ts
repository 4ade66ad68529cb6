/**
 * The Keystone façade as rOCCI-api 4.3 goes through it (`spec/federation-auth.md` §8, `spec/occi-interop.md`), with a VOMS
 * proxy, an access token, and a password; and what must not come of it (S-067).
 */

import { parse } from 'yaml';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import { kindOf } from '../conformance/client.js';
import { describeWith, runProgram } from '../support/counterparts.js';
import { AUDIENCE, TestIssuer } from '../support/issuer.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import { sendSecurely, type SecureOptions, type SecureReply } from '../support/secure-client.js';
import { forEachServer, PASSWORD } from '../support/server.js';

const at = (name: string): string => join(pkiFixtures, name);
const issuer = await TestIssuer.start();
afterAll(() => issuer.close());

/** The configuration of docs/access/keystone.md, on the fixtures. */
const page = readFileSync(join(packageRoot, 'docs/access/keystone.md'), 'utf8');
const documented = parse(/```yaml\n([^]*?)```/.exec(page)?.[1] ?? '') as { access: { keystone: JsonObject } };

const config = {
  server: { port: 0, tls: { certificate: at('eec/host.pem'), key: at('eec/host.key') } },
  access: {
    ...documented.access,
    certificates: {
      directory: at('certificates'),
      vomsdir: at('vomsdir'),
      crlOptional: ['/DC=org/DC=other/CN=Other VO CA'],
    },
    issuers: [
      {
        issuer: issuer.url,
        audience: [AUDIENCE],
        vos: [
          { vo: 'atlas', group: '/atlas' },
          { vo: 'biomed', group: '/biomed' },
        ],
        ...issuer.reached,
      },
    ],
  },
};

const ROCCI = {
  'user-agent': 'rOCCI-core/4.3.6 rOCCI-api/4.3.15 OCCI/1.1 ruby/3.1.2',
  accept: 'text/plain,text/occi;q=0.2',
};
const JSON_HEADERS = { accept: 'application/json', 'content-type': 'application/json' };

forEachServer({ config }, (server) => {
  const send = (path: string, options: SecureOptions = {}): Promise<SecureReply> =>
    sendSecurely(path.startsWith('https:') ? path : server().url + path, options);
  const json = (reply: SecureReply): any => JSON.parse(reply.text); // eslint-disable-line @typescript-eslint/no-explicit-any

  /** Where the server sends a client that has no credential it accepts. */
  async function keystone(): Promise<string> {
    const refused = await send('/-/', { headers: { ...ROCCI, 'x-auth-token': 'vepk_stale' } });
    expect(refused.status).toBe(401);
    const [, , uri = ''] =
      /^(Keystone|snf-auth) uri=(?:"|')(.+)(?:"|')$/.exec(refused.headers['www-authenticate'] ?? '') ?? [];
    return uri;
  }

  async function versions(): Promise<Record<string, string>> {
    const reply = await send(await keystone(), { headers: JSON_HEADERS });
    expect(reply.status).toBe(300);
    const values: { id: string; links: { rel: string; href: string }[] }[] = json(reply).versions.values;
    for (const { id } of values) expect(id).toMatch(/^v([0-9])/);
    return Object.fromEntries(
      values.map(({ id, links }) => [
        id.slice(0, 2),
        (links.find(({ rel }) => rel === 'self')?.href ?? '').replace(/\/$/, ''),
      ]),
    );
  }

  const scoped = (v3: string, token: string, project: string, as?: string): Promise<SecureReply> =>
    send(`${v3}/auth/tokens`, {
      method: 'POST',
      headers: JSON_HEADERS,
      body: JSON.stringify({
        auth: { identity: { methods: ['token'], token: { id: token } }, scope: { project: { id: project } } },
      }),
      ...(as === undefined ? {} : { as }),
    });

  it.each([
    ['S-067 v3 with a VOMS proxy', 'voms/good-bob', undefined],
    ['v3 with a VOMS proxy that goes on being presented', 'voms/good-bob', 'voms/good-bob'],
  ])('%s', async (_name, proxy, later) => {
    const { v3 = '' } = await versions();
    const beside = later === undefined ? {} : { as: later };
    const unscoped = await send(`${v3}/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth`, {
      headers: JSON_HEADERS,
      as: proxy,
    });
    expect([unscoped.status, unscoped.text]).toEqual([201, expect.stringContaining('expires_at')]);
    const first = String(unscoped.headers['x-subject-token']);
    const projects = await send(`${v3}/auth/projects`, {
      headers: { ...JSON_HEADERS, 'x-auth-token': first },
      ...beside,
    });
    expect(json(projects).projects).toMatchObject([{ id: 'testvo', name: 'testvo' }]);
    const chosen = await scoped(v3, first, 'testvo', later);
    expect(chosen.status).toBe(201);
    const token = String(chosen.headers['x-subject-token']);

    const headers = { ...ROCCI, 'x-auth-token': token };
    expect((await send('/-/', { headers, ...beside })).status).toBe(200);
    const made = await send('/network/', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'text/occi', category: kindOf('network') },
      ...beside,
    });
    expect([made.status, made.text]).toEqual([201, expect.anything()]);
    const path = new URL(made.headers.location ?? '').pathname;
    expect((await send(path, { as: 'voms/good-bob' })).status).toBe(200);
    expect((await send(path, { as: 'voms/othervo' })).status).toBe(404);
    // S-067: without a project, with a byte changed, and with another's certificate beside it.
    const status = async (each: string, as?: string): Promise<number> =>
      (await send(path, { headers: { ...ROCCI, 'x-auth-token': each }, ...(as === undefined ? {} : { as }) })).status;
    expect(await status(first)).toBe(401);
    expect(await status(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`)).toBe(401);
    expect(await status(token, 'eec/alice')).toBe(401);
    expect((await scoped(v3, first, 'othervo')).status).toBe(401);

    const about = { ...JSON_HEADERS, 'x-auth-token': token, 'x-subject-token': token };
    expect(json(await send(`${v3}/auth/tokens`, { headers: about })).token.project.id).toBe('testvo');
    expect((await send(`${v3}/auth/tokens`, { method: 'DELETE', headers: about })).status).toBe(204);
    expect(await status(token)).toBe(401);
    expect((await send(path, { method: 'DELETE', as: 'voms/good-bob' })).status).toBe(200);
  });

  it('v2 with a VOMS proxy', async () => {
    const { v2 = '' } = await versions();
    const post = (auth: object): Promise<SecureReply> =>
      send(`${v2}/tokens`, {
        method: 'POST',
        headers: JSON_HEADERS,
        body: JSON.stringify({ auth }),
        as: 'voms/good-bob',
      });
    const unscoped = await post({ voms: true });
    const first = String(json(unscoped).access.token.id);
    const tenants = await send(`${v2}/tenants`, { headers: { ...JSON_HEADERS, 'x-auth-token': first } });
    expect(json(tenants).tenants).toMatchObject([{ name: 'testvo' }]);
    const token = json(await post({ voms: true, tenantName: 'testvo' })).access.token;
    expect(token).toMatchObject({ tenant: { id: 'testvo' }, expires: expect.stringMatching(/Z$/) });
    expect((await send('/compute/', { headers: { ...ROCCI, 'x-auth-token': String(token.id) } })).status).toBe(200);
  });

  it('v3 with an access token: one project at a time, and nothing of another', async () => {
    const claims = { sub: 'carol', 'wlcg.groups': ['/atlas', '/biomed'] };
    const bearer = { ...JSON_HEADERS, authorization: `Bearer ${await issuer.token(claims)}` };
    const { v3 = '' } = await versions();
    let unscoped: SecureReply;
    // The keys of the issuer are fetched by upkeep, a moment after the start.
    do unscoped = await send(`${v3}/OS-FEDERATION/identity_providers/egi.eu/protocols/oidc/auth`, { headers: bearer });
    while (unscoped.status === 503);
    const first = String(unscoped.headers['x-subject-token']);
    const projects = await send(`${v3}/auth/projects`, { headers: { ...JSON_HEADERS, 'x-auth-token': first } });
    expect(json(projects).projects.map(({ id }: { id: string }) => id)).toEqual(['atlas', 'biomed']);
    const tokens = await Promise.all(
      ['atlas', 'biomed'].map(async (vo) => String((await scoped(v3, first, vo)).headers['x-subject-token'])),
    );
    const [atlas = '', biomed = ''] = tokens;
    const made = await send('/network/', {
      method: 'POST',
      headers: { ...ROCCI, 'x-auth-token': atlas, 'content-type': 'text/occi', category: kindOf('network') },
    });
    const path = new URL(made.headers.location ?? '').pathname;
    expect((await send(path, { headers: { ...ROCCI, 'x-auth-token': atlas } })).status).toBe(200);
    expect((await send(path, { headers: { ...ROCCI, 'x-auth-token': biomed } })).status).toBe(404);
    expect((await send('/network/', { headers: { ...ROCCI, 'x-auth-token': biomed } })).text).not.toContain(path);
    const named = { ...ROCCI, 'x-auth-token': biomed, 'x-vep-vo': 'atlas' };
    expect((await send(path, { headers: named })).status).toBe(401);
  });

  it('v3 with a password, which is held to its limits', async () => {
    const { v3 = '' } = await versions();
    const sign = (name: string, password: string): Promise<SecureReply> =>
      send(`${v3}/auth/tokens`, {
        method: 'POST',
        headers: JSON_HEADERS,
        body: JSON.stringify({
          auth: {
            identity: { methods: ['password'], password: { user: { name, password, domain: { id: 'default' } } } },
            scope: { project: { name: 'strangers', domain: { id: 'default' } } },
          },
        }),
      });
    const issued = await sign('stranger', PASSWORD);
    expect(issued.status).toBe(201);
    const token = String(issued.headers['x-subject-token']);
    expect((await send('/compute/', { headers: { ...ROCCI, 'x-auth-token': token } })).status).toBe(200);
    expect((await sign('stranger', 'wrong')).status).toBe(401);
    expect((await send(`${v3}/auth/tokens`, { method: 'POST', headers: JSON_HEADERS, body: '[]' })).status).toBe(400);
    const stored = JSON.stringify(await server().rows('SELECT * FROM keystone_token'));
    expect(stored).not.toContain(token);
  });

  it('keeps asking browsers for a password', async () => {
    const refused = await send('/', { headers: { accept: 'text/html' } });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic /)]);
  });

  describeWith('curl', 'bash')('the example of docs/access/keystone.md', () => {
    it('gets a token for a proxy and the projects for the token, as it stands', async () => {
      const example = /```\n(proxy=[^]*?)```/.exec(page)?.[1] ?? '';
      expect(example).toContain('OS-FEDERATION');
      const { port } = new URL(server().url);
      const script = example
        .replaceAll('vep.example.org', `localhost:${port}`)
        .replaceAll('ca.pem', at('ca/root.pem'))
        .replaceAll('$X509_USER_PROXY', at('voms/good-bob.pem'));
      const { code, out } = await runProgram('bash', ['-e', '-o', 'pipefail', '-c', script]);
      expect([code, out]).toEqual([0, expect.stringContaining('"testvo"')]);
    });
  });
});
