/**
 * JSON text as a value (RFC 8259), read by a parser of our own because the platform's tells neither where a fault is
 * nor that a member came twice. Nesting is bounded, and member names that reach into JavaScript's prototypes are
 * refused wherever they stand, so that nothing above has to think of them (S-088).
 */

import { excerpt, type Fault } from '../../base/errors.js';
import type { JsonValue } from '../../base/json.js';

/** Deepest nesting of arrays and objects. */
export const DEEPEST_JSON = 64;
/** More faults than this are not collected from one document. */
export const MOST_FAULTS = 100;

export interface JsonDocument {
  /** What was read; `null` when the text broke off at a fault. Where a member came twice, the first. */
  readonly value: JsonValue;
  /** All of kind malformed, with line, column and JSON pointer. */
  readonly faults: readonly Fault[];
}

export function readJson(text: string): JsonDocument {
  const reader = new JsonReader(text);
  try {
    return { value: reader.document(), faults: reader.faults() };
  } catch (error) {
    if (error !== BROKEN) throw error;
    return { value: null, faults: reader.faults() };
  }
}

/** One step of a JSON pointer appended (RFC 6901 §3). */
export function pointer(path: string, step: string | number): string {
  return `${path}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Thrown to leave the recursion; the fault has been noted by then. */
const BROKEN = new Error('broken JSON');
const UNSAFE_MEMBERS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERALS: readonly (readonly [string, JsonValue])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const LONE_SURROGATE = /[\ud800-\udfff]/u;

interface Note {
  readonly code: string;
  readonly message: string;
  readonly path: string;
  readonly at: number;
}

class JsonReader {
  readonly #notes: Note[] = [];
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    this.#at = this.#text.charCodeAt(0) === 0xfeff ? 1 : 0;
    this.#blank();
    const value = this.#value();
    this.#blank();
    if (this.#at < this.#text.length) this.#break('json.trailing', 'text goes on after the JSON value', this.#at);
    return value;
  }

  /** What was noted, in the order of noting. Lines are counted in one pass over the text, however many notes there are. */
  faults(): readonly Fault[] {
    const lines = new Map<number, { line: number; column: number }>();
    let line = 1;
    let start = 0;
    for (const at of this.#notes.map((note) => note.at).sort((one, other) => one - other)) {
      for (let end = this.#text.indexOf('\n', start); end >= 0 && end < at; end = this.#text.indexOf('\n', start)) {
        line += 1;
        start = end + 1;
      }
      lines.set(at, { line, column: at - start + 1 });
    }
    return this.#notes.map(({ code, message, path, at }) => ({
      code,
      message,
      place: { ...lines.get(at), path },
      rule: 'RFC 8259',
      remedy: 'send well-formed JSON in which each member of an object has its own name',
    }));
  }

  #value(): JsonValue {
    const char = this.#text[this.#at];
    if (char === '{') return this.#object();
    if (char === '[') return this.#array();
    if (char === '"') return this.#string();
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #object(): JsonValue {
    const members: Record<string, JsonValue> = {};
    this.#enter();
    if (!this.#take('}')) {
      do {
        this.#blank();
        const start = this.#at;
        if (this.#text[start] !== '"')
          this.#break('json.member-name', 'a member name in double quotes is expected', start);
        const name = this.#string();
        this.#blank();
        if (!this.#take(':')) this.#break('json.colon', 'a ":" is expected after a member name', this.#at);
        this.#path.push(name);
        this.#blank();
        const value = this.#value();
        if (UNSAFE_MEMBERS.has(name)) this.#note('json.unsafe-member', `member name ${name} is not allowed`, start);
        else if (Object.hasOwn(members, name))
          this.#note('json.duplicate-member', `member ${excerpt(name)} came before`, start);
        else members[name] = value;
        this.#path.pop();
        this.#blank();
      } while (this.#take(','));
      if (!this.#take('}')) this.#break('json.object-end', '"," or "}" is expected', this.#at);
    }
    return members;
  }

  #array(): JsonValue {
    const elements: JsonValue[] = [];
    this.#enter();
    if (!this.#take(']')) {
      do {
        this.#path.push(elements.length);
        this.#blank();
        elements.push(this.#value());
        this.#path.pop();
        this.#blank();
      } while (this.#take(','));
      if (!this.#take(']')) this.#break('json.array-end', '"," or "]" is expected', this.#at);
    }
    return elements;
  }

  /** Steps over the opening bracket, unless that would be a level too many. */
  #enter(): void {
    if (this.#path.length >= DEEPEST_JSON) {
      this.#break('json.depth', `arrays and objects are nested deeper than ${DEEPEST_JSON} levels`, this.#at);
    }
    this.#at += 1;
    this.#blank();
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    let wide = false;
    for (let at = start + 1; at < this.#text.length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        const content = escaped ? this.#unescape(start, at + 1) : this.#text.slice(start + 1, at);
        if ((wide || escaped) && LONE_SURROGATE.test(content))
          this.#note('json.surrogate', 'the string has an unpaired surrogate', start);
        return content;
      }
      if (code === 0x5c) {
        escaped = true;
        at += 1;
      } else if (code < 0x20) {
        this.#break('json.control-character', 'a control character in a string must be escaped', at);
      } else if (code >= 0xd800) {
        wide = true;
      }
    }
    return this.#break('json.string-end', 'the string is not closed', start);
  }

  /** The platform knows the escapes; it is given the one string that has some. */
  #unescape(start: number, end: number): string {
    try {
      return JSON.parse(this.#text.slice(start, end)) as string;
    } catch {
      return this.#break('json.escape', 'the string has an escape that JSON does not know', start);
    }
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text)?.[0];
    if (found === undefined) {
      const ended = this.#at >= this.#text.length;
      return this.#break(
        'json.value',
        ended ? 'the text ends where a value is expected' : 'a JSON value is expected',
        this.#at,
      );
    }
    const value = Number(found);
    if (!Number.isFinite(value)) this.#note('json.number-range', 'the number is too large', this.#at);
    this.#at += found.length;
    return value;
  }

  #blank(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #break(code: string, message: string, at: number): never {
    this.#note(code, message, at);
    throw BROKEN;
  }

  #note(code: string, message: string, at: number): void {
    if (this.#notes.length >= MOST_FAULTS) throw BROKEN;
    this.#notes.push({ code, message, path: this.#path.reduce<string>(pointer, ''), at });
  }
}
