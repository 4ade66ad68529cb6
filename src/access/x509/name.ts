/**
 * Distinguished names (RFC 5280 §4.1.2.4). Two names are the same when their DER is; strings are for people and for the
 * policy files of the IGTF, which know names in the slash form of OpenSSL's `oneline` alone.
 */

import { Der, TAG } from './der.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';

export interface NameAttribute {
  /** OID. */
  readonly type: string;
  /** The text; undefined for a value that is no text. */
  readonly text: string | undefined;
  /** DER of the value. */
  readonly value: Uint8Array;
  /** Whether the text alone tells two values apart: PrintableString, UTF8String and IA5String. */
  readonly plain: boolean;
}

/** Short names as OpenSSL writes them. */
const SHORT: Readonly<Record<string, string>> = {
  [OID.commonName]: 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.13': 'description',
  '2.5.4.15': 'businessCategory',
  '2.5.4.17': 'postalCode',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  [OID.emailAddress]: 'emailAddress',
};

const MAX_ATTRIBUTES = 40;
/** Names are compared with patterns: their length is work that the sender chooses. */
const MAX_NAME_BYTES = 4096;

export class Name {
  /** DER. */
  readonly raw: Uint8Array;
  /** Equal for equal names. */
  readonly key: string;
  readonly rdns: readonly (readonly NameAttribute[])[];
  #slash: string | undefined;

  /** @throws Refusal `malformed`; `name` for control characters, more than 40 attributes or 4 KiB */
  constructor(element: Der) {
    this.raw = element.raw;
    this.key = Buffer.from(this.raw).toString('latin1');
    this.rdns = [...element.elements()].map((rdn) => [...rdn.elements(TAG.set)].map(attributeOf));
    if (this.rdns.some((rdn) => rdn.length === 0)) throw new Refusal('malformed', 'a name has an empty part');
    if (this.raw.length > MAX_NAME_BYTES || this.rdns.flat().length > MAX_ATTRIBUTES)
      throw new Refusal('name', 'a name is too long');
  }

  get empty(): boolean {
    return this.rdns.length === 0;
  }

  equals(other: Name): boolean {
    return this.key === other.key;
  }

  /**
   * `/DC=org/DC=example/CN=Alice`, in the order of the certificate. A slash in a value that looks like the beginning of
   * another part becomes U+FFFD: no rule about names can be met by a value that only looks like them.
   */
  get slash(): string {
    return (this.#slash ??= this.rdns
      .flat()
      .map(({ type, text, value }) => {
        const written = text ?? `#${Buffer.from(value).toString('hex')}`;
        return `/${SHORT[type] ?? type}=${written.replace(/\/(?=[A-Za-z0-9.]+=)/g, '\uFFFD')}`;
      })
      .join(''));
  }

  /** RFC 4514, last part first; the same for two names only if they are equal but for the kind of plain string. */
  get rfc4514(): string {
    return [...this.rdns]
      .reverse()
      .map((rdn) => rdn.map(rfc4514Attribute).join('+'))
      .join(',');
  }

  /** For people: the slash form as it would be read, ambiguous slashes and all. */
  toString(): string {
    return this.slash.replaceAll('\uFFFD', '/');
  }

  /** Whether this is `other` with exactly one further RDN of exactly one commonName (RFC 3820 §3.4). */
  extendsByCommonName(other: Name): boolean {
    const last = this.rdns.at(-1);
    if (this.rdns.length !== other.rdns.length + 1 || last?.length !== 1) return false;
    if (last[0]?.type !== OID.commonName || !last[0].text) return false;
    const [mine, theirs] = [Der.of(this.raw), Der.of(other.raw)].map((name) => [...name.elements()]);
    return (theirs ?? []).every((rdn, index) => Buffer.compare(rdn.raw, mine?.[index]?.raw ?? new Uint8Array()) === 0);
  }

  /** The text of a last RDN that is one commonName. */
  get lastCommonName(): string | undefined {
    const last = this.rdns.at(-1);
    return last?.length === 1 && last[0]?.type === OID.commonName ? last[0].text : undefined;
  }
}

/** Attribute names that mean the same in policy files and in OpenSSL's form, brought to one form. */
export function normalSlash(text: string): string {
  return text.replace(/\/(?:E|Email|EMAIL|emailaddress)=/g, '/emailAddress=').replace(/\/(?:USERID|userId)=/g, '/UID=');
}

function attributeOf(element: Der): NameAttribute {
  const fields = element.fields();
  const type = fields.take().oid();
  const value = fields.take();
  fields.end();
  const text = textOf(value);
  // eslint-disable-next-line no-control-regex -- control characters in names forge lines of logs (S-017)
  if (text !== undefined && /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd]/.test(text))
    throw new Refusal('name', 'a name holds control characters');
  const plain = PLAIN.includes(value.tag);
  return { type, text, value: value.raw, plain };
}

const PLAIN: readonly number[] = [TAG.utf8String, TAG.printableString, TAG.ia5String];

function textOf(value: Der): string | undefined {
  const { content } = value;
  switch (value.tag) {
    case TAG.utf8String:
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.visibleString:
      return decode('utf-8', content);
    case TAG.teletexString:
      return Buffer.from(content).toString('latin1');
    case TAG.bmpString:
      return decode('utf-16be', content);
    default:
      return undefined;
  }
}

function decode(encoding: 'utf-8' | 'utf-16be', content: Uint8Array): string {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new Refusal('malformed', 'a name holds text that cannot be decoded');
  }
}

function rfc4514Attribute({ type, text, value, plain }: NameAttribute): string {
  const short = SHORT[type];
  if (text === undefined || !plain || short === undefined)
    return `${short ?? type}=#${Buffer.from(value).toString('hex')}`;
  const escaped = text
    .replace(/[",+;<>\\]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ');
  return `${short}=${escaped}`;
}
