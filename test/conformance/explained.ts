/**
 * Statements that do not simply pass on VEP, each with the reason. Whatever is not here must pass, so the suite cannot fall
 * silent on VEP unnoticed.
 */

export interface Explanation {
  readonly outcome: 'failed' | 'inapplicable' | 'skipped';
  readonly why: string;
}

/** By id of the statement; of one version only where the id has it behind an `@`. */
export const EXPLAINED: Readonly<Record<string, Explanation>> = {
  'C-103': { outcome: 'inapplicable', why: 'VEP allows mixins of users' },
  'C-114': { outcome: 'inapplicable', why: 'VEP answers creations with 201 and their URL (K17)' },
  'C-145': { outcome: 'inapplicable', why: 'VEP chooses the URLs of entities itself (K12)' },
  'C-146': { outcome: 'inapplicable', why: 'VEP answers PUT with 200 and the rendering (K17)' },
  'C-195': {
    outcome: 'inapplicable',
    why: 'the tests speak to VEP without TLS; test/net and test/http hold it with TLS',
  },
  'C-198': { outcome: 'inapplicable', why: 'VEP creates at once and reports progress in the state; 202 is optional' },
  'C-249': { outcome: 'inapplicable', why: 'no templates or terms for agreements are configured' },
  'I-016': {
    outcome: 'inapplicable',
    why: 'the only boolean a client may set belongs to the appliance, which needs an OVF; test/occi holds it',
  },
};
