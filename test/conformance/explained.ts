/**
 * Statements that do not simply pass on VEP, each with the reason. Whatever is not here must pass, so the suite cannot fall
 * silent on VEP unnoticed.
 */

import type { Version } from '../../src/conformance/index.js';

export interface Explanation {
  readonly outcome: 'failed' | 'inapplicable' | 'skipped';
  readonly why: string;
  /** Both when absent. */
  readonly version?: Version;
}

const EXPLAINED: Readonly<Record<string, Explanation>> = {
  'C-103': { outcome: 'inapplicable', why: 'VEP allows mixins of users' },
  'C-114': { outcome: 'inapplicable', why: 'VEP answers creations with 201 and their URL (K17)' },
  'C-145': { outcome: 'inapplicable', why: 'VEP chooses the URLs of entities itself (K12)' },
  'C-146': { outcome: 'inapplicable', why: 'VEP answers PUT with 200 and the rendering (K17)' },
  'C-195': {
    outcome: 'inapplicable',
    why: 'these runs speak to VEP without TLS; `test/integration/transport.test.ts` does with',
  },
  'C-198': { outcome: 'inapplicable', why: 'VEP creates at once and tells of progress in the state; 202 is optional' },
  'C-250': { outcome: 'inapplicable', why: 'VEP offers no terms of agreements as mixins' },
  'C-251': { outcome: 'inapplicable', why: 'VEP offers no terms of agreements as mixins' },
  'C-249': { outcome: 'inapplicable', why: 'no templates or terms for agreements are configured' },
  'I-016': {
    outcome: 'inapplicable',
    why: 'the only boolean that a client may set belongs to the appliance, which needs an OVF; `test/interop/statements.test.ts`',
  },
};

/** The reason why a statement need not pass on VEP (in this version). */
export function explanationOf(id: string, version?: Version): Explanation | undefined {
  const found = EXPLAINED[id];
  return found?.version === undefined || version === undefined || found.version === version ? found : undefined;
}

/** Statements that nobody outside can see, and the tests of VEP that hold them: named by their ids there. */
export const HELD_BY: Readonly<Record<string, readonly string[]>> = {
  'C-055': ['test/integration/failures.test.ts'],
  'C-167': ['test/integration/failures.test.ts'],
  'C-199': ['test/conformance/negotiation.test.ts'],
  'I-036': ['test/interop/doyouspeakocci.test.ts', 'test/interop/pocci.test.ts'],
};
