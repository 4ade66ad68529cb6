/** Identifiers of the appliance's categories and attributes (K01, K03, K04); `categories.json` defines them. */

import { CONTRAIL, type TypeId } from '../../src/occi/model.js';

export const APPLIANCE: TypeId = `${CONTRAIL}/ovf#appliance`;
export const COMPONENT: TypeId = `${CONTRAIL}/ovf#component`;
export const OVF_DEPLOYMENT: TypeId = `${CONTRAIL}/ovf#ovf-deployment`;
export const ACTION_SCHEME = `${CONTRAIL}/ovf/appliance/action#`;

const OVF = 'eu.contrail-project.ovf';
export const OVF_URL = `${OVF}.url`;
export const OVF_CONFIGURATION = `${OVF}.configuration`;
export const OVF_SITE = `${OVF}.site`;
export const OVF_AGREEMENT = `${OVF}.agreement`;
export const OVF_INPUTS = `${OVF}.inputs`;
export const OVF_KEEP_ON_FAILURE = `${OVF}.keep-on-failure`;
export const OVF_DIGEST = `${OVF}.digest`;

export const OVF_SIGNATURE = `${OVF}.signature`;

/** Attributes of the mixin `ovf-deployment`. */
export const OVF_ID = `${OVF}.id`;
export const OVF_ITEM = `${OVF}.item`;
export const OVF_APPLIANCE = `${OVF}.appliance`;
export const OVF_PLACED = `${OVF}.placed`;

export const STATE = 'eu.contrail-project.appliance.state';
export const STATE_MESSAGE = `${STATE}.message`;
export const DEPLOYED = 'eu.contrail-project.appliance.deployed';
/** Names of the sites it is on, with blanks between. */
export const SITES = 'eu.contrail-project.appliance.sites';

/** Names of the sites where it is in accounts of its user (K35), and of those that refuse the user's credential; with blanks between. */
export const ACCOUNTS = 'eu.contrail-project.appliance.accounts';
export const ACCOUNTS_REFUSED = `${ACCOUNTS}.refused`;

/** Media types of a descriptor and of a package (K05). */
export const DESCRIPTOR_TYPES = ['application/ovf+xml', 'application/xml', 'text/xml'] as const;
export const PACKAGE_TYPES = ['application/x-tar', 'application/ovf', 'application/ova'] as const;
export const PLAN_TYPE = 'application/vnd.vep.plan+json';
