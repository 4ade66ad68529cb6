/**
 * Effective values of properties (DSP0243 §9.5): the user's value, else the descriptor's for the chosen configuration,
 * with every `${key}` replaced by the property that the enclosing scopes see under that key. A value that draws on a
 * password is as secret as the password. Rules O-061 to O-063, all faults at once; no fault repeats a secret.
 */

import { excerpt, type Place } from '../../base/errors.js';
import type { PlanInputs, UnresolvedProperty } from '../inputs.js';
import type { Findings } from '../planning/findings.js';
import { illegalReason } from './limits.js';
import { findInScope, type PropertyScope, type ScopedProperty } from './scope.js';

export interface EffectiveValue {
  readonly text: string;
  readonly secret: boolean;
  /** False when the property, or one it refers to, still waits for the user. */
  readonly legal: boolean;
  /** Present where something in it only looks like a reference: the user gave it so, or it draws on what the user gave so. */
  readonly literal?: 'given' | 'drawn';
}

export interface EffectiveProperties {
  readonly value: (property: ScopedProperty) => EffectiveValue;
  /** User-configurable properties that the inputs leave alone. */
  readonly unresolved: readonly UnresolvedProperty[];
}

export function resolveProperties(
  scopes: ReadonlyMap<string, PropertyScope>,
  inputs: PlanInputs,
  findings: Findings,
): EffectiveProperties {
  const all = [...scopes.values()].flatMap((scope) => [...scope.own.values()]);
  const given = matchInputs(all, inputs, findings);
  const resolver = new Resolver(given, findings);
  for (const property of all) resolver.value(property);
  const shared = sharedKeys(all);
  return {
    value: (property) => resolver.value(property),
    unresolved: all
      .filter((property) => property.property.userConfigurable && !given.has(property))
      .map((property) => describe(property, resolver.value(property), shared)),
  };
}

/* --- the user's values ----------------------------------------------------------------------------------------- */

/** The user's value of each property; what fits no configurable property is a fault (O-062). */
function matchInputs(
  all: readonly ScopedProperty[],
  inputs: PlanInputs,
  findings: Findings,
): ReadonlyMap<ScopedProperty, string> {
  if (Object.keys(inputs.properties).length === 0) return new Map();
  const byKey = groupBy(all, ({ key }) => key);
  const byQualifiedKey = groupBy(all, qualifiedKey);
  const given = new Map<ScopedProperty, string>();
  const remedy = offer(all);
  const ordered = Object.entries(inputs.properties).sort(
    ([a], [b]) => Number(byQualifiedKey.has(a)) - Number(byQualifiedKey.has(b)),
  );
  for (const [name, text] of ordered) {
    const named = byQualifiedKey.get(name) ?? byKey.get(name) ?? [];
    const configurable = named.filter(({ property }) => property.userConfigurable);
    if (configurable.length === 0) refuseInput(name, named.length > 0, remedy, findings);
    for (const property of configurable) given.set(property, text);
  }
  return given;
}

function qualifiedKey({ scope, key }: ScopedProperty): string {
  return `${scope.content.id}:${key}`;
}

function refuseInput(name: string, known: boolean, remedy: string, findings: Findings): void {
  const message = `the property "${excerpt(name)}" ${known ? 'is not user-configurable' : 'does not exist'}`;
  findings.error('O-062', message, { place: inputPlace(name), remedy });
}

function offer(all: readonly ScopedProperty[]): string {
  const keys = new Set(all.filter(({ property }) => property.userConfigurable).map(({ key }) => key));
  if (keys.size === 0) return 'leave it out; no property can be set';
  const shown = [...keys].slice(0, 10).map((key) => `"${excerpt(key)}"`);
  return `leave it out; what can be set: ${shown.join(', ')}${keys.size > shown.length ? ', …' : ''}`;
}

function inputPlace(name: string): Place {
  return {
    field: 'eu.contrail-project.ovf.inputs',
    path: `/properties/${excerpt(name).replaceAll('~', '~0').replaceAll('/', '~1')}`,
  };
}

/* --- references ------------------------------------------------------------------------------------------------ */

/** A chain of references longer than this, or a value longer than this, is an attack or a mistake. */
const MAX_DEPTH = 32;
const MAX_VALUE = 65_536;

const REFERENCE = /\$\{([^{}]*)\}/g;
/** VMware's expressions, e.g. `${autoIp:VM Network}`: no property, but a wish for an address. */
const VMWARE_EXPRESSION =
  /^(autoIp|ip|vimIp|netmask|gateway|dns|autoNetmask|subnet|searchPath|domainName|hostPrefix|httpProxy):/;

class Resolver {
  readonly #given: ReadonlyMap<ScopedProperty, string>;
  readonly #findings: Findings;
  readonly #done = new Map<ScopedProperty, EffectiveValue>();
  readonly #open = new Set<ScopedProperty>();

  constructor(given: ReadonlyMap<ScopedProperty, string>, findings: Findings) {
    this.#given = given;
    this.#findings = findings;
  }

  value(property: ScopedProperty): EffectiveValue {
    const done = this.#done.get(property);
    if (done) return done;
    const given = this.#given.get(property);
    const value = given === undefined ? this.#fromDescriptor(property) : this.#fromUser(property, given);
    this.#done.set(property, value);
    return value;
  }

