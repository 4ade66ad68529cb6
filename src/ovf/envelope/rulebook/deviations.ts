/** Deviations seen in real files: what holds where a file does not have them. */

import type { Rule } from './rule.js';

export const DEVIATIONS = {
  D00: {
    title: 'the XML declaration is the first thing in the file',
    section: '§6',
    remedy: 'let the XML declaration be the first thing in the file',
  },
  D01: {
    title: 'InstanceID is spelt so',
    section: '§8.3',
    remedy: 'write InstanceID',
  },
  D02: {
    title: 'properties of items stand once each, in alphabetical order',
    section: '§8.3',
    remedy: 'write the properties once each and in alphabetical order',
  },
  D03: {
    title: 'quantities are numbers, not placeholders of a template',
    section: '§8.3',
    remedy: 'render the template before sending it: put a number here',
  },
  D04: {
    title: 'sections that the schema does not declare are marked as optional',
    section: '§7.3',
    remedy: 'mark the section ovf:required="false" if the appliance runs without it',
  },
  D05: {
    title: 'an envelope of OVF 1 has no sections of OVF 2',
    section: '§7.3',
    remedy: 'mark the OVF 2 section ovf:required="false" for consumers that know only OVF 1',
  },
  D06: {
    title: 'Info, License and Annotation are there',
    section: '§7.3',
    remedy: 'add the Info element',
  },
  D07: {
    title: 'sizes are numbers of bytes',
    section: '§7.1',
    remedy: 'give the size in bytes or leave the attribute out',
  },
  D08: {
    title: 'required attributes are there',
    section: '§4',
    remedy: 'add the attribute, with the prefix of the OVF namespace',
  },
  D09: {
    title: 'elements of OVF are in its namespace',
    section: '§4',
    remedy: 'declare the OVF namespace for these elements (xmlns)',
  },
  D10: {
    title: 'the namespace of the envelope is that of OVF 1',
    section: '§7.1',
    remedy: 'use the namespace http://schemas.dmtf.org/ovf/envelope/1',
  },
  D11: {
    title: 'URIs are valid',
    section: '§7.1',
    remedy: 'write a valid URI',
  },
  D12: {
    title: 'elements stand in their order and under their parent',
    section: '§7.1',
    remedy: 'keep the order References, sections, content, Strings and Info, Name, sections',
  },
  D13: {
    title: 'prefixes are declared and namespaces are URIs',
    section: '§4',
    remedy: 'declare the prefix, and write namespaces without spaces',
  },
  D14: {
    title: 'attributes of OVF have its prefix',
    section: '§4',
    remedy: 'write the attribute with the prefix of the OVF namespace',
  },
  D15: {
    title: 'extensions of vendors are marked as optional',
    section: '§7.3',
    remedy: 'mark the extension ovf:required="false"',
  },
  D16: {
    title: 'a System has its ElementName',
    section: '§8.1',
    remedy: 'add the ElementName',
  },
  D17: {
    title: 'children of ProductSection stand in their order',
    section: '§9.5',
    remedy: 'keep the order Product, Vendor, Version, FullVersion, URLs, Icon, Category and Property',
  },
  D18: {
    title: 'numeric elements are not empty',
    section: '§8.3',
    remedy: 'leave the empty element out',
  },
  D19: {
    title: 'items have properties of their class only',
    section: '§8.3',
    remedy: 'leave the unknown property out',
  },
  D20: {
    title: 'the id of an operating system is a CIM OsType',
    section: '§9.9',
    remedy: 'use a number of the CIM OsType list',
  },
  D21: {
    title: 'a disk is declared in the DiskSection',
    section: '§9.1',
    remedy: 'declare the disk in the DiskSection',
  },
} as const satisfies Record<string, Rule>;
