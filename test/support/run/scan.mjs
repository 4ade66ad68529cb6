/**
 * Looks for the secrets of a test run in all that its servers have said. Each secret is sought as it is, within JSON strings,
 * percent-encoded, in hexadecimal digits and in base64 (both alphabets, wherever in a longer text it stood). All forms are
 * sought at once: a rolling hash of {@link WINDOW} bytes finds the places that are worth a look (Rabin and Karp), so that the
 * time depends on what has been said and hardly on how many secrets there are.
 */

import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of a form by which it is found; what is shorter says nothing. */
const WINDOW = 10;
const MULTIPLIER = 0x01000193;
const BITS = 22;
/** Around a hit so much is shown. */
const NEAR = 60;

/** MULTIPLIER ** WINDOW, modulo 2 ** 32: what the byte that leaves the window has grown to. */
const LEAVING = Array.from({ length: WINDOW }).reduce((power) => Math.imul(power, MULTIPLIER), 1);

export async function scan(directory) {
  const secrets = registered(join(directory, 'secrets'));
  const forms = new Forms();
  for (const [text, what] of secrets) for (const [how, form] of formsOf(text)) forms.add(form, { what, how });
  const folder = join(directory, 'said');
  const files = readdirSync(folder).sort();
  const hits = [];
  let bytes = 0;
  for (const file of files) bytes += await forms.seek(join(folder, file), (hit) => hits.push({ ...hit, file }));
  return { secrets: secrets.size, files: files.length, bytes, hits };
}

/** Secrets with what they are; every process of the run has its own file. */
function registered(folder) {
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  const secrets = new Map(lines.filter((line) => line !== '').map((line) => JSON.parse(line)));
  for (const [text, what] of secrets)
    if (Buffer.byteLength(text) < WINDOW) throw new Error(`a secret (${what}) is too short to be told from chance`);
  return secrets;
}

export function formsOf(text) {
  const bytes = Buffer.from(text, 'utf8');
  const hex = bytes.toString('hex');
  const forms = [
    ['plain', text],
    ['plain', JSON.stringify(text).slice(1, -1)],
    ['percent', encodeURIComponent(text)],
    ['percent', hex.replace(/../g, '%$&')],
    ['percent', hex.toUpperCase().replace(/../g, '%$&')],
    ['hex', hex],
    ['hex', hex.toUpperCase()],
    ...[0, 1, 2].flatMap((before) => base64(bytes, before).map((form) => ['base64', form])),
  ];
  const seen = new Set();
  return forms.filter(([, form]) => form.length >= WINDOW && !seen.has(form) && seen.add(form));
}

/** The digits that depend on the secret alone when so many bytes of a group of three come before it. */
function base64(bytes, before) {
  const whole = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const from = before === 0 ? 0 : before + 1;
  const partial = (before + bytes.length) % 3 !== 0;
  const digits = whole.slice(from, partial ? -1 : undefined);
  return [digits, digits.replaceAll('+', '-').replaceAll('/', '_')];
}

class Forms {
  #some = new Uint8Array(2 ** (BITS - 3));
  #by = new Map();
  #longest = 0;

  add(form, what) {
    const bytes = Buffer.from(form, 'utf8');
    let hash = 0;
    for (let index = 0; index < WINDOW; index++) hash = (Math.imul(hash, MULTIPLIER) + bytes[index]) | 0;
    const known = this.#by.get(hash) ?? [];
    known.push({ bytes, ...what });
    this.#by.set(hash, known);
    this.#mark(hash);
    this.#longest = Math.max(this.#longest, bytes.length);
  }

  #mark(hash) {
    const bit = hash >>> (32 - BITS);
    this.#some[bit >>> 3] |= 1 << (bit & 7);
  }

  /** Streams the file past the window; answers how many bytes it has. */
  async seek(path, found) {
    let size = 0;
    let kept = Buffer.alloc(0);
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 22 })) {
      size += chunk.length;
      const bytes = Buffer.concat([kept, chunk]);
      // What begins in the last bytes may end in the next chunk.
      const whole = Math.max(0, bytes.length - this.#longest);
      this.#seekIn(bytes, whole, found);
      kept = bytes.subarray(whole);
    }
    this.#seekIn(kept, kept.length, found);
    return size;
  }

  /** Finds forms that begin before `end`. */
  #seekIn(bytes, end, found) {
    let hash = 0;
    const last = Math.min(bytes.length, end + WINDOW - 1);
    for (let index = 0; index < last; index++) {
      hash = (Math.imul(hash, MULTIPLIER) + bytes[index]) | 0;
      if (index >= WINDOW) hash = (hash - Math.imul(bytes[index - WINDOW], LEAVING)) | 0;
      if (index < WINDOW - 1) continue;
      const bit = hash >>> (32 - BITS);
      if ((this.#some[bit >>> 3] & (1 << (bit & 7))) !== 0) this.#compare(hash, bytes, index - WINDOW + 1, found);
    }
  }

  #compare(hash, bytes, at, found) {
    for (const { bytes: form, what, how } of this.#by.get(hash) ?? []) {
      if (!bytes.subarray(at, at + form.length).equals(form)) continue;
      const [before, after] = [bytes.subarray(Math.max(0, at - NEAR), at), bytes.subarray(at + form.length)];
      const near = `${before.toString('utf8')}<secret>${after.subarray(0, NEAR).toString('utf8')}`;
      found({ what, how, near: near.replace(/\s+/g, ' ') });
    }
  }
}
