/** A list of entities as a table: name, kind where it is not plain, state, ends of links, and what tells them apart. */

import { isLinkView, type AttributeValue, type EntityView } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { categoryLink, entityLink, isState, reference, stateBadge, stateOf, valueOf } from './labels.js';
import { html, type Content, type Html } from './template.js';

export interface EntityTable {
  readonly registry: CategoryRegistry;
  readonly views: readonly EntityView[];
  /** What the table is of, for those who do not see it. */
  readonly caption: string;
  /** Entities that links lead to, by path. */
  readonly neighbours?: ReadonlyMap<string, EntityView>;
  /** A last cell for each row. */
  readonly last?: (view: EntityView) => Content;
}

/** More attributes than this make a table that nobody reads. */
const MOST_COLUMNS = 4;
const LONGEST_CELL = 48;

export function entityTable({ registry, views, caption, neighbours, last }: EntityTable): Html {
  const mixed = new Set(views.map((view) => view.kind)).size > 1;
  const states = views.some((view) => stateOf(view) !== undefined);
  const links = views.some(isLinkView);
  const columns = mixed ? [] : columnsOf(views);
  const end = (path: string): Html => {
    const view = neighbours?.get(path);
    return view ? entityLink(registry, view) : reference(registry, path);
  };
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table class="list">
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          ${mixed && html`<th scope="col">Kind</th>`} ${states && html`<th scope="col">State</th>`}
          ${links && html`<th scope="col">From</th>`} ${links && html`<th scope="col">To</th>`}
          ${columns.map((name) => html`<th scope="col" title="${name}">${shortName(name)}</th>`)}
          ${last && html`<th scope="col"><span class="unseen">What can be done</span></th>`}
        </tr>
      </thead>
      <tbody>
        ${views.map((view) => {
          const state = stateOf(view);
          return html`<tr>
            <th scope="row">${entityLink(registry, view)}</th>
            ${mixed && html`<td>${categoryLink(registry, view.kind)}</td>`}
            ${states && html`<td>${state !== undefined && stateBadge(state)}</td>`}
            ${links && html`<td>${isLinkView(view) && end(view.source.location)}</td>`}
            ${links && html`<td>${isLinkView(view) && end(view.target.location)}</td>`}
            ${columns.map((name) => html`<td>${cell(registry, view, name)}</td>`)}
            ${last && html`<td>${last(view)}</td>`}
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

export function cell(registry: CategoryRegistry, view: EntityView, name: string): Content {
  const value = view.attributes[name];
  return value !== undefined && valueOf(registry, name, value);
}

/** The first attributes that are short enough in every row. */
export function columnsOf(views: readonly EntityView[]): string[] {
  const names = [...new Set(views.flatMap((view) => Object.keys(view.attributes)))];
  return names
    .filter((name) => !isState(name) && !name.endsWith('.message'))
    .filter((name) => views.every((view) => fits(view.attributes[name])))
    .slice(0, MOST_COLUMNS);
}

function fits(value: AttributeValue | undefined): boolean {
  return value === undefined || (typeof value !== 'object' && String(value).length <= LONGEST_CELL);
}

/** An attribute's name without what all of its kind begin with. */
export function shortName(name: string): string {
  return name.replace(/^(?:occi\.[a-z]+|eu\.contrail-project(?:\.[a-z]+)?)\./, '');
}
