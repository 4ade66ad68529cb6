/**
 * What each system and collection sees in its OVF environment (DSP0243 §9.5, DSP8027): its own properties and those of
 * its immediate parent, its own going before. Secrets are taken out: the plan keeps their keys only (K26).
 */

import type { Findings } from '../planning/findings.js';
import type { ResolvedProperty } from '../plan.js';
import type { EffectiveProperties } from './resolve.js';
import type { PropertyScope, ScopedProperty } from './scope.js';

export interface VisibleProperties {
  readonly propertiesOf: (contentId: string) => readonly ResolvedProperty[];
  /** Values of the secret ones, by {@link secretKey}. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** Where the secret value of a property of a machine or collection is found. */
export function secretKey(contentId: string, propertyKey: string): string {
  return `${contentId}/${propertyKey}`;
}

/** Of a whole plan; every machine carries its parent's properties, so the product is what must be bounded. */
const MAX_VISIBLE = 200_000;
/** Characters of their values. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

export function visibleProperties(
  scopes: ReadonlyMap<string, PropertyScope>,
  properties: EffectiveProperties,
  findings: Findings,
): VisibleProperties {
  const secrets = new Map<string, string>();
  const visible = new Map<string, readonly ResolvedProperty[]>();
  let count = 0;
  let characters = 0;
  const charactersOf = onceEach((scope) =>
    [...scope.own.values()].reduce((sum, property) => sum + properties.value(property).text.length, 0),
  );
  for (const [contentId, scope] of scopes) {
    count += scope.own.size + (scope.parent?.own.size ?? 0);
    if (count <= MAX_VISIBLE) characters += charactersOf(scope) + (scope.parent ? charactersOf(scope.parent) : 0);
    if (count > MAX_VISIBLE || characters > MAX_CHARACTERS) {
      const limits = `${MAX_VISIBLE} properties, or ${MAX_CHARACTERS} characters of values,`;
      findings.error('O-064', `the environments hold over ${limits} together`, {
        place: scope.content.at,
        remedy: 'split the appliance',
      });
      break;
    }
    const show = (from: 'own' | 'parent', property: ScopedProperty): ResolvedProperty => {
      const { key } = property;
      const { text, secret, literal } = properties.value(property);
      if (secret) secrets.set(secretKey(contentId, key), text);
      const draws = secret ? !property.password : literal === 'drawn';
      return {
        key,
        ...(!secret && { value: text }),
        secret,
        from,
        ...(draws && { declared: property.declared }),
        ...(!secret && literal === 'given' && { literal: true }),
      };
    };
    const inherited = [...(scope.parent?.own.values() ?? [])].filter(({ key }) => !scope.own.has(key));
    visible.set(contentId, [
      ...[...scope.own.values()].map((property) => show('own', property)),
      ...inherited.map((property) => show('parent', property)),
    ]);
  }
  return { propertiesOf: (contentId) => visible.get(contentId) ?? [], secrets };
}

/** Remembers what has been told of each scope. */
function onceEach(of: (scope: PropertyScope) => number): (scope: PropertyScope) => number {
  const known = new Map<PropertyScope, number>();
  return (scope) => {
    const before = known.get(scope) ?? of(scope);
    known.set(scope, before);
    return before;
  };
}
