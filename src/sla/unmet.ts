/** Why an agreement cannot be accepted: one entry for each term and item (`spec/sla.md` §12, result body). */

import { excerpt, Problem, type Fault } from '../base/errors.js';

export interface UnmetTerm {
  /** `sla.capacity`, `sla.conflict`, `sla.unsupported`, … */
  readonly code: string;
  /** Id of the term; null when it is about the document. */
  readonly term: string | null;
  /** Id of the item, or of the OVF machine or disk it concerns. */
  readonly item: string | null;
  readonly message: string;
  /** Counter proposal: what could be promised instead. */
  readonly offered?: string | number;
}

/** The refusal with every unmet term: `conflict` if nothing but capacity is missing, which may be there later. */
export function refusal(unmet: readonly UnmetTerm[]): Problem {
  const onlyCapacity = unmet.every(({ code }) => code === 'sla.capacity');
  return new Problem(onlyCapacity ? 'conflict' : 'unmet', unmet.map(asFault));
}

function asFault({ code, term, item, message, offered }: UnmetTerm): Fault {
  return {
    code,
    message: term === null ? message : `term ${excerpt(term)}: ${message}`,
    rule: 'spec/sla §12',
    ...(term === null ? {} : { place: { path: `/terms/${term}` } }),
    ...(item === null ? {} : { value: excerpt(item) }),
    remedy: offered === undefined ? 'change the agreement, or ask the provider' : `can be had: ${excerpt(offered)}`,
  };
}
