/** The registry of the shipped category documents, as the composition root would load it, plus one OS template. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { parseCategoryDocument } from '../../src/occi/category-document.js';
import type { AnyCategory, Mixin } from '../../src/occi/model.js';
import { CategoryRegistry } from '../../src/occi/registry.js';

export const DOCUMENTS = ['core.json', 'infrastructure.json', 'crtp.json', 'interop-egi.json'] as const;

export function readDocument(name: string): unknown {
  return JSON.parse(readFileSync(join(packageRoot, 'occi-kinds', name), 'utf8'));
}

export const provided: readonly AnyCategory[] = DOCUMENTS.flatMap((name) => [
  ...parseCategoryDocument(readDocument(name), name).categories,
]);

const INFRASTRUCTURE = 'http://schemas.ogf.org/occi/infrastructure#';

export const ubuntu: Mixin = {
  class: 'mixin',
  id: 'http://cloud.example.org/occi/os#ubuntu-22.04',
  scheme: 'http://cloud.example.org/occi/os#',
  term: 'ubuntu-22.04',
  title: 'Ubuntu 22.04',
  attributes: new Map(),
  depends: [`${INFRASTRUCTURE}os_tpl`],
  applies: [`${INFRASTRUCTURE}compute`],
  actions: [],
  location: '/mixin/os_tpl/ubuntu-22.04/',
};

export const debian: Mixin = {
  ...ubuntu,
  id: 'http://cloud.example.org/occi/os#debian',
  term: 'debian',
  title: 'Debian',
  location: '/mixin/os_tpl/debian/',
};

export const registry = CategoryRegistry.of([...provided, ubuntu, debian]);

/** A tag as a user would make it. */
export function tag(term: string, more: Partial<Mixin> = {}): Mixin {
  const scheme = 'http://example.org/alice#';
  return {
    class: 'mixin',
    id: scheme + term,
    scheme,
    term,
    attributes: new Map(),
    depends: [],
    applies: [],
    actions: [],
    location: `/${term}/`,
    ...more,
  };
}
