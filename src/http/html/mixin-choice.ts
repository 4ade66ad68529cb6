/**
 * The mixins that an entity can be given, as a form offers them (GFD.221 §5.3.4): templates of one family exclude one
 * another and are chosen from a list, the others are ticked, with their own attributes below.
 */

import { OS_TPL, RESOURCE_TPL, type AttributeDefinition, type Mixin, type TypeId } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { attributeField, plainField, type Attempt } from './fields.js';
import { titleOf } from './labels.js';
import { html, visible, type Html } from './template.js';

export interface MixinChoice {
  /** By base mixin, the templates that depend on it. */
  readonly families: ReadonlyMap<TypeId, readonly Mixin[]>;
  readonly single: readonly Mixin[];
}

const BASES: readonly TypeId[] = [OS_TPL, RESOURCE_TPL];

/** What can be associated with an entity of the kind that has not got it yet. */
export function mixinChoice(registry: CategoryRegistry, kind: TypeId, present: readonly TypeId[] = []): MixinChoice {
  const possible = registry
    .categories('1.2')
    .filter((category): category is Mixin => category.class === 'mixin' && registry.applies(category, kind));
  const families = new Map<TypeId, Mixin[]>();
  for (const mixin of possible) {
    for (const base of mixin.depends) families.set(base, [...(families.get(base) ?? []), mixin]);
  }
  const templates = new Set([...families.values()].flat().map((mixin) => mixin.id));
  const apart = ({ id }: Mixin): boolean => !BASES.includes(id) && !families.has(id) && !templates.has(id);
  const single = possible.filter((mixin) => apart(mixin) && !isServersOwn(mixin) && !present.includes(mixin.id));
  return { families, single };
}

/** A mixin all of whose attributes the server gives is there for the server to say something with. */
function isServersOwn({ attributes }: Mixin): boolean {
  return attributes.size > 0 && ![...attributes.values()].some(canBeGiven);
}

/** Attributes that a mixin brings along and a reader can give. */
export function attributesToGive(registry: CategoryRegistry, kind: TypeId, mixin: Mixin): AttributeDefinition[] {
  const own = registry.attributesOf(kind);
  return [...mixin.attributes.values()].filter(
    (definition) => !own.has(definition.name) && canBeGiven(definition) && definition.version !== '1.1',
  );
}

export function canBeGiven({ mutable, createOnly, name }: AttributeDefinition): boolean {
  return (mutable || createOnly === true) && !name.endsWith('.kind') && name !== 'occi.core.id';
}

/** A list of each family, a box for each other mixin. */
export function mixinFields(
  registry: CategoryRegistry,
  kind: TypeId,
  { families, single }: MixinChoice,
  attempt: Attempt | undefined,
): Html {
  const chosen = attempt?.submission.all('mixin') ?? [];
  const lists = [...families].map(([base, mixins], index) =>
    plainField(
      `create-family-${index}`,
      visible(familyName(registry, base)),
      html`<select id="create-family-${index}" name="mixin">
        <option value="">(none)</option>
        ${mixins.map(
          ({ id }) =>
            html`<option value="${id}" ${chosen.includes(id) && html`selected`}>
              ${visible(titleOf(registry, id))}
            </option>`,
        )}
      </select>`,
    ),
  );
  const isBare = (mixin: Mixin): boolean => attributesToGive(registry, kind, mixin).length === 0;
  const bare = single.filter(isBare);
  const filled = single.filter((mixin) => !isBare(mixin));
  const box = ({ id }: Mixin): Html =>
    html`<label class="check">
      <input type="checkbox" name="mixin" value="${id}" ${chosen.includes(id) && html`checked`} />
      ${visible(titleOf(registry, id))}
    </label>`;
  return html`${
    lists.length > 0 &&
    html`<fieldset>
      <legend>Templates</legend>
      <div class="fields">${lists}</div>
    </fieldset>`
  }
  ${
    bare.length > 0 &&
    html`<fieldset>
      <legend>Mixins</legend>
      <div class="checks">${bare.map(box)}</div>
    </fieldset>`
  }
  ${filled.map(
    (mixin) =>
      html`<fieldset>
        <legend>${box(mixin)}</legend>
        <div class="fields">
          ${attributesToGive(registry, kind, mixin).map((definition) =>
            // Required only once the box is ticked, which the server sees.
            attributeField({ definition: { ...definition, required: false }, within: `create-${mixin.term}`, attempt }),
          )}
        </div>
      </fieldset>`,
  )}`;
}

function familyName(registry: CategoryRegistry, base: TypeId): string {
  return titleOf(registry, base).replace(/ base mixin$/i, '');
}
