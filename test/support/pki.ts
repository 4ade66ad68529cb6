/**
 * Certificates, revocation lists and attribute certificates with fresh keys, written byte by byte: what a test needs to be
 * wrong in one place and right in all others.
 */

import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

export interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const ecKeys = (namedCurve = 'P-256'): Keys => generateKeyPairSync('ec', { namedCurve });
export const rsaKeys = (modulusLength: number): Keys => generateKeyPairSync('rsa', { modulusLength });

/** One DER element. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 | octets.length, ...octets]), content]);
}

export const seq = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, ...parts);
export const octets = (...parts: readonly Uint8Array[]): Buffer => der(0x04, ...parts);
export const bool = (value: boolean): Buffer => Buffer.from([0x01, 0x01, value ? 0xff : 0]);
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
export const context = (number: number, ...parts: readonly Uint8Array[]): Buffer => der(0xa0 | number, ...parts);
export const plainContext = (number: number, content: Uint8Array): Buffer => der(0x80 | number, content);
const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content);

export function int(value: number | Buffer): Buffer {
  if (Buffer.isBuffer(value)) return der(0x02, value);
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return der(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) | 0x80);
    return digits;
  });
  return der(0x06, Buffer.from(bytes));
}

export function time(at: number): Buffer {
  const text = new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14) + 'Z';
  return at < Date.UTC(2050) ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}
export const generalizedTime = (at: number): Buffer =>
  der(0x18, Buffer.from(new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14) + 'Z'));

const TYPES: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  O: '2.5.4.10',
  DC: '0.9.2342.19200300.100.1.25',
  emailAddress: '1.2.840.113549.1.9.1',
};

/** A name from `type=value` parts, each an RDN of its own. */
export function name(...parts: readonly string[]): Buffer {
  return seq(
    ...parts.map((part) => {
      const [type = '', ...value] = part.split('=');
      return set(seq(oid(TYPES[type] ?? type), utf8(value.join('='))));
    }),
  );
}

export interface TestExtension {
  readonly oid: string;
  readonly critical?: boolean;
  readonly value: Uint8Array;
}

export const extension = ({ oid: type, critical = false, value }: TestExtension): Buffer =>
  seq(oid(type), ...(critical ? [bool(true)] : []), octets(value));

export const basicConstraints = (ca: boolean, pathLength?: number): TestExtension => ({
  oid: '2.5.29.19',
  critical: true,
  value: seq(...(ca ? [bool(true)] : []), ...(pathLength === undefined ? [] : [int(pathLength)])),
});
/** Bits as RFC 5280 numbers them: 0 digitalSignature, 2 keyEncipherment, 5 keyCertSign, 6 cRLSign. */
export const keyUsage = (...named: readonly number[]): TestExtension => {
  const value = named.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return { oid: '2.5.29.15', critical: true, value: der(0x03, Buffer.from([0, value])) };
};
export const extendedKeyUsage = (...purposes: readonly string[]): TestExtension => ({
  oid: '2.5.29.37',
  value: seq(...purposes.map(oid)),
});
export const CLIENT = '1.3.6.1.5.5.7.3.2';
export const SERVER = '1.3.6.1.5.5.7.3.1';

export const INHERIT_ALL = '1.3.6.1.5.5.7.21.1';
export const proxyInfo = (language = INHERIT_ALL, pathLength?: number, critical = true): TestExtension => ({
  oid: '1.3.6.1.5.5.7.1.14',
  critical,
  value: seq(...(pathLength === undefined ? [] : [int(pathLength)]), seq(oid(language))),
});

