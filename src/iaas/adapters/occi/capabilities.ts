/** What a site can do, as far as its query interface tells: which kinds there are, and which actions. */

import type { Discovery } from '../../../client/discovery.js';
import { APPLIANCE } from '../../../client/appliance.js';
import {
  COMPUTE,
  NETWORK,
  NETWORKINTERFACE,
  OS_TPL,
  STORAGE,
  STORAGELINK,
  USER_DATA,
  type TypeId,
} from '../../../occi/model.js';
import type { Capabilities } from '../../adapter.js';
import { IPRESERVATION, SECURITYGROUP, SECURITYGROUPLINK, actionOf } from './kinds.js';
import { sizedTemplates, type ResourceTemplate } from './sizes.js';

export interface Offer {
  /** The server is another VEP: it tells what it is at work on, and takes appliances. */
  readonly isVep: boolean;
  readonly kinds: ReadonlySet<TypeId>;
  readonly actions: ReadonlySet<TypeId>;
  readonly userData: boolean;
  /** OS templates: type identifier and title. */
  readonly templates: readonly { readonly id: TypeId; readonly title: string }[];
  /** Resource templates by which machines are sized, smallest first; none where cores and memory are taken as they are. */
  readonly sizes: readonly ResourceTemplate[];
}

export function offerOf(discovery: Discovery): Offer {
  const { kinds, mixins, actions } = discovery;
  const idOf = ({ scheme, term }: { scheme: string; term: string }): TypeId => scheme + term;
  const known = new Set(kinds.map(idOf));
  const contextualization = ['http://schemas.openstack.org/compute/instance#user_data', USER_DATA];
  const isVep = known.has(APPLIANCE);
  return {
    isVep,
    kinds: known,
    actions: new Set(actions.map(idOf)),
    userData: mixins.some((mixin) => contextualization.includes(idOf(mixin))),
    templates: mixins
      .filter((mixin) => mixin.depends?.includes(OS_TPL) === true)
      .map((mixin) => ({ id: idOf(mixin), title: mixin.title ?? mixin.term })),
    sizes: isVep ? [] : sizedTemplates(discovery),
  };
}

/** Everything of GFD.224, for a server that has not been asked yet. */
export const USUAL_OFFER: Offer = {
  isVep: false,
  kinds: new Set([COMPUTE, NETWORK, STORAGE, NETWORKINTERFACE, STORAGELINK]),
  actions: new Set([
    ...['start', 'stop', 'restart', 'suspend'].map((term) => actionOf('compute', term)),
    ...['up', 'down'].map((term) => actionOf('network', term)),
    ...['online', 'offline'].map((term) => actionOf('storage', term)),
  ]),
  userData: true,
  templates: [],
  sizes: [],
};

export interface CapabilityChoices {
  readonly templateless: boolean;
  readonly appliances: boolean;
}

export function occiCapabilities(offer: Offer, { templateless, appliances }: CapabilityChoices): Capabilities {
  const among = <T extends string>(what: 'compute' | 'network' | 'storage', terms: readonly T[]): T[] =>
    terms.filter((term) => offer.actions.has(actionOf(what, term)));
  const networks = offer.kinds.has(NETWORK) && offer.kinds.has(NETWORKINTERFACE);
  const storages = offer.kinds.has(STORAGE) && offer.kinds.has(STORAGELINK);
  return {
    compute: new Set([
      ...among('compute', ['start', 'stop', 'restart', 'suspend', 'save']),
      ...(offer.isVep ? ['resize' as const] : []),
    ]),
    liveResize: offer.isVep,
    hotplugNic: networks,
    hotplugDisk: storages,
    network: new Set(networks ? (['create', ...among('network', ['up', 'down'])] as const) : []),
    storage: new Set(
      storages
        ? ([
            'create',
            ...among('storage', ['online', 'offline', 'backup', 'snapshot']),
            ...(offer.isVep ? (['resize'] as const) : []),
          ] as const)
        : [],
    ),
    // OCCI brings no bytes to a server: images are what its OS templates stand for.
    imageFormats: [],
    metrics: [],
    events: true,
    placement: new Set(['zone', 'country'] as const),
    imageless: templateless,
    transports: offer.userData ? ['user-data'] : [],
    addresses: networks && offer.kinds.has(IPRESERVATION),
    securityGroups: offer.kinds.has(SECURITYGROUP) && offer.kinds.has(SECURITYGROUPLINK),
    ...(offer.isVep && appliances ? { appliances: true } : {}),
  };
}
