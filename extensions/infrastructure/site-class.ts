/**
 * How each infrastructure kind lives on a site: the class of thing it is there, how it is made from a stored entity,
 * and which OCCI attributes the site's report fills in. The engine's steps (`operations.ts`) are the same for all.
 */

import { createHash } from 'node:crypto';
import {
  COMPUTE,
  NETWORK,
  NETWORKINTERFACE,
  STORAGE,
  STORAGELINK,
  type Attributes,
  type TypeId,
} from '../../src/occi/model.js';
import type {
  AttachmentSpec,
  CallOptions,
  ComputeSpec,
  NicSpec,
  Observed,
  ResourceClass,
  SiteAdapter,
  SiteRef,
  StorageSpec,
} from '../../src/iaas/adapter.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SecurityGroupSpec } from '../../src/iaas/security-groups.js';
import { rangeOfAddress } from '../../src/iaas/ranges.js';
import { RESERVED_ADDRESS, addressOfRange } from './reserved-address.js';
import { filterOf, rulesOf } from './security-rules.js';
import { IPRESERVATION, SECURITYGROUP, stateAttributes, stateMachineOf, type StateMachine } from './states.js';

const GIB = 2 ** 30;

/** What an entity needs from others before its site can make it: references the site gave those. */
export interface Needed {
  readonly source?: SiteRef;
  readonly target?: SiteRef;
  /** The address that the target has reserved, which the link shall have. */
  readonly address?: string;
  /** What guards the machine at the source. */
  readonly securityGroups?: readonly SiteRef[];
}

/** What only the operation knows: placement, guest environment, image. Secrets have been looked up by then. */
export interface ProvisionInput {
  /** Of a machine, or of the machines that a network is for. */
  readonly host?: string;
  readonly hostIsWish?: true;
  readonly zones?: readonly string[];
  readonly apartFrom?: readonly string[];
  readonly togetherWith?: readonly string[];
  readonly near?: readonly string[];
  readonly image?: SiteRef;
  /** The disk that the site makes with the machine. */
  readonly boot?: NonNullable<ComputeSpec['boot']>;
  /** The machine that a disk is made for, and the one that it came with. */
  readonly madeFor?: SiteRef;
  readonly bootOf?: SiteRef;
  readonly firmware?: NonNullable<ComputeSpec['firmware']>;
  readonly userData?: string;
  readonly ovfEnvironment?: string;
  readonly environmentFiles?: ComputeSpec['environmentFiles'];
  readonly readOnly?: boolean;
  /** Several machines will have the disk at a time. */
  readonly shared?: true;
  /** What a machine will be plugged into, for sites that want to know when they make it. */
  readonly nics?: readonly Omit<NicSpec, 'compute'>[];
  readonly volumes?: readonly Omit<AttachmentSpec, 'compute'>[];
}

export interface SiteClass {
  readonly kind: TypeId;
  readonly class: ResourceClass;
  readonly machine: StateMachine;
  /** Mutable attributes that a report fills in where the client said nothing, and `interface`. */
  readonly reported: readonly string[];
  make(
    adapter: SiteAdapter,
    entity: EntityRecord,
    needed: Needed,
    input: ProvisionInput,
    token: string,
    options: CallOptions,
  ): Promise<SiteRef>;
  /** OCCI attributes that the report settles; the state is among them. */
  observe(report: Observed, entity: EntityRecord): Attributes;
}

