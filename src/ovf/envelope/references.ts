/** Reads what belongs to the package as a whole: References, DiskSection, NetworkSection, options and bundles (DSP0243 §7.1, §9). */

import { shownUrl } from '../../base/shown-url.js';
import type { Element } from '../xml/element.js';
import type {
  Configuration,
  DeploymentOptionSection,
  Disk,
  DiskSection,
  File,
  Network,
  NetworkSection,
  PlacementGroupSection,
  Strings,
} from './model.js';
import { isUrl, uriReference } from './href.js';
import { unsigned, type Reading } from './reading.js';
import { DEFAULT_LANGUAGE, XML_NAMESPACE } from './vocabulary.js';

export function readReferences(reading: Reading, element: Element): readonly File[] {
  reading.rest(element, ['File']);
  return reading.children(element, 'File').map((file) => readFile(reading, file));
}

function readFile(reading: Reading, element: Element): File {
  reading.rest(element, []);
  const size = reading.size(element, 'size');
  const chunkSize = reading.size(element, 'chunkSize');
  if (chunkSize === 0n) reading.findings.error('O-019', element.at, 'ovf:chunkSize is 0', '0');
  return {
    id: reading.required(element, 'id'),
    href: readHref(reading, element),
    size,
    compression: compression(reading, element),
    chunkSize: chunkSize === 0n ? undefined : chunkSize,
    at: element.at,
  };
}

/**
 * Leniently a URI reference, whatever was written (D11). Whoever writes a percent sign that starts no escape writes names as they
 * are: all of the href is taken so.
 */
function readHref(reading: Reading, element: Element): string {
  const href = reading.required(element, 'href').trim();
  if (!reading.lenient) return href;
  const asItStands = !isUrl(href) && /%(?![0-9a-f]{2})/i.test(href);
  const reference = uriReference(asItStands ? href.replaceAll('%', '%25') : href);
  if (reference === href) return href;
  const message = asItStands
    ? 'ovf:href holds a percent sign that starts no escape; read as the name of the file as it stands'
    : 'ovf:href is no URI; read with what has no place in one escaped';
  reading.findings.warning('D11', element.at, message, shownUrl(href));
  return reference;
}

function compression(reading: Reading, element: Element): File['compression'] {
  const value = reading.attribute(element, 'compression')?.trim().toLowerCase() ?? '';
  if (value === 'gzip' || value === 'bzip2') return value;
  if (value !== '' && value !== 'identity' && value !== 'none') {
    reading.findings.deviation(
      'O-018',
      element.at,
      'the compression is not known',
      'the file is taken as it is',
      value,
    );
  }
  return 'identity';
}

export function readDiskSection(reading: Reading, sections: readonly Element[]): DiskSection | undefined {
  const [first] = sections;
  if (first === undefined) return undefined;
  const disks = sections.flatMap((section) => {
    const name = section.name === 'SharedDiskSection' ? 'SharedDisk' : 'Disk';
    reading.rest(section, ['Info', name]);
    return reading.children(section, name).map((disk) => readDisk(reading, disk));
  });
  return { info: reading.info(first), disks, at: first.at };
}

function readDisk(reading: Reading, element: Element): Disk {
  reading.rest(element, []);
  const fileRef = reading.attribute(element, 'fileRef');
  const format = reading.attribute(element, 'format');
  const parentRef = reading.attribute(element, 'parentRef');
  const populatedSize = reading.size(element, 'populatedSize');
  if (fileRef === '') {
    reading.findings.deviation('D21', element.at, 'ovf:fileRef is empty', 'read as a blank disk');
  }
  return {
    diskId: reading.required(element, 'diskId'),
    // An empty reference means a blank disk (D21).
    fileRef: fileRef === '' ? undefined : fileRef,
    capacity: readCapacity(reading, element, fileRef ?? ''),
    capacityAllocationUnits: reading.attribute(element, 'capacityAllocationUnits') ?? 'byte',
    format: format === '' ? undefined : format,
    populatedSize,
    parentRef: parentRef === '' ? undefined : parentRef,
    shared: element.name === 'SharedDisk',
    readOnly: reading.boolean(element, 'readOnly', false),
    at: element.at,
  };
}

