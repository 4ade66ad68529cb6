/** Names of the session kind: its categories are in `categories.json`. */

import { SESSION_PREFIX as PREFIX } from '../../src/client/index.js';

export { SESSION, SESSION_ACTIONS } from '../../src/client/index.js';

/** Path of the appliance that the session is about. */
export const APPLICATION = `${PREFIX}application`;
/** Id of the principal that it permits something to. */
export const SUBJECT = `${PREFIX}subject`;
/** What it permits, separated by blanks. */
export const VERBS_ATTRIBUTE = `${PREFIX}verbs`;
/** When it shall expire, as it was asked for; {@link EXPIRES} is when it does. */
export const UNTIL = `${PREFIX}until`;
export const EXPIRES = `${PREFIX}expires`;
/** SHA-256 of a one-time token, in hexadecimal digits; not shown. */
export const OFFER = `${PREFIX}offer`;
/** The one-time token itself, sent to redeem it; neither stored nor shown. */
export const TOKEN = `${PREFIX}token`;
export const STATE = `${PREFIX}state`;
export const STATE_MESSAGE = `${STATE}.message`;
export const SOURCE = `${PREFIX}source`;
export const VO = `${PREFIX}vo`;
export const METHOD = `${PREFIX}method`;
export const ASSURANCE = `${PREFIX}assurance`;
/** What the federation thinks of the subject, from 0 to 1. */
export const REPUTATION = `${PREFIX}reputation`;

/** In the words of usage control (UCON): tried, active, and over in one of three ways. */
export type SessionState = 'trying' | 'active' | 'ended' | 'expired' | 'revoked';
export const OVER: readonly SessionState[] = ['ended', 'expired', 'revoked'];

export type SessionSource = 'deployment' | 'delegation';
