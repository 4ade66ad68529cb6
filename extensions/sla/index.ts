/**
 * The sla extension (GFD.228, K16): agreements as resources, their links to what they govern, and the mixin that shows on
 * a governed resource. What can be promised is decided in `src/sla`; who asks for it is the appliance's extension.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { Extension } from '../../src/extension/extension.js';
import { AgreementHandler, type AgreementHandlerServices } from './agreement.js';
import { AgreementLinkHandler } from './agreement-link.js';

export { Agreements } from './agreements.js';

export function createSla(services: AgreementHandlerServices): Extension {
  const categories = join(packageRoot, 'extensions/sla/categories.json');
  return {
    name: 'sla',
    categories: [JSON.parse(readFileSync(categories, 'utf8')) as JsonValue],
    entitySchemas: [],
    migrations: [],
    handlers: [new AgreementHandler(services), new AgreementLinkHandler(services.entities)],
    operations: [],
    bodyReaders: [],
    renderings: [],
    routes: [],
    tasks: [],
  };
}
