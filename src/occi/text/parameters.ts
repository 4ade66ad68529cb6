/** The `;`-separated parameters that follow a term or a target (GFD.229 §4.1, §4.2), in any order and with blanks anywhere. */

import { END, COMMA, EQUALS, QUOTE, SEMICOLON, SyntaxBreak, type FieldLexer } from './lexer.js';
import type { TextFaults } from './text-faults.js';

/**
 * Moves to the name of the next parameter and answers it, or `undefined` at the end of the value. Empty parameters
 * (`;;`, a trailing `;`) are passed over. Blanks alone separate too: rOCCI 4 writes link attributes so, and so does an
 * example of GFD.229 §6.1.
 *
 * @param expected a name that may well come next: to compare costs less than to read
 * @throws SyntaxBreak for anything else than a parameter.
 */
export function nextParameter(lexer: FieldLexer, expected?: string): string | undefined {
  const before = lexer.position;
  let next = lexer.peek();
  let separated = lexer.position > before;
  for (; next === SEMICOLON; next = lexer.peek()) {
    lexer.position += 1;
    separated = true;
  }
  if (next === END || next === COMMA) return undefined;
  if (separated && expected !== undefined && lexer.takeName(expected)) return expected;
  const name = separated ? lexer.name() : '';
  if (name === '') throw unexpected(lexer);
  return name;
}

/**
 * The value after a name: `= "…"` or `= word`.
 * @throws SyntaxBreak if there is none.
 */
export function parameterValue(lexer: FieldLexer, name: string): string {
  takeEquals(lexer, name);
  return valueText(lexer, name);
}

/**
 * The value behind the `=`.
 * @throws SyntaxBreak if there is none.
 */
export function valueText(lexer: FieldLexer, name: string): string {
  if (lexer.peek() === QUOTE) return lexer.quoted();
  const word = lexer.word();
  if (word !== '') return word;
  throw new SyntaxBreak(
    'text.missing-value',
    `${name} has no value`,
    lexer.position,
    `write ${name}="value" or leave it out`,
  );
}

/** @throws SyntaxBreak if no "=" follows the name. */
export function takeEquals(lexer: FieldLexer, name: string): void {
  if (lexer.take(EQUALS)) return;
  const next = lexer.peek();
  if (next !== END && next !== COMMA && next !== SEMICOLON) throw unexpected(lexer);
  throw new SyntaxBreak(
    'text.missing-equals',
    `${name} is not followed by "="`,
    lexer.position,
    `write ${name}="…" or ${name}=1`,
  );
}

/** Parameters that may come once: a repeated one has to say the same. */
export function once(earlier: string | undefined, value: string, name: string, at: number, faults: TextFaults): string {
  if (earlier !== undefined && earlier !== value) {
    faults.add(at, {
      code: 'text.parameter-twice',
      message: `${name} is given twice with different values`,
      remedy: 'give it once',
      value,
    });
  }
  return earlier ?? value;
}

export function unexpected(lexer: FieldLexer): SyntaxBreak {
  const code = lexer.peek();
  const what =
    code === END
      ? 'the end of the line'
      : JSON.stringify(String.fromCodePoint(lexer.text.codePointAt(lexer.position) ?? code));
  return new SyntaxBreak(
    'text.unexpected',
    `${what} is not expected here`,
    lexer.position,
    'names hold only letters, digits, "-", "_" and "."; separate values by ",", parameters by ";", and quote all other text',
  );
}
