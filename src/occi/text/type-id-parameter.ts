/**
 * A parameter that holds type identifiers, such as the `rel` of links (GFD.229 §4.2). The links of a request mostly name
 * the same few types: what says the same as the last one is compared with it, which costs a fraction of reading it,
 * cutting it out and judging it again.
 */

import type { TypeId } from '../model.js';
import { QUOTE, type FieldLexer } from './lexer.js';
import { takeEquals, valueText } from './parameters.js';
import { isAbsoluteUri, typeIds } from './uri.js';

const NONE: readonly TypeId[] = [];

export class TypeIdParameter {
  /** The last value that was sound, and what it holds. Being sound, it has neither quotes nor backslashes in it. */
  private known = '';
  private knownIds = NONE;
  /** What the link at hand says, and all that it says where it says it more than once. */
  private first = NONE;
  private all: TypeId[] | undefined;

  /** Forgets what the link before has said. */
  begin(): void {
    this.first = NONE;
    this.all = undefined;
  }

  /**
   * Reads the value behind the name.
   * @throws SyntaxBreak if there is none.
   */
  read(lexer: FieldLexer, name: string): void {
    const ids = this.next(lexer, name);
    if (this.first.length === 0) {
      this.first = ids;
      return;
    }
    this.all ??= [...this.first];
    for (const id of ids) this.all.push(id);
  }

  /** Everything that was read, each identifier once. */
  ids(): readonly TypeId[] {
    return this.all ? [...new Set(this.all)] : this.first;
  }

  /** Those that are no type identifiers. */
  unsound(ids: readonly TypeId[]): readonly TypeId[] {
    return ids === this.knownIds ? NONE : ids.filter((id) => !isAbsoluteUri(id));
  }

  private next(lexer: FieldLexer, name: string): readonly TypeId[] {
    takeEquals(lexer, name);
    if (this.known !== '' && lexer.peek() === QUOTE && lexer.takeQuoted(this.known)) return this.knownIds;
    const text = valueText(lexer, name);
    const ids = typeIds(text);
    const unique = ids.length < 2 ? ids : [...new Set(ids)];
    if (unique.length > 0 && unique.every(isAbsoluteUri)) {
      this.known = text;
      this.knownIds = unique;
    }
    return unique;
  }
}
