/**
 * The XML Schemas of OVF as compiled validators (DSP8023 for envelopes, DSP8027 for the environment). The grammars
 * come in as values, by the file names under which DMTF, VMware and W3C publish them, so that an operator may put the
 * published files in the place of ours. They import one another by published URL, or by a name beside their own; those
 * are served from memory while they are compiled and by nothing afterwards, so that no document can make the validator
 * open anything (O-076).
 */

import {
  XmlBufferInputProvider,
  XmlDocument,
  XmlValidateError,
  XsdValidator,
  xmlCleanupInputProvider,
  xmlRegisterInputProvider,
} from 'libxml2-wasm';

import { messageOf, type Fault } from '../../base/errors.js';

const DMTF = 'http://schemas.dmtf.org/';
const CIM_2 = `${DMTF}wbem/wscim/1/cim-schema/2/`;
const CIM_2_22 = `${DMTF}wbem/wscim/1/cim-schema/2.22.0/`;

/** Which grammar of envelopes is asked: OVF 1.0 and 1.1 share a namespace, VMware's sections are an optional part. */
export type Edition = '1.0' | '1.1' | '1.1 with VMware' | '2.0';

interface Grammar {
  /** The file that holds it. */
  readonly entry: string;
  /** Every file it is made of, by published URL. */
  readonly files: Readonly<Record<string, string>>;
}

const COMMON = {
  'http://www.w3.org/2001/xml.xsd': 'xml.xsd',
  [`${DMTF}wbem/wscim/1/common.xsd`]: 'common.xsd',
};
const CIM_OF_1_1 = {
  [`${CIM_2_22}CIM_VirtualSystemSettingData.xsd`]: 'CIM_VirtualSystemSettingData.xsd',
  [`${CIM_2_22}CIM_ResourceAllocationSettingData.xsd`]: 'CIM_ResourceAllocationSettingData.xsd',
};
const ENVELOPE_1_1 = { ...COMMON, ...CIM_OF_1_1, [`${DMTF}ovf/envelope/1/dsp8023_1.1.0.xsd`]: 'dsp8023_1.1.0.xsd' };

const GRAMMARS = {
  '1.0': {
    entry: '1.0/dsp8023_1.0.0.xsd',
    files: {
      ...COMMON,
      [`${CIM_2}CIM_VirtualSystemSettingData.xsd`]: '1.0/CIM_VirtualSystemSettingData.xsd',
      [`${CIM_2}CIM_ResourceAllocationSettingData.xsd`]: '1.0/CIM_ResourceAllocationSettingData.xsd',
      [`${DMTF}ovf/envelope/1/dsp8023_1.0.0.xsd`]: '1.0/dsp8023_1.0.0.xsd',
    },
  },
  '1.1': { entry: 'dsp8023_1.1.0.xsd', files: ENVELOPE_1_1 },
  '1.1 with VMware': {
    entry: 'ovf-vmware.xsd',
    files: { ...ENVELOPE_1_1, 'http://www.vmware.com/schema/ovf/ovf-vmware.xsd': 'ovf-vmware.xsd' },
  },
  '2.0': {
    entry: '2.0/dsp8023_2.0.0.xsd',
    files: {
      ...COMMON,
      [`${CIM_2}CIM_VirtualSystemSettingData.xsd`]: 'CIM_VirtualSystemSettingData.xsd',
      [`${CIM_2}CIM_ResourceAllocationSettingData.xsd`]: 'CIM_ResourceAllocationSettingData.xsd',
      [`${CIM_2}CIM_StorageAllocationSettingData.xsd`]: '2.0/CIM_StorageAllocationSettingData.xsd',
      [`${CIM_2}CIM_EthernetPortAllocationSettingData.xsd`]: '2.0/CIM_EthernetPortAllocationSettingData.xsd',
      [`${CIM_2}CIM_BootConfigSetting.xsd`]: '2.0/CIM_BootConfigSetting.xsd',
      [`${DMTF}ovf/envelope/2/dsp8023_2.0.0.xsd`]: '2.0/dsp8023_2.0.0.xsd',
    },
  },
  environment: {
    entry: 'dsp8027_1.1.0.xsd',
    files: { ...COMMON, [`${DMTF}ovf/environment/1/dsp8027_1.1.0.xsd`]: 'dsp8027_1.1.0.xsd' },
  },
} as const satisfies Record<Edition | 'environment', Grammar>;

