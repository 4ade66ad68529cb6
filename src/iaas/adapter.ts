/**
 * What VEP needs of an IaaS, whatever it is. One adapter is one site with its credentials; the engine drives it, nothing
 * else does. Every create carries a token and finds what an earlier try with the same token left; every failure is an
 * {@link IaasError} of one of nine classes with the IaaS's own words kept. What an IaaS lacks is said by
 * {@link Capabilities} and refused up front, never faked. `test/support/adapter-suite.ts` holds all adapters to this.
 */

import type { AccountingSite } from './accounting.js';
import type { ApplianceSite } from './appliance-site.js';
import type { EnvironmentDocument } from '../ovf/index.js';
import type { HostInventory } from './host-inventory.js';
import type { Limited, TenantSite } from './tenant.js';
import type { NormalRule, SecurityGroupSite } from './security-groups.js';

/** The site's own identifier of something it made, opaque to VEP. */
export type SiteRef = string;

export type IaasErrorClass =
  'not-found' | 'conflict' | 'quota' | 'capacity' | 'denied' | 'invalid' | 'unsupported' | 'transient' | 'fatal';

export class IaasError extends Error {
  override readonly name = 'IaasError';
  readonly class: IaasErrorClass;
  /** What the IaaS said, verbatim but without secrets. */
  readonly said: string | undefined;
  constructor(errorClass: IaasErrorClass, message: string, said?: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.class = errorClass;
    this.said = said;
  }
}

/** The site does not take the credential with which it is asked. Another one it may take. */
export class RefusedCredential extends IaasError {
  constructor(message: string, said?: string, cause?: unknown) {
    super('denied', message, said, cause);
  }
}

/**
 * A part of a site cannot be asked, such as a project whose credential is refused. What lies there is as it was seen last: neither
 * gone nor left over. Thrown by `describe`, and by `list` after all that the rest of the site has.
 */
export class PartUnasked extends IaasError {
  /** Whether what has this reference may lie there. */
  readonly hides: (ref: SiteRef) => boolean;
  constructor(message: string, said: string, hides: (ref: SiteRef) => boolean) {
    super('transient', message, said);
    this.hides = hides;
  }
}

/** What a site says of some of its things, and of which: those in a part that cannot be asked are left out. */
export async function askedOf<T>(
  refs: readonly SiteRef[],
  ask: (refs: readonly SiteRef[]) => Promise<T>,
): Promise<{ readonly said: T; readonly asked: ReadonlySet<SiteRef> }> {
  try {
    return { said: await ask(refs), asked: new Set(refs) };
  } catch (error) {
    if (!(error instanceof PartUnasked)) throw error;
    const rest = refs.filter((ref) => !error.hides(ref));
    return { said: await ask(rest), asked: new Set(rest) };
  }
}

export type ResourceClass = 'compute' | 'network' | 'storage' | 'nic' | 'attachment' | 'image' | 'securitygroup';

export type LifecycleAction = 'start' | 'stop' | 'restart' | 'suspend';
export type ComputeAction = LifecycleAction | 'save' | 'resize';
export type NetworkAction = 'up' | 'down';
export type VolumeAction = 'online' | 'offline' | 'backup' | 'snapshot';
export type StorageAction = VolumeAction | 'resize';

