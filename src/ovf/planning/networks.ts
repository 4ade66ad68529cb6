/** Networks of a plan (DSP0243 §9.2 NetworkSection), each new for the appliance or mapped by the user to one of the site. */

import { excerpt } from '../../base/errors.js';
import type { Envelope } from '../envelope/model.js';
import type { PlanInputs } from '../inputs.js';
import type { PlannedNetwork } from '../plan.js';
import type { Findings } from './findings.js';

/** @param used names of networks with adapters on them: one that nobody has declared is made for these alone */
export function planNetworks(
  envelope: Envelope,
  mappings: PlanInputs['networks'],
  findings: Findings,
  used: ReadonlySet<string>,
): readonly PlannedNetwork[] {
  const declared = envelope.networkSection?.networks ?? [];
  const networks = declared.filter(({ name, implicit }) => !implicit || used.has(name));
  const names = new Set(networks.map(({ name }) => name));
  for (const name of Object.keys(mappings)) {
    if (names.has(name)) continue;
    const offered = [...names].slice(0, 10).map((known) => `"${excerpt(known)}"`);
    findings.error('O-043', `there is no network "${excerpt(name)}" to map`, {
      place: { field: 'eu.contrail-project.ovf.inputs', path: `/networks/${excerpt(name)}` },
      remedy: offered.length > 0 ? `map one of ${offered.join(', ')}` : 'leave it out: the descriptor has no network',
    });
  }
  return networks.map(({ name, description }) => {
    const [mappedTo, ...mappedAlso] = Object.hasOwn(mappings, name) ? targetsOf(mappings[name] ?? '') : [];
    return {
      name,
      ...(description && { description: description.text }),
      ...(mappedTo !== undefined && { mappedTo }),
      ...(mappedAlso.length > 0 && { mappedAlso }),
    };
  });
}

/** Several are paths or URLs, with commas between; a name may hold one. */
function targetsOf(mapping: string): readonly string[] {
  const pieces = mapping.split(',').map((piece) => piece.trim());
  return pieces.every((piece) => /^(\/|https?:)/.test(piece)) ? pieces : [mapping];
}