/** Names of the files that {@link createOvfSchemas} wants: paths below the folder they are kept in. */
export const SCHEMA_FILES: readonly string[] = [
  ...new Set(Object.values(GRAMMARS).flatMap(({ files }) => Object.values<string>(files))),
];

/** One violation, in the words of the validator. */
export interface Violation {
  readonly message: string;
  /** Line on which the start tag of the element ends. */
  readonly line: number;
  /** XPath of the node, as libxml2 writes it. */
  readonly path?: string;
}

export interface OvfSchemas {
  /** Violations of DSP8023 in one of its editions; none: schema-valid. */
  envelope(document: XmlDocument, edition: Edition): readonly Violation[];
  /** Violations of DSP8027. */
  environment(document: XmlDocument): readonly Violation[];
}

/**
 * Schemas from the bytes of {@link SCHEMA_FILES}, each compiled when first used and then kept (about 50 ms).
 * @throws Error, at first use, when a file is missing or is no schema: a fault of the installation, not of a document
 */
export function createOvfSchemas(files: ReadonlyMap<string, Uint8Array>): OvfSchemas {
  const compiled = new Map<keyof typeof GRAMMARS, XsdValidator>();
  const violations = (name: keyof typeof GRAMMARS, document: XmlDocument): readonly Violation[] => {
    const validator = compiled.get(name) ?? compile(GRAMMARS[name], files);
    compiled.set(name, validator);
    return validate(validator, document);
  };
  return {
    envelope: (document, edition) => violations(edition, document),
    environment: (document) => violations('environment', document),
  };
}

/** The bare verdict of an edition of the schema, nothing stripped and nothing repaired (K37); empty: valid. */
export function schemaVerdict(document: XmlDocument, schemas: OvfSchemas, edition: Edition): readonly Fault[] {
  return schemas.envelope(document, edition).map(({ message, line, path }) => ({
    code: 'ovf.schema',
    message,
    place: { line, ...(path === undefined ? {} : { path }) },
    rule: 'DSP8023',
    remedy: `write the element as the schema of OVF ${edition} has it`,
  }));
}

function compile({ entry, files: parts }: Grammar, files: ReadonlyMap<string, Uint8Array>): XsdValidator {
  const served: Record<string, Uint8Array> = {};
  const url = Object.keys(parts).find((key) => parts[key] === entry) as string;
  for (const [published, file] of Object.entries(parts)) {
    const bytes = files.get(file);
    if (bytes === undefined) throw new Error(`the OVF schema ${file} is missing`);
    served[published] = bytes;
    // Some copies of the published files import one another by name.
    served[new URL(file.slice(file.lastIndexOf('/') + 1), url).href] ??= bytes;
  }
  xmlRegisterInputProvider(new XmlBufferInputProvider(served));
  try {
    using grammar = XmlDocument.fromBuffer(served[url] as Uint8Array, { url });
    return XsdValidator.fromDoc(grammar);
  } catch (error) {
    throw new Error(`the OVF schema ${entry} cannot be compiled: ${messageOf(error)}`, { cause: error });
  } finally {
    xmlCleanupInputProvider();
  }
}

const PREFIXES: readonly (readonly [string, string])[] = [
  ['{http://schemas.dmtf.org/ovf/envelope/1}', 'ovf:'],
  ['{http://schemas.dmtf.org/ovf/envelope/2}', 'ovf:'],
  ['{http://schemas.dmtf.org/ovf/environment/1}', 'ovfenv:'],
  ['{http://www.vmware.com/schema/ovf}', 'vmw:'],
  [`{${CIM_2}CIM_ResourceAllocationSettingData}`, 'rasd:'],
  [`{${CIM_2}CIM_VirtualSystemSettingData}`, 'vssd:'],
  [`{${CIM_2}CIM_StorageAllocationSettingData}`, 'sasd:'],
  [`{${CIM_2}CIM_EthernetPortAllocationSettingData}`, 'epasd:'],
];

/** Characters of a message: it may quote a value of any length. */
const LONGEST_MESSAGE = 1_000;

function readable(message: string): string {
  const text = message.trim().slice(0, LONGEST_MESSAGE);
  return PREFIXES.reduce((shortened, [uri, prefix]) => shortened.replaceAll(uri, prefix), text);
}

function validate(validator: XsdValidator, document: XmlDocument): readonly Violation[] {
  try {
    validator.validate(document);
    return [];
  } catch (error) {
    if (!(error instanceof XmlValidateError)) throw error;
    return error.details.map(({ message, line, xpath }) => ({
      message: readable(message),
      line,
      ...(xpath === undefined ? {} : { path: xpath }),
    }));
  }
}
