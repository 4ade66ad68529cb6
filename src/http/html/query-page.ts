/** The query interface as a page (GFD.223 §9): every category with its attributes and actions, and the mixins that users define. */

import type { Principal } from '../../access/principal.js';
import type { AnyCategory, AttributeDefinition, Mixin } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { categoriesVisibleIn, type CategoryView } from '../../occi/visible.js';
import type { Exchange } from '../occi/exchange.js';
import { plainField, type Attempt } from './fields.js';
import { alert, attemptOf, folded, form } from './form.js';
import { categoryLink, titleOf } from './labels.js';
import type { Page } from './layout.js';
import { html, visible, type Content, type Html } from './template.js';

export function queryPage({ registry, target, context: { principal } }: Exchange, attempt?: Attempt): Page {
  const views = categoriesVisibleIn(registry, '1.2');
  const section = (title: string, categoryClass: AnyCategory['class']): Html => {
    const found = views.filter(({ category }) => category.class === categoryClass);
    return html`<section aria-labelledby="${categoryClass}s">
      <h2 id="${categoryClass}s">${title} (${found.length})</h2>
      <div class="categories">${found.map((view) => categoryItem(registry, view, target.path, principal))}</div>
    </section>`;
  };
  const content = html`<h1>Categories</h1>
    <p class="lead">
      Everything that this server knows: the kinds of things it has, the mixins that add to them, and the actions on
      them.
    </p>
    ${attempt && alert(attempt.problem)}
    <p data-narrow="details.category" hidden>
      <label for="narrow">Show only what contains</label> <input id="narrow" type="search" autocomplete="off" />
    </p>
    ${section('Kinds', 'kind')} ${section('Mixins', 'mixin')}
    <div class="bar">${defineForm(target.path, attempt)}</div>
    ${section('Actions', 'action')}`;
  return { title: 'Categories', way: [{ name: 'Home', path: '/' }, { name: 'Categories' }], content };
}

function categoryItem(registry: CategoryRegistry, view: CategoryView, path: string, reader: Principal): Html {
  const { category, attributes, actions, rel, depends, applies } = view;
  const linked = (ids: readonly string[]): Content => ids.map((id) => html`${categoryLink(registry, id)} `);
  const rows: readonly (readonly [string, Content])[] = [
    ['Identifier', html`<code>${category.id}</code>`],
    [
      'Collection',
      category.class !== 'action' &&
        category.location !== undefined &&
        html`<a href="${category.location}">${category.location}</a>`,
    ],
    ['Parent', category.class === 'kind' && rel !== undefined && linked([rel])],
    ['Depends on', depends.length > 0 && linked(depends)],
    ['Applies to', applies.length > 0 && linked(applies)],
    ['Actions', actions.length > 0 && actions.map((id) => titleOf(registry, id)).join(', ')],
  ];
  const own =
    category.class === 'mixin' &&
    category.ownerGroup !== undefined &&
    (category.madeBy === reader.id || reader.roles.has('administrator'));
  return html`<details class="category">
    <summary>
      <code>${visible(category.term)}</code>
      ${category.title !== undefined && html`<span class="hint">${visible(category.title)}</span>`}
    </summary>
    <div>
      <dl>
        ${rows.map(
          ([term, content]) =>
            content !== false &&
            html`<dt>${term}</dt>
              <dd>${content}</dd>`,
        )}
      </dl>
      ${attributes.length > 0 && attributeTable(attributes)} ${own && forgetForm(path, category)}
    </div>
  </details>`;
}

function attributeTable(attributes: readonly AttributeDefinition[]): Html {
  return html`<div class="scroll">
    <table>
      <caption>
        Attributes
      </caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Type</th>
          <th scope="col">Given by</th>
          <th scope="col">Default</th>
        </tr>
      </thead>
      <tbody>
        ${attributes.map(
          (definition) =>
            html`<tr>
              <th scope="row">
                <span class="name">${definition.name}</span>
                ${definition.description !== undefined && html`<span class="hint">${visible(definition.description)}</span>`}
              </th>
              <td>
                ${definition.type}
                ${definition.pattern && html`<span class="hint"><code>${JSON.stringify(definition.pattern)}</code></span>`}
              </td>
              <td>${givenBy(definition)}</td>
              <td>${definition.default !== undefined && html`<code>${JSON.stringify(definition.default)}</code>`}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function givenBy({ mutable, createOnly, required }: AttributeDefinition): string {
  if (createOnly === true) return required ? 'you, at creation; required' : 'you, at creation';
  if (!mutable) return 'the server';
  return required ? 'you; required' : 'you';
}

function defineForm(path: string, attempt: Attempt | undefined): Html {
  const here = attemptOf(attempt, 'define-mixin');
  const field = (name: string, label: string, hint: string, required = true): Html => {
    const value = here?.submission.one(name) ?? '';
    const input = html`<input
      id="define-${name}"
      name="${name}"
      type="text"
      value="${value}"
      ${required && html`required`}
    />`;
    return plainField(`define-${name}`, label, input, hint);
  };
  const content = html`<div class="fields">
    ${field('term', 'Term', 'Its short name, such as blue')}
    ${field('scheme', 'Scheme', 'A URI of yours that ends in #, such as http://example.org/tags#')}
    ${field('location', 'Location', 'Path of its collection, such as /tags/blue/')}
    ${field('title', 'Title', 'For people', false)}
  </div>`;
  return folded(
    'Define a mixin',
    form({ path, name: 'define-mixin', content, submit: 'Define', tone: 'main' }),
    !!here,
  );
}

function forgetForm(path: string, mixin: Mixin): Html {
  return form({
    path,
    name: 'forget-mixin',
    hidden: { mixin: mixin.id },
    submit: 'Delete this mixin',
    tone: 'danger',
    confirm: `Delete the mixin ${visible(mixin.term)}? Its members stay.`,
  });
}
