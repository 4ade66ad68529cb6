/**
 * The Attribute production (GFD.185 §3.5.4, GFD.229 §4.3). Quoted values are strings, `true`, `false` and digits are typed,
 * but no text value is sure of its type: jOCCI sends digits for strings and quotes booleans (I-015, I-016), so all of them
 * may be coerced to the declared type later.
 */

import type { AttributeInput } from '../request.js';
import { QUOTE, SEMICOLON, SyntaxBreak, type FieldLexer } from './lexer.js';
import { takeEquals, unexpected } from './parameters.js';
import type { TextFaults } from './text-faults.js';

/** Sign and exponent are accepted, never written (A14); `.5` and `5.` are floats by the grammar. */
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Reads one attribute-repr into the map.
 * @throws SyntaxBreak where the grammar cannot go on.
 */
export function parseAttribute(lexer: FieldLexer, attributes: Map<string, AttributeInput>, faults: TextFaults): void {
  const name = lexer.name();
  if (name === '') throw unexpected(lexer);
  const at = lexer.position - name.length;
  const input = parseAttributeValue(lexer, name);
  putAttribute(attributes, name, input, at, faults);
  // Emitters of the 1.1 time end attributes with a semicolon, as the examples of the standard do.
  while (lexer.take(SEMICOLON));
}

/**
 * The `= value` behind a name.
 * @throws SyntaxBreak if there is none.
 */
export function parseAttributeValue(lexer: FieldLexer, name: string): AttributeInput {
  takeEquals(lexer, name);
  if (lexer.peek() === QUOTE) return { value: lexer.quoted(), typed: false };
  const word = lexer.word();
  if (word !== '') return unquotedValue(word);
  throw new SyntaxBreak(
    'text.attribute.value',
    `attribute ${name} has no value`,
    lexer.position,
    `write ${name}="" for an empty string, or leave it out`,
  );
}

function unquotedValue(word: string): AttributeInput {
  if (word === 'true') return { value: true, typed: false };
  if (word === 'false') return { value: false, typed: false };
  if (!NUMBER.test(word)) return { value: word, typed: false };
  // Adding 0 turns -0 into 0, which JSON cannot tell apart.
  const value = Number(word) + 0;
  if (!Number.isFinite(value)) return { value: word, typed: false };
  return String(value) === word ? { value, typed: false } : { value, typed: false, written: word };
}

/** Adds an attribute; a second value for the same name is a fault, the same value again is not. */
export function putAttribute(
  attributes: Map<string, AttributeInput>,
  name: string,
  input: AttributeInput,
  at: number,
  faults: TextFaults,
): void {
  const earlier = attributes.get(name);
  if (earlier === undefined) {
    attributes.set(name, input);
  } else if (earlier.value !== input.value && textOf(earlier) !== textOf(input)) {
    faults.add(at, {
      code: 'text.attribute.twice',
      message: `attribute ${name} is given twice with different values`,
      remedy: 'give it once',
      value: textOf(input),
    });
  }
}

/** The value as the client wrote it, without quotes. */
export function textOf({ value, written }: AttributeInput): string {
  return written ?? (typeof value === 'string' ? value : JSON.stringify(value));
}
