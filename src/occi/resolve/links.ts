/**
 * Inline links of a resource (GFD.185 §3.4.5, GFD.226 §3.1.1): which kind a link is of, which many clients leave to the
 * server, what it points to, and its attributes by the definitions of that kind.
 */

import { CORE_LINK, INFRASTRUCTURE, NETWORK, NETWORKINTERFACE, STORAGE, STORAGELINK } from '../model.js';
import type { Attributes, Kind, Mixin, OcciVersion, TypeId } from '../model.js';
import type { CategoryRegistry } from '../registry.js';
import type { LinkInput } from '../request.js';
import { newAttributes } from './attributes.js';
import { checkApplies, sortCategories } from './categories.js';
import type { Findings } from './findings.js';

/** A link to be created with, or added to, a resource. */
export interface ResolvedLink {
  readonly kind: Kind;
  /** Closed over what they depend on. */
  readonly mixins: readonly Mixin[];
  /** URI-reference as the client wrote it: a path, an absolute URL of this server, or something outside. */
  readonly target: string;
  readonly targetKind?: TypeId;
  readonly title?: string;
  /** The id the client proposed; never the link's id (K12). */
  readonly id?: string;
  readonly attributes: Attributes;
}

/** The kind of link that leads to a target of a kind when the client does not say. */
const LINK_KINDS: readonly (readonly [target: TypeId, link: TypeId])[] = [
  [NETWORK, NETWORKINTERFACE],
  [STORAGE, STORAGELINK],
  [`${INFRASTRUCTURE}securitygroup`, `${INFRASTRUCTURE}securitygrouplink`],
];

/** All links of a request; those that cannot be understood become findings. */
export function resolveLinks(
  links: readonly LinkInput[],
  registry: CategoryRegistry,
  version: OcciVersion,
  findings: Findings,
): readonly ResolvedLink[] {
  return links.flatMap((link) => resolveLink(link, registry, version, findings) ?? []);
}

function resolveLink(
  input: LinkInput,
  registry: CategoryRegistry,
  version: OcciVersion,
  findings: Findings,
): ResolvedLink | undefined {
  const given = new Map(input.attributes);
  const named = given.get('occi.core.target')?.value;
  // The target stands in <…>, unless it is given as an attribute: then <…> may be the link's own URL (I-026).
  const target = typeof named === 'string' && named !== '' ? named : input.target;
  const targetKind = targetKindOf(input, target, registry);
  const { kinds, mixins } = sortCategories(input.categories.map(toRef), registry, findings);
  const kind = kinds[0] ?? inferredKind(mixins, targetKind, registry);
  if (kinds.length > 1 || kind === undefined || !registry.isA(kind.id, CORE_LINK)) {
    findings.add('invalid', {
      code: 'link.kind',
      message: kinds.length > 1 ? 'a link has exactly one kind' : 'the category of a link must be a kind of link',
      place: { field: 'Link' },
      rule: 'GFD.185 §3.4.5',
      remedy: 'name one link kind in category, with mixins behind it',
    });
    return undefined;
  }
  checkApplies(mixins, kind, registry, version, findings);
  if (target === '') {
    findings.add('invalid', {
      code: 'link.target',
      message: 'the link has no target',
      place: { field: 'Link' },
      rule: 'GFD.221 §5.4.3 (C-172)',
      remedy: 'write <target URI>, or target.location in JSON',
    });
  }
  // An inline link starts from the resource it is sent with.
  given.delete('occi.core.source');
  given.delete('occi.core.target');
  const definitions = new Map(
    registry.attributesOf(
      kind.id,
      mixins.map(({ id }) => id),
    ),
  );
  const own = [...definitions].filter(([name]) => name !== 'occi.core.source' && name !== 'occi.core.target');
  const { attributes, core } = newAttributes(given, new Map(own), new Set(), version, findings);
  const id = input.id ?? core.id;
  return {
    kind,
    mixins,
    target,
    ...(targetKind === undefined ? {} : { targetKind }),
    ...(core.title === undefined ? {} : { title: core.title }),
    ...(id === undefined ? {} : { id }),
    attributes,
  };
}

/** The first type of the target that is a known kind, else the kind at whose location the target lies. */
function targetKindOf(input: LinkInput, target: string, registry: CategoryRegistry): TypeId | undefined {
  const named = input.rel.find((id) => registry.kind(id) !== undefined);
  if (named !== undefined) return named;
  const path = target.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*/, '');
  const category = registry.atLocation(path.slice(0, path.lastIndexOf('/') + 1));
  return category?.class === 'kind' ? category.id : undefined;
}

/** By what a mixin of the link applies to, by the target's kind, else the plain link. */
function inferredKind(
  mixins: readonly Mixin[],
  targetKind: TypeId | undefined,
  registry: CategoryRegistry,
): Kind | undefined {
  const applied = mixins.flatMap(({ applies }) => applies).find((id) => registry.isA(id, CORE_LINK));
  const leading = LINK_KINDS.find(([target]) => targetKind !== undefined && registry.isA(targetKind, target))?.[1];
  return registry.kind(applied ?? leading ?? CORE_LINK);
}

function toRef(id: TypeId): { scheme: string; term: string } {
  const end = id.indexOf('#') + 1;
  return { scheme: id.slice(0, end), term: id.slice(end) };
}
