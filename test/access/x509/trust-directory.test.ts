/**
 * The trust directory: the 73 authorities of the IGTF as they come, what cannot be used beside what can (S-020), and
 * reloads while it is in use (S-005, S-007, S-019).
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateChain } from '../../../src/access/x509/chain.js';
import { findPath } from '../../../src/access/x509/certification-path.js';
import { TrustDirectory, readTrust } from '../../../src/access/x509/trust-directory.js';
import { Refusal } from '../../../src/access/x509/refusal.js';
import { Validation } from '../../../src/access/x509/validation.js';
import type { Clock } from '../../../src/base/clock.js';
import {
  NOW,
  basicConstraints,
  certificate,
  ecKeys,
  keyUsage,
  name,
  pem,
  revocationList,
  type Issuer,
} from '../../support/pki.js';

const clock: Clock = { now: () => NOW, sleep: () => Promise.resolve() };
const shared = process.env['VEP_TEST_SHARED'];
const igtf = join(shared ?? '', 'data', 'igtf', 'igtf-classic-1.133.tar.gz');
const withIgtf = shared !== undefined && existsSync(igtf) ? describe : describe.skip;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vep-trust-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

withIgtf('the directory of the IGTF (skipped unless VEP_TEST_SHARED names the shared data)', () => {
  it('is read without a warning, and every subordinate authority leads to a root by the rules of the files', async () => {
    execFileSync('tar', ['xzf', igtf, '-C', folder]);
    const trust = await readTrust({ directory: join(folder, 'classic'), minRsaBits: 2048 }, NOW);
    const { authorities, warnings } = trust.content;
    expect(warnings).toEqual([]);
    expect(authorities).toHaveLength(73);
    expect(authorities.filter(({ anchor }) => anchor)).toHaveLength(51);
    const verdicts = authorities
      .filter(({ anchor }) => !anchor)
      .map(({ certificate: end }) => {
        const validation = new Validation({ trust, now: NOW, crl: () => 'optional', hosts: [] });
        try {
          return findPath(validation, { end, offered: [], taken: 0 }).length;
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return `${String(end)}: ${error.reason}: ${error.message}`;
        }
      });
    expect(verdicts).toEqual(verdicts.map(() => 2));
  });
});

const root: Issuer = { name: name('DC=org', 'CN=Root'), keys: ecKeys() };
const second: Issuer = { name: name('DC=com', 'CN=Second'), keys: ecKeys() };
const serial = Buffer.from('1234', 'hex');
const user = certificate({ subject: name('DC=org', 'CN=Alice'), keys: ecKeys(), issuer: root, serial });
const colleague = certificate({ subject: name('DC=com', 'CN=Bob'), keys: ecKeys(), issuer: second });

const write = (file: string, content: string | Uint8Array): void => writeFileSync(join(folder, file), content);
const list = (issuer: Issuer, revoked: readonly Buffer[] = []): string =>
  pem('X509 CRL', revocationList({ issuer, revoked }));
function authority(file: string, issuer: Issuer, slash: string): void {
  const extensions = [basicConstraints(true), keyUsage(5, 6)];
  write(
    `${file}.pem`,
    pem('CERTIFICATE', certificate({ subject: issuer.name, keys: issuer.keys, issuer, extensions })),
  );
  write(`${file}.r0`, list(issuer));
  write(`${file}.namespaces`, `TO Issuer "${slash}" PERMIT Subject ".*"\n`);
}

function verdictOn(directory: TrustDirectory, sent: Buffer): string {
  const options = { trust: directory.anchors, now: NOW, crl: () => 'required' as const, hosts: [] };
  const verdict = validateChain([sent], options);
  return verdict.verdict === 'refused' ? verdict.refusal.reason : 'ok';
}

describe('a trust directory', () => {
  beforeEach(() => {
    authority('root', root, '/DC=org/CN=Root');
    authority('second', second, '/DC=com/CN=Second');
  });

  it('S-020 works with what can be used, and warns of the rest once each', async () => {
    write('broken.0', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    write('empty.0', '');
    write('user.pem', pem('CERTIFICATE', user));
    write('odd.signing_policy', 'access_id_CA X509 "/CN=x"\npos_rights elsewhere CA:sign\n');
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.0'));
    symlinkSync(join(folder, 'root.pem'), join(folder, 'alias.0'));
    mkdirSync(join(folder, 'x.0'));
    const { content } = await readTrust({ directory: folder, minRsaBits: 2048 }, NOW);
    expect(content.authorities.map(({ certificate: each }) => String(each)).sort()).toEqual([
      '/DC=com/CN=Second',
      '/DC=org/CN=Root',
    ]);
    expect(content.warnings.map(({ file }) => file.slice(folder.length + 1)).sort()).toEqual([
      'broken.0',
      'dangling.0',
      'empty.0',
      'odd.signing_policy',
      'user.pem',
      'x.0',
    ]);
  });

  it('trusts nobody when it is not there', async () => {
    const { content } = await readTrust({ directory: join(folder, 'none'), minRsaBits: 2048 }, NOW);
    expect(content.authorities).toEqual([]);
    expect(content.warnings).toHaveLength(1);
  });

  it('S-005 S-019 is read again when it has changed, and only then', async () => {
    const directory = await TrustDirectory.open({ directory: folder, minRsaBits: 2048 }, clock);
    let reloads = 0;
    directory.onReload(() => (reloads += 1));
    expect([verdictOn(directory, user), verdictOn(directory, colleague)]).toEqual(['ok', 'ok']);
    expect([await directory.refresh(), directory.generation]).toEqual([false, 0]);

    write('root.r0', list(root, [serial]));
    expect([await directory.refresh(), directory.generation]).toEqual([true, 1]);
    expect([verdictOn(directory, user), verdictOn(directory, colleague)]).toEqual(['revoked', 'ok']);

    rmSync(join(folder, 'root.pem'));
    await directory.refresh();
    expect([verdictOn(directory, user), verdictOn(directory, colleague)]).toEqual(['issuer_unknown', 'ok']);
    expect(reloads).toBe(2);
  });

  it('S-007 keeps the list before, where the new one is not signed by its authority or cannot be read', async () => {
    write('root.r0', list(root, [serial]));
    const directory = await TrustDirectory.open({ directory: folder, minRsaBits: 2048 }, clock);
    for (const bad of [list({ ...root, keys: ecKeys() }), 'half a fi']) {
      write('root.r0', bad);
      await directory.refresh();
      expect(verdictOn(directory, user)).toBe('revoked');
      expect(directory.anchors.content.warnings).toHaveLength(1);
    }
    rmSync(join(folder, 'root.r0'));
    await directory.refresh();
    expect(verdictOn(directory, user)).toBe('crl_missing');
  });
});
