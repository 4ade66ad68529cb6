/**
 * Certificates of a federation over the whole server: end entities, proxies and VOMS over TLS (S-002 … S-036, S-119), and
 * through proxies that pass them on in header fields (S-041 … S-044); with the audit entries that both leave.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { derIn } from '../../src/access/x509/certificate.js';
import { kindOf } from '../conformance/client.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import { forEachServer, serverFor, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const trust = mkdtempSync(join(tmpdir(), 'vep-trust-'));
cpSync(pkiFixtures, trust, { recursive: true });
afterAll(() => rmSync(trust, { recursive: true }));

const file = (name: string): string => join(trust, name);
const read = (name: string): string => readFileSync(file(name), 'utf8');
const certificates = {
  directory: file('certificates'),
  vomsdir: file('vomsdir'),
  crlOptional: ['/DC=org/DC=other/CN=Other VO CA'],
  reloadMs: 500,
  roles: [{ fqan: '/testvo/analysis/Role=production', roles: ['auditor'] }],
};

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Chain and key of a fixture: either may lie in one file with the other. */
function identity(name: string): https.RequestOptions {
  const cert = read(`${name}.pem`);
  const key = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(cert)
    ? cert
    : read(`${name.replace(/\.chain$/, '')}.key`);
  return { cert, key };
}

