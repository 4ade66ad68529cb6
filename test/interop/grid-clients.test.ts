/**
 * The tools that grid users have: proxies made by `grid-proxy-init` (Globus) and `voms-proxy-fake` (VOMS), sent by `curl`
 * over TLS. What the tools are made to do wrong is refused for what it is.
 */

import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vep } from '../cli/fake-terminal.js';
import { kindOf } from '../conformance/client.js';
import { describeWith, runProgram } from '../support/counterparts.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import { serverFor } from '../support/server.js';

const folder = mkdtempSync(join(tmpdir(), 'vep-grid-'));
cpSync(pkiFixtures, folder, { recursive: true });
const at = (name: string): string => join(folder, name);
for (const name of ['alice', 'revoked', 'expired', 'vomshost', 'bob']) chmodSync(at(`eec/${name}.key`), 0o600);
afterAll(() => rmSync(folder, { recursive: true }));

const server = serverFor({
  config: {
    server: {
      port: 0,
      allowedHosts: ['vep.example.org'],
      tls: { certificate: at('eec/host.pem'), key: at('eec/host.key') },
    },
    access: { certificates: { directory: at('certificates'), vomsdir: at('vomsdir') } },
  },
});

const ENVIRONMENT = { X509_CERT_DIR: at('certificates'), X509_VOMS_DIR: at('vomsdir'), HOME: folder };

/** Status of a request by curl with a proxy file, which holds chain and key. */
async function curl(file: string, ...more: readonly string[]): Promise<number> {
  const { port } = new URL(server().url);
  const url = `https://localhost:${port}/network/`;
  const tls = ['--cacert', at('ca/root.pem'), '--cert', file, '--key', file];
  const { out } = await runProgram('curl', ['-s', '-o', at('answer'), '-w', '%{http_code}', ...tls, ...more, url]);
  return Number(out);
}
const reading = (file: string): Promise<number> => curl(file);
const writing = (file: string): Promise<number> =>
  curl(file, '-X', 'POST', '-H', 'Content-Type: text/occi', '-H', `Category: ${kindOf('network')}`);

let serial = 0;
async function made(program: string, user: string, args: readonly string[]): Promise<string> {
  serial += 1;
  const file = at(`proxy-${serial}.pem`);
  const of = ['-cert', at(`eec/${user}.pem`), '-key', at(`eec/${user}.key`), '-bits', '2048', '-out', file];
  const { code, out } = await runProgram(program, [...of, ...args], ENVIRONMENT);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${out}`);
  return file;
}

describeWith('grid-proxy-init', 'curl')('a proxy by grid-proxy-init', () => {
  it.each([
    ['of RFC 3820', 'alice', ['-rfc'], 200],
    ['with a path length', 'alice', ['-rfc', '-path-length', '1'], 200],
    ['limited', 'alice', ['-rfc', '-limited'], 200],
    ['independent', 'alice', ['-rfc', '-independent'], 401],
    ['legacy', 'alice', ['-old'], 401],
    ['of the draft', 'alice', ['-draft'], 401],
    ['of a revoked certificate', 'revoked', ['-rfc'], 401],
  ] as const)('%s (of %s, %j) is answered %i', async (_name, user, args, expected) => {
    expect(await reading(await made('grid-proxy-init', user, ['-q', ...args]))).toBe(expected);
  });

  it('does not let anybody write without a VO', async () => {
    expect(await writing(await made('grid-proxy-init', 'alice', ['-q', '-rfc']))).toBe(403);
  });

  it('can be delegated once more, and no further than it allows', async () => {
    const first = await made('grid-proxy-init', 'alice', ['-q', '-rfc', '-path-length', '1']);
    const delegated = async (from: string): Promise<string> => {
      serial += 1;
      const file = at(`proxy-${serial}.pem`);
      const args = ['-q', '-rfc', '-bits', '2048', '-cert', from, '-key', from, '-out', file];
      const { code, out } = await runProgram('grid-proxy-init', args, ENVIRONMENT);
      if (code !== 0) throw new Error(out);
      return file;
    };
    const second = await delegated(first);
    expect(await reading(second)).toBe(200);
    expect(await reading(await delegated(second))).toBe(401);
  });
});

describeWith('voms-proxy-fake', 'curl')('a proxy by voms-proxy-fake', () => {
  const SERVER = ['-hostcert', at('eec/vomshost.pem'), '-hostkey', at('eec/vomshost.key')];
  const VO = ['-voms', 'testvo', '-uri', 'voms.example.org:15000', '-fqan', '/testvo'];
  const voms = (...args: readonly string[]): Promise<string> =>
    made('voms-proxy-fake', 'alice', ['-rfc', '-quiet', '-hours', '1', ...args]);

  it.each([
    ['in the new format', [...SERVER, ...VO, '-newformat'], 201],
    ['in the old format', [...SERVER, ...VO], 201],
    ['with several FQANs', [...SERVER, ...VO, '-fqan', '/testvo/analysis/Role=production'], 201],
    ['that is limited', [...SERVER, ...VO, '-newformat', '-limited'], 403],
    [
      'of a VO that speaks of another',
      [...SERVER, '-voms', 'testvo', '-uri', 'voms.example.org:1', '-fqan', '/othervo'],
      403,
    ],
    ['of a VO that is not known', [...SERVER, '-voms', 'novo', '-uri', 'voms.example.org:1', '-fqan', '/novo'], 403],
    ['from another host', [...SERVER, '-voms', 'testvo', '-uri', 'elsewhere.example.org:1', '-fqan', '/testvo'], 403],
    ['signed by a user', ['-hostcert', at('eec/bob.pem'), '-hostkey', at('eec/bob.key'), ...VO, '-newformat'], 403],
    ['with another name', [...SERVER, ...VO, '-newsubject', '/DC=org/DC=example/O=People/CN=Bob Tester'], 401],
    ['with another issuer', [...SERVER, ...VO, '-newissuer', '/DC=org/DC=example/O=People/CN=Bob Tester'], 401],
    ['that may sign certificates', [...SERVER, ...VO, '-keyusage', 'digitalSignature,keyCertSign'], 401],
    ['for servers', [...SERVER, ...VO, '-extkeyusage', 'serverAuth'], 401],
  ] as const)('%s writes with %j → %i', async (_name, args, expected) => {
    expect(await writing(await voms(...args))).toBe(expected);
  });
});

describeWith('grid-proxy-init')('the command vep', () => {
  it('signs in with a proxy, which is chain and key in one file', async () => {
    const file = await made('grid-proxy-init', 'alice', ['-q', '-rfc']);
    const { port } = new URL(server().url);
    const tls = ['--cacert', at('ca/root.pem'), '--cert', file, '--key', file];
    const ran = await vep(['list', 'network', '--endpoint', `https://localhost:${port}`, ...tls], {
      directory: folder,
    });
    expect([ran.code, ran.err]).toEqual([0, '']);
  });
});
