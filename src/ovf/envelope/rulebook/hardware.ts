/** Rules about disks, networks and hardware items (DSP0243 §8, §9.1, §9.2). */

import { ID, REFERENCE, type Rule } from './rule.js';

export const HARDWARE_RULES = {
  'O-032': {
    title: 'ids of disks are unique',
    section: '§9.1',
    remedy: ID,
  },
  'O-033': {
    title: 'an ovf:/disk host resource names a disk',
    section: '§8.3',
    remedy: REFERENCE,
  },
  'O-034': {
    title: 'a capacity is a whole number above 0, or a property that is one',
    section: '§9.1',
    remedy: 'give the capacity as a whole number greater than 0, or as ${property}',
  },
  'O-035': {
    title: 'units can be read and give whole bytes',
    section: '§9.1',
    remedy: 'write the unit as a programmatic unit of DSP0004, e.g. "byte * 2^20"',
  },
  'O-036': {
    title: 'populatedSize is at most the capacity',
    section: '§9.1',
    remedy: 'give populatedSize in bytes, from 0 up to the capacity',
  },
  'O-037': {
    title: 'parentRef names another disk and makes no circle',
    section: '§9.1',
    remedy: 'let parentRef name another disk and make no circle',
  },
  'O-038': {
    title: 'the format of an image is known',
    section: '§9.1',
    remedy: 'give the ovf:format of the image',
  },
  'O-039': {
    title: 'the disk in an image is not larger than the capacity',
    section: '§9.1',
    remedy: 'give the capacity that the image has, or more',
  },
  'O-040': {
    title: 'a disk of two systems is copied, unless it is shared',
    section: '§9.1',
    remedy: 'nothing if each system shall have a copy; else put the disk into a SharedDiskSection',
  },
  'O-041': {
    title: 'an image depends on no other file',
    section: '§9.1',
    remedy: 'flatten the image, for instance with qemu-img convert',
  },
  'O-042': {
    title: 'names of networks are unique',
    section: '§9.2',
    remedy: ID,
  },
  'O-043': {
    title: 'the network of an adapter is declared',
    section: '§9.2',
    remedy: 'declare the network in the NetworkSection',
  },
  'O-044': {
    title: 'an adapter is on a network',
    section: '§8.3',
    remedy: 'give the adapter a rasd:Connection if it shall be on a network',
  },
  'O-045': {
    title: 'the address of an adapter is a MAC address of its own, and not that of a group',
    section: '§8.3',
    remedy: 'write the address as six pairs of hexadecimal digits, or leave it out',
  },
  'O-046': {
    title: 'an item has a ResourceType that is a number',
    section: '§8.3',
    remedy: 'give the item a rasd:ResourceType from 1 to 65535',
  },
  'O-047': {
    title: 'an InstanceID stands once for each bound and configuration',
    section: '§8.3',
    remedy: 'give every item an InstanceID of its own',
  },
  'O-048': {
    title: 'a Parent is a controller of the section',
    section: '§8.3',
    remedy: 'let rasd:Parent hold the InstanceID of a controller of the same section',
  },
  'O-049': {
    title: 'an AddressOnParent stands once for each parent',
    section: '§8.3',
    remedy: 'give every device of one controller an AddressOnParent of its own',
  },
  'O-050': {
    title: 'a system has one processor item and one memory item',
    section: '§8.1',
    remedy: 'describe processors and memory with one item each',
  },
  'O-051': {
    title: 'quantities are whole numbers above 0',
    section: '§8.3',
    remedy: 'give the quantity as a whole number greater than 0',
  },
  'O-052': {
    title: 'min <= normal <= max, one each, and a normal one',
    section: '§8.4',
    remedy: 'give one min, one normal and one max item at most, with min <= normal <= max',
  },
  'O-053': {
    title: 'configurations that are named are declared',
    section: '§9.8',
    remedy: 'declare the configuration in the DeploymentOptionSection',
  },
  'O-054': {
    title: 'a VirtualSystemType is supported',
    section: '§8.1',
    remedy: 'name a supported type too, e.g. vmx-07, xen-3 or kvm',
  },
  'O-055': {
    title: 'devices that are required can be had',
    section: '§8.3',
    remedy: 'mark the item ovf:required="false" if the guest runs without the device',
  },
  'O-056': {
    title: 'a HostResource has a known form',
    section: '§8.3',
    remedy: 'write it as ovf:/disk/<diskId> or ovf:/file/<fileId>',
  },
} as const satisfies Record<string, Rule>;
