/**
 * Every certificate fixture gets the verdict of the manifest: end entities, proxies of every kind and attribute
 * certificates, made with OpenSSL, `grid-proxy-init` and `voms-proxy-fake`.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { derIn } from '../../../src/access/x509/certificate.js';
import { validateChain, type ChainVerdict } from '../../../src/access/x509/chain.js';
import { readTrust } from '../../../src/access/x509/trust-directory.js';
import type { TrustAnchors } from '../../../src/access/x509/trust-anchors.js';
import type { CrlPolicy } from '../../../src/access/x509/validation.js';
import { pkiFixtures } from '../../support/pki-fixtures.js';

interface Fixture {
  readonly file: string;
  readonly expect: 'accept' | 'accept-limited' | 'accept-no-vo' | 'reject';
  readonly reason: string;
  readonly identity?: string;
  readonly chain?: readonly string[];
  readonly vo?: string;
  readonly fqans?: readonly string[];
}

/** 2026-11-23: the fixtures are good from the day before until 2036. */
const NOW = Date.UTC(2026, 10, 23);

describe('the certificate fixtures', () => {
  const read = (name: string): Buffer => readFileSync(join(pkiFixtures, name));
  const fixtures = (JSON.parse(read('manifest.json').toString()) as { fixtures: Fixture[] }).fixtures;
  let trust: TrustAnchors;

  beforeAll(async () => {
    const [directory, vomsdir] = [join(pkiFixtures, 'certificates'), join(pkiFixtures, 'vomsdir')];
    trust = await readTrust({ directory, vomsdir, minRsaBits: 2048 }, NOW);
    expect(trust.content.warnings).toEqual([]);
  });

  function judge(files: readonly string[], crl: CrlPolicy = 'required'): ChainVerdict {
    const sent = files.flatMap((file) => derIn(read(file), 'CERTIFICATE'));
    const policy = (issuer: { toString(): string }): CrlPolicy =>
      String(issuer).includes('/DC=other/') ? 'optional' : crl;
    return validateChain(sent, { trust, now: NOW, crl: policy, hosts: [] });
  }

  function expectVerdict(fixture: Fixture, verdict: ChainVerdict): void {
    if (fixture.expect === 'reject') {
      expect(verdict.verdict).toBe('refused');
      return;
    }
    if (verdict.verdict === 'refused') throw verdict.refusal;
    if (fixture.identity !== undefined) expect(String(verdict.endEntity)).toBe(fixture.identity);
    expect(verdict.limited).toBe(fixture.expect === 'accept-limited');
    if (fixture.expect === 'accept-no-vo') {
      expect(verdict.vos).toEqual([]);
      expect(verdict.dropped).toHaveLength(1);
    }
    expect(verdict.vos.map(({ vo }) => vo)).toEqual(fixture.vo === undefined ? [] : [fixture.vo]);
    if (fixture.fqans) expect(verdict.vos[0]?.fqans).toEqual(fixture.fqans);
  }

  it.each(fixtures)('$file: $expect ($reason)', (fixture) => {
    const files = [fixture.file, ...(fixture.chain ?? [])];
    if (fixture.file.includes('carol-int')) {
      // No revocation list of the subordinate authority: good where lists are optional, and nowhere else.
      expectVerdict({ ...fixture, expect: 'reject' }, judge(files, 'required'));
      expectVerdict(fixture, judge(files, 'optional'));
    } else for (const policy of ['required', 'optional'] as const) expectVerdict(fixture, judge(files, policy));
  });

  it.each([
    ['S-003 eec/expired.pem', 'expired'],
    ['S-003 eec/notyet.pem', 'not_yet_valid'],
    ['S-005 eec/revoked.pem', 'revoked'],
    ['S-009 eec/serveronly.pem', 'eku'],
    ['S-010 eec/foreign.pem', 'signing_policy'],
    ['S-012 eec/dave-toodeep.pem ca/int2.pem ca/int.pem', 'ca_pathlen'],
    ['S-008 eec/mallory-samedn.pem', 'issuer_unknown'],
    ['S-008 eec/mallory-samedn.pem ca/root.pem', 'issuer_unknown'],
    ['S-008 eec/mallory-samedn.pem eec/alice.pem', 'issuer_unknown'],
    ['S-008 eec/mallory-samedn.pem ca/evil.pem', 'issuer_unknown'],
    ['S-011 eec/carol-int.pem', 'issuer_unknown'],
    ['S-013 proxy/nopci.chain.pem', 'not_ca'],
    ['S-022 proxy/pl0-child.chain.pem', 'proxy_pathlen'],
    ['S-023 proxy/wrongname.chain.pem', 'proxy_name'],
    ['S-023 proxy/nocn.chain.pem', 'proxy_name'],
    ['S-024 proxy/ofexpired.chain.pem', 'expired'],
    ['S-025 proxy/ofrevoked.chain.pem', 'revoked'],
    ['S-026 proxy/ofmallory.chain.pem', 'issuer_unknown'],
    ['S-027 proxy/g-independent.globus.pem', 'proxy_kind'],
    ['S-027 proxy/g-legacy.globus.pem', 'proxy_kind'],
    ['S-027 proxy/g-draft.globus.pem', 'proxy_kind'],
  ])('%s is refused as %s', (files, reason) => {
    const [, ...names] = files.split(' ');
    expect(judge(names, 'optional')).toMatchObject({ verdict: 'refused', refusal: { reason } });
  });

  it.each([
    ['voms/wrongissuer.pem', 'lsc_mismatch'],
    ['voms/crossvo.pem', 'vo_mismatch'],
    ['voms/expiredac.pem', 'ac_expired'],
  ])('S-033 what %s says of a VO is dropped as %s', (file, reason) => {
    expect(judge([file])).toMatchObject({ verdict: 'accepted', dropped: [{ reason }] });
  });
});