const compute: SiteClass = {
  kind: COMPUTE,
  class: 'compute',
  machine: stateMachineOf(COMPUTE),
  reported: [],
  make: (adapter, entity, _needed, input, token, options) => {
    const { wanted } = entity;
    const key = wanted['occi.credentials.ssh.publickey'] ?? wanted['org.openstack.credentials.publickey.data'];
    const userData =
      input.userData ?? decodeUserData(wanted['occi.compute.userdata'] ?? wanted['org.openstack.compute.user_data']);
    return adapter.createCompute(
      {
        id: entity.id,
        name: entity.title ?? entity.id,
        cores: numberOf(wanted['occi.compute.cores'], 1),
        memoryBytes: Math.ceil(numberOf(wanted['occi.compute.memory'], 1) * GIB),
        ...(typeof wanted['occi.compute.hostname'] === 'string' ? { hostname: wanted['occi.compute.hostname'] } : {}),
        ...(wanted['occi.compute.architecture'] === 'x86' || wanted['occi.compute.architecture'] === 'x64'
          ? { architecture: wanted['occi.compute.architecture'] }
          : {}),
        ...(input.firmware === undefined ? {} : { firmware: input.firmware }),
        ...(input.image === undefined ? {} : { image: input.image }),
        ...(input.boot === undefined ? {} : { boot: input.boot }),
        ...(userData === undefined ? {} : { userData }),
        ...(typeof key === 'string' ? { sshKeys: [key] } : {}),
        ...(input.ovfEnvironment === undefined ? {} : { ovfEnvironment: input.ovfEnvironment }),
        ...(input.environmentFiles === undefined ? {} : { environmentFiles: input.environmentFiles }),
        ...hostOf(input),
        ...(input.hostIsWish === undefined ? {} : { hostIsWish: input.hostIsWish }),
        ...(input.zones === undefined ? {} : { zones: input.zones }),
        ...(input.apartFrom === undefined ? {} : { apartFrom: input.apartFrom }),
        ...(input.togetherWith === undefined ? {} : { togetherWith: input.togetherWith }),
        ...(input.near === undefined ? {} : { near: input.near }),
        ...(input.nics === undefined ? {} : { nics: input.nics }),
        ...(input.volumes === undefined ? {} : { volumes: input.volumes }),
        ...belonging(entity),
      },
      token,
      options,
    );
  },
  observe: (report, entity) => ({
    'occi.compute.state': report.state,
    ...messageOf('occi.compute.state.message', report),
    ...(report.class === 'compute' && report.host !== undefined
      ? { [HOST_TOKEN]: hostToken(entity, report.host) }
      : {}),
  }),
};

/**
 * The host as its customer may know it: an opaque token, the same for every machine of one appliance on that host, so
 * that placement can be checked without learning the provider's topology (`spec/sla.md` §18).
 */
export const HOST_TOKEN = 'eu.contrail-project.ovf.host';

/** Tells of hosts whether that is the one on which a compute was last seen. */
export function isOnHost(compute: EntityRecord): (host: string) => boolean {
  const token = compute.observed[HOST_TOKEN];
  return (host) => token === hostToken(compute, host);
}

function hostToken(entity: EntityRecord, host: string): string {
  const digest = createHash('sha256')
    .update(`${entity.appliance ?? entity.group} ${entity.site ?? ''} ${host}`)
    .digest('hex');
  return `host-${digest.slice(0, 8)}`;
}

/** Address of an interface, as asked for or as the site gave it. */
export const ADDRESS = 'occi.networkinterface.address';

const network: SiteClass = {
  kind: NETWORK,
  class: 'network',
  machine: stateMachineOf(NETWORK),
  reported: ['occi.network.address', 'occi.network.gateway', 'occi.network.vlan', 'occi.network.allocation'],
  make: (adapter, entity, _needed, input, token, options) => {
    const { wanted } = entity;
    const allocation = wanted['occi.network.allocation'];
    return adapter.createNetwork(
      {
        id: entity.id,
        name: entity.title ?? entity.id,
        ...(typeof wanted['occi.network.address'] === 'string' ? { cidr: wanted['occi.network.address'] } : {}),
        ...(typeof wanted['occi.network.gateway'] === 'string' ? { gateway: wanted['occi.network.gateway'] } : {}),
        ...(typeof wanted['occi.network.vlan'] === 'number' ? { vlan: wanted['occi.network.vlan'] } : {}),
        ...(allocation === 'dynamic' || allocation === 'static' ? { allocation } : {}),
        ...hostOf(input),
        ...belonging(entity),
      },
      token,
      options,
    );
  },
  observe: (report) => ({
    'occi.network.state': report.state,
    ...messageOf('occi.network.state.message', report),
    ...(report.class === 'network'
      ? {
          ...(report.cidr === undefined ? {} : { 'occi.network.address': report.cidr }),
          ...(report.gateway === undefined ? {} : { 'occi.network.gateway': report.gateway }),
          ...(report.vlan === undefined ? {} : { 'occi.network.vlan': report.vlan }),
          'occi.network.allocation': 'dynamic',
        }
      : {}),
  }),
};

