/**
 * What the descriptor an appliance came in says to people and what its plan does not hold: names, annotations, licences,
 * products with the labels, types and limits of their properties, and the messages that translate all of it (DSP0243 §9.3,
 * §9.5, §9.6, §10). An exported descriptor says it again, in the languages in which it was said.
 */

import type { Element } from '@xmldom/xmldom';
import type { Content, Envelope, Icon, Message, ProductSection, Property } from '../envelope/model.js';
import { languageTag } from '../envelope/language.js';
import { DEFAULT_LANGUAGE, XML_NAMESPACE } from '../envelope/vocabulary.js';
import type { PlannedImage, ResolvedProperty } from '../plan.js';
import { Findings } from '../planning/findings.js';
import { withReplicas } from '../planning/replicate.js';
import { illegalReason, readLimits, standardNotation } from '../properties/limits.js';
import { composedKey } from '../envelope/product.js';
import type { AttributeTexts, Child, OvfDocument } from './xml.js';

/** How the value in force is written, whoever set it. */
export type ValueOf = (property: ResolvedProperty) => AttributeTexts;

export class OriginalTexts {
  readonly #document: OvfDocument;
  readonly #original: Envelope;
  readonly #contents = new Map<string, Content>();

  readonly #icons: ReadonlySet<string>;

  constructor(
    document: OvfDocument,
    original: Envelope,
    configuration: string | undefined,
    icons: readonly Pick<PlannedImage, 'id'>[],
  ) {
    this.#icons = new Set(icons.map(({ id }) => id));
    this.#document = document;
    this.#original = original;
    const visit = (content: Content): void => {
      this.#contents.set(content.id, content);
      if (content.kind === 'VirtualSystemCollection') for (const child of content.children) visit(child);
    };
    visit(withReplicas(original.content, configuration, new Findings('lenient')));
  }

