/** Descriptors that hold every element and attribute that an edition of the schema declares, each in its place. */

import type { Edition } from '../../src/ovf/schema/schemas.js';
import { NAMESPACES } from './envelope-support.js';

const CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_';

/** An element for each name, with its text: `Name=text`, or `Name` alone for some text. */
function properties(prefix: string, list: readonly string[]): string {
  return list
    .map((entry) => {
      const [name = '', text = 'text'] = entry.split('=');
      return `<${prefix}:${name}>${text}</${prefix}:${name}>`;
    })
    .join('\n');
}

const DATE = '<cim:Date>2010-01-12</cim:Date>';

function system(edition: Edition): string {
  return properties('vssd', [
    ...['AutomaticRecoveryAction=3', 'AutomaticShutdownAction=4', 'AutomaticStartupAction=2'],
    ...['AutomaticStartupActionDelay=<cim:Interval>PT5M</cim:Interval>', 'AutomaticStartupActionSequenceNumber=7'],
    ...['Caption', 'ChangeableType=1', 'ConfigurationDataRoot', 'ConfigurationFile', 'ConfigurationID'],
    ...['ConfigurationName', `CreationTime=${DATE}`, 'Description', 'ElementName'],
    ...(edition === '1.0' ? ['Generation=1'] : []),
    ...['InstanceID', 'LogDataRoot', 'Notes', 'Notes', 'RecoveryFile', 'SnapshotDataRoot', 'SuspendDataRoot'],
    ...['SwapFileDataRoot', 'VirtualSystemIdentifier', 'VirtualSystemType=vmx-07 kvm'],
  ]);
}

const HEAD = ['Address', 'AddressOnParent=0', 'AllocationUnits=byte', 'AutomaticAllocation=true'];
const MIDDLE = ['Connection=net', 'Connection=other', 'ConsumerVisibility=0', 'Description', 'ElementName'];
const TAIL = [
  'Limit=9',
  'MappingBehavior=5',
  'OtherResourceType',
  'Parent',
  'PoolID',
  'Reservation=1',
  'ResourceSubType',
];

function item(edition: Edition): string {
  return properties('rasd', [
    ...[...HEAD, 'AutomaticDeallocation=false', 'Caption', 'ChangeableType=0', 'ConfigurationName', ...MIDDLE],
    ...(edition === '1.0' ? ['Generation=1'] : []),
    ...['HostResource', 'HostResource', 'InstanceID', ...TAIL, 'ResourceType=3', 'VirtualQuantity=2'],
    ...(edition === '1.0' ? [] : ['VirtualQuantityUnits=count']),
    'Weight=100',
  ]);
}

const STORAGE = properties('sasd', [
  ...['Access=3', ...HEAD, 'AutomaticDeallocation=false', 'Caption', ...MIDDLE, 'HostExtentName'],
  ...['HostExtentNameFormat=1', 'HostExtentNameNamespace=2', 'HostExtentStartingAddress=0', 'HostResource'],
  ...['HostResourceBlockSize=512', 'InstanceID', 'Limit=9', 'MappingBehavior=5', 'OtherHostExtentNameFormat'],
  ...['OtherHostExtentNameNamespace', ...TAIL.slice(2), 'ResourceType=17', 'VirtualQuantity=2'],
  ...['VirtualQuantityUnits=count', 'VirtualResourceBlockSize=512', 'Weight=1'],
]);