  /** Taken literally: a `${` in a password is part of the password. */
  #fromUser(property: ScopedProperty, text: string): EffectiveValue {
    const reason = illegalReason(text, property.limits);
    if (reason !== undefined) {
      this.#findings.error('O-061', `the value of "${excerpt(property.key)}" is not legal: ${reason}`, {
        place: inputPlace(property.key),
        remedy: 'give a legal value',
        ...(!property.password && { value: text }),
      });
    }
    const literal = text.search(REFERENCE) < 0 ? {} : { literal: 'given' as const };
    return { text, secret: property.password, legal: reason === undefined, ...literal };
  }

  /**
   * A default that is not legal counts for nothing where the user can give another; what nobody else can change is the author's
   * word to the guest, and other readers pass it on too.
   */
  #fromDescriptor(property: ScopedProperty): EffectiveValue {
    const value = this.#substitute(property);
    const { text, secret, legal } = value;
    const reason = legal ? illegalReason(text, property.limits) : undefined;
    if (reason === undefined) return value;
    const { userConfigurable, at } = property.property;
    const open = { ...value, legal: !userConfigurable };
    if (userConfigurable && text === '') return open;
    const meanwhile = userConfigurable ? 'a legal one is to be given' : 'the guest is told it as it stands';
    this.#findings.deviation('O-061', `the value of "${excerpt(property.key)}" is not legal: ${reason}`, {
      place: at,
      remedy: `correct the value, the type or the qualifiers; in lenient mode ${meanwhile}`,
      ...(!secret && { value: text }),
    });
    return open;
  }

  #substitute(property: ScopedProperty): EffectiveValue {
    if (!property.declared.includes('${')) return { text: property.declared, secret: property.password, legal: true };
    if (this.#open.size >= MAX_DEPTH) return this.#tooDeep(property);
    this.#open.add(property);
    let { password: secret } = property;
    let legal = true;
    let literal = false as boolean;
    let length = 0;
    const text = property.declared.replace(REFERENCE, (written: string, name: string) => {
      const target = this.#target(property, name, written);
      if (!target) return written;
      const value = this.value(target);
      secret ||= value.secret;
      legal &&= value.legal;
      literal ||= value.literal !== undefined;
      length += value.text.length;
      return length > MAX_VALUE ? '' : value.text;
    });
    this.#open.delete(property);
    if (length > MAX_VALUE) return this.#tooLong(property);
    return { text, secret, legal, ...(literal && { literal: 'drawn' }) };
  }

  /** The enclosing scopes from the inside out, then the property's own. */
  #target(property: ScopedProperty, name: string, written: string): ScopedProperty | undefined {
    let found: ScopedProperty | undefined;
    for (let scope = property.scope.parent; scope && !found; scope = scope.parent) found = findInScope(scope, name);
    found ??= findInScope(property.scope, name);
    if (!found) {
      const vmware = VMWARE_EXPRESSION.test(name);
      const message = vmware ? 'is an expression of VMware, which is passed on as it is' : 'names no property in scope';
      this.#findings.deviation('O-063', `"${excerpt(written)}" in "${excerpt(property.key)}" ${message}`, {
        place: property.property.at,
        remedy: vmware
          ? 'let the guest find its address, or give it as a property'
          : 'name a property of this system or of a collection round it',
      });
    } else if (this.#open.has(found)) {
      this.#findings.error(
        'O-063',
        `the property "${excerpt(property.key)}" refers to itself through "${excerpt(written)}"`,
        {
          place: property.property.at,
          remedy: 'break the circle of references',
        },
      );
      return undefined;
    }
    return found;
  }

  #tooDeep(property: ScopedProperty): EffectiveValue {
    this.#findings.error('O-063', `the references of "${excerpt(property.key)}" are nested over ${MAX_DEPTH} deep`, {
      place: property.property.at,
      remedy: 'refer to the value itself',
    });
    return { text: '', secret: property.password, legal: false };
  }

  #tooLong(property: ScopedProperty): EffectiveValue {
    this.#findings.error('O-063', `the value of "${excerpt(property.key)}" grows over ${MAX_VALUE} characters`, {
      place: property.property.at,
      remedy: 'shorten what it refers to',
    });
    return { text: '', secret: property.password, legal: false };
  }
}

/* --- what is left to the user ---------------------------------------------------------------------------------- */

function sharedKeys(all: readonly ScopedProperty[]): ReadonlySet<string> {
  const configurable = all.filter(({ property }) => property.userConfigurable);
  return new Set(
    [...groupBy(configurable, ({ key }) => key)].filter(([, same]) => same.length > 1).map(([key]) => key),
  );
}

function groupBy<Key, Item>(items: readonly Item[], keyOf: (item: Item) => Key): ReadonlyMap<Key, readonly Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function describe(scoped: ScopedProperty, value: EffectiveValue, shared: ReadonlySet<string>): UnresolvedProperty {
  const { property, key, limits, password } = scoped;
  return {
    key: shared.has(key) ? qualifiedKey(scoped) : key,
    content: scoped.scope.content.id,
    ...(property.label && { label: property.label.text }),
    ...(property.description && { description: property.description.text }),
    ...(property.category && { category: property.category.text }),
    limits,
    password,
    ...(!value.secret && value.legal && value.text !== '' && { default: value.text }),
    blocking: !value.legal,
  };
}
