/**
 * The platform extension (GFD.227): applications, the components they are made of, and the links between them. VEP keeps
 * what is said of them; running them is the business of a platform, which none of its sites is.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { Extension } from '../../src/extension/extension.js';
import { KeptStateHandler } from '../infrastructure/kept-entity.js';
import { ApplicationHandler } from './application.js';
import { ComponentLinkHandler } from './component-link.js';
import { COMPONENT, COMPONENT_MACHINE } from './vocabulary.js';

export function createPlatform(): Extension {
  const categories = join(packageRoot, 'extensions/platform/categories.json');
  return {
    name: 'platform',
    categories: [JSON.parse(readFileSync(categories, 'utf8')) as JsonValue],
    entitySchemas: [],
    migrations: [],
    handlers: [
      new ApplicationHandler(),
      new KeptStateHandler(COMPONENT, COMPONENT_MACHINE),
      new ComponentLinkHandler(),
    ],
    operations: [],
    bodyReaders: [],
    renderings: [],
    routes: [],
    tasks: [],
  };
}