const PORT = properties('epasd', [
  ...[...HEAD.slice(0, 3), 'AllowedPriorities=1', 'AllowedToReceiveMACAddresses', 'AllowedToReceiveVLANs=1'],
  ...['AllowedToTransmitMACAddresses', 'AllowedToTransmitVLANs=1', 'AutomaticAllocation=true'],
  ...['AutomaticDeallocation=true', 'Caption', 'Connection=net', 'ConsumerVisibility=0', 'DefaultPortVID=1'],
  ...['DefaultPriority=1', 'Description', 'DesiredVLANEndpointMode=2', 'ElementName', 'GroupID=1', 'HostResource'],
  ...[
    'InstanceID',
    'Limit=9',
    'ManagerID=1',
    'MappingBehavior=5',
    'NetworkPortProfileID',
    'NetworkPortProfileIDType=2',
  ],
  ...['OtherEndpointMode', 'OtherNetworkPortProfileIDTypeInfo', 'OtherResourceType', 'Parent', 'PoolID'],
  ...[
    'PortCorrelationID',
    'PortVID=1',
    'Promiscuous=false',
    'ReceiveBandwidthLimit=1',
    'ReceiveBandwidthReservation=1',
  ],
  ...['Reservation=1', 'ResourceSubType', 'ResourceType=10', 'SourceMACFilteringEnabled=true', 'VirtualQuantity=1'],
  ...['VirtualQuantityUnits=count', 'Weight=1'],
]);

const VMWARE = `<vmw:IpAssignmentSection vmw:schemes="dhcp" vmw:protocols="IPv4 IPv6"><Info/></vmw:IpAssignmentSection>
<vmw:CpuCompatibilitySection><Info/><vmw:Level vmw:level="-1" vmw:vendor="v" vmw:eax="1" vmw:ebx="0" vmw:ecx="x" vmw:edx="-"/>
  <vmw:Level vmw:level="0x1f"/></vmw:CpuCompatibilitySection>
<vmw:StorageGroupSection ovf:required="false"><Info/><vmw:Description>gold</vmw:Description></vmw:StorageGroupSection>
<vmw:StorageSection vmw:type="t"><Info/></vmw:StorageSection>
<vmw:BootOrderSection vmw:type="disk" vmw:instanceId="7"><Info/></vmw:BootOrderSection>`;
const VMWARE_CONFIG = `<vmw:Config ovf:required="false" vmw:key="k" vmw:value="v"/><vmw:ExtraConfig vmw:key="k" vmw:value="v"/>`;

const VERSION_2_OF_ENVELOPE = `<SharedDiskSection><Info/><SharedDisk ovf:diskId="both" ovf:capacity="1" ovf:readOnly="true"/></SharedDiskSection>
<PlacementGroupSection ovf:id="apart" ovf:policy="availability"><Info/><Description>d</Description></PlacementGroupSection>`;
const VERSION_2_OF_SYSTEM = `<EnvironmentFilesSection ovf:transport="iso"><Info/><File ovf:fileRef="file1" ovf:path="etc/x"/></EnvironmentFilesSection>
<BootDeviceSection><Info/><b:CIM_BootConfigSetting>${properties('b', ['Caption', 'Description', 'ElementName', 'InstanceID'])}</b:CIM_BootConfigSetting></BootDeviceSection>
<ScaleOutSection ovf:id="vm"><Info/><Description>d</Description><InstanceCount ovf:minimum="1" ovf:default="2" ovf:maximum="3" ovf:configuration="c"/></ScaleOutSection>
<PlacementSection ovf:group="apart"><Info/></PlacementSection>`;

