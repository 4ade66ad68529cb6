/**
 * What is found while a descriptor or a package is read: faults with code, place, rule and remedy, gathered in document order. One
 * rule broken in very many places is reported for the first of them and then counted, so that a hostile document cannot
 * make the report larger than itself.
 */

import { excerpt, type Fault, type Place, type Severity } from '../../base/errors.js';
import { RULEBOOK, type RuleCode } from './rulebook.js';

/** `strict`: the standard as written. `lenient`: what has one safe meaning is repaired, with a warning. */
export type Mode = 'strict' | 'lenient';

/** Characters of a message: names from a document may be of any length. */
const LONGEST_MESSAGE = 300;
/** Faults kept of one rule and severity. */
const KEPT = 25;

export class Findings {
  readonly mode: Mode;
  readonly #faults: Fault[] = [];
  readonly #counts = new Map<string, number>();
  readonly #places = new Set<string>();
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

  /** All findings in document order. */
  list(): Fault[] {
    const rest = [...this.#counts]
      .filter(([, count]) => count > KEPT)
      .map(([key, count]): Fault => {
        const [severity, rule] = key.split(' ') as [Severity, RuleCode];
        return { ...base(severity, rule), message: `${count - KEPT} more places break the same rule` };
      });
    return [...this.#faults.sort(inDocumentOrder), ...rest];
  }

  #add(severity: Severity, rule: RuleCode, at: Place, message: string, value: string | undefined): void {
    if (severity === 'error') this.#errors++;
    if (severity === 'warning') this.#warnings++;
    this.#places.add(placeKey(rule, at));
    const key = `${severity} ${rule}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count > KEPT) return;
    this.#faults.push({
      ...base(severity, rule),
      message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message,
      place: plainPlace(at),
      ...(value === undefined ? {} : { value: excerpt(value) }),
    });
  }
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
  const { section, remedy } = RULEBOOK[rule];
  return {
    code: `ovf.${rule}`,
    severity,
    rule: rule === 'schema' ? 'DSP8023' : `${rule}, DSP0243 ${section}`,
    remedy,
  };
}