/** What a machine is given of its host. */
export interface ComputeSize {
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface Capabilities {
  readonly compute: ReadonlySet<ComputeAction>;
  /** Resize without stopping first. */
  readonly liveResize: boolean;
  /** Attach and detach while the machine runs. */
  readonly hotplugNic: boolean;
  readonly hotplugDisk: boolean;
  readonly network: ReadonlySet<NetworkAction | 'create'>;
  readonly storage: ReadonlySet<StorageAction | 'create'>;
  /** A volume can be resized only while a machine has it. */
  readonly resizesAttached?: boolean;
  /** Several machines may have one volume at a time ({@link StorageSpec.shared}). */
  readonly sharesVolumes?: boolean;
  /** A volume can be attached for reading only, and is where that is asked ({@link AttachmentSpec.readOnly}). */
  readonly plugsReadOnly?: boolean;
  /** Formats of images that volumes of several machines are made from; absent: all that it takes. */
  readonly sharedImageFormats?: readonly string[];
  /** Disk formats `importImage` takes as they are. */
  readonly imageFormats: readonly string[];
  /** It hands images out again, byte for byte ({@link SiteAdapter.exportImage}): other sites can have them. */
  readonly exportsImages?: boolean;
  readonly metrics: readonly string[];
  readonly events: boolean;
  /** Topology levels on which it can keep machines apart or together. */
  readonly placement: ReadonlySet<'host' | 'rack' | 'zone' | 'country'>;
  /**
   * What it brings about among machines on one {@link HostInventory} that stands for many hosts, a zone: how many it keeps apart
   * (on other hosts and racks), and whether it puts those near each other that shall be. Absent: neither.
   */
  readonly within?: { readonly apart: number; readonly near: boolean };
  /** It boots machines whose disks hold nothing: a simulation. Anywhere else a missing image is an error. */
  readonly imageless: boolean;
  /** Ways an OVF environment can reach the guest. */
  readonly transports: readonly ('iso' | 'user-data' | 'context')[];
  /** Firmwares beside the BIOS with which it starts machines that ask for one. */
  readonly firmwares?: ReadonlySet<'efi'>;
  /**
   * It wants to know at creation what a machine will be plugged into ({@link ComputeSpec.nics}, {@link ComputeSpec.volumes}),
   * as it plugs nothing into a machine that has never run.
   */
  readonly plugsAtCreation?: boolean;
  /** A machine runs as soon as it is made: what has to run before it must run by then. */
  readonly bootsAtCreation?: boolean;
  /** It takes appliances whole ({@link SiteAdapter.appliances}) and does by itself what there is to do for them. */
  readonly appliances?: boolean;
  /**
   * The disk a machine boots from is made by the site with the machine, out of an image ({@link ComputeSpec.boot}): creating
   * that volume, and attaching it, later finds it there.
   */
  readonly bootsFromImage?: boolean;
  /**
   * Where a machine comes to be is known when it is made, and volumes have to be there too: each is made after the first machine that it is
   * for ({@link StorageSpec.madeFor}), and others that share it come to be where it is.
   */
  readonly volumesFollow?: boolean;
  /** Limits of a Virtual Organization that it holds by itself ({@link SiteAdapter.tenants}). */
  readonly limits?: ReadonlySet<Limited>;
  /** It keeps addresses that outsiders reach, and lends each to one interface at a time ({@link NetworkSpec.reservation}). */
  readonly addresses?: boolean;
  /** It filters the traffic of machines by groups of rules ({@link SiteAdapter.securityGroups}). */
  readonly securityGroups?: boolean;
  /** It keeps account of machines that ran, by itself ({@link SiteAdapter.accounting}). */
  readonly accounting?: boolean;
}

/** For whom something is made: ids of the principal and of the group (Virtual Organization) in VEP. */
export interface Owner {
  readonly user: string;
  readonly group: string;
}

export interface Inventory {
  readonly takenAt: number;
  readonly hosts: readonly HostInventory[];
  /** Hosts that are zones draw on one quota: each tells all that the account has, and still may have. */
  readonly quotaIsShared?: true;
  readonly networks: readonly {
    readonly ref: SiteRef;
    readonly name: string;
    readonly cidr?: string;
    readonly shared: boolean;
  }[];
  readonly images: readonly {
    readonly ref: SiteRef;
    readonly name: string;
    readonly sizeBytes: number;
    readonly format: string;
  }[];
  readonly storageFreeBytes: number;
}

export interface ComputeSpec {
  /** Entity id; the site shows it as tag or name so that reconcile recognises its own. */
  readonly id: string;
  readonly name: string;
  readonly hostname?: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly architecture?: 'x86' | 'x64';
  /** Asked for only where {@link Capabilities.firmwares} names it; absent: the BIOS, or what the site has. */
  readonly firmware?: 'efi';
  /** Image of the boot disk; further disks come as volumes through {@link SiteAdapter.attach}. */
  readonly image?: SiteRef;
  readonly userData?: string;
  readonly sshKeys?: readonly string[];
  /** `ovf-env.xml`, delivered by the best transport the site has. */
  readonly ovfEnvironment?: string;
  /** Files that go beside it, to sites whose {@link Capabilities.transports} name `iso`; others find them in the user data. */
  readonly environmentFiles?: readonly EnvironmentDocument[];
  /** Host chosen by VEP's placement; the site may refuse it but must not choose another, unless {@link hostIsWish}. */
  readonly host?: string;
  /** Nothing that is asked of the machine depends on its host: where there is no room on it, the site may take another one. */
  readonly hostIsWish?: true;
  /** Zones that it may be in; absent: in any. */
  readonly zones?: readonly string[];
  /** Machines (their {@link ComputeSpec.id}) it must not, or must, share a host with. */
  readonly apartFrom?: readonly string[];
  readonly togetherWith?: readonly string[];
  /** Machines it shall be near to, where the site has a way of its own ({@link Capabilities.within}): a wish. */
  readonly near?: readonly string[];
  /**
   * What is known already that the machine will be plugged into, each with the id it will be attached under: a site with
   * {@link Capabilities.plugsAtCreation} makes it with the machine, and attaching it later finds it there.
   */
  readonly nics?: readonly Omit<NicSpec, 'compute'>[];
  readonly volumes?: readonly Omit<AttachmentSpec, 'compute'>[];
  /**
   * The disk it boots from, for a site with {@link Capabilities.bootsFromImage}: the volume (with its image) that will be
   * asked for under the volume's id, and the id of the attachment that will be asked for under that.
   */
  readonly boot?: { readonly storage: StorageSpec & { readonly image: SiteRef }; readonly attachment: string };
  /** The application UUID, on everything that belongs to an appliance. */
  readonly application?: string;
  readonly owner?: Owner;
}

export interface NetworkSpec {
  readonly id: string;
  readonly name: string;
  readonly cidr?: string;
  readonly gateway?: string;
  readonly vlan?: number;
  readonly allocation?: 'dynamic' | 'static';
  /** Where VEP's placement puts machines that will be on it, for sites whose networks have their place. */
  readonly host?: string;
  /** An address that outsiders reach, and {@link cidr} holds no other: a site with {@link Capabilities.addresses} lends it to machines. */
  readonly reservation?: true;
  readonly application?: string;
  readonly owner?: Owner;
}

export interface StorageSpec {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly image?: SiteRef;
  /** The machine that it is made for, with {@link Capabilities.volumesFollow}. */
  readonly madeFor?: SiteRef;
  /** The machine that it came with, see {@link Capabilities.bootsFromImage}. */
  readonly bootOf?: SiteRef;
  /** Several machines will have it at a time, with {@link Capabilities.sharesVolumes}. */
  readonly shared?: true;
  readonly application?: string;
  readonly owner?: Owner;
}

export interface NicSpec {
  readonly id: string;
  readonly compute: SiteRef;
  readonly network: SiteRef;
  readonly mac?: string;
  readonly address?: string;
  /** What guards it from the beginning, with {@link Capabilities.securityGroups}. */
  readonly securityGroups?: readonly SiteRef[];
}

export interface AttachmentSpec {
  readonly id: string;
  readonly compute: SiteRef;
  readonly storage: SiteRef;
  readonly device?: string;
  readonly readOnly?: boolean;
}

/** An image to register: bytes that VEP has fetched and verified already. */
export interface ImageSpec {
  readonly id: string;
  readonly name: string;
  readonly format: string;
  readonly sizeBytes: number;
  readonly virtualSizeBytes?: number;
  readonly sha256?: string;
  /** Digest of the file that this one was converted from, where it was. */
  readonly convertedFrom?: string;
  /** Opens the verified bytes; may be called again after a failure. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

/** An image as a site hands it out. */
export interface ImageExport {
  readonly sizeBytes: number;
  /** As the site tells it, in lower-case hexadecimal: what the bytes are held to. */
  readonly digest?: { readonly algorithm: 'sha256' | 'sha512'; readonly hex: string };
  /** The bytes; may be called again after a failure. */
  open(options?: CallOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** What the site reports of one thing it has. States are OCCI's own words. */
export type Observed =
  | (ObservedBase & {
      readonly class: 'compute';
      readonly state: 'active' | 'inactive' | 'suspended' | 'error';
      readonly cores: number;
      readonly memoryBytes: number;
      readonly host?: string;
      /** The order that the site took last and did not carry out, as {@link ObservedBase.message} says. */
      readonly failed?: LifecycleAction | 'resize';
      /** Why it is in error, where the site tells. */
      readonly cause?: IaasErrorClass;
    })
  | (ObservedBase & {
      readonly class: 'network';
      readonly state: 'active' | 'inactive' | 'error';
      readonly cidr?: string;
      readonly gateway?: string;
      readonly vlan?: number;
    })
  | (ObservedBase & {
      readonly class: 'storage';
      readonly state: 'online' | 'offline' | 'backup' | 'snapshot' | 'resize' | 'degraded' | 'error';
      readonly sizeBytes: number;
    })
  | (ObservedBase & {
      readonly class: 'nic';
      readonly state: 'active' | 'inactive' | 'error';
      readonly interface: string;
      readonly mac: string;
      readonly address?: string;
      readonly gateway?: string;
      /** Groups made by VEP that guard it, with {@link Capabilities.securityGroups}. */
      readonly securityGroups?: readonly SiteRef[];
    })
  | (ObservedBase & {
      readonly class: 'attachment';
      readonly state: 'active' | 'inactive' | 'error';
      readonly device: string;
    })
  | (ObservedBase & {
      readonly class: 'image';
      readonly state: 'active' | 'inactive' | 'error';
      readonly sizeBytes: number;
    })
  | (ObservedBase & {
      readonly class: 'securitygroup';
      readonly state: 'active' | 'inactive' | 'error';
      readonly rules: readonly NormalRule[];
    });

interface ObservedBase {
  readonly ref: SiteRef;
  /** The id VEP gave at creation; absent for what VEP did not make. */
  readonly id?: string;
  /** What people at the site call it, of machines, networks and volumes, where somebody can call it otherwise there. */
  readonly name?: string;
  readonly message?: string;
  /** Still on the way to another state: ask again soon. */
  readonly busy: boolean;
}

/** Something that keeps a site from being used, or from being used fully. */
export interface SiteFinding {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export interface SiteEvent {
  readonly ref: SiteRef;
  readonly class: ResourceClass;
  readonly at: number;
}

export interface MetricSample {
  readonly ref: SiteRef;
  readonly metric: string;
  readonly at: number;
  readonly value: number;
}

/** Options every call takes: its time limit and the wish to stop. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface SiteAdapter {
  /** Name of the site in the configuration. */
  readonly site: string;
  /** `simulator`, `opennebula`, … */
  readonly type: string;
  /** Whose account it is that the site is used with, in the site's words; at sites that take credentials of users (K35). */
  account?(options?: CallOptions): Promise<string>;
  capabilities(): Capabilities;
  /** Connects and says what is missing: an empty list means the site can be used. */
  check(options?: CallOptions): Promise<readonly SiteFinding[]>;
  inventory(options?: CallOptions): Promise<Inventory>;

  /** Each create answers the ref of the one thing that carries `token`, making it only if there is none. */
  createCompute(spec: ComputeSpec, token: string, options?: CallOptions): Promise<SiteRef>;
  createNetwork(spec: NetworkSpec, token: string, options?: CallOptions): Promise<SiteRef>;
  createStorage(spec: StorageSpec, token: string, options?: CallOptions): Promise<SiteRef>;
  attachNic(spec: NicSpec, token: string, options?: CallOptions): Promise<SiteRef>;
  attachStorage(spec: AttachmentSpec, token: string, options?: CallOptions): Promise<SiteRef>;
  importImage(spec: ImageSpec, token: string, options?: CallOptions): Promise<SiteRef>;

  /** With {@link Capabilities.exportsImages}: an image that the site has, whoever made it, if it is finished. */
  exportImage?(ref: SiteRef, options?: CallOptions): Promise<ImageExport>;

  /** Idempotent: deleting what is not there succeeds. Resolves when the site has accepted; `describe` tells when it is gone. */
  delete(what: ResourceClass, ref: SiteRef, options?: CallOptions): Promise<void>;
  /** Idempotent: asking for the state a thing already has succeeds. */
  actCompute(ref: SiteRef, action: LifecycleAction, method: string | undefined, options?: CallOptions): Promise<void>;
  resizeCompute(ref: SiteRef, size: ComputeSize, options?: CallOptions): Promise<void>;
  /** Makes an image of the machine's boot disk. */
  saveCompute(
    ref: SiteRef,
    name: string,
    method: string | undefined,
    token: string,
    options?: CallOptions,
  ): Promise<SiteRef>;
  actNetwork(ref: SiteRef, action: NetworkAction, options?: CallOptions): Promise<void>;
  actStorage(ref: SiteRef, action: VolumeAction, options?: CallOptions): Promise<void>;
  resizeStorage(ref: SiteRef, sizeBytes: number, options?: CallOptions): Promise<void>;

  /** What the site says of each ref, in one batch; a ref that is gone has no entry. */
  describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    options?: CallOptions,
  ): Promise<ReadonlyMap<SiteRef, Observed>>;
  /** Everything of a class on the site that carries a VEP token, in pages: what reconcile compares with. */
  list(what: ResourceClass, options?: CallOptions): AsyncIterable<Observed>;
  /**
   * Removes what it made for the sake of others and nothing needs any more; asked for after each look at the whole site. Answers how
   * many of those are still there, to be removed another time. Absent: it makes nothing but what it is asked for.
   */
  tidy?(options?: CallOptions): Promise<number>;
  /** Changes as they happen, where {@link Capabilities.events}; at least once, in order per ref. */
  events(signal: AbortSignal): AsyncIterable<SiteEvent>;
  metrics(refs: readonly SiteRef[], options?: CallOptions): Promise<readonly MetricSample[]>;
  /** With {@link Capabilities.appliances}, and for as long as nobody knows whether the site has that. */
  readonly appliances?: ApplianceSite | undefined;
  /** With {@link Capabilities.limits}. */
  readonly tenants?: TenantSite;
  /** With {@link Capabilities.securityGroups}. */
  readonly securityGroups?: SecurityGroupSite | undefined;
  /** With {@link Capabilities.accounting}. */
  readonly accounting?: AccountingSite | undefined;
  close(): Promise<void>;
}
