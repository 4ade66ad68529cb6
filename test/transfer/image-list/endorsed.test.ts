/** S-101 Image lists: two of the field are accepted, and nothing that is not exactly what its endorser signed for this VO. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Certificate, derIn } from '../../../src/access/x509/certificate.js';
import { TrustAnchors } from '../../../src/access/x509/trust-anchors.js';
import type { ValidationOptions } from '../../../src/access/x509/validation.js';
import { endorsedList, type Seen, type Subscription } from '../../../src/transfer/image-list/endorsed.js';
import type { ImageList } from '../../../src/transfer/image-list/image-list.js';
import { describeWith } from '../../support/counterparts.js';
import { basicConstraints, certificate, ecKeys, keyUsage, name, pem, rsaKeys, type Keys } from '../../support/pki.js';
import { codeOf } from '../support.js';
import { LIST, listDocument } from './list-document.js';

const FIELD = join(process.env['VEP_TEST_SHARED'] ?? '/nowhere', 'data/imagelists');
const now = Date.UTC(2026, 10, 29);

function trusting(...anchors: readonly Uint8Array[]): ValidationOptions {
  const authorities = anchors.map((der) => ({
    certificate: new Certificate(der),
    file: 'test',
    anchor: true,
    crl: undefined,
    crlFile: undefined,
    profile: undefined,
  }));
  const rules = authorities.map(({ certificate: { subject } }) => ({
    rules: [{ issuer: subject.slash, effect: 'permit' as const, subject: () => true }],
  }));
  const content = { authorities, rules, looseLists: [], vomsdir: new Map(), warnings: [], minRsaBits: 2048 };
  return { trust: new TrustAnchors(content as never), now, crl: () => 'optional', hosts: [] };
}

if (!existsSync(FIELD)) console.info('skipped: no shared image lists (VEP_TEST_SHARED)');
(existsSync(FIELD) ? describe : describe.skip)('lists of the field', () => {
  const anchor = existsSync(FIELD)
    ? (derIn(readFileSync(join(FIELD, '9da13359.0')), 'CERTIFICATE')[0] as Uint8Array)
    : Buffer.alloc(0);
  const dn = '/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd';

  it.each([
    ['imagelist01.signed', 'some1.vo.net'],
    ['imagelist02.signed', 'some2.vo.net'],
  ])('%s is accepted for %s, and for no other VO and no other endorser', (file, vo) => {
    const message = readFileSync(join(FIELD, file));
    const endorser = { dn, ca: dn };
    const list = endorsedList(message, { vo, endorser }, trusting(anchor));
    expect(list.vo).toBe(vo);
    expect(list.version).toBe('20150618211400');
    expect(list.images.map(({ format }) => format)).toEqual(list.images.map(() => 'ova'));
    expect(list.images[0]?.sizeBytes).toBe(121_243_136);
    const attempt = (other: Subscription): string => codeOf(() => endorsedList(message, other, trusting(anchor)));
    expect(attempt({ vo: 'other.vo.net', endorser })).toBe('image-list.vo');
    expect(attempt({ vo, endorser: { dn: `${dn}/CN=x`, ca: dn } })).toBe('image-list.endorser');
    expect(codeOf(() => endorsedList(message, { vo, endorser }, trusting()))).toBe('image-list.signature');
  });
});

const authority = { keys: rsaKeys(2048), name: name('DC=test', 'CN=Lists CA') };
const ROOT = certificate({
  subject: authority.name,
  keys: authority.keys,
  issuer: authority,
  extensions: [basicConstraints(true)],
  notBefore: now - 1e9,
  notAfter: now + 1e9,
});
const SUBSCRIPTION = { vo: 'vo.test', endorser: { dn: '/DC=test/CN=Endorser', ca: '/DC=test/CN=Lists CA' } };

interface Signing {
  readonly subject?: readonly string[];
  readonly keys?: Keys;
  readonly issuer?: typeof authority;
  readonly usage?: number;
  readonly args?: readonly string[];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vep-lists-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Signed by the real OpenSSL, as endorsers do it. */
