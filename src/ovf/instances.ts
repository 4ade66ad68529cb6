/** How instances of a machine are called: `<prototype>-2`, `<prototype>-3`, … (`spec/ovf.md` §9), id and host name alike. */

import type { PlannedMachine } from './plan.js';

type Named = Pick<PlannedMachine, 'id' | 'hostname'>;

/** Names that the descriptor itself has given to machines. */
export function givenNames(prototypes: readonly Named[]): ReadonlySet<string> {
  return new Set(prototypes.flatMap(({ id, hostname }) => [id, hostname]));
}

/** The numbers of so many instances beside the first; one whose names are given to another machine is passed over. */
export function instanceNumbers({ id, hostname }: Named, count: number, given: ReadonlySet<string>): readonly number[] {
  const numbers: number[] = [];
  for (let number = 2; numbers.length < count; number += 1)
    if (!given.has(`${id}-${number}`) && !given.has(`${hostname}-${number}`)) numbers.push(number);
  return numbers;
}
