import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../base/config.js';
import type { JsonValue } from '../base/json.js';
import { packageRoot } from '../base/package-root.js';
import { parseCategoryDocument } from '../occi/category-document.js';
import { CategoryRegistry } from '../occi/registry.js';
import type { Extension } from './extension.js';

/** The standard's categories and what the extensions add, checked as a whole. */
export function providerCategories(
  { interop }: Pick<Config, 'interop'>,
  extensions: readonly Extension[],
): CategoryRegistry {
  const folder = join(packageRoot, 'occi-kinds');
  const files = readdirSync(folder).filter(
    (file) => file.endsWith('.json') && (interop.egi || file !== 'interop-egi.json'),
  );
  const standard = files
    .sort()
    .map((file) => parseCategoryDocument(JSON.parse(readFileSync(join(folder, file), 'utf8')) as JsonValue, file));
  const added = extensions.flatMap((extension) =>
    extension.categories.map((document) => parseCategoryDocument(document, `extensions/${extension.name}`)),
  );
  return CategoryRegistry.of([...standard, ...added].flatMap((document) => document.categories));
}
