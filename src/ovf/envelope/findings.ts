/**
 * What is found while a descriptor or a package is read: faults with code, place, rule and remedy, gathered in document order.
 * Errors are told one by one. Of what stops nothing and comes up very often only the first places are told in full and the
 * lines of the others named. All of it is bounded, or a hostile document could ask for any report.
 */

import { excerpt, type Fault, type Place, type Severity } from '../../base/errors.js';
import { RULEBOOK, type RuleCode } from './rulebook.js';

/** `strict`: the standard as written. `lenient`: what has one safe meaning is repaired, with a warning. */
export type Mode = 'strict' | 'lenient';

/** Characters of a message: names from a document may be of any length. */
const LONGEST_MESSAGE = 300;
/** Errors that are told in full. */
export const MOST_ERRORS = 1_000;
/** Warnings of one rule that are told in full, and notes. */
const MOST_ALIKE = 25;
/** Lines that are named of the others. */
const MOST_LINES = 100;

/** Places of one rule and severity that are not told in full. */
interface Rest {
  count: number;
  readonly lines: Set<number>;
}

export class Findings {
  readonly mode: Mode;
  readonly #faults: Fault[] = [];
  readonly #counts = new Map<string, number>();
  readonly #rest = new Map<string, Rest>();
  /** What was said of which place, and whether it was at least as grave as a deviation. */
  readonly #places = new Map<string, boolean>();
  #errors = 0;
  #warnings = 0;

  constructor(mode: Mode) {
    this.mode = mode;
  }

  /** Errors so far, those that were only counted included. */
  get errors(): number {
    return this.#errors;
  }

  /** Warnings so far, likewise. */
  get warnings(): number {
    return this.#warnings;
  }

  error(rule: RuleCode, at: Place, message: string, value?: string): void {
    this.#add('error', rule, at, message, value);
  }

  warning(rule: RuleCode, at: Place, message: string, value?: string): void {
    this.#add('warning', rule, at, message, value);
  }

  note(rule: RuleCode, at: Place, message: string, value?: string): void {
    this.#add('info', rule, at, message, value);
  }

  /** What strict mode refuses and lenient mode repairs; `assumption` says how. */
  deviation(rule: RuleCode, at: Place, message: string, assumption: string, value?: string): void {
    if (this.mode === 'strict') this.#add('error', rule, at, message, value);
    else this.#add('warning', rule, at, `${message}; ${assumption}`, value);
  }

  /** True when the rule has already been reported for this place. */
  has(rule: RuleCode, at: Place): boolean {
    return this.#places.has(placeKey(rule, at));
  }

  /** True when it has been reported there as gravely as a deviation, so that another one of the place would say it again. */
  covers(rule: RuleCode, at: Place): boolean {
    return this.#places.get(placeKey(rule, at)) === true;
  }

  /** All findings in document order. */
  list(): Fault[] {
    const rest = [...this.#rest].map(([key, { count, lines }]): Fault => {
      const [severity, rule] = key.split(' ') as [Severity, RuleCode];
      return { ...base(severity, rule), message: restMessage(count, lines) };
    });
    return [...this.#faults.sort(inDocumentOrder), ...rest];
  }

  #add(severity: Severity, rule: RuleCode, at: Place, message: string, value: string | undefined): void {
    if (severity === 'error') this.#errors++;
    if (severity === 'warning') this.#warnings++;
    const grave = severity === 'error' || (severity === 'warning' && this.mode === 'lenient');
    const place = placeKey(rule, at);
    this.#places.set(place, grave || this.#places.get(place) === true);
    const key = `${severity} ${rule}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (severity === 'error' ? this.#errors > MOST_ERRORS : count > MOST_ALIKE) return this.#leaveOut(key, at);
    this.#faults.push({
      ...base(severity, rule),
      message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message,
      place: plainPlace(at),
      ...(value === undefined ? {} : { value: excerpt(value) }),
    });
  }

  #leaveOut(key: string, { line }: Place): void {
    const rest = this.#rest.get(key) ?? { count: 0, lines: new Set() };
    this.#rest.set(key, rest);
    rest.count++;
    if (line !== undefined && rest.lines.size <= MOST_LINES) rest.lines.add(line);
  }
}

function restMessage(count: number, lines: ReadonlySet<number>): string {
  const what = count === 1 ? '1 more place breaks the same rule' : `${count} more places break the same rule`;
  if (lines.size === 0) return what;
  const named = [...lines].sort((a, b) => a - b).slice(0, MOST_LINES);
  return `${what}: line ${named.join(', ')}${lines.size > MOST_LINES ? ', …' : ''}`;
}

/** A place as a value of its own, to be kept and shown when the document is gone. */
export function plainPlace({ line, column, path, field }: Place): Place {
  return {
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
    ...(path !== undefined && { path }),
    ...(field !== undefined && { field }),
  };
}

function inDocumentOrder({ place: a }: Fault, { place: b }: Fault): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}

function placeKey(rule: RuleCode, { line, column }: Place): string {
  return `${rule}:${line}:${column}`;
}

function base(severity: Severity, rule: RuleCode): Pick<Fault, 'code' | 'severity' | 'rule' | 'remedy'> {
  return { code: `ovf.${rule}`, severity, rule: ruleText(rule), remedy: RULEBOOK[rule].remedy };
}

/** The rule with the section of the standard that it rests on. */
export function ruleText(rule: RuleCode): string {
  return rule === 'schema' ? 'DSP8023' : `${rule}, DSP0243 ${RULEBOOK[rule].section}`;
}
