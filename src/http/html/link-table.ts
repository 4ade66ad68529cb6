/** The links of a resource as a table (GFD.221 §5.4.3): first where they lead, then what they are. */

import type { EntityView, LinkView } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { cell, columnsOf, shortName } from './entity-table.js';
import { entityLink, pathOfView, reference, stateBadge, stateOf, termOf } from './labels.js';
import { html, type Html } from './template.js';

/** Attributes of the link itself that are shown. */
const MOST_COLUMNS = 3;

/** @param neighbours what links lead to, by path, as far as the reader may see it */
export function linkTable(
  registry: CategoryRegistry,
  links: readonly LinkView[],
  neighbours: ReadonlyMap<string, EntityView>,
): Html {
  const columns = columnsOf(links).slice(0, MOST_COLUMNS);
  return html`<div class="scroll" role="region" aria-label="Links" tabindex="0">
    <table class="list">
      <caption class="unseen">
        Links
      </caption>
      <thead>
        <tr>
          <th scope="col">Leads to</th>
          <th scope="col">Which is</th>
          <th scope="col">By the link</th>
          ${columns.map((name) => html`<th scope="col" title="${name}">${shortName(name)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${links.map((link) => {
          const target = neighbours.get(link.target.location);
          return html`<tr>
            <th scope="row">${target ? entityLink(registry, target) : reference(registry, link.target.location)}</th>
            <td>${link.target.kind !== undefined && termOf(link.target.kind)} ${target && badgeOf(target)}</td>
            <td><a href="${pathOfView(registry, link)}">${termOf(link.kind)}</a> ${badgeOf(link)}</td>
            ${columns.map((name) => html`<td>${cell(registry, link, name)}</td>`)}
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

function badgeOf(view: EntityView): Html | undefined {
  const state = stateOf(view);
  return state === undefined ? undefined : stateBadge(state);
}
