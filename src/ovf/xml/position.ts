/** Where in the text of a document something stands: lines and columns as people count them, from 1, in characters. */

export interface Position {
  readonly line: number;
  readonly column: number;
}

const NEWLINE = 0x0a;

/**
 * Reads positions off a document in UTF-8. Offsets must not decrease from call to call, so that a whole document costs
 * one pass over it.
 */
export class Positions {
  readonly #utf8: Buffer;
  #offset = 0;
  #line = 1;
  #column = 1;

  constructor(utf8: Buffer) {
    this.#utf8 = utf8;
  }

  at(offset: number): Position {
    let start = this.#offset;
    for (
      let end = this.#utf8.indexOf(NEWLINE, start);
      end !== -1 && end < offset;
      end = this.#utf8.indexOf(NEWLINE, start)
    ) {
      this.#line++;
      this.#column = 1;
      start = end + 1;
    }
    // Every byte that does not continue a character begins one.
    for (let at = start; at < offset; at++) if (((this.#utf8[at] ?? 0) & 0xc0) !== 0x80) this.#column++;
    this.#offset = offset;
    return { line: this.#line, column: this.#column };
  }
}
