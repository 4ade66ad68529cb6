/** Descriptors of any number of machines: disks, networks, properties, start order and products, as exporters write them. */

const CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_';
const FORMAT = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';

export function descriptorOf(machines) {
  const numbers = Array.from({ length: machines }, (_, index) => index + 1);
  const each = (write) => numbers.map(write).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="${CIM}ResourceAllocationSettingData" xmlns:vssd="${CIM}VirtualSystemSettingData">
  <References>
${each((n) => `    <File ovf:id="file${n}" ovf:href="machine-${n}-disk1.vmdk" ovf:size="412345678"/>`)}
  </References>
  <DiskSection>
    <Info>The virtual disks</Info>
${each((n) => `    <Disk ovf:diskId="disk${n}" ovf:fileRef="file${n}" ovf:capacity="16" ovf:capacityAllocationUnits="byte * 2^30" ovf:format="${FORMAT}"/>`)}
  </DiskSection>
  <NetworkSection>
    <Info>The networks</Info>
    <Network ovf:name="front"><Description>Where users come from</Description></Network>
    <Network ovf:name="back"><Description>Between the machines</Description></Network>
  </NetworkSection>
  <VirtualSystemCollection ovf:id="service">
    <Info>A service</Info>
    <Name>Service</Name>
    <ProductSection ovf:class="org.example.service">
      <Info>What all machines have in common</Info>
      <Product>Service</Product>
      <Property ovf:key="domain" ovf:type="string" ovf:userConfigurable="true" ovf:value="example.org" ovf:qualifiers="MinLen(1) MaxLen(64)"/>
    </ProductSection>
    <StartupSection>
      <Info>Machines start one after the other</Info>
${each((n) => `      <Item ovf:id="machine${n}" ovf:order="${n % 50}" ovf:startDelay="5" ovf:stopDelay="5"/>`)}
    </StartupSection>
${each(machine)}
  </VirtualSystemCollection>
</Envelope>
`;
}

function machine(n) {
  return `    <VirtualSystem ovf:id="machine${n}">
      <Info>A machine</Info>
      <Name>Machine ${n}</Name>
      <OperatingSystemSection ovf:id="101"><Info>The operating system</Info><Description>Linux, 64 bits</Description></OperatingSystemSection>
      <ProductSection ovf:class="org.example.machine">
        <Info>Settings</Info>
        <Product>Machine</Product>
        <Property ovf:key="role" ovf:type="string" ovf:value="worker" ovf:userConfigurable="true"><Label>Role</Label></Property>
        <Property ovf:key="port" ovf:type="uint16" ovf:value="${8000 + (n % 1000)}" ovf:userConfigurable="true"/>
        <Property ovf:key="address" ovf:type="string" ovf:value="m${n}.\${org.example.service.domain}"/>
      </ProductSection>
      <VirtualHardwareSection ovf:transport="iso">
        <Info>Virtual hardware</Info>
        <System>
          <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
          <vssd:InstanceID>0</vssd:InstanceID>
          <vssd:VirtualSystemIdentifier>machine${n}</vssd:VirtualSystemIdentifier>
          <vssd:VirtualSystemType>vmx-07</vssd:VirtualSystemType>
        </System>
        ${item('hertz * 10^6', '', '2 virtual CPUs', '', 1, '', '', 3, 2)}
        ${item('byte * 2^20', '', '2048 MB of memory', '', 2, '', '', 4, 2048)}
        ${item('', '', 'SCSI controller 0', '', 3, '', 'lsilogic', 6, '')}
        ${item('', '', 'Hard disk 1', `ovf:/disk/disk${n}`, 4, 3, '', 17, '', 0)}
        ${item('', 'front', 'Network adapter 1', '', 5, '', 'E1000', 10, '', 7)}
        ${item('', 'back', 'Network adapter 2', '', 6, '', 'E1000', 10, '', 8)}
      </VirtualHardwareSection>
    </VirtualSystem>`;
}

function item(units, connection, name, resource, id, parent, subType, type, quantity, slot = '') {
  const child = (element, value) => (value === '' ? '' : `<rasd:${element}>${value}</rasd:${element}>`);
  return `<Item>${child('AddressOnParent', slot)}${child('AllocationUnits', units)}${child('Connection', connection)}${child('ElementName', name)}${child('HostResource', resource)}${child('InstanceID', id)}${child('Parent', parent)}${child('ResourceSubType', subType)}${child('ResourceType', type)}${child('VirtualQuantity', quantity)}</Item>`;
}