/** A disk with an image can do without a capacity (D08), or with one of nothing (O-034): the image tells it. */
function readCapacity(reading: Reading, element: Element, fileRef: string): string {
  if (fileRef === '') return reading.required(element, 'capacity').trim();
  const capacity = reading.attribute(element, 'capacity')?.trim() ?? '';
  if (capacity === '')
    reading.findings.deviation(
      'D08',
      element.at,
      'Disk lacks the attribute ovf:capacity',
      "the image's own size counts",
    );
  if (!reading.lenient || unsigned(capacity) !== 0n) return capacity;
  reading.findings.warning('O-034', element.at, "the capacity is 0; the image's own size counts", capacity);
  return '';
}

export function readNetworkSection(reading: Reading, sections: readonly Element[]): NetworkSection | undefined {
  const [first] = sections;
  if (first === undefined) return undefined;
  const networks = sections.flatMap((section) => {
    reading.rest(section, ['Info', 'Network']);
    return reading.children(section, 'Network').map((network) => readNetwork(reading, network));
  });
  return { info: reading.info(first), networks, at: first.at };
}

function readNetwork(reading: Reading, element: Element): Network {
  reading.rest(element, ['Description', 'NetworkPortProfile', 'NetworkPortProfileURI']);
  const description = reading.messageOf(element, 'Description');
  return {
    name: reading.required(element, 'name'),
    description,
    implicit: false,
    at: element.at,
  };
}

export function readDeploymentOptions(reading: Reading, section: Element): DeploymentOptionSection {
  reading.rest(section, ['Info', 'Configuration']);
  return {
    info: reading.info(section),
    configurations: reading.children(section, 'Configuration').map((element) => readConfiguration(reading, element)),
    at: section.at,
  };
}

function readConfiguration(reading: Reading, element: Element): Configuration {
  reading.rest(element, ['Label', 'Description']);
  const id = reading.required(element, 'id');
  const nothing = { text: '', at: element.at };
  return {
    id,
    default: reading.boolean(element, 'default', false),
    label: reading.messageOf(element, 'Label') ?? { ...nothing, text: id },
    description: reading.messageOf(element, 'Description') ?? nothing,
    at: element.at,
  };
}

export function readPlacementGroup(reading: Reading, section: Element): PlacementGroupSection {
  const description = reading.messageOf(section, 'Description');
  reading.rest(section, ['Info', 'Description']);
  return {
    id: reading.required(section, 'id'),
    policy: reading.required(section, 'policy').trim(),
    info: reading.info(section),
    description,
    at: section.at,
  };
}

/** A bundle inside the envelope, or the root of a bundle file. */
export function readStrings(reading: Reading, element: Element): Strings {
  const lang = element.attributes.find((attr) => attr.name === 'lang' && attr.namespace === XML_NAMESPACE)?.value;
  const fileRef = reading.attribute(element, 'fileRef');
  const elsewhere = fileRef !== undefined && fileRef !== '';
  // What lies in a file may say there what language it is in.
  if (lang === undefined && !elsewhere)
    reading.findings.warning('O-074', element.at, 'the Strings bundle has no xml:lang; taken as en-US');
  const messages = new Map<string, string>();
  const texts = new Map<string, string>();
  for (const msg of reading.children(element, 'Msg')) {
    const msgid = reading.required(msg, 'msgid');
    const file = reading.attribute(msg, 'fileRef') ?? '';
    const other = messages.get(msgid) ?? texts.get(msgid);
    if (other !== undefined && other !== (file === '' ? msg.text : file))
      reading.findings.warning('O-073', msg.at, 'the bundle has two messages of one msgid; the last is taken', msgid);
    if (file !== '') texts.set(msgid, file);
    if (file === '' || msg.text.trim() !== '') messages.set(msgid, msg.text);
  }
  reading.rest(element, ['Msg']);
  return {
    lang: lang ?? (elsewhere ? '' : DEFAULT_LANGUAGE),
    ...(elsewhere ? { fileRef } : {}),
    messages,
    ...(texts.size > 0 ? { texts } : {}),
    at: element.at,
  };
}
