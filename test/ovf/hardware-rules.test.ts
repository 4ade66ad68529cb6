/** Rules of disks, networks and hardware items beyond the schema (O-032 to O-056), each with a descriptor that breaks it. */

import {
  ADAPTER,
  collection,
  CONTROLLER,
  CPU,
  DISK,
  DISKS,
  hardware,
  item,
  ITEMS,
  MEMORY,
  system,
} from './envelope-support.js';
import { product, disks, judges, type Row } from './rule-rows.js';

const quantity = (value: string): string => `<rasd:VirtualQuantity>${value}</rasd:VirtualQuantity>`;

const ROWS: readonly Row[] = [
  ['O-032', 'two disks of one id', disks(DISKS + DISKS), 'error', 'error'],
  ['O-033', 'a drive of an unknown disk', { items: ITEMS.replace('/vmdisk1', '/other') }, 'error', 'error'],
  [
    'O-034',
    'a capacity of 0 beside an image',
    disks(DISKS.replace('capacity="10"', 'capacity="0"')),
    'error',
    'warning',
  ],
  [
    'O-034',
    'a capacity that is a placeholder',
    disks(DISKS.replace('capacity="10"', 'capacity="@@SIZE@@"')),
    'error',
    'error',
  ],
  ['O-035', 'a unit that is none', disks(DISKS.replace('2^30', 'lots')), 'error', 'error'],
  ['O-035', 'a unit under its old name', disks(DISKS.replace('byte * 2^30', 'GigaBytes')), 'error', 'warning'],
  ['O-035', 'a capacity beyond all measure', disks(DISKS.replace('byte * 2^30', 'byte * 2^70')), 'error', 'error'],
  [
    'O-036',
    'more content than capacity',
    disks(DISKS.replace('ovf:format', 'ovf:populatedSize="99999999999" ovf:format')),
    'error',
    'warning',
  ],
  [
    'O-037',
    'a parent that is not there',
    disks(DISKS.replace('ovf:format', 'ovf:parentRef="x" ovf:format')),
    'error',
    'error',
  ],
  [
    'O-037',
    'a circle of parents',
    disks(DISKS.replace('ovf:format', 'ovf:parentRef="vmdisk1" ovf:format')),
    'error',
    'error',
  ],
  ['O-038', 'an image without format', disks(DISKS.replace(/ovf:format="[^"]*"/, '')), 'error', 'warning'],
  [
    'O-040',
    'a disk of two systems',
    { content: collection('c', '', system('a', hardware(ITEMS)) + system('b', hardware(ITEMS))) },
    'warning',
    'warning',
  ],
  [
    'O-040',
    'a disk used twice by one system',
    { items: ITEMS + DISK.replace('>4<', '>8<').replace('>0<', '>1<') },
    'warning',
    'warning',
  ],
  [
    'O-042',
    'two networks of one name',
    { networks: '<NetworkSection><Info/><Network ovf:name="net"/><Network ovf:name="net"/></NetworkSection>' },
    'error',
    'error',
  ],
  ['O-043', 'an undeclared network', { networks: '' }, 'error', 'warning'],
  [
    'O-044',
    'an adapter on no network',
    { items: ITEMS.replace('<rasd:Connection>net</rasd:Connection>', '') },
    'warning',
    'warning',
  ],
  [
    'O-045',
    'an address that is no MAC',
    { items: ITEMS.replace('<rasd:Connection>', '<rasd:Address>00:11</rasd:Address><rasd:Connection>') },
    'error',
    'warning',
  ],
  [
    'O-046',
    'an item without type',
    { items: `${ITEMS}${item(9, 1, '').replace(/<rasd:ResourceType>1<\/rasd:ResourceType>/, '')}` },
    'error',
    'error',
  ],
  [
    'O-046',
    'an item whose type is no number',
    { items: `${ITEMS}${item(9, 1, '').replace('>1</rasd:ResourceType', '>CPU</rasd:ResourceType')}` },
    'error',
    'error',
  ],
  ['O-047', 'two items of one InstanceID', { items: `${ITEMS}${CONTROLLER}` }, 'error', 'error'],
  ['O-047', 'two adapters of one InstanceID and slot', { items: `${ITEMS}${ADAPTER}` }, 'error', 'error'],
  [
    'O-047',
    'two adapters of one InstanceID in slots of their own',
    {
      items:
        ITEMS + ADAPTER.replace('<rasd:Connection>', '<rasd:AddressOnParent>1</rasd:AddressOnParent><rasd:Connection>'),
    },
    'error',
    'warning',
  ],
  [
    'O-047',
    'a processor speed beside its processor',
    {
      items:
        ITEMS +
        CPU.replace('<rasd:ResourceType>', '<rasd:ResourceSubType>cpuspeed</rasd:ResourceSubType><rasd:ResourceType>'),
    },
    'error',
    'warning',
  ],
  [
    'O-047',
    'an item without InstanceID',
    { items: ITEMS + item(9, 1, '').replace('<rasd:InstanceID>9</rasd:InstanceID>', '') },
    'error',
    'error',
  ],
  [
    'O-048',
    'a parent that is not there',
    { items: ITEMS.replace('<rasd:Parent>3<', '<rasd:Parent>77<') },
    'error',
    'warning',
  ],
  [
    'O-048',
    'a parent that is no controller',
    { items: ITEMS.replace('<rasd:Parent>3<', '<rasd:Parent>1<') },
    'warning',
    'warning',
  ],
  ['O-049', 'two devices in one slot', { items: ITEMS + DISK.replace('>4<', '>8<') }, 'error', 'warning'],
  ['O-050', 'no processor', { items: MEMORY }, 'warning', 'warning'],
  ['O-050', 'no memory', { items: CPU }, 'warning', 'warning'],
  ['O-050', 'two processor items', { items: ITEMS + item(9, 3, quantity('2')) }, 'error', 'warning'],
  ['O-050', 'two processor items that differ', { items: ITEMS + item(9, 3, quantity('1')) }, 'error', 'error'],
  ['O-051', 'no processors', { items: ITEMS.replace(quantity('2'), quantity('0')) }, 'error', 'error'],
  ['O-051', 'half a processor', { items: ITEMS.replace(quantity('2'), quantity('0.5')) }, 'error', 'error'],
  ['O-051', 'processors without number', { items: ITEMS.replace(quantity('2'), '') }, 'error', 'warning'],
  ['O-052', 'an unknown bound', { items: ITEMS + item(1, 3, quantity('4'), 'ovf:bound="most"') }, 'error', 'error'],
  [
    'O-052',
    'a maximum below the normal value',
    { items: ITEMS + item(1, 3, quantity('1'), 'ovf:bound="max"') },
    'error',
    'error',
  ],
  [
    'O-052',
    'a minimum above the normal value',
    { items: ITEMS + item(1, 3, quantity('8'), 'ovf:bound="min"') },
    'error',
    'error',
  ],
  [
    'O-052',
    'a maximum without normal value',
    { items: ITEMS + item(9, 3, quantity('8'), 'ovf:bound="max"') },
    'error',
    'error',
  ],
  [
    'O-053',
    'an undeclared configuration of an item',
    { items: ITEMS + item(9, 1, '', 'ovf:configuration="huge"') },
    'error',
    'error',
  ],
  [
    'O-053',
    'an undeclared configuration of a value',
    product('<Property ovf:key="k" ovf:type="string"><Value ovf:value="v" ovf:configuration="huge"/></Property>'),
    'error',
    'error',
  ],
  [
    'O-056',
    'a host resource of a disk that means nothing',
    { items: ITEMS.replace('ovf:/disk/vmdisk1', 'my.vmdk') },
    'error',
    'error',
  ],
  [
    'O-056',
    'a host resource of a drive that means nothing',
    {
      items:
        ITEMS +
        item(9, 15, '').replace('<rasd:InstanceID>', '<rasd:HostResource>D:</rasd:HostResource><rasd:InstanceID>'),
    },
    'error',
    'warning',
  ],
];

describe('rules of disks, networks and hardware', () => judges(ROWS));
