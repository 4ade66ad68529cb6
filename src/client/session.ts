/** Names of the session kind, for clients and for the server alike. */

import { CONTRAIL, type TypeId } from '../occi/model.js';

export const SESSION: TypeId = `${CONTRAIL}/access#session`;
export const SESSION_ACTIONS = `${CONTRAIL}/access/session/action#`;
/** What the names of its attributes begin with. */
export const SESSION_PREFIX = 'eu.contrail-project.session.';
