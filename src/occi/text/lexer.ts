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
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const LESS = 0x3c;
export const EQUALS = 0x3d;
/** What {@link FieldLexer.peek} answers at the end of the value. */
export const END = -1;

/* The unquoted tokens: each match is one walk forward, and none reaches over a line end. */
/* eslint-disable no-control-regex -- control characters are what tokens end at */
/** OCCI 1.2's production of terms and attribute names, of which 1.1's is a part. */
const NAME = /(?:[A-Za-z0-9][A-Za-z0-9._-]*)?/y;
/** A value may hold `=`: a URI with a query. */
const WORD = /[^\u0000-\u0020",;<>\u007f]*/y;
/** A member of a list of URI-references may hold semicolons too. */
const URI = /[^\u0000-\u0020",<>\\\u007f]*/y;
const FIELD_NAME = /[A-Za-z-]*/y;
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
/* eslint-enable no-control-regex */

export class FieldLexer {
  readonly text: string;
  position = 0;
  private end: number;
  private readonly quotes: Occurrences;
  private readonly backslashes: Occurrences;
  private readonly closings: Occurrences;

  /** A lexer of the whole text; {@link select} turns it to a part. */
  constructor(text: string) {
    this.text = text;
    this.end = text.length;
    this.quotes = new Occurrences('"', text);
    this.backslashes = new Occurrences('\\', text);
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
    return this.match(FIELD_NAME);
  }

  /** A term or the name of a parameter or attribute; empty if none comes next. */
  name(): string {
    return this.match(NAME);
  }

  /** An unquoted value; empty if none comes next. */
  word(): string {
    return this.match(WORD);
  }

  /** A URI-reference in a comma-separated list; empty if none comes next. */
  uri(): string {
    return this.match(URI);
  }

  private match(token: RegExp): string {
    this.skipBlanks();
    const from = this.position;
    token.lastIndex = from;
    token.test(this.text);
    this.position = token.lastIndex;
    return this.text.slice(from, this.position);
  }

  /**
   * The content of a quoted string, whose opening quote comes next; `\x` stands for x.
   * @throws SyntaxBreak if the closing quote is missing or a control character is inside.
   */
  quoted(): string {
    const open = this.position;
    const { text, end } = this;
    let from = open + 1;
    let content = '';
    let quote = this.quotes.from(from);
    let escape = this.backslashes.from(from);
    while (escape < quote && escape < end) {
      content += text.slice(from, escape);
      from = escape + 1;
      quote = this.quotes.from(from + 1);
      escape = this.backslashes.from(from + 1);
    }
    if (quote >= end) {
      this.position = end;
      throw new SyntaxBreak(
        'text.unterminated-string',
        'a quoted string is not closed on its line',
        open,
        'close it with " and write " and \\ inside as \\" and \\\\',
      );
    }
    content += text.slice(from, quote);
    this.position = quote + 1;
    if (CONTROL.test(content)) {
      throw new SyntaxBreak(
        'text.control-character',
        'a control character stands inside a quoted string',
        open,
        'leave it out',
      );
    }
    return content;
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