export interface SignatureKind {
  readonly identifier: Buffer;
  readonly hash: string | null;
}
export const SIGNATURES = {
  ecdsa: { identifier: seq(oid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  ecdsaSha1: { identifier: seq(oid('1.2.840.10045.4.1')), hash: 'sha1' },
  rsa: { identifier: seq(oid('1.2.840.113549.1.1.11'), der(0x05)), hash: 'sha256' },
  rsaSha1: { identifier: seq(oid('1.2.840.113549.1.1.5'), der(0x05)), hash: 'sha1' },
  rsaMd5: { identifier: seq(oid('1.2.840.113549.1.1.4'), der(0x05)), hash: 'md5' },
} as const satisfies Record<string, SignatureKind>;

export function signed(body: Uint8Array, key: KeyObject, kind: SignatureKind): Buffer {
  return seq(body, kind.identifier, bits(sign(kind.hash, body, key)));
}

export interface Issuer {
  readonly name: Buffer;
  readonly keys: Keys;
}

export interface CertificateMembers {
  readonly subject: Buffer;
  readonly keys: Keys;
  readonly issuer: Issuer;
  readonly extensions?: readonly TestExtension[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly serial?: Buffer;
  readonly version?: number;
  readonly kind?: SignatureKind;
  /** The inner AlgorithmIdentifier, where it shall differ from the outer one. */
  readonly innerKind?: SignatureKind;
}

export const NOW = Date.UTC(2026, 10, 23);
export const HOUR = 3_600_000;

export function certificate(members: CertificateMembers): Buffer {
  const { subject, keys, issuer, extensions = [], version = 3 } = members;
  const {
    notBefore = NOW - HOUR,
    notAfter = NOW + 24 * HOUR,
    serial = Buffer.concat([Buffer.from([1]), randomBytes(7)]),
  } = members;
  const kind = members.kind ?? (issuer.keys.privateKey.asymmetricKeyType === 'rsa' ? SIGNATURES.rsa : SIGNATURES.ecdsa);
  const body = seq(
    ...(version > 1 ? [context(0, int(version - 1))] : []),
    int(serial),
    (members.innerKind ?? kind).identifier,
    issuer.name,
    seq(time(notBefore), time(notAfter)),
    subject,
    keys.publicKey.export({ format: 'der', type: 'spki' }),
    ...(extensions.length > 0 ? [context(3, seq(...extensions.map(extension)))] : []),
  );
  return signed(body, issuer.keys.privateKey, kind);
}

export interface ListMembers {
  readonly issuer: Issuer;
  readonly revoked?: readonly Buffer[];
  readonly thisUpdate?: number;
  readonly nextUpdate?: number | null;
  readonly extensions?: readonly TestExtension[];
}

export function revocationList(members: ListMembers): Buffer {
  const { issuer, revoked = [], thisUpdate = NOW - HOUR, nextUpdate = NOW + 24 * HOUR, extensions = [] } = members;
  const body = seq(
    int(1),
    SIGNATURES.ecdsa.identifier,
    issuer.name,
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(revoked.length > 0 ? [seq(...revoked.map((serial) => seq(int(serial), time(NOW - HOUR))))] : []),
    ...(extensions.length > 0 ? [context(0, seq(...extensions.map(extension)))] : []),
  );
  return signed(body, issuer.keys.privateKey, SIGNATURES.ecdsa);
}

export interface AttributeMembers {
  readonly holderIssuer: Buffer;
  readonly holderSerial: Buffer;
  readonly issuer: Issuer;
  readonly uri?: string;
  readonly fqans?: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Certificates of the server that go along. */
  readonly certificates?: readonly Buffer[];
  readonly extensions?: readonly TestExtension[];
  readonly version?: number;
}

const directoryName = (of: Buffer): Buffer => seq(context(4, of));

export function attributeCertificate(members: AttributeMembers): Buffer {
  const { holderIssuer, holderSerial, issuer, certificates = [], extensions = [], version = 1 } = members;
  const { uri = 'vo.test://voms.example.org:15000', fqans = ['/vo.test'] } = members;
  const { notBefore = NOW - HOUR, notAfter = NOW + HOUR } = members;
  const all = [...(certificates.length > 0 ? [vomsCertificates(certificates)] : []), ...extensions];
  const body = seq(
    int(version),
    seq(context(0, directoryName(holderIssuer), int(holderSerial))),
    context(0, directoryName(issuer.name)),
    SIGNATURES.ecdsa.identifier,
    int(1),
    seq(generalizedTime(notBefore), generalizedTime(notAfter)),
    seq(
      seq(
        oid('1.3.6.1.4.1.8005.100.100.4'),
        set(seq(context(0, plainContext(6, Buffer.from(uri))), seq(...fqans.map((fqan) => octets(Buffer.from(fqan)))))),
      ),
    ),
    ...(all.length > 0 ? [seq(...all.map(extension))] : []),
  );
  return signed(body, issuer.keys.privateKey, SIGNATURES.ecdsa);
}

const vomsCertificates = (certificates: readonly Buffer[]): TestExtension => ({
  oid: '1.3.6.1.4.1.8005.100.100.10',
  value: seq(seq(...certificates)),
});

export const vomsExtension = (...attributeCertificates: readonly Buffer[]): TestExtension => ({
  oid: '1.3.6.1.4.1.8005.100.100.5',
  value: seq(seq(...attributeCertificates)),
});

export function pem(label: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
