/**
 * Attacks with certificates, first on servers without the defence: one that asks for a certificate and believes what it is
 * shown, as Node does it with `rejectUnauthorized: false`, and one that leaves all to Node's own validation. Then on VEP's own.
 */

import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { derIn } from '../../../src/access/x509/certificate.js';
import { validateChain, type ChainVerdict } from '../../../src/access/x509/chain.js';
import { readTrust } from '../../../src/access/x509/trust-directory.js';
import type { CrlPolicy } from '../../../src/access/x509/validation.js';
import { pkiFixtures } from '../../support/pki-fixtures.js';
import { sendSecurely } from '../../support/secure-client.js';

const NOW = Date.UTC(2026, 10, 23);
const read = (name: string): Buffer => readFileSync(join(pkiFixtures, name));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** Answers the common name of whom its peer's certificate names, or nothing. */
async function believing(options: TlsOptions): Promise<string> {
  const server = createServer(
    { cert: read('eec/host.pem'), key: read('eec/host.key'), requestCert: true, ...options },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate() as {
        subject?: { CN?: string | string[] };
      };
      response.end([subject?.CN ?? ''].flat()[0]);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `https://localhost:${(server.address() as AddressInfo).port}/`;
}

interface Trusting {
  readonly directory?: string;
  readonly vomsdir?: string;
  readonly crl?: CrlPolicy;
}

async function judged(
  name: string,
  {
    directory = join(pkiFixtures, 'certificates'),
    vomsdir = join(pkiFixtures, 'vomsdir'),
    crl = 'required',
  }: Trusting = {},
): Promise<ChainVerdict> {
  const trust = await readTrust({ directory, vomsdir, minRsaBits: 2048 }, NOW);
  const policy = (issuer: { toString(): string }): CrlPolicy =>
    String(issuer).includes('/DC=other/') ? 'optional' : crl;
  return validateChain(derIn(read(`${name}.pem`), 'CERTIFICATE'), { trust, now: NOW, crl: policy, hosts: [] });
}

/** A copy of the trust directory that the test may break. */
async function withTrust<T>(change: (directory: string) => void, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-undefended-'));
  try {
    cpSync(join(pkiFixtures, 'certificates'), directory, { recursive: true });
    change(directory);
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('a server that believes whatever certificate it is shown', () => {
  let url: string;
  beforeAll(async () => {
    url = await believing({ rejectUnauthorized: false });
  });

  it.each([
    ['S-003', 'eec/expired', 'expired'],
    ['S-004', 'eec/notyet', 'not_yet_valid'],
    ['S-008', 'eec/mallory-samedn', 'issuer_unknown'],
    ['S-009', 'eec/serveronly', 'eku'],
    ['S-012', 'eec/dave-toodeep', 'issuer_unknown'],
    ['S-013', 'proxy/nopci.chain', 'not_ca'],
    ['S-022', 'proxy/pl0-child.chain', 'proxy_pathlen'],
    ['S-023', 'proxy/wrongname.chain', 'proxy_name'],
    ['S-024', 'proxy/ofexpired.chain', 'expired'],
    ['S-025', 'proxy/ofrevoked.chain', 'revoked'],
    ['S-026', 'proxy/ofmallory.chain', 'issuer_unknown'],
  ])('%s works without path validation: %s is somebody', async (_id, name, reason) => {
    const { status, text } = await sendSecurely(url, { as: name });
    expect([status, text]).toEqual([200, expect.stringMatching(/\w/)]);
    expect(await judged(name)).toMatchObject({ verdict: 'refused', refusal: { reason } });
  });

  it('S-008 works without path validation: Mallory is Alice', async () => {
    expect((await sendSecurely(url, { as: 'eec/mallory-samedn' })).text).toBe(
      (await sendSecurely(url, { as: 'eec/alice' })).text,
    );
  });
});

describe('a server that leaves certificates to the validation of Node', () => {
  it.each([
    ['S-005', 'eec/revoked', 'revoked'],
    ['S-010', 'eec/foreign', 'signing_policy'],
  ])('%s works without lists and signing policies: %s comes in', async (_id, name, reason) => {
    const url = await believing({ rejectUnauthorized: true, ca: [read('ca/root.pem')] });
    expect((await sendSecurely(url, { as: name })).status).toBe(200);
    await expect(sendSecurely(url, { as: 'eec/mallory-samedn' })).rejects.toThrow();
    expect(await judged(name)).toMatchObject({ verdict: 'refused', refusal: { reason } });
  });
});

describe('a trust directory with less in it', () => {
  const lists = ['46cb6a7e.r0', 'f7007570.r0'];
  const without = (files: readonly string[]) => (directory: string) => {
    for (const file of files) rmSync(join(directory, file), { force: true });
  };

  it('S-006 works without the demand for a list: who was revoked is good again once the list is taken away', async () => {
    await withTrust(without(lists), async (directory) => {
      expect(await judged('eec/revoked', { directory, crl: 'optional' })).toMatchObject({ verdict: 'accepted' });
      expect(await judged('eec/revoked', { directory })).toMatchObject({ refusal: { reason: 'crl_missing' } });
    });
  });

  it('S-019 works without the removal: an authority that stays in the directory stays trusted', async () => {
    expect(await judged('eec/alice')).toMatchObject({ verdict: 'accepted' });
    const roots = (directory: string): void => without(['46cb6a7e.0', 'f7007570.0'])(directory);
    await withTrust(roots, async (directory) => {
      expect(await judged('eec/alice', { directory })).toMatchObject({ refusal: { reason: 'issuer_unknown' } });
    });
  });

  it('S-034 works without care for authorities: believed is a VO only while that of its server is trusted', async () => {
    expect(await judged('voms/othervo')).toMatchObject({ verdict: 'accepted', vos: [{ vo: 'othervo' }] });
    await withTrust(without(['9b296653.0', '9b296653.signing_policy']), async (directory) => {
      expect(await judged('voms/othervo', { directory })).toMatchObject({ verdict: 'accepted', vos: [] });
    });
  });

  it('S-033 works without the right .lsc: a server of attributes that the provider does not know speaks for the VO', async () => {
    const vomsdir = mkdtempSync(join(tmpdir(), 'vep-lsc-'));
    try {
      cpSync(join(pkiFixtures, 'vomsdir'), vomsdir, { recursive: true });
      expect(await judged('voms/wrongissuer', { vomsdir })).toMatchObject({
        vos: [],
        dropped: [{ reason: 'lsc_mismatch' }],
      });
      // Whoever signs for whichever user: that is what believing any attribute certificate of a good chain comes to.
      const users = ['Alice Tester', 'Bob Tester'].map(
        (name) => `/DC=org/DC=example/O=People/CN=${name}\n/DC=org/DC=example/CN=Test Grid CA\n`,
      );
      for (const file of readdirSync(join(vomsdir, 'testvo')))
        writeFileSync(join(vomsdir, 'testvo', file), users.join('------ NEXT CHAIN ------\n'));
      expect(await judged('voms/wrongissuer', { vomsdir })).toMatchObject({ vos: [{ vo: 'testvo' }] });
    } finally {
      rmSync(vomsdir, { recursive: true });
    }
  });
});
