/**
 * The OVF envelope (DSP0243 §7–§9, DSP8023) as an immutable value: what one descriptor says, in the standard's own
 * words and before any configuration is chosen or any property resolved. Every node knows where it stood in the
 * document (`at`), so that whoever judges it later can say the line. Numbers that the schema calls unsignedLong are
 * `bigint`; a number is absent when its text was no number (the reader has then reported it). What is absent may be a key less or
 * undefined: parts are written down in one go, since to put them together piece by piece costs more than to read them. Names in other namespaces
 * that the standard lets stand anywhere are kept as {@link ForeignElement}s.
 */

import type { Place } from '../../base/errors.js';
import type { Element } from '../xml/element.js';

/** Place of a node: line (1-based) and XPath-like path, e.g. `/Envelope/VirtualSystem[web]/VirtualHardwareSection`. */
export interface At extends Place {
  readonly line: number;
  readonly column: number;
  readonly path: string;
}

export interface Located {
  readonly at: At;
}

/** Msg_Type: a text and the key under which message bundles hold its translations. */
export interface Message extends Located {
  readonly text: string;
  readonly msgid?: string;
}

export interface Envelope extends Located {
  /** Namespace of the root as written; `version` 2 when it is the one of OVF 2.x. */
  readonly namespace: string;
  readonly version: 1 | 2;
  /** `xml:lang` of the root, `en-US` when it has none. */
  readonly lang: string;
  readonly references: readonly File[];
  readonly diskSection?: DiskSection | undefined;
  readonly networkSection?: NetworkSection | undefined;
  readonly deploymentOptionSection?: DeploymentOptionSection | undefined;
  /** PlacementGroupSection (OVF 2), any number. */
  readonly placementGroups: readonly PlacementGroupSection[];
  readonly content: Content;
  readonly strings: readonly Strings[];
  /** Sections and elements anywhere in the document that the reader does not act on, in document order. */
  readonly ignored: readonly IgnoredElement[];
  /** Package conformance (DSP0243 §5.2): 1 only the specification, 2 optional extensions, 3 required extensions. */
  readonly conformanceLevel: 1 | 2 | 3;
}

/** References/File. */
export interface File extends Located {
  readonly id: string;
  /** As written: a path relative to the descriptor, or an absolute http(s) URL. */
  readonly href: string;
  /** Bytes. */
  readonly size?: bigint | undefined;
  readonly compression: 'identity' | 'gzip' | 'bzip2';
  /** Bytes of each chunk but the last; absent: one file. */
  readonly chunkSize?: bigint | undefined;
}

export interface DiskSection extends Located {
  readonly info: Message;
  readonly disks: readonly Disk[];
}

/** DiskSection/Disk, or SharedDiskSection/SharedDisk (OVF 2) with `shared` true. */
export interface Disk extends Located {
  readonly diskId: string;
  /** File id; absent for a blank disk. */
  readonly fileRef?: string | undefined;
  /** Decimal digits, or `${key}` naming a property; empty: the image tells it. */
  readonly capacity: string;
  /** Programmatic unit of `capacity` (DSP0004), `byte` when the descriptor gives none. */
  readonly capacityAllocationUnits: string;
  /** Format URI as written. */
  readonly format?: string | undefined;
  /** Bytes. */
  readonly populatedSize?: bigint | undefined;
  /** diskId of the disk that this one is a delta of. */
  readonly parentRef?: string | undefined;
  readonly shared: boolean;
  readonly readOnly: boolean;
}

export interface NetworkSection extends Located {
  readonly info: Message;
  readonly networks: readonly Network[];
}

export interface Network extends Located {
  readonly name: string;
  readonly description?: Message | undefined;
  /** True when only a Connection names it and the reader declared it (lenient). */
  readonly implicit: boolean;
}

export interface DeploymentOptionSection extends Located {
  readonly info: Message;
  readonly configurations: readonly Configuration[];
}

export interface Configuration extends Located {
  readonly id: string;
  readonly default: boolean;
  readonly label: Message;
  readonly description: Message;
}

export type Content = VirtualSystem | VirtualSystemCollection;

interface ContentBase extends Located {
  /** Unique in the package: `ovf:id`, prefixed by the ids of its collections when the same `ovf:id` occurs twice. */
  readonly id: string;
  /** `ovf:id` as written. */
  readonly ovfId: string;
  readonly info: Message;
  readonly name?: Message | undefined;
  readonly annotations: readonly AnnotationSection[];
  readonly products: readonly ProductSection[];
  readonly eulas: readonly EulaSection[];
  readonly scaleOut?: ScaleOutSection | undefined;
  readonly placement?: PlacementSection | undefined;
  readonly environmentFiles: readonly EnvironmentFile[];
}

