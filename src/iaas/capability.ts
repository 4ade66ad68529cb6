/** Refusing up front what a site cannot do: one place that says so, for the adapters and for {@link Sites} alike. */

import { IaasError, type Capabilities } from './adapter.js';

/** What can be asked of {@link Capabilities}. */
export type Wish = 'compute' | 'network' | 'storage' | 'image' | 'metrics' | 'events';

/**
 * Returns when the site can do it.
 *
 * @throws IaasError `unsupported` saying what the site can do instead.
 */
export function requireCapability(capabilities: Capabilities, wish: Wish, name = ''): void {
  const offered = offer(capabilities, wish);
  if (name === '' ? offered.length > 0 : offered.includes(name)) return;
  const instead = offered.length === 0 ? `it has no ${wish} functions` : `it can: ${offered.join(', ')}`;
  throw new IaasError(
    'unsupported',
    `this site cannot ${name === '' ? `give ${wish}` : `do ${wish} ${name.slice(0, 40)}`}; ${instead}`,
  );
}

function offer(capabilities: Capabilities, wish: Wish): readonly string[] {
  switch (wish) {
    case 'compute':
      return [...capabilities.compute];
    case 'network':
      return [...capabilities.network];
    case 'storage':
      return [...capabilities.storage];
    case 'image':
      return capabilities.imageFormats;
    case 'metrics':
      return capabilities.metrics;
    case 'events':
      return capabilities.events ? ['events'] : [];
  }
}
