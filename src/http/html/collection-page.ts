/** Collections as pages (GFD.223 §11): of a kind, of a mixin, and of what lies below an unbound path. */

import type { EntityView, Kind, Mixin } from '../../occi/model.js';
import { CORE_LINK } from '../../occi/model.js';
import type { Exchange } from '../occi/exchange.js';
import { createForm, isCreatable } from './create-form.js';
import { entityTable } from './entity-table.js';
import { plainField, type Attempt } from './fields.js';
import { filterForm } from './filter.js';
import { alert, folded, form } from './form.js';
import { collectionName, collectionsOf, nameOf, pathOfView, termOf } from './labels.js';
import type { Page, Step } from './layout.js';
import { html, visible, type Html } from './template.js';

/** One page of a list. */
export interface Members {
  readonly views: readonly EntityView[];
  readonly neighbours: ReadonlyMap<string, EntityView>;
  /** From 1. */
  readonly page: number;
  /** Entities on a full page. */
  readonly number: number;
}

export interface KindPage {
  readonly exchange: Exchange;
  readonly kind: Kind;
  readonly members: Members;
  readonly rehearsed: boolean;
  readonly uploads: boolean;
  readonly ends: readonly EntityView[];
  readonly source: string | undefined;
  readonly attempt: Attempt | undefined;
}

export function kindPage(about: KindPage): Page {
  const { exchange, kind, members, attempt } = about;
  const { registry } = exchange;
  const title = termOf(kind.id);
  const content = html`<h1>${visible(title)}</h1>
    <p class="lead">${kind.title !== undefined && `${visible(kind.title)} – `}<code>${kind.id}</code></p>
    ${attempt && alert(attempt.problem)} ${filterForm(exchange, kind)} ${memberList(exchange, members, title)}
    ${isCreatable(kind) && createForm({ ...about, registry })}`;
  return { title, way: [HOME, { name: title }], content };
}

export function mixinPage(exchange: Exchange, mixin: Mixin, members: Members, attempt?: Attempt): Page {
  const title = mixin.title ?? termOf(mixin.id);
  const path = mixin.location;
  const entityField = html`<input id="associate-entity" name="entity" type="text" required autocomplete="off" />`;
  const field = plainField('associate-entity', 'Path or URL of the entity', entityField);
  const associate = form({
    path,
    name: 'associate',
    content: html`<div class="fields">${field}</div>`,
    submit: 'Associate',
  });
  const last = (view: EntityView): Html =>
    form({
      path,
      name: 'dissociate',
      hidden: { entity: pathOfView(exchange.registry, view) },
      submit: html`Take out<span class="unseen"> ${visible(nameOf(view))}</span>`,
      tone: 'small',
    });
  const content = html`<h1>${visible(title)}</h1>
    <p class="lead">Mixin <code>${mixin.id}</code></p>
    ${attempt && alert(attempt.problem)} ${memberList(exchange, members, title, last)}
    ${folded('Associate an entity', associate, attempt?.submission.form === 'associate')}
    ${
      mixin.ownerGroup !== undefined &&
      form({
        path: '/-/',
        name: 'forget-mixin',
        hidden: { mixin: mixin.id },
        submit: 'Delete this mixin',
        tone: 'danger',
        confirm: `Delete the mixin ${visible(title)}? Its members stay.`,
      })
    }`;
  return { title, way: [HOME, { name: 'Categories', path: '/-/' }, { name: title }], content };
}

/** What lies below a path: the collections, and all their entities. */
export function unboundPage(exchange: Exchange, path: string, members: Members): Page {
  const { registry } = exchange;
  const home = path === '/';
  const kinds = collectionsOf(registry).filter(
    (kind) => (kind.location ?? '').startsWith(path) && isCreatable(kind) && !registry.isA(kind.id, CORE_LINK),
  );
  const mixins = home
    ? []
    : registry
        .categories('1.2')
        .filter((category): category is Mixin => category.class === 'mixin' && category.location.startsWith(path));
  const card = (location: string, name: string, text: string): Html =>
    html`<li>
      <a href="${location}"><strong>${visible(name)}</strong><span>${visible(text)}</span></a>
    </li>`;
  const title = home ? 'Your cloud' : path;
  const content = html`<h1>${title}</h1>
    <ul class="cards">
      ${kinds.map((kind) => card(kind.location ?? '/', collectionName(kind, kinds), kind.title ?? kind.id))}
      ${mixins.map(({ id, location, title: text }) => card(location, text ?? termOf(id), location))}
    </ul>
    <h2>${home ? 'Everything in it' : 'Everything below'}</h2>
    ${memberList(exchange, members, title)}`;
  return { title, way: home ? [HOME] : [HOME, { name: path }], content };
}

const HOME: Step = { name: 'Home', path: '/' };

function memberList(
  exchange: Exchange,
  { views, neighbours, page, number }: Members,
  caption: string,
  last?: (view: EntityView) => Html,
): Html {
  const { registry, target } = exchange;
  const filtered = target.query.some(([name, value]) => (name === 'mixin' || name === 'attribute') && value !== '');
  const none =
    page > 1 ? 'There are no more.' : filtered ? 'Nothing passes this filter.' : 'There is nothing here yet.';
  const to = (other: number): string => {
    const kept = target.query.filter(([name]) => !['page', 'number', 'as'].includes(name));
    const query = new URLSearchParams(kept.map(([name, value]): [string, string] => [name, value]));
    query.set('page', String(other));
    query.set('number', String(number));
    return `${target.path}?${query.toString()}`;
  };
  const more = number > 0 && views.length === number;
  return html`${
    views.length === 0
      ? html`<p class="sheet empty">${none}</p>`
      : entityTable({ registry, views, caption, neighbours, ...(last ? { last } : {}) })
  }
  ${
    (page > 1 || more) &&
    html`<nav class="pages" aria-label="Pages">
      ${page > 1 && html`<a href="${to(page - 1)}" rel="prev">Previous</a>`} <span>Page ${page}</span>
      ${more && html`<a href="${to(page + 1)}" rel="next">Next</a>`}
    </nav>`
  }`;
}