function send(server: TestServer, options: https.RequestOptions & { readonly body?: string }): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options;
    const request = https.request(
      { hostname, port, path: '/compute/', agent: false, rejectUnauthorized: false, ...rest },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const NETWORK = {
  method: 'POST',
  path: '/network/',
  headers: { 'content-type': 'text/occi', category: kindOf('network') },
};

/** Audit entries as they are written, a moment after the answer. */
async function audited(server: TestServer, where: string): Promise<Record<string, unknown>[]> {
  for (;;) {
    const rows = await server.rows(`SELECT * FROM audit_entry WHERE ${where}`);
    if (rows.length > 0) return rows;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const tls = { certificate: file('eec/host.pem'), key: file('eec/host.key') };

describe('over TLS', () =>
  forEachServer({ config: { server: { port: 0, tls }, access: { certificates } } }, (server) => {
    const status = async (name: string, more: https.RequestOptions = {}): Promise<number> =>
      (await send(server(), { ...identity(name), ...more })).status;

    it.each([
      ['S-002', 'eec/alice'],
      ['S-014', 'eec/ecdsa'],
      ['S-021', 'proxy/ok.chain'],
      ['S-021', 'proxy/ok-child.chain'],
      ['S-021', 'proxy/pl0.chain'],
      ['S-021', 'proxy/g-rfc.globus'],
      ['S-028', 'proxy/g-limited.globus'],
      ['S-031', 'voms/good'],
      ['S-033', 'voms/crossvo'],
    ])('%s lets %s in', async (_case, name) => expect(await status(name)).toBe(200));

    it.each([
      ['S-003', 'eec/expired'],
      ['S-004', 'eec/notyet'],
      ['S-005', 'eec/revoked'],
      ['S-008', 'eec/mallory-samedn'],
      ['S-009', 'eec/serveronly'],
      ['S-010', 'eec/foreign'],
      ['S-022', 'proxy/pl0-child.chain'],
      ['S-023', 'proxy/wrongname.chain'],
      ['S-024', 'proxy/ofexpired.chain'],
      ['S-025', 'proxy/ofrevoked.chain'],
      ['S-026', 'proxy/ofmallory.chain'],
      ['S-027', 'proxy/g-independent.globus'],
      ['S-027', 'proxy/g-legacy.globus'],
      ['S-027', 'proxy/g-draft.globus'],
      ['S-013', 'proxy/nopci.chain'],
    ])('%s refuses %s, and again (S-119)', async (_case, name) => {
      expect([await status(name), await status(name)]).toEqual([401, 401]);
    });

    it('S-029 refuses a proxy without its end entity', async () => {
      const { cert, key } = identity('proxy/ok.chain');
      const [proxy = ''] = /-----BEGIN CERT[^-]*-----[^-]*-----END CERT[^-]*-----/.exec(String(cert)) ?? [];
      expect((await send(server(), { cert: proxy, key })).status).toBe(401);
    });

    it('S-028 lets a limited proxy read, and do nothing else', async () => {
      const refused = await send(server(), { ...identity('proxy/g-limited.globus'), ...NETWORK });
      expect(refused).toMatchObject({ status: 403, text: expect.stringContaining('access.limited-proxy') });
    });

    it('S-033 lets nobody write for whom no VO vouches, unless an account says otherwise', async () => {
      for (const name of ['eec/alice', 'voms/crossvo', 'voms/expiredac', 'voms/wrongissuer'])
        expect(await send(server(), { ...identity(name), ...NETWORK })).toMatchObject({
          status: 403,
          text: expect.stringContaining('access.no-vo'),
        });
    });

    it('S-031 S-036 S-086 lets members write for their VO, and shows it to them alone', async () => {
      const made = await send(server(), { ...identity('voms/good-bob'), ...NETWORK });
      expect(made.status).toBe(201);
      const rows = await server().rows("SELECT owner, grp FROM entity WHERE kind LIKE '%network' AND grp = 'testvo'");
      expect(rows).toMatchObject([{ owner: expect.stringMatching(/^x509:CN=Bob.*issued by CN=Test Grid CA/) }]);

      const path = new URL(made.text.trim().split(' ').at(-1) ?? '').pathname;
      expect(await status('voms/good-bob', { path })).toBe(200);
      expect(await status('voms/othervo', { path })).toBe(404);
      expect(await status('voms/othervo', { path, headers: { 'x-vep-vo': 'testvo' } })).toBe(403);
      expect(await status('voms/good', { path, headers: { 'x-vep-vo': 'testvo' } })).toBe(200);
    });

    it('gives the roles of an FQAN with its VO', async () => {
      // Alice has analysis/Role=production, which this server makes an auditor: reading all, writing nothing.
      expect((await send(server(), { ...identity('voms/good'), ...NETWORK })).status).toBe(403);
    });

    it('S-044 refuses a certificate and a token of two people', async () => {
      const headers = { authorization: `Bearer ${server().tokens.user}` };
      expect(await status('eec/alice', { headers })).toBe(401);
      expect(await status('eec/expired', { headers })).toBe(401);
      expect((await send(server(), { headers })).status).toBe(200);
    });

    it('S-001 leaves an entry for whom it refuses and for whom it lets in, and none for every request', async () => {
      expect((await send(server(), {})).status).toBe(401);
      const [anonymous] = await audited(server(), "reason = 'none'");
      expect(anonymous).toMatchObject({ actor: '127.0.0.1', verb: 'request', outcome: 'denied' });
      const [revoked] = await audited(server(), "reason = 'revoked'");
      expect(JSON.parse(String(revoked?.['details']))).toMatchObject({ method: 'GET', code: 'unauthenticated' });
      expect(String(revoked?.['details'])).toContain('/DC=org/DC=example/O=People/CN=');
      const signIns = await audited(server(), "verb = 'sign-in' AND grp = 'testvo' AND actor LIKE '%Bob%'");
      expect(signIns).toHaveLength(1);
      expect(JSON.parse(String(signIns[0]?.['details']))).toMatchObject({ method: 'proxy', assurance: 'unknown' });
      // A busy machine may take longer for them than what one entry stands for.
      for (let again = 0; again < 40; again++) await send(server(), {});
      expect((await audited(server(), "reason = 'none'")).length).toBeLessThan(20);
    });

    it('S-005 takes no session up again, on either version of TLS', async () => {
      const { hostname, port } = new URL(server().url);
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const options: ConnectionOptions = {
          host: hostname,
          port: Number(port),
          rejectUnauthorized: false,
          minVersion: version,
          maxVersion: version,
          ...(identity('eec/alice') as { cert: string; key: string }),
        };
        const first = await asked(options);
        const second = await asked({ ...options, ...(first.session ? { session: first.session } : {}) });
        expect([version, first.answer, second.answer, second.reused]).toEqual([version, '200', '200', false]);
      }
    });

    it('tells administrators what is trusted, and reads it again when told to', async () => {
      const as = (part: 'admin' | 'user') => ({ headers: { authorization: `Bearer ${server().tokens[part]}` } });
      const report = await send(server(), { path: '/health/trust', ...as('admin') });
      expect(JSON.parse(report.text)).toMatchObject({ findings: [], vos: [{ vo: 'othervo' }, { vo: 'testvo' }] });
      expect((await send(server(), { path: '/health/trust', ...as('user') })).status).toBe(403);
      const reload = { method: 'POST', path: '/health/trust/reload' };
      expect((await send(server(), { ...reload, ...as('admin') })).status).toBe(200);
      expect((await send(server(), { ...reload, ...as('user') })).status).toBe(403);
    });

    it('S-005 S-006 hears of a new list on an open connection', async () => {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
      const carol = { ...identity('eec/bob'), agent };
      try {
        expect((await send(server(), carol)).status).toBe(200);
        for (const name of ['46cb6a7e.r0', 'f7007570.r0'])
          cpSync(file('ca/root.expired-crl.pem'), join(certificates.directory, name));
        await until(async () => (await send(server(), carol)).status === 401);
        await audited(server(), "reason = 'crl_expired'");
      } finally {
        agent.destroy();
        for (const name of ['46cb6a7e.r0', 'f7007570.r0'])
          cpSync(join(pkiFixtures, 'certificates', name), join(certificates.directory, name));
      }
    });
  }));

async function asked(options: ConnectionOptions): Promise<{ session?: Buffer; reused: boolean; answer: string }> {
  const socket: TLSSocket = connect(options);
  let session: Buffer | undefined;
  socket.on('session', (each: Buffer) => (session = each));
  await once(socket, 'secureConnect');
  const reused = socket.isSessionReused();
  socket.write('GET /compute/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await once(socket, 'close');
  return { ...(session ? { session } : {}), reused, answer: text.slice(9, 12) };
}

describe('through a proxy', () => {
  const pemsOf = (name: string): Uint8Array[] => derIn(readFileSync(file(`${name}.pem`)), 'CERTIFICATE');
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const sequence = (bytes: Uint8Array): string => `:${base64(bytes)}:`;
  const escaped = (name: string): string => encodeURIComponent(read(`${name}.pem`));

  describe('that keeps to RFC 9440', () => {
    const server = serverFor({
      config: {
        server: { port: 0, trustedPeers: ['127.0.0.1'] },
        access: { certificates: { ...certificates, header: 'rfc9440' } },
      },
    });
    const fields = (name: string): Record<string, string> => {
      const [leaf = new Uint8Array(), ...above] = pemsOf(name);
      return {
        'Client-Cert': sequence(leaf),
        ...(above.length > 0 ? { 'Client-Cert-Chain': above.map(sequence).join(', ') } : {}),
      };
    };
    const status = async (headers: Record<string, string | string[]>, as: 'user' | null = null): Promise<number> =>
      (await server().request('GET', '/compute/', { as, headers })).status;

    it.each([
      ['eec/alice', 200],
      ['proxy/ok-child.chain', 200],
      ['voms/good', 200],
      ['eec/expired', 401],
      ['eec/foreign', 401],
      ['eec/revoked', 401],
      ['eec/mallory-samedn', 401],
      ['proxy/g-draft.globus', 401],
    ] as const)('S-043 %s → %i', async (name, expected) => expect(await status(fields(name))).toBe(expected));

    it('S-044 refuses another token beside it, and takes a request without certificate as such', async () => {
      expect(await status(fields('eec/alice'), 'user')).toBe(401);
      expect(await status({}, 'user')).toBe(200);
      expect(await status({ 'Client-Cert': '' }, 'user')).toBe(200);
    });

    it('S-042 refuses other fields, underscores, repetitions, and what is no certificate', async () => {
      expect(await status({ 'X-SSL-Client-Cert': escaped('eec/alice') })).toBe(400);
      expect(await status({ ...fields('eec/alice'), 'X-SSL-Client-Verify': 'SUCCESS' })).toBe(400);
      expect(await status({ client_cert: sequence(pemsOf('eec/alice')[0] ?? new Uint8Array()) })).toBe(400);
      expect(await status({ 'Client-Cert': [':AAAA:', ':AAAA:'] })).toBe(400);
      for (const bad of ['AAAA', ':AAAA:', '::', ':%41:']) expect(await status({ 'Client-Cert': bad })).toBe(401);
      expect(await audited(server(), "reason = 'spoofed-header'")).not.toEqual([]);
    });
  });
});
