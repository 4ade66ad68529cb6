/** Identifiers: UUID version 7 (RFC 9562 §5.7), so that ids sort in the order of their creation. */

import { createHash, randomFillSync } from 'node:crypto';

export type Uuid = string & { readonly __uuid?: never };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Random bytes are drawn for many ids at once: asking the system costs more than everything else about an id. */
const pool = Buffer.alloc(16 * 256);
let drawn = pool.length;

let lastTime = 0;
let counter = 0;

/**
 * A new UUID v7. Within one process ids are strictly increasing: the 12 bits after the time are a counter
 * (RFC 9562 §6.2, method 1) that starts at random in its lower half each millisecond.
 */
export function newUuid(now: number = Date.now()): Uuid {
  const bytes = randomSixteen();
  if (now > lastTime) {
    lastTime = now;
    counter = bytes.readUInt16BE(6) & 0x7ff;
  } else if (++counter > 0xfff) {
    lastTime += 1;
    counter = 0;
  }
  bytes.writeUIntBE(lastTime, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return textOf(bytes);
}

/** The UUID v8 (RFC 9562 §5.8) of what these texts name together: always the same. */
export function derivedUuid(...parts: readonly string[]): Uuid {
  const bytes = createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return textOf(bytes);
}

function textOf(bytes: Buffer): Uuid {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function randomSixteen(): Buffer {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  drawn += 16;
  return pool.subarray(drawn - 16, drawn);
}

/** True for the lower-case canonical form of any UUID version. */
export function isUuid(text: string): text is Uuid {
  return UUID.test(text);
}

const WITHIN = /(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])/g;

/** The UUIDs that a text names, each once, in its order. */
export function uuidsIn(text: string): readonly Uuid[] {
  return [...new Set(text.match(WITHIN) ?? [])];
}
