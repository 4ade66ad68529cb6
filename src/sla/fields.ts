/**
 * Reading the members of a JSON object into precise types, with a fault for everything that is wrong and none of it
 * thrown: a document is judged whole. Every fault has the JSON pointer of its place (RFC 6901). A member that nobody
 * asked for is a fault too, because a guarantee that nobody understands must not be accepted (`spec/sla.md` §2).
 */

import { excerpt, type Fault } from '../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.js';
import { parseDateTime, parseDuration, type Duration } from './duration.js';

/** More faults than this are not collected from one document. */
const MOST_FAULTS = 100;
const LONGEST_TEXT = 4096;

export class Faults {
  readonly list: Fault[] = [];

  /** Notes that the value at `path` is wrong. */
  add(code: string, path: string, message: string, remedy: string, value?: JsonValue): undefined {
    if (this.list.length >= MOST_FAULTS) return undefined;
    const shown = value === undefined ? {} : { value: excerpt(value) };
    this.list.push({ code, message, place: { path }, rule: 'spec/sla §2', remedy, ...shown });
    return undefined;
  }
}

export class Fields {
  readonly path: string;
  readonly faults: Faults;
  readonly #json: JsonObject;
  readonly #asked = new Set<string>();

  /** A value that is no object is noted and read as an empty one. */
  constructor(json: JsonValue, path: string, faults: Faults) {
    this.path = path;
    this.faults = faults;
    this.#json = isJsonObject(json) ? json : {};
    if (!isJsonObject(json)) faults.add('sla.shape', path, 'this must be an object', 'write { … }', json);
  }

  at(name: string): string {
    return `${this.path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** The member as it is; a member that is null counts as absent. */
  raw(name: string): JsonValue | undefined {
    this.#asked.add(name);
    const value = Object.hasOwn(this.#json, name) ? this.#json[name] : undefined;
    return value === null ? undefined : value;
  }

  text(name: string, pattern?: RegExp, remedy = 'write a text'): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const sound = typeof value === 'string' && value.length <= LONGEST_TEXT && (pattern?.test(value) ?? true);
    return sound ? value : this.wrong(name, 'this is no valid text here', remedy, value);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const found = allowed.find((candidate) => candidate === value);
    return (
      found ?? this.wrong(name, 'this is not one of the words it can be', `write one of ${allowed.join(', ')}`, value)
    );
  }

  number(name: string, min = -Number.MAX_VALUE, max = Number.MAX_VALUE): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= min && value <= max) return value;
    return this.wrong(name, 'this is not a number in its range', `write a number${range(min, max)}`, value);
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    return this.wrong(name, 'this is not a whole number in its range', `write a whole number${range(min, max)}`, value);
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.wrong(name, 'this is neither true nor false', 'write true or false', value);
  }

  /** An absolute date-time, in milliseconds since the epoch. */
  time(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const time = typeof value === 'string' ? parseDateTime(value) : undefined;
    return (
      time ??
      this.faults.add(
        'sla.time',
        this.at(name),
        'this is not an absolute date-time',
        'write 2026-01-01T00:00:00Z',
        value,
      )
    );
  }

  duration(name: string): Duration | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const duration = typeof value === 'string' ? parseDuration(value) : undefined;
    return (
      duration ??
      this.faults.add('sla.duration', this.at(name), 'this is not an ISO 8601 duration', 'write PT5M or P1M', value)
    );
  }

  /** A duration of fixed length, in seconds. */
  seconds(name: string): number | undefined {
    const duration = this.duration(name);
    if (duration === undefined || duration.months === 0) return duration?.seconds;
    return this.faults.add(
      'sla.duration',
      this.at(name),
      'months and years have no fixed length',
      'write it in days or less',
    );
  }

  /** The elements of an array, each with its pointer; absent: none. */
  list(name: string, most: number): readonly { readonly value: JsonValue; readonly path: string }[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.wrong(name, 'this must be an array', 'write [ … ]', value) ?? [];
    const elements = value as readonly JsonValue[];
    if (elements.length > most) {
      this.faults.add('sla.limit', this.at(name), `there are more than ${most} elements`, `write at most ${most}`);
      return [];
    }
    return elements.map((element, index) => ({ value: element, path: `${this.at(name)}/${index}` }));
  }

  texts(name: string, most: number): string[] {
    return this.list(name, most).flatMap(({ value, path }) => {
      if (typeof value === 'string' && value.length <= LONGEST_TEXT) return [value];
      this.faults.add('sla.shape', path, 'this must be a text', 'write a text', value);
      return [];
    });
  }

  /** A member object, read by `read`; absent: undefined. */
  object<T>(name: string, read: (fields: Fields) => T): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const fields = new Fields(value, this.at(name), this.faults);
    const result = read(fields);
    fields.end();
    return result;
  }

  /** The elements of an array of objects. */
  objects<T>(name: string, most: number, read: (fields: Fields) => T): T[] {
    return this.list(name, most).map(({ value, path }) => {
      const fields = new Fields(value, path, this.faults);
      const result = read(fields);
      fields.end();
      return result;
    });
  }

  /** The value, with a fault if it is missing from the document; one that was there and wrong has its fault already. */
  required<T>(name: string, value: T | undefined, fallback: T): T {
    if (value === undefined && !this.has(name)) {
      this.faults.add('sla.missing', this.at(name), `${name} is missing`, `add ${name}`);
    }
    return value ?? fallback;
  }

  wrong(name: string, message: string, remedy: string, value?: JsonValue): undefined {
    return this.faults.add('sla.value', this.at(name), message, remedy, value);
  }

  /** Notes every member that nobody asked for. */
  end(): void {
    for (const name of Object.keys(this.#json)) {
      if (this.#asked.has(name)) continue;
      const known = [...this.#asked].join(', ');
      this.faults.add('sla.unknown-field', this.at(name), `"${excerpt(name)}" is not known here`, `known: ${known}`);
    }
  }
}

function range(min: number, max: number): string {
  const low = min === -Number.MAX_VALUE ? '' : ` from ${min}`;
  return max === Number.MAX_VALUE ? low : `${low} to ${max}`;
}
