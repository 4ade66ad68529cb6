/** Machines, networks, volumes and what joins them, as the entities that stand for them (GFD.224 §3). */

import type { Discovery } from '../../../client/discovery.js';
import {
  COMPUTE,
  IPNETWORK,
  IPNETWORKINTERFACE,
  NETWORK,
  NETWORKINTERFACE,
  SSH_KEY,
  STORAGE,
  STORAGELINK,
  USER_DATA,
  type Attributes,
  type EntityView,
  type TypeId,
} from '../../../occi/model.js';
import {
  IaasError,
  type AttachmentSpec,
  type ComputeSize,
  type ComputeSpec,
  type NetworkSpec,
  type NicSpec,
  type SiteRef,
  type StorageSpec,
} from '../../adapter.js';
import type { Offer } from './capabilities.js';
import { IPRESERVATION, RESERVED_ADDRESS } from './kinds.js';
import { templateFor } from './sizes.js';

const GIB = 2 ** 30;
/** Bytes of the units in which servers count memory: the standard's, and ooi's. */
export const MEMORY_UNITS = { GiB: GIB, MiB: 2 ** 20 } as const;
const OPENSTACK_USER_DATA: TypeId = 'http://schemas.openstack.org/compute/instance#user_data';
const OPENSTACK_KEY: TypeId = 'http://schemas.openstack.org/instance/credentials#public_key';

export interface MachineChoices {
  readonly cores: number;
  /** OS template of machines for which nobody named an image. */
  readonly template: string | undefined;
  readonly templateless: boolean;
  /** Bytes of one unit of memory. */
  readonly memoryUnit: number;
}

/** Type identifier of the OS template that a term, a title or an identifier means. */
export function templateNamed(offer: Offer, name: string): TypeId | undefined {
  const byTerm = offer.templates.find(({ id, title }) => id === name || id.endsWith(`#${name}`) || title === name);
  return byTerm?.id;
}

export function computeDraft(
  spec: ComputeSpec,
  offer: Offer,
  discovery: Discovery,
  choices: MachineChoices,
): EntityView {
  expectMachine(spec, choices);
  const name = spec.image ?? choices.template;
  const template = name === undefined ? undefined : templateNamed(offer, name);
  if (name !== undefined && template === undefined) {
    throw new IaasError('not-found', `the server has no OS template ${name.slice(0, 100)}`);
  }
  if (template === undefined && !choices.templateless) {
    throw new IaasError('invalid', 'the server makes machines from OS templates only, and none was named');
  }
  const has = (id: TypeId): boolean => discovery.mixins.some((mixin) => mixin.scheme + mixin.term === id);
  const size = templateFor(spec, offer.sizes, choices.memoryUnit);
  const [key] = spec.sshKeys ?? [];
  const contextual = [
    ...(spec.userData === undefined ? [] : userData(spec.userData, has)),
    ...(key === undefined ? [] : sshKey(key, has)),
  ];
  const attributes: Attributes = {
    ...sizeAttributes(spec, choices.memoryUnit),
    ...(spec.hostname === undefined ? {} : { 'occi.compute.hostname': spec.hostname }),
    ...(spec.architecture === undefined ? {} : { 'occi.compute.architecture': spec.architecture }),
    ...(Object.assign({}, ...contextual.map((each) => each.attributes)) as Attributes),
  };
  const mixins = [template, size?.id, ...contextual.map(({ mixin }) => mixin)].filter((each) => each !== undefined);
  return {
    ...entity(COMPUTE, mixins),
    title: spec.name,
    attributes: Object.fromEntries(Object.entries(attributes).filter(([name]) => size?.sets.has(name) !== true)),
    links: [],
  };
}

interface Contextual {
  readonly mixin: TypeId;
  readonly attributes: Attributes;
}

function userData(text: string, has: (id: TypeId) => boolean): Contextual[] {
  const encoded = Buffer.from(text, 'utf8').toString('base64');
  if (has(USER_DATA)) return [{ mixin: USER_DATA, attributes: { 'occi.compute.userdata': encoded } }];
  if (has(OPENSTACK_USER_DATA)) {
    return [{ mixin: OPENSTACK_USER_DATA, attributes: { 'org.openstack.compute.user_data': encoded } }];
  }
  throw new IaasError('unsupported', 'the server has no way to bring user data to machines');
}

function sshKey(key: string, has: (id: TypeId) => boolean): Contextual[] {
  if (has(SSH_KEY)) return [{ mixin: SSH_KEY, attributes: { 'occi.credentials.ssh.publickey': key } }];
  if (!has(OPENSTACK_KEY)) throw new IaasError('unsupported', 'the server has no way to bring SSH keys to machines');
  const attributes = {
    'org.openstack.credentials.publickey.name': 'vep',
    'org.openstack.credentials.publickey.data': key,
  };
  return [{ mixin: OPENSTACK_KEY, attributes }];
}

