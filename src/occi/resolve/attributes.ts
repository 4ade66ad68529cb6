/**
 * The attributes of a new entity or link held against the definitions of its categories (GFD.221 §5.2, §5.3.2): which may
 * be given, which must be, and what stands in for those that are not.
 */

import { excerpt } from '../../base/errors.js';
import { acceptValue } from '../attribute-value.js';
import {
  RESOURCE_TPL,
  type AttributeDefinition,
  type AttributeValue,
  type Attributes,
  type Mixin,
  type OcciVersion,
  type TypeId,
} from '../model.js';
import type { CategoryRegistry } from '../registry.js';
import type { AttributeInput } from '../request.js';
import { isAccepted } from '../visible.js';
import type { Findings } from './findings.js';

/** The attributes that are members of an entity itself. `id` is what the client proposed: a replay key, never the id (K12). */
export interface CoreValues {
  readonly id?: string;
  readonly title?: string;
  readonly summary?: string;
  readonly source?: string;
  readonly target?: string;
  readonly targetKind?: TypeId;
}

export type Definitions = ReadonlyMap<string, AttributeDefinition>;

const CORE_NAMES: Readonly<Record<string, keyof CoreValues>> = {
  'occi.core.id': 'id',
  'occi.core.title': 'title',
  'occi.core.summary': 'summary',
  'occi.core.source': 'source',
  'occi.core.target': 'target',
  'occi.core.target.kind': 'targetKind',
};
/** Implied by the source itself (GFD.221 §5.4.3). */
const SOURCE_KIND = 'occi.core.source.kind';

export function isCoreAttribute(name: string): boolean {
  return name.startsWith('occi.core.');
}

/** All values of a new entity: given, templated and defaulted. Values that are not acceptable become findings. */
export function newAttributes(
  given: ReadonlyMap<string, AttributeInput>,
  definitions: Definitions,
  templated: ReadonlySet<string>,
  version: OcciVersion,
  findings: Findings,
): { readonly attributes: Attributes; readonly core: CoreValues } {
  const attributes: Record<string, AttributeValue> = {};
  const core: { -readonly [Member in keyof CoreValues]: string } = {};
  for (const [name, input] of given) {
    const definition = definitionOf(name, definitions, version, findings);
    if (definition === undefined || name === SOURCE_KIND || templated.has(name)) continue;
    if (!definition.mutable && definition.createOnly !== true && name !== 'occi.core.id') {
      findings.add('forbidden', immutable(name));
      continue;
    }
    const outcome = acceptValue(definition, input);
    if (!outcome.ok) {
      const leftOut = definition.lenientIn === version && outcome.fault.code === 'attribute.pattern';
      if (!leftOut) findings.add('invalid', outcome.fault);
    } else if (CORE_NAMES[name] !== undefined) core[CORE_NAMES[name]] = outcome.value as string;
    else attributes[name] = outcome.value;
  }
  for (const definition of definitions.values()) {
    if (
      definition.default !== undefined &&
      attributes[definition.name] === undefined &&
      isAccepted(definition, version)
    ) {
      attributes[definition.name] = definition.default;
    }
    const missing = definition.required && !given.has(definition.name) && attributes[definition.name] === undefined;
    if (missing) findings.add('invalid', required(definition));
  }
  return { attributes, core };
}

/**
 * Attributes whose values a resource template among the mixins fixes, over what the client says (C-077, A25): those
 * for which it has a default.
 */
export function templatedAttributes(mixins: readonly Mixin[], registry: CategoryRegistry): ReadonlySet<string> {
  const templates = mixins.filter((mixin) => registry.dependsOn(mixin.id, RESOURCE_TPL));
  return new Set(
    templates.flatMap(({ attributes }) =>
      [...attributes.values()].filter((definition) => definition.default !== undefined).map(({ name }) => name),
    ),
  );
}

/** The definition of an attribute that was sent; undefined, with a finding, when there is none in that version. */
export function definitionOf(
  name: string,
  definitions: Definitions,
  version: OcciVersion,
  findings: Findings,
): AttributeDefinition | undefined {
  const definition = definitions.get(name);
  if (definition !== undefined && isAccepted(definition, version)) return definition;
  findings.add('invalid', {
    code: 'attribute.unknown',
    message: `attribute ${excerpt(name)} is defined neither by the kind nor by the mixins`,
    place: { field: excerpt(name) },
    rule: 'GFD.185 §3.6.8 (C-157)',
    remedy: 'use attributes that /-/ lists for the kind, or associate the mixin that defines it',
  });
  return undefined;
}

export function immutable(name: string): {
  code: string;
  message: string;
  place: { field: string };
  rule: string;
  remedy: string;
} {
  return {
    code: 'attribute.immutable',
    message: `${name} is set by the server and cannot be changed by clients`,
    place: { field: name },
    rule: 'GFD.221 §5.2 (C-023)',
    remedy: `leave ${name} out`,
  };
}

export function required(definition: AttributeDefinition): ReturnType<typeof immutable> {
  return {
    code: 'attribute.required',
    message: `${definition.name} is required`,
    place: { field: definition.name },
    rule: 'GFD.221 §5.3.2 (C-024)',
    remedy: `give ${definition.name} as ${definition.type}`,
  };
}
