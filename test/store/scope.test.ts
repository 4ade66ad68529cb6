/** A scope means the same evaluated on one entity and compiled to SQL (K27), on both databases. */

import fc from 'fast-check';
import { compileScope } from '../../src/store/compile-scope.js';
import { insertEntity } from '../../src/store/entities.js';
import { evaluateScope, type Scope } from '../../src/store/scope.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { entityRecord } from './records.js';

const owners = ['local:alice', 'local:bob', "x509:O'Neill"];
const groups = ['alice', 'bob', 'physics'];
const kinds = ['k#a', 'k#b'];
const ids = Array.from({ length: 6 }, (_, i) => `00000000-0000-7000-8000-00000000000${i}`);

const some = (values: readonly string[]): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom(...values, 'nobody'), { maxLength: 5 });

const scopes = fc.letrec<{ scope: Scope }>((tie) => ({
  scope: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Scope>({ op: 'all' }, { op: 'none' }),
    fc.constantFrom(...owners).map((principal): Scope => ({ op: 'owner', principal })),
    some(groups).map((list): Scope => ({ op: 'group', groups: list })),
    some(kinds).map((list): Scope => ({ op: 'kind', kinds: list })),
    some(ids).map((list): Scope => ({ op: 'entity', ids: list })),
    fc.record({
      op: fc.constantFrom('and', 'or'),
      of: fc.array(tie('scope'), { maxLength: 3 }),
    }) as fc.Arbitrary<Scope>,
    fc.record({ op: fc.constant('not'), of: tie('scope') }) as fc.Arbitrary<Scope>,
  ),
})).scope;

const rows = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom(...ids),
    owner: fc.constantFrom(...owners),
    group: fc.constantFrom(...groups),
    kind: fc.constantFrom(...kinds),
    appliance: fc.option(fc.constantFrom(...ids)),
  }),
  { selector: (row) => row.id, maxLength: 6 },
);

forEachDatabase((name, database) => {
  let store: Store;

  beforeAll(async () => {
    store = await database.open();
  });

  it('finds by SQL exactly the rows that evaluation accepts', async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.array(scopes, { minLength: 4, maxLength: 8 }), async (entities, many) => {
        await store.write(async (tx) => {
          await tx.run('DELETE FROM entity');
          for (const entity of entities) await insertEntity(tx, entityRecord(entity));
        });
        for (const scope of many) {
          const { sql, params } = compileScope(scope);
          const found = await store.pluck(`SELECT id FROM entity WHERE ${sql} ORDER BY id`, params);
          const accepted = entities.filter((entity) => evaluateScope(scope, entity)).map((entity) => entity.id);
          expect(found).toEqual(accepted.sort());
        }
      }),
      { numRuns: name === 'sqlite' ? 150 : 40 },
    );
  });
});
