/**
 * A folded site as text and back, so that a long log need not be folded from its beginning (K33). What can be derived
 * from the things themselves (claims, leases, tokens, what is due) is not written down but counted again.
 */

import { IaasError } from '../../adapter.js';
import { CLASSES, newCloud, put, type Cloud, type Host, type Thing, type Things } from './cloud.js';

/** Raised when what is stored changes its shape. */
const VERSION = 1;

type Stored = Pick<Cloud, 'applied' | 'time' | 'serial' | 'config' | 'faults' | 'load'> & {
  readonly version: number;
  readonly hosts: readonly Pick<Host, 'config' | 'up'>[];
  readonly things: Record<string, readonly Thing[]>;
};

export function writeSnapshot(cloud: Cloud): string {
  const { applied, time, serial, config, faults, load } = cloud;
  const stored: Stored = {
    version: VERSION,
    applied,
    time,
    serial,
    config,
    faults,
    load,
    hosts: [...cloud.hosts.values()].map((host) => ({ config: host.config, up: host.up })),
    things: Object.fromEntries(CLASSES.map((what) => [what, [...cloud.things[what].values()]])),
  };
  return JSON.stringify(stored);
}

/**
 * The site of a snapshot.
 *
 * @throws IaasError `fatal` when another version of the simulator wrote it.
 */
export function readSnapshot(text: string): Cloud {
  const stored = JSON.parse(text) as Stored;
  if (stored.version !== VERSION) {
    throw new IaasError(
      'fatal',
      `this simulated site was written in form ${stored.version}, this VEP reads form ${VERSION}: give the site another name`,
    );
  }
  const cloud = newCloud();
  for (const { config, up } of stored.hosts) {
    cloud.hosts.set(config.name, { config, up, claimed: { cores: 0, memoryBytes: 0 }, machines: 0 });
  }
  for (const what of CLASSES) {
    for (const thing of stored.things[what] ?? []) put(cloud, what, thing as Things[typeof what], [], stored.time);
  }
  const { applied, time, serial, config, faults, load } = stored;
  return Object.assign(cloud, { applied, time, serial, config, faults, load });
}