  get lang(): string {
    return languageTag(this.#original.lang) ?? DEFAULT_LANGUAGE;
  }

  /** As the descriptor has it. */
  content(id: string): Content | undefined {
    return this.#contents.get(id);
  }

  /** `Name` as the descriptor has it; without one, or with an empty one, its id stands for it, as long as it keeps that. */
  name(id: string, title: string): Element | undefined {
    const { name } = this.#contents.get(id) ?? {};
    const text = name?.text === '' && title !== id ? title : name?.text;
    if (text !== undefined) return this.#message('Name', { ...name, text });
    return title === id ? undefined : this.#document.element('Name', {}, title);
  }

  annotations(id: string): readonly Child[] {
    const texts = this.#contents.get(id)?.annotations.map(({ annotation }) => annotation) ?? [];
    const [only, ...more] = texts;
    if (only === undefined) return [];
    // The standard has one section; of several the plan makes one text.
    const joined = more.length === 0 ? only : { text: texts.map(({ text }) => text).join('\n'), at: only.at };
    return [this.#section('AnnotationSection', 'Annotation', {}, this.#message('Annotation', joined))];
  }

  eulas(id: string): readonly Child[] {
    const eulas = this.#contents.get(id)?.eulas ?? [];
    return eulas.map(({ info, license }) =>
      this.#document.element('EulaSection', {}, this.#message('Info', info), this.#message('License', license)),
    );
  }

  /** The product sections of a content with those of its properties that are in force. */
  products(id: string, properties: readonly ResolvedProperty[], valueOf: ValueOf): readonly Child[] {
    const left = new Map(properties.filter(({ from }) => from === 'own').map((each) => [each.key, each]));
    const sections = withoutTwins(this.#contents.get(id)?.products ?? []);
    const written = sections.map((section) => this.#product(section, left, valueOf));
    const unknown = [...left.values()].map((property) =>
      this.#document.element('Property', { key: property.key, type: 'string', ...valueOf(property) }),
    );
    return unknown.length === 0
      ? written
      : [...written, this.#section('ProductSection', 'Properties', { class: 'vep' }, ...unknown)];
  }

  /** Label and description of the configuration that was deployed. */
  configuration(id: string): readonly Element[] | undefined {
    const configuration = this.#original.deploymentOptionSection?.configurations.find((each) => each.id === id);
    return (
      configuration && [
        this.#message('Label', configuration.label),
        this.#message('Description', configuration.description),
      ]
    );
  }

  network(name: string): readonly Child[] | undefined {
    const { description } = this.#original.networkSection?.networks.find((network) => network.name === name) ?? {};
    return description && [this.#message('Description', description)];
  }

  /** The bundles, those that came in files of their own among them, in one piece; nobody can ask for one without a language. */
  strings(): readonly Element[] {
    return this.#original.strings.flatMap(({ lang, messages }) => {
      const tag = languageTag(lang);
      if (tag === undefined || messages.size === 0) return [];
      const entries = [...messages].map(([msgid, text]) => this.#document.element('Msg', { msgid }, text));
      const element = this.#document.element('Strings', {}, ...entries);
      element.setAttributeNS(XML_NAMESPACE, 'xml:lang', tag);
      return [element];
    });
  }

  #product(section: ProductSection, left: Map<string, ResolvedProperty>, valueOf: ValueOf): Element {
    const { class: of, instance, info, product, vendor, version, fullVersion, productUrl, vendorUrl, appUrl } = section;
    const texts = {
      Version: version,
      FullVersion: fullVersion,
      ProductUrl: productUrl,
      VendorUrl: vendorUrl,
      AppUrl: appUrl,
    };
    const properties: Child[] = [];
    let category: Message | undefined;
    for (const property of section.properties) {
      const resolved = left.get(composedKey(section, property));
      if (!resolved) continue;
      left.delete(resolved.key);
      if (property.category && property.category !== category)
        properties.push(this.#message('Category', property.category));
      category = property.category;
      properties.push(this.#property(property, resolved, valueOf));
    }
    return this.#document.element(
      'ProductSection',
      { class: of || undefined, instance: instance || undefined },
      this.#message('Info', info),
      product && this.#message('Product', product),
      vendor && this.#message('Vendor', vendor),
      ...Object.entries(texts).map(([name, text]) => text !== undefined && this.#document.element(name, {}, text)),
      ...section.icons.filter(({ fileRef }) => this.#icons.has(fileRef)).map((icon) => this.#icon(icon)),
      ...properties,
    );
  }

  #icon({ height, width, mimeType, fileRef }: Icon): Element {
    return this.#document.element('Icon', { height, width, mimeType, fileRef });
  }

  #property(property: Property, resolved: ResolvedProperty, valueOf: ValueOf): Element {
    const { key, userConfigurable, label, description } = property;
    const { value, password } = valueOf(resolved);
    // Whoever deploys again fills it in, whosever it was before.
    const open = value === undefined;
    const asItStands = value === resolved.value && !userConfigurable;
    return this.#document.element(
      'Property',
      {
        key,
        ...(open ? notEmpty(property) : notationFor(property, asItStands ? resolved.value : undefined)),
        userConfigurable: userConfigurable || open ? true : undefined,
        password,
        value,
      },
      label && this.#message('Label', label),
      description && this.#message('Description', description),
    );
  }

  #message(name: string, { text, msgid }: Pick<Message, 'text' | 'msgid'>): Element {
    return this.#document.element(name, { msgid }, text);
  }

  #section(name: string, info: string, attributes: AttributeTexts, ...children: readonly Child[]): Element {
    return this.#document.element(name, attributes, this.#document.element('Info', {}, info), ...children);
  }
}

/** Qualifier of a text that has to be given. */
export const NOT_EMPTY = 'MinLen(1)';

/** Type and qualifiers by which nothing is no legal value. */
function notEmpty({ type, qualifiers }: Property): AttributeTexts {
  const notation = standardNotation(type, qualifiers);
  if (!isLegal('', notation)) return notation;
  return { ...notation, qualifiers: `${notation.qualifiers ?? ''} ${NOT_EMPTY}`.trim() };
}

/** Type and qualifiers; where nobody can change a value that is not of the type, as lenient mode lets pass, it is a text. */
function notationFor({ type, qualifiers }: Property, fixed: string | undefined): AttributeTexts {
  const notation = standardNotation(type, qualifiers);
  return fixed === undefined || isLegal(fixed, notation) ? notation : { type: 'string' };
}

function isLegal(value: string, { type, qualifiers }: ReturnType<typeof standardNotation>): boolean {
  return illegalReason(value, readLimits(type, qualifiers).limits) === undefined;
}

/** One section for each class and instance, as DSP0243 wants it (O-059): the first, with the properties of the others. */
function withoutTwins(sections: readonly ProductSection[]): readonly ProductSection[] {
  const byIdentity = new Map<string, ProductSection>();
  for (const section of sections) {
    const identity = JSON.stringify([section.class, section.instance]);
    const first = byIdentity.get(identity);
    const properties = [...(first?.properties ?? []), ...section.properties];
    byIdentity.set(identity, { ...(first ?? section), properties });
  }
  return [...byIdentity.values()];
}
