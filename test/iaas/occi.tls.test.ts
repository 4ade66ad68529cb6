/** VEP to VEP over TLS: the front shows its certificate, a proxy with an attribute certificate of its VO, trusts the authority it was told to, and its appliances are its own there. */

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import { startTestServer, type TestServer } from '../support/server.js';
import { CAPACITY, openOcci } from './occi-harness.js';

const STATE = 'eu.contrail-project.appliance.state';

let trust: string;
let back: TestServer;
let front: TestServer;

const file = (name: string): string => join(trust, name);
const options = (certificate: string, key: string, authority: string): Record<string, unknown> => ({
  endpoint: back.url,
  certificate: { file: file(certificate), key: { file: file(key) } },
  certificateAuthorities: [file(authority)],
  capacity: CAPACITY,
  templateless: true,
  patience: { pollMs: 20 },
});

beforeAll(async () => {
  trust = mkdtempSync(join(tmpdir(), 'vep-trust-'));
  cpSync(pkiFixtures, trust, { recursive: true });
  const tls = { certificate: file('eec/host.pem'), key: file('eec/host.key') };
  const certificates = {
    directory: file('certificates'),
    vomsdir: file('vomsdir'),
    crlOptional: ['/DC=org/DC=other/CN=Other VO CA'],
  };
  back = await startTestServer({ config: { server: { port: 0, tls }, access: { certificates } } });
  const sites = [
    { name: 'partner', type: 'occi', options: options('voms/good-bob.pem', 'voms/good-bob.pem', 'ca/root.pem') },
  ];
  front = await startTestServer({ config: { sites: sites as never } });
});

afterAll(async () => {
  await front.close();
  await back.close();
  rmSync(trust, { recursive: true });
});

it('hands an appliance over in the name of its certificate', async () => {
  const body = readFileSync(join(packageRoot, 'examples/single-vm/single-vm.ovf'));
  const headers = { accept: 'application/occi+json', 'content-type': 'application/ovf+xml' };
  const made = await front.request('POST', '/appliance/', { headers, body, timeoutMs: 180_000 });
  expect([made.status, made.status === 201 ? '' : made.text]).toEqual([201, '']);
  const { pathname } = new URL(String(made.headers.location));
  const patience = { timeoutMs: 180_000 };
  const { json } = await front.wait(pathname, (reply) => reply.json.attributes[STATE] !== 'inactive', patience);
  expect([json.attributes[STATE], json.attributes[`${STATE}.message`]]).toEqual(['active', undefined]);
  const owners = await back.rows("SELECT DISTINCT owner FROM entity WHERE kind NOT LIKE '%template%'");
  expect(owners).toEqual([{ owner: expect.stringContaining('Bob') }]);
});

it.each([
  ['a certificate that was revoked', 'eec/revoked', 'ca/root.pem', 'occi.account'],
  ['an authority that did not issue the certificate of the server', 'eec/alice', 'ca/evil.pem', 'occi.endpoint'],
])('tells of %s what is missing', async (_what, identity, authority, code) => {
  const site = await openOcci(options(`${identity}.pem`, `${identity}.key`, authority) as never, trust);
  const findings = await site.check().catch(() => []);
  await site.close();
  expect(findings.map((finding) => finding.code)).toEqual([code]);
});

it('shows the certificate that was renewed, without being opened anew', async () => {
  const show = (name: string): void => {
    for (const kind of ['pem', 'key']) cpSync(file(`eec/${name}.${kind}`), file(`renewed.${kind}`));
  };
  show('expired');
  const site = await openOcci(options('renewed.pem', 'renewed.key', 'ca/root.pem') as never, trust);
  try {
    await expect(site.inventory()).rejects.toThrow();
    show('alice');
    expect((await site.inventory()).hosts).not.toEqual([]);
  } finally {
    await site.close();
  }
});
