/**
 * The style sheet, the script and the icon of the pages, served from memory below `/console/assets/`. They are part of the
 * program, say nothing about anyone, and are read without signing in; their names change with their content, so that
 * browsers may keep them for good.
 */

import { createHash } from 'node:crypto';
import type { Endpoint } from '../express-app.js';
import { SCRIPT } from './script.js';
import { STYLE_SHEET } from './style-sheet.js';

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d4e89"/><path d="M7 9l9 15 9-15" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

/** The paths of the assets. */
export const ASSETS = {
  style: pathOfAsset(STYLE_SHEET, 'css'),
  script: pathOfAsset(SCRIPT, 'js'),
  icon: pathOfAsset(ICON, 'svg'),
} as const;

export function assetEndpoints(): Endpoint[] {
  return [
    assetEndpoint(ASSETS.style, 'text/css; charset=utf-8', STYLE_SHEET),
    assetEndpoint(ASSETS.script, 'text/javascript; charset=utf-8', SCRIPT),
    assetEndpoint(ASSETS.icon, 'image/svg+xml', ICON),
    CONSOLE,
  ];
}

/** Whoever looks for a console finds the pages, which begin at the root. */
const CONSOLE: Endpoint = {
  method: 'get',
  path: '/console/',
  open: true,
  handle: async (_request, response) => {
    response.statusCode = 303;
    response.setHeader('Location', '/');
    response.end();
  },
};

function assetEndpoint(path: string, contentType: string, content: string): Endpoint {
  const bytes = Buffer.from(content);
  return {
    method: 'get',
    path,
    open: true,
    handle: async (_request, response) => {
      response.setHeader('Content-Type', contentType);
      response.setHeader('Content-Length', bytes.length);
      response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
      response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
      response.end(bytes);
    },
  };
}

function pathOfAsset(content: string, suffix: string): string {
  return `/console/assets/${createHash('sha256').update(content).digest('hex').slice(0, 16)}.${suffix}`;
}