export function completeDescriptor(edition: Edition): string {
  const second = edition === '2.0';
  const vmware = edition === '1.1 with VMware';
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<Envelope ${NAMESPACES.replace(/ xmlns:ovf2="[^"]*"/, '')} xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common"
  xmlns:sasd="${CIM}StorageAllocationSettingData" xmlns:epasd="${CIM}EthernetPortAllocationSettingData" xmlns:b="${CIM}BootConfigSetting" xml:lang="en">
<References><File ovf:id="file1" ovf:href="a.vmdk" ovf:size="1" ovf:compression="gzip" ovf:chunkSize="7"/><other:Thing/></References>
<DiskSection ovf:required="true"><Info ovf:msgid="m">i</Info><Disk ovf:diskId="d" ovf:fileRef="file1" ovf:capacity="1"
  ovf:capacityAllocationUnits="byte" ovf:format="f" ovf:populatedSize="1" ovf:parentRef="p"/></DiskSection>
<NetworkSection><Info/><Network ovf:name="net"><Description>d</Description>${
    second
      ? `<NetworkPortProfile><Item>${PORT}</Item></NetworkPortProfile><NetworkPortProfileURI>urn:x</NetworkPortProfileURI>`
      : ''
  }</Network></NetworkSection>
<DeploymentOptionSection><Info/><Configuration ovf:id="c" ovf:default="true"><Label>l</Label><Description>d</Description></Configuration></DeploymentOptionSection>
${vmware ? VMWARE : ''}${second ? VERSION_2_OF_ENVELOPE : ''}
<VirtualSystemCollection ovf:id="all"><Info/><Name>n</Name>
<ResourceAllocationSection><Info/><Item ovf:required="false" ovf:configuration="c" ovf:bound="min">${item(edition)}</Item></ResourceAllocationSection>
<StartupSection><Info/><Item ovf:id="vm" ovf:order="1" ovf:startDelay="2" ovf:waitingForGuest="true" ovf:stopDelay="3" ovf:startAction="powerOn" ovf:stopAction="guestShutdown"/></StartupSection>
<VirtualSystem ovf:id="vm"><Info/><Name ovf:msgid="m">n</Name>
<OperatingSystemSection ovf:id="36" ovf:version="v"><Info/><Description>d</Description></OperatingSystemSection>
<AnnotationSection><Info/><Annotation ovf:msgid="m">a</Annotation></AnnotationSection>
<EulaSection><Info/><License>l</License></EulaSection>
<InstallSection ovf:initialBootStopDelay="300"><Info/></InstallSection>
<ProductSection ovf:class="c" ovf:instance="i"><Info/><Product>p</Product><Vendor>v</Vendor><Version>1</Version><FullVersion>1</FullVersion>
<ProductUrl>u</ProductUrl><VendorUrl>u</VendorUrl><AppUrl>u</AppUrl><Icon ovf:height="1" ovf:width="1" ovf:mimeType="image/png" ovf:fileRef="file1"/>
<Category>c</Category><Property ovf:key="k" ovf:type="string" ovf:qualifiers="MinLen(1)" ovf:userConfigurable="true" ovf:value="v" ovf:password="false"${
    second ? ' ovf:configuration="c"' : ''
  }><Label>l</Label><Description>d</Description><Value ovf:value="v" ovf:configuration="c"/></Property></ProductSection>
<VirtualHardwareSection ovf:id="h" ovf:transport="iso"><Info/><System>${system(edition)}</System>
<Item ovf:required="true" ovf:configuration="c" ovf:bound="max">${item(edition)}${vmware ? '<vmw:CoresPerSocket ovf:required="false">2</vmw:CoresPerSocket>' : ''}</Item>
${second ? `<EthernetPortItem ovf:bound="max">${PORT}</EthernetPortItem><StorageItem ovf:configuration="c">${STORAGE}</StorageItem>` : ''}
${vmware ? VMWARE_CONFIG : ''}</VirtualHardwareSection>
${second ? VERSION_2_OF_SYSTEM : ''}
</VirtualSystem></VirtualSystemCollection>
<Strings xml:lang="de" ovf:fileRef="file1"><Msg ovf:msgid="m"${second ? ' ovf:fileRef="file1"' : ''}>text</Msg></Strings>
</Envelope>
`;
  return second
    ? text.replaceAll('http://schemas.dmtf.org/ovf/envelope/1', 'http://schemas.dmtf.org/ovf/envelope/2')
    : text;
}

export const COMPLETE_ENVIRONMENT = `<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1" xmlns:ovf="http://schemas.dmtf.org/ovf/environment/1" ovf:id="vm">
<PlatformSection><Kind>k</Kind><Version>1</Version><Vendor>v</Vendor><Locale>en</Locale><Timezone>-60</Timezone><o:Thing xmlns:o="urn:other"/></PlatformSection>
<PropertySection><Property ovf:key="k" ovf:value="v"/></PropertySection>
<Entity ovf:id="db"><PropertySection><Property ovf:key="k" ovf:value="v"/></PropertySection></Entity>
<o:Thing xmlns:o="urn:other"/>
</Environment>
`;
