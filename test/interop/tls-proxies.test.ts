/**
 * nginx and HAProxy in front, with the configurations of `deploy/`: a client's certificate arrives and is judged by VEP,
 * and nothing that a client writes into header fields does (S-041 … S-044).
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { derIn } from '../../src/access/x509/certificate.js';
import { describeWith, programAt } from '../support/counterparts.js';
import { freePort } from '../support/free-port.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import { startTestServer, type TestServer } from '../support/server.js';

const folder = mkdtempSync(join(tmpdir(), 'vep-proxy-'));
cpSync(pkiFixtures, folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(at(name), 'utf8');

/** Waits until something listens; a program that ended has said why. */
async function listening(port: number, child: ChildProcess, said: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the proxy ended: ${said()}`);
    const reached = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
    if (reached) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const PROXIES = [
  {
    name: 'nginx',
    refusesExpired: 400,
    command: (port: number, vep: number): readonly string[] => {
      const conf = readFileSync(join(packageRoot, 'deploy/nginx-certificates.conf'), 'utf8')
        .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
        .replace('127.0.0.1:8787', `127.0.0.1:${vep}`)
        .replace('/etc/vep/hostcert.pem', at('eec/host.pem'))
        .replace('/etc/vep/hostkey.pem', at('eec/host.key'))
        .replace('worker_processes auto', 'worker_processes 1')
        .replace(
          'http {',
          `http {\n  access_log off;\n  client_body_temp_path ${at('body')}; proxy_temp_path ${at('proxied')}; fastcgi_temp_path ${at('f')}; uwsgi_temp_path ${at('u')}; scgi_temp_path ${at('s')};`,
        );
      writeFileSync(
        at('nginx.conf'),
        `daemon off;\nmaster_process off;\npid ${at('nginx.pid')};\nerror_log stderr;\n${conf}`,
      );
      return ['-p', folder, '-c', at('nginx.conf'), '-e', 'stderr'];
    },
  },
  {
    name: 'haproxy',
    refusesExpired: 401,
    command: (port: number, vep: number): readonly string[] => {
      writeFileSync(at('host.pem'), read('eec/host.pem') + read('eec/host.key'));
      const conf = readFileSync(join(packageRoot, 'deploy/haproxy-certificates.cfg'), 'utf8')
        .replace('bind :443', `bind 127.0.0.1:${port}`)
        .replace('127.0.0.1:8787', `127.0.0.1:${vep}`)
        .replace('/etc/vep/host.pem', at('host.pem'))
        .replace('/etc/vep/authorities.pem', at('ca/root.pem'));
      writeFileSync(at('haproxy.cfg'), conf);
      return ['-db', '-f', at('haproxy.cfg')];
    },
  },
] as const;

describe.each(PROXIES)('behind $name', ({ name, command, refusesExpired }) => {
  describeWith(name)('as deploy/ has it', () => {
    let vep: TestServer;
    let child: ChildProcess;
    let port: number;

    beforeAll(async () => {
      const certificates = { directory: at('certificates'), vomsdir: at('vomsdir'), header: name };
      vep = await startTestServer({
        config: {
          server: { port: 0, trustedPeers: ['127.0.0.1'], allowedHosts: ['vep.example.org'] },
          access: { certificates },
        },
      });
      port = await freePort();
      child = spawn(programAt(name) ?? name, command(port, Number(new URL(vep.url).port)), {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
      child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await listening(port, child, () => said);
    });

    afterAll(async () => {
      // A server that has only just been started may miss anything gentler.
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await vep.close();
    });

    function get(user: string | undefined, headers: Record<string, string> = {}): Promise<number> {
      const identity = user === undefined ? {} : { cert: read(`${user}.pem`), key: read(`${user}.key`) };
      return new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, path: '/compute/', agent: false, rejectUnauthorized: false };
        const request = https.get(
          { ...options, headers: { host: 'vep.example.org', ...headers }, ...identity },
          (reply) => {
            reply.resume();
            reply.on('end', () => resolve(reply.statusCode ?? 0));
          },
        );
        request.on('error', reject);
      });
    }

    it('lets in whom VEP trusts, and nobody whom it does not', async () => {
      expect(await get('eec/alice')).toBe(200);
      expect(await get('eec/ecdsa')).toBe(200);
      expect(await get(undefined)).toBe(401);
      for (const user of ['eec/revoked', 'eec/foreign', 'eec/mallory-samedn', 'eec/serveronly'])
        expect([user, [400, 401].includes(await get(user))]).toEqual([user, true]);
      expect(await get('eec/expired')).toBe(refusesExpired);
    });

    it('S-041 passes no identity on that a client has written itself', async () => {
      const pem = read('eec/alice.pem');
      const der = Buffer.from(derIn(Buffer.from(pem), 'CERTIFICATE')[0] ?? []).toString('base64');
      for (const headers of [
        { 'X-SSL-Client-Cert': encodeURIComponent(pem) },
        { 'x-ssl-client-der': der },
        { 'Client-Cert': `:${der}:` },
        { 'X-Forwarded-Client-Cert': `Cert="${encodeURIComponent(pem)}"` },
        { 'X-SSL-Client-Verify': 'SUCCESS', 'X-SSL-Client-S-DN': 'CN=Alice Tester' },
        { 'X-Remote-User': 'admin' },
      ]) {
        expect([headers, [400, 401].includes(await get(undefined, headers))]).toEqual([headers, true]);
        expect([headers, [401, 400].includes(await get('eec/revoked', headers))]).toEqual([headers, true]);
      }
    });

    it('S-044 refuses a certificate and the token of somebody else', async () => {
      expect(await get('eec/alice', { authorization: `Bearer ${vep.tokens.user}` })).toBe(401);
      expect(await get(undefined, { authorization: `Bearer ${vep.tokens.user}` })).toBe(200);
    });
  });
});