function signedBy(document: string, signing: Signing = {}): Buffer {
  const { subject = ['DC=test', 'CN=Endorser'], keys = rsaKeys(2048), issuer = authority, usage, args = [] } = signing;
  const der = certificate({
    subject: name(...subject),
    keys,
    issuer,
    extensions: usage === undefined ? [] : [keyUsage(usage)],
    notBefore: now - 1e9,
    notAfter: now + 1e9,
  });
  const [list, cert, key] = ['list', 'cert', 'key'].map((file) => join(folder, file)) as [string, string, string];
  writeFileSync(list, document);
  writeFileSync(cert, pem('CERTIFICATE', der));
  writeFileSync(key, keys.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  return execFileSync('openssl', [
    ...['smime', '-sign', '-md', 'sha256', '-in', list, '-signer', cert, '-inkey', key, ...args],
  ]);
}

const accept = (message: Buffer, seen?: Seen, subscription = SUBSCRIPTION): ImageList =>
  endorsedList(message, subscription, trusting(ROOT), seen);
const verdict = (message: Buffer | string, seen?: Seen): string => codeOf(() => accept(Buffer.from(message), seen));

describeWith('openssl')('S-101 lists that OpenSSL signs', () => {
  const good = (): string => JSON.stringify(LIST, undefined, 3);

  it.each<[string, Signing]>([
    ['RSA', {}],
    ['ECDSA', { keys: ecKeys() }],
    ['without attributes', { args: ['-noattr'] }],
    ['with a part header', { args: ['-text'] }],
    ['by the old tool', { args: ['-nosmimecap'] }],
  ])('%s: accepted', (_how, signing) => {
    const list = accept(signedBy(good(), signing));
    expect([list.version, list.images.length, list.images[0]?.title]).toEqual(['2.10', 2, 'Debian 12 für alle']);
  });

  it('with lines ended in either way, as servers and editors have it', () => {
    const message = signedBy(good()).toString('utf8');
    expect(accept(Buffer.from(message.replace(/\r?\n/g, '\r\n'))).images).toHaveLength(2);
    expect(accept(Buffer.from(message.replace(/\r\n/g, '\n'))).images).toHaveLength(2);
  });

  it('changed after it was signed', () => {
    const message = signedBy(good()).toString('utf8');
    expect(verdict(message.replace('"hv:size": "1000"', '"hv:size": "1001"'))).toBe('image-list.signature');
    expect(verdict(message.replace('imagelist": {', 'imagelist":  {'))).toBe('image-list.signature');
  });

  it('signed by somebody else, or under another authority', () => {
    expect(verdict(signedBy(good(), { subject: ['DC=test', 'CN=Mallory'] }))).toBe('image-list.endorser');
    const other = { keys: rsaKeys(2048), name: name('DC=test', 'CN=Other CA') };
    expect(verdict(signedBy(good(), { issuer: other }))).toBe('image-list.signature');
    const namesake = { keys: rsaKeys(2048), name: authority.name };
    expect(verdict(signedBy(good(), { issuer: namesake }))).toBe('image-list.signature');
  });

  it('signed with a key that may not sign, a weak one, or SHA-1', () => {
    expect(verdict(signedBy(good(), { usage: 2 }))).toBe('image-list.signature');
    expect(verdict(signedBy(good(), { keys: rsaKeys(1024) }))).toBe('image-list.signature');
    expect(verdict(signedBy(good(), { args: ['-md', 'sha1'] }))).toBe('image-list.signature');
  });

  it('unsigned, or signed in another way', () => {
    expect(verdict(good())).toBe('image-list.unsigned');
    expect(verdict(signedBy(good(), { args: ['-nodetach'] }))).toBe('image-list.unsigned');
    expect(
      verdict(
        signedBy(good())
          .toString('latin1')
          .replace(/^------[0-9A-F]+--\s*$/m, ''),
      ),
    ).toBe('image-list.unsigned');
    expect(verdict(signedBy(good(), { args: ['-nocerts'] }))).toBe('image-list.signature');
    const message = signedBy(good()).toString('latin1');
    const twice = message.replace(/(\r?\n------[0-9A-F]+)\r?\n/, (line) => `${line}{"hv:imagelist": {}}${line}`);
    expect(verdict(twice)).not.toBe('accepted');
  });

  it('of another VO, out of date, rolled back, or another list', () => {
    const changed = (members: object): string =>
      verdict(signedBy(listDocument(members)), { identifier: 'list-1', version: '2.9' });
    expect(changed({})).toBe('accepted');
    expect(changed({ 'ad:vo': 'vo.Test' })).toBe('image-list.vo');
    expect(changed({ 'dc:date:expires': '2026-11-28T23:59:59Z' })).toBe('image-list.expired');
    expect(changed({ 'hv:version': '2.8' })).toBe('image-list.rolled-back');
    expect(changed({ 'hv:version': '10' })).toBe('accepted');
    expect(changed({ 'dc:identifier': 'list-2' })).toBe('image-list.other');
  });

  it('not of the form: every fault at once', () => {
    const [first] = LIST['hv:imagelist']['hv:images'];
    const broken = { 'hv:image': { ...first?.['hv:image'], 'hv:size': '-1', 'hv:uri': 'file:///etc/passwd' } };
    const message = signedBy(listDocument({ 'hv:images': [broken, {}], 'hv:version': '' }));
    try {
      accept(message);
      throw new Error('accepted');
    } catch (error) {
      const places = (error as { faults: { place: { path: string } }[] }).faults.map(({ place }) => place.path);
      expect(places).toEqual(
        expect.arrayContaining([
          '/hv:imagelist/hv:images/0/hv:image/hv:size',
          '/hv:imagelist/hv:images/0/hv:image/hv:uri',
          '/hv:imagelist/hv:images/1/hv:image/dc:identifier',
          '/hv:imagelist/hv:version',
        ]),
      );
    }
  });
});
