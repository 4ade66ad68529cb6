/**
 * A mixin that a client wants to define (GFD.185 §3.4.1, GFD.223 §9.3): a tag with a name and a place of its own, which may
 * take neither from the provider nor from another client (S-074, S-076, K02).
 */

import { excerpt, type Fault } from '../../base/errors.js';
import { isLocation, isScheme, isTerm, LONGEST_NAME } from '../category-grammar.js';
import { CONTRAIL, type CategoryClass, type Mixin } from '../model.js';
import type { CategoryRegistry } from '../registry.js';
import type { CategoryRef } from '../request.js';
import { Findings, type FindingKind } from './findings.js';
import { pathOf } from './reference.js';

/** Below these no client may name anything (GFD.221 §5.3.1). */
const RESERVED_SCHEMES: readonly string[] = ['http://schemas.ogf.org/occi/', `${CONTRAIL}/`];

/**
 * The mixin to be stored, with its owner still to be added. `reservedPaths` end in `/` and take all below them.
 * @throws Problem `invalid`, `forbidden` for a scheme that is reserved, `conflict` for a name or place that is taken.
 */
export function resolveUserMixin(
  ref: CategoryRef,
  registry: CategoryRegistry,
  reservedPaths: readonly string[],
): Mixin {
  const findings = new Findings();
  const id = ref.scheme + ref.term;
  const location = pathOf(ref.location ?? '');
  for (const [kind, fault] of [
    ...shapeFaults(ref, location),
    ...nameFaults(ref, registry),
    ...placeFaults(location, registry, reservedPaths),
  ]) {
    findings.add(kind, { rule: 'GFD.185 §3.4.1', ...fault });
  }
  const applies = ref.applies ?? [];
  for (const unknown of applies.filter((kind) => registry.kind(kind) === undefined)) {
    findings.add(
      'invalid',
      about('mixin.applies', `${excerpt(unknown)} is no known kind`, 'applies', 'name kinds that /-/ lists'),
    );
  }
  findings.throwIfAny();
  return {
    class: 'mixin',
    id,
    scheme: ref.scheme,
    term: ref.term,
    ...(ref.title === undefined || ref.title === '' ? {} : { title: ref.title }),
    attributes: new Map(),
    // A relation to something unknown is accepted and forgotten (I-021).
    depends: (ref.rel ?? []).filter((related) => registry.mixin(related) !== undefined),
    applies,
    actions: [],
    location,
  };
}

type Finding = readonly [FindingKind, Fault];

function shapeFaults(ref: CategoryRef, location: string): readonly Finding[] {
  const faults: Finding[] = [];
  const invalid = (when: boolean, code: string, message: string, field: string, remedy: string): void => {
    if (when) faults.push(['invalid', about(code, message, field, remedy)]);
  };
  invalid(
    (ref.class ?? 'mixin') !== 'mixin',
    'mixin.class',
    `a client can define mixins only, not a ${ref.class}`,
    'class',
    'send class="mixin"',
  );
  invalid(
    !isTerm(ref.term),
    'mixin.term',
    `term ${excerpt(ref.term)} breaks the grammar`,
    'term',
    'use letters, digits, ".", "_" and "-"',
  );
  invalid(
    !isScheme(ref.scheme),
    'mixin.scheme',
    `scheme ${excerpt(ref.scheme)} is not an absolute URI ending in "#"`,
    'scheme',
    'use a scheme of your own such as http://example.org/alice#',
  );
  invalid(
    (ref.title?.length ?? 0) > LONGEST_NAME,
    'mixin.title',
    `the title is longer than ${LONGEST_NAME} characters`,
    'title',
    'shorten it',
  );
  invalid(
    ref.hasAttributes === true || ref.hasActions === true,
    'mixin.capabilities',
    'a mixin of a client has neither attributes nor actions',
    'attributes',
    'leave them out',
  );
  invalid(
    location === '',
    'mixin.location',
    'the mixin has no location',
    'location',
    'give a path of your own such as /my-stuff/',
  );
  invalid(
    location !== '' && !isLocation(location),
    'mixin.location',
    `location ${excerpt(location)} is not a path from the root that ends in "/"`,
    'location',
    'give a path such as /my-stuff/',
  );
  return faults;
}

/** The provider's own schemes are taken, its name spaces are closed, and each identifier is given once. */
function nameFaults(ref: CategoryRef, registry: CategoryRegistry): readonly Finding[] {
  const provided = (['1.1', '1.2'] as const).flatMap((version) => registry.provider.categories(version));
  if (registry.resolveRef(ref) !== undefined || provided.some(({ scheme }) => scheme === ref.scheme)) {
    const what =
      registry.resolveRef(ref) === undefined
        ? `scheme ${ref.scheme} is the provider's`
        : `${ref.scheme}${ref.term} exists`;
    return [['conflict', about('mixin.name-taken', what, 'scheme', 'use a scheme of your own')]];
  }
  if (!RESERVED_SCHEMES.some((reserved) => ref.scheme.toLowerCase().startsWith(reserved))) return [];
  return [
    [
      'forbidden',
      about('mixin.scheme-reserved', `scheme ${excerpt(ref.scheme)} is reserved`, 'scheme', 'use a scheme of your own'),
    ],
  ];
}

/**
 * A place is free if nothing reserved and no kind lies there, above or below, no mixin of the provider there or below, and no
 * other mixin is right there. Below a mixin of the provider there is room: nothing else has its URL there, and clients put
 * their own templates beside the provider's.
 */
function placeFaults(
  location: string,
  registry: CategoryRegistry,
  reservedPaths: readonly string[],
): readonly Finding[] {
  if (!isLocation(location)) return [];
  const provided = registry.provider.categories('1.2');
  const locationsOf = (wanted: CategoryClass): string[] =>
    provided.flatMap((each) => (each.class === wanted && each.class !== 'action' ? (each.location ?? []) : []));
  const closed = [...locationsOf('kind'), ...reservedPaths].filter((taken) => taken !== '/');
  const clash =
    closed.find((taken) => location.startsWith(taken)) ??
    [...closed, ...locationsOf('mixin')].find((taken) => taken.startsWith(location)) ??
    registry.atLocation(location)?.location;
  if (clash === undefined) return [];
  return [
    [
      'conflict',
      about('mixin.location-taken', `location ${location} collides with ${clash}`, 'location', 'choose another path'),
    ],
  ];
}

function about(code: string, message: string, field: string, remedy: string): Fault {
  return { code, message, place: { field }, remedy };
}