/**
 * An address reserved at the site is a network of its own that holds this one address, as OpenNebula keeps reservations,
 * or a subnet of the site's choice of which only one address is used.
 */
const ipreservation: SiteClass = {
  kind: IPRESERVATION,
  class: 'network',
  machine: stateMachineOf(IPRESERVATION),
  reported: [RESERVED_ADDRESS],
  make: (adapter, entity, _needed, _input, token, options) => {
    const address = entity.wanted[RESERVED_ADDRESS];
    return adapter.createNetwork(
      {
        id: entity.id,
        name: entity.title ?? entity.id,
        reservation: true,
        ...(typeof address === 'string' ? { cidr: rangeOfAddress(address) } : {}),
        ...(typeof entity.wanted['occi.network.vlan'] === 'number' ? { vlan: entity.wanted['occi.network.vlan'] } : {}),
        ...belonging(entity),
      },
      token,
      options,
    );
  },
  observe: (report) => {
    const address =
      report.class === 'network' && report.cidr !== undefined ? addressOfRange(report.cidr, report.gateway) : undefined;
    return {
      ...stateAttributes(stateMachineOf(IPRESERVATION), report.state),
      ...messageOf('occi.ipreservation.state.message', report),
      ...(address === undefined ? {} : { [RESERVED_ADDRESS]: address }),
    };
  },
};

/** What a site makes of a storage entity, but for its image. */
export function storageSpecOf(entity: EntityRecord): StorageSpec {
  return {
    id: entity.id,
    name: entity.title ?? entity.id,
    sizeBytes: Math.ceil(numberOf(entity.wanted['occi.storage.size'], 1) * GIB),
    ...belonging(entity),
  };
}

const storage: SiteClass = {
  kind: STORAGE,
  class: 'storage',
  machine: stateMachineOf(STORAGE),
  reported: [],
  make: (adapter, entity, _needed, input, token, options) =>
    adapter.createStorage(
      {
        ...storageSpecOf(entity),
        ...(input.madeFor === undefined ? {} : { madeFor: input.madeFor }),
        ...(input.image === undefined ? {} : { image: input.image }),
        ...(input.bootOf === undefined ? {} : { bootOf: input.bootOf }),
        ...(input.shared === undefined ? {} : { shared: input.shared }),
      },
      token,
      options,
    ),
  observe: (report) => ({ 'occi.storage.state': report.state, ...messageOf('occi.storage.state.message', report) }),
};

const networkinterface: SiteClass = {
  kind: NETWORKINTERFACE,
  class: 'nic',
  machine: stateMachineOf(NETWORKINTERFACE),
  reported: [
    'occi.networkinterface.interface',
    'occi.networkinterface.mac',
    ADDRESS,
    'occi.networkinterface.gateway',
    'occi.networkinterface.allocation',
  ],
  make: (adapter, entity, needed, _input, token, options) => {
    const plug = nicOf(entity, needed.target ?? '', needed.address);
    const guarded = needed.securityGroups === undefined ? {} : { securityGroups: needed.securityGroups };
    return adapter.attachNic({ ...plug, ...guarded, compute: needed.source ?? '' }, token, options);
  },
  observe: (report, entity) => ({
    'occi.networkinterface.state': report.state,
    ...messageOf('occi.networkinterface.state.message', report),
    ...(report.class === 'nic'
      ? {
          'occi.networkinterface.interface': report.interface,
          'occi.networkinterface.mac': report.mac,
          ...(report.address === undefined ? {} : { [ADDRESS]: report.address }),
          'occi.networkinterface.allocation': entity.wanted[ADDRESS] === undefined ? 'dynamic' : 'static',
          ...(report.gateway === undefined ? {} : { 'occi.networkinterface.gateway': report.gateway }),
        }
      : {}),
  }),
};

