/**
 * The frame of every page: landmarks, the way here, the collections, and the same thing in OCCI's own renderings one
 * click away. Reading needs no script; order in the source is the order of focus (WCAG 2.2, 1.3.2, 2.4.1–2.4.3).
 */

import { CORE_LINK, type Kind } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import type { Answer } from '../answer.js';
import type { Exchange } from '../occi/exchange.js';
import { ASSETS } from './assets.js';
import { collectionName, collectionsOf } from './labels.js';
import { TEXT_HTML } from './negotiation.js';
import { PROTECTION } from './protection.js';
import { html, visible, type Content, type Html } from './template.js';

export interface Page {
  readonly title: string;
  /** The way from the root to here, the last step being the page itself. */
  readonly way: readonly Step[];
  readonly content: Content;
  readonly raw?: Content;
}

export interface Step {
  readonly name: string;
  readonly path?: string;
}

type Headers = readonly (readonly [string, string])[];

/** A page as an answer. Pages hold what is the caller's, so nobody keeps them. */
export function pageAnswer(page: Page, exchange?: Exchange, status = 200, headers: Headers = []): Answer {
  const fields: Headers = [...PROTECTION, ['Cache-Control', 'no-store'], ['Vary', 'Accept'], ...headers];
  const body = frame(page, exchange).toString();
  return { status, contentType: `${TEXT_HTML}; charset=utf-8`, headers: fields, body };
}

function frame({ title, way, content, raw }: Page, exchange: Exchange | undefined): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${visible(title)} – VEP</title>
        <link rel="icon" href="${ASSETS.icon}" />
        <link rel="stylesheet" href="${ASSETS.style}" />
        <script src="${ASSETS.script}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <a class="brand" href="/">VEP</a>
          <nav aria-label="About this server">
            <a href="/-/">Categories</a>
            <a href="/console/openapi.json">OpenAPI</a>
          </nav>
          ${exchange && html`<p class="who">Signed in as <bdi>${visible(exchange.context.principal.name)}</bdi></p>`}
        </header>
        ${exchange && navigation(exchange.registry, exchange.target.path)}
        <main id="main" tabindex="-1">${way.length > 1 && trail(way)} ${content}</main>
        ${raw !== undefined && html`<footer>${raw}</footer>`}
      </body>
    </html> `;
}

function trail(way: readonly Step[]): Html {
  const steps = way.map(({ name, path }, index) =>
    path === undefined || index === way.length - 1
      ? html`<li aria-current="page"><bdi>${visible(name)}</bdi></li>`
      : html`<li><a href="${path}">${visible(name)}</a></li>`,
  );
  return html`<nav class="trail" aria-label="The way here">
    <ol>
      ${steps}
    </ol>
  </nav>`;
}

function navigation(registry: CategoryRegistry, path: string): Html {
  const kinds = collectionsOf(registry);
  const isLink = (kind: Kind): boolean => registry.isA(kind.id, CORE_LINK);
  return html`<nav class="collections" aria-label="Collections">
    <h2>Resources</h2>
    ${list(
      kinds.filter((kind) => !isLink(kind)),
      kinds,
      path,
    )}
    <h2>Links</h2>
    ${list(kinds.filter(isLink), kinds, path)}
  </nav>`;
}

function list(kinds: readonly Kind[], among: readonly Kind[], path: string): Html {
  const item = (kind: Kind): Html => {
    const { id, location = '/', title } = kind;
    const here = path.startsWith(location) && html`aria-current="true"`;
    return html`<li>
      <a href="${location}" title="${title ?? id}" ${here}>${collectionName(kind, among)}</a>
    </li>`;
  };
  return html`<ul>
    ${kinds.map(item)}
  </ul>`;
}
