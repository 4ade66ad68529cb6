/**
 * The deployment plan: what an envelope means once a configuration is chosen and every input is filled in. An immutable
 * value without any trace of XML, and the only thing the floors above know of an appliance. Sizes are bytes, delays are
 * seconds, ids are the OVF's own (`ovf:id`, `ovf:diskId`, `ovf:name`), unique within the plan.
 */

import type { Fault } from '../base/errors.js';

export interface DeploymentPlan {
  readonly version: 1;
  /** `Name` of the content element, else its `ovf:id`. */
  readonly title: string;
  /** `ovf:id` of the top content element. */
  readonly id: string;
  readonly annotation?: string;
  /** Id of the chosen DeploymentOptionSection configuration. */
  readonly configuration?: string;
  readonly machines: readonly PlannedMachine[];
  readonly networks: readonly PlannedNetwork[];
  readonly disks: readonly PlannedDisk[];
  /** Files of the References section that a disk or a CD drive needs. */
  readonly images: readonly PlannedImage[];
  /** Files of the References section that reach guests as they are (OVF 2 EnvironmentFilesSection); absent: none. */
  readonly files?: readonly PlannedImage[];
  /** Groups in start order; machines of one group start in parallel. Stopping goes in reverse. */
  readonly startup: readonly StartupStep[];
  readonly constraints: readonly PlacementConstraint[];
  /** VirtualSystemCollections, outermost first; the parent of a machine names one of these or is absent. */
  readonly collections: readonly PlannedCollection[];
  /** Warnings and notes that did not stop the plan. */
  readonly findings: readonly Fault[];
  /** `1 | 2 | 3` of DSP0243: only the specification, optional extensions, required extensions. */
  readonly conformanceLevel: 1 | 2 | 3;
}

export interface PlannedCollection {
  readonly id: string;
  readonly title: string;
  readonly parent?: string;
  /** ResourceAllocationSection: what its machines have and may have together. */
  readonly allocation?: PlannedAllocation;
  /** What its machines see of it, and its siblings as an Entity of the OVF environment. */
  readonly properties: readonly ResolvedProperty[];
}

export interface PlannedMachine {
  readonly id: string;
  /** Id of the machine that this one is a further instance of; absent: it is one of the descriptor's. */
  readonly instanceOf?: string;
  readonly title: string;
  readonly hostname: string;
  readonly collection?: string;
  readonly cores: QuantityRange;
  readonly memoryBytes: QuantityRange;
  readonly allocation?: PlannedAllocation;
  /** `x86` or `x64`, from the operating system id; absent when it does not say. */
  readonly architecture?: 'x86' | 'x64';
  /** What VMware's or VirtualBox's settings ask for beyond the BIOS that every site has. */
  readonly firmware?: 'efi';
  readonly operatingSystem?: { readonly id: number; readonly description?: string; readonly version?: string };
  /** The chosen VirtualSystemType, e.g. `vmx-07`. */
  readonly virtualSystemType?: string;
  readonly drives: readonly PlannedDrive[];
  readonly interfaces: readonly PlannedInterface[];
  readonly environment: PlannedEnvironment;
  /** InstallSection: boot once and wait for power-off, at most this long (0: no limit). */
  readonly install?: { readonly bootStopDelay: number };
  /** ScaleOutSection bounds (OVF 2), else exactly one instance. */
  readonly instances: QuantityRange;
}

/** What is set aside beyond a size: processors in hertz, memory in bytes. */
export interface PlannedAllocation {
  readonly processors?: Allocation;
  readonly memory?: Allocation;
}

/** `rasd:Reservation`, `rasd:Limit` and `rasd:Weight`, each above 0; weights are relative to those of others. */
export interface Allocation {
  readonly reservation?: number;
  readonly limit?: number;
  readonly weight?: number;
}

/** `ovf:bound`: normal with optional bounds, `min <= normal <= max`. */
export interface QuantityRange {
  readonly normal: number;
  readonly min?: number;
  readonly max?: number;
  /** True when the descriptor gave none and a default had to be taken: to be confirmed by the user. */
  readonly assumed?: boolean;
}

