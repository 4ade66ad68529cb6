/**
 * The properties of one system or collection and the scopes around it (DSP0243 §9.5): each property under its composed
 * key `[class.]key[.instance]`, as it stands in the chosen configuration. The rules of keys and types (O-059, O-060,
 * O-064) are judged here, once for each declaration.
 */

import { excerpt } from '../../base/errors.js';
import type { Content, ProductSection, Property } from '../envelope/model.js';
import { composedKey } from '../envelope/product.js';
import type { Findings } from '../planning/findings.js';
import { illegalReason, readLimits, type PropertyLimits } from './limits.js';

export interface ScopedProperty {
  /** Composed key, unique in its scope. */
  readonly key: string;
  readonly property: Property;
  readonly scope: PropertyScope;
  readonly limits: PropertyLimits;
  readonly password: boolean;
  /** The descriptor's value in the chosen configuration, references and all; `''` when it gives none. */
  readonly declared: string;
}

export interface PropertyScope {
  readonly content: Content;
  readonly parent?: PropertyScope;
  /** By composed key, in document order. */
  readonly own: ReadonlyMap<string, ScopedProperty>;
  /** By `ovf:key` alone; `undefined` where several have it. */
  readonly bare: ReadonlyMap<string, ScopedProperty | undefined>;
}

/** The scopes of a content element and everything in it, by content id, parents first. */
export function readScopes(
  root: Content,
  configuration: string | undefined,
  findings: Findings,
): ReadonlyMap<string, PropertyScope> {
  const scopes = new Map<string, PropertyScope>();
  const visit = (content: Content, parent: PropertyScope | undefined): void => {
    const scope = readScope(content, parent, configuration, findings);
    scopes.set(content.id, scope);
    if (content.kind === 'VirtualSystemCollection') for (const child of content.children) visit(child, scope);
  };
  visit(root, undefined);
  return scopes;
}

/** The property that `name` means in a scope: a composed key, else a bare key that only one section has. */
export function findInScope(scope: PropertyScope, name: string): ScopedProperty | undefined {
  return scope.own.get(name) ?? scope.bare.get(name);
}

function readScope(
  content: Content,
  parent: PropertyScope | undefined,
  configuration: string | undefined,
  findings: Findings,
): PropertyScope {
  const own = new Map<string, ScopedProperty>();
  const bare = new Map<string, ScopedProperty | undefined>();
  const scope: PropertyScope = { content, ...(parent && { parent }), own, bare };
  const sections = new Set<string>();
  for (const section of content.products) {
    checkSection(section, sections, findings);
    for (const property of section.properties) {
      if (property.configurations.length > 0 && !isListed(property.configurations, configuration)) continue;
      const read = readProperty(section, property, scope, configuration, findings);
      const before = own.get(read.key);
      if (before !== undefined && !isReplaced(before, read, findings)) continue;
      const ambiguous = bare.has(property.key) && (before === undefined || bare.get(property.key) !== before);
      own.set(read.key, read);
      bare.set(property.key, ambiguous ? undefined : read);
    }
  }
  return scope;
}

function checkSection(section: ProductSection, seen: Set<string>, findings: Findings): void {
  const identity = JSON.stringify([section.class, section.instance]);
  if (seen.has(identity)) {
    findings.deviation('O-059', 'two product sections have the same class and instance', {
      place: section.at,
      remedy: 'give each an ovf:class, or an ovf:instance, of its own',
      value: [section.class, section.instance].filter(Boolean).join('.'),
    });
  }
  seen.add(identity);
}

function readProperty(
  section: ProductSection,
  property: Property,
  scope: PropertyScope,
  configuration: string | undefined,
  findings: Findings,
): ScopedProperty {
  const key = composedKey(section, property);
  const { limits, password, nonStandard, unknownType, unknownQualifiers } = readLimits(
    property.type,
    property.qualifiers,
  );
  if (/[.:]/.test(property.key)) {
    findings.warning('O-064', `the key "${excerpt(property.key)}" has a dot or a colon`, {
      place: property.at,
      remedy: 'use another character: the dot separates class, key and instance in the environment',
    });
  }
  // Of a type that is not there the reader has told.
  if (property.type !== '' && (unknownType !== undefined || nonStandard)) {
    findings.deviation('O-060', `"${excerpt(property.type)}" is not a property type of DSP0243`, {
      place: property.at,
      remedy: `write "${limits.type}"${nonStandard ? ' with qualifiers' : ''}`,
    });
  }
  for (const qualifier of unknownQualifiers) {
    findings.warning('O-061', `the qualifier "${excerpt(qualifier)}" is not understood and not checked`, {
      place: property.at,
      remedy: 'use MinLen(n), MaxLen(n) or ValueMap{"a", "b"}',
    });
  }
  const read = {
    key,
    property,
    scope,
    limits,
    password: password || property.password,
    declared: declaredValue(property, configuration),
  };
  checkOtherValues(read, findings);
  return read;
}

/** `Value` of the configuration, else a `Value` for all of them, else `ovf:value`. */
function declaredValue(property: Property, configuration: string | undefined): string {
  const chosen =
    property.values.find(({ configurations }) => isListed(configurations, configuration)) ??
    property.values.find(({ configurations }) => configurations.length === 0);
  return chosen?.value ?? property.value;
}

/** Defaults that are not in force must be legal as well (O-061); the one in force is judged once it is resolved. */
function checkOtherValues(read: ScopedProperty, findings: Findings): void {
  const { property, limits, declared } = read;
  const others = [property, ...property.values].filter(
    ({ value }) => value !== '' && value !== declared && !value.includes('${'),
  );
  for (const { value, at } of others) {
    const reason = illegalReason(value, limits);
    if (reason === undefined) continue;
    findings.deviation('O-061', `a default of "${excerpt(read.key)}" is not legal: ${reason}`, {
      place: at,
      remedy: 'correct the value, the type or the qualifiers',
      ...(!read.password && { value }),
    });
  }
}

/** OVF 2: of a property of all configurations and one of the chosen one, the latter holds, as it does of items. */
function isReplaced(first: ScopedProperty, second: ScopedProperty, findings: Findings): boolean {
  const [before, after] = [first, second].map(({ property }) => property.configurations.length > 0);
  if (before === after) reportCollision(first, second, findings);
  return after === true && before === false;
}

function reportCollision(first: ScopedProperty, second: ScopedProperty, findings: Findings): void {
  const message = `the key "${excerpt(second.key)}" occurs twice in one system or collection`;
  const details = {
    place: second.property.at,
    remedy: 'give each property a key, or its section a class or instance, of its own',
  };
  if (first.declared === second.declared) findings.deviation('O-064', message, details);
  else findings.error('O-064', `${message}, with different values`, details);
}

function isListed(configurations: readonly string[], configuration: string | undefined): boolean {
  return configuration !== undefined && configurations.includes(configuration);
}
