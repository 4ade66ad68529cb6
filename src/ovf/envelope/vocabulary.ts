/**
 * The names of the OVF vocabulary: namespaces (DSP0243 §2 and those seen in real descriptors), the sections of OVF 1.x and
 * 2.x with the parents they may have, and the extensions of vendors that VEP knows of.
 */

export const OVF_1 = 'http://schemas.dmtf.org/ovf/envelope/1';
export const OVF_2 = 'http://schemas.dmtf.org/ovf/envelope/2';
/** Written by virt-v2v and oVirt. */
export const OVF_1_SLASH = 'http://schemas.dmtf.org/ovf/envelope/1/';
/** VMware's format from before DMTF. */
export const OVF_09 = 'http://www.vmware.com/schema/ovf/1/envelope';

/** The classes of items and systems are in namespaces that begin so. */
export const CIM_SCHEMA = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/';
export const RASD = `${CIM_SCHEMA}CIM_ResourceAllocationSettingData`;
export const VSSD = `${CIM_SCHEMA}CIM_VirtualSystemSettingData`;
export const SASD = `${CIM_SCHEMA}CIM_StorageAllocationSettingData`;
export const EPASD = `${CIM_SCHEMA}CIM_EthernetPortAllocationSettingData`;
/** One order of boot devices, and one device in it. */
export const BOOT_CONFIG = `${CIM_SCHEMA}CIM_BootConfigSetting`;
export const BOOT_SOURCE = `${CIM_SCHEMA}CIM_BootSourceSetting`;

/** Namespaces whose elements are properties of an Item; VirtualBox appends `.xsd` to those of OVF 2. */
export const ALLOCATION_NAMESPACES: ReadonlySet<string> = new Set([RASD, SASD, `${SASD}.xsd`, EPASD, `${EPASD}.xsd`]);

export const VMW = 'http://www.vmware.com/schema/ovf';
export const VBOX = 'http://www.virtualbox.org/ovf/machine';
/** vCloud's API has changed its namespace with its first versions; all later ones keep that of 1.5. */
export const VCLOUD: ReadonlySet<string> = new Set([
  'http://www.vmware.com/vcloud/v0.8',
  'http://www.vmware.com/vcloud/v1',
  'http://www.vmware.com/vcloud/v1.5',
]);
export const SCHEMA_INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance';
/** Of an envelope that names none (DSP0243 §7.1). */
export const DEFAULT_LANGUAGE = 'en-US';
export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

/**
 * Namespaces, most of them of vendors, whose extensions are known to be hints for one platform or for people: VEP can do without all of
 * them, so that in lenient mode one that is required, or does not say, is ignored with a warning (D15).
 */
export const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  VMW,
  VBOX,
  ...VCLOUD,
  'http://www.citrix.com/xenclient/ovf/1',
  'http://schemas.citrix.com/ovf/envelope/1',
  'http://ganeti',
  'http://schemas.oracle.com/ovm/ovf/1',
  'http://schemas.oracle.com/solaris/unifiedarchive/1',
  // Message bundles as a draft had them: the text of the elements stands in for their translations.
  'http://schemas.dmtf.org/ovf/strings/1',
]);

export type Parent = 'Envelope' | 'VirtualSystem' | 'VirtualSystemCollection';

interface SectionRule {
  readonly parents: readonly Parent[];
  /** May stand several times in one parent. */
  readonly many: boolean;
  readonly since: 1 | 2;
}

const CONTENTS: readonly Parent[] = ['VirtualSystem', 'VirtualSystemCollection'];

/** Where each section may stand and how often (DSP0243 §9). */
export const SECTIONS: ReadonlyMap<string, SectionRule> = new Map<string, SectionRule>([
  ['DiskSection', { parents: ['Envelope'], many: false, since: 1 }],
  ['NetworkSection', { parents: ['Envelope'], many: false, since: 1 }],
  ['DeploymentOptionSection', { parents: ['Envelope'], many: false, since: 1 }],
  ['VirtualHardwareSection', { parents: ['VirtualSystem'], many: true, since: 1 }],
  ['OperatingSystemSection', { parents: ['VirtualSystem'], many: false, since: 1 }],
  ['InstallSection', { parents: ['VirtualSystem'], many: false, since: 1 }],
  ['ResourceAllocationSection', { parents: ['VirtualSystemCollection'], many: false, since: 1 }],
  ['StartupSection', { parents: ['VirtualSystemCollection'], many: false, since: 1 }],
  ['AnnotationSection', { parents: CONTENTS, many: false, since: 1 }],
  ['ProductSection', { parents: CONTENTS, many: true, since: 1 }],
  ['EulaSection', { parents: CONTENTS, many: true, since: 1 }],
  ['SharedDiskSection', { parents: ['Envelope'], many: false, since: 2 }],
  ['PlacementGroupSection', { parents: ['Envelope'], many: true, since: 2 }],
  ['ScaleOutSection', { parents: CONTENTS, many: true, since: 2 }],
  ['PlacementSection', { parents: CONTENTS, many: false, since: 2 }],
  ['EnvironmentFilesSection', { parents: CONTENTS, many: false, since: 2 }],
  ['BootDeviceSection', { parents: ['VirtualSystem'], many: true, since: 2 }],
]);

/** Elements of the envelope namespaces that are no sections; needed to tell a misplaced name from an unknown one. */
export const OVF_ELEMENTS: ReadonlySet<string> = new Set([
  ...SECTIONS.keys(),
  'Envelope',
  'References',
  'File',
  'VirtualSystem',
  'VirtualSystemCollection',
  'Content',
  'Section',
  'Info',
  'Name',
  'Disk',
  'Network',
  'Configuration',
  'Label',
  'Description',
  'System',
  'Item',
  'StorageItem',
  'EthernetPortItem',
  'Product',
  'Vendor',
  'Version',
  'FullVersion',
  'ProductUrl',
  'VendorUrl',
  'AppUrl',
  'Icon',
  'Category',
  'Property',
  'Value',
  'License',
  'Annotation',
  'Strings',
  'Msg',
]);

/** Properties of an Item (CIM_ResourceAllocationSettingData and its subclasses); true: may repeat. */
export const ALLOCATION_PROPERTIES: ReadonlyMap<string, boolean> = new Map([
  ['Address', false],
  ['AddressOnParent', false],
  ['AllocationUnits', false],
  ['AutomaticAllocation', false],
  ['AutomaticDeallocation', false],
  ['Caption', false],
  ['ChangeableType', false],
  ['ConfigurationName', false],
  ['Connection', true],
  ['ConsumerVisibility', false],
  ['Description', false],
  ['ElementName', false],
  ['Generation', false],
  ['HostResource', true],
  ['InstanceID', false],
  ['Limit', false],
  ['MappingBehavior', false],
  ['OtherResourceType', false],
  ['Parent', false],
  ['PoolID', false],
  ['Reservation', false],
  ['ResourceSubType', false],
  ['ResourceType', false],
  ['VirtualQuantity', false],
  ['VirtualQuantityUnits', false],
  ['Weight', false],
]);
