/** Reads the smaller sections of systems and collections (DSP0243 §9.3, §9.6–§9.10; OVF 2 §9). */

import type { Element } from '../xml/element.js';
import { readItems } from './hardware.js';
import type {
  AnnotationSection,
  EnvironmentFile,
  EulaSection,
  InstallSection,
  InstanceCount,
  Message,
  OperatingSystemSection,
  PlacementSection,
  ResourceAllocationSection,
  ScaleOutSection,
  StartupItem,
  StartupSection,
} from './model.js';
import { numberUpTo, words, type Reading } from './reading.js';
import { VBOX, VMW } from './vocabulary.js';

const UNSIGNED_INT_MAX = 2 ** 32 - 1;
/** CIM OsType `Other`. */
const OTHER = 1;

export function readOperatingSystem(reading: Reading, section: Element): OperatingSystemSection {
  const version = reading.attribute(section, 'version');
  const description = reading.messageOf(section, 'Description');
  const vendorType = vendorOperatingSystem(section);
  reading.rest(section, ['Info', 'Description']);
  return {
    id: operatingSystemId(reading, section),
    version: version === '' ? undefined : version,
    info: reading.info(section),
    description,
    vendorType,
    at: section.at,
  };
}

function operatingSystemId(reading: Reading, section: Element): number {
  const text = reading.attribute(section, 'id')?.trim();
  if (text === undefined) {
    reading.findings.deviation('D08', section.at, 'OperatingSystemSection lacks the attribute ovf:id', 'read as Other');
    return OTHER;
  }
  const id = numberUpTo(65_535, text);
  if (id !== undefined) return id;
  reading.findings.deviation(
    'D20',
    section.at,
    'the operating system id is no CIM OsType',
    'read as vendor specific',
    text,
  );
  return OTHER;
}

function vendorOperatingSystem(section: Element): string | undefined {
  const attribute = section.attributes.find((attr) => attr.namespace === VMW && attr.name === 'osType');
  return (
    attribute?.value ??
    section.children.find((child) => child.namespace === VBOX && child.name === 'OSType')?.text.trim()
  );
}

export function readInstall(reading: Reading, section: Element): InstallSection {
  reading.rest(section, ['Info']);
  return {
    info: reading.info(section),
    initialBootStopDelay: reading.short(section, 'initialBootStopDelay', 0),
    at: section.at,
  };
}

export function readEula(reading: Reading, section: Element): EulaSection {
  reading.rest(section, ['Info', 'License']);
  return { info: reading.info(section), license: body(reading, section, 'License'), at: section.at };
}

export function readAnnotation(reading: Reading, section: Element): AnnotationSection {
  reading.rest(section, ['Info', 'Annotation']);
  return { info: reading.info(section), annotation: body(reading, section, 'Annotation'), at: section.at };
}

/** The one text a section is there for; an empty one in its place when it is missing (D06). */
function body(reading: Reading, section: Element, name: string): Message {
  const message = reading.messageOf(section, name);
  if (message !== undefined) return message;
  reading.findings.deviation('D06', section.at, `${section.name} lacks its ${name}`, 'read as empty');
  return { text: '', at: section.at };
}

export function readResourceAllocation(reading: Reading, section: Element): ResourceAllocationSection {
  reading.rest(section, ['Info', 'Item', 'StorageItem', 'EthernetPortItem']);
  return { info: reading.info(section), items: readItems(reading, section), at: section.at };
}

/** `childIds` leads from the `ovf:id` of the immediate children to the ids they have in the model. */
export function readStartup(reading: Reading, section: Element, childIds: ReadonlyMap<string, string>): StartupSection {
  reading.rest(section, ['Info', 'Item']);
  return {
    info: reading.info(section),
    items: reading.children(section, 'Item').map((item) => readStartupItem(reading, item, childIds)),
    at: section.at,
  };
}

function readStartupItem(reading: Reading, element: Element, childIds: ReadonlyMap<string, string>): StartupItem {
  reading.rest(element, []);
  const id = reading.required(element, 'id');
  if (reading.attribute(element, 'order') === undefined) reading.required(element, 'order');
  return {
    id: childIds.get(id) ?? id,
    order: reading.short(element, 'order', 0),
    startDelay: reading.short(element, 'startDelay', 0),
    waitingForGuest: reading.boolean(element, 'waitingForGuest', false),
    stopDelay: reading.short(element, 'stopDelay', 0),
    startAction: oneOf(reading, element, 'startAction', ['powerOn', 'none']),
    stopAction: oneOf(reading, element, 'stopAction', ['powerOff', 'guestShutdown', 'none']),
    at: element.at,
  };
}

/** The value of an enumerated attribute, its first one by default (O-069). */
function oneOf<T extends string>(reading: Reading, element: Element, name: string, values: readonly [T, ...T[]]): T {
  const text = reading.attribute(element, name)?.trim();
  if (text === undefined) return values[0];
  const value = values.find((one) => one.toLowerCase() === text.toLowerCase());
  if (value !== text) {
    const message = `ovf:${name} is none of ${values.join(', ')}`;
    if (value === undefined && text !== 'suspend') reading.findings.error('O-069', element.at, message, text);
    else reading.findings.deviation('O-069', element.at, message, `read as ${value ?? values[0]}`, text);
  }
  return value ?? values[0];
}

export function readScaleOut(reading: Reading, section: Element): ScaleOutSection {
  const description = reading.messageOf(section, 'Description');
  reading.rest(section, ['Info', 'Description', 'InstanceCount']);
  return {
    id: reading.required(section, 'id'),
    info: reading.info(section),
    description,
    instanceCounts: reading.children(section, 'InstanceCount').map((count) => readInstanceCount(reading, count)),
    at: section.at,
  };
}

function readInstanceCount(reading: Reading, element: Element): InstanceCount {
  if (reading.attribute(element, 'default') === undefined) reading.required(element, 'default');
  const count = reading.short(element, 'default', 1, UNSIGNED_INT_MAX);
  const maximum = reading.attribute(element, 'maximum');
  const minimum = reading.short(element, 'minimum', 1, UNSIGNED_INT_MAX);
  const upper = reading.short(element, 'maximum', count, UNSIGNED_INT_MAX);
  if (minimum > count || count > upper) {
    reading.findings.error(
      'O-052',
      element.at,
      `minimum ${minimum}, default ${count} and maximum ${upper} are not in order`,
    );
  }
  return {
    default: count,
    minimum,
    maximum: maximum === undefined ? undefined : upper,
    configurations: reading.configurations(element),
    at: element.at,
  };
}

export function readPlacement(reading: Reading, section: Element): PlacementSection {
  reading.rest(section, ['Info']);
  return { info: reading.info(section), group: reading.required(section, 'group'), at: section.at };
}

/** A path is relative to where the files of the environment lie: a slash before it changes nothing. */
function readPath(reading: Reading, file: Element): string {
  const path = reading.required(file, 'path');
  if (!path.startsWith('/')) return path;
  reading.findings.deviation('O-015', file.at, 'ovf:path begins with a slash', 'read without it', path);
  return path.replace(/^\/+/, '');
}

export function readEnvironmentFiles(reading: Reading, section: Element): readonly EnvironmentFile[] {
  reading.rest(section, ['Info', 'File']);
  const transports = words(reading.attribute(section, 'transport'));
  return reading.children(section, 'File').map((file) => ({
    fileRef: reading.required(file, 'fileRef'),
    path: readPath(reading, file),
    transports,
    at: file.at,
  }));
}
