/** Descriptors for tests: a small valid one, made from parts that a test may change. */

import type { Fault } from '../../src/base/errors.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import type { Envelope } from '../../src/ovf/envelope/model.js';
import { inspectEnvelope } from '../../src/ovf/envelope/read.js';
import { schemas } from './schema-support.js';

export const NAMESPACES = [
  'xmlns="http://schemas.dmtf.org/ovf/envelope/1"',
  'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"',
  'xmlns:ovf2="http://schemas.dmtf.org/ovf/envelope/2"',
  'xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"',
  'xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"',
  'xmlns:vmw="http://www.vmware.com/schema/ovf"',
  'xmlns:vcloud="http://www.vmware.com/vcloud/v1.5"',
  'xmlns:other="http://example.org/other"',
].join(' ');

export interface Parts {
  readonly root?: string;
  readonly references?: string;
  readonly disks?: string;
  readonly networks?: string;
  /** Further sections of the envelope. */
  readonly sections?: string;
  readonly content?: string;
  /** Used by the default content. */
  readonly systemSections?: string;
  readonly hardware?: string;
  readonly items?: string;
  readonly strings?: string;
}

export const CPU = item(1, 3, '<rasd:VirtualQuantity>2</rasd:VirtualQuantity>');
export const MEMORY = `<Item>
  <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ElementName>memory</rasd:ElementName>
  <rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity>
</Item>`;
export const CONTROLLER = item(3, 6, '');
export const DISK = `<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>disk</rasd:ElementName>
  <rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID>
  <rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>`;
export const ADAPTER = `<Item><rasd:Connection>net</rasd:Connection><rasd:ElementName>eth</rasd:ElementName>
  <rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType></Item>`;
export const ITEMS = `${CPU}${MEMORY}${CONTROLLER}${DISK}${ADAPTER}`;
export const FILES = '<File ovf:id="file1" ovf:href="disk1.vmdk" ovf:size="100"/>';
export const FORMAT = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';
export const DISKS = `<Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="10" ovf:capacityAllocationUnits="byte * 2^30" ovf:format="${FORMAT}"/>`;

/** An item of a type with its properties after ResourceType in alphabetical order. */
export function item(instanceId: number, type: number, after: string, attributes = ''): string {
  return `<Item ${attributes}><rasd:ElementName>item ${instanceId}</rasd:ElementName><rasd:InstanceID>${instanceId}</rasd:InstanceID><rasd:ResourceType>${type}</rasd:ResourceType>${after}</Item>`;
}

export function hardware(items: string, attributes = ''): string {
  return `<VirtualHardwareSection ${attributes}><Info>hardware</Info>
    <System><vssd:ElementName>family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-07 kvm</vssd:VirtualSystemType></System>
    ${items}</VirtualHardwareSection>`;
}

export function system(id: string, sections: string): string {
  return `<VirtualSystem ovf:id="${id}"><Info>a system</Info><Name>${id}</Name>${sections}</VirtualSystem>`;
}

export function collection(id: string, sections: string, children: string): string {
  return `<VirtualSystemCollection ovf:id="${id}"><Info>a collection</Info>${sections}${children}</VirtualSystemCollection>`;
}

export function descriptor(parts: Parts = {}): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Envelope ${parts.root ?? NAMESPACES}>
  ${parts.references ?? `<References>${FILES}</References>`}
  ${parts.disks ?? `<DiskSection><Info>disks</Info>${DISKS}</DiskSection>`}
  ${parts.networks ?? '<NetworkSection><Info>networks</Info><Network ovf:name="net"/></NetworkSection>'}
  ${parts.sections ?? ''}
  ${parts.content ?? system('vm', `${parts.systemSections ?? ''}${parts.hardware ?? hardware(parts.items ?? ITEMS)}`)}
  ${parts.strings ?? ''}
</Envelope>
`;
}

export interface Judged {
  readonly envelope: Envelope | undefined;
  readonly findings: readonly Fault[];
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** What the reader says about a descriptor, the codes sorted by severity. */
export function judge(text: string | Uint8Array, mode: Mode): Judged {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const { envelope, findings } = inspectEnvelope(bytes, { mode, schemas });
  const codes = (severity: string): string[] =>
    findings.filter((fault) => (fault.severity ?? 'error') === severity).map((fault) => fault.code);
  return { envelope, findings, errors: codes('error'), warnings: codes('warning'), notes: codes('info') };
}
