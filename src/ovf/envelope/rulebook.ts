/**
 * The rules a descriptor and its package are judged by, as data: O-nnn are semantic rules beyond the schema, Dnn are deviations seen in
 * real files. Each names the section of DSP0243 it rests on and what its author can do.
 */

export interface Rule {
  /** Section of DSP0243 1.1. */
  readonly section: string;
  readonly remedy: string;
}

const ID = 'give every one of them an id of its own';
const REFERENCE = 'name something that the descriptor declares, or declare it';

export const RULEBOOK = {
  schema: { section: '§4', remedy: 'write it as the schema of OVF 1.1 has it' },
  'O-001': { section: '§7.1', remedy: 'make ovf:Envelope in the namespace of OVF 1.x the root element' },
  'O-002': { section: '§7.2', remedy: 'put exactly one VirtualSystem or VirtualSystemCollection into the Envelope' },
  'O-003': { section: '§7.3', remedy: 'move the section to where it belongs and write it once' },
  'O-004': { section: '§8', remedy: 'describe the hardware of the system in a VirtualHardwareSection' },
  'O-005': { section: '§7.2', remedy: ID },
  'O-006': { section: '§7.2', remedy: 'put systems into the collection or leave it out' },
  'O-007': { section: '§7.2', remedy: 'nest collections less deeply' },
  'O-009': {
    section: '§7.3',
    remedy: 'remove the element, or mark it ovf:required="false" if the appliance runs without it',
  },
  'O-010': { section: '§7.3', remedy: 'nothing: the author marked it as optional' },
  'O-011': { section: '§7.1', remedy: ID },
  'O-012': { section: '§7.1', remedy: 'refer to each file once and let the disks share its id' },
  'O-013': { section: '§7.1', remedy: REFERENCE },
  'O-014': { section: '§8.3', remedy: REFERENCE },
  'O-015': { section: '§7.1', remedy: 'use a relative path inside the package, or an http(s) URL' },
  'O-017': { section: '§7.1', remedy: 'give the size the file really has, or leave it out' },
  'O-018': { section: '§7.1', remedy: 'use gzip, or no compression' },
  'O-019': { section: '§7.1', remedy: 'give a chunkSize greater than 0' },
  'O-020': { section: '§5.1', remedy: 'declare the file in the References or leave it out of the package' },
  'O-021': { section: '§5.3', remedy: 'pack the descriptor as the first member' },
  'O-022': { section: '§5.1', remedy: 'pack exactly one file with the extension .ovf' },
  'O-023': { section: '§5.3', remedy: 'pack plain files only, each once, under relative names' },
  'O-024': { section: '§5.3', remedy: 'send a smaller package, or refer to the images by URL' },
  'O-025': { section: '§5.1', remedy: 'write lines of the form "SHA256(file)= hexadecimal digest"' },
  'O-026': { section: '§5.1', remedy: 'send the files the manifest was made for, or make it anew' },
  'O-027': { section: '§5.1', remedy: 'list every local file of the package in the manifest' },
  'O-028': { section: '§5.1', remedy: 'list only files of the package in the manifest' },
  'O-029': { section: '§5.1', remedy: 'make the manifest with SHA256' },
  'O-030': { section: '§5.1', remedy: 'sign the manifest anew with a certificate that the provider trusts' },
  'O-031': { section: '§5.1', remedy: 'add the manifest that the certificate signs' },
  'O-032': { section: '§9.1', remedy: ID },
  'O-033': { section: '§8.3', remedy: REFERENCE },

  'O-034': { section: '§9.1', remedy: 'give the capacity as a whole number greater than 0, or as ${property}' },
  'O-035': { section: '§9.1', remedy: 'write the unit as a programmatic unit of DSP0004, e.g. "byte * 2^20"' },
  'O-036': { section: '§9.1', remedy: 'give populatedSize in bytes, from 0 up to the capacity' },
  'O-037': { section: '§9.1', remedy: 'let parentRef name another disk and make no circle' },
  'O-038': { section: '§9.1', remedy: 'give the ovf:format of the image' },
  'O-040': {
    section: '§9.1',
    remedy: 'nothing if each system shall have a copy; else put the disk into a SharedDiskSection',
  },
  'O-042': { section: '§9.2', remedy: ID },
  'O-043': { section: '§9.2', remedy: 'declare the network in the NetworkSection' },
  'O-044': { section: '§8.3', remedy: 'give the adapter a rasd:Connection if it shall be on a network' },
  'O-045': { section: '§8.3', remedy: 'write the address as six pairs of hexadecimal digits, or leave it out' },
  'O-046': { section: '§8.3', remedy: 'give the item a rasd:ResourceType from 1 to 65535' },
  'O-047': { section: '§8.3', remedy: 'give every item an InstanceID of its own' },
  'O-048': { section: '§8.3', remedy: 'let rasd:Parent hold the InstanceID of a controller of the same section' },
  'O-049': { section: '§8.3', remedy: 'give every device of one controller an AddressOnParent of its own' },
  'O-050': { section: '§8.1', remedy: 'describe processors and memory with one item each' },
  'O-051': { section: '§8.3', remedy: 'give the quantity as a whole number greater than 0' },
  'O-052': { section: '§8.4', remedy: 'give one min, one normal and one max item at most, with min <= normal <= max' },
  'O-053': { section: '§9.8', remedy: 'declare the configuration in the DeploymentOptionSection' },
  'O-056': { section: '§8.3', remedy: 'write it as ovf:/disk/<diskId> or ovf:/file/<fileId>' },
  'O-057': { section: '§9.8', remedy: 'give each configuration its own id and mark at most one as default' },
  'O-068': { section: '§9.7', remedy: 'name every immediate child of the collection at most once, and nothing else' },
  'O-069': { section: '§9.7', remedy: 'use powerOn or none to start; powerOff, guestShutdown or none to stop' },
  'O-070': { section: '§9.7', remedy: 'give a whole number from 0 to 65535' },
  'O-073': { section: '§10', remedy: 'add the message to a Strings bundle' },
  'O-074': { section: '§10', remedy: 'give the bundle an xml:lang' },
  'O-080': { section: '§4', remedy: 'write the section under its own element name, without xsi:type' },
  D00: { section: '§6', remedy: 'let the XML declaration be the first thing in the file' },
  D01: { section: '§8.3', remedy: 'write InstanceID' },
  D02: { section: '§8.3', remedy: 'write the properties once each and in alphabetical order' },
  D03: { section: '§8.3', remedy: 'render the template before sending it: put a number here' },
  D04: { section: '§7.3', remedy: 'mark the section ovf:required="false" if the appliance runs without it' },
  D05: { section: '§7.3', remedy: 'mark the OVF 2 section ovf:required="false" for consumers that know only OVF 1' },
  D06: { section: '§7.3', remedy: 'add the Info element' },
  D07: { section: '§7.1', remedy: 'give the size in bytes or leave the attribute out' },
  D08: { section: '§4', remedy: 'add the attribute, with the prefix of the OVF namespace' },
  D09: { section: '§4', remedy: 'declare the OVF namespace for these elements (xmlns)' },
  D10: { section: '§7.1', remedy: 'use the namespace http://schemas.dmtf.org/ovf/envelope/1' },
  D11: { section: '§7.1', remedy: 'write a valid URI' },
  D12: { section: '§7.1', remedy: 'keep the order References, sections, content, Strings and Info, Name, sections' },
  D14: { section: '§4', remedy: 'write the attribute with the prefix of the OVF namespace' },
  D15: { section: '§7.3', remedy: 'mark the extension ovf:required="false"' },
  D16: { section: '§8.1', remedy: 'add the ElementName' },
  D17: {
    section: '§9.5',
    remedy: 'keep the order Product, Vendor, Version, FullVersion, URLs, Icon, Category and Property',
  },
  D18: { section: '§8.3', remedy: 'leave the empty element out' },
  D19: { section: '§8.3', remedy: 'leave the unknown property out' },
  D20: { section: '§9.9', remedy: 'use a number of the CIM OsType list' },
  D21: { section: '§9.1', remedy: 'declare the disk in the DiskSection' },
} as const satisfies Record<string, Rule>;

export type RuleCode = keyof typeof RULEBOOK;
