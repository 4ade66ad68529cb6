/**
 * A request to change an entity, made precise (GFD.185 §3.4.4, GFD.223 §10): what differs from the entity as it is. A partial
 * update (POST) speaks only of what it names; a full one (PUT) takes away or resets what it leaves out. Clients send
 * back what they were shown, so whatever equals the present is no change, even where changing it is forbidden (A40).
 */

import { jsonEqual } from '../../base/json.js';
import { acceptValue, coerceValue } from '../attribute-value.js';
import {
  CORE_RESOURCE,
  isLinkView,
  type AttributeDefinition,
  type AttributeValue,
  type EntityView,
  type LinkView,
} from '../model.js';
import type { Mixin, OcciVersion } from '../model.js';
import type { CategoryRegistry } from '../registry.js';
import type { AttributeInput, EntityInput, LinkInput } from '../request.js';
import { isAccepted, visibleIn } from '../visible.js';
import {
  definitionOf,
  immutable,
  isCoreAttribute,
  required,
  templatedAttributes,
  type Definitions,
} from './attributes.js';
import { checkApplies, sortCategories } from './categories.js';
import { checkNoLinksOnLink } from './create.js';
import { Findings } from './findings.js';
import { resolveLinks, type ResolvedLink } from './links.js';
import { sameEntity, sameReference } from './reference.js';

export interface ResolvedUpdate {
  /** Attributes with a new value; `undefined` takes one away. Without `occi.core.*`. */
  readonly attributes: ReadonlyMap<string, AttributeValue | undefined>;
  /** There only if it changes; `undefined` takes it away. */
  readonly title?: string | undefined;
  readonly summary?: string | undefined;
  /** Closed over what they depend on. Which older template a new one displaces is the handler's to say (GFD.224 §3.5). */
  readonly addedMixins: readonly Mixin[];
  readonly removedMixins: readonly Mixin[];
  readonly links: UpdatedLinks;
  /** Links: the ends that change, as the client refers to them. */
  readonly ends: LinkReferences;
  /** The request asks for nothing that is not so already. */
  readonly unchanged: boolean;
}

/** What a link joins, by URL or `urn:uuid:`. */
export interface LinkReferences {
  readonly source?: string;
  readonly target?: string;
}

/** The links of the request beside those of the entity; links that are not named stay (K20). */
export interface UpdatedLinks {
  readonly same: readonly LinkView[];
  readonly changed: readonly { readonly link: LinkView; readonly update: ResolvedUpdate }[];
  readonly added: readonly ResolvedLink[];
}

/**
 * Resolves an update of `current`, the entity in the words of both versions.
 * @throws Problem `invalid`, or `forbidden` where that is all that is wrong, with every fault.
 */
export function resolveUpdate(
  input: EntityInput,
  registry: CategoryRegistry,
  current: EntityView,
  mode: 'partial' | 'full',
  version: OcciVersion,
): ResolvedUpdate {
  const findings = new Findings();
  const update = new UpdateResolver(registry, mode, version, findings).resolve(input, current);
  findings.throwIfAny();
  return update;
}

class UpdateResolver {
  readonly #registry: CategoryRegistry;
  readonly #mode: 'partial' | 'full';
  readonly #version: OcciVersion;
  readonly #findings: Findings;

  constructor(registry: CategoryRegistry, mode: 'partial' | 'full', version: OcciVersion, findings: Findings) {
    this.#registry = registry;
    this.#mode = mode;
    this.#version = version;
    this.#findings = findings;
  }

