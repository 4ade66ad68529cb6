/**
 * DER (X.690 §10, §11), as a strict reader over one buffer: definite and minimal lengths, minimal integers, nothing
 * behind the end. What BER would allow beside is refused, so that two readers can never see two certificates in the same
 * bytes. Nothing is copied, and nothing is read deeper than its caller asks: nesting costs nothing.
 */

import { Refusal } from './refusal.js';

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag of a context-specific element: `[number]`, constructed or primitive. */
export function context(number: number, constructed = true): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

function malformed(what: string): Refusal {
  return new Refusal('malformed', `the encoding is not DER: ${what}`);
}

/** One element: its tag, and where it lies in the bytes. */
export class Der {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #body: number;
  readonly #end: number;
  readonly tag: number;

  private constructor(bytes: Uint8Array, start: number, body: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#body = body;
    this.#end = end;
    this.tag = bytes[start] ?? 0;
  }

  /**
   * The one element that `bytes` are.
   * @throws Refusal `malformed`
   */
  static of(bytes: Uint8Array): Der {
    const element = Der.#at(bytes, 0, bytes.length);
    if (element.#end !== bytes.length) throw malformed('bytes follow its end');
    return element;
  }

  static #at(bytes: Uint8Array, start: number, limit: number): Der {
    if (start + 2 > limit) throw malformed('it is cut off');
    if (((bytes[start] ?? 0) & 0x1f) === 0x1f) throw malformed('a tag above 30');
    const first = bytes[start + 1] ?? 0;
    if (first < 0x80) return Der.#bounded(bytes, start, start + 2, first, limit);
    const octets = first & 0x7f;
    if (octets === 0) throw malformed('an indefinite length');
    if (octets > 4 || start + 2 + octets > limit) throw malformed('a length beyond its end');
    let length = 0;
    for (let index = 0; index < octets; index++) length = length * 256 + (bytes[start + 2 + index] ?? 0);
    if (length < 0x80 || bytes[start + 2] === 0) throw malformed('a length that is not minimal');
    return Der.#bounded(bytes, start, start + 2 + octets, length, limit);
  }

  static #bounded(bytes: Uint8Array, start: number, body: number, length: number, limit: number): Der {
    if (body + length > limit) throw malformed('a length beyond its end');
    return new Der(bytes, start, body, body + length);
  }

  /** With tag and length. */
  get raw(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(this.#body, this.#end);
  }

  /** @throws Refusal `malformed` for another tag */
  expect(tag: number): this {
    if (this.tag !== tag) throw malformed(`tag ${this.tag.toString(16)} instead of ${tag.toString(16)}`);
    return this;
  }

  /** The elements of a constructed one, one by one. */
  *elements(tag: number = TAG.sequence): Generator<Der> {
    this.expect(tag);
    for (let at = this.#body; at < this.#end;) {
      const element = Der.#at(this.#bytes, at, this.#end);
      yield element;
      at = element.#end;
    }
  }

  /** The same as a reader that takes them in turn. */
  fields(tag: number = TAG.sequence): Fields {
    return new Fields([...this.elements(tag)]);
  }

  boolean(): boolean {
    const [value, ...more] = this.expect(TAG.boolean).content;
    if (more.length > 0 || (value !== 0 && value !== 0xff)) throw malformed('a boolean that is neither');
    return value === 0xff;
  }

  /** An integer as lower-case hexadecimal, two's complement: serial numbers are compared so. */
  integerHex(tag: number = TAG.integer): string {
    const { content } = this.expect(tag);
    const [first, second] = content;
    const superfluous = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (first === undefined || superfluous) throw malformed('an integer that is not minimal');
    return Buffer.from(content).toString('hex');
  }

  /** A small integer that is not negative. */
  count(tag: number = TAG.integer): number {
    const hex = this.integerHex(tag);
    const value = parseInt(hex, 16);
    if (hex.length > 8 || parseInt(hex.slice(0, 2), 16) >= 0x80) throw malformed('a number out of range');
    return value;
  }

  /** Dotted decimal. */
  oid(): string {
    const { content } = this.expect(TAG.oid);
    if (content.length === 0 || content.length > 64) throw malformed('an object identifier of this length');
    const arcs: string[] = [];
    let arc = 0n;
    let open = false;
    for (const octet of content) {
      if (!open && octet === 0x80) throw malformed('an object identifier that is not minimal');
      arc = (arc << 7n) | BigInt(octet & 0x7f);
      open = octet >= 0x80;
      if (open) continue;
      if (arcs.length === 0) {
        const first = arc < 40n ? 0n : arc < 80n ? 1n : 2n;
        arcs.push(String(first), String(arc - first * 40n));
      } else arcs.push(String(arc));
      arc = 0n;
    }
    if (open) throw malformed('an object identifier that is cut off');
    return arcs.join('.');
  }

  /** The octets of a bit string that has no unused bits. */
  bits(): Uint8Array {
    const { content } = this.expect(TAG.bitString);
    if (content[0] !== 0) throw malformed('a bit string of odd length');
    return content.subarray(1);
  }

  /** Named bits (X.680 §22.7): whether bit `n` is set, for all `n` at once. */
  namedBits(): (bit: number) => boolean {
    const { content } = this.expect(TAG.bitString);
    const [unused] = content;
    if (unused === undefined || unused > 7) throw malformed('a bit string that is none');
    return (bit) => (((content[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
  }

  /** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 wants them: seconds, `Z`, no fraction. Milliseconds since the epoch. */
  time(): number {
    const text = Buffer.from(this.content).toString('latin1');
    const match = TIME.exec(this.tag === TAG.utcTime ? (text < '5' ? '20' : '19') + text : text);
    const dated = this.tag === TAG.utcTime ? text.length === 13 : this.expect(TAG.generalizedTime);
    if (!match || !dated) throw malformed('a time that is none');
    const iso = `${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}.000Z`;
    const value = Date.parse(iso);
    if (!Number.isFinite(value) || new Date(value).toISOString() !== iso) throw malformed('a time that is none');
    return value;
  }
}

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Elements taken in turn; what is left over at the end is one too many. */
export class Fields {
  readonly #elements: readonly Der[];
  #next = 0;

  constructor(elements: readonly Der[]) {
    this.#elements = elements;
  }

  take(tag?: number): Der {
    const element = this.#elements[this.#next++];
    if (!element) throw malformed('an element is missing');
    return tag === undefined ? element : element.expect(tag);
  }

  optional(...tags: readonly number[]): Der | undefined {
    const element = this.#elements[this.#next];
    if (!element || !tags.includes(element.tag)) return undefined;
    this.#next++;
    return element;
  }

  rest(): readonly Der[] {
    const rest = this.#elements.slice(this.#next);
    this.#next = this.#elements.length;
    return rest;
  }

  end(): void {
    if (this.#next < this.#elements.length) throw malformed('an element too many');
  }
}
