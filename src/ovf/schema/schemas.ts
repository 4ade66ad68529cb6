/**
 * The XML Schemas of OVF as compiled validators (DSP8023 for the envelope, DSP8027 for the environment). The grammars
 * come in as values, by the file names under which DMTF and W3C publish them, so that an operator may put the published
 * files in the place of ours. They import one another by published URL; those URLs are served from memory while they
 * are compiled and by nothing afterwards, so that no document can make the validator open anything (O-076).
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

/** File name of each grammar and the URL by which others import it. */
const PUBLISHED = {
  'xml.xsd': 'http://www.w3.org/2001/xml.xsd',
  'common.xsd': 'http://schemas.dmtf.org/wbem/wscim/1/common.xsd',
  'CIM_VirtualSystemSettingData.xsd':
    'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2.22.0/CIM_VirtualSystemSettingData.xsd',
  'CIM_ResourceAllocationSettingData.xsd':
    'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2.22.0/CIM_ResourceAllocationSettingData.xsd',
  'dsp8023_1.1.0.xsd': 'http://schemas.dmtf.org/ovf/envelope/1/dsp8023_1.1.0.xsd',
  'dsp8027_1.1.0.xsd': 'http://schemas.dmtf.org/ovf/environment/1/dsp8027_1.1.0.xsd',
} as const;

type SchemaFile = keyof typeof PUBLISHED;

/** Names of the files that {@link createOvfSchemas} wants. */
export const SCHEMA_FILES = Object.keys(PUBLISHED) as readonly SchemaFile[];

/** One violation, in the words of the validator. */
export interface Violation {
  readonly message: string;
  readonly line: number;
  /** XPath of the node. */
  readonly path?: string;
}

export interface OvfSchemas {
  /** Violations of DSP8023 1.1 (which every 1.0 envelope also fulfils); none: schema-valid. */
  envelope(document: XmlDocument): readonly Violation[];
  /** Violations of DSP8027. */
  environment(document: XmlDocument): readonly Violation[];
}

/**
 * Schemas from the bytes of {@link SCHEMA_FILES}, compiled when first used and then kept (about 50 ms).
 * @throws Error, at first use, when a file is missing or is no schema: a fault of the installation, not of a document
 */
export function createOvfSchemas(files: ReadonlyMap<string, Uint8Array>): OvfSchemas {
  const compiled = new Map<SchemaFile, XsdValidator>();
  const violations = (name: SchemaFile, document: XmlDocument): readonly Violation[] => {
    const validator = compiled.get(name) ?? compile(name, files);
    compiled.set(name, validator);
    return validate(validator, document);
  };
  return {
    envelope: (document) => violations('dsp8023_1.1.0.xsd', document),
    environment: (document) => violations('dsp8027_1.1.0.xsd', document),
  };
}

/** The bare verdict of the envelope's schema, nothing stripped and nothing repaired (K37); empty: valid. */
export function schemaVerdict(document: XmlDocument, schemas: OvfSchemas): readonly Fault[] {
  return schemas.envelope(document).map(({ message, line, path }) => ({
    code: 'ovf.schema',
    message,
    place: { line, ...(path === undefined ? {} : { path }) },
    rule: 'DSP8023',
    remedy: 'write the element as the schema of OVF 1.1 has it',
  }));
}

function compile(name: SchemaFile, files: ReadonlyMap<string, Uint8Array>): XsdValidator {
  const served: Record<string, Uint8Array> = {};
  for (const file of SCHEMA_FILES) {
    const bytes = files.get(file);
    if (bytes === undefined) throw new Error(`the OVF schema ${file} is missing`);
    served[PUBLISHED[file]] = bytes;
  }
  xmlRegisterInputProvider(new XmlBufferInputProvider(served));
  try {
    using grammar = XmlDocument.fromBuffer(files.get(name) as Uint8Array, { url: PUBLISHED[name] });
    return XsdValidator.fromDoc(grammar);
  } catch (error) {
    throw new Error(`the OVF schema ${name} cannot be compiled: ${messageOf(error)}`, { cause: error });
  } finally {
    xmlCleanupInputProvider();
  }
}

const PREFIXES: readonly (readonly [string, string])[] = [
  ['{http://schemas.dmtf.org/ovf/envelope/1}', 'ovf:'],
  ['{http://schemas.dmtf.org/ovf/environment/1}', 'ovfenv:'],
  ['{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}', 'rasd:'],
  ['{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData}', 'vssd:'],
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
