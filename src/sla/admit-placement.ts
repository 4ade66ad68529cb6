/** Placement terms, and resource terms about places, as constraints for the placement (`spec/sla.md` §3, §18). */

import type { PlacementConstraint } from '../ovf/plan.js';
import type { Agreement, PlacementTerm, ResourceTerm } from './agreement.js';
import { holds } from './bound.js';
import { machinesOf, type Links } from './link-items.js';

/** A constraint with the term it comes from. */
export interface TermConstraint {
  readonly term: string;
  readonly constraint: PlacementConstraint;
}

/**
 * All constraints of the agreement. `countries` are those of the site: what a bound on a location allows is a choice of
 * these.
 */
export function termConstraints(
  { terms }: Agreement,
  links: Links,
  countries: readonly string[],
): readonly TermConstraint[] {
  return terms.flatMap((term) => {
    if (term.type === 'placement') return fromPlacement(term, links);
    return term.type === 'resource' ? fromResource(term, links, countries) : [];
  });
}

function fromPlacement(term: PlacementTerm, links: Links): TermConstraint[] {
  const scope = links.machinesOf(term);
  const sides = term.values.map((ids) => machinesOf(links.items(ids)));
  switch (term.rule) {
    case 'separateItems': {
      const [one = [], other = []] = sides;
      return constraint(term, one, other);
    }
    case 'site':
    case 'country':
    case 'zone':
    case 'hostTrait':
      return constraint(term, scope, term.values.flat());
    case 'dedicatedHost':
      return constraint(term, scope);
    default: {
      const named = sides.flat();
      return constraint(term, named.length > 0 ? named : scope);
    }
  }
}

/** None for a term on nothing: in a constraint, no machines would mean all. */
function constraint(
  { id, rule, mode }: Pick<PlacementTerm, 'id' | 'rule' | 'mode'>,
  machines: readonly string[],
  values?: readonly string[],
): TermConstraint[] {
  if (machines.length === 0) return [];
  const origin = `SLA term ${id}`;
  return [
    {
      term: id,
      constraint: { rule, machines, ...(values === undefined ? {} : { values }), hard: mode === 'required', origin },
    },
  ];
}

function fromResource(term: ResourceTerm, links: Links, countries: readonly string[]): TermConstraint[] {
  const machines = links.machinesOf(term);
  const required = (rule: PlacementTerm['rule'], values?: readonly string[]): TermConstraint[] =>
    constraint({ id: term.id, rule, mode: 'required' }, machines, values);
  switch (term.metric) {
    case 'vm.location':
      return required(
        'country',
        countries.filter((country) => holds(term.bound, country)),
      );
    case 'placement.differentHost':
      // That they may share a host is no constraint.
      return holds(term.bound, true) && !holds(term.bound, false) ? required('differentHost') : [];
    case 'placement.sameRack':
      if (holds(term.bound, true) === holds(term.bound, false)) return [];
      return required(holds(term.bound, true) ? 'sameRack' : 'differentRack');
    default:
      return [];
  }
}
