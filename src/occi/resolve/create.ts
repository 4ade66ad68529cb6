/**
 * A request to create an entity, made precise (GFD.221 §5.3.6): one kind that can be instantiated, mixins that apply to
 * it, every attribute typed, checked and completed with defaults, and the links that come with it.
 */

import { CORE_LINK, type Attributes, type Kind, type Mixin, type OcciVersion, type TypeId } from '../model.js';
import type { CategoryRegistry } from '../registry.js';
import type { EntityInput } from '../request.js';
import { newAttributes, templatedAttributes, type CoreValues } from './attributes.js';
import { checkApplies, sortCategories } from './categories.js';
import { Findings } from './findings.js';
import { resolveLinks, type ResolvedLink } from './links.js';

export interface ResolvedCreate extends CoreValues {
  readonly kind: Kind;
  /** In the order named, each followed by what it depends on. Two templates of one sort are the handler's to judge. */
  readonly mixins: readonly Mixin[];
  /** Without `occi.core.*`. May hold immutable attributes where a default gives them a value. */
  readonly attributes: Attributes;
  readonly links: readonly ResolvedLink[];
}

export interface CreateOptions {
  readonly version: OcciVersion;
  /** The kind whose location the request was sent to (C-115); absent where any kind will do, as at the root (I-020). */
  readonly expectedKind?: TypeId;
}

/**
 * Resolves one entity to be created.
 * @throws Problem `invalid`, or `forbidden` where that is all that is wrong, with every fault.
 */
export function resolveCreate(input: EntityInput, registry: CategoryRegistry, options: CreateOptions): ResolvedCreate {
  const { version } = options;
  const findings = new Findings();
  const { kinds, mixins } = sortCategories(input.categories, registry, findings);
  const kind = onlyKind(kinds, input, registry, options, findings);
  if (kind === undefined) {
    resolveLinks(input.links, registry, version, findings);
    findings.throwIfAny();
    throw new Error('a creation without a kind has a finding');
  }
  checkApplies(mixins, kind, registry, version, findings);
  const definitions = registry.attributesOf(
    kind.id,
    mixins.map(({ id }) => id),
  );
  const templated = templatedAttributes(mixins, registry);
  const { attributes, core } = newAttributes(input.attributes, definitions, templated, version, findings);
  checkNoLinksOnLink(kind.id, input, registry, findings);
  const links = resolveLinks(input.links, registry, version, findings);
  findings.throwIfAny();
  return { kind, mixins, ...core, attributes, links };
}

/** For a link entity HTTP Links are not allowed (C-156). */
export function checkNoLinksOnLink(
  kind: TypeId,
  input: EntityInput,
  registry: CategoryRegistry,
  findings: Findings,
): void {
  if (input.links.length === 0 || !registry.isA(kind, CORE_LINK)) return;
  findings.add('invalid', {
    code: 'link.on-link',
    message: 'a link cannot have links of its own',
    place: { field: 'Link' },
    rule: 'GFD.185 §3.4.4 (C-156)',
    remedy: 'leave the links out',
  });
}

function onlyKind(
  kinds: readonly Kind[],
  input: EntityInput,
  registry: CategoryRegistry,
  { expectedKind }: CreateOptions,
  findings: Findings,
): Kind | undefined {
  const [kind] = kinds;
  const complain = (code: string, message: string, rule: string, remedy: string): void => {
    findings.add('invalid', { code, message, place: { field: 'Category' }, rule, remedy });
  };
  if (kind === undefined) {
    // A category that was named but not found has its finding already.
    const named = input.categories.some((ref) => registry.resolveRef(ref) === undefined && ref.class !== 'mixin');
    if (!named) complain('kind.missing', 'the entity has no kind', 'GFD.221 §5.3.6 (C-010)', 'name exactly one kind');
    return undefined;
  }
  if (kinds.length > 1) {
    const names = kinds.map(({ id }) => id).join(' and ');
    complain(
      'kind.several',
      `the entity has more than one kind: ${names}`,
      'GFD.185 §3.4.4 (C-011)',
      'name exactly one kind',
    );
  }
  if (!registry.instantiable(kind.id)) {
    complain(
      'kind.abstract',
      `${kind.id} cannot be instantiated`,
      'GFD.221 §5.4.1 (C-009)',
      'name a kind that has a location',
    );
  }
  if (expectedKind !== undefined && kind.id !== expectedKind) {
    complain(
      'kind.location',
      `${kind.id} cannot be created in the collection of ${expectedKind}`,
      'GFD.185 §3.4.4 (C-115)',
      `send it to ${kind.location ?? '/'}`,
    );
  }
  return kind;
}
