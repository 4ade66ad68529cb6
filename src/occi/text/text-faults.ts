/**
 * Where the text parser writes down what it finds wrong: every fault with its line, column and field, up to a number that
 * a person can still read and an attacker cannot make expensive.
 */

import { Problem, excerpt, type Fault } from '../../base/errors.js';
import type { SyntaxBreak } from './lexer.js';

/** After so many faults the rest of the input is not looked at. */
const MOST_FAULTS = 100;

export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly value?: string;
}

export class TextFaults {
  private readonly found: Fault[] = [];
  private line: number | undefined;
  private lineStart = 0;
  private field = '';
  private rule = '';

  get count(): number {
    return this.found.length;
  }

  /** The field that is being read: name, rule of its grammar, offset of column 1, and its line if it stands in a body. */
  enter(field: string, rule: string, lineStart: number, line?: number): void {
    this.field = field;
    this.rule = rule;
    this.lineStart = lineStart;
    this.line = line;
  }

  /** @throws Problem `malformed` when there are too many. */
  add(at: number, finding: Finding): void {
    const { value, ...rest } = finding;
    this.found.push({
      ...rest,
      place: {
        ...(this.line === undefined ? {} : { line: this.line }),
        column: at - this.lineStart + 1,
        ...(this.field === '' ? {} : { field: this.field }),
      },
      rule: this.rule,
      ...(value === undefined ? {} : { value: excerpt(value) }),
    });
    if (this.found.length < MOST_FAULTS) return;
    this.found.push({
      code: 'text.too-many-faults',
      message: `the first ${MOST_FAULTS} faults are listed, the rest was not read`,
    });
    this.report();
  }

  addBreak(stop: SyntaxBreak): void {
    this.add(stop.at, { code: stop.code, message: stop.message, remedy: stop.remedy });
  }

  /** @throws Problem `malformed` with everything that was found, if anything was. */
  report(): void {
    if (this.found.length > 0) throw new Problem('malformed', this.found);
  }
}
