/** One entity as a page (GFD.223 §10): what it is, what can be done with it, and where it leads. */

import type { EntityView, Kind, LinkView, TypeId } from '../../occi/model.js';
import { CORE_LINK, isLinkView } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import type { Exchange } from '../occi/exchange.js';
import { isCreatable } from './create-form.js';
import { actionForms, mixinForms, removalForm, updateForm, type EntityForms } from './entity-forms.js';
import type { Attempt } from './fields.js';
import { alert } from './form.js';
import {
  categoryLink,
  collectionName,
  collectionsOf,
  entityLink,
  nameOf,
  pathOfView,
  reference,
  stateBadge,
  stateOf,
  termOf,
  valueOf,
} from './labels.js';
import type { Page } from './layout.js';
import { linkTable } from './link-table.js';
import { html, visible, type Content, type Html } from './template.js';

export interface EntityPage {
  readonly exchange: Exchange;
  readonly kind: Kind;
  readonly view: EntityView;
  readonly etag: string;
  /** Entities at the other ends of its links, or at its own ends, by path. */
  readonly neighbours: ReadonlyMap<string, EntityView>;
  readonly attempt?: Attempt | undefined;
}

export function entityPage({ exchange, kind, view, etag, neighbours, attempt }: EntityPage): Page {
  const { registry } = exchange;
  const name = nameOf(view);
  const forms: EntityForms = { registry, view, path: pathOfView(registry, view), etag, attempt };
  const state = stateOf(view);
  const content = html`<h1><bdi>${visible(name)}</bdi> ${state !== undefined && stateBadge(state)}</h1>
    <p class="lead">${categoryLink(registry, view.kind)} <code>${view.id}</code></p>
    ${summaryOf(view)} ${attempt && alert(attempt.problem)} ${state !== undefined && WATCH}
    <section aria-labelledby="actions-title">
      <h2 id="actions-title">Actions</h2>
      ${actionForms(forms)}
    </section>
    <section aria-labelledby="attributes-title">
      <h2 id="attributes-title">Attributes</h2>
      ${attributeTable(registry, view)} ${updateForm(forms)}
    </section>
    ${isLinkView(view) ? ends(registry, view, neighbours) : links(exchange, view.kind, view.links, forms.path, neighbours)}
    <section aria-labelledby="mixins-title">
      <h2 id="mixins-title">Mixins</h2>
      ${mixinForms(forms)}
    </section>
    <section aria-labelledby="delete-title">
      <h2 id="delete-title">Delete</h2>
      ${removalForm(forms)}
    </section>`;
  const way = [
    { name: 'Home', path: '/' },
    { name: termOf(kind.id), path: kind.location ?? '/' },
  ];
  return { title: name, way: [...way, { name }], content };
}

/** The other ends of its links, or its own: what a page of it also names. */
export function endsOf(view: EntityView): string[] {
  return isLinkView(view)
    ? [view.source.location, view.target.location]
    : view.links.map((link) => link.target.location);
}

/** A script that reloads the page while one watches; without it the box is not shown. */
const WATCH = html`<p data-watch="3000" hidden>
  <label class="check"><input type="checkbox" autocomplete="off" /> Watch: reload every 3 seconds</label>
</p>`;

function summaryOf(view: EntityView): Content {
  const message = Object.entries(view.attributes).find(([name]) => name.endsWith('.state.message'))?.[1];
  return [
    !isLinkView(view) && view.summary !== undefined && html`<p>${visible(view.summary)}</p>`,
    typeof message === 'string' && html`<p class="lead">${visible(message)}</p>`,
  ];
}

function attributeTable(registry: CategoryRegistry, view: EntityView): Html {
  const definitions = registry.attributesOf(view.kind, view.mixins);
  const rows = Object.entries(view.attributes).map(([name, value]) => {
    const description = definitions.get(name)?.description;
    return html`<tr>
      <th scope="row">
        <span class="name">${name}</span>
        ${description !== undefined && html`<span class="hint">${visible(description)}</span>`}
      </th>
      <td>${valueOf(registry, name, value)}</td>
    </tr>`;
  });
  if (rows.length === 0) return html`<p class="lead">It has no attributes with a value.</p>`;
  return html`<div class="scroll">
    <table class="facts">
      <caption class="unseen">
        Attributes
      </caption>
      <thead class="unseen">
        <tr>
          <th scope="col">Attribute</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function links(
  { registry }: Exchange,
  source: TypeId,
  views: readonly LinkView[],
  path: string,
  neighbours: ReadonlyMap<string, EntityView>,
): Html {
  const starts = ({ id }: Kind): boolean =>
    registry.joins(id)?.sources.some((end) => registry.isA(source, end)) ?? true;
  const kinds = collectionsOf(registry).filter(
    (kind) => registry.isA(kind.id, CORE_LINK) && isCreatable(kind) && starts(kind),
  );
  const query = new URLSearchParams({ source: path }).toString();
  return html`<section aria-labelledby="links-title">
    <h2 id="links-title">Links</h2>
    ${views.length === 0 ? html`<p class="lead">It has none.</p>` : linkTable(registry, views, neighbours)}
    ${
      kinds.length > 0 &&
      html`<p>
        Add a link:
        ${kinds.map(
          (kind) => html`<a href="${kind.location ?? '/'}?${query}#create-title">${collectionName(kind, kinds)}</a> `,
        )}
      </p>`
    }
  </section>`;
}

function ends(registry: CategoryRegistry, view: LinkView, neighbours: ReadonlyMap<string, EntityView>): Html {
  const end = (path: string): Html => {
    const other = neighbours.get(path);
    return other
      ? html`${categoryLink(registry, other.kind)} ${entityLink(registry, other)}`
      : reference(registry, path);
  };
  return html`<section aria-labelledby="ends-title">
    <h2 id="ends-title">Ends</h2>
    <dl class="sheet">
      <dt>From</dt>
      <dd>${end(view.source.location)}</dd>
      <dt>To</dt>
      <dd>${end(view.target.location)}</dd>
    </dl>
  </section>`;
}
