/** `vep trust` and `vep access check`, on the certificate fixtures and with no server. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import { vep, type Ran } from './fake-terminal.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vep-trust-cli-'));
  cpSync(pkiFixtures, folder, { recursive: true });
  writeFileSync(
    join(folder, 'vep.yaml'),
    JSON.stringify({
      server: { tls: { certificate: 'eec/host.pem', key: 'eec/host.key' } },
      access: {
        certificates: {
          directory: 'certificates',
          vomsdir: 'vomsdir',
          crlOptional: ['/DC=org/DC=other/CN=Other VO CA'],
        },
      },
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const AT = '--at 2026-11-29';
const run = (line: string, config = 'vep.yaml'): Promise<Ran> =>
  vep(line.split(' '), { directory: folder, environment: { VEP_CONFIG: join(folder, config) } });

describe('vep access check', () => {
  it('says step by step why somebody is let in, and as whom', async () => {
    const { code, out } = await run(`access check --cert voms/good.pem ${AT}`);
    expect(code).toBe(0);
    expect(out).toContain('good: /DC=org/DC=example/O=People/CN=Alice Tester/CN=');
    expect(out).toContain('a proxy signed by /DC=org/DC=example/O=People/CN=Alice Tester');
    expect(out).toContain('issued by /DC=org/DC=example/CN=Test Grid CA: signature, validity, names and revocation');
    expect(out).toContain('a VOMS server of testvo');
    expect(out).toMatch(/let in\n {2}holder: \/DC=org\/DC=example\/O=People\/CN=Alice Tester\n/);
    expect(out).toContain('  group: testvo\n  roles: user\n');
    expect(out).toContain('  VO testvo: /testvo/Role=NULL/Capability=NULL, /testvo/analysis/Role=production');
  });

  it('answers as docs/access/grid-certificates.md shows it', async () => {
    const page = readFileSync(join(packageRoot, 'docs/access/grid-certificates.md'), 'utf8');
    const [, command = '', shown = ''] = /```\n\$ vep (access check [^\n]+)\n([^]*?)```/.exec(page) ?? [];
    const [, config = ''] = /a test runs it\.\n\n```yaml\n([^]*?)```/.exec(page) ?? [];
    writeFileSync(join(folder, 'page.yaml'), config);
    const { code, out } = await run(`${command.replace('vep.yaml', 'page.yaml')} ${AT}`);
    expect([code, out]).toEqual([0, shown]);
  });

  it.each([
    [
      'eec/revoked.pem',
      'refused: /DC=org/DC=example/O=People/CN=',
      'revoked: /DC=org/DC=example/CN=Test Grid CA has revoked it',
    ],
    ['eec/foreign.pem', 'signing_policy: ', 'may not give this name'],
    ['proxy/g-legacy.globus.pem', 'proxy_kind: ', 'before RFC 3820'],
    ['proxy/ofexpired.chain.pem', 'expired: ', 'it expired on'],
  ])('says why %s is refused', async (file, ...said) => {
    const { code, out } = await run(`access check --cert ${file} ${AT}`);
    expect(code).toBe(1);
    for (const each of said) expect(out).toContain(each);
  });

  it('says what somebody who is let in may not do', async () => {
    expect((await run(`access check --cert proxy/g-limited.globus.pem ${AT}`)).out).toContain(
      'the proxy is a limited one',
    );
    const dropped = await run(`access check --cert voms/expiredac.pem ${AT}`);
    expect([dropped.code, dropped.out]).toEqual([0, expect.stringMatching(/dropped: [^]*ac_expired[^]*no VO vouches/)]);
    expect((await run(`access check --cert voms/good.pem --vo othervo ${AT}`)).code).toBe(1);
  });

  it('answers in JSON, and at another date', async () => {
    const { out } = await run(`access check --cert voms/good.pem --vo testvo ${AT} --json`);
    expect(JSON.parse(out)).toMatchObject({
      accepted: true,
      reason: null,
      principal: { groups: ['testvo', expect.any(String)], limited: false, method: 'proxy', assurance: 'unknown' },
    });
    expect(JSON.parse((await run('access check --cert eec/alice.pem --at 2038-01-01 --json')).out)).toMatchObject({
      accepted: false,
      reason: 'expired',
    });
  });

  it('judges by another folder, and says what is wrong with the command line', async () => {
    const by = `--trust ${folder}/certificates --vomsdir ${folder}/vomsdir`;
    expect((await run(`access check --cert eec/alice.pem ${by} ${AT}`)).code).toBe(0);
    expect((await run('access check')).code).toBe(2);
    expect((await run('access check --cert nowhere.pem')).code).toBe(2);
    expect((await run('access check --cert manifest.json')).code).toBe(2);
    expect((await run('access check --cert eec/alice.pem --at yesterday')).code).toBe(2);
    const none = await vep(['access', 'check', '--cert', 'eec/alice.pem'], { directory: folder });
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('names no trust directory')]);
  });
});

describe('vep trust', () => {
  it('list shows authorities with their lists, and VOs', async () => {
    const { code, out } = await run('trust list');
    expect(code).toBe(0);
    expect(out).toMatch(/\/DC=org\/DC=example\/CN=Test Grid CA +root +2036-11-19 +20\d\d-/);
    expect(out).toMatch(/\/DC=org\/DC=other\/CN=Other VO CA +root +2036-11-19 +none/);
    expect(out).toMatch(/testvo +voms\.example\.org/);
  });

  it('check finds nothing today, and says what will have ended by a later day', async () => {
    const now = await run(`trust check ${AT}`);
    expect([now.code, now.out]).toEqual([0, '2 authorities, 2 VOs; 0 errors, 0 warnings\n']);
    const soon = await run('trust check --at 2036-11-01');
    expect(soon.out).toContain('the authority ends on 2036-11-19');
    const late = await run('trust check --at 2037-01-01');
    expect([late.code, late.out]).toEqual([1, expect.stringContaining('the revocation list went out of date')]);
    expect(late.out).toContain('the authority expired on 2036-11-19');
  });

  it('check says what is missing and what cannot be used', async () => {
    const missing = await run(`trust check --trust ${folder}/certificates ${AT}`);
    expect([missing.code, missing.out]).toEqual([1, expect.stringContaining('there is no revocation list')]);
    expect(missing.out).toContain('trust.crl-missing');
    writeFileSync(join(folder, 'certificates', 'broken.0'), 'nothing');
    rmSync(join(folder, 'certificates', '9b296653.signing_policy'));
    const { code, out } = await run(`trust check ${AT} --json`);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      errors: 1,
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'trust.no-policy' }),
        expect.objectContaining({ code: 'trust.unusable', severity: 'warning' }),
      ]),
    });
  });
});
