/** What a creation would do (K07), as a page. */

import type { Exchange } from '../occi/exchange.js';
import type { Page } from './layout.js';
import { html, visible } from './template.js';

/** `plan` is JSON. */
export function planPage({ target }: Exchange, plan: string): Page {
  const content = html`<h1>What would be done</h1>
    <p class="lead">Nothing has been done. Go back to change what you entered, or to create it.</p>
    <div class="sheet scroll"><pre>${visible(JSON.stringify(JSON.parse(plan), null, 2))}</pre></div>`;
  const way = [{ name: 'Home', path: '/' }, { name: target.path, path: target.path }, { name: 'What would be done' }];
  return { title: 'What would be done', way, content };
}
