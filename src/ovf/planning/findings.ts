/**
 * The findings of one reading of a descriptor: a list that grows while the plan is built, so that its author gets
 * everything at once. How grave a departure from the standard is depends on how the descriptor is read:
 * strictly it is an error, leniently a warning.
 */

import { excerpt, type Fault, type Place, type Severity } from '../../base/errors.js';
import { plainPlace, ruleText, type Mode } from '../envelope/findings.js';
import type { RuleCode } from '../envelope/rulebook.js';

export interface FindingDetails {
  readonly place?: Place | undefined;
  readonly remedy: string;
  /** The offending value; never a secret. */
  readonly value?: string | undefined;
}

export class Findings {
  readonly mode: Mode;
  readonly #list: Fault[] = [];
  #errors = 0;

  constructor(mode: Mode) {
    this.mode = mode;
  }

  /** What stops the plan in either mode. */
  error(rule: RuleCode, message: string, details: FindingDetails): void {
    this.#note('error', rule, message, details);
  }

  /** What the author should know of, in either mode. */
  warning(rule: RuleCode, message: string, details: FindingDetails): void {
    this.#note('warning', rule, message, details);
  }

  /** What is worth knowing and needs nothing done. */
  info(rule: RuleCode, message: string, details: FindingDetails): void {
    this.#note('info', rule, message, details);
  }

  /** A departure from the standard that has one safe meaning: borne leniently, refused strictly. */
  deviation(rule: RuleCode, message: string, details: FindingDetails): void {
    this.#note(this.mode === 'strict' ? 'error' : 'warning', rule, message, details);
  }

  /** A fault that another part has found already, seen at `place`. */
  add(fault: Fault, place?: Place): void {
    this.#push({ severity: 'error', ...fault, ...(place && !fault.place && { place }) });
  }

  get all(): readonly Fault[] {
    return this.#list;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  #push(fault: Fault): void {
    if (fault.severity === 'error') this.#errors += 1;
    if (this.#list.length >= MAX_FINDINGS) return;
    this.#list.push(fault.place === undefined ? fault : { ...fault, place: plainPlace(fault.place) });
  }

  #note(severity: Severity, rule: RuleCode, message: string, { place, remedy, value }: FindingDetails): void {
    this.#push({
      code: `ovf.${rule}`,
      severity,
      message,
      rule: ruleText(rule),
      remedy,
      ...(place && { place }),
      ...(value !== undefined && { value: excerpt(value) }),
    });
  }
}

/** Nobody reads more, and a hostile descriptor could cause millions. */
const MAX_FINDINGS = 1_000;
