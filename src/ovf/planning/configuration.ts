/**
 * The configuration to deploy (DSP0243 §9.8 DeploymentOptionSection): the user's choice, else the default, else the first. Of several
 * defaults the user has to choose one.
 */

import { excerpt } from '../../base/errors.js';
import type { Envelope } from '../envelope/model.js';
import type { Findings } from './findings.js';

export function chooseConfiguration(
  envelope: Envelope,
  wanted: string | undefined,
  findings: Findings,
): string | undefined {
  const configurations = envelope.deploymentOptionSection?.configurations ?? [];
  const [fallback = configurations[0], other] = configurations.filter((configuration) => configuration.default);
  if (wanted === undefined && other !== undefined) {
    findings.error('O-057', 'more than one configuration is the default, and none is chosen', {
      place: envelope.deploymentOptionSection?.at,
      remedy: 'choose a configuration, or mark at most one as default',
      value: other.id,
    });
  }
  if (wanted === undefined || configurations.some(({ id }) => id === wanted)) return wanted ?? fallback?.id;
  const offered = configurations.slice(0, 10).map(({ id }) => `"${excerpt(id)}"`);
  findings.error('O-058', `there is no configuration "${excerpt(wanted)}"`, {
    place: { field: 'eu.contrail-project.ovf.configuration' },
    remedy:
      offered.length > 0 ? `choose one of ${offered.join(', ')}` : 'leave it out: the descriptor offers no choice',
    value: wanted,
  });
  return fallback?.id;
}
