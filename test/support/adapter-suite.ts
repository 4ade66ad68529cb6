/**
 * The behaviour that every adapter must show, whatever IaaS is behind it (DESIGN, "The adapter interface"). The suite
 * goes by what an adapter says it can do: what it advertises must work, what it does not must be refused as
 * `unsupported`, and what a harness cannot bring about is skipped with its reason printed at the end.
 *
 * An adapter's own test calls {@link describeAdapter} with a function that makes a {@link Harness} round a fresh site.
 */

import { describeAccounting } from './adapter-suite/accounting.js';
import { describeAddresses } from './adapter-suite/addresses.js';
import { Bench } from './adapter-suite/bench.js';
import type { Harness } from './adapter-suite/harness.js';
import { describeDrift } from './adapter-suite/drift.js';
import { describeCapabilities } from './adapter-suite/capabilities.js';
import { describeCapacity } from './adapter-suite/capacity.js';
import { describeFailures } from './adapter-suite/failures.js';
import { describeImages } from './adapter-suite/images.js';
import { describeInventory } from './adapter-suite/inventory.js';
import { describeLifeCycle } from './adapter-suite/life-cycle.js';
import { describePlugs } from './adapter-suite/plugs.js';
import { describeSecurityGroups } from './adapter-suite/security-groups.js';
import { describeTokens } from './adapter-suite/tokens.js';
import { describeWatching } from './adapter-suite/watching.js';
import { describeWire } from './adapter-suite/wire.js';

export { describeAddresses } from './adapter-suite/addresses.js';
export { describeTokens } from './adapter-suite/tokens.js';
export { faultsOnTheWire, type Harness, type Wire } from './adapter-suite/harness.js';

const PARTS = [
  describeCapabilities,
  describeLifeCycle,
  describeTokens,
  describePlugs,
  describeSecurityGroups,
  describeAddresses,
  describeCapacity,
  describeImages,
  describeInventory,
  describeFailures,
  describeWatching,
  describeDrift,
  describeAccounting,
  describeWire,
] as const;

/** Runs the whole suite on one site, or a part of it; `make` is called once. */
export function describeAdapter(
  name: string,
  make: () => Promise<Harness>,
  parts: readonly ((bench: Bench) => void)[] = PARTS,
): void {
  describe(`${name} as an adapter`, () => {
    const bench = new Bench();
    beforeAll(async () => bench.open(await make()));
    afterEach(() => bench.clear());
    afterAll(async () => {
      const skipped = [...bench.skipped].map(([reason, tests]) => `${reason} (${tests})`).join(', ');
      if (skipped !== '') console.info(`${name}: tests left out because of: ${skipped}`);
      await bench.close();
    });

    for (const part of parts) part(bench);
  });
}