/** A disk or CD drive of a machine, in boot order. */
export interface PlannedDrive {
  readonly kind: 'disk' | 'cdrom' | 'floppy';
  /** diskId in {@link DeploymentPlan.disks}; absent for a CD drive with a bare image or without medium. */
  readonly disk?: string;
  /** File id in {@link DeploymentPlan.images}, for a CD drive that refers to a file directly. */
  readonly image?: string;
  readonly bus?: 'ide' | 'scsi' | 'sata' | 'nvme' | 'virtio' | 'usb';
  readonly boot: boolean;
  /** From 1 on, where the descriptor says which drives are tried in which order (BootDeviceSection); absent: it does not. */
  readonly turn?: number;
}

export interface PlannedInterface {
  /** InstanceID of the item. */
  readonly id: string;
  /** `eth0`, `eth1`, … in the order of the items. */
  readonly name: string;
  /** Name in {@link DeploymentPlan.networks}; absent for an unconnected adapter. */
  readonly network?: string;
  readonly mac?: string;
  readonly model?: string;
}

export interface PlannedNetwork {
  readonly name: string;
  readonly description?: string;
  /** The network there is already that the user mapped it to; absent: VEP makes one for the appliance. */
  readonly mappedTo?: string;
  /** Further ones, on other sites, that stand for the same network there. */
  readonly mappedAlso?: readonly string[];
}

export interface PlannedDisk {
  readonly id: string;
  readonly capacityBytes: number;
  /** True when the descriptor leaves the capacity to the image (D08), and nobody has looked at that yet. */
  readonly assumed?: boolean;
  /** File id in {@link DeploymentPlan.images}; absent: blank. */
  readonly image?: string;
  readonly format?: DiskFormat;
  /** The `ovf:format` URI as written. */
  readonly formatUri?: string;
  readonly parent?: string;
  /** Machines that share this one disk (OVF 2 SharedDiskSection); otherwise each machine gets a copy. */
  readonly shared: boolean;
  /** A shared disk that its machines read and never write (`readOnly` of a SharedDisk). */
  readonly readOnly?: true;
}

export type DiskFormat = 'vmdk' | 'qcow2' | 'raw' | 'vhd' | 'iso' | 'unknown';

export interface PlannedImage {
  readonly id: string;
  /** As written: a relative path in the package, or an absolute http(s) URL. */
  readonly href: string;
  readonly sizeBytes?: number;
  readonly compression: 'identity' | 'gzip' | 'bzip2';
  readonly chunkSize?: number;
  readonly digest?: { readonly algorithm: 'sha1' | 'sha256' | 'sha384' | 'sha512'; readonly hex: string };
}

export interface StartupStep {
  readonly order: number;
  readonly machines: readonly {
    readonly id: string;
    readonly startDelay: number;
    readonly stopDelay: number;
    readonly waitingForGuest: boolean;
    readonly startAction: 'powerOn' | 'none';
    readonly stopAction: 'powerOff' | 'guestShutdown' | 'none';
  }[];
}

/** What must be delivered to the guest: resolved properties, secrets by reference only (K26). */
export interface PlannedEnvironment {
  /** `iso`, `com.vmware.guestInfo`, … in order of preference. */
  readonly transports: readonly string[];
  readonly properties: readonly ResolvedProperty[];
  /** Files that the guest finds beside its environment document; absent: none. */
  readonly files?: readonly EnvironmentPath[];
}

export interface EnvironmentPath {
  /** Relative, its steps separated by slashes: `ovffiles/<path>` on the CD. */
  readonly path: string;
  /** File id in {@link DeploymentPlan.files}. */
  readonly file: string;
}

export interface ResolvedProperty {
  /** Composed key `[class.]key[.instance]`. */
  readonly key: string;
  /** Absent when `secret`: the value is then looked up by key among the operation's secrets. */
  readonly value?: string;
  readonly secret: boolean;
  /** As the descriptor has it, with its `${key}`s, where the value draws on a password or on a value that is taken literally. */
  readonly declared?: string;
  /** The user's own value, with something in it that would be a reference in a descriptor (`${key}`); absent: it has none. */
  readonly literal?: true;
  /** Own property, or one seen through the parent collection. */
  readonly from: 'own' | 'parent';
}

export interface PlacementConstraint {
  readonly rule:
    | 'differentHost'
    | 'sameHost'
    | 'differentRack'
    | 'sameRack'
    | 'site'
    | 'country'
    | 'zone'
    | 'hostTrait'
    | 'dedicatedHost'
    | 'separateItems';
  /** Machine ids it binds; empty: all. */
  readonly machines: readonly string[];
  readonly values?: readonly string[];
  readonly hard: boolean;
  /** Where it comes from, for messages: an OVF section or an SLA term id. */
  readonly origin: string;
}
