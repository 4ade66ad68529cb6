/** O-030: what the signature of a package is worth, with certificates of a test authority (DSP0243 §5.1). */

import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { judgeCertificate, type Signature, type Trust } from '../../src/ovf/package/certificate.js';
import { Findings, type Mode } from '../../src/ovf/envelope/findings.js';

const pki = (name: string): string => readFileSync(join(packageRoot, 'test/support/pki-fixtures', name), 'utf8');
const ROOT = pki('ca/root.pem');
const NOW = Date.parse('2027-01-01');
const MANIFEST = Buffer.from(`SHA256(shop.ovf)= ${createHash('sha256').update('shop').digest('hex')}\n`);

function signed(signer: string, algorithm = 'sha256', manifest: Uint8Array = MANIFEST): string {
  const key = createPrivateKey(pki(`eec/${signer}.key`));
  return `${algorithm.toUpperCase()}(shop.mf)= ${sign(algorithm, manifest, key).toString('hex')}\n`;
}

interface Judged extends Signature {
  readonly found: readonly string[];
}

function judge(certificate: string, trust: Partial<Trust> = {}, mode: Mode = 'lenient'): Judged {
  const findings = new Findings(mode);
  const signature = judgeCertificate(
    { name: 'shop.cert', bytes: Buffer.from(certificate) },
    { name: 'shop.mf', bytes: MANIFEST },
    { anchors: [ROOT], now: NOW, ...trust },
    findings,
  );
  return { ...signature, found: findings.list().map(({ code, severity }) => `${severity} ${code}`) };
}

const ALICE = signed('alice') + pki('eec/alice.pem');

describe('the certificate of a package', () => {
  it.each<[string, string, Partial<Trust>, Signature['status'], string]>([
    ['signed by someone the provider trusts through an authority', ALICE, {}, 'trusted', 'info'],
    ['signed by someone the provider trusts by name', ALICE, { anchors: [pki('eec/alice.pem')] }, 'trusted', 'info'],
    ['signed with SHA-1, as OVF 1 has it', signed('alice', 'sha1') + pki('eec/alice.pem'), {}, 'trusted', 'info'],
    ['signed with SHA-512', signed('alice', 'sha512') + pki('eec/alice.pem'), {}, 'trusted', 'info'],
    ['signed on an elliptic curve', signed('ecdsa') + pki('eec/ecdsa.pem'), {}, 'trusted', 'info'],
    [
      'signed with the chain along',
      signed('carol-int') + pki('eec/carol-int.pem') + pki('ca/int.pem'),
      {},
      'trusted',
      'info',
    ],
    ['signed without the chain', signed('carol-int') + pki('eec/carol-int.pem'), {}, 'untrusted', 'warning'],
    ['signed by someone nobody vouches for', ALICE, { anchors: [] }, 'untrusted', 'warning'],
    [
      'signed in a trusted name by a key that the authority does not know',
      signed('mallory-samedn') + pki('eec/mallory-samedn.pem') + pki('ca/evil.pem'),
      {},
      'untrusted',
      'warning',
    ],
    ['signed by a key that vouches for itself', signedBy('root') + ROOT, { anchors: [] }, 'self-signed', 'warning'],
    ['signed with an expired certificate', signed('expired') + pki('eec/expired.pem'), {}, 'expired', 'warning'],
    ['signed long ago', ALICE, { now: Date.parse('2050-01-01') }, 'expired', 'warning'],
    ['signed from the future', signed('notyet') + pki('eec/notyet.pem'), {}, 'not-yet-valid', 'warning'],
    [
      'signed for another manifest',
      signed('alice', 'sha256', Buffer.from('other')) + pki('eec/alice.pem'),
      {},
      'altered',
      'error',
    ],
    ['signed by another key', signed('bob') + pki('eec/alice.pem'), {}, 'forged', 'error'],
    [
      'signed by another key on a curve',
      signed('ecdsa', 'sha256', Buffer.from('x')) + pki('eec/ecdsa.pem'),
      {},
      'forged',
      'error',
    ],
    ['with half a signature', `SHA256(shop.mf)= 00ff\n${pki('eec/alice.pem')}`, {}, 'forged', 'error'],
    ['without a signature', pki('eec/alice.pem'), {}, 'unreadable', 'error'],
    ['without a certificate', signed('alice'), {}, 'unreadable', 'error'],
    ['with an unknown digest', ALICE.replace('SHA256', 'MD5'), {}, 'unreadable', 'error'],
    [
      'with a broken certificate',
      `${signed('alice')}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
      {},
      'unreadable',
      'error',
    ],
    ['that is nothing', '', {}, 'unreadable', 'error'],
  ])('O-030 %s', (_what, certificate, trust, status, severity) => {
    expect(judge(certificate, trust)).toMatchObject({ status, found: [`${severity} ovf.O-030`] });
    expect(judge(certificate.replace(/\n/g, '\r\n'), trust).status).toBe(status);
  });

  it('says who signed, until when, and with which digest', () => {
    expect(judge(ALICE)).toMatchObject({
      signer: expect.stringContaining('CN=Alice Tester'),
      issuer: expect.stringContaining('CN=Test Grid CA'),
      validUntil: Date.parse('2036-11-19T10:21:34Z'),
      algorithm: 'sha256',
    });
  });

  it('is an error in strict mode wherever it is not trusted', () => {
    expect(judge(ALICE, { anchors: [] }, 'strict').found).toEqual(['error ovf.O-030']);
    expect(judge(ALICE, {}, 'strict').found).toEqual(['info ovf.O-030']);
  });
});

function signedBy(authority: string): string {
  const key = createPrivateKey(pki(`ca/${authority}.key`));
  return `SHA256(shop.mf)= ${sign('sha256', MANIFEST, key).toString('hex')}\n`;
}
