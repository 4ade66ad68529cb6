/**
 * The life of an agreement as data: states and actions of GFD.228 §3.1. Its figure draws no edge for `terminate` and
 * two without a label; those are read as `terminate` (`spec/occi.md` §8.1). A state in which nothing is possible is final.
 */

export const AGREEMENT_STATES = ['pending', 'accepted', 'rejected', 'suspended', 'terminated'] as const;
export type AgreementState = (typeof AGREEMENT_STATES)[number];

export interface AgreementTransition {
  /** Term of the action, in the scheme `http://schemas.ogf.org/occi/sla#`. */
  readonly term: 'accept' | 'reject' | 'suspend' | 'resume' | 'terminate';
  readonly from: readonly AgreementState[];
  readonly to: AgreementState;
  /** Who may take it (K16). */
  readonly side: 'provider' | 'either';
}

export const INITIAL_STATE: AgreementState = 'pending';

export const AGREEMENT_TRANSITIONS: readonly AgreementTransition[] = [
  { term: 'accept', from: ['pending'], to: 'accepted', side: 'provider' },
  { term: 'reject', from: ['pending'], to: 'rejected', side: 'provider' },
  { term: 'suspend', from: ['accepted'], to: 'suspended', side: 'provider' },
  { term: 'resume', from: ['suspended'], to: 'accepted', side: 'provider' },
  { term: 'terminate', from: ['accepted', 'suspended'], to: 'terminated', side: 'either' },
];

/** The transition that an action makes from a state, if it is possible there. */
export function transitionFrom(state: string, term: string): AgreementTransition | undefined {
  return AGREEMENT_TRANSITIONS.find(
    (transition) => transition.term === term && transition.from.some((from) => from === state),
  );
}
