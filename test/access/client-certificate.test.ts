/** Client certificates through TLS and passport, with the certificates made for this project (S-001 … S-003, S-008). */

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateStrategy, identityOf } from '../../src/access/client-certificate.js';

const shared = process.env['VEP_TEST_SHARED'];
const fixtures = shared === undefined ? undefined : join(shared, 'data', 'pki-fixtures');
const withFixtures = fixtures !== undefined && existsSync(fixtures) ? describe : describe.skip;

describe('certificate authorities', () => {
  it('are refused together when files are missing or hold no certificate', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vep-ca-'));
    const empty = join(folder, 'empty.pem');
    writeFileSync(empty, 'nothing');
    try {
      expect(() => certificateStrategy([empty, join(folder, 'missing.pem')])).toThrow(
        expect.objectContaining({
          kind: 'invalid',
          faults: [
            expect.objectContaining({ code: 'tls.client-ca' }),
            expect.objectContaining({ code: 'tls.client-ca' }),
          ],
        }),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

withFixtures('client certificates (skipped unless VEP_TEST_SHARED names the shared data)', () => {
  const file = (name: string): string => join(fixtures ?? '', name);
  const read = (name: string): string => readFileSync(file(name), 'utf8');
  let server: Server;

  beforeAll(async () => {
    const signIn = certificateStrategy([file('ca/root.pem')]);
    const asking = { ca: [...signIn.authorities], requestCert: true, rejectUnauthorized: false };
    const tls = { ...asking, key: read('eec/host.key'), cert: read('eec/host.pem') };
    server = createServer(tls, (incoming, response) => {
      void signIn.identify(incoming).then(
        (identity) => response.end(identity?.id ?? 'nobody'),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  async function signInWith(name: string | undefined): Promise<string> {
    const { port } = server.address() as AddressInfo;
    const credentials = name === undefined ? {} : { key: read(`eec/${name}.key`), cert: read(`eec/${name}.pem`) };
    const sent = request({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false, ...credentials });
    sent.end();
    const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer>];
    let text = '';
    for await (const chunk of response) text += chunk.toString();
    return text;
  }

  it('sign their holder in by subject and issuer', async () => {
    const alice = new X509Certificate(read('eec/alice.pem'));
    const id = await signInWith('alice');
    expect(id).toBe(identityOf(alice)?.id);
    expect(id).toMatch(/^x509:CN=.* issued by .*$/);
    expect(identityOf(alice)?.principal).toMatchObject({ tier: 'federation', roles: new Set(['user']) });
    expect(await signInWith('bob')).not.toBe(id);
  });

  it('are nobody when there is none, or when it is expired or of another authority', async () => {
    expect(await signInWith(undefined)).toBe('nobody');
    expect(await signInWith('expired')).toBe('nobody');
    expect(await signInWith('mallory-samedn')).toBe('nobody');
  });
});