export interface VirtualSystem extends ContentBase {
  readonly kind: 'VirtualSystem';
  /** Alternatives for different virtual system types, in the order of preference of their author. */
  readonly hardware: readonly VirtualHardwareSection[];
  readonly operatingSystem?: OperatingSystemSection | undefined;
  readonly install?: InstallSection | undefined;
  /** What VirtualBox's own description of the machine says of its firmware, where that is more than a BIOS. */
  readonly firmware?: 'efi' | undefined;
  readonly bootOrder?: BootOrder | undefined;
}

/** BootDeviceSection (OVF 2), or what VMware has for it. */
export interface BootOrder extends Located {
  /** InstanceIDs of items, the device to be tried first in front; those of no item are left to the planner. */
  readonly instanceIds: readonly string[];
}

export interface VirtualSystemCollection extends ContentBase {
  readonly kind: 'VirtualSystemCollection';
  readonly children: readonly Content[];
  readonly resourceAllocation?: ResourceAllocationSection | undefined;
  readonly startup?: StartupSection | undefined;
}

export interface VirtualHardwareSection extends Located {
  readonly id: string;
  /** `ovf:transport` as a list: `iso`, `com.vmware.guestInfo`, URIs. */
  readonly transports: readonly string[];
  readonly info: Message;
  readonly system?: System | undefined;
  readonly items: readonly Item[];
  /** What VMware's `Config` of that key has the machine start with. */
  readonly firmware?: 'efi' | 'bios' | undefined;
}

/** CIM_VirtualSystemSettingData of a VirtualHardwareSection. */
export interface System extends Located {
  readonly elementName: string;
  readonly instanceId: string;
  readonly virtualSystemIdentifier?: string | undefined;
  /** VirtualSystemType as a list, e.g. `['vmx-07', 'virtualbox-2.2']`. */
  readonly virtualSystemTypes: readonly string[];
}

/** An unsignedLong of an Item: its text, and its value when the text is one. */
export interface Quantity extends Located {
  readonly text: string;
  readonly value?: bigint | undefined;
}

export type Bound = 'normal' | 'min' | 'max';

/** CIM_ResourceAllocationSettingData: an Item, or a StorageItem or EthernetPortItem of OVF 2. */
export interface Item extends Located {
  readonly element: 'Item' | 'StorageItem' | 'EthernetPortItem';
  readonly required: boolean;
  /** True where `ovf:required` says so, which is more than its default: many writers never write it. */
  readonly requiredInWriting: boolean;
  /** Configuration ids of `ovf:configuration`; empty: the item holds in all of them. */
  readonly configurations: readonly string[];
  readonly bound: Bound;
  readonly instanceId: string;
  readonly elementName: string;
  /** CIM resource type (3 processor, 4 memory, 10 Ethernet, 15 CD, 17 disk, …). */
  readonly resourceType?: number | undefined;
  readonly resourceSubType?: string | undefined;
  readonly address?: string | undefined;
  readonly addressOnParent?: string | undefined;
  /** Programmatic unit of the quantities (of Reservation and Limit only, for processors). */
  readonly allocationUnits?: string | undefined;
  /** Unit of VirtualQuantity in newer CIM, e.g. `count`. */
  readonly virtualQuantityUnits?: string | undefined;
  readonly connections: readonly string[];
  readonly hostResources: readonly HostResource[];
  /** InstanceID of the controller. */
  readonly parent?: string | undefined;
  readonly virtualQuantity?: Quantity | undefined;
  readonly reservation?: Quantity | undefined;
  readonly limit?: Quantity | undefined;
  readonly weight?: Quantity | undefined;
}

/** HostResource as written, and what it points to when it has one of the known forms; an empty one is left out. */
export interface HostResource extends Located {
  readonly text: string;
  readonly target?: { readonly kind: 'disk' | 'file'; readonly id: string } | undefined;
}

export interface OperatingSystemSection extends Located {
  /** CIM OsType; 1 (Other) stands for numbers the schema does not allow (lenient). */
  readonly id: number;
  readonly version?: string | undefined;
  readonly info: Message;
  readonly description?: Message | undefined;
  /** `vmw:osType` or `vbox:OSType`, e.g. `ubuntu64Guest`. */
  readonly vendorType?: string | undefined;
}

export interface InstallSection extends Located {
  readonly info: Message;
  /** Seconds to wait for the first boot to power off; 0: no limit. */
  readonly initialBootStopDelay: number;
}