  resolve(input: EntityInput, current: EntityView): ResolvedUpdate {
    const shown = visibleIn(current, this.#version, this.#registry);
    const { added, removed } = this.#mixins(input, current, shown);
    const ends = this.#ends(input, current);
    const attributes = this.#attributes(input, current, shown, added, removed);
    const title = this.#text('occi.core.title', current.title, input);
    const summary = isLinkView(current) ? {} : this.#text('occi.core.summary', current.summary, input);
    checkNoLinksOnLink(current.kind, input, this.#registry, this.#findings);
    const links = isLinkView(current) ? NO_LINKS : this.#links(input.links, current.links);
    const texts = {
      ...('value' in title ? { title: title.value } : {}),
      ...('value' in summary ? { summary: summary.value } : {}),
    };
    const changes = attributes.size + added.length + removed.length + links.changed.length + links.added.length;
    const others = Object.keys(texts).length + Object.keys(ends).length;
    return {
      attributes,
      ...texts,
      addedMixins: added,
      removedMixins: removed,
      links,
      ends,
      unchanged: changes + others === 0,
    };
  }

  /** An entity keeps its kind for life (C-014). Without any category a full update leaves the mixins alone, too. */
  #mixins(
    input: EntityInput,
    current: EntityView,
    shown: EntityView,
  ): { added: readonly Mixin[]; removed: readonly Mixin[] } {
    const { kinds, mixins } = sortCategories(input.categories, this.#registry, this.#findings);
    for (const kind of kinds.filter(({ id }) => id !== current.kind)) {
      this.#findings.add('invalid', {
        code: 'kind.fixed',
        message: `the entity is of kind ${current.kind} and cannot become ${kind.id}`,
        place: { field: 'Category' },
        rule: 'GFD.221 §5.3.3 (C-014)',
        remedy: 'leave the kind out, or create another entity',
        value: kind.id,
      });
    }
    const added = mixins.filter(({ id }) => !current.mixins.includes(id));
    const kind = this.#registry.kind(current.kind);
    if (kind !== undefined) checkApplies(added, kind, this.#registry, this.#version, this.#findings);
    if (this.#mode === 'partial' || input.categories.length === 0) return { added, removed: [] };
    // What a version hides its clients cannot name, so that leaving it out says nothing.
    const kept = new Set(mixins.map(({ id }) => id));
    const hidden = current.mixins.filter((id) => !shown.mixins.includes(id));
    for (const mixin of this.#registry.closure(hidden)) kept.add(mixin.id);
    return { added, removed: current.mixins.flatMap((id) => (kept.has(id) ? [] : (this.#registry.mixin(id) ?? []))) };
  }

  #attributes(
    input: EntityInput,
    current: EntityView,
    shown: EntityView,
    added: readonly Mixin[],
    removed: readonly Mixin[],
  ): Map<string, AttributeValue | undefined> {
    const gone = new Set(removed.map(({ id }) => id));
    const stay = current.mixins.filter((id) => !gone.has(id));
    const before = this.#registry.attributesOf(current.kind, current.mixins);
    const after = this.#registry.attributesOf(current.kind, [...stay, ...added.map(({ id }) => id)]);
    const templated = templatedAttributes(added, this.#registry);
    const changes = new Map<string, AttributeValue | undefined>();
    const ends = this.#ends(input, current);
    for (const [name, value] of input.attributes) {
      if (isCoreAttribute(name)) this.#core(name, value, current, after, ends);
      else if (!templated.has(name))
        this.#attribute(name, value, current, shown, gone.size > 0 ? merged(before, after) : after, changes);
    }
    for (const definition of after.values()) {
      if (isCoreAttribute(definition.name)) continue;
      this.#complete(definition, { input, current, shown, templated, isNew: !before.has(definition.name) }, changes);
    }
    for (const name of Object.keys(current.attributes)) {
      if (before.has(name) && !after.has(name)) changes.set(name, undefined);
    }
    return changes;
  }

  /** One attribute of the request: no change, a change, or a finding. */
  #attribute(
    name: string,
    input: AttributeInput,
    current: EntityView,
    shown: EntityView,
    definitions: Definitions,
    changes: Map<string, AttributeValue | undefined>,
  ): void {
    if (isEcho(name, input, definitions, current, shown)) return;
    const definition = definitionOf(name, definitions, this.#version, this.#findings);
    if (definition === undefined) return;
    const present = current.attributes[name];
    if (!definition.mutable || (definition.createOnly === true && present !== undefined)) {
      this.#findings.add('forbidden', immutable(name));
      return;
    }
    const outcome = acceptValue(definition, input);
    if (!outcome.ok) this.#findings.add('invalid', outcome.fault);
    else if (!jsonEqual(outcome.value, present)) changes.set(name, outcome.value);
  }

  /** What the request does not say: templates and new mixins bring their values, a full update resets or takes away. */
  #complete(
    definition: AttributeDefinition,
    about: {
      readonly input: EntityInput;
      readonly current: EntityView;
      readonly shown: EntityView;
      readonly templated: ReadonlySet<string>;
      readonly isNew: boolean;
    },
    changes: Map<string, AttributeValue | undefined>,
  ): void {
    const { name, default: standard } = definition;
    const present = about.current.attributes[name];
    if (about.input.attributes.has(name) && !about.templated.has(name)) return;
    if (!isAccepted(definition, this.#version)) return;
    const hidden = present !== undefined && about.shown.attributes[name] === undefined;
    const fixed = !definition.mutable || definition.createOnly === true;
    const resets = this.#mode === 'full' && !fixed && !hidden;
    if (!resets && !about.templated.has(name) && !about.isNew) return;
    const missing = present === undefined || resets;
    if (about.templated.has(name) || (missing && standard !== undefined)) {
      if (!jsonEqual(standard, present)) changes.set(name, standard);
    } else if (missing && definition.required) {
      this.#findings.add('invalid', required(definition));
    } else if (resets && present !== undefined) {
      changes.set(name, undefined);
    }
  }

  /** The ends of a link are mutable (GFD.221 §5.4.3): whatever refers to another entity than before. */
  #ends(input: EntityInput, current: EntityView): LinkReferences {
    if (!isLinkView(current)) return {};
    const changed = (name: 'source' | 'target'): Partial<Record<typeof name, string>> => {
      const given = input.attributes.get(`occi.core.${name}`)?.value;
      const same = typeof given !== 'string' || sameReference(given, current[name].location);
      return same || sameEntity(given, current[name].location) ? {} : { [name]: given };
    };
    return { ...changed('source'), ...changed('target') };
  }

  /** Core attributes are echoed by every client; an id never changes (A22), and kinds of ends change with these. */
  #core(
    name: string,
    input: AttributeInput,
    current: EntityView,
    definitions: Definitions,
    ends: LinkReferences,
  ): void {
    const definition = definitionOf(name, definitions, this.#version, this.#findings);
    if (definition === undefined || CHANGED_ELSEWHERE.has(name)) return;
    if (Object.keys(ends).some((end) => name === `occi.core.${end}.kind`)) return;
    const present = coreValue(name, current);
    const text = typeof input.value === 'string' ? input.value : JSON.stringify(input.value);
    const same =
      name === 'occi.core.id' ? sameEntity(text, current.id) : present !== undefined && sameReference(text, present);
    if (same || (present === undefined && name.endsWith('.kind'))) return;
    this.#findings.add('forbidden', immutable(name));
  }

  /** Title or summary: `value` is there only if it changes. */
  #text(name: string, present: string | undefined, input: EntityInput): { value?: string | undefined } {
    const given = input.attributes.get(name);
    if (given === undefined) return this.#mode === 'full' && present !== undefined ? { value: undefined } : {};
    const definition = this.#registry.attributesOf(CORE_RESOURCE).get(name);
    if (definition === undefined) return {};
    const outcome = acceptValue(definition, given);
    if (!outcome.ok) this.#findings.add('invalid', outcome.fault);
    const changes = outcome.ok && (present === undefined || !isSaid(given, outcome.value, present));
    return changes ? { value: outcome.value as string } : {};
  }

  #links(inputs: readonly LinkInput[], present: readonly LinkView[]): UpdatedLinks {
    const same: LinkView[] = [];
    const changed: { link: LinkView; update: ResolvedUpdate }[] = [];
    const fresh: LinkInput[] = [];
    const partial = new UpdateResolver(this.#registry, 'partial', this.#version, this.#findings);
    for (const input of inputs) {
      const link = present.find((candidate) => this.#names(input, candidate));
      if (link === undefined) {
        fresh.push(input);
        continue;
      }
      const update = partial.resolve(asEntity(input), link);
      if (update.unchanged) same.push(link);
      else changed.push({ link, update });
    }
    return { same, changed, added: resolveLinks(fresh, this.#registry, this.#version, this.#findings) };
  }

  /** By its own URL or id; in a full update, which never makes links, also by where it leads. */
  #names(input: LinkInput, link: LinkView): boolean {
    const id = input.id ?? input.self;
    if (id !== undefined) return sameEntity(id, link.id);
    return this.#mode === 'full' && sameReference(input.target, link.target.location);
  }
}

const CHANGED_ELSEWHERE: ReadonlySet<string> = new Set(
  ['title', 'summary', 'source', 'target'].map((name) => `occi.core.${name}`),
);

const NO_LINKS: UpdatedLinks = { same: [], changed: [], added: [] };

/** A link of a request as the entity it is; where it leads from and to is compared, not changed. */
function asEntity(link: LinkInput): EntityInput {
  const attributes = new Map(link.attributes);
  if (link.target !== '' && !attributes.has('occi.core.target')) {
    attributes.set('occi.core.target', { value: link.target, typed: true });
  }
  const categories = link.categories.map((id) => ({
    scheme: id.slice(0, id.indexOf('#') + 1),
    term: id.slice(id.indexOf('#') + 1),
  }));
  return { categories, attributes, links: [], actionLinks: [] };
}

/** Whether the value is what the entity has, or what its version's view of it shows, as far as text can tell. */
function isEcho(
  name: string,
  input: AttributeInput,
  definitions: Definitions,
  current: EntityView,
  shown: EntityView,
): boolean {
  const definition = definitions.get(name);
  if (definition === undefined) return false;
  const outcome = coerceValue(definition, input);
  if (!outcome.ok) return false;
  return [current.attributes[name], shown.attributes[name]].some(
    (present) => present !== undefined && isSaid(input, outcome.value, present),
  );
}

/** Whether a value that came in says what is present. Text has blanks for control characters, so it cannot tell them apart. */
function isSaid(input: AttributeInput, value: AttributeValue, present: AttributeValue): boolean {
  if (typeof value !== 'string' || typeof present !== 'string' || input.typed) return jsonEqual(value, present);
  return value.replace(/\p{Cc}/gu, ' ') === present.replace(/\p{Cc}/gu, ' ');
}

function coreValue(name: string, view: EntityView): string | undefined {
  if (!isLinkView(view)) return undefined;
  const end = name.startsWith('occi.core.source') ? view.source : view.target;
  return name.endsWith('.kind') ? end.kind : end.location;
}

/** The later definitions, and what only the earlier ones have: an echo may name what its own change takes away. */
function merged(before: Definitions, after: Definitions): Definitions {
  return new Map([...before, ...after]);
}
