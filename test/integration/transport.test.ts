/**
 * TLS with client certificates over the whole server (S-001 … S-003, S-044, S-111, I-008), and a proxy in front of a plain
 * one (K17, K22, S-045).
 */

import { existsSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { kindOf } from '../conformance/client.js';
import { serverFor } from '../support/server.js';

const shared = process.env['VEP_TEST_SHARED'];
const fixtures = join(shared ?? '', 'data', 'pki-fixtures');
const withFixtures = shared !== undefined && existsSync(fixtures) ? describe : describe.skip;

withFixtures('over TLS (skipped unless VEP_TEST_SHARED names the shared data)', () => {
  const file = (name: string): string => join(fixtures, name);
  const tls = { certificate: file('eec/host.pem'), key: file('eec/host.key'), clientCa: [file('ca/root.pem')] };
  const server = serverFor({ config: { server: { port: 0, tls } } });

  interface Answer {
    readonly status: number;
    readonly headers: Record<string, string | string[] | undefined>;
    readonly protocol: string | null;
  }
  function get(options: https.RequestOptions = {}): Promise<Answer> {
    const { hostname, port } = new URL(server().url);
    return new Promise((resolve, reject) => {
      const request = https.get(
        { hostname, port, path: '/-/', agent: false, rejectUnauthorized: false, ...options },
        (response) => {
          const { statusCode = 0, headers, socket } = response;
          resolve({ status: statusCode, headers, protocol: (socket as TLSSocket).getProtocol() });
          response.resume();
        },
      );
      request.on('error', reject);
    });
  }
  const certificate = (name: string): https.RequestOptions => ({
    cert: readFileSync(file(`eec/${name}.pem`)),
    key: readFileSync(file(`eec/${name}.key`)),
  });
  const token = (): Record<string, string> => ({ authorization: `Bearer ${server().tokens.user}` });

  it('says that it shall be reached so for a long time, and speaks no old protocol (S-111)', async () => {
    const reply = await get({ headers: token() });
    expect([reply.status, reply.headers['strict-transport-security']]).toEqual([
      200,
      expect.stringMatching(/max-age=\d{7,}/),
    ]);
    expect(['TLSv1.2', 'TLSv1.3']).toContain(reply.protocol);
    await expect(
      get({ headers: token(), maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    ).rejects.toThrow();
    await expect(get({ headers: token(), maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })).rejects.toThrow();
  });

  it('knows the holder of a good certificate and nobody behind a bad one (S-001 … S-003, I-008)', async () => {
    expect((await get()).status).toBe(401);
    expect((await get(certificate('alice'))).status).toBe(200);
    for (const name of ['expired', 'notyet', 'mallory-samedn'])
      expect([name, (await get(certificate(name))).status]).toEqual([name, 401]);
  });

  it('refuses two credentials that name two people (S-044)', async () => {
    expect((await get({ ...certificate('alice'), headers: token() })).status).toBe(401);
  });
});

describe('behind a proxy', () => {
  const trusting = serverFor({
    config: { server: { port: 0, trustedPeers: ['127.0.0.1'], allowedHosts: ['vep.example.org'] } },
  });
  const alone = serverFor({ config: { server: { port: 0, allowedHosts: ['vep.example.org'] } } });
  const headers = {
    'x-forwarded-host': 'vep.example.org',
    'x-forwarded-proto': 'https',
    category: kindOf('network'),
    'content-type': 'text/occi',
  };

  it('builds URLs as the client of the proxy sees them', async () => {
    const reply = await trusting().request('POST', '/network/', { headers });
    expect(reply.headers.location).toMatch(/^https:\/\/vep\.example\.org\/network\//);
    const foreign = await trusting().request('GET', '/network/', {
      headers: { 'x-forwarded-host': 'evil.example.org' },
    });
    expect(foreign.status).toBe(400);
  });

  it('does not believe a peer that is none', async () => {
    const reply = await alone().request('POST', '/network/', {
      headers: { ...headers, 'x-forwarded-for': '127.0.0.1' },
    });
    expect(reply.headers.location).toMatch(/^http:\/\/127\.0\.0\.1:/);
  });
});
