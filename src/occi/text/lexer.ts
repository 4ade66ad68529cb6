/**
 * The lexical rules of the OCCI text renderings: tokens, quoted strings and `<URI-reference>`s of RFC 2616 §2.2, on which
 * the productions of GFD.229 §4 are built. The lexer walks over one field value at a time; every character is looked at a
 * bounded number of times and nothing is matched backwards, so the cost is linear in the length of the text.
 */

import { Occurrences } from './occurrences.js';

/** A place where the grammar cannot go on. The production that meets it is given up, the ones after it are still read. */
export class SyntaxBreak extends Error {
  readonly code: string;
  /** Offset in the text of the lexer. */
  readonly at: number;
  readonly remedy: string;

  constructor(code: string, message: string, at: number, remedy: string) {
    super(message);
    this.code = code;
    this.at = at;
    this.remedy = remedy;
  }
}

export const TAB = 0x09;
export const SPACE = 0x20;
export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
const HYPHEN = 0x2d;
const DOT = 0x2e;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const LESS = 0x3c;
export const EQUALS = 0x3d;
const UNDERSCORE = 0x5f;
/** What {@link FieldLexer.peek} answers at the end of the value. */
export const END = -1;

/* What a character of ASCII may be part of. */
/** Of a term or the name of an attribute: OCCI 1.2's production, of which 1.1's is a part. */
const OF_NAME = 1;
/** Of a URI-reference. */
const OF_URI = 2;
/** Of an unquoted value, which may hold `=`: a URI with a query. */
const OF_WORD = 4;
/** Of the content of a quoted string, as it stands. */
const OF_STRING = 8;

const CHARACTERS = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  const control = (code < SPACE && code !== TAB) || code === 0x7f;
  return (
    (/[A-Za-z0-9._-]/.test(char) ? OF_NAME : 0) |
    (code > SPACE && !control && !/["<>\\]/.test(char) ? OF_URI : 0) |
    (code > SPACE && !control && !/[",;<>]/.test(char) ? OF_WORD : 0) |
    (!control && code !== QUOTE && code !== BACKSLASH ? OF_STRING : 0)
  );
});

/** Beyond ASCII everything may stand in URIs, words and strings, nothing in names. */
function isPartOf(code: number, what: number): boolean {
  return code < 128 ? ((CHARACTERS[code] ?? 0) & what) !== 0 : what !== OF_NAME;
}

export class FieldLexer {
  readonly text: string;
  position = 0;
  private end: number;
  private readonly closings: Occurrences;

  /** A lexer of the whole text; {@link select} turns it to a part. */
  constructor(text: string) {
    this.text = text;
    this.end = text.length;
    this.closings = new Occurrences('>', text);
  }

  /** Turns to the value between two offsets, in which no line ends; values are read in their order. */
  select(from: number, to: number): void {
    this.position = from;
    this.end = to;
  }

  skipBlanks(): void {
    while (this.position < this.end) {
      const code = this.text.charCodeAt(this.position);
      if (code !== SPACE && code !== TAB) return;
      this.position += 1;
    }
  }

  /** Code of the next character after blanks, or {@link END}. */
  peek(): number {
    this.skipBlanks();
    return this.position < this.end ? this.text.charCodeAt(this.position) : END;
  }

  /** Consumes the separator if it comes next. */
  take(separator: number): boolean {
    if (this.peek() !== separator) return false;
    this.position += 1;
    return true;
  }

  /** Consumes the text if it comes next, letter by letter. */
  takeText(expected: string): boolean {
    this.skipBlanks();
    if (!this.text.startsWith(expected, this.position)) return false;
    this.position += expected.length;
    return true;
  }

  /** The name of a field; empty if none comes next. */
  fieldName(): string {
    return this.name();
  }

  /** A term or the name of a parameter or attribute; empty if none comes next. */
  name(): string {
    const first = this.peek();
    return first === HYPHEN || first === DOT || first === UNDERSCORE ? '' : this.run(OF_NAME);
  }

  /** An unquoted value; empty if none comes next. */
  word(): string {
    this.skipBlanks();
    return this.run(OF_WORD);
  }

  /** A URI-reference in a comma-separated list; empty if none comes next. It may hold semicolons. */
  uri(): string {
    this.skipBlanks();
    return this.run(OF_URI, COMMA);
  }

  /** The longest run of such characters. */
  private run(what: number, but: number = END): string {
    const { text, end } = this;
    const from = this.position;
    let at = from;
    for (; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === but || !isPartOf(code, what)) break;
    }
    this.position = at;
    return text.slice(from, at);
  }

  /**
   * The content of a quoted string, whose opening quote comes next; `\x` stands for x.
   * @throws SyntaxBreak if the closing quote is missing or a control character is inside.
   */
  quoted(): string {
    const open = this.position;
    const { text, end } = this;
    let content = '';
    let control = false;
    let from = open + 1;
    for (let at = from; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (isPartOf(code, OF_STRING)) continue;
      if (code === QUOTE) {
        this.position = at + 1;
        if (control) throw controlCharacter(open);
        return content + text.slice(from, at);
      }
      if (code === BACKSLASH) {
        content += text.slice(from, at);
        at += 1;
        from = at;
        control ||= isControl(text.charCodeAt(at));
      } else {
        control = true;
      }
    }
    this.position = end;
    throw new SyntaxBreak(
      'text.unterminated-string',
      'a quoted string is not closed on its line',
      open,
      'close it with " and write " and \\ inside as \\" and \\\\',
    );
  }

  /** Consumes a quoted string, whose opening quote comes next, if it is just this, which holds neither quote nor backslash. */
  takeQuoted(content: string): boolean {
    const close = this.position + 1 + content.length;
    if (this.text.charCodeAt(close) !== QUOTE || !this.comesNext(content, this.position + 1)) return false;
    this.position = close + 1;
    return true;
  }

  /** Consumes the name if just this comes next. */
  takeName(expected: string): boolean {
    const behind = this.position + expected.length;
    if (behind < this.end && isPartOf(this.text.charCodeAt(behind), OF_NAME)) return false;
    if (!this.comesNext(expected, this.position)) return false;
    this.position = behind;
    return true;
  }

  /** Cutting out and comparing costs a third of `startsWith`, which V8 does character by character. */
  private comesNext(expected: string, at: number): boolean {
    return this.text.slice(at, at + expected.length) === expected;
  }

  /**
   * The content of `<…>`, whose `<` comes next.
   * @throws SyntaxBreak if the `>` is missing.
   */
  angle(): string {
    const open = this.position;
    const close = this.closings.from(open + 1);
    if (close < this.end) {
      this.position = close + 1;
      return this.text.slice(open + 1, close).trim();
    }
    this.position = this.end;
    throw new SyntaxBreak('text.unterminated-uri', 'a "<" is not closed by ">"', open, 'write the target as <URI>');
  }

  /** Goes on to the next comma that is not inside a quoted string or `<…>`, or to the end. */
  skipToComma(): void {
    for (let code = this.peek(); code !== END && code !== COMMA; code = this.peek()) {
      if (code !== QUOTE && code !== LESS) {
        this.position += 1;
        continue;
      }
      try {
        if (code === QUOTE) this.quoted();
        else this.angle();
      } catch (error) {
        if (!(error instanceof SyntaxBreak)) throw error;
      }
    }
  }
}

function isControl(code: number): boolean {
  return (code < SPACE && code !== TAB) || code === 0x7f;
}

function controlCharacter(at: number): SyntaxBreak {
  return new SyntaxBreak(
    'text.control-character',
    'a control character stands inside a quoted string',
    at,
    'leave it out',
  );
}
