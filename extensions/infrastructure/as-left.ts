/**
 * How VEP left a thing at its site, as far as somebody can change it there: the size of a machine, and names. A size is what the user
 * wants (K10), and a name is the site's own business: no attribute of OCCI shows what the site has. So that what was resized or renamed
 * outside VEP is seen to be, it is noted how VEP left it, and its message tells for as long as it is otherwise.
 */

import { excerpt } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { Observed } from '../../src/iaas/adapter.js';
import type { Attributes } from '../../src/occi/model.js';

const GIB = 2 ** 30;

/** What is noted: by the attribute that notes it, which no category defines and nobody is shown. */
interface Noted {
  readonly attribute: string;
  /** Nothing where things of this class have none, or the site does not say. */
  readonly of: (report: Observed) => string | undefined;
  readonly told: (now: string, left: string) => string;
}

const NOTED: readonly Noted[] = [
  {
    attribute: 'eu.contrail-project.observed.size',
    of: sizeOf,
    told: (now, left) => `resized outside VEP: ${now} where ${left} were made`,
  },
  {
    attribute: 'eu.contrail-project.observed.name',
    of: ({ name }) => (name === undefined ? undefined : nameOf(name)),
    told: (now, left) => `renamed outside VEP: ${now} where it was ${left}`,
  },
];

/** A machine's size in words, `2 cores and 4 GiB`; nothing has a size besides. */
function sizeOf(report: Observed): string | undefined {
  if (report.class !== 'compute') return undefined;
  return `${report.cores} cores and ${Number((report.memoryBytes / GIB).toFixed(2))} GiB`;
}

/** The name as it can be kept and shown, of a bounded length; half a character would come back from the store as another. */
const nameOf = (name: string): string => Buffer.from(excerpt(name), 'utf8').toString('utf8');

/** What is to be noted of a thing that VEP leaves as the report has it. */
export function leftAs(report: Observed): Attributes {
  const noted: Record<string, string> = {};
  for (const { attribute, of } of NOTED) {
    const now = of(report);
    if (now !== undefined) noted[attribute] = now;
  }
  return noted;
}

/** What is otherwise than it was left, in words; and what is still to be noted of it. */
export function sinceLeft(
  report: Observed,
  observed: Attributes,
): { readonly told: readonly string[]; readonly unnoted: Attributes } {
  const told: string[] = [];
  const unnoted: Record<string, string> = {};
  for (const { attribute, of, told: words } of NOTED) {
    const [now, left] = [of(report), stringAt(observed, attribute)];
    if (now === undefined) continue;
    if (left === undefined) unnoted[attribute] = now;
    else if (left !== now) told.push(words(now, left));
  }
  return { told, unnoted };
}
