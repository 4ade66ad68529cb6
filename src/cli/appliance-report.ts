/**
 * An appliance with everything it consists of, gathered from its components: what `vep show` draws and `vep show --json`
 * answers. One request for the appliance, one for each kind of component, whatever its size.
 */

import { ClientError, type Located, type VepClient } from '../client/index.js';
import {
  COMPUTE,
  NETWORK,
  NETWORKINTERFACE,
  STORAGE,
  STORAGELINK,
  isLinkView,
  type EntityView,
  type LinkView,
} from '../occi/model.js';
import { idOf, numberOf, seenAt, stateOf, textOf } from './entities.js';

export interface ApplianceReport {
  readonly id: string;
  readonly path: string;
  readonly title: string;
  readonly state: string;
  /** Milliseconds since the epoch; only where its site is down: what is told is from then. */
  readonly seenAt?: number;
  readonly message?: string;
  readonly deployed: boolean;
  readonly site?: string;
  readonly agreements: readonly AgreementReport[];
  readonly machines: readonly MachineReport[];
  readonly networks: readonly NetworkReport[];
}

export interface AgreementReport {
  readonly path: string;
  readonly title: string;
  readonly state: string;
}

export interface MachineReport {
  readonly id: string;
  readonly path: string;
  readonly title: string;
  readonly ovfId?: string;
  readonly state: string;
  readonly seenAt?: number;
  readonly message?: string;
  readonly cores?: number;
  readonly memoryGiB?: number;
  readonly hostname?: string;
  readonly host?: string;
  readonly site?: string;
  readonly interfaces: readonly InterfaceReport[];
  readonly disks: readonly DiskReport[];
}

export interface InterfaceReport {
  readonly path: string;
  readonly network: string;
  readonly state: string;
  readonly device?: string;
  readonly address?: string;
  readonly mac?: string;
}

export interface DiskReport {
  readonly path: string;
  readonly title: string;
  readonly state: string;
  readonly seenAt?: number;
  readonly sizeGiB?: number;
  readonly device?: string;
}

export interface NetworkReport {
  readonly id: string;
  readonly path: string;
  readonly title: string;
  readonly state: string;
  readonly seenAt?: number;
  readonly address?: string;
  readonly gateway?: string;
}

const APPLIANCE = 'eu.contrail-project.appliance';
const OVF = 'eu.contrail-project.ovf';

export async function reportOn(client: VepClient, { path, view }: Located): Promise<ApplianceReport> {
  const kinds = [COMPUTE, NETWORK, STORAGE] as const;
  const [computes, networks, storages] = await Promise.all(kinds.map((kind) => componentsOf(client, path, view, kind)));
  const components = new Map([...(networks ?? []), ...(storages ?? [])].map((each) => [each.path, each]));
  const machines = (computes ?? []).map((compute) => machineReport(compute, components));
  const sites = textOf(view, `${APPLIANCE}.sites`)?.replaceAll(' ', ',');
  const site = sites ?? textOf(view, `${OVF}.site`);
  return {
    id: idOf(view),
    path,
    title: view.title ?? '',
    state: stateOf(view),
    ...optional({ seenAt: seenAt(view), message: textOf(view, `${APPLIANCE}.state.message`) }),
    deployed: view.attributes[`${APPLIANCE}.deployed`] === true,
    ...optional({ site }),
    agreements: await agreementsOver(client, path),
    machines,
    networks: (networks ?? []).map(networkReport),
  };
}

/** Asked for as a collection, and only if the appliance has any of the kind. */
async function componentsOf(client: VepClient, path: string, appliance: EntityView, kind: string): Promise<Located[]> {
  const links = isLinkView(appliance) ? [] : appliance.links;
  if (!links.some((link) => link.target.kind === kind)) return [];
  return client.list(kind, { filter: { attributes: { [`${OVF}.appliance`]: path } } });
}

/** K16: the agreement is the source of the link, the appliance its target. */
async function agreementsOver(client: VepClient, path: string): Promise<AgreementReport[]> {
  const discovery = await client.discover();
  if (discovery.locationOf('agreement') === undefined) return [];
  const all = await client.list('agreement').catch((error: unknown) => {
    if (error instanceof ClientError && error.status < 500) return [];
    throw error;
  });
  return all
    .filter(({ view }) => !isLinkView(view) && view.links.some((link) => link.target.location === path))
    .map((each) => ({ path: each.path, title: each.view.title ?? '', state: stateOf(each.view) }));
}

function machineReport({ path, view }: Located, components: ReadonlyMap<string, Located>): MachineReport {
  const links = isLinkView(view) ? [] : view.links;
  return {
    id: idOf(view),
    path,
    title: view.title ?? '',
    state: stateOf(view),
    ...optional({
      seenAt: seenAt(view),
      ovfId: textOf(view, `${OVF}.id`),
      message: textOf(view, 'occi.compute.state.message'),
      cores: numberOf(view, 'occi.compute.cores'),
      memoryGiB: numberOf(view, 'occi.compute.memory'),
      hostname: textOf(view, 'occi.compute.hostname'),
      host: textOf(view, `${OVF}.host`),
      site: textOf(view, `${OVF}.placed`),
    }),
    interfaces: links.filter((link) => link.kind === NETWORKINTERFACE).map((link) => interfaceReport(link, components)),
    disks: links.filter((link) => link.kind === STORAGELINK).map((link) => diskReport(link, components)),
  };
}

function interfaceReport(link: LinkView, components: ReadonlyMap<string, Located>): InterfaceReport {
  const network = components.get(link.target.location)?.view;
  return {
    path: `/networkinterface/${idOf(link)}`,
    network: network?.title ?? link.target.location,
    state: stateOf(link),
    ...optional({
      device: textOf(link, 'occi.networkinterface.interface'),
      address: textOf(link, 'occi.networkinterface.address'),
      mac: textOf(link, 'occi.networkinterface.mac'),
    }),
  };
}

function diskReport(link: LinkView, components: ReadonlyMap<string, Located>): DiskReport {
  const storage = components.get(link.target.location)?.view;
  return {
    path: link.target.location,
    title: storage?.title ?? link.target.location,
    state: storage ? stateOf(storage) : stateOf(link),
    ...optional({
      seenAt: storage ? seenAt(storage) : undefined,
      sizeGiB: storage ? numberOf(storage, 'occi.storage.size') : undefined,
      device: textOf(link, 'occi.storagelink.deviceid'),
    }),
  };
}

function networkReport({ path, view }: Located): NetworkReport {
  return {
    id: idOf(view),
    path,
    title: view.title ?? '',
    state: stateOf(view),
    ...optional({
      seenAt: seenAt(view),
      address: textOf(view, 'occi.network.address'),
      gateway: textOf(view, 'occi.network.gateway'),
    }),
  };
}

/** Members that have a value. */
function optional<T extends object>(members: T): { readonly [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { readonly [Name in keyof T]?: Exclude<T[Name], undefined> };
}
