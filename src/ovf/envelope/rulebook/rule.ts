/** What is known of a rule: the section of DSP0243 it rests on, and what the author of a descriptor can do. */

export interface Rule {
  /** What holds where the rule is kept. */
  readonly title: string;
  /** Section of DSP0243 1.1. */
  readonly section: string;
  readonly remedy: string;
}

/** Remedies that several rules have. */
export const ID = 'give every one of them an id of its own';
export const REFERENCE = 'name something that the descriptor declares, or declare it';