function expectMachine(spec: ComputeSpec, { cores }: MachineChoices): void {
  if (spec.name === '') throw new IaasError('invalid', 'a machine needs a name');
  if (!Number.isInteger(spec.cores) || spec.cores < 1) throw new IaasError('invalid', 'a machine has whole cores');
  if (!(spec.memoryBytes > 0)) throw new IaasError('invalid', 'a machine needs memory');
  expectCores(spec.cores, cores);
  if ((spec.apartFrom ?? []).length > 0 || (spec.togetherWith ?? []).length > 0) {
    throw new IaasError('unsupported', 'OCCI cannot say which machines are to share a host, or not');
  }
}

/** @throws IaasError `capacity` for more than the account may have in all */
export function expectCores(wanted: number, available: number): void {
  if (wanted > available) throw new IaasError('capacity', `the site has ${available} cores in all`);
}

/** An address that outsiders reach is a reservation, where the server has that kind; any other server makes a network of that one address. */
export function networkDraft(spec: NetworkSpec, { kinds }: Pick<Offer, 'kinds'>): EntityView {
  if (spec.reservation && kinds.has(IPRESERVATION)) {
    const address = spec.cidr?.split('/')[0];
    const attributes = {
      ...(spec.vlan === undefined ? {} : { 'occi.network.vlan': spec.vlan }),
      ...(address === undefined ? {} : { [RESERVED_ADDRESS]: address }),
    };
    return { ...entity(IPRESERVATION, []), title: spec.name, attributes, links: [] };
  }
  const attributes = {
    ...(spec.vlan === undefined ? {} : { 'occi.network.vlan': spec.vlan }),
    ...(spec.cidr === undefined ? {} : { 'occi.network.address': spec.cidr }),
    ...(spec.gateway === undefined ? {} : { 'occi.network.gateway': spec.gateway }),
    ...(spec.allocation === undefined ? {} : { 'occi.network.allocation': spec.allocation }),
  };
  return { ...entity(NETWORK, [IPNETWORK]), title: spec.name, attributes, links: [] };
}

export function storageDraft(spec: StorageSpec, storageGiB: number): EntityView {
  if (!(spec.sizeBytes > 0)) throw new IaasError('invalid', 'a volume has a size');
  if (spec.sizeBytes > storageGiB * GIB) throw new IaasError('capacity', `the site has ${storageGiB} GiB in all`);
  if (spec.image !== undefined) throw new IaasError('unsupported', 'OCCI cannot make a volume from an image');
  const attributes = { 'occi.storage.size': spec.sizeBytes / GIB };
  return { ...entity(STORAGE, []), title: spec.name, attributes, links: [] };
}

/** @param network kind of what it leads to: a reservation brings its address by itself */
export function nicDraft(spec: NicSpec, network: TypeId): EntityView {
  const address = network === IPRESERVATION ? undefined : spec.address;
  const attributes = {
    ...(spec.mac === undefined ? {} : { 'occi.networkinterface.mac': spec.mac }),
    ...(address === undefined ? {} : { 'occi.networkinterface.address': address }),
  };
  const mixins = address === undefined ? [] : [IPNETWORKINTERFACE];
  return link(NETWORKINTERFACE, mixins, attributes, spec.compute, { at: spec.network, kind: network });
}

export function attachmentDraft(spec: AttachmentSpec): EntityView {
  const attributes = spec.device === undefined ? {} : { 'occi.storagelink.deviceid': spec.device };
  return link(STORAGELINK, [], attributes, spec.compute, { at: spec.storage, kind: STORAGE });
}

function entity(kind: TypeId, mixins: readonly TypeId[]): Pick<EntityView, 'id' | 'kind' | 'mixins' | 'actions'> {
  return { id: '', kind, mixins, actions: [] };
}

function link(
  kind: TypeId,
  mixins: readonly TypeId[],
  attributes: Attributes,
  compute: SiteRef,
  target: { readonly at: SiteRef; readonly kind: TypeId },
): EntityView {
  const [source, end] = [
    { location: compute, kind: COMPUTE },
    { location: target.at, kind: target.kind },
  ];
  return { ...entity(kind, mixins), attributes, source, target: end };
}

/** Sizes of a machine as attributes. */
export function sizeAttributes(size: ComputeSize, memoryUnit: number): Attributes {
  return { 'occi.compute.cores': size.cores, 'occi.compute.memory': size.memoryBytes / memoryUnit };
}
