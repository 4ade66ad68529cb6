/** The forms of an entity's page: its actions, a partial update, its mixins, its removal (GFD.223 §10). */

import {
  isLinkView,
  OS_TPL,
  type AttributeDefinition,
  type EntityView,
  type Mixin,
  type TypeId,
} from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { attributeField, plainField, type Attempt } from './fields.js';
import { attemptOf, folded, form } from './form.js';
import { categoryLink, nameOf, termOf, titleOf } from './labels.js';
import { attributesToGive, mixinChoice } from './mixin-choice.js';
import { html, visible, type Html } from './template.js';

export interface EntityForms {
  readonly registry: CategoryRegistry;
  readonly view: EntityView;
  /** Path of the entity. */
  readonly path: string;
  /** The entity's tag when the page was made: a change is refused if it has changed since (K13). */
  readonly etag: string;
  readonly attempt?: Attempt | undefined;
}

/** A button for each action that is possible now; those with parameters are folded. */
export function actionForms({ registry, view, path, attempt }: EntityForms): Html {
  const actions = view.actions.flatMap((id) => registry.action(id) ?? []);
  const simple = actions.filter((action) => action.attributes.size === 0);
  const others = actions.filter((action) => action.attributes.size > 0);
  return html`${
      simple.length > 0 &&
      html`<div class="bar">
        ${simple.map(({ id }) =>
          form({ path, name: 'act', hidden: { action: id }, submit: visible(termOf(id)), tone: 'main' }),
        )}
      </div>`
    }
    <div class="categories">
      ${others.map(({ id, term, attributes }) => {
        const here = attemptOf(attempt, 'act', ['action', id]);
        const fields = [...attributes.values()].map((definition) =>
          attributeField({ definition, within: `act-${term}`, attempt: here }),
        );
        const content = html`<div class="fields">${fields}</div>`;
        const act = form({ path, name: 'act', hidden: { action: id }, content, submit: visible(termOf(id)) });
        const hint = html`<span class="hint">${visible(titleOf(registry, id))}</span>`;
        return folded(html`${visible(termOf(id))} ${hint}`, act, !!here);
      })}
    </div>
    ${actions.length === 0 && html`<p class="lead">No action is possible in the present state.</p>`}`;
}

/** The attributes that can be changed, as they are now. */
export function updateForm({ registry, view, path, etag, attempt }: EntityForms): Html {
  const here = attemptOf(attempt, 'update');
  const fields = changeable(registry, view).map((definition) =>
    attributeField({ definition, within: 'update', value: presentValue(view, definition.name), attempt: here }),
  );
  const content = html`<div class="fields">${fields}</div>`;
  return folded(
    'Change',
    form({ path, name: 'update', hidden: { etag }, content, submit: 'Save', tone: 'main' }),
    !!here,
  );
}

/** The definitions that an update can speak of. */
export function changeable(registry: CategoryRegistry, view: EntityView): AttributeDefinition[] {
  return [...registry.attributesOf(view.kind, view.mixins).values()].filter(
    ({ mutable, createOnly, version }) => mutable && createOnly !== true && version !== '1.1',
  );
}

/** An attribute of the entity, title and summary among them. */
export function presentValue(view: EntityView, name: string): EntityView['attributes'][string] | undefined {
  if (name === 'occi.core.title') return view.title;
  if (name === 'occi.core.summary') return isLinkView(view) ? undefined : view.summary;
  if (isLinkView(view) && name === 'occi.core.source') return view.source.location;
  if (isLinkView(view) && name === 'occi.core.target') return view.target.location;
  return view.attributes[name];
}

/** The mixins that it has, each with a way to take it off, and those that it can be given. */
export function mixinForms({ registry, view, path, attempt }: EntityForms): Html {
  const { families, single } = mixinChoice(registry, view.kind, view.mixins);
  const bare: Mixin[] = [];
  const filled: Mixin[] = [];
  for (const mixin of single) (attributesToGive(registry, view.kind, mixin).length > 0 ? filled : bare).push(mixin);
  const others = [...bare, ...[...families.values()].flat().filter(({ id }) => !view.mixins.includes(id))];
  const addFilled = (mixin: Mixin): Html => {
    const here = attemptOf(attempt, 'add-mixin', ['mixin', mixin.id]);
    const fields = attributesToGive(registry, view.kind, mixin).map((definition) =>
      attributeField({ definition, within: `add-${mixin.term}`, attempt: here }),
    );
    const content = html`<div class="fields">${fields}</div>`;
    const add = form({ path, name: 'add-mixin', hidden: { mixin: mixin.id }, content, submit: 'Add' });
    return folded(`Add: ${visible(titleOf(registry, mixin.id))}`, add, !!here);
  };
  return html`${
      view.mixins.length === 0
        ? html`<p class="lead">It has none.</p>`
        : html`<ul class="tags">
            ${view.mixins.map(
              (id) =>
                html`<li>
                  ${categoryLink(registry, id)} ${!staysOn(registry, view, id) && removeForm(registry, path, id)}
                </li>`,
            )}
          </ul>`
    }
    <div class="categories">
      ${others.length > 0 && folded('Add a mixin', addForm(registry, path, others), false)} ${filled.map(addFilled)}
    </div>`;
}

/** What another mixin depends on, and the template that a compute was made from, cannot be taken away. */
function staysOn(registry: CategoryRegistry, view: EntityView, mixin: TypeId): boolean {
  return (
    registry.dependsOn(mixin, OS_TPL) ||
    view.mixins.some((other) => other !== mixin && registry.dependsOn(other, mixin))
  );
}

function removeForm(registry: CategoryRegistry, path: string, mixin: TypeId): Html {
  const submit = html`Remove<span class="unseen"> ${visible(titleOf(registry, mixin))}</span>`;
  return form({ path, name: 'remove-mixin', hidden: { mixin }, submit, tone: 'small' });
}

function addForm(registry: CategoryRegistry, path: string, mixins: readonly Mixin[]): Html {
  const options = mixins.map(({ id }) => html`<option value="${id}">${visible(titleOf(registry, id))}</option>`);
  const content = html`<div class="fields">
    ${plainField(
      'add-mixin',
      'Mixin',
      html`<select id="add-mixin" name="mixin" required>
        ${options}
      </select>`,
    )}
  </div>`;
  return form({ path, name: 'add-mixin', content, submit: 'Add' });
}

export function removalForm({ view, path }: EntityForms): Html {
  const confirm = `Delete ${visible(nameOf(view))}? This cannot be undone.`;
  return form({ path, name: 'remove', submit: 'Delete', tone: 'danger', confirm });
}
