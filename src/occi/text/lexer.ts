/**
 * The lexical rules of the OCCI text renderings: tokens, quoted strings and `<URI-reference>`s of RFC 2616 §2.2, on which
 * the productions of GFD.229 §4 are built. The lexer walks over one field value; every character is looked at a bounded
 * number of times, nothing is matched backwards, so the cost is linear in the length of the value.
 */

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
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const LESS = 0x3c;
export const EQUALS = 0x3d;
export const GREATER = 0x3e;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;
/** What {@link FieldLexer.peek} answers at the end of the value. */
export const END = -1;

/** What a character ends: a word and a name, or a name alone (a URI may hold `=`). */
const ENDS_WORD = 1;
const ENDS_NAME = 2;
const STOPS = new Uint8Array(128);
STOPS.fill(ENDS_WORD | ENDS_NAME, 0, SPACE + 1);
for (const code of [QUOTE, COMMA, SEMICOLON, LESS, GREATER, DELETE]) STOPS[code] = ENDS_WORD | ENDS_NAME;
STOPS[EQUALS] = ENDS_NAME;

export class FieldLexer {
  text = '';
  position = 0;
  private end = 0;

  /** Turns to the value between two offsets of a text. */
  read(text: string, from: number, to: number): void {
    this.text = text;
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

  /** A term or a name; empty if none comes next. */
  name(): string {
    return this.unquoted(ENDS_NAME);
  }

  /** An unquoted value, which ends at a blank, comma or semicolon; empty if none comes next. */
  word(): string {
    return this.unquoted(ENDS_WORD);
  }

  private unquoted(stop: number): string {
    this.skipBlanks();
    const from = this.position;
    const { text, end } = this;
    let at = from;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (code < STOPS.length && ((STOPS[code] ?? 0) & stop) !== 0) break;
      at += 1;
    }
    this.position = at;
    return text.slice(from, at);
  }

  /** A URI-reference of a comma-separated list: unlike other words it may hold semicolons, `<` stays out of it. */
  uri(): string {
    this.skipBlanks();
    const from = this.position;
    const { text, end } = this;
    let at = from;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (code === COMMA || code <= SPACE) break;
      at += 1;
    }
    this.position = at;
    return text.slice(from, at);
  }

  /**
   * The content of a quoted string, whose opening quote comes next; `\x` stands for x.
   * @throws SyntaxBreak if the closing quote is missing or a control character is inside.
   */
  quoted(): string {
    const { text, end } = this;
    const open = this.position;
    let from = open + 1;
    let unescaped = '';
    let control = END;
    for (let at = from; at < end; at += 1) {
      let code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.position = at + 1;
        if (control !== END) throw controlCharacter(control);
        return unescaped + text.slice(from, at);
      }
      if (code === BACKSLASH) {
        unescaped += text.slice(from, at);
        at += 1;
        from = at;
        code = text.charCodeAt(at);
      }
      if ((code < SPACE && code !== TAB) || code === DELETE) control = at;
    }
    this.position = end;
    throw new SyntaxBreak(
      'text.unterminated-string',
      'a quoted string is not closed on its line',
      open,
      'close it with " and write " and \\ inside as \\" and \\\\',
    );
  }

  /**
   * The content of `<…>`, whose `<` comes next.
   * @throws SyntaxBreak if the `>` is missing.
   */
  angle(): string {
    const open = this.position;
    for (let at = open + 1; at < this.end; at += 1) {
      if (this.text.charCodeAt(at) !== GREATER) continue;
      this.position = at + 1;
      return this.text.slice(open + 1, at).trim();
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

function controlCharacter(at: number): SyntaxBreak {
  return new SyntaxBreak(
    'text.control-character',
    'a control character stands inside a quoted string',
    at,
    'leave it out',
  );
}
