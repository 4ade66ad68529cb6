/**
 * The rules a descriptor and its package are judged by, as data: O-nnn are semantic rules beyond the schema, Dnn are
 * deviations seen in real files. Each names the section of DSP0243 it rests on and what its author can do.
 */

export interface Rule {
  /** What holds where the rule is kept. */
  readonly title: string;
  /** Section of DSP0243 1.1. */
  readonly section: string;
  readonly remedy: string;
}

const ID = 'give every one of them an id of its own';
const REFERENCE = 'name something that the descriptor declares, or declare it';

export const RULEBOOK = {
  schema: {
    title: 'the descriptor is valid by the schema of its edition',
    section: '§4',
    remedy: 'write it as the schema of OVF 1.1 has it',
  },
  'O-001': {
    title: 'one root Envelope in a supported namespace',
    section: '§7.1',
    remedy: 'make ovf:Envelope in the namespace of OVF 1.x the root element',
  },
  'O-002': {
    title: 'exactly one content',
    section: '§7.2',
    remedy: 'put exactly one VirtualSystem or VirtualSystemCollection into the Envelope',
  },
  'O-003': {
    title: 'sections stand only where they may, as often as they may',
    section: '§7.3',
    remedy: 'move the section to where it belongs and write it once',
  },
  'O-004': {
    title: 'every VirtualSystem has a VirtualHardwareSection',
    section: '§8',
    remedy: 'describe the hardware of the system in a VirtualHardwareSection',
  },
  'O-005': {
    title: 'ids of systems and collections are unique and not empty',
    section: '§7.2',
    remedy: ID,
  },
  'O-006': {
    title: 'a collection is not empty',
    section: '§7.2',
    remedy: 'put systems into the collection or leave it out',
  },
  'O-007': {
    title: 'collections are nested at most 16 deep',
    section: '§7.2',
    remedy: 'nest collections less deeply',
  },
  'O-008': {
    title: 'the conformance level of the package is told',
    section: '§5.2',
    remedy: 'nothing: mark extensions ovf:required="false" to reach level 2',
  },
  'O-009': {
    title: 'an unknown element that is required is refused',
    section: '§7.3',
    remedy: 'remove the element, or mark it ovf:required="false" if the appliance runs without it',
  },
  'O-010': {
    title: 'an unknown element that is optional is listed as ignored',
    section: '§7.3',
    remedy: 'nothing: the author marked it as optional',
  },
  'O-011': {
    title: 'ids of files are unique',
    section: '§7.1',
    remedy: ID,
  },
  'O-012': {
    title: 'no two File elements name the same file',
    section: '§7.1',
    remedy: 'refer to each file once and let the disks share its id',
  },
  'O-013': {
    title: 'what refers to a file names one that is declared',
    section: '§7.1',
    remedy: REFERENCE,
  },
  'O-014': {
    title: 'an ovf:/file host resource names a file',
    section: '§8.3',
    remedy: REFERENCE,
  },
  'O-015': {
    title: 'an href is a path inside the package or an http(s) URL',
    section: '§7.1',
    remedy: 'use a relative path inside the package, or an http(s) URL',
  },
  'O-016': {
    title: 'http(s) hrefs lead to public hosts only, also after redirects',
    section: '§7.1',
    remedy: 'use a public host',
  },
  'O-017': {
    title: 'a file has the size that is given',
    section: '§7.1',
    remedy: 'give the size the file really has, or leave it out',
  },
  'O-018': {
    title: 'the compression is known',
    section: '§7.1',
    remedy: 'use gzip, or no compression',
  },
  'O-019': {
    title: 'chunks agree with size and chunkSize',
    section: '§7.1',
    remedy: 'give a chunkSize greater than 0',
  },
  'O-020': {
    title: 'a package holds no files that nobody refers to',
    section: '§5.1',
    remedy: 'declare the file in the References or leave it out of the package',
  },
  'O-021': {
    title: 'the descriptor comes first in an OVA',
    section: '§5.3',
    remedy: 'pack the descriptor as the first member',
  },
  'O-022': {
    title: 'a package has one descriptor',
    section: '§5.1',
    remedy: 'pack exactly one file with the extension .ovf',
  },
  'O-023': {
    title: 'members of an OVA are plain files under relative names, each once',
    section: '§5.3',
    remedy: 'pack plain files only, each once, under relative names',
  },
  'O-024': {
    title: 'packages and decompressed files stay within limits',
    section: '§5.3',
    remedy: 'send a smaller package, or refer to the images by URL',
  },
  'O-025': {
    title: 'the manifest can be read',
    section: '§5.1',
    remedy: 'write lines of the form "SHA256(file)= hexadecimal digest"',
  },
  'O-026': {
    title: 'digests match the manifest',
    section: '§5.1',
    remedy: 'send the files the manifest was made for, or make it anew',
  },
  'O-027': {
    title: 'the manifest lists every local file',
    section: '§5.1',
    remedy: 'list every local file of the package in the manifest',
  },
  'O-028': {
    title: 'the manifest lists no other files',
    section: '§5.1',
    remedy: 'list only files of the package in the manifest',
  },
  'O-029': {
    title: 'digests are better than SHA-1',
    section: '§5.1',
    remedy: 'make the manifest with SHA256',
  },
  'O-030': {
    title: 'the certificate signs the manifest, and the provider trusts the signer',
    section: '§5.1',
    remedy: 'sign the manifest anew with a certificate that the provider trusts',
  },
  'O-031': {
    title: 'a certificate comes with a manifest',
    section: '§5.1',
    remedy: 'add the manifest that the certificate signs',
  },
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
    title: 'the address of an adapter is a MAC address',
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
  'O-057': {
    title: 'ids of configurations are unique, and at most one is the default',
    section: '§9.8',
    remedy: 'give each configuration its own id and mark at most one as default',
  },
  'O-058': {
    title: 'the configuration that is chosen exists',
    section: '§9.8',
    remedy: 'choose a configuration that the descriptor offers',
  },
  'O-059': {
    title: 'class and instance of product sections are unique in one place',
    section: '§9.5',
    remedy: 'give each section a class, or an instance, of its own',
  },
  'O-060': {
    title: 'the type of a property is known',
    section: '§9.5',
    remedy: 'use a type of DSP0243, e.g. string, boolean or uint16',
  },
  'O-061': {
    title: 'the value of a property is legal for its type and qualifiers',
    section: '§9.5',
    remedy: 'correct the value, the type or the qualifiers',
  },
  'O-062': {
    title: 'users give values only to properties that are theirs to set',
    section: '§9.5',
    remedy: 'leave the value out, or mark the property ovf:userConfigurable="true"',
  },
  'O-063': {
    title: '${references} resolve, without circles',
    section: '§9.5',
    remedy: 'refer to a property that can be seen from there, and make no circle',
  },
  'O-064': {
    title: 'keys in the environment are unique',
    section: '§9.5',
    remedy: 'give each property a key, or its section a class or instance, of its own',
  },
  'O-065': {
    title: 'properties have a transport to the guest',
    section: '§9.5',
    remedy: 'write ovf:transport="iso"',
  },
  'O-066': {
    title: 'passwords are shown nowhere',
    section: '§9.5',
    remedy: 'nothing: VEP sees to it',
  },
  'O-067': {
    title: 'the environment document is valid whatever its values',
    section: '§11',
    remedy: 'nothing: VEP sees to it',
  },
  'O-068': {
    title: 'a StartupSection names immediate children, each once',
    section: '§9.7',
    remedy: 'name every immediate child of the collection at most once, and nothing else',
  },
  'O-069': {
    title: 'start and stop actions are known',
    section: '§9.7',
    remedy: 'use powerOn or none to start; powerOff, guestShutdown or none to stop',
  },
  'O-070': {
    title: 'delays and orders are whole numbers in range',
    section: '§9.7',
    remedy: 'give a whole number from 0 to 65535',
  },
  'O-071': {
    title: 'start orders become steps, in reverse for stopping',
    section: '§9.7',
    remedy: 'nothing: VEP sees to it',
  },
  'O-072': {
    title: 'licences are accepted before deployment',
    section: '§9.6',
    remedy: 'accept the licence',
  },
  'O-073': {
    title: 'a msgid is in a bundle, else the text of the element counts',
    section: '§10',
    remedy: 'add the message to a Strings bundle',
  },
  'O-074': {
    title: 'a bundle says its language',
    section: '§10',
    remedy: 'give the bundle an xml:lang',
  },
  'O-075': {
    title: 'there is no document type declaration',
    section: '§4',
    remedy: 'remove the <!DOCTYPE …> declaration and write out any entities it defines',
  },
  'O-076': {
    title: 'nothing that a document names is fetched while it is read',
    section: '§4',
    remedy: 'nothing: VEP sees to it',
  },
  'O-077': {
    title: 'entity bombs are refused before they grow',
    section: '§4',
    remedy: 'write the text out',
  },
  'O-078': {
    title: 'depth, size and number of elements and attributes are limited',
    section: '§4',
    remedy: 'send a smaller document',
  },
  'O-079': {
    title: 'hostile ids are data wherever they go',
    section: '§4',
    remedy: 'nothing: VEP sees to it',
  },
  'O-080': {
    title: 'no XInclude, processing instruction or xsi:type has effect',
    section: '§4',
    remedy: 'write the section under its own element name, without xsi:type',
  },
  'O-081': {
    title: 'every document gets an answer',
    section: '§4',
    remedy: 'nothing: VEP sees to it',
  },
  'O-082': {
    title: 'the encoding is UTF-8 or UTF-16, and the declared one',
    section: '§4',
    remedy: 'save the document as UTF-8, or as UTF-16 with a byte order mark',
  },
  'O-083': {
    title: 'counts of processors, memory, disks and adapters are those of the descriptor',
    section: '§8',
    remedy: 'nothing: VEP sees to it',
  },
  'O-084': {
    title: 'what is ignored is told',
    section: '§8',
    remedy: 'nothing, unless the guest needs it',
  },
  'O-085': {
    title: 'the same package gives the same plan',
    section: '§7',
    remedy: 'nothing: VEP sees to it',
  },
  'O-086': {
    title: 'terms of an agreement name items that the descriptor has',
    section: '§7',
    remedy: 'name an ovf:id of the descriptor',
  },
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

export type RuleCode = keyof typeof RULEBOOK;
