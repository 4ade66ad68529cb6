/**
 * The sessions extension (`docs/access/sessions.md`): temporary access of federation users to applications, seen and
 * revoked as an OCCI kind.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { Extension } from '../../src/extension/extension.js';
import type { SessionReview } from './review.js';
import { SessionHandler, type SessionHandlerServices } from './session-handler.js';
import { sessionTables } from './tables.js';

export { SessionReview } from './review.js';
export { Sessions } from './sessions.js';
export { sessionTables } from './tables.js';

export function createSessions(services: SessionHandlerServices, review: SessionReview): Extension {
  const categories = join(packageRoot, 'extensions/sessions/categories.json');
  return {
    name: 'sessions',
    categories: [JSON.parse(readFileSync(categories, 'utf8')) as JsonValue],
    ...sessionTables,
    handlers: [new SessionHandler(services)],
    operations: [],
    bodyReaders: [],
    renderings: [],
    routes: [],
    tasks: [{ name: 'sessions', everyMs: services.sessions.config.checkMs, run: (signal) => review.run(signal) }],
  };
}
