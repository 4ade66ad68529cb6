/** Reads ProductSection with its properties (DSP0243 §9.5). Whether a value fits its type is judged elsewhere. */

import type { Element } from '../xml/element.js';
import type { Icon, Message, ProductSection, Property, PropertyValue } from './model.js';
import { unsigned, type Reading } from './reading.js';

const MESSAGES = ['Product', 'Vendor'] as const;
const TEXTS = ['Version', 'FullVersion', 'ProductUrl', 'VendorUrl', 'AppUrl'] as const;

export function readProduct(reading: Reading, section: Element): ProductSection {
  const product = reading.messageOf(section, 'Product');
  const vendor = reading.messageOf(section, 'Vendor');
  const version = reading.textOf(section, 'Version');
  const fullVersion = reading.textOf(section, 'FullVersion');
  const productUrl = reading.textOf(section, 'ProductUrl');
  const vendorUrl = reading.textOf(section, 'VendorUrl');
  const appUrl = reading.textOf(section, 'AppUrl');
  reading.rest(section, ['Info', ...MESSAGES, ...TEXTS, 'Icon', 'Category', 'Property']);
  return {
    class: reading.attribute(section, 'class') ?? '',
    instance: reading.attribute(section, 'instance') ?? '',
    info: reading.info(section),
    product,
    vendor,
    version,
    fullVersion,
    productUrl,
    vendorUrl,
    appUrl,
    icons: reading.children(section, 'Icon').map((icon) => readIcon(reading, icon)),
    properties: readProperties(reading, section),
    at: section.at,
  };
}

function readIcon(reading: Reading, element: Element): Icon {
  const mimeType = reading.attribute(element, 'mimeType');
  const width = pixels(reading.attribute(element, 'width'));
  const height = pixels(reading.attribute(element, 'height'));
  return {
    fileRef: reading.required(element, 'fileRef'),
    mimeType,
    width,
    height,
    at: element.at,
  };
}

function pixels(text: string | undefined): number | undefined {
  const value = text === undefined ? undefined : unsigned(text.trim());
  return value === undefined ? undefined : Number(value);
}

/** `[class "."] key ["." instance]`, the key of the OVF environment. */
export function composedKey(section: ProductSection, property: Property): string {
  return [section.class, property.key, section.instance].filter((part) => part !== '').join('.');
}

function readProperties(reading: Reading, section: Element): readonly Property[] {
  const properties: Property[] = [];
  let category: Message | undefined;
  for (const child of section.children) {
    if (!reading.isOvf(child)) continue;
    if (child.name === 'Category') category = reading.message(child);
    if (child.name === 'Property') properties.push(readProperty(reading, child, category));
  }
  return properties;
}

function readProperty(reading: Reading, element: Element, category: Message | undefined): Property {
  reading.rest(element, ['Label', 'Description', 'Value']);
  const label = reading.messageOf(element, 'Label');
  const description = reading.messageOf(element, 'Description');
  const qualifiers = reading.attribute(element, 'qualifiers');
  const type = reading.required(element, 'type').trim();
  if (type === '' && !reading.findings.has('D08', element.at))
    reading.findings.deviation('O-060', element.at, 'ovf:type is empty', 'read as string');
  return {
    key: reading.required(element, 'key'),
    type,
    qualifiers: qualifiers === '' ? undefined : qualifiers,
    userConfigurable: reading.boolean(element, 'userConfigurable', false),
    password: reading.boolean(element, 'password', false),
    value: reading.attribute(element, 'value') ?? '',
    configurations: reading.configurations(element),
    values: reading.children(element, 'Value').map((value) => readValue(reading, value)),
    category,
    label,
    description,
    at: element.at,
  };
}

function readValue(reading: Reading, element: Element): PropertyValue {
  reading.rest(element, []);
  return {
    value: reading.required(element, 'value'),
    configurations: reading.configurations(element),
    at: element.at,
  };
}