export interface ProductSection extends Located {
  readonly class: string;
  readonly instance: string;
  readonly info: Message;
  readonly product?: Message | undefined;
  readonly vendor?: Message | undefined;
  readonly version?: string | undefined;
  readonly fullVersion?: string | undefined;
  readonly productUrl?: string | undefined;
  readonly vendorUrl?: string | undefined;
  readonly appUrl?: string | undefined;
  readonly icons: readonly Icon[];
  readonly properties: readonly Property[];
}

export interface Icon extends Located {
  readonly fileRef: string;
  readonly mimeType?: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

export interface Property extends Located {
  readonly key: string;
  /** `ovf:type` as written. */
  readonly type: string;
  /** `ovf:qualifiers` as written. */
  readonly qualifiers?: string | undefined;
  readonly userConfigurable: boolean;
  readonly password: boolean;
  /** `ovf:value`, the default of all configurations; `''` when absent. */
  readonly value: string;
  /** Configurations the property itself is limited to (OVF 2); empty: all. */
  readonly configurations: readonly string[];
  readonly values: readonly PropertyValue[];
  /** The Category that stands before it. */
  readonly category?: Message | undefined;
  readonly label?: Message | undefined;
  readonly description?: Message | undefined;
}

export interface PropertyValue extends Located {
  readonly value: string;
  /** Empty: a default for every configuration. */
  readonly configurations: readonly string[];
}

export interface EulaSection extends Located {
  readonly info: Message;
  readonly license: Message;
}

export interface AnnotationSection extends Located {
  readonly info: Message;
  readonly annotation: Message;
}

export interface ResourceAllocationSection extends Located {
  readonly info: Message;
  readonly items: readonly Item[];
}

export interface StartupSection extends Located {
  readonly info: Message;
  readonly items: readonly StartupItem[];
}

export type StartAction = 'powerOn' | 'none';
export type StopAction = 'powerOff' | 'guestShutdown' | 'none';

export interface StartupItem extends Located {
  /** {@link Content.id} of the immediate child it is about. */
  readonly id: string;
  readonly order: number;
  /** Seconds. */
  readonly startDelay: number;
  readonly waitingForGuest: boolean;
  /** Seconds. */
  readonly stopDelay: number;
  readonly startAction: StartAction;
  readonly stopAction: StopAction;
}

/** OVF 2 ScaleOutSection: how many instances of the system or collection there shall be. */
export interface ScaleOutSection extends Located {
  /** `ovf:id` of the system or collection that is replicated, and the beginning of the replicas' ids. */
  readonly id: string;
  readonly info: Message;
  readonly description?: Message | undefined;
  readonly instanceCounts: readonly InstanceCount[];
}

export interface InstanceCount extends Located {
  readonly default: number;
  readonly minimum: number;
  readonly maximum?: number | undefined;
  readonly configurations: readonly string[];
}

/** OVF 2 PlacementSection: membership in a {@link PlacementGroupSection}. */
export interface PlacementSection extends Located {
  readonly info: Message;
  readonly group: string;
}

export interface PlacementGroupSection extends Located {
  readonly id: string;
  /** `affinity`, `availability`, or what the author wrote. */
  readonly policy: string;
  readonly info: Message;
  readonly description?: Message | undefined;
}

/** OVF 2 EnvironmentFilesSection/File: a referenced file that shall reach the guest at `path`. */
export interface EnvironmentFile extends Located {
  readonly fileRef: string;
  readonly path: string;
  readonly transports: readonly string[];
}

/** A message bundle: inside the envelope, or (`fileRef`) in a file of its own. */
export interface Strings extends Located {
  /** `xml:lang`; empty while only the file of the bundle may say it. */
  readonly lang: string;
  /** File id of an external bundle. */
  readonly fileRef?: string | undefined;
  readonly messages: ReadonlyMap<string, string>;
  /** File ids of messages whose text is a plain file (OVF 2 `Msg ovf:fileRef`), by msgid; absent when there are none. */
  readonly texts?: ReadonlyMap<string, string> | undefined;
}

/** An element of another namespace, or one of OVF's own that has no meaning to VEP. */
export interface ForeignElement extends Located {
  readonly namespace: string;
  readonly name: string;
  /** By Clark name: `{namespace}local`, or `local` for an attribute without one. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Its text when it has no child elements. */
  readonly text: string;
}

export interface IgnoredElement extends ForeignElement {
  /** With all that is in it. */
  readonly element: Element;
  /** The element it stood in. */
  readonly parent: At;
  /** True when its author demands that it be understood. */
  readonly required: boolean;
}