const storagelink: SiteClass = {
  kind: STORAGELINK,
  class: 'attachment',
  machine: stateMachineOf(STORAGELINK),
  reported: ['occi.storagelink.deviceid'],
  make: (adapter, entity, needed, input, token, options) => {
    const plug = attachmentOf(entity, needed.target ?? '', input.readOnly);
    return adapter.attachStorage({ ...plug, compute: needed.source ?? '' }, token, options);
  },
  observe: (report) => ({
    'occi.storagelink.state': report.state,
    ...messageOf('occi.storagelink.state.message', report),
    ...(report.class === 'attachment' ? { 'occi.storagelink.deviceid': report.device } : {}),
  }),
};

const securitygroup: SiteClass = {
  kind: SECURITYGROUP,
  class: 'securitygroup',
  machine: stateMachineOf(SECURITYGROUP),
  reported: [],
  make: (adapter, entity, _needed, _input, token, options) =>
    filterOf(adapter).create(groupSpecOf(entity, entity.id), token, options),
  observe: (report) => ({
    'occi.securitygroup.state': report.state,
    ...messageOf('occi.securitygroup.state.message', report),
  }),
};

/** A security group as a site is to make it; under an id of its own where it is a copy at another site. */
export function groupSpecOf(group: EntityRecord, id: string): SecurityGroupSpec {
  return { id, name: group.title ?? group.id, rules: rulesOf(group.wanted), ...belonging(group) };
}

export const SITE_CLASSES: readonly SiteClass[] = [
  compute,
  network,
  ipreservation,
  storage,
  networkinterface,
  storagelink,
  securitygroup,
];

const byKind = new Map(SITE_CLASSES.map((siteClass) => [siteClass.kind, siteClass]));

export function siteClassOf(kind: TypeId): SiteClass | undefined {
  return byKind.get(kind);
}

/** How a network interface is plugged into a network of the site. */
export function nicOf(link: EntityRecord, network: SiteRef, reserved: string | undefined): Omit<NicSpec, 'compute'> {
  const { wanted } = link;
  const address = reserved ?? wanted[ADDRESS];
  const mac = wanted['occi.networkinterface.mac'];
  return {
    id: link.id,
    network,
    ...(typeof mac === 'string' ? { mac } : {}),
    ...(typeof address === 'string' ? { address } : {}),
  };
}

/** How a storage link is plugged into a volume of the site. */
export function attachmentOf(
  link: EntityRecord,
  storage: SiteRef,
  readOnly: boolean | undefined,
): Omit<AttachmentSpec, 'compute'> {
  const device = link.wanted['occi.storagelink.deviceid'];
  return {
    id: link.id,
    storage,
    ...(typeof device === 'string' ? { device } : {}),
    ...(readOnly === undefined ? {} : { readOnly }),
  };
}

const hostOf = ({ host }: ProvisionInput): { readonly host?: string } => (host === undefined ? {} : { host });

/** What an entity is part of, and whose it is. */
function belonging(entity: EntityRecord): { application?: string; owner: { user: string; group: string } } {
  const owner = { user: entity.owner, group: entity.group };
  return entity.appliance === null ? { owner } : { application: entity.appliance, owner };
}

/** A message is shown as long as the site has one; otherwise the attribute is absent. */
function messageOf(attribute: string, report: Observed): Attributes {
  return report.message === undefined ? {} : { [attribute]: report.message };
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/** rOCCI documents `occi.compute.userdata` as Base64; what is not Base64 is taken as it is. */
function decodeUserData(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return value;
  return Buffer.from(value, 'base64').toString('utf8');
}
