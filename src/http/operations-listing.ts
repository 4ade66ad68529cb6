/**
 * `/events/operations`: the work that is under way on entities the caller may read, all of it at once, which the event
 * streams tell one subject at a time. With `?entity=<id>` what has been done to one entity, the latest last, with what was
 * found where it failed. A VEP that has this one as its site goes by it.
 */

import type { Access } from '../access/access.js';
import { problem } from '../base/errors.js';
import { isUuid } from '../base/ids.js';
import type { JsonValue } from '../base/json.js';
import { compileScope } from '../store/compile-scope.js';
import type { Store } from '../store/sql.js';
import type { Endpoint } from './express-app.js';
import { onlyParameters, parameter } from './target.js';

interface OperationRow {
  readonly id: string;
  readonly type: string;
  readonly entity: string;
  readonly state: string;
  readonly message: string;
  readonly findings: string;
}

/** How many operations of one entity are told: the latest. */
const LATEST = 20;

export function operationsEndpoint({ store, access }: { readonly store: Store; readonly access: Access }): Endpoint {
  return {
    method: 'get',
    path: '/events/operations',
    handle: async (request, response, principal) => {
      const target = request.vep?.target ?? { path: '/events/operations', query: [] };
      onlyParameters(target, ['entity']);
      const entity = parameter(target, 'entity');
      if (entity !== undefined && !isUuid(entity)) {
        throw problem('malformed', 'events.entity', 'entity is not the id of an entity', {
          place: { field: 'entity' },
          remedy: 'ask for /events/operations?entity=<uuid>, or leave it out',
        });
      }
      if (!principal) return void response.json({ operations: [] });
      await access.prepare(principal);
      const { sql, params } = compileScope(access.scope(principal, 'read'), 'e');
      const which = entity === undefined ? 'o.finished_at IS NULL' : 'o.entity = ?';
      const rows = await store.all<OperationRow>(
        'SELECT o.id AS id, o.type AS type, o.entity AS entity, o.state AS state, o.message AS message, ' +
          `o.findings AS findings FROM operation o JOIN entity e ON e.id = o.entity WHERE ${which} AND (${sql}) ` +
          `ORDER BY o.turn${entity === undefined ? '' : ` DESC LIMIT ${LATEST}`}`,
        [...(entity === undefined ? [] : [entity]), ...params],
      );
      const operations = rows.map((row) => ({ ...row, findings: JSON.parse(row.findings) as JsonValue }));
      response.setHeader('Cache-Control', 'no-store');
      response.json({ operations: entity === undefined ? operations : operations.toReversed() });
    },
  };
}
